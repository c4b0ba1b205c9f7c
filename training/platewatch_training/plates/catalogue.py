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


def add_holder(rng, plate: Plate) -> Plate:
    """Put the plate into a holder, sometimes with the words of a dealer, and add screws."""
    image, (height, width) = plate.image, plate.image.shape[:2]
    unit = height / plate.lines
    for _ in range(rng.choice([0, 0, 0, 2, 2, 4])):
        x, y = rng.choice([rng.uniform(0.05, 0.3), rng.uniform(0.7, 0.95)]) * width, rng.choice([0.08, 0.5, 0.92]) * height
        cv2.circle(image, (int(x), int(y)), max(2, int(unit * rng.uniform(0.02, 0.045))), shade(rng, rng.choice([(120, 120, 120), (200, 200, 200), (60, 60, 60)])), -1, cv2.LINE_AA)
    if rng.random() < 0.35:
        return plate
    side, top = unit * rng.uniform(0.02, 0.10), unit * rng.uniform(0.02, 0.10)
    foot = unit * rng.uniform(0.04, 0.26)
    if plate.country == "US" and rng.random() < 0.5:
        top = foot
    side, top, foot = (max(1, round(v)) for v in (side, top, foot))
    colour = shade(rng, rng.choice([BLACK, BLACK, BLACK, (90, 90, 95), (200, 200, 200), EU_BLUE, WHITE]), 20)
    out = np.empty((height + top + foot, width + 2 * side, 3), np.float32)
    out[:] = colour
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
