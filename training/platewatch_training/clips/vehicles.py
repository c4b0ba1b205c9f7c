"""Vehicles as a handful of textured faces, with their plates exactly placed.

Local axes: u to the vehicle's right, v forward, w up; the origin lies on the
ground below the middle. A face's corners run top-left, top-right,
bottom-right, bottom-left as seen from outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from . import skins
from .raster import Face, pyramid

FIRMS = ["BAKKERIJ 1987", "VDB BOUW", "SOS DEPANNAGE", "ELEKTRO 24/7", "GARAGE MAES", "TEL 03 555 01 20", "FRUIT LEO", "AQUA 2000"]


@dataclass
class Vehicle:
    """Faces in local axes, lamps for the night, and the size of its shadow."""

    kind: str
    length: float
    width: float
    height: float
    faces: list[Face] = field(default_factory=list)
    headlamps: list[tuple[float, float, float]] = field(default_factory=list)
    tail_lamps: list[tuple[float, float, float]] = field(default_factory=list)
    front_plate: np.ndarray | None = None  # 4 x 3 corners of the plate proper
    rear_plate: np.ndarray | None = None


def plate_size(plate, kind: str) -> tuple[float, float]:
    """Metres of the plate proper, from its proportions."""
    q = plate.quad
    ratio = np.linalg.norm(q[1] - q[0]) / np.linalg.norm(q[3] - q[0])
    if kind == "motorcycle":
        width = 0.24 if ratio > 1.2 else 0.19
    elif ratio > 2.6:
        width = 0.52
    else:
        width = 0.34 if ratio > 1.3 else 0.28
    return width, width / ratio


def plate_face(plate, centre: np.ndarray, right: np.ndarray, up: np.ndarray, kind: str, tag: str) -> tuple[Face, np.ndarray]:
    """The plate with its holder as a face, and the corners of the plate proper."""
    width, height = plate_size(plate, kind)
    q = plate.quad.astype(np.float64)
    metres = width / np.linalg.norm(q[1] - q[0])
    middle = q.mean(0)

    def place(px: np.ndarray) -> np.ndarray:
        d = (px - middle) * metres
        return centre + d[:, :1] * right - d[:, 1:] * up

    h, w = plate.image.shape[:2]
    whole = place(np.float64([[0, 0], [w, 0], [w, h], [0, h]]))
    texture = np.clip(plate.image[..., ::-1], 0, 255).astype(np.uint8).copy()
    return Face(whole, pyramid(texture), grow=0.2, tag=tag), place(q)


def quad(*corners) -> np.ndarray:
    return np.array(corners, np.float64)


def attach_plates(v: Vehicle, plate, front_at: tuple[float, float] | None, rear_at: tuple[float, float] | None) -> None:
    """Mount the plate at (forward, height) in front and behind."""
    if plate is None:
        return
    up = np.array([0, 0, 1.0])
    if front_at:
        face, corners = plate_face(plate, np.array([0, front_at[0] + 0.02, front_at[1]]), np.array([-1.0, 0, 0]), up, v.kind, "plate-front")
        v.faces.append(face)
        v.front_plate = corners
    if rear_at:
        face, corners = plate_face(plate, np.array([0, rear_at[0] - 0.02, rear_at[1]]), np.array([1.0, 0, 0]), up, v.kind, "plate-rear")
        v.faces.append(face)
        v.rear_plate = corners


def split_fascia(texture: np.ndarray, half: float, nose: float, v0: float, low: float, high: float, sign: float, tag: str) -> list[Face]:
    """A front (sign +1) or rear (-1): flat middle, corners swept back by `nose`."""
    w = texture.shape[1]
    cut = int(w * 0.16)
    inner = half * (1 - 2 * 0.16)
    pieces = []
    spans = [(texture[:, :cut], half, inner, v0 - nose, v0), (texture[:, cut:w - cut], inner, -inner, v0, v0), (texture[:, w - cut:], -inner, -half, v0, v0 - nose)]
    for part, ua, ub, va, vb in spans:
        pieces.append(Face(quad((sign * ua, sign * va, high), (sign * ub, sign * vb, high), (sign * ub, sign * vb, low), (sign * ua, sign * va, low)), pyramid(part.copy()), tag=tag))
    return pieces


def car(rng: np.random.Generator, plate, body: str = "") -> Vehicle:
    body = body or str(rng.choice(["hatch", "sedan", "suv", "estate"]))
    length, width, height = {"hatch": (4.05, 1.75, 1.47), "sedan": (4.6, 1.8, 1.43), "suv": (4.5, 1.86, 1.68), "estate": (4.6, 1.8, 1.48)}[body]
    length *= rng.uniform(0.95, 1.05)
    paint = skins.PAINTS[rng.integers(len(skins.PAINTS))]
    low, waist = (0.26, 0.98) if body == "suv" else (0.2, 0.9)
    nose_top = waist - 0.17
    half, f, r = width / 2, length / 2, -length / 2
    bonnet, lean = 1.0, 0.75
    rear_lean, deck = {"hatch": (0.35, 0.12), "sedan": (0.75, 0.55), "suv": (0.3, 0.1), "estate": (0.4, 0.1)}[body]
    v = Vehicle("car", length, width, height)
    roof_half = half * 0.78
    x_ws, x_roof_f = f - bonnet, f - bonnet - lean
    x_roof_r, x_rw = r + deck + rear_lean, r + deck
    front = skins.car_front(rng, width, nose_top - low, paint)
    rear = skins.car_rear(rng, width, waist - low, paint, brake=rng.random() < 0.2)
    v.faces += split_fascia(front, half, 0.22, f, low, nose_top, 1, "front")
    v.faces += split_fascia(rear, half, 0.14, -r, low, waist, -1, "rear")
    hood = skins.panel(width, 0.9, paint)
    skins.poly(hood, [(-0.01, 1.01), (0.16, 1.01), (-0.01, 0.79)], (0, 0, 0), 0)
    skins.poly(hood, [(1.01, 1.01), (0.84, 1.01), (1.01, 0.79)], (0, 0, 0), 0)
    v.faces.append(Face(quad((half * 0.97, x_ws, waist + 0.02), (-half * 0.97, x_ws, waist + 0.02), (-half, f, nose_top), (half, f, nose_top)), pyramid(hood), tag="bonnet"))
    v.faces.append(Face(quad((roof_half, x_roof_f, height), (-roof_half, x_roof_f, height), (-half * 0.95, x_ws, waist), (half * 0.95, x_ws, waist)), pyramid(skins.screen(rng, 1.6, 0.8, paint)), tag="screen"))
    v.faces.append(Face(quad((-roof_half, x_roof_f, height), (roof_half, x_roof_f, height), (roof_half, x_roof_r, height - 0.03), (-roof_half, x_roof_r, height - 0.03)), pyramid(skins.panel(1.4, 1.6, paint, 1.15, 1.08)), tag="roof", two_sided=True))
    v.faces.append(Face(quad((-roof_half, x_roof_r, height - 0.03), (roof_half, x_roof_r, height - 0.03), (half * 0.95, x_rw, waist), (-half * 0.95, x_rw, waist)), pyramid(skins.screen(rng, 1.6, 0.6, paint, crew=False)), tag="screen"))
    if deck > 0.3:
        v.faces.append(Face(quad((-half * 0.95, x_rw, waist), (half * 0.95, x_rw, waist), (half * 0.97, r, waist - 0.02), (-half * 0.97, r, waist - 0.02)), pyramid(skins.panel(1.7, 0.5, paint)), tag="deck"))
    side = skins.side(rng, length - 0.36, waist - low + 0.02, paint, bonnet - 0.22)
    glass = skins.greenhouse(x_ws - x_rw, height - waist, paint, lean, rear_lean)
    add_flanks(v, side, r + 0.14, f - 0.22, low, waist, half)
    for s, tex in ((1, glass), (-1, cv2.flip(glass, 1))):
        a, b = (x_rw, x_ws) if s > 0 else (x_ws, x_rw)
        v.faces.append(Face(quad((s * roof_half, a, height - 0.01), (s * roof_half, b, height - 0.01), (s * half * 0.96, b, waist), (s * half * 0.96, a, waist)), pyramid(tex.copy()), tag="glass"))
        v.faces.append(mirror(s, half, x_ws - 0.25, waist, paint))
    attach_plates(v, plate, (f, low + 0.2), (r, low + 0.38 if body != "sedan" else low + 0.5))
    lamp_h = nose_top - 0.14
    v.headlamps = [(s * half * 0.7, f, lamp_h) for s in (1, -1)]
    v.tail_lamps = [(s * half * 0.78, r, waist - 0.15) for s in (1, -1)]
    return v


def mirror(sign: int, half: float, at: float, waist: float, paint) -> Face:
    tex = skins.blank(0.2, 0.14, skins.tone(paint, 0.85))
    a, b = sign * (half + 0.19), sign * (half - 0.02)
    left, right = (a, b) if sign > 0 else (b, a)
    return Face(quad((left, at, waist + 0.16), (right, at, waist + 0.16), (right, at, waist + 0.02), (left, at, waist + 0.02)), pyramid(tex), two_sided=True, tag="mirror")


def add_flanks(v: Vehicle, texture: np.ndarray, back: float, front: float, low: float, high: float, half: float, firm: str = "", ink=(0, 0, 0)) -> None:
    """Both sides with their wheels; lettering goes on last, so that it is mirrored on neither."""
    mirrored = cv2.flip(texture, 1)
    if firm:
        texture = texture.copy()
        skins.words(texture, firm, (0.06, 0.2, 0.66, 0.36), ink)
        skins.words(mirrored, firm, (0.34, 0.2, 0.94, 0.36), ink)
    v.faces.append(Face(quad((half, back, high), (half, front, high), (half, front, low), (half, back, low)), pyramid(texture), tag="side"))
    v.faces.append(Face(quad((-half, front, high), (-half, back, high), (-half, back, low), (-half, front, low)), pyramid(mirrored), tag="side"))
    for s in (1, -1):  # wheels reach below the sill
        for at in (back + 0.19 * (front - back), back + 0.81 * (front - back)):
            tex = skins.blank(0.66, 0.33, (0, 0, 0), 0)
            skins.wheel(tex, tex.shape[1] // 2, 0, int(0.33 * skins.PX))
            a, b = (at - 0.33, at + 0.33) if s > 0 else (at + 0.33, at - 0.33)
            v.faces.append(Face(quad((s * (half - 0.01), a, 0.33), (s * (half - 0.01), b, 0.33), (s * (half - 0.01), b, 0), (s * (half - 0.01), a, 0)), pyramid(tex), tag="wheel"))
            tread = skins.blank(0.22, 0.21, (20, 20, 20))
            u0, u1 = s * (half - 0.02), s * (half - 0.22)
            lo, hi = min(u0, u1), max(u0, u1)
            v.faces.append(Face(quad((lo, at, 0.21), (hi, at, 0.21), (hi, at, 0), (lo, at, 0)), pyramid(tread), two_sided=True, tag="wheel"))


def van(rng: np.random.Generator, plate, truck: bool = False) -> Vehicle:
    length, width, height = (9.5, 2.45, 3.6) if truck else (5.4, 2.0, 2.35)
    paint = skins.PAINTS[rng.integers(len(skins.PAINTS))] if rng.random() < 0.5 else (228, 228, 226)
    box_paint = paint if not truck else [(200, 200, 198), (120, 60, 30), (40, 40, 150), (222, 222, 220)][rng.integers(4)]
    v = Vehicle("truck" if truck else "van", length, width, height)
    half, f, r = width / 2, length / 2, -length / 2
    low, nose, top = (0.3, 1.35, 2.6) if truck else (0.25, 1.05, 1.95)
    slope = 0.15 if truck else 0.75
    hood = 0.0 if truck else 0.55
    firm = str(rng.choice(FIRMS))
    front = skins.car_front(rng, width, nose - low, paint)
    v.faces += split_fascia(front, half, 0.12, f, low, nose, 1, "front")
    if hood:
        v.faces.append(Face(quad((half, f - hood, nose + 0.12), (-half, f - hood, nose + 0.12), (-half, f, nose), (half, f, nose)), pyramid(skins.panel(width, hood, paint)), tag="bonnet"))
    base = nose + (0.12 if hood else 0)
    v.faces.append(Face(quad((half * 0.93, f - hood - slope, top), (-half * 0.93, f - hood - slope, top), (-half, f - hood, base), (half, f - hood, base)), pyramid(skins.screen(rng, width, top - base, paint)), tag="screen"))
    brow = skins.sheen(skins.blank(width, height - top, box_paint), 1.05, 0.92)
    if rng.random() < 0.7:
        skins.words(brow, firm.split()[0], (0.2, 0.25, 0.8, 0.75), (60, 40, 30))
    v.faces.append(Face(quad((half * 0.95, f - hood - slope - 0.2, height), (-half * 0.95, f - hood - slope - 0.2, height), (-half * 0.95, f - hood - slope, top), (half * 0.95, f - hood - slope, top)), pyramid(brow), tag="brow"))
    v.faces.append(Face(quad((-half, f - hood - slope, height), (half, f - hood - slope, height), (half, r, height), (-half, r, height)), pyramid(skins.panel(width, 2.0, box_paint)), tag="roof", two_sided=True))
    flank = skins.side(rng, length, height - low, box_paint, 0, box=truck)
    span = length
    skins.poly(flank, [(1 - (hood + slope) / span, -0.01), (1.01, -0.01), (1.01, 1 - (nose - low) / (height - low)), (1 - hood / span, 1 - (base - low) / (height - low))], (0, 0, 0), 0)
    skins.poly(flank, [(1 - (hood + slope + 0.75) / span, 0.32), (1 - (hood + slope * 0.8) / span, 0.32), (1 - (hood + 0.1) / span, 0.56), (1 - (hood + slope + 0.75) / span, 0.56)], skins.GLASS)
    ink = skins.tone(box_paint, 0.25) if sum(box_paint) > 330 else (235, 235, 235)
    add_flanks(v, flank, r, f, low, height, half, firm, ink)
    back = skins.sheen(skins.blank(width, height - low, box_paint), 1.05, 0.8)
    skins.line(back, (0.5, 0.03), (0.5, 0.85), skins.tone(box_paint, 0.6), 4)
    skins.words(back, firm, (0.12, 0.3, 0.88, 0.42), skins.tone(box_paint, 0.3) if sum(box_paint) > 330 else (225, 225, 225))
    for x0, x1, left in ((0.02, 0.1, True), (0.9, 0.98, False)):
        skins.lamp(back, x0, x1, 0.62, 0.8, left, (44, 36, 168), (30, 24, 96))
    skins.poly(back, [(0, 0.88), (1, 0.88), (1, 1), (0, 1)], (40, 40, 40))
    v.faces.append(Face(quad((-half, r, height), (half, r, height), (half, r, low), (-half, r, low)), pyramid(skins.grime(back, rng, 0.3)), tag="rear"))
    attach_plates(v, plate, (f, low + 0.2), (r, low + (0.14 if truck else 0.34)))
    v.headlamps = [(s * half * 0.75, f, nose - 0.25) for s in (1, -1)]
    v.tail_lamps = [(s * half * 0.9, r, low + 0.5) for s in (1, -1)]
    return v


def motorcycle(rng: np.random.Generator, plate) -> Vehicle:
    """Plate behind only; the rider is a flat figure facing away."""
    v = Vehicle("motorcycle", 2.1, 0.8, 1.7)
    back = skins.blank(0.8, 1.75, (0, 0, 0), 0)
    suit = [(40, 36, 34), (52, 50, 120), (90, 70, 50)][rng.integers(3)]
    skins.poly(back, [(0.42, 0.62), (0.58, 0.62), (0.57, 1.0), (0.43, 1.0)], (22, 22, 22))
    skins.poly(back, [(0.24, 0.5), (0.76, 0.5), (0.7, 0.72), (0.3, 0.72)], (48, 46, 44))
    skins.poly(back, [(0.2, 0.26), (0.8, 0.26), (0.72, 0.56), (0.28, 0.56)], suit)
    skins.poly(back, [(0.2, 0.27), (0.06, 0.4), (0.1, 0.46), (0.3, 0.38)], suit)
    skins.poly(back, [(0.8, 0.27), (0.94, 0.4), (0.9, 0.46), (0.7, 0.38)], suit)
    skins.poly(back, [(0.26, 0.5), (0.14, 0.7), (0.22, 0.84), (0.36, 0.66)], skins.tone(suit, 0.7))
    skins.poly(back, [(0.74, 0.5), (0.86, 0.7), (0.78, 0.84), (0.64, 0.66)], skins.tone(suit, 0.7))
    h, w = back.shape[:2]
    cv2.ellipse(back, (w // 2, int(0.14 * h)), (int(0.17 * w), int(0.085 * h)), 0, 0, 360, (60, 60, 62, 255), -1, cv2.LINE_AA)
    skins.poly(back, [(0.4, 0.56), (0.6, 0.56), (0.58, 0.6), (0.42, 0.6)], (44, 36, 190))
    v.faces.append(Face(quad((-0.4, -1.0, 1.75), (0.4, -1.0, 1.75), (0.4, -1.0, 0), (-0.4, -1.0, 0)), pyramid(back), two_sided=True, tag="rear"))
    attach_plates(v, plate, None, (-1.02, 0.52))
    v.headlamps = [(0, 1.0, 0.95)]
    v.tail_lamps = [(0, -1.0, 0.78)]
    return v


def trailer(rng: np.random.Generator, plate) -> Vehicle:
    """A box trailer for a car: plate behind, a drawbar in front, no lamps to blind anyone."""
    length, width, height = 2.6, 1.5, 1.75
    paint = [(200, 200, 198), (150, 150, 150), (228, 228, 226), (96, 58, 32)][rng.integers(4)]
    v = Vehicle("trailer", length, width, height)
    half, f, r, low = width / 2, length / 2, -length / 2, 0.42
    box = skins.sheen(skins.blank(width, height - low, paint), 1.06, 0.8)
    skins.line(box, (0.5, 0.04), (0.5, 0.8), skins.tone(paint, 0.6), 4)
    skins.line(box, (0.03, 0.08), (0.97, 0.08), skins.tone(paint, 0.75), 3)
    skins.poly(box, [(0, 0.82), (1, 0.82), (1, 1), (0, 1)], (40, 40, 42))
    for x0, x1, left in ((0.02, 0.16, True), (0.84, 0.98, False)):
        skins.lamp(box, x0, x1, 0.84, 0.97, left, (44, 36, 168), (30, 24, 96))
    v.faces.append(Face(quad((-half, r, height), (half, r, height), (half, r, low), (-half, r, low)), pyramid(skins.grime(box, rng, 0.25)), tag="rear"))
    v.faces.append(Face(quad((half, f, height), (-half, f, height), (-half, f, low), (half, f, low)), pyramid(skins.panel(width, height - low, paint)), tag="front"))
    v.faces.append(Face(quad((-half, f, height), (half, f, height), (half, r, height), (-half, r, height)), pyramid(skins.panel(width, length, paint)), tag="roof", two_sided=True))
    flank = skins.sheen(skins.blank(length, height - low, paint), 1.05, 0.75)
    add_flanks(v, skins.grime(flank, rng, 0.2), r, f, low, height, half)
    bar = skins.blank(0.12, 0.9, (60, 60, 62))
    v.faces.append(Face(quad((-0.06, f + 0.9, 0.45), (0.06, f + 0.9, 0.45), (0.06, f, 0.45), (-0.06, f, 0.45)), pyramid(bar), two_sided=True, tag="bar"))
    attach_plates(v, plate, None, (r, low + 0.16))
    v.tail_lamps = [(s * half * 0.82, r, low + 0.13) for s in (1, -1)]
    return v


BUILDERS = {"trailer": trailer, "car": car, "van": van, "truck": lambda rng, plate: van(rng, plate, truck=True), "motorcycle": motorcycle}


def build(kind: str, rng: np.random.Generator, plate) -> Vehicle:
    return BUILDERS[kind](rng, plate)
