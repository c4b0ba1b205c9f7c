"""Plates of France, Germany, the United Kingdom, Ireland and Belgium's other neighbours in detail."""

from __future__ import annotations

from . import fonts
from .benelux import DIGITS, LETTERS, fill
from .layout import BLACK, EU_BLUE, RUBY, WHITE, YELLOW, Band, Spec, shade

# France ----------------------------------------------------------------------

FRENCH_LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"
DEPARTMENTS = [f"{n:02d}" for n in range(1, 96)] + ["2A", "2B", "971", "974"]


def france(rng, kind: str | None = None) -> Spec:
    draw = rng.random()
    department = Band("", foot=rng.choice(DEPARTMENTS), stars=False, right=True)
    if kind == "old" or draw < 0.10:
        text = fill(rng, rng.choice(["9999 LL ", "999 LLL ", "99 LLL ", "9999 LL ", "999 LL "])) + rng.choice(DEPARTMENTS)
        return Spec("FR", [text], bg=rng.choice([WHITE, YELLOW]), bands=[Band("F")] if rng.random() < 0.5 else [], cap=75, cell=42,
                    gap=7, space=20, equal=False, kind="old", family=rng.choice(["din", "din-narrow", "sans"]))
    text = fill(rng, rng.choice(["LL-999-LL"] * 8 + ["\\W\\W-999-LL", "\\W-999-LL"]), FRENCH_LETTERS)
    family = rng.choice(["din", "din", "din-narrow", "sans", "condensed"])
    spec = Spec("FR", [text], bands=[Band("F"), department], cap=75, cell=41, gap=8, space=20, equal=rng.random() < 0.4,
                family=family, border=BLACK if rng.random() < 0.15 else None, border_width=2)
    if draw < 0.22:
        head, tail = text.rsplit("-", 1)
        spec.rows, spec.size, spec.kind = [head, tail], rng.choice([(210, 130), (275, 200)]), "two-line"
        scale = spec.size[0] / 275
        spec.bands = [Band("F", width=34 * scale), Band("", foot=department.foot, stars=False, right=True, width=34 * scale)]
        spec.cap, spec.cell, spec.gap, spec.space = 72 * scale, 35 * scale, 6 * scale, 16 * scale
    elif draw < 0.25:
        spec.bg, spec.fg, spec.kind = (20, 20, 24), (225, 225, 225), "collection"
        spec.bands = [] if rng.random() < 0.5 else spec.bands
    elif draw < 0.27:
        spec.bg, spec.kind = (235, 120, 150), "provisional"
    return spec


# Germany ---------------------------------------------------------------------

DISTRICTS = """A AA AB AC AK AM AN AP AS AUR AW AZ B BA BAD BAR BB BC BGL BI BIR BIT BL BLK BM BN BO BOR BOT BRA BRB BS BT BZ C CB CE
CHA CLP COC COE CUX CW D DA DAH DAN DAU DB DD DE DEG DEL DGF DH DL DM DN DO DON DU DW E EA EBE ED EE EF EI EIC EL EM EMD EMS EN
ER ERB ERH ERZ ES ESW EU EUS F FB FD FDS FF FFB FG FL FN FO FR FRG FRI FS FT FU G GAP GE GER GF GG GI GL GM GP GR GRZ GS GT GTH
GZ H HA HAL HAM HB HBN HD HDH HE HEF HEI HF HG HGW HH HI HL HM HN HO HOL HOM HP HR HRO HS HSK HST HU HVL HX HZ IGB IK IN IZ J JL
K KA KB KC KE KEH KF KG KH KI KIB KL KLE KN KO KR KS KT KU KUN KUS KYF L LA LAU LB LD LDK LDS LER LEV LG LI LIF LIP LL LM LOS LRO
LU LWL M MA MB MEI MG MH MI MIL MK MKK MM MN MOL MOS MQ MR MS MSE MSH MSP MST MTK MUE MW MYK MZ MZG N NB ND NDH NE NEA NES NEW NF
NI NK NM NMS NOH NOM NR NU NW NWM OA OAL OB OD OE OF OG OH OHV OHZ OL OPR OS OSL P PA PAF PAN PB PE PF PI PIR PLOE PM PN PR PS
R RA RD RE REG RH RO ROS ROW RP RS RT RV RW RZ S SAD SAW SB SBK SC SDL SE SG SH SHA SHG SHK SI SIG SIM SK SL SLF SLK SLS SM SN
SO SOK SON SP SPN SR ST STA STD STL SU SW SZ TBB TF TIR TO TR TS TUE TUT UE UEM UL UM UN V VB VEC VER VG VK VR VS W WAF WAK WB WE
WEN WES WF WHV WI WIL WL WM WN WND WO WOB WS WT WTM WUE WUN WW WZ Z ZW""".split()
UMLAUT_DISTRICTS = "AÖ BÖ BÜD BÜS BÜZ DÜW FÜ FÜS GÖ GÜ GZÜ HÖS JÜL KÖT KÖZ KÜN LÖ LÖB LÜN MÜ MÜB MÜL MÜR NÖ NÜ PLÖ RÖS RÜD SÄK SÖM TÖL TÜ ÜB VÖH WÜ WÜM ZÜL".split()
DISTRICTS = [code for code in DISTRICTS if len(code) <= 3]


def german_number(rng) -> tuple[str, str]:
    district = rng.choice(DISTRICTS if rng.random() < 0.93 else UMLAUT_DISTRICTS)
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.choice([1, 2, 2, 2])))
    room = 8 - len(district) - len(letters)
    digits = rng.choice("123456789") + "".join(rng.choice(DIGITS) for _ in range(min(3, room - 1, rng.choice([1, 2, 2, 3, 3, 3]))))
    return district, letters + " " + digits


def season(canvas, rng) -> None:
    """Months of a seasonal plate, stacked small at the right end: not part of the number."""
    path = rng.choice(fonts.family_files("fe"))
    x = canvas.width / canvas.scale - 20
    for i in range(2):
        canvas.text(path, f"{rng.randint(1, 12):02d}", x, 35 + 40 * i, 22, shade(rng, BLACK))
    canvas.rectangle(x - 14, 54, x + 14, 57, BLACK)


def export_strip(canvas, rng) -> None:
    width = canvas.width / canvas.scale
    canvas.rectangle(width - 44, 3, width - 3, canvas.height / canvas.scale - 3, shade(rng, (200, 30, 35)))
    path = rng.choice(fonts.family_files("fe"))
    for i in range(3):
        canvas.text(path, f"{rng.randint(1, 28):02d}", width - 23, 24 + 30 * i, 20, shade(rng, BLACK))


def germany(rng, kind: str | None = None) -> Spec:
    draw = rng.random()
    if kind == "moped" or draw < 0.04:
        colour = rng.choice([BLACK, (20, 50, 150), (30, 110, 60)])
        return Spec("DE", [fill(rng, "999"), fill(rng, "LLL")], size=(110, 130), fg=colour, border=colour, border_width=2, family="fe",
                    cap=44, cell=26, gap=5, space=8, equal=False, kind="moped", bottom=8)
    district, tail = german_number(rng)
    if rng.random() < 0.06:
        tail += rng.choice("HE")
    spec = Spec("DE", [district + "*" + tail], bands=[Band("D")], border=BLACK, border_width=3, family="fe", cap=75, cell=44, gap=6,
                space=18, equal=False, align=rng.uniform(0.35, 0.65))
    if len(spec.rows[0]) >= 10 and rng.random() < 0.5:
        spec.family, spec.cell = "fe-narrow", 36
    if draw < 0.16:
        spec.rows, spec.size, spec.kind = [district + "*", tail], rng.choice([(340, 200), (280, 200), (180, 200), (220, 200)]), "two-line"
        if spec.size[0] < 250:
            spec.family, spec.cell, spec.cap, spec.gap, spec.space = "fe-narrow", 33, 70, 4, 10
            spec.bands = [Band("D", width=28)]
    elif draw < 0.20:
        spec.fg = spec.border = (30, 110, 60)
        spec.kind = "tax-exempt"
    elif draw < 0.23:
        spec.fg = spec.border = (190, 30, 35)
        spec.rows, spec.kind = [district + "*" + "0" + rng.choice("67") + fill(rng, "999")], "trade"
    elif draw < 0.27:
        spec.over.append(season)
        spec.align, spec.kind = 0.3, "season"
    elif draw < 0.29:
        spec.bands, spec.kind = [], "export"
        spec.rows = [district + "*" + fill(rng, "999L")]
        spec.over.append(export_strip)
        spec.align = 0.3
    elif draw < 0.33:
        spec.bands, spec.family, spec.kind, spec.equal = [], "din", "old", False
    if rng.random() < 0.06:
        spec.bg, spec.fg, spec.border, spec.bands = (20, 22, 24), (215, 215, 215), (200, 200, 200), []
        spec.kind = "black foil"
    return spec


# United Kingdom --------------------------------------------------------------

AREAS = "ABCDEFGHKLMNOPRSVWY"
RANDOM_LETTERS = "ABCDEFGHJKLMNOPRSTUVWXYZ"


def british(rng, kind: str | None = None) -> Spec:
    draw = rng.random()
    if draw < 0.72:
        ages = [f"{n:02d}" for n in list(range(2, 26)) + list(range(51, 76))]
        head, tail = rng.choice(AREAS) + rng.choice(RANDOM_LETTERS) + rng.choice(ages), fill(rng, "LLL", RANDOM_LETTERS)
    elif draw < 0.80:
        head, tail = rng.choice("ABCDEFGHJKLMNPRSTVWXY") + str(rng.randint(1, 999)), fill(rng, "LLL", RANDOM_LETTERS)
    elif draw < 0.84:
        head, tail = fill(rng, "LLL", RANDOM_LETTERS), str(rng.randint(1, 999)) + rng.choice("ABCDEFGHJKLMNPRSTVWXY")
    elif draw < 0.92:
        head, tail = fill(rng, "L", "ABCDEFGHIJKLMNOPRSTUVWYZ") + rng.choice(["IA", "EZ", "IG", "NZ", "FZ", "BZ"])[:2], str(rng.randint(1000, 9999))
    else:
        head, tail = rng.choice([(fill(rng, "LL"), str(rng.randint(1, 9999))), (str(rng.randint(1, 999)), fill(rng, "LLL")),
                                 (fill(rng, "L"), str(rng.randint(1, 999)))])
    rear = rng.random() < 0.5
    spec = Spec("GB", [f"{head} {tail}"], bg=YELLOW if rear else WHITE, family="wright", cap=79, cell=48, gap=10, space=26, equal=False,
                kind="rear" if rear else "front", size=(520, 111))
    if rng.random() < 0.4:
        colour = rng.choice([EU_BLUE, EU_BLUE, (40, 150, 60)])
        spec.bands = [Band(rng.choice(["GB", "UK", "GB", ""]) if colour == EU_BLUE else "UK", colour, stars=rng.random() < 0.6 and colour == EU_BLUE)]
        spec.space = 22
    if rng.random() < 0.3:
        spec.border, spec.border_width = BLACK, 2
    if rng.random() < 0.08:  # show plates and old ones in any face
        spec.family = rng.choice(["office", "condensed", "sans"])
    if rng.random() < 0.15:
        spec.rows, spec.size, spec.kind = [head, tail], rng.choice([(285, 203), (229, 178)]), "two-line"
        if spec.size[0] < 250:
            spec.cap, spec.cell, spec.gap, spec.bands = 64, 43, 9, []
        elif spec.bands:
            spec.cell, spec.bands[0].width = 45, 32
    elif rng.random() < 0.4:
        spec.bottom = 8
        spec.over.append(lambda canvas, rng: canvas.text(rng.choice(fonts.family_files("sans")), dealer(rng), 260, 104, 8,
                                                         shade(rng, BLACK, 40), 240))
    if rng.random() < 0.04:
        spec.bg, spec.fg, spec.border, spec.bands, spec.kind = (18, 18, 20), (225, 225, 225), (225, 225, 225), [], "historic"
    return spec


def dealer(rng) -> str:
    """The kind of words that stand on plate frames and bottom lines."""
    words = ["AUTO", "GARAGE", "MOTORS", "CARS", "NV", "BVBA", "DEALER", "SALES", "SERVICE", "LEASING", "CENTER", "GROUP", "TOYOTA",
             "AUDI", "VOLVO", "FORD", "OPEL", "PEUGEOT", "RENAULT", "SKODA", "KIA", "HYUNDAI", "MERCEDES-BENZ", "BMW", "VW"]
    out = [rng.choice(words)]
    for _ in range(rng.randint(0, 2)):
        out.append(rng.choice([rng.choice(words), "www." + rng.choice(words).lower() + ".be", "Tel. " + str(rng.randint(10**7, 10**8)),
                               rng.choice(["Gent", "Antwerpen", "Praha", "Wien", "Bratislava", "Utrecht", "Lille", "Köln", "Madrid"])]))
    return " ".join(out)
