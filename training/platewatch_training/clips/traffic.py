"""Who drives where and when: vehicles, their plates and their paths."""

from __future__ import annotations

import random
from dataclasses import dataclass

import cv2
import numpy as np

from .. import plates
from . import vehicles
from .raster import Face

BELGIAN_KINDS = ["standard"] * 9 + ["old", "reissued", "taxi", "personalised"]
FOREIGN = ["NL"] * 5 + ["FR"] * 4 + ["DE"] * 4 + ["LU"] * 2 + ["GB"]


@dataclass
class Mover:
    """One vehicle on a straight path; `heading` +1 drives away along +Y."""

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

    def at(self, t: float) -> tuple[float, float]:
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


def order(rng: random.Random, count: int, specials: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """(vehicle, country, series) for `count` vehicles; `specials` are among them."""
    wanted = list(specials)
    while len(wanted) < count:
        kind = rng.choices(["car", "van", "truck"], [12, 3, 1.3])[0]
        if rng.random() < 0.6:
            wanted.append((kind, "BE", rng.choice(BELGIAN_KINDS)))
        else:
            wanted.append((kind, rng.choice(FOREIGN), ""))
    rng.shuffle(wanted)
    return wanted


def make(number: int, rng: random.Random, kind: str, country: str, series: str, legible: bool = True, **path) -> Mover:
    plate = draw_plate(rng, kind, country, series, 2 if kind == "motorcycle" else None)
    if not legible:
        muddy(plate, rng)
    body = vehicles.build(kind, np.random.default_rng(rng.getrandbits(32)), plate)
    return Mover(number, body, plate, legible=legible, **path)


def visible_faces(mover: Mover, lens, t: float):
    """Faces turned to the camera, far ones first: (pixels, face, normal)."""
    eye = np.array([lens.x, lens.y, lens.z])
    found: list[tuple[float, np.ndarray, Face, np.ndarray]] = []
    for face in mover.vehicle.faces:
        world = mover.place(face.corners, t)
        normal = mover.turn(face.normal)
        middle = world.mean(0)
        if not face.two_sided and np.dot(normal, eye - middle) <= 0:
            continue
        pixels, depth = lens.project(world)
        if depth.min() < 0.8:
            continue
        distance = float(np.linalg.norm(middle - eye)) - (1.5 if face.tag.startswith("plate") else 0.0)
        found.append((distance, pixels, face, normal))
    found.sort(key=lambda item: -item[0])
    return [(pixels, face, normal) for _, pixels, face, normal in found]
