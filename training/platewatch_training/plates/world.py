"""Brazil, the United States, and everything else ("other")."""

from __future__ import annotations

from . import fonts
from .benelux import LETTERS, fill
from .layout import BLACK, EU_BLUE, WHITE, YELLOW, Band, Spec, shade
from .states import STATES, state_plate

GREY = (188, 190, 192)
TOWNS = """SP-SAO PAULO;RJ-RIO DE JANEIRO;PR-CURITIBA;MG-BELO HORIZONTE;RS-PORTO ALEGRE;SC-FLORIANOPOLIS;BA-SALVADOR;PE-RECIFE;DF-BRASILIA;
GO-GOIANIA;ES-VITORIA;PR-LONDRINA;SP-CAMPINAS;CE-FORTALEZA;SC-JOINVILLE;PR-MARINGA;SP-SANTOS""".replace("\n", "").split(";")


def town(canvas, rng) -> None:
    """The tarjeta above an old Brazilian number: state and town, small."""
    width = canvas.width / canvas.scale
    canvas.text(rng.choice(fonts.family_files("sans")), rng.choice(TOWNS), width / 2, 14, 15, shade(rng, BLACK, 30), width * 0.6)


def seal_sticker(canvas, rng) -> None:
    """The seal's wire and coloured stickers at the upper corners, and bolts at the lower edge."""
    width, height = canvas.width / canvas.scale, canvas.height / canvas.scale
    for x in (rng.uniform(18, 40), width - rng.uniform(18, 40)):
        if rng.random() < 0.45:
            colour = shade(rng, rng.choice([(200, 40, 40), (200, 40, 40), (230, 200, 50), (60, 110, 80), (60, 60, 60)]), 30)
            canvas.disc(x, rng.uniform(14, 26), rng.uniform(5, 10), colour)
            if rng.random() < 0.6:
                canvas.disc(x + rng.uniform(-8, 8), rng.uniform(18, 32), rng.uniform(3, 7), shade(rng, colour, 40))
    for x in (width * rng.uniform(0.24, 0.33), width * rng.uniform(0.67, 0.76)):
        for y in (10, height - 8):
            if rng.random() < 0.5:
                canvas.disc(x, y, rng.uniform(3, 6), shade(rng, rng.choice([(60, 60, 60), (150, 150, 150), (30, 30, 30)])))


def mercosul_strip(canvas, rng) -> None:
    width = canvas.width / canvas.scale
    canvas.rectangle(3, 3, width - 3, 29, shade(rng, (20, 60, 150)))
    path = rng.choice(fonts.family_files("sans"))
    canvas.text(path, rng.choice(["BRASIL", "BRASIL", "BRASIL", "REPUBLICA ARGENTINA", "URUGUAY"]), width / 2, 16, 15, shade(rng, WHITE), width * 0.5)
    canvas.rectangle(width - 38, 8, width - 14, 24, shade(rng, (40, 150, 70)))
    canvas.disc(width - 26, 16, 6, shade(rng, (240, 210, 50)))
    canvas.text(path, "BR", 22, 95, 12, shade(rng, BLACK))


def brazil(rng, kind: str | None = None) -> Spec:
    """Three letters, then the digits (old: LLL-9999; since 2018: LLL9L99): O and 0 are the same die, the place decides."""
    if rng.random() < 0.68:
        spec = Spec("BR", [fill(rng, rng.choice(["LLL-9999", "LLL-9999", "LLL.9999", "LLL 9999"]))], size=(400, 130), bg=GREY, family=rng.choice(["din", "mandatory", "mandatory"]),
                    cap=66, cell=38, gap=8, space=22, top=24, bottom=4, equal=rng.random() < 0.5, kind="grey")
        if rng.random() < 0.2:
            spec.bg, spec.fg = rng.choice([((170, 30, 35), WHITE), ((170, 30, 35), WHITE), (WHITE, BLACK), ((25, 25, 28), GREY), (WHITE, (180, 30, 40))])
        if rng.random() < 0.8:
            spec.border, spec.border_width = spec.fg, 2
        spec.over += [town, seal_sticker]
        spec.squared_o = rng.random() < 0.8
        spec.cap, spec.cell, spec.gap = rng.uniform(63, 74), rng.uniform(37, 42), rng.uniform(7, 11)
    else:
        spec = Spec("BR", [fill(rng, rng.choice(["LLL9L99", "LLL9L99", "LLL 9L99"]))], size=(400, 130), family="fe", cap=66, cell=40, gap=7,
                    space=14, top=28, border=BLACK, border_width=2, equal=rng.random() < 0.5, kind="mercosul")
        spec.under.append(mercosul_strip)
        if rng.random() < 0.15:
            spec.fg = (190, 30, 40)
    if rng.random() < 0.12:
        spec.rows[0] = "O" + spec.rows[0][1:]  # the youngest series of the old numbers begin with it
    if rng.random() < 0.12:
        text = spec.rows[0].replace("-", "").replace(" ", "").replace(".", "")
        spec.rows, spec.size, spec.top, spec.bottom, spec.kind = [text[:3], text[3:]], (200, 170), 26, 2, "two-line"
        spec.cap, spec.cell, spec.gap = 60, 36, 7
    return spec


def united_states(rng, kind: str | None = None) -> Spec:
    states = list(STATES) + ["CA"] * 5 + ["TX", "FL", "NY", "LA", "IL", "MO"] * 2  # roads are not evenly filled
    return state_plate(rng, kind if kind in STATES else rng.choice(states))


OTHER_PATTERNS = ["LL 999 LL", "LLL 999", "LLL 9999", "999 LLL", "99 LL 9999", "LL 99 LL 9999", "L 999 LL 99", "LL 99 L 9999", "9999 LL", "LL-9999", "LLL-99-99",
                  "L99-L-999", "99L-99999", "99L-999.99", "99-L9 9999", "LL 99 999", "LLL 99L", "LLL9999", "99999", "999999", "9 LLL 99", "LL 999-LL", "LL 9999 LL",
                  "99-999-99", "999-99-999", "LLL L999", "XXX XXX", "XXX XXXX", "XXXXX", "XXXXXX", "XXXXXXX", "LX XXXX", "LLL LLL", "9999 LLL", "L 9999 LL", "LLL 999 LL"]


def place(canvas, rng) -> None:
    width, height = canvas.width / canvas.scale, canvas.height / canvas.scale
    name = rng.choice(["PUNJAB", "SINDH", "ICT-ISLAMABAD", "KUWAIT", "DUBAI", "KARNATAKA", "GEORGIA", "K.S.A", "MAROC", "CHILE", "COLOMBIA", "VICTORIA", "BOGOTA", "KENYA"])
    canvas.text(rng.choice(fonts.family_files("sans")), name, width / 2, height - height * 0.09, height * 0.11, shade(rng, BLACK, 40), width * 0.6)


# Eastern and south-eastern Europe without a place of its own in the country head: band letters, its colour, formats, face.
NEIGHBOURS = [
    ("SRB", EU_BLUE, ["LL 999-LL", "LL#999-LL", "LL#9999-LL", "LL 9999-LL"], "din"),
    ("BIH", EU_BLUE, ["L99-L-999", "L99-L-999", "999-L-999"], "din"),
    ("MNE", EU_BLUE, ["LL LL999", "LL#LL999"], "din"),
    ("NMK", EU_BLUE, ["LL 9999 LL", "LL#9999-LL", "LL 999-LL"], "din"),
    ("AL", EU_BLUE, ["LL 999LL", "LL 999 LL"], "fe"),
    ("RKS", EU_BLUE, ["99#999-LL", "99-999-LL"], "din"),
    ("MD", EU_BLUE, ["LLL 999", "LLL#999"], "fe"),
    ("RUS", WHITE, ["L999LL 99", "L 999 LL 99", "L999LL 999"], "sans"),
    ("BY", (150, 40, 50), ["9999 LL-9"], "din"),
    ("GE", WHITE, ["LL-999-LL"], "sans"),
]


def eastern(rng) -> Spec:
    name, colour, patterns, family = rng.choice(NEIGHBOURS)
    letters = "ABCEHKMOPTXY" if name in ("RUS", "BY") else LETTERS
    spec = Spec("other", [fill(rng, rng.choice(patterns), letters)], family=family, cell=43, gap=8, space=22, equal=rng.random() < 0.5, kind=name)
    spec.bands = [] if name == "RUS" else [Band(name, colour, stars=False)]
    if rng.random() < 0.6:
        spec.border, spec.border_width = BLACK, 2.5
    if rng.random() < 0.12 and name in ("SRB", "NMK", "RKS", "MD"):
        spec.rows[0] = spec.rows[0].replace("#", " ")
        head, _, tail = spec.rows[0].partition(" ")
        if tail:
            spec.rows, spec.size, spec.kind = [head, tail], (340, 210), "two-line"
    return spec


def other(rng, kind: str | None = None) -> Spec:
    """Plates of nowhere in particular, so that the reader has seen every shape of number."""
    if rng.random() < 0.22:
        return eastern(rng)
    dark = rng.random() < 0.2
    colours = [(WHITE, BLACK)] * 4 + [(YELLOW, BLACK)] * 2 + [(WHITE, (20, 50, 150)), (WHITE, (180, 30, 40)), (WHITE, (30, 110, 60)), ((215, 225, 235), BLACK)]
    darks = [((20, 20, 24), WHITE), ((20, 50, 150), WHITE), ((180, 30, 40), WHITE), ((30, 110, 60), WHITE), ((25, 25, 28), YELLOW)]
    bg, fg = rng.choice(darks if dark else colours)
    if rng.random() < 0.15:
        bg = tuple(rng.uniform(0, 255) for _ in range(3))
        fg = (WHITE if sum(bg) < 360 else BLACK)
    cap = rng.uniform(62, 88)
    spec = Spec("other", [fill(rng, rng.choice(OTHER_PATTERNS))], size=rng.choice([(520, 110), (520, 112), (440, 110), (400, 120), (360, 110), (330, 140), (305, 152)]),
                bg=bg, fg=fg, family=rng.choice(["any", "any", "din", "fe", "sans", "condensed", "highway"]), cap=cap, cell=cap * rng.uniform(0.46, 0.66),
                gap=rng.uniform(4, 14), space=rng.uniform(14, 36), equal=rng.random() < 0.5)
    if rng.random() < 0.3:  # painted or printed at home, often on dark plates
        spec.family = rng.choice(["office", "office", "serif"])
        if rng.random() < 0.3:
            spec.slant, spec.gap = rng.uniform(0.12, 0.35), rng.uniform(6, 14)
        if spec.family == "serif" and rng.random() < 0.6:
            spec.bg, spec.fg = (22, 22, 26), rng.choice([WHITE, WHITE, (215, 190, 110)])
        spec.cap *= rng.uniform(0.55, 1.0)
        spec.cell, fg = spec.cap * rng.uniform(0.6, 0.8), spec.fg
    if rng.random() < 0.5:
        spec.border, spec.border_width = fg, rng.uniform(1.5, 5)
    if rng.random() < 0.2:  # the name of a place under the number
        spec.bottom = spec.size[1] * 0.14
        spec.over.append(place)
    if rng.random() < 0.4:
        spec.bands = [Band(rng.choice(["RUS", "SRB", "BIH", "AL", "MK", "MD", "MNE", "IND", "", "GE", "RKS", "BY", "MA", "VN", "AND", "MC"]),
                           rng.choice([EU_BLUE, EU_BLUE, (180, 40, 40), (30, 110, 60)]), stars=False, right=rng.random() < 0.25)]
    if rng.random() < 0.25 and " " in spec.rows[0]:
        head, tail = spec.rows[0].rsplit(" ", 1)
        spec.rows, spec.size, spec.kind = [head, tail], rng.choice([(340, 220), (280, 200), (240, 180), (200, 150), (190, 140)]), "two-line"
        scale = spec.size[1] / 220
        spec.cap, spec.cell, spec.gap, spec.space = (value * scale for value in (spec.cap, spec.cell, spec.gap, spec.space))
        for band in spec.bands:
            band.width *= scale
    return spec


MAKERS = {"BR": (brazil, 9), "US": (united_states, 18), "other": (other, 12)}
