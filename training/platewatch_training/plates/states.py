"""Plates of the US states: 12 x 6 inches, name on top, slogan below, colours and pictures between.

Each state has its common series with paint, ink and number format, drawn well
enough that the reader learns what is a number and what is decoration.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from . import fonts
from .benelux import fill
from .layout import BLACK, WHITE, YELLOW, Spec, shade

NAVY, BLUE, RED, GREEN, BROWN, GOLD = (25, 40, 100), (35, 80, 170), (185, 30, 45), (25, 95, 60), (100, 60, 40), (240, 190, 40)
SKY, CREAM, PALE_YELLOW, ORANGE, GREY, TEAL = (150, 200, 235), (245, 238, 205), (250, 235, 150), (235, 130, 50), (200, 200, 205), (30, 120, 125)

# state: (name, slogan, [(top paint, bottom paint, ink)], [formats]); "#" is a picture between characters, "_" a gap or dot.
STATES = {
    "AL": ("ALABAMA", "Sweet Home", [(SKY, WHITE, NAVY), (WHITE, SKY, RED)], ["99_X99X9", "9X99X99", "99AB999"]),
    "AK": ("ALASKA", "THE LAST FRONTIER", [(GOLD, GOLD, NAVY)], ["LLL 999"]),
    "AZ": ("ARIZONA", "GRAND CANYON STATE", [((120, 170, 190), (235, 150, 90), (40, 45, 60)), (WHITE, (180, 140, 180), GREEN)], ["LLL9999", "999 LLL", "LXL9LXX"]),
    "AR": ("ARKANSAS", "The Natural State", [(SKY, WHITE, NAVY), (WHITE, WHITE, RED)], ["999 LLL", "LLL 99L"]),
    "CA": ("California", "dmv.ca.gov", [(WHITE, WHITE, NAVY), (WHITE, WHITE, NAVY), ((20, 20, 22), (20, 20, 22), GOLD), (BLUE, BLUE, GOLD)], ["9LLL999", "9LLL999", "9L99999", "99999L9"]),
    "CO": ("COLORADO", "", [(WHITE, GREEN, GREEN), (GREEN, GREEN, WHITE), ((40, 100, 75), WHITE, GREEN)], ["999 LLL", "LLL 999", "LLL-999"]),
    "CT": ("CONNECTICUT", "Constitution State", [(BLUE, WHITE, NAVY), (SKY, WHITE, BLACK)], ["999 LLL", "LL 99999", "9LL LL9"]),
    "DE": ("DELAWARE", "THE FIRST STATE", [(NAVY, NAVY, GOLD)], ["999999", "99999"]),
    "DC": ("WASHINGTON, D.C.", "TAXATION WITHOUT REPRESENTATION", [(WHITE, WHITE, NAVY)], ["LL 9999"]),
    "FL": ("FLORIDA", "SUNSHINE STATE", [(WHITE, WHITE, GREEN), ((235, 245, 225), WHITE, GREEN)], ["LLL#L99", "999#LLL", "L99#LLL", "XXX#XXX"]),
    "GA": ("GEORGIA", "PEACH STATE", [(WHITE, WHITE, BLACK), (WHITE, (250, 225, 190), (30, 35, 60))], ["LLL9999", "999 LLL", "LXX9999"]),
    "HI": ("HAWAII", "ALOHA STATE", [(WHITE, WHITE, BLACK)], ["LLL 999"]),
    "ID": ("IDAHO", "FAMOUS POTATOES", [(WHITE, WHITE, NAVY), ((240, 150, 120), WHITE, NAVY)], ["9L 99999", "9L L9999", "L 999999"]),
    "IL": ("Illinois", "LAND OF LINCOLN", [(WHITE, WHITE, RED), (SKY, WHITE, RED), (WHITE, WHITE, (150, 25, 40))], ["L99 9999", "999 9999", "LL 99999", "L99_9999"]),
    "IN": ("INDIANA", "", [(BLUE, WHITE, NAVY), (WHITE, SKY, BLUE), ((70, 110, 170), (235, 230, 210), BLACK)], ["999L", "999LL", "999LLL", "99L9999", "LL999"]),
    "IA": ("IOWA", "", [(SKY, (190, 205, 200), NAVY)], ["999 LLL", "LLL 999"]),
    "KS": ("KANSAS", "", [((170, 195, 225), WHITE, NAVY)], ["999 LLL"]),
    "KY": ("KENTUCKY", "Unbridled Spirit", [(SKY, WHITE, NAVY), (WHITE, SKY, NAVY)], ["999 LLL", "LXL 999"]),
    "LA": ("Louisiana", "Sportsman's Paradise", [(WHITE, WHITE, NAVY), (WHITE, SKY, BLUE)], ["LLL 999", "999 LLL"]),
    "ME": ("MAINE", "Vacationland", [(WHITE, WHITE, BLACK), (CREAM, WHITE, (30, 60, 50))], ["9999 LL", "999 LL"]),
    "MD": ("MARYLAND", "www.maryland.gov", [(WHITE, WHITE, BLACK)], ["9LL9999", "LLL 999", "9LLL99", "LL 99999"]),
    "MA": ("Massachusetts", "The Spirit of America", [(WHITE, WHITE, (190, 30, 45))], ["999 LL9", "99L L99", "9LL 999", "9999 LL", "LL 9999", "999L L9"]),
    "MI": ("MICHIGAN", "WWW.MICHIGAN.GOV", [(BLUE, WHITE, BLUE), (WHITE, WHITE, BLUE), (BLUE, BLUE, WHITE)], ["LLL 9999", "999 LLL", "LLL 999"]),
    "MN": ("Minnesota", "10,000 lakes", [((90, 140, 200), WHITE, NAVY)], ["999 LLL", "LLL 999"]),
    "MS": ("MISSISSIPPI", "", [(CREAM, WHITE, NAVY), (WHITE, SKY, NAVY)], ["LLL 999", "99L L99"]),
    "MO": ("MISSOURI", "SHOW-ME STATE", [(SKY, WHITE, BLUE), (WHITE, WHITE, GREEN)], ["LL9#L9L", "999#LLL", "XXX XXX"]),
    "MT": ("MONTANA", "TREASURE STATE", [(NAVY, NAVY, WHITE), (WHITE, BLUE, NAVY)], ["9-99999L", "99-9999L", "LLL999"]),
    "NE": ("NEBRASKA", "", [(WHITE, (235, 200, 150), NAVY), (SKY, GOLD, BLACK)], ["LLL 999", "99-L999"]),
    "NV": ("NEVADA", "THE SILVER STATE", [((150, 175, 210), (240, 215, 170), NAVY)], ["999#LLL", "LLL 999", "99L#999"]),
    "NH": ("NEW HAMPSHIRE", "LIVE FREE OR DIE", [(WHITE, (180, 205, 180), GREEN)], ["999 9999", "LLL 999"]),
    "NJ": ("NEW JERSEY", "GARDEN STATE", [(PALE_YELLOW, (250, 245, 220), BLACK), (PALE_YELLOW, PALE_YELLOW, BLACK)], ["L99#LLL", "LLL#99L", "LLL 999", "LL#999L"]),
    "NM": ("NEW MEXICO USA", "LAND OF ENCHANTMENT", [(GOLD, GOLD, RED), (TEAL, TEAL, GOLD)], ["999 LLL", "LLL 999", "LLLL99"]),
    "NY": ("NEW YORK", "EMPIRE STATE", [(GOLD, GOLD, NAVY), (WHITE, WHITE, NAVY), ((245, 180, 40), (245, 180, 40), NAVY)], ["LLL 9999", "LLL_9999", "LLL#9999"]),
    "NC": ("NORTH CAROLINA", "First in Flight", [(SKY, WHITE, BLUE), (WHITE, WHITE, RED)], ["LLL-9999", "LLX-9999"]),
    "ND": ("NORTH DAKOTA", "Peace Garden State", [(SKY, CREAM, NAVY)], ["999 LLL", "LLL 999"]),
    "OH": ("OHIO", "BIRTHPLACE OF AVIATION", [(WHITE, WHITE, NAVY), (SKY, WHITE, NAVY), (WHITE, CREAM, (30, 40, 90))], ["LLL 9999", "LL99LL", "LLL9999"]),
    "OK": ("OKLAHOMA", "NATIVE AMERICA", [(WHITE, WHITE, BLACK), (SKY, WHITE, (40, 80, 60))], ["999 LLL", "LLL 999", "LLL-999"]),
    "OR": ("OREGON", "", [(SKY, WHITE, NAVY), ((180, 205, 225), (225, 225, 235), NAVY)], ["999#LLL", "LLL 999", "999 LLL"]),
    "PA": ("PENNSYLVANIA", "visitPA.com", [(BLUE, YELLOW, NAVY), ((40, 70, 150), (250, 215, 80), NAVY)], ["LLL-9999", "LLL 9999"]),
    "RI": ("Rhode Island", "Ocean State", [(WHITE, SKY, NAVY)], ["999 999", "LL 999", "99999"]),
    "SC": ("South Carolina", "Smiling Faces. Beautiful Places", [(SKY, WHITE, NAVY), (WHITE, CREAM, BLACK)], ["999 LLL", "LLL 999"]),
    "SD": ("SOUTH DAKOTA", "GREAT FACES. GREAT PLACES.", [(SKY, WHITE, BLACK)], ["9LL 999", "99L 999"]),
    "TN": ("TENNESSEE", "THE VOLUNTEER STATE", [((200, 220, 190), WHITE, GREEN), (SKY, (140, 180, 140), NAVY)], ["L99 99L", "999 LLL", "LLL 999", "999-LLL"]),
    "TX": ("TEXAS", "THE LONE STAR STATE", [(WHITE, WHITE, BLACK), (SKY, WHITE, NAVY), (WHITE, SKY, BLUE)], ["LLL_9999", "LL9_L999", "L99 LLL", "999 LLL", "LXL 999"]),
    "UT": ("UTAH", "LIFE ELEVATED", [(SKY, (235, 150, 90), NAVY), (WHITE, WHITE, NAVY)], ["L99 9LL", "999 LLL", "L999 LL"]),
    "VT": ("VERMONT", "GREEN MOUNTAIN STATE", [(GREEN, GREEN, WHITE)], ["LLL 999"]),
    "VA": ("Virginia", "", [(WHITE, WHITE, NAVY), (WHITE, SKY, NAVY)], ["LLL-9999", "LLL 9999", "999-LLL"]),
    "WA": ("WASHINGTON", "EVERGREEN STATE", [(SKY, WHITE, NAVY), (WHITE, SKY, (35, 50, 110))], ["999 LLL", "LLL9999", "LLL 999"]),
    "WV": ("WEST VIRGINIA", "WILD, WONDERFUL", [(WHITE, WHITE, NAVY)], ["9L 9999", "99L 999", "9LL 999"]),
    "WI": ("WISCONSIN", "America's Dairyland", [(WHITE, WHITE, BLACK), (WHITE, SKY, (170, 30, 40))], ["999-LLL", "LLL-9999", "LLL 999"]),
    "WY": ("WYOMING", "", [(SKY, (200, 190, 160), BROWN), (WHITE, SKY, NAVY)], ["99 9999", "9-9999L", "99#99LL"]),
}
COUNTIES = ["ORANGE", "HAMILTON", "SALT LAKE", "POLK", "MARICOPA", "COOK", "IN GOD WE TRUST", "MARION", "SHELBY", "JEFFERSON", "DUVAL"]


def picture(rng):
    """A blob of colours between or behind the characters: orange, peach, cactus, map of the state..."""
    colours = [(235, 140, 60), (60, 140, 80), (200, 60, 60), (70, 110, 180), (220, 190, 80), (150, 150, 150)]
    colour, other = shade(rng, rng.choice(colours), 30), shade(rng, rng.choice(colours), 30)
    return colour, other


def backdrop(top, bottom):
    def paint(canvas, rng) -> None:
        a, b = shade(rng, top, 14), shade(rng, bottom, 14)
        height = canvas.height / canvas.scale
        style = rng.random()
        if style < 0.5 or top == bottom:
            canvas.gradient(a, b)
        elif style < 0.8:  # a strip of colour at the top and at the bottom, pale between
            canvas.gradient(a, b, 0, height * 0.3)
            canvas.image[round(height * 0.3 * canvas.scale) :] = b
        else:
            canvas.gradient(b, a, height * 0.6)
        if rng.random() < 0.35:  # faint mountains, a skyline, a map
            points = [(0, height)]
            for i in range(9):
                points.append((i * canvas.width / canvas.scale / 8, height * rng.uniform(0.3, 0.85)))
            points.append((canvas.width / canvas.scale, height))
            before = canvas.image.copy()
            canvas.polygon(points, picture(rng)[0])
            canvas.image[:] = before * 0.72 + canvas.image * 0.28

    return paint


def decorations(name: str, slogan: str, ink):
    def paint(canvas, rng) -> None:
        width, height = canvas.width / canvas.scale, canvas.height / canvas.scale
        paths = fonts.family_files(rng.choice(["sans", "condensed", "highway"]))
        contrast = WHITE if canvas.image[: round(22 * canvas.scale)].mean() < 110 else rng.choice([ink, ink, RED, NAVY, BLACK])
        canvas.text(rng.choice(paths), name, width / 2 + rng.gauss(0, 6), rng.uniform(14, 20), rng.uniform(13, 23), shade(rng, contrast), 180,
                    slant=rng.uniform(0.15, 0.5) if rng.random() < 0.35 else 0.0)
        low = rng.choice([slogan, slogan, slogan, rng.choice(COUNTIES), ""])
        if low:
            contrast = WHITE if canvas.image[-round(22 * canvas.scale) :].mean() < 100 else rng.choice([ink, ink, RED, BLACK])
            canvas.text(rng.choice(paths), low, width / 2, height - rng.uniform(12, 17), rng.uniform(8, 15), shade(rng, contrast), 190)
        for x, y in ((20, 18), (width - 24, 18), (24, height - 16), (width - 24, height - 16)):  # validation stickers: month, year
            if rng.random() < 0.3:
                sticker = shade(rng, rng.choice([RED, BLUE, GOLD, GREEN, ORANGE, WHITE]), 30)
                canvas.rectangle(x - 16, y - 10, x + 16, y + 10, sticker)
                word = rng.choice(["09", "10", "11", "12", "13", "14", "JAN", "MAR", "JUL", "OCT", "24", "25"])
                canvas.text(rng.choice(paths), word, x, y, 13, BLACK if sum(sticker) > 380 else WHITE, 28)
        for x in (width * 0.22, width * 0.78):  # mounting slots
            for y in (10, height - 10):
                if rng.random() < 0.4:
                    canvas.disc(x, y, 3.6, shade(rng, rng.choice([(70, 70, 70), (150, 150, 150)])))

    return paint


def line_drawing(canvas, rng, x: float, y: float, size: float, ink) -> None:
    """A bird, a seal, the outline of a state, a horse, a torch: drawn in lines as thick as characters are, or thinner."""
    s, style = canvas.scale, rng.random()
    thick = max(1, round(size * rng.uniform(0.05, 0.22) * s))

    def at(points):
        return np.round(np.float32([(x + px * size, y + py * size) for px, py in points]) * s).astype(np.int32)

    def stroke(points, closed=False):
        cv2.polylines(canvas.image, [at(points)], closed, ink, thick, cv2.LINE_AA)

    flip = rng.choice([-1, 1])
    if style < 0.3:  # a standing bird: body, bent neck, long bill, legs, feathers
        body = (round(size * rng.uniform(0.35, 0.6) * s), round(size * rng.uniform(0.5, 0.9) * s))
        cv2.ellipse(canvas.image, tuple(int(v) for v in at([(0, 0.4)])[0]), body, rng.uniform(-30, 30), 0, 360, ink, thick if rng.random() < 0.6 else -1, cv2.LINE_AA)
        stroke([(flip * px, py) for px, py in ((0.2, 0.0), (0.45, -0.5), (0.2, -0.95), (-0.05, -1.0), (-0.75, -rng.uniform(0.2, 0.7)))])
        for leg in (-0.15, 0.15):
            stroke([(leg, 1.1), (leg + rng.uniform(-0.1, 0.1), 1.55)])
        if rng.random() < 0.5:
            stroke([(-flip * 0.3, 0.2), (flip * 0.4, 0.6), (-flip * 0.2, 0.8)])
    elif style < 0.55:  # a seal: rings and something within
        for radius in sorted(rng.uniform(0.45, 1.2) for _ in range(rng.randint(1, 3))):
            cv2.circle(canvas.image, tuple(int(v) for v in at([(0, 0)])[0]), max(2, round(radius * size * s)), ink, max(1, thick // 2), cv2.LINE_AA)
        stroke([(rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)) for _ in range(rng.randint(2, 6))])
    elif style < 0.8:  # the outline of a state: a ring of points, straight on some sides
        count = rng.randint(5, 12)
        angles = sorted(rng.uniform(0, 2 * math.pi) for _ in range(count))
        wide, high = rng.uniform(0.5, 1.1), rng.uniform(0.7, 1.5)
        stroke([(wide * rng.uniform(0.55, 1) * math.cos(a), high * rng.uniform(0.55, 1) * math.sin(a)) for a in angles], True)
    elif style < 0.9:  # a star
        angles = [i * math.pi / 5 - math.pi / 2 for i in range(10)]
        stroke([((1 if i % 2 == 0 else 0.42) * math.cos(a), (1 if i % 2 == 0 else 0.42) * math.sin(a)) for i, a in enumerate(angles)], True)
    else:  # a figure: a torch, a tree, a rider
        for _ in range(rng.randint(2, 5)):
            x0, y0 = rng.gauss(0, 0.3), rng.uniform(-1.2, 0.9)
            stroke([(x0, y0), (x0 + rng.gauss(0, 0.35), y0 + rng.uniform(0.2, 0.9)), (x0 + rng.gauss(0, 0.5), y0 + rng.uniform(0.2, 1.2))])


def centre_picture(x_share: float, strong=None):
    """An orange, a bird, the outline of the state: shapes that must not be read as characters."""

    def paint(canvas, rng) -> None:
        if rng.random() < 0.5:
            ink = shade(rng, strong, 40) if strong and rng.random() < 0.6 else picture(rng)[0]
            before, share = canvas.image.copy(), rng.uniform(0.35, 1.0)
            line_drawing(canvas, rng, canvas.width / canvas.scale * x_share, canvas.height / canvas.scale * rng.uniform(0.45, 0.56), rng.uniform(12, 30), ink)
            canvas.image[:] = before * (1 - share) + canvas.image * share
            return
        colour, other = picture(rng)
        x, y = canvas.width / canvas.scale * x_share, canvas.height / canvas.scale * rng.uniform(0.45, 0.55)
        style, size = rng.random(), rng.uniform(9, 26)
        if style < 0.4:
            for _ in range(rng.randint(1, 4)):
                canvas.disc(x + rng.gauss(0, 7), y + rng.gauss(0, 10), rng.uniform(5, 17), rng.choice([colour, other]))
        else:
            before = canvas.image.copy()
            angles = sorted(rng.uniform(0, 6.28) for _ in range(rng.randint(4, 9)))
            canvas.polygon([(x + size * rng.uniform(0.5, 1.2) * math.cos(a), y + size * rng.uniform(0.7, 1.6) * math.sin(a)) for a in angles], colour)
            for _ in range(rng.randint(0, 4)):
                canvas.polygon([(x + rng.gauss(0, size * 0.5), y + rng.gauss(0, size * 0.8)) for _ in range(3)], rng.choice([colour, other, shade(rng, WHITE)]))
            if style > 0.8:  # a small word or star in the middle
                canvas.text(rng.choice(fonts.family_files("sans")), rng.choice(["*", "USA", "NH", "75", "LONE", "+", "USMC"]), x, y, rng.uniform(8, 15), other)
            share = rng.uniform(0.35, 1.0)
            canvas.image[:] = before * (1 - share) + canvas.image * share

    return paint


def side_picture(x_share: float, wide: float):
    """A bird, a cactus, a wheelchair or a coat of arms before or behind the number."""

    def paint(canvas, rng) -> None:
        width, height = canvas.width / canvas.scale, canvas.height / canvas.scale
        colour, other = picture(rng)
        x, y = width * x_share, height * rng.uniform(0.42, 0.58)
        if rng.random() < 0.3:  # a blue square with a white sign
            half = wide * 0.42
            canvas.rectangle(x - half, y - half, x + half, y + half, shade(rng, BLUE, 20))
            canvas.disc(x, y + half * 0.2, half * 0.5, shade(rng, WHITE), half * 0.16)
            canvas.disc(x - half * 0.1, y - half * 0.6, half * 0.16, shade(rng, WHITE))
            return
        if rng.random() < 0.45:
            line_drawing(canvas, rng, x, y, wide * rng.uniform(0.35, 0.6), shade(rng, rng.choice([colour, other, BLACK, NAVY]), 30))
            return
        for _ in range(rng.randint(2, 6)):
            points = [(x + rng.gauss(0, wide * 0.26), y + rng.gauss(0, wide * 0.34)) for _ in range(rng.randint(3, 6))]
            canvas.polygon(points, shade(rng, rng.choice([colour, other, BLACK, WHITE]), 40))

    return paint


def ground(canvas, rng) -> None:
    """Mountains or a field of colour low on the plate, behind the feet of the characters; a sun above."""
    width, height = canvas.width / canvas.scale, canvas.height / canvas.scale
    low = height * rng.uniform(0.6, 0.85)
    points = [(0, height)] + [(width * i / 7, low + rng.gauss(0, 7)) for i in range(8)] + [(width, height)]
    before = canvas.image.copy()
    canvas.polygon(points, shade(rng, rng.choice([(90, 60, 130), (150, 110, 70), (70, 120, 80), (60, 90, 150), (200, 120, 60)]), 25))
    if rng.random() < 0.4:
        canvas.disc(width * rng.uniform(0.2, 0.8), height * rng.uniform(0.2, 0.5), rng.uniform(12, 28), shade(rng, (250, 225, 130)))
    share = rng.uniform(0.3, 0.9)
    canvas.image[:] = before * (1 - share) + canvas.image * share


def small_letters(side: float):
    """Two small letters above each other at an end (disabled, veteran, trailer): not part of the number here."""

    def paint(canvas, rng) -> None:
        width, height = canvas.width / canvas.scale, canvas.height / canvas.scale
        path = rng.choice(fonts.family_files("highway"))
        for i, letter in enumerate(rng.choice(["DV", "DP", "TR", "NG", "CL", "PO", "EX"])):
            canvas.text(path, letter, width * side, height * (0.38 + 0.24 * i), 22, shade(rng, BLACK))

    return paint


def state_plate(rng, state: str) -> Spec:
    name, slogan, paints, formats = STATES[state]
    top, bottom, ink = rng.choice(paints)
    pattern = rng.choice(formats)
    if rng.random() < 0.15:  # vanity and special plates
        pattern = rng.choice(["LLLLL", "LLLLLL", "LLLLLLL", "XXXXX", "XXXXXX", "XXXXXXX", "LL 999", "L 9999", "99999", "LLL LLL", "LLLL"])
    cap = rng.uniform(62, 76)
    spec = Spec("US", [""], size=(305, 152), bg=bottom, fg=ink, family=rng.choice(["highway", "highway", "condensed", "din-narrow", "sans"]), cap=cap,
                cell=rng.uniform(27, 34), gap=rng.uniform(4, 8), space=rng.uniform(9, 18), equal=rng.random() < 0.55, top=22, bottom=22, kind=state)
    spec.under.append(backdrop(top, bottom))
    if "#" not in pattern and " " in pattern and rng.random() < 0.25:
        pattern = pattern.replace(" ", "#", 1)
    placed = "X" not in pattern  # the format tells letters from digits
    if "#" in pattern:
        head = pattern.index("#")
        spec.under.append(centre_picture(0.5 + (head - (len(pattern) - 1) / 2) * 0.11, spec.fg))
        spec.space = rng.uniform(14, 30)
    if abs(sum(ink) - sum(bottom)) < 200 and abs(sum(ink) - sum(top)) < 200:
        spec.fg = WHITE if sum(bottom) < 380 else NAVY
    spec.under.append(decorations(name, slogan, spec.fg))
    text = fill(rng, pattern.replace("#", " ").replace("_", rng.choice([" ", ".", ":", "."])))
    spec.rows = [text]
    spec.serif_i = state == "CA" or rng.random() < 0.3
    spec.squared_o = placed and rng.random() < 0.3
    if rng.random() < (0.5 if state in ("AZ", "NV", "OR", "UT", "CO", "ID", "WY") else 0.12):
        spec.under.insert(1, ground)
    if sum(c.isalnum() for c in text) <= 7 and rng.random() < 0.14:
        left = rng.random() < 0.8
        spec.align, spec.cell, spec.gap = (0.92, 27, 4.5) if left else (0.08, 27, 4.5)
        spec.space = min(spec.space, 12)
        room = 305 - sum(c.isalnum() for c in text) * 31.5 - (12 if " " in text else 0)
        if room > 34:
            spec.under.append(side_picture((room * 0.5) / 305 if left else 1 - room * 0.5 / 305, min(60, room * 0.8)))
    if rng.random() < 0.06:
        side = rng.choice([0.07, 0.93])
        spec.under.append(small_letters(side))
        spec.align = 0.85 if side < 0.5 else 0.15
        spec.cell, spec.gap = 27, 4
    if rng.random() < 0.25:
        spec.border, spec.border_width = spec.fg, rng.uniform(1.5, 3)
    return spec
