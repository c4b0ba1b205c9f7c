"""Plates of Belgium (every series), the Netherlands and Luxembourg."""

from __future__ import annotations

from . import fonts
from .layout import BLACK, RUBY, WHITE, YELLOW, Band, Spec, shade

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"


# Letters and digits that look alike: one number in four is drawn mostly from them, so that only the place in the format tells them apart.
ALIKE_LETTERS, ALIKE_DIGITS, ALIKE_SHARE = "OOOOIIIQDDBBSSZZG", "0000111882256", 0.25


def fill(rng, pattern: str, letters: str = LETTERS) -> str:
    """`L` becomes a letter, `9` a digit, `X` either; a backslash keeps the next character; the rest stays."""
    out, keep = [], False
    digits = DIGITS
    if "X" not in pattern and rng.random() < ALIKE_SHARE:  # where any character may stand, alike ones could not be told apart
        letters, digits = letters + "".join(char for char in ALIKE_LETTERS if char in letters) * 2, DIGITS + ALIKE_DIGITS
    for char in pattern:
        if keep:
            out.append(char)
            keep = False
        elif char == "\\":
            keep = True
        elif char == "L":
            out.append(rng.choice(letters))
        elif char == "9":
            out.append(rng.choice(digits))
        elif char == "X":
            out.append(rng.choice(letters + DIGITS))
        else:
            out.append(char)
    return "".join(out)


# Belgium -----------------------------------------------------------------

MOSS = (60, 105, 65)
TRAFFIC_RED = (190, 25, 35)

# kind: (weight, patterns, foreground, background)
BELGIAN = {
    "standard": (46, ["1-LLL-999", "2-LLL-999", "2-LLL-999", "2-\\HLL-999", "1-\\XLL-999", "3-LLL-999"], RUBY, WHITE),
    "reissued": (3, ["9-LLL-999", "8-LLL-999", "0-LLL-999", "999-LLL-2", "LLL-999-2"], RUBY, WHITE),
    "trailer": (3, ["\\Q-LLL-999", "1-\\QLL-999", "\\Q-\\ALL-999"], RUBY, WHITE),
    "taxi": (3, ["\\T-\\XLL-999", "\\T-\\LLL-999", "1-\\T\\XL-999"], RUBY, WHITE),
    "oldtimer": (2, ["\\O-LLL-999", "1-\\OLL-999", "\\O-\\ALL-999"], RUBY, WHITE),
    "motorcycle": (4, ["\\M-LLL-999", "1-\\MLL-999", "\\M-\\ALL-999"], RUBY, WHITE),
    "moped": (3, ["\\S-\\ALL-999", "\\S-\\BLL-999", "\\S-\\PLL-999", "\\S-\\ULL-999"], RUBY, WHITE),
    "farm": (2, ["\\G-\\LLL-999", "\\G-LLL-999"], WHITE, TRAFFIC_RED),
    "trade": (3, ["\\Z-LLL-999", "\\Y-LLL-999", "\\V-LLL-999", "\\Z-\\ALL-999"], MOSS, WHITE),
    "national": (1, ["\\UL-99-LLL"], RUBY, WHITE),
    "temporary": (2, ["\\WL-99-LLL"], WHITE, TRAFFIC_RED),
    "export": (2, ["\\XL-99-LLL", "\\X\\A-99-LLL"], WHITE, TRAFFIC_RED),
    "diplomatic": (3, ["\\C\\D-LL-999", "\\C\\DLL999", "1-\\C\\DL-999"], RUBY, WHITE),
    "court": (1, ["9", "99", "999"], RUBY, WHITE),
    "state": (1, ["\\A-99", "\\E-99", "\\P-999", "\\A-999"], RUBY, WHITE),
    "old": (9, ["LLL-999", "LLL-999", "999-LLL", "LLL 999", "999-LLL"], RUBY, WHITE),
    "personalised": (5, [], RUBY, WHITE),
}
NAMES = """TOM LIESBETH JAN BERT ANN KEVIN ROCKY BOSS ZORRO LUCKY TURBO MAMA PAPA LOVE ROBIN SOFIE MARC ELKE DIRK KOEN PIET
INGE LUC NICO WIM EVA STIJN BMW GOLF MINI VESPA SMART FIAT DUCATI MAX LEO NOAH LUCAS MILA GIN WINE FRITES CHEF BAKKER""".split()


def personalised(rng) -> str:
    """Up to eight characters with hyphens, at least one letter."""
    if rng.random() < 0.5:
        word = rng.choice(NAMES)
        tail = fill(rng, rng.choice(["", "", "9", "99", "-9", "-99", "-1", "L"]))
        return (word + tail)[:8].rstrip("-")
    pattern = rng.choice(["LLLL", "LLLLL", "LLLLLL", "LLLLLLL", "LLLLLLLL", "LLL-9", "L-999999", "LL-9999", "XXXXXX", "LXXXXXXX",
                          "LL-LL-LL", "99-LLLL", "LLL-LLL", "L-L-L", "LLLL-999", "LL"])
    return fill(rng, pattern)


def year_inside(canvas, rng) -> None:
    """The two small digits of the year on export and temporary plates: not part of the text."""
    path = rng.choice(fonts.family_files("din"))
    x = canvas.width / canvas.scale - 14
    for i, digit in enumerate(rng.choice(["23", "24", "25", "26", "19", "21"])):
        canvas.text(path, digit, x, 36 + 36 * i, 24, shade(rng, WHITE))


def split_rows(text: str) -> list[str]:
    """Break a Belgian number over two lines at its last group."""
    for mark in ("-", " "):
        if mark in text:
            head, tail = text.rsplit(mark, 1)
            return [head, tail]
    middle = (len(text) + 1) // 2
    return [text[:middle], text[middle:]]


def belgium(rng, kind: str | None = None) -> Spec:
    if kind not in BELGIAN:
        kind = rng.choices(list(BELGIAN), [row[0] for row in BELGIAN.values()])[0]
    _, patterns, fg, bg = BELGIAN[kind]
    text = personalised(rng) if kind == "personalised" else fill(rng, rng.choice(patterns))
    spec = Spec("BE", [text], fg=fg, bg=bg, border=fg, bands=[Band("B")], cap=75, cell=42, gap=9, space=22, kind=kind)
    if kind == "moped" and rng.random() < 0.7:
        # 100 x 120 mm: narrow, two short lines
        head, tail = split_rows(text)
        spec.rows, spec.size, spec.bands = [head, tail], (120, 100), []
        spec.cap, spec.cell, spec.gap, spec.space, spec.border_width, spec.radius = 36, 18.5, 4, 9, 2.5, 5
    elif kind == "motorcycle" or (kind in ("oldtimer", "diplomatic", "personalised") and rng.random() < 0.12):
        spec.rows, spec.size, spec.bands = split_rows(text), (210, 140), [Band("B", width=24)]
        spec.cap, spec.cell, spec.gap, spec.space, spec.border_width = 49, 27, 6, 13, 3
        if kind == "motorcycle" and rng.random() < 0.25:  # the plates of before 2010 were yellow
            spec.bg, spec.fg, spec.border, spec.bands = YELLOW, BLACK, BLACK, []
            spec.rows = split_rows(fill(rng, rng.choice(["\\MLL-999", "999-\\MLL", "\\M-LL-999"])))
    elif kind == "old":
        if rng.random() < 0.7:
            spec.size, spec.bands, spec.cap, spec.cell, spec.gap, spec.space = (340, 110), [], 70, 37, 8, 18
        if rng.random() < 0.2:
            spec.border = None
    elif rng.random() < 0.12:
        spec.rows, spec.size = split_rows(text), (340, 210)
        spec.cap, spec.cell, spec.gap, spec.space = 75, 44, 9, 20
    if kind == "trailer" and rng.random() < 0.4:
        spec.rows, spec.size, spec.bands = split_rows(text), (210, 140), [Band("B", width=24)]
        spec.cap, spec.cell, spec.gap, spec.space, spec.border_width = 49, 27, 6, 13, 3
    if kind in ("export", "temporary") and len(spec.rows) == 1:
        spec.over.append(year_inside)
        spec.cell, spec.gap, spec.space, spec.align = 37, 6, 16, 0.4
    # Front plates are private copies and vary in type, spacing and dashes.
    if rng.random() < 0.15:
        spec.family = rng.choice(["din-narrow", "sans", "condensed"])
    if rng.random() < 0.15:
        spec.dash = False
    spec.cell *= rng.uniform(0.92, 1.06)
    spec.equal = rng.random() < 0.8
    return spec


# Netherlands ---------------------------------------------------------------

DUTCH_LETTERS = "BDFGHJKLNPRSTVXZ"
SIDECODES = ["LL-99-99", "99-99-LL", "99-LL-99", "LL-99-LL", "LL-LL-99", "99-LL-LL", "99-LLL-9", "9-LLL-99", "LL-999-L",
             "L-999-LL", "LLL-99-L", "L-99-LLL", "9-LL-999", "999-LL-9"]
SIDECODE_WEIGHTS = [1, 1, 1, 3, 3, 5, 6, 6, 8, 8, 6, 4, 3, 1]


def netherlands(rng, kind: str | None = None) -> Spec:
    text = fill(rng, rng.choices(SIDECODES, SIDECODE_WEIGHTS)[0], DUTCH_LETTERS)
    spec = Spec("NL", [text], bg=YELLOW, border=BLACK, border_width=3, bands=[Band("NL")], family="din", cap=77, cell=43, gap=9,
                space=24, equal=False)
    draw = rng.random()
    if kind == "two-line" or draw < 0.13:
        head, tail = text.rsplit("-", 1)
        spec.rows, spec.size, spec.kind = [head, tail], (340, 210), "two-line"
        spec.cap, spec.cell = 77, 45
        if rng.random() < 0.5:
            spec.size, spec.cap, spec.cell, spec.gap, spec.space, spec.border_width = (210, 143), 51, 28, 6, 14, 3
            spec.bands = [Band("NL", width=24)]
    elif draw < 0.17:
        spec.bg, spec.kind = (110, 190, 225), "taxi"
    elif draw < 0.20:
        spec.bg, spec.fg, spec.border, spec.bands, spec.kind = (20, 35, 90), WHITE, WHITE, [], "old"
        spec.rows = [fill(rng, rng.choice(["LL-99-99", "99-99-LL", "LL-99-99"]), DUTCH_LETTERS)]
    elif draw < 0.23:
        spec.bg, spec.kind = (90, 170, 90), "trade"
    elif draw < 0.25:
        spec.bg, spec.kind = WHITE, "trailer"
    elif draw < 0.28:
        spec.rows, spec.size, spec.kind = text.split("-", 1), (145, 125), "moped"
        spec.cap, spec.cell, spec.gap, spec.space, spec.bands = 44, 24, 5, 11, [Band("NL", width=18)]
    elif draw < 0.33:
        spec.bands, spec.kind = [], "old yellow"
    if rng.random() < 0.2:
        spec.dash = False
    return spec


# Luxembourg ----------------------------------------------------------------


def luxembourg(rng, kind: str | None = None) -> Spec:
    text = fill(rng, rng.choice(["LL 9999", "LL 9999", "LL 9999", "LL9999", "99999", "9999", "L 9999"]))
    spec = Spec("LU", [text], bg=YELLOW, border=BLACK if rng.random() < 0.4 else None, border_width=3, bands=[Band("L")],
                family="fe" if rng.random() < 0.25 else "din", cap=75, cell=46, gap=11, space=34, equal=rng.random() < 0.6)
    if rng.random() < 0.12:
        spec.rows, spec.size = [text[: len(text) - 4].strip() or text[:1], text[len(text) - 4 :].strip() or text[1:]], (340, 220)
        if not spec.rows[0] or len(text) <= 5 and " " not in text:
            spec.rows = [text[:2], text[2:]]
    return spec
