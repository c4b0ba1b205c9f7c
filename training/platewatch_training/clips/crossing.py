"""Five lanes before a crossing, seen from a pole beside the road.

The camera looks across the lanes, so that vehicles of the near lanes pass before
those of the far ones and plates cross in the picture. The middle lane waits at a
red light, the others flow; some drivers change lanes; a motorcycle rides between
the lanes; one car draws a trailer.
"""

from __future__ import annotations

import random

import numpy as np

from . import scenery
from .flow import Driver, drive
from .lens import Lens
from .scene import Light, Scene
from .traffic import FOREIGN_WIDE, make, order

SECONDS = 17.0
TOWARDS = {0: -5.6, 1: -2.6, 2: 0.4}
AWAY = {3: 3.6, 4: 6.7}
FAR, NEAR = 165.0, -170.0  # Y where s = 0, towards and away
STOP = 27.0
PLAN = {
    "asphalt": (-7.5, 8.5), "pavement": [(8.9, 12.1), (-12.1, -7.9)], "kerb": [8.7, -7.7],
    "solid": [1.9, 2.1], "dashed": [-4.1, -1.1, 5.15], "tracks": [-6.3, -4.9, -3.3, -1.9, -0.3, 1.1, 2.9, 4.3, 6.0, 7.4],
}
SPECIALS = [("car", "BE", "trade"), ("car", "BE", "personalised"), ("car", "BE", "taxi"), ("van", "NL", "two-line"), ("car", "NL", ""), ("car", "FR", ""),
            ("car", "DE", ""), ("car", "LU", ""), ("car", "GB", ""), ("car", "PL", ""), ("car", "RO", ""), ("car", "BE", "export"), ("car", "BE", "diplomatic")]
LENGTH = {"car": 4.5, "van": 5.4, "truck": 9.5, "motorcycle": 2.1, "trailer": 2.6}


def fill(rng: random.Random, lanes: dict[int, float], first: float, last: float, wish: dict[int, float], specials, foreign) -> list[tuple[Driver, tuple[str, str, str]]]:
    """Vehicles one behind the other in every lane, from s = `last` down to `first`."""
    rows = []
    for lane, x in lanes.items():
        s, kinds = last - rng.uniform(0, 9), order(rng, 40, [], foreign)
        while s > first:
            kind, country, series = kinds.pop()
            if lane in (2, 3) and kind == "car" and rng.random() < 0.12:
                kind = "truck"
            length = LENGTH[kind]
            s -= length / 2
            rows.append([Driver(lane, s, length, wish[lane] * rng.uniform(0.88, 1.12), x + rng.gauss(0, 0.15)), (kind, country, series)])
            s -= length / 2 + rng.choice([3.5, 5.0, 7.0, 9.0, 14.0])
    # The special plates go to cars that will be seen.
    cars = [r for r in rows if r[1][0] == "car" and first + 40 < r[0].s < last - 12]
    rng.shuffle(cars)
    for row, special in zip(cars, specials):
        row[1] = special
        row[0].length = LENGTH[special[0]]
    return [tuple(r) for r in rows]


def crossing(seed: int = 53) -> Scene:
    rng = random.Random(seed)
    grain = np.random.default_rng(seed)
    lens = Lens(focal=2900, x=9.2, z=5.2, pitch=0.205, yaw=-0.33, roll=-0.006)
    down = fill(rng, TOWARDS, -70.0, FAR - 13, {0: 11.5, 1: 9.5, 2: 10.0}, SPECIALS[::2], FOREIGN_WIDE)
    up = fill(rng, AWAY, -70.0, 240.0, {3: 9.0, 4: 12.0}, SPECIALS[1::2], FOREIGN_WIDE)
    drive([d for d, _ in down], SECONDS, {2: (FAR - STOP, 7.5)}, [(1.5, 1, 0, 95, 130), (5.0, 0, 1, 95, 130), (9.0, 1, 0, 90, 130), (14.0, 1, 2, 95, 132)], TOWARDS)
    drive([d for d, _ in up], SECONDS, {}, [(2.0, 3, 4, 176, 196), (8.0, 4, 3, 176, 198), (13.0, 3, 4, 176, 198)], AWAY)
    movers = []
    for group, heading, origin in ((down, -1, FAR), (up, 1, NEAR)):
        for d, (kind, country, series) in group:
            legible = series not in ("", "standard") or country != "BE" or rng.random() > 0.06
            movers.append(make(len(movers), rng, kind, country, series, legible, x=d.x, y=0.0, speed=d.wish, heading=heading,
                               angle=rng.gauss(0, 0.008), path=d.path(heading, origin)))
    add_trailer(rng, movers)
    # Between the two receding lanes, faster than both.
    movers.append(make(len(movers), rng, "motorcycle", "BE", "motorcycle", x=5.15, y=-42.0, speed=14.0, heading=1, sway=0.1))
    movers.append(make(len(movers), rng, "motorcycle", "BE", "motorcycle", x=5.2, y=-150.0, speed=14.0, heading=1, sway=0.1))
    seen = [m for m in movers if any(1.5 < m.at(t)[1] < 160 for t in np.arange(0, SECONDS, 0.5))]
    for number, m in enumerate(seen):
        m.number = number
    return Scene("crossing", seed, SECONDS, 1 / 1500, lambda t: lens, seen, Light(ambient=0.72, sun=0.36, direction=(0.5, -0.55, 0.7), shadow=0.42),
                 osd="CAM 07  SINGEL X PLANTIJN", start="2026-10-06 17:11:20", noise=1.4, fps=15, beside=True, optics=True, person=True, least_px=24,
                 **surroundings(grain))


def add_trailer(rng: random.Random, movers: list) -> None:
    """Hang a trailer with a plate of its own behind a receding car that has the room."""
    for m in [m for m in movers if m.heading > 0 and m.vehicle.kind == "car" and -60 < m.at(4.0)[1] < 10]:
        behind = min((m.at(t)[1] - o.at(t)[1] - (m.vehicle.length + o.vehicle.length) / 2 for o in movers for t in np.arange(0, SECONDS, 1.0)
                      if o is not m and abs(o.at(t)[0] - m.at(t)[0]) < 2.2 and o.at(t)[1] < m.at(t)[1]), default=99.0)
        if behind > 4.6:
            back = (m.vehicle.length + LENGTH["trailer"]) / 2 + 0.9
            movers.append(make(len(movers), rng, "trailer", "BE", "trailer", x=m.x, y=0.0, speed=m.speed, heading=1,
                               path=lambda t, m=m, back=back: (m.at(t)[0], m.at(t)[1] - back)))
            return
    raise ValueError("no car has room for a trailer; choose another seed")


def surroundings(rng: np.random.Generator) -> dict:
    far = scenery.road(rng, -60, 60, 0, 260, 12, PLAN)
    near = scenery.road(rng, -16, 16, 0, 56, 70, PLAN)
    for texture, scale, left, top in ((far, 12, -60, 260), (near, 70, -16, 56)):
        stop_line(texture, scale, left, top, rng)
    props = []
    for x in (-13.0,):
        y = 20.0
        while y < 190:
            width, height = rng.uniform(7, 11), rng.uniform(9, 15)
            props.append(scenery.along(x, y, y + width, 0, height, scenery.house(rng, width, height)))
            y += width
    y = 30.0
    while y < 190:
        im, width = scenery.tree(rng, rng.uniform(5, 7))
        props.append(scenery.upright(-11.2, y, width, 6.0, im))
        im, width = scenery.tree(rng, rng.uniform(5, 7))
        props.append(scenery.upright(13.5, y + 4, width, 6.0, im))
        y += rng.uniform(11, 19)
    for k in range(16):
        im, width = scenery.tree(rng, 10.0)
        props.append(scenery.upright(-50 + 7 * k, 205 + rng.uniform(-6, 6), width * 1.3, 12, im))
    for y in (34, 74, 114):
        props.append(scenery.upright(-9.2, y, 0.16, 8, scenery.post()))
    props.append(scenery.upright(-9.6, 52, 3.0, 1.7, scenery.board(rng, ["CENTRUM 2", "R10 SINGEL", "A12 BREDA"], (118, 62, 20), 3.0, 1.7), 3.2, glow=1))
    props.append(scenery.upright(-9.3, 36, 0.7, 0.7, scenery.speed_sign(50), 2.3, glow=1))
    return {"ground": [(far, 12, -60, 260, 9, 258), (near, 70, -16, 56, 6, 52)], "sky": scenery.sky(rng, 2600, 700, False), "props": props}


def stop_line(texture: np.ndarray, scale: float, left: float, top: float, rng: np.random.Generator) -> None:
    """The stop line of the middle lane, where the red light holds it."""
    y0, y1 = (int((top - y) * scale) for y in (STOP - 0.2, STOP - 0.7))
    x0, x1 = (int((x - left) * scale) for x in (-1.0, 1.8))
    part = texture[y1:y0, x0:x1] if y1 < y0 else texture[y0:y1, x0:x1]
    part[:] = (part * 0.25 + 165).astype(np.uint8)
