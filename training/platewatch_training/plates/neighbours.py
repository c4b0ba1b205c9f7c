"""The other plates of Europe, Ukraine and Turkey: formats, proportions, colours, bands and coats of arms."""

from __future__ import annotations

from . import fonts
from .benelux import LETTERS, fill
from .layout import BLACK, EU_BLUE, WHITE, YELLOW, Band, Spec, shade

# Common abbreviations of districts; anything else is filled at random.
CITIES = {
    "CH": "AG AI AR BE BL BS FR GE GL GR JU LU NE NW OW SG SH SO SZ TG TI UR VD VS ZG ZH".split(),
    "AT": "W W W G L S I K B P GU WB BN MD KO TU AM SB VB LL UU FR KB KU FE BZ DO LF MU SP VI HB LB MT VO ZT".split(),
    "HR": "ZG ZG ZG ST RI OS ZD PU KA SK VZ SB SI BJ CK DA DE DJ DU GS IM KC KR KT KZ MA NA NG OG PS PZ SL VK VT VU".split(),
    "SI": "LJ LJ LJ MB CE KR KP NM MS GO KK PO SG".split(),
    "SK": "BA BL KE PO NR TT TN ZA BB MI PP PD MT LM DS SC PK SN HC IL".split(),
    "RO": "B B B CJ TM IS CT BV PH DJ SB BH AR MM SV BC AG GL BZ HD IF VL NT DB OT".split(),
    "BG": "C C CA CB PB B BH A EB PK PA OB EH T CT E K M H CO".split(),
    "TR": [f"{n:02d}" for n in range(1, 82)] + ["34"] * 30 + ["06"] * 15,
    "PL": "WA WB WE WI WU WX WY KR KRA PO PZ GD DW LU LBN SK SC SB ST EL EP EWI BI CB CT FZ FG OP RZ RLA TK ZS NO NE".split(),
    "UA": "AA KA AE KE AX BH HH AC AM AP BC BB BE BI CB CE CA BM BO BT BX AI".split(),
    "IE": "D D D D C G L W LK LH KE MH WX WW KY CW CE CN DL KK LD LM LS MO MN OY RN SO TA WD TN".split(),
    "CZ": list("AAAABCEHJKLMPSTUZ"),
    "ES": "M M M B B B V A Z T L H J O S P C AB AL AV BA BI CA CC CE CO CR CS CU GC GC GE GI GR GU HU IB LE LO LU MA ML MU NA OR OU PM PO SA SE SG SO SS TE TF TF TO VA VI ZA".split(),
}
COLUMN = {"BG": "ABCEHKMOPTXY", "GR": "ABEZHIKMNOPTYX", "UA": "ABCEHIKMOPTX", "ES": "BCDFGHJKLMNPRSTVWXYZ",
          "CZ": "ABCDEFHIJKLMNPRSTUVXYZ", "PL": "ACEFGHJKLMNPRSTUVWXY", "DK": "ABCDEFGHJKLMNPRSTUVXYZ", "NO": "ABCDEFHJKLNPRSTUVXYZ",
          "SE": "ABCDEFGHJKLMNOPRSTUWXYZ", "IT": "ABCDEFGHJKLMNPRSTVWXYZ", "TR": "ABCDEFGHIJKLMNOPRSTUVYZ", "PT": LETTERS}
# Plain plates: patterns ("@" a city, "L" letter, "9" digit, "#" coat, "*" stickers), and what differs from an ordinary EU plate.
PLAIN = {
    "ES": (5, ["9999 LLL"] * 12 + ["@-9999-LL", "@-9999-L", "@ 9999 LL", "@ 9999 LL", "\\C 9999 LLL", "\\C9999LLL", "\\R 9999 LLL", "\\E-9999-LLL", "\\H 9999 LLL"], dict(cell=44, gap=9, space=26)),
    "PT": (2.5, ["99-LL-99", "99-99-LL", "LL-99-99", "LL-99-LL", "LL-99-LL"], dict(cell=46, gap=10, space=22)),
    "IT": (4, ["LL 999LL", "LL:999LL", "LL 999 LL"], dict(cell=42, gap=9, space=26)),
    "DK": (2, ["LL 99 999"], dict(border=(190, 30, 40), cell=44, gap=9, space=20)),
    "SE": (2, ["LLL 999", "LLL 99L"], dict(cell=46, gap=11, space=34)),
    "NO": (2, ["LL 99999"], dict(cell=42, gap=9, space=28)),
    "FI": (2, ["LLL-999", "LLL-99", "LL-999"], dict(cell=46, gap=10, space=26, size=(442, 110))),
    "IS": (0.7, ["LL L99", "LL 999", "LL#L99"], dict(fg=(25, 60, 140), border=(25, 60, 140), cell=44)),
    "EE": (1, ["999 LLL"], dict(cell=46, gap=10, space=30)),
    "LV": (1, ["LL-9999", "LL-999"], dict(cell=46, gap=10, space=26)),
    "LT": (1, ["LLL 999", "LLL:999"], dict(cell=46, gap=10, space=34)),
    "PL": (4, ["@ 99999", "@ 9999L", "@ 999LL", "@ 9L999", "@ 99LL9"], dict(cell=43, gap=8, space=26)),
    "CZ": (6, ["9@9 9999", "9@9*9999", "9@9 9999", "9@L 9999", "@L 99-99", "@LL 99-99"], dict(cell=44, gap=8, space=24)),
    "SK": (6, ["@#999LL", "@-999LL", "@#999LL", "LL 999LL", "@ 999LL"], dict(cell=44, gap=8, space=22)),
    "HU": (3, ["LLL-999", "LLL-999", "LL:LL-999", "LL#LL-999"], dict(cell=44, gap=8, space=22)),
    "SI": (2, ["@#99-9LL", "@#LL-999", "@#999-LL", "@#9L-999"], dict(border=(40, 130, 70), cell=42, gap=8, space=20)),
    "HR": (4, ["@#999-LL", "@#9999-LL", "@#999-L"], dict(cell=42, gap=8, space=20)),
    "RO": (5, ["@ 99 LLL", "@ 999 LLL", "@ 99 LLL"], dict(cell=42, gap=9, space=26)),
    "BG": (2, ["@ 9999 LL"], dict(cell=42, gap=8, space=20)),
    "GR": (2, ["LLL-9999", "LLL 9999"], dict(cell=44, gap=8, space=24)),
    "CY": (0.6, ["LLL 999"], dict(cell=46, gap=10)),
    "MT": (0.6, ["LLL 999"], dict(cell=46, gap=10, family="fe")),
    "UA": (2.5, ["@ 9999 LL"], dict(cell=42, gap=8, space=20)),
    "TR": (2.5, ["@ LLL 99", "@ LL 999", "@ L 9999", "@ LLL 999", "@ LL 9999"], dict(cell=42, gap=8, space=22)),
    "IE": (2, ["991-@-9999", "992-@-99999", "99-@-9999", "99-@-99999", "991-@-999"], dict(cell=39, gap=7, space=18, top=14)),
    "CH": (3, ["@.999999", "@ 999999", "@.99999", "@#9999"], dict(cell=41, gap=8, space=22)),
    "AT": (4, ["@#99999L", "@#999LL", "@#9999L", "@#99LLL", "@#9LLL"], dict(cell=42, gap=8, space=18, top=4, bottom=4)),
    "LI": (0.5, ["\\F\\L 99999", "\\F\\L#9999"], dict(bg=(18, 18, 20), fg=(230, 230, 230), cell=42)),
}
BANDS = {"FI": "FIN", "ES": "E", "PT": "P", "IT": "I", "SE": "S", "NO": "N", "EE": "EST", "HU": "H", "SI": "SLO", "MT": "M",
         "IE": "IRL", "AT": "A"}
FAMILY = {"SK": "din", "MT": "fe", "UA": "fe", "CZ": "din", "ES": "din", "AT": "din", "PL": "din", "CH": "sans", "IT": "din-narrow",
          "IE": "din", "SE": "sans", "FI": "din", "TR": "din", "HR": "din", "CY": "fe"}


def city(rng, country: str) -> str:
    return rng.choice(CITIES[country]) if country in CITIES else fill(rng, "LL")


def irish_county(canvas, rng) -> None:
    canvas.text(rng.choice(fonts.family_files("sans")), rng.choice(["BAILE ÁTHA CLIATH", "CORCAIGH", "GAILLIMH", "LUIMNEACH", "CIARRAÍ"]),
                290, 13, 12, shade(rng, BLACK))


def red_lines(canvas, rng) -> None:
    """The red stripes at the top and bottom of an Austrian plate."""
    width = canvas.width / canvas.scale
    for y in (7, 100):
        canvas.rectangle(44, y, width - 4, y + 2.5, shade(rng, (200, 30, 35)))


def portuguese_date(canvas, rng) -> None:
    width = canvas.width / canvas.scale
    canvas.rectangle(width - 36, 2, width - 2, 108, shade(rng, YELLOW))
    path = rng.choice(fonts.family_files("condensed"))
    for i in range(2):
        canvas.text(path, f"{rng.randint(1, 12):02d}", width - 19, 34 + 38 * i, 22, shade(rng, BLACK))


def plain(country: str):
    """A maker of the plates of a country without peculiarities beyond `PLAIN`."""

    def make(rng, kind: str | None = None) -> Spec:
        _, patterns, changes = PLAIN[country]
        pattern = rng.choice(patterns).replace("@", "".join("\\" + c for c in city(rng, country)))
        text = fill(rng, pattern, COLUMN.get(country, LETTERS))
        spec = Spec(country, [text], bands=[Band(BANDS.get(country, country))], family=FAMILY.get(country, "din"), equal=rng.random() < 0.5)
        for name, value in changes.items():
            setattr(spec, name, value)
        if spec.border is None and rng.random() < 0.55 and country not in ("IT", "SE", "CH", "ES"):
            spec.border, spec.border_width = spec.fg, 2.5
        peculiar(rng, spec)
        if len(spec.rows) == 1 and rng.random() < 0.12:
            two_lines(rng, spec)
        if rng.random() < 0.12:
            spec.family = rng.choice(["din", "din-narrow", "sans", "condensed", "fe"])
        spec.cell *= rng.uniform(0.92, 1.08)
        if rng.random() < 0.07 and spec.bg == WHITE:  # taxis, trade plates, rear plates, electric cars
            spec.bg, spec.fg = rng.choice([(YELLOW, BLACK), ((235, 130, 50), BLACK), (WHITE, (190, 30, 40)), (WHITE, (30, 120, 60)), (WHITE, (20, 60, 150)),
                                           ((20, 60, 150), WHITE), ((90, 170, 90), BLACK)])
        return spec

    return make


def two_lines(rng, spec: Spec) -> None:
    """The same number on a square plate."""
    text = spec.rows[0]
    if spec.country == "IE":  # year and county above, number below
        text = text.replace("-", "\0", 1).replace("-", " ", 1).replace("\0", "-")
        text = text.split(" ")[0] + "\0" + text.split(" ")[1]
    cut = text.index("\0") if "\0" in text else next((i for i, char in enumerate(text) if char in " -#*.:" and i >= 1), len(text) // 2)
    head, tail = text[: cut + 1].rstrip(" -:.\0"), text[cut:].lstrip(" -#*.:\0")
    if sum(c.isalnum() for c in head) and sum(c.isalnum() for c in tail):
        spec.rows, spec.size, spec.kind = [head, tail], rng.choice([(340, 220), (280, 200), (240, 200)]), "two-line"
        spec.over, spec.under, spec.top = [], [], 0
        scale = spec.size[0] / 360
        spec.cell, spec.gap, spec.space = spec.cell * scale, spec.gap * scale, spec.space * scale
        for band in spec.bands:
            band.width *= scale


def peculiar(rng, spec: Spec) -> None:
    """What `PLAIN` cannot say."""
    country = spec.country
    if country == "IT":
        spec.bands.append(Band("", stars=False, right=True, foot=rng.choice(["", "MI", "RM", "TO"])))
        if rng.random() < 0.3:
            spec.size, spec.cell, spec.gap, spec.space = (360, 110), 31, 6, 14
    elif country == "AT":
        if rng.random() < 0.85:
            spec.under.append(red_lines)
        spec.border = None
    elif country == "IE" and rng.random() < 0.8:
        spec.over.append(irish_county)
    elif country == "PT" and rng.random() < 0.6:
        spec.over.append(portuguese_date)
        spec.align, spec.space = 0.3, 16
    elif country == "CH":
        spec.bands = []
        if rng.random() < 0.35:
            text = spec.rows[0].replace(".", " ").replace("#", " ")
            head, _, tail = text.partition(" ")
            spec.rows, spec.size, spec.kind = [f"#{head}#", f"{tail[:-3]} {tail[-3:]}"], (300, 160), "two-line"
            spec.cap, spec.cell, spec.gap, spec.space = 56, 36, 6, 12
        elif rng.random() < 0.6:
            spec.size, spec.cap, spec.cell, spec.gap, spec.space = (300, 80), 54, 29, 5, 12
            spec.rows = ["#" + spec.rows[0].replace("#", ".") + "#"]
    elif country == "LI":
        spec.bands, spec.border = [], None
    elif country in ("TR", "NO", "UA", "IS"):
        colours = {"UA": rng.choice([(40, 100, 200), (50, 110, 200)]), "NO": EU_BLUE, "TR": EU_BLUE, "IS": EU_BLUE}
        spec.bands = [Band(country if country != "NO" else "N", colours[country], stars=False)]
        if country == "UA":
            spec.under.append(lambda canvas, rng: None)
        if country == "NO" and rng.random() < 0.4:
            spec.bands = []
    elif country == "BG" and rng.random() < 0.2:
        spec.bands = []
    elif country == "PL" and rng.random() < 0.04:
        spec.bg, spec.fg, spec.bands, spec.kind = (20, 20, 22), (225, 225, 225), [], "old"
    elif country in ("RO", "HU", "CZ", "SK", "HR", "EE", "DK", "SE", "FI") and rng.random() < 0.15:
        spec.bands = []  # issued before the band
    if country == "ES":
        text = spec.rows[0]
        if text[0] in "CREH" and not text[1].isalpha() and sum(c.isalpha() for c in text) == 4:  # mopeds, trailers, special and historic vehicles
            spec.bg = {"C": rng.choice([YELLOW, (240, 170, 40)]), "R": (190, 35, 45)}.get(text[0], WHITE)
            spec.fg = {"E": (190, 35, 45)}.get(text[0], BLACK)
            spec.bands = [] if text[0] == "C" else spec.bands
            spec.cell, spec.gap, spec.space, spec.kind = 40, 8, 18, "class letter"
        elif text[0].isalpha():  # province, until 2000
            spec.bands = [] if rng.random() < 0.6 else spec.bands
            spec.cell, spec.gap, spec.space, spec.kind = 42, 8, 18, "province"
        elif rng.random() < 0.08:  # taxis and hire cars since 2018
            spec.bg, spec.fg, spec.kind = (25, 70, 165), WHITE, "taxi"


MAKERS = {country: (plain(country), row[0]) for country, row in PLAIN.items()}
