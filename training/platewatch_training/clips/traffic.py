"""Who drives where and when: vehicles, their plates and their paths."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Callable

import cv2
import numpy as np

from .. import plates
from ..plates import catalogue, layout
from . import vehicles
from .raster import Face

BELGIAN_KINDS = ["standard"] * 9 + ["old", "reissued", "taxi", "personalised"]
FOREIGN = ["NL"] * 5 + ["FR"] * 4 + ["DE"] * 4 + ["LU"] * 2 + ["GB"]
FOREIGN_WIDE = FOREIGN + ["PL"] * 2 + ["RO"] * 2


@dataclass
class Mover:
    """One vehicle; `heading` +1 drives away along +Y. Its path is straight unless `path` says otherwise."""

    number: int
    vehicle: vehicles.Vehicle
    plate: object
    x: float
    y: float  # at time 0
    speed: float  # along its heading, m/s
    heading: int
    angle: float = 0.0  # small turn about the vertical, radians
    sway: float = 0.0
    legible: bool = True  # False: dirty or covered on purpose
    path: Callable[[float], tuple[float, float]] | None = None  # (x, y) at a time, s

    def at(self, t: float) -> tuple[float, float]:
        if self.path is not None:
            return self.path(t)
        return self.x + self.sway * np.sin(0.7 * t + self.number), self.y + self.heading * self.speed * t

    def place(self, corners: np.ndarray, t: float) -> np.ndarray:
        """Corners from the vehicle's axes to the world's."""
        x, y = self.at(t)
        c, s = np.cos(self.angle) * self.heading, np.sin(self.angle) * self.heading
        u, v = corners[:, 0], corners[:, 1]
        return np.stack([x + c * u - s * v, y + s * u + c * v, corners[:, 2]], 1)

    def turn(self, normal: np.ndarray) -> np.ndarray:
        c, s = np.cos(self.angle) * self.heading, np.sin(self.angle) * self.heading
        return np.array([c * normal[0] - s * normal[1], s * normal[0] + c * normal[1], normal[2]])


def muddy(plate, rng: random.Random) -> None:
    """Cover the plate with dirt until nobody can read it."""
    h, w = plate.image.shape[:2]
    grain = np.random.default_rng(rng.getrandbits(32))
    field = cv2.resize(grain.random((4, 12), dtype=np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    k = np.clip(0.72 + 0.5 * field, 0, 0.97)[..., None]
    plate.image[:] = plate.image * (1 - k) + np.array([92, 84, 72], np.float32) * k


def draw_plate(rng: random.Random, kind: str, country: str, series: str, lines: int | None = None):
    """A rendered plate of the wanted series; tries again until the lines fit."""
    for _ in range(400):
        plate = plates.render_plate(rng, country, series or None)
        if len(plate.text) < 5 and series not in ("court", "state"):
            continue
        if plate.kind in ("moped", "trailer", "farm", "court", "state") and kind != "trailer":
            continue
        if kind == "motorcycle" or plate.kind != "motorcycle":
            if lines is None or plate.lines == lines:
                return plate
    raise ValueError(f"no {country} {series} plate with {lines} lines in 400 draws")


def given_plate(rng: random.Random, country: str, series: str, text: str):
    """A one-line plate with this text (hyphens and spaces as on the plate)."""
    for _ in range(400):
        spec = catalogue.MAKERS[country][0](rng, series or None)
        if len(spec.rows) == 1 and spec.size[0] > 450 and (not series or spec.kind == series):
            spec.rows = [text]
            return catalogue.add_holder(rng, layout.draw(rng, spec))
    raise ValueError(f"no one-line {country} {series} plate in 400 draws")


def order(rng: random.Random, count: int, specials: list[tuple[str, str, str]], foreign: list[str] = FOREIGN) -> list[tuple[str, str, str]]:
    """(vehicle, country, series) for `count` vehicles; `specials` are among them."""
    wanted = list(specials)
    while len(wanted) < count:
        kind = rng.choices(["car", "van", "truck"], [12, 3, 1.3])[0]
        if rng.random() < 0.6:
            wanted.append((kind, "BE", rng.choice(BELGIAN_KINDS)))
        else:
            wanted.append((kind, rng.choice(foreign), ""))
    rng.shuffle(wanted)
    return wanted


def make(number: int, rng: random.Random, kind: str, country: str, series: str, legible: bool = True, plate=None, **path) -> Mover:
    """A vehicle of a kind with a plate of a series, or with the `plate` given."""
    plate = plate or draw_plate(rng, kind, country, series, 2 if kind == "motorcycle" else None)
    if not legible:
        muddy(plate, rng)
    body = vehicles.build(kind, np.random.default_rng(rng.getrandbits(32)), plate)
    return Mover(number, body, plate, legible=legible, **path)


def visible_faces(mover: Mover, lens, t: float):
    """Faces turned to the camera, far ones first: (pixels, face, normal)."""
    faces = mover.vehicle.faces
    eye = np.array([lens.x, lens.y, lens.z])
    world = mover.place(np.concatenate([face.corners for face in faces]), t)
    pixels, depth = lens.project(world)
    world, pixels, depth = world.reshape(-1, 4, 3), pixels.reshape(-1, 4, 2), depth.reshape(-1, 4).min(1)
    middle = world.mean(1)
    low, high = pixels.min(1), pixels.max(1)
    outside = (high < -40).any(1) | (low[:, 0] > lens.width + 40) | (low[:, 1] > lens.height + 40)
    found: list[tuple[float, np.ndarray, Face, np.ndarray]] = []
    for k, face in enumerate(faces):
        if depth[k] < 0.8 or outside[k]:
            continue
        normal = mover.turn(face.normal)
        if not face.two_sided and np.dot(normal, eye - middle[k]) <= 0:
            continue
        distance = float(np.linalg.norm(middle[k] - eye)) - (1.5 if face.tag.startswith("plate") else 0.0)
        found.append((distance, pixels[k], face, normal))
    found.sort(key=lambda item: -item[0])
    return [(pixels, face, normal) for _, pixels, face, normal in found]


def far_first(movers: list[Mover], lens, t: float) -> list[Mover]:
    """Painter's order for a camera beside the road.

    Vehicles that overlap along the road are told apart by their distance across it,
    the others by how far down the road they are.
    """
    def covers(a: Mover, b: Mover) -> bool:
        """Whether `a` can stand before `b`."""
        (ax, ay), (bx, by) = a.at(t), b.at(t)
        if abs(ay - by) >= (a.vehicle.length + b.vehicle.length) / 2:
            return ay < by
        return abs(ax - lens.x) < abs(bx - lens.x)

    left, done = list(movers), []
    while left:
        # The first that covers nobody who is still to be drawn; ties in a ring: the first.
        pick = next((m for m in left if not any(o is not m and covers(m, o) for o in left)), left[0])
        left.remove(pick)
        done.append(pick)
    return done
