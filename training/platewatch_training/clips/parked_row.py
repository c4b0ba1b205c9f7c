"""A patrol car at 45 km/h past sixty parked cars, with fast oncoming traffic besides.

Some neighbours wear plates that differ in one character only; some stand so close
that nobody can read the rear one.
"""

from __future__ import annotations

import random

import cv2
import numpy as np

from . import patrol
from .lens import Lens
from .scene import Light, Scene
from .traffic import FOREIGN_WIDE, given_plate, make, order

SPEED = 12.5
PARKED = 60
LETTERS, DIGITS = "BCDEFGHJKLPRSTVWXYZ", "123456789"
SPECIALS = [("car", "BE", "personalised"), ("car", "BE", "trade"), ("car", "BE", "taxi"), ("car", "BE", "temporary"), ("car", "BE", "diplomatic"), ("car", "NL", "two-line"),
            ("car", "NL", "two-line"), ("car", "FR", ""), ("car", "DE", ""), ("car", "LU", ""), ("car", "GB", ""), ("car", "PL", ""), ("car", "RO", ""),
            ("motorcycle", "BE", "motorcycle"), ("motorcycle", "BE", "motorcycle"), ("trailer", "BE", "trailer"), ("van", "BE", "standard"), ("van", "DE", "")]
# Places in the row from which two (or three) neighbours differ in one character.
ALIKE = {7: 2, 19: 2, 30: 3, 44: 2, 52: 2}


def lens_at(t: float) -> Lens:
    """A roof camera turned a little to the kerb; the body pitches and the mount trembles."""
    s = np.sin
    pitch = 0.070 + 0.0034 * s(6.3 * t) + 0.0018 * s(11.9 * t + 1) + 0.0008 * s(53 * t) + 0.0005 * s(97 * t + 2)
    roll = 0.0045 * s(4.1 * t + 0.5) + 0.0006 * s(59 * t)
    yaw = 0.115 + 0.0040 * s(1.3 * t) + 0.0006 * s(67 * t + 1)
    return Lens(focal=1230, width=1280, height=720, x=-0.45 + 0.12 * s(0.5 * t), y=SPEED * t, z=1.78 + 0.014 * s(8.1 * t), pitch=pitch, yaw=yaw, roll=roll)


def alike(rng: random.Random, count: int) -> list[str]:
    """Belgian numbers that differ from the first in one character each."""
    first = rng.choice("12") + "".join(rng.choice(LETTERS) for _ in range(3)) + "".join(rng.choice(DIGITS) for _ in range(3))
    texts = [first]
    for k in rng.sample(range(1, 7), count - 1):
        pool = DIGITS if first[k].isdigit() else LETTERS
        texts.append(first[:k] + rng.choice([c for c in pool if c != first[k]]) + first[k + 1 :])
    return [f"{t[0]}-{t[1:4]}-{t[4:]}" for t in texts]


def parked(rng: random.Random) -> list:
    wanted = [w if w[0] != "truck" else ("van", *w[1:]) for w in order(rng, PARKED, SPECIALS, FOREIGN_WIDE)]
    pairs: dict[int, str] = {}
    for start, count in ALIKE.items():
        pairs.update(zip(range(start, start + count), alike(rng, count)))
    movers, y = [], 13.0
    for number, (kind, country, series) in enumerate(wanted):
        plate = None
        if number in pairs:
            kind, country, series = "car", "BE", "standard"
            plate = given_plate(rng, "BE", "standard", pairs[number])
        length = {"van": 5.6, "motorcycle": 2.3, "trailer": 3.4}.get(kind, 4.7)
        heading = 1 if kind in ("motorcycle", "trailer") or rng.random() < 0.85 else -1
        y += rng.choice([1.3, 2.2, 2.8, 3.2, 3.8, 4.6]) + length / 2
        legible = number in pairs or series not in ("", "standard") or country != "BE" or rng.random() > 0.06
        movers.append(make(number, rng, kind, country, series, legible, plate, x=2.95 + rng.gauss(0, 0.08), y=y, speed=0.0, heading=heading, angle=rng.gauss(0, 0.025)))
        y += length / 2
    return movers


def oncoming(rng: random.Random, first: int, seconds: float) -> list:
    """Oncoming at 60 to 90 km/h: up to 135 km/h against the camera."""
    movers, at = [], 1.2
    wanted = order(rng, 20, [("car", "NL", ""), ("car", "BE", "taxi"), ("car", "BE", "old"), ("van", "PL", ""), ("car", "FR", "")], FOREIGN_WIDE)
    speed = 16.7
    for number, (kind, country, series) in enumerate(wanted, first):
        # One speed for all behind a slow one, then a free, faster group.
        if (number - first) % 4 == 0:
            speed = rng.choice([16.7, 20.0, 22.2, 25.0])
            at += 1.6
        if at > seconds - 0.5:
            break
        y = SPEED * at + 9.0 + speed * at
        movers.append(make(number, rng, "car" if kind == "motorcycle" else kind, country, series, rng.random() > 0.06, x=-3.45 + rng.gauss(0, 0.12), y=y, speed=speed, heading=-1))
        at += rng.uniform(1.1, 2.0)
    return movers


def parked_row(seed: int = 71) -> Scene:
    rng = random.Random(seed)
    movers = parked(rng)
    seconds = round((movers[-1].y - 3.0) / SPEED, 1)
    movers += oncoming(rng, len(movers), seconds)
    return Scene("parked-row", seed, seconds, 1 / 1500, lens_at, movers, Light(ambient=0.8, sun=0.34, direction=(0.5, -0.45, 0.75), shadow=0.4),
                 osd="PATROL 14 CAM R", start="2026-10-08 11:32:05", still=False, noise=1.1, fps=15, optics=True, person=True, least_px=20,
                 **patrol.surroundings(np.random.default_rng(seed), seconds * SPEED + 70))
