"""Scenes of one fixed camera on a gantry over three lanes, by day and by night."""

from __future__ import annotations

import random

import numpy as np

from . import scenery
from .lens import Lens
from .scene import Light, Scene
from .traffic import make, order

# x, heading, metres a second
LANES = [(-3.9, -1, 15.5), (-0.5, -1, 18.0), (3.1, 1, 14.0)]
PLAN = {
    "asphalt": (-6.6, 6.0), "pavement": [(-9.2, -7.2)], "kerb": [-6.75],
    "solid": [-5.8, 1.25, 1.55, 5.2], "dashed": [-2.2], "tracks": [-4.65, -3.15, -1.25, 0.25, 2.35, 3.85],
}
DAY_SPECIALS = [("motorcycle", "BE", "motorcycle"), ("car", "BE", "trade"), ("car", "BE", "personalised"), ("car", "BE", "export"),
                ("van", "NL", "two-line"), ("car", "FR", ""), ("car", "DE", ""), ("car", "LU", ""), ("car", "GB", "")]
NIGHT_SPECIALS = [("motorcycle", "BE", "motorcycle"), ("car", "BE", "temporary"), ("car", "BE", "personalised"), ("car", "BE", "old"),
                  ("car", "NL", ""), ("van", "DE", ""), ("car", "FR", ""), ("car", "LU", ""), ("car", "BE", "diplomatic")]


def schedule(rng: random.Random, seconds: float, count: int, specials) -> list:
    """Fill the lanes with vehicles that keep their distance."""
    wanted = order(rng, count, specials)
    movers, clock = [], [rng.uniform(0.2, 1.2) for _ in LANES]
    for number, (kind, country, series) in enumerate(wanted):
        # Motorcycles wear their plate behind, so they must drive away from the camera.
        lane = 2 if kind == "motorcycle" else int(np.argmin([c + (0.9 if i == 2 else 0) for i, c in enumerate(clock)]))
        x, heading, speed = LANES[lane]
        at = clock[lane]  # when it passes the trigger line at 17 m
        clock[lane] += (max(1.5, 0.9 + (11.0 if kind == "truck" else 6.0) / speed) + rng.expovariate(1 / 0.9)) * seconds / 30
        legible = not (series == "" and country == "BE") and rng.random() > 0.07 or series not in ("", "standard")
        y = 17.0 - heading * speed * at
        movers.append(make(number, rng, kind, country, series, legible, x=x + rng.gauss(0, 0.16), y=y, speed=speed, heading=heading,
                           angle=rng.gauss(0, 0.008), sway=0.05))
    return movers


def surroundings(seed: int, night: bool) -> dict:
    rng = np.random.default_rng(seed)
    far = scenery.road(rng, -40, 40, 0, 260, 14, PLAN)
    near = scenery.road(rng, -11, 11, 0, 48, 90, PLAN)
    props = [scenery.along(-7.6, 12, 150, 0.35, 0.75, scenery.rail_texture(60)), scenery.along(7.4, 10, 150, 0.35, 0.75, scenery.rail_texture(60))]
    for side in (-1, 1):
        for k in range(34):
            y = 26 + 6.2 * k + rng.uniform(-2, 2)
            # Near the camera only bushes: of a tall tree the picture would show a bare trunk.
            height = rng.uniform(7, 13) if y > 110 else rng.uniform(1.6, 3.4)
            im, width = scenery.tree(rng, height)
            if y <= 110:
                im, height = im[: int(0.72 * len(im))], 0.72 * height
            props.append(scenery.upright(side * rng.uniform(12.5, 22), y, width, height, im))
    for k in range(14):
        im, width = scenery.tree(rng, 11.0)
        props.append(scenery.upright(-52 + 8 * k, 238 + rng.uniform(-6, 6), width, 12, im))
    for y in (48, 88, 128):
        props.append(scenery.upright(8.6, y, 0.16, 9, scenery.post()))
    props.append(scenery.upright(8.4, 64, 3.2, 1.9, scenery.board(rng, ["ANTWERPEN 12", "N 173 LIER 5"], (118, 62, 20), 3.2, 1.9), 3.0, glow=1))
    props.append(scenery.upright(8.4, 64.1, 0.14, 3, scenery.post()))
    props.append(scenery.upright(-8.3, 40, 0.8, 0.8, scenery.speed_sign(70), 2.2, glow=1))
    props.append(scenery.upright(-8.3, 40.1, 0.08, 2.2, scenery.post()))
    return {
        "ground": [(far, 14, -40, 260, 10, 258), (near, 90, -11, 48, 8, 44)],
        "sky": scenery.sky(rng, 2600, 700, night), "props": props,
    }


def day(seed: int = 11) -> Scene:
    rng = random.Random(seed)
    lens = Lens(focal=3500, x=0.9, z=5.4, pitch=0.196, yaw=-0.045, roll=0.008)
    return Scene("roadside-day", seed, 30.0, 1 / 700, lambda t: lens, schedule(rng, 28, 25, DAY_SPECIALS), Light(),
                 osd="CAM 03  N173 KM 14.2", **surroundings(seed, False))


def night(seed: int = 23) -> Scene:
    rng = random.Random(seed)
    lens = Lens(focal=3500, x=0.9, z=5.4, pitch=0.196, yaw=-0.045, roll=0.008)
    return Scene("roadside-night", seed, 30.0, 1 / 500, lambda t: lens, schedule(rng, 28, 22, NIGHT_SPECIALS),
                 Light(ambient=0.62, up=0.1, sun=0.25, direction=(0.05, -0.9, 0.4), shadow=0.0), night=True,
                 osd="CAM 03  N173 KM 14.2  IR", start="2026-09-14 22:17:31", noise=3.2, **surroundings(seed, True))
