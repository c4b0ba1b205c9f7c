"""Which countries exist, how often each is drawn, and the holder around a plate."""

from __future__ import annotations

import cv2
import numpy as np

from . import benelux, europe, fonts, neighbours, world
from .layout import BLACK, EU_BLUE, WHITE, Plate, draw, shade

MAKERS = {
    "BE": (benelux.belgium, 16),
    "NL": (benelux.netherlands, 9),
    "FR": (europe.france, 7),
    "DE": (europe.germany, 9),
    "LU": (benelux.luxembourg, 2.5),
    "GB": (europe.british, 5),
    **neighbours.MAKERS,
    **world.MAKERS,
}
COUNTRIES = list(MAKERS)  # the order of the reader's country head; "other" is the last


def round_corners(rng, plate: Plate, behind) -> None:
    """Plates have round corners: what stands behind shows there."""
    image, (height, width) = plate.image, plate.image.shape[:2]
    radius = int(height / plate.lines * (rng.uniform(0.10, 0.2) if plate.country in ("US", "BR") else rng.uniform(0.03, 0.1)))
    if radius < 2:
        return
    y, x = np.mgrid[:radius, :radius].astype(np.float32)
    out = np.clip(np.hypot(radius - x - 0.5, radius - y - 0.5) - radius + 0.5, 0, 1)[..., None]
    for flip_y in (False, True):
        for flip_x in (False, True):
            mask = out[::-1] if flip_y else out
            mask = mask[:, ::-1] if flip_x else mask
            area = image[height - radius if flip_y else 0 : height if flip_y else radius, width - radius if flip_x else 0 : width if flip_x else radius]
            area += mask * (np.float32(behind) - area)


def american_frame(rng, plate: Plate) -> Plate:
    """A frame of chrome or plastic that overlaps the plate's edges, with the words of a dealer above and below."""
    image, (height, width) = plate.image, plate.image.shape[:2]
    colour = shade(rng, rng.choice([BLACK, BLACK, (190, 190, 195), (190, 190, 195), (120, 120, 125), (200, 170, 90)]), 25)
    side, top, foot = (max(2, round(height * rng.uniform(*bounds))) for bounds in ((0.03, 0.10), (0.05, 0.2), (0.05, 0.22)))
    over = [max(1, round(part * rng.uniform(0.2, 0.75))) for part in (side, top, foot)]  # how far it reaches over the plate
    out = np.empty((height + top + foot - over[1] - over[2], width + 2 * (side - over[0]), 3), np.float32)
    out[:] = colour
    x0, y0 = side - over[0], top - over[1]
    out[top : out.shape[0] - foot, side : out.shape[1] - side] = image[over[1] : height - over[2], over[0] : width - over[0]]
    for y, room in ((0, top), (out.shape[0] - foot, foot)):
        if room > height * 0.07 and rng.random() < 0.75:
            word = rng.choice([europe.dealer(rng), rng.choice(["TOYOTA", "HONDA", "LEE KIA", "ALL STAR", "NORTH MIAMI", "BOARDWALK", "VOLKSWAGEN", "LOU FUSZ", "STEVENS CREEK", "USC ALUMNI", "CHEVROLET"])])
            mask = fonts.text_mask(rng.choice(fonts.family_files("sans")), word, room * rng.uniform(0.55, 0.9))
            x = max(0, int((out.shape[1] - mask.shape[1]) * rng.uniform(0.3, 0.7)))
            part = mask[:, : out.shape[1] - x].astype(np.float32)[..., None] / 255
            area = out[y + (room - mask.shape[0]) // 2 :][: part.shape[0], x : x + part.shape[1]]
            area += part[: area.shape[0]] * (np.float32(shade(rng, WHITE if sum(colour) < 330 else BLACK, 30)) - area)
    if rng.random() < 0.5:  # light on its edges
        cv2.rectangle(out, (side - 1, top - 1), (out.shape[1] - side, out.shape[0] - foot), shade(rng, (235, 235, 235)), max(1, height // 80))
    shift = np.float32([x0, y0])
    chars = [(c, line, (a + x0, b + y0, d + x0, e + y0)) for c, line, (a, b, d, e) in plate.chars]
    quad = plate.quad + shift
    if rng.random() < 0.5:  # people and detectors often box the frame with the plate
        quad = np.float32([[0, 0], [out.shape[1], 0], [out.shape[1], out.shape[0]], [0, out.shape[0]]])
    return Plate(out, quad, plate.text, plate.country, plate.lines, chars, plate.kind)


def add_holder(rng, plate: Plate) -> Plate:
    """Put the plate into a holder, sometimes with the words of a dealer, and add screws."""
    image, (height, width) = plate.image, plate.image.shape[:2]
    unit = height / plate.lines
    for _ in range(rng.choice([0, 0, 0, 2, 2, 4])):
        x, y = rng.choice([rng.uniform(0.05, 0.3), rng.uniform(0.7, 0.95)]) * width, rng.choice([0.08, 0.5, 0.92]) * height
        cv2.circle(image, (int(x), int(y)), max(2, int(unit * rng.uniform(0.02, 0.045))), shade(rng, rng.choice([(120, 120, 120), (200, 200, 200), (60, 60, 60)])), -1, cv2.LINE_AA)
    if plate.country == "US" and rng.random() < 0.45:
        return american_frame(rng, plate)
    if rng.random() < (0.7 if plate.country == "BR" else 0.35):
        round_corners(rng, plate, shade(rng, rng.choice([BLACK, (60, 60, 65), (140, 140, 145), (210, 210, 210)]), 30))
        return plate
    side, top = unit * rng.uniform(0.02, 0.10), unit * rng.uniform(0.02, 0.10)
    foot = unit * rng.uniform(0.04, 0.26)
    if plate.country == "US" and rng.random() < 0.5:
        top = foot
    side, top, foot = (max(1, round(v)) for v in (side, top, foot))
    colour = shade(rng, rng.choice([BLACK, BLACK, BLACK, (90, 90, 95), (200, 200, 200), EU_BLUE, WHITE]), 20)
    out = np.empty((height + top + foot, width + 2 * side, 3), np.float32)
    out[:] = colour
    round_corners(rng, plate, colour)
    out[top : top + height, side : side + width] = image
    for y0, room in ((top + height, foot), (0, top)):
        if room > unit * 0.12 and rng.random() < 0.6:
            mask = fonts.text_mask(rng.choice(fonts.family_files("sans")), europe.dealer(rng), room * 0.7)
            room_x = max(1, width - mask.shape[1])
            x, y = side + int(rng.random() * room_x), y0 + (room - mask.shape[0]) // 2
            part = mask[:, : out.shape[1] - x].astype(np.float32)[..., None] / 255
            ink = shade(rng, WHITE if sum(colour) < 330 else BLACK, 30)
            area = out[y : y + part.shape[0], x : x + part.shape[1]]
            area += part[: area.shape[0]] * (np.float32(ink) - area)
    shift = np.float32([side, top])
    chars = [(c, line, (x0 + side, y0 + top, x1 + side, y1 + top)) for c, line, (x0, y0, x1, y1) in plate.chars]
    return Plate(out, plate.quad + shift, plate.text, plate.country, plate.lines, chars, plate.kind)


def render_plate(rng, country: str | None = None, kind: str | None = None) -> Plate:
    """One random plate of a country (or of any), `rng` being a `random.Random`."""
    if country is None:
        country = rng.choices(COUNTRIES, [weight for _, weight in MAKERS.values()])[0]
    return add_holder(rng, draw(rng, MAKERS[country][0](rng, kind)))


# Where two-line plates are met: motorcycles, vans, lorries' rears, imported cars.
TWO_LINE = {"BE": 30, "NL": 14, "FR": 10, "DE": 14, "GB": 8, "LU": 4}


def render_two_line(rng) -> Plate:
    """One random plate with two lines: square, motorcycle, moped."""
    while True:
        country = rng.choices(list(TWO_LINE), list(TWO_LINE.values()))[0] if rng.random() < 0.7 else rng.choice(COUNTRIES)
        maker = MAKERS[country][0]
        for _ in range(40):
            spec = maker(rng, rng.choice(["motorcycle", "standard", None, "two-line"]) if country == "BE" else rng.choice([None, "two-line"]))
            if len(spec.rows) == 2:
                return add_holder(rng, draw(rng, spec))
