"""Scene of a patrol car's roof camera in a town street: parked and oncoming vehicles."""

from __future__ import annotations

import random

import cv2
import numpy as np

from . import scenery
from .lens import Lens
from .scene import Light, Scene
from .traffic import make, order

SPEED = 7.0
SECONDS = 25.0
STREET = 250.0
PLAN = {
    "asphalt": (-7.2, 3.9), "pavement": [(3.9, 6.6), (-10.0, -7.2)], "kerb": [3.9, -7.2],
    "dashed": [-1.65], "dash_gap": 2.5, "solid": [1.62], "tracks": [-0.8, 0.8, -4.0, -2.5],
}
PARKED_SPECIALS = [("car", "BE", "personalised"), ("car", "BE", "trade"), ("van", "BE", "standard"), ("car", "NL", "two-line"), ("car", "FR", ""),
                   ("car", "DE", ""), ("car", "LU", ""), ("motorcycle", "BE", "motorcycle")]
ONCOMING_SPECIALS = [("van", "BE", "standard"), ("car", "NL", ""), ("car", "BE", "taxi"), ("car", "BE", "old")]


def lens_at(t: float) -> Lens:
    """The road shakes the camera: slow pitching of the body, fast tremor of the mount."""
    s = np.sin
    pitch = 0.062 + 0.0030 * s(5.1 * t) + 0.0016 * s(9.7 * t + 1) + 0.0006 * s(47 * t) + 0.0004 * s(83 * t + 2)
    roll = 0.0040 * s(3.7 * t + 0.5) + 0.0005 * s(53 * t)
    yaw = 0.060 + 0.0040 * s(1.1 * t) + 0.0005 * s(61 * t + 1)
    return Lens(focal=1950, x=0.12 * s(0.45 * t), y=SPEED * t, z=1.78 + 0.012 * s(7.3 * t), pitch=pitch, yaw=yaw, roll=roll)


def parked(rng: random.Random, first: int) -> list:
    wanted = order(rng, 20, PARKED_SPECIALS)
    movers, y = [], 12.0
    for number, (kind, country, series) in enumerate(wanted, first):
        if kind == "truck":
            kind = "van"
        length = {"van": 5.6, "motorcycle": 2.3}.get(kind, 4.7)
        heading = 1 if kind == "motorcycle" or rng.random() < 0.8 else -1
        gap = rng.choice([1.5, 3.5, 5.0, 6.0, 7.0, 8.0])
        y += gap + length / 2
        movers.append(make(number, rng, kind, country, series, True, x=2.75 + rng.gauss(0, 0.07), y=y, speed=0.0, heading=heading, angle=rng.gauss(0, 0.02)))
        y += length / 2
        if y > SPEED * SECONDS + 8:
            break
    return movers


def oncoming(rng: random.Random, first: int) -> list:
    movers, at = [], 1.6
    for number, (kind, country, series) in enumerate(order(rng, 8, ONCOMING_SPECIALS), first):
        if kind == "motorcycle":
            kind = "car"
        speed = 10.5
        # Passes the point 9 m ahead of the camera at time `at`.
        y = SPEED * at + 9.0 + speed * at
        movers.append(make(number, rng, kind, country, series, rng.random() > 0.1, x=-3.3 + rng.gauss(0, 0.12), y=y, speed=speed, heading=-1))
        at += rng.uniform(2.2, 3.6)
    return movers


def street(rng: np.random.Generator, length: float = STREET) -> list:
    props = []
    for x in (6.7, -10.1):
        y = 0.0
        while y < length + 60:
            width, height = rng.uniform(6, 9), rng.uniform(6.5, 9.5)
            wall = scenery.house(rng, width, height)
            if rng.random() < 0.2:
                name = str(rng.choice(["APOTHEEK", "CAFE 1912", "SLAGERIJ", "KAPPER", "OPTIEK 20-20"]))
                sign = scenery.board(rng, [name], (60, 30, 90), 3.4, 0.6)
                h, w = sign.shape[:2]
                k = min(0.45, (wall.shape[1] - 20) / w)
                small = cv2.resize(sign, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
                top = wall.shape[0] - int(2.95 * 50)
                wall[top : top + small.shape[0], 10 : 10 + small.shape[1]] = small
            props.append(scenery.along(x, y, y + width, 0, height, wall))
            y += width
    for side, x in ((1, 4.6), (-1, -7.9)):
        y = 14.0
        while y < length + 40:
            im, width = scenery.tree(rng, rng.uniform(4.5, 6.5))
            props.append(scenery.upright(x, y, width, 5.5, im))
            y += rng.uniform(22, 40)
    for y in (30, 92, 150, 205, *range(262, int(length) - 20, 58)):
        props.append(scenery.upright(4.25, y, 0.55, 0.55, scenery.speed_sign(30), 2.1, glow=1))
        props.append(scenery.upright(4.25, y + 0.05, 0.07, 2.2, scenery.post()))
        props.append(scenery.upright(4.3, y + 29, 0.6, 0.6, scenery.board(rng, ["P"], (150, 80, 20), 0.6, 0.6), 2.1, glow=1))
        props.append(scenery.upright(4.3, y + 29.05, 0.07, 2.2, scenery.post()))
    for k in range(6):
        im, width = scenery.tree(rng, 9.0)
        props.append(scenery.upright(-10 + 4 * k, length + 62, width * 1.4, 11, im))
    return props


def surroundings(grain: np.random.Generator, length: float = STREET) -> dict:
    """The street of a clip that drives `length` metres less some 75 through it."""
    fine = scenery.road(grain, -11, 8, 0, length + 20, 44, PLAN)
    coarse = cv2.resize(fine, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    middle = cv2.resize(fine, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    top = length + 20
    return {
        "ground": [(coarse, 11, -11, top, 14, 400), (middle, 22, -11, top, 6, 20), (fine, 44, -11, top, 2.0, 9)],
        "sky": scenery.sky(grain, 2600, 700, False), "props": street(grain, length),
    }


def patrol(seed: int = 37) -> Scene:
    rng = random.Random(seed)
    grain = np.random.default_rng(seed)
    movers = parked(rng, 0)
    movers += oncoming(rng, len(movers))
    lead = make(len(movers), rng, "car", "BE", "standard", True, x=0.1, y=16.0, speed=SPEED - 0.1, heading=1, sway=0.08)
    movers.append(lead)
    return Scene(
        "patrol", seed, SECONDS, 1 / 400, lens_at, movers, Light(ambient=0.8, sun=0.34, direction=(0.5, -0.45, 0.75), shadow=0.4),
        osd="PATROL 21 CAM R", start="2026-09-15 10:08:44", still=False, noise=1.2, **surroundings(grain),
    )
