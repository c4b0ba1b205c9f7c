"""Draw one plate from its specification, knowing where every character stands.

Measures in a `Spec` are millimetres on the real plate; the drawing scale is
chosen so that a one-line plate comes out at about 120 px.

Row markup: A-Z and 0-9 are characters; `-` a drawn hyphen; `.` a dot; space a
gap; `:` a small gap; `*` two seals or stickers above each other; `#` a coat of
arms; `|` nothing (keeps two characters of a row apart as separate groups).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Callable

import cv2
import numpy as np

from . import fonts

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UMLAUTS = {"Ä": "A", "Ö": "O", "Ü": "U"}  # drawn with dots, read without
Colour = tuple[float, float, float]

WHITE: Colour = (238, 238, 236)
BLACK: Colour = (22, 22, 24)
YELLOW: Colour = (244, 196, 32)
EU_BLUE: Colour = (16, 60, 150)
RUBY: Colour = (141, 29, 44)


@dataclass
class Band:
    """A blue country band at the left (or right) side, or a strip on top."""

    letters: str = ""
    colour: Colour = EU_BLUE
    stars: bool = True
    width: float = 40.0
    right: bool = False
    foot: str = ""  # small figures below or instead (French department): never text


@dataclass
class Spec:
    """What a plate looks like before it is drawn."""

    country: str
    rows: list[str]
    size: tuple[float, float] = (520, 110)
    bg: Colour = WHITE
    fg: Colour = BLACK
    family: str = "din"
    cap: float = 75.0  # height of the characters
    cell: float = 44.0  # width of an ordinary character
    gap: float = 9.0  # between two cells
    space: float = 28.0  # width of a space or hyphen
    equal: bool = True  # equal cells (1 and I centred in theirs) or proportional
    bands: list[Band] = field(default_factory=list)
    border: Colour | None = None
    border_width: float = 4.0
    radius: float = 10.0
    align: float = 0.5
    top: float = 0.0  # mm kept free above and below the rows
    bottom: float = 0.0
    row_caps: list[float] | None = None
    row_colours: list[Colour] | None = None
    under: list[Callable] = field(default_factory=list)  # painters before the characters
    over: list[Callable] = field(default_factory=list)  # and after
    dash: bool = True
    serif_i: bool = False  # I with serifs
    slant: float = 0.0  # characters leaning to the right, as painted ones do
    squared_o: bool = False  # O and 0 as boxes with round corners
    kind: str = "standard"


@dataclass
class Plate:
    """A drawn plate. Boxes and corners are pixels of `image`."""

    image: np.ndarray  # H x W x 3 float32, RGB, 0..255; includes the holder around the plate
    quad: np.ndarray  # 4 x 2 float32: top-left, top-right, bottom-right, bottom-left
    text: str
    country: str
    lines: int
    chars: list[tuple[str, int, tuple[float, float, float, float]]]  # (char, line, x0 y0 x1 y1)
    kind: str = "standard"


class Canvas:
    """A plate being drawn; takes millimetres."""

    def __init__(self, size: tuple[float, float], scale: float, colour: Colour):
        self.scale = scale
        self.width, self.height = round(size[0] * scale), round(size[1] * scale)
        self.image = np.empty((self.height, self.width, 3), np.float32)
        self.image[:] = colour

    def paste(self, mask: np.ndarray, x: int, y: int, colour, relief: float = 0.0) -> None:
        """Blend `colour` through a uint8 mask whose corner is at pixel (x, y)."""
        x0, y0 = max(0, x), max(0, y)
        x1, y1 = min(self.width, x + mask.shape[1]), min(self.height, y + mask.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        part = mask[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32)[..., None] / 255
        area = self.image[y0:y1, x0:x1]
        area += part * (np.asarray(colour, np.float32) - area)
        if relief:
            # Embossing: light falls from above, so upper edges shine and lower ones are dark.
            edge = cv2.Sobel(cv2.GaussianBlur(part[..., 0], (0, 0), 1.2), cv2.CV_32F, 0, 1)
            area += edge[..., None] * relief

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, colour) -> None:
        s = self.scale
        self.image[max(0, round(y0 * s)) : max(0, round(y1 * s)), max(0, round(x0 * s)) : max(0, round(x1 * s))] = colour

    def disc(self, x: float, y: float, radius: float, colour, thickness: float = -1) -> None:
        s = self.scale
        cv2.circle(self.image, (round(x * s), round(y * s)), max(1, round(radius * s)), colour,
                   -1 if thickness < 0 else max(1, round(thickness * s)), cv2.LINE_AA)

    def polygon(self, points, colour) -> None:
        cv2.fillPoly(self.image, [np.round(np.float32(points) * self.scale).astype(np.int32)], colour, cv2.LINE_AA)

    def text(self, path: str, text: str, x: float, y: float, height: float, colour, width: float | None = None,
             centre: bool = True, slant: float = 0.0) -> None:
        """Running text with its middle (or left end) at (x, y); squeezed to `width` if given and wider; slanted like a hand."""
        mask = fonts.text_mask(path, text, height * self.scale)
        if slant:
            lean = slant * mask.shape[0]
            mask = cv2.warpAffine(mask, np.float32([[1, -slant, lean], [0, 1, 0]]), (int(mask.shape[1] + lean), mask.shape[0]))
        if width and mask.shape[1] > width * self.scale:
            mask = cv2.resize(mask, (max(1, round(width * self.scale)), mask.shape[0]), interpolation=cv2.INTER_AREA)
        left = x * self.scale - (mask.shape[1] / 2 if centre else 0)
        self.paste(mask, round(left), round(y * self.scale - mask.shape[0] / 2), colour)

    def gradient(self, top: Colour, bottom: Colour, y0: float = 0.0, y1: float | None = None) -> None:
        a, b = round(y0 * self.scale), self.height if y1 is None else round(y1 * self.scale)
        ramp = np.linspace(0, 1, max(1, b - a), dtype=np.float32)[:, None, None]
        self.image[a:b] = np.float32(top) * (1 - ramp) + np.float32(bottom) * ramp


def shade(rng, colour, amount: float = 16) -> Colour:
    """The same paint in another batch, another year, another light."""
    shift = rng.gauss(0, amount * 0.6)
    return tuple(float(min(255, max(0, c + shift + rng.gauss(0, amount * 0.5)))) for c in colour)


def draw_band(canvas: Canvas, rng, band: Band, size: tuple[float, float], inset: float) -> None:
    width = band.width
    x0 = size[0] - inset - width if band.right else inset
    y0, y1 = inset, size[1] - inset
    canvas.rectangle(x0, y0, x0 + width, y1, shade(rng, band.colour))
    middle, pale = x0 + width / 2, shade(rng, WHITE)
    high = min(y1 - y0, 110)
    if band.stars:
        ring, gold = width * 0.29, shade(rng, (250, 210, 40))
        for i in range(12):
            angle = i * math.pi / 6
            canvas.disc(middle + ring * math.sin(angle), y0 + high * 0.30 - ring * math.cos(angle), width * 0.045, gold)
    if band.letters:
        path = rng.choice(fonts.family_files("sans"))
        canvas.text(path, band.letters, middle, y0 + high * (0.77 if not band.foot else 0.72), 0.21 * high, pale, width * 0.82)
    if band.foot:
        path = rng.choice(fonts.family_files("condensed"))
        canvas.disc(middle, y0 + high * 0.25, width * 0.25, shade(rng, (200, 200, 190), 60))
        canvas.text(path, band.foot, middle, y0 + high * 0.82, 0.24 * high, pale, width * 0.86)


def draw_coat(canvas: Canvas, rng, x: float, y: float, width: float, height: float) -> None:
    """A shield in two or three colours."""
    w, h = width / 2, height / 2
    shield = [(x - w, y - h), (x + w, y - h), (x + w, y + h * 0.3), (x, y + h), (x - w, y + h * 0.3)]
    canvas.polygon(shield, shade(rng, rng.choice([(200, 30, 40), (30, 60, 150), (220, 180, 40), (30, 110, 60)]), 30))
    canvas.polygon([(x - w * 0.5, y - h * 0.6), (x + w * 0.6, y - h * 0.5), (x, y + h * 0.5)],
                   shade(rng, rng.choice([(235, 235, 235), (210, 180, 60), (40, 70, 150)]), 30))


def draw_seals(canvas: Canvas, rng, x: float, y: float, radius: float, height: float) -> None:
    """Inspection sticker above, registration seal below (Germany, Austria, Czechia...)."""
    if rng.random() < 0.85:
        canvas.disc(x, y - height * 0.26, radius, shade(rng, rng.choice([(230, 130, 40), (60, 120, 190), (220, 200, 60), (150, 90, 60), (210, 130, 150), (90, 160, 90)]), 20))
        canvas.disc(x, y - height * 0.26, radius * 0.45, shade(rng, WHITE, 20), 1.2)
    if rng.random() < 0.9:
        canvas.disc(x, y + height * 0.27, radius, shade(rng, (205, 205, 205), 20))
        canvas.disc(x, y + height * 0.27, radius * 0.55, shade(rng, (110, 110, 110), 60))


def glyph(path: str, char: str, spec: Spec) -> np.ndarray:
    """The mask of a character in the face of this plate."""
    if char == "I" and spec.serif_i:
        return fonts.serif_i(path)
    if char in "O0" and spec.squared_o:
        return fonts.squared(path, char)
    return fonts.glyph(path, char)


def row_width(row: str, path: str, spec: Spec, cap: float) -> list[tuple[str, float, float]]:
    """(token, width of its cell, width of its ink) for each token of a row."""
    stretch = spec.cell / (cap * fonts.reference_width(path)) * (cap / spec.cap)
    cell = spec.cell * cap / spec.cap
    tokens = []
    for char in row:
        if char in ALPHABET or char in UMLAUTS:
            natural = glyph(path, char, spec).shape[1] / fonts.GLYPH_CAP * cap * stretch
            # Real plates punch every character from a die of one width: M and W are squeezed into it.
            ink = min(natural, cell * (1.06 if char in "MW" else 1.0))
            tokens.append((char, cell if spec.equal else max(ink, cell * 0.3), ink))
        elif char in " -.":
            tokens.append((char, spec.space * (0.8 if char == "." else 1.0), 0))
        elif char in "*#":
            tokens.append((char, cap * (0.52 if char == "*" else 0.62), 0))
        elif char == ":":
            tokens.append((char, spec.gap * 1.5, 0))
    return tokens


def draw_row(canvas: Canvas, rng, spec: Spec, path: str, row: str, line: int, left: float, right: float, middle: float,
             cap: float, colour: Colour, weight: int, relief: float) -> list:
    tokens = row_width(row, path, spec, cap)
    gaps = spec.gap * max(0, len(tokens) - 1)
    total = sum(width for _, width, _ in tokens) + gaps
    squeeze = min(1.0, (right - left - 6) / max(1e-3, total))
    x = left + (right - left - total * squeeze) * spec.align
    s, found = canvas.scale, []
    for char, width, ink in tokens:
        width, centre = width * squeeze, x + width * squeeze / 2
        if ink:
            w, h = max(2, round(ink * squeeze * s)), max(4, round(cap * s))
            mask = cv2.resize(glyph(path, char, spec), (w, h), interpolation=cv2.INTER_AREA)
            if weight:
                mask = cv2.copyMakeBorder(mask, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
                kernel = np.ones((abs(weight) + 1, abs(weight) + 1), np.uint8)
                mask = (cv2.dilate if weight > 0 else cv2.erode)(mask, kernel)
            if spec.slant:
                lean = spec.slant * mask.shape[0]
                mask = cv2.warpAffine(mask, np.float32([[1, -spec.slant, lean], [0, 1, 0]]), (int(mask.shape[1] + lean), mask.shape[0]))
            px, py = round(centre * s - mask.shape[1] / 2), round(middle * s - mask.shape[0] / 2)
            canvas.paste(mask, px, py, colour, relief)
            found.append((UMLAUTS.get(char, char), line, (float(px), float(py), float(px + mask.shape[1]), float(py + mask.shape[0]))))
        elif char == "-" and spec.dash:
            half = min(width * 0.33, cap * 0.17)
            canvas.rectangle(centre - half, middle - cap * 0.055, centre + half, middle + cap * 0.055, colour)
        elif char == "." and spec.country == "US" and rng.random() < 0.5:  # a star or a small map of the state
            angles = [i * math.pi / 5 - math.pi / 2 for i in range(10)]
            size = cap * rng.uniform(0.09, 0.16)
            canvas.polygon([(centre + size * (1 if i % 2 == 0 else 0.45) * math.cos(a), middle + size * (1 if i % 2 == 0 else 0.45) * math.sin(a)) for i, a in enumerate(angles)], colour)
        elif char == ".":
            canvas.disc(centre, middle, cap * 0.075, colour)
        elif char == "*":
            draw_seals(canvas, rng, centre, middle, cap * 0.22, cap)
        elif char == "#":
            draw_coat(canvas, rng, centre, middle, cap * 0.5, cap * 0.62)
        x += width + spec.gap * squeeze
    return found


def draw(rng, spec: Spec) -> Plate:
    """Paint the plate of a specification."""
    rows = len(spec.rows)
    scale = (120.0 * rows / spec.size[1]) if rows == 1 else 230.0 / spec.size[1]
    scale *= rng.uniform(0.96, 1.06)
    bg, fg = shade(rng, spec.bg, 12), shade(rng, spec.fg, 14)
    canvas = Canvas(spec.size, scale, bg)
    width, height = spec.size
    inset = spec.border_width * 0.6 if spec.border else 0.0
    for painter in spec.under:
        painter(canvas, rng)
    left = right = inset + 2
    for band in spec.bands:
        draw_band(canvas, rng, band, spec.size, inset)
        if band.right:
            right += band.width
        else:
            left += band.width
    if spec.border:
        s = scale
        cv2.rectangle(canvas.image, (round(2 * s), round(2 * s)), (canvas.width - 1 - round(2 * s), canvas.height - 1 - round(2 * s)),
                      shade(rng, spec.border), max(1, round(spec.border_width * s)), cv2.LINE_AA)
    path = rng.choice(fonts.family_files(spec.family))
    weight = rng.choice([0, 0, 0, 1, 1, 2, -1])
    relief = rng.choice([0, 0, 15, 30])
    caps = spec.row_caps or [spec.cap] * rows
    free = height - spec.top - spec.bottom - sum(caps)
    y = spec.top + free / (rows + 1)
    chars = []
    for line, row in enumerate(spec.rows):
        colour = spec.row_colours[line] if spec.row_colours else fg
        chars += draw_row(canvas, rng, spec, path, row, line, left, width - right, y + caps[line] / 2, caps[line], colour,
                          weight, relief)
        y += caps[line] + free / (rows + 1)
    for painter in spec.over:
        painter(canvas, rng)
    quad = np.float32([[0, 0], [canvas.width, 0], [canvas.width, canvas.height], [0, canvas.height]])
    text = "".join(char for char, _, _ in chars)
    return Plate(canvas.image, quad, text, spec.country, rows, chars, spec.kind)
