"""Paint the flat pieces vehicles are made of: fronts, rears, sides, glass.

Every painter returns a BGRA picture at `PX` pixels a metre. Colours are BGR.
"""

from __future__ import annotations

import cv2
import numpy as np

PX = 300
GLASS = (52, 46, 40)
RUBBER = (26, 26, 26)
PAINTS = [
    (205, 205, 203), (228, 228, 226), (60, 58, 56), (34, 33, 32), (120, 118, 114), (150, 150, 150),
    (96, 58, 32), (58, 36, 24), (36, 34, 128), (30, 28, 92), (52, 78, 58), (140, 176, 190), (110, 80, 60),
    (170, 172, 174), (80, 82, 88),
]


def blank(width: float, height: float, colour, alpha: int = 255) -> np.ndarray:
    im = np.zeros((max(4, int(height * PX)), max(4, int(width * PX)), 4), np.uint8)
    im[:] = (*[int(c) for c in colour], alpha)
    return im


def tone(colour, k: float) -> tuple[int, int, int]:
    return tuple(int(np.clip(c * k, 0, 255)) for c in colour)


def poly(im: np.ndarray, points, colour, alpha: int = 255) -> None:
    """Fill a polygon given in fractions of the picture (x, y of 0..1)."""
    h, w = im.shape[:2]
    p = np.round(np.array(points, np.float64) * [w, h] * 16).astype(np.int32)
    cv2.fillPoly(im, [p], (*[int(c) for c in colour], alpha), cv2.LINE_AA, 4)


def line(im: np.ndarray, a, b, colour, width: int = 2) -> None:
    h, w = im.shape[:2]
    cv2.line(im, (int(a[0] * w), int(a[1] * h)), (int(b[0] * w), int(b[1] * h)), (*[int(c) for c in colour], 255), width, cv2.LINE_AA)


def sheen(im: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """Multiply by a vertical gradient, as a curved panel under a sky shows."""
    ramp = np.linspace(top, bottom, im.shape[0], dtype=np.float32)[:, None, None]
    im[..., :3] = np.clip(im[..., :3] * ramp, 0, 255).astype(np.uint8)
    return im


def grime(im: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    """Road dirt: blotches, heavier towards the bottom."""
    h, w = im.shape[:2]
    noise = cv2.resize(rng.random((max(2, h // 24), max(2, w // 24)), dtype=np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    noise = noise * np.linspace(0.2, 1, h, dtype=np.float32)[:, None] * amount
    dirt = np.array([92, 104, 112], np.float32)
    im[..., :3] = np.clip(im[..., :3] * (1 - noise[..., None]) + dirt * noise[..., None], 0, 255).astype(np.uint8)
    return im


def lamp(im: np.ndarray, x0: float, x1: float, y0: float, y1: float, left: bool, core, rim) -> None:
    """A lamp cluster; `left` says on which side of the picture it sits."""
    d = 0.25 * (x1 - x0)
    pts = [(x0, y0 + 0.1 * (y1 - y0)), (x1, y0 + (y1 - y0) * 0.3), (x1 - d, y1), (x0 + d * 0.3, y1)]
    if not left:
        pts = [(x0 + x1 - x, y) for x, y in pts]
    poly(im, pts, rim)
    c = np.mean(pts, axis=0)
    poly(im, [tuple(c + (np.array(p) - c) * 0.78) for p in pts], core)
    h, w = im.shape[:2]
    for k in (-0.22, 0.2):
        centre = (int((c[0] + k * (x1 - x0)) * w), int(c[1] * h))
        cv2.circle(im, centre, max(2, int(min((y1 - y0) * h * 0.24, (x1 - x0) * w * 0.2))), (*tone(core, 1.25), 255), -1, cv2.LINE_AA)


def car_front(rng: np.random.Generator, width: float, height: float, paint) -> np.ndarray:
    im = sheen(blank(width, height, paint), 1.12, 0.72)
    style = rng.integers(3)
    top = 0.04 + 0.05 * rng.random()
    gw = (0.20, 0.27, 0.16)[style] * (0.9 + 0.25 * rng.random())
    low = (0.40, 0.34, 0.52)[style]
    poly(im, [(0.5 - gw, top + 0.05), (0.5 + gw, top + 0.05), (0.5 + gw * 0.8, low), (0.5 - gw * 0.8, low)], (30, 30, 30))
    for k in np.linspace(top + 0.09, low - 0.04, int(rng.integers(3, 7))):
        line(im, (0.5 - gw * 0.85, k), (0.5 + gw * 0.85, k), (92, 92, 92), 2)
    h, w = im.shape[:2]
    cv2.circle(im, (w // 2, int((top + 0.13) * h)), int(0.045 * PX), (190, 190, 190, 255), -1, cv2.LINE_AA)
    cv2.circle(im, (w // 2, int((top + 0.13) * h)), int(0.033 * PX), (90, 80, 70, 255), -1, cv2.LINE_AA)
    y0, y1 = top, top + 0.22 + 0.1 * rng.random()
    for x0, x1, left in ((0.035, 0.27, True), (0.73, 0.965, False)):
        lamp(im, x0, x1, y0, y1, left, (206, 204, 198), (60, 58, 56))
    poly(im, [(0.18, 0.72), (0.82, 0.72), (0.76, 0.93), (0.24, 0.93)], (34, 34, 34))
    for x in (0.09, 0.91):
        poly(im, [(x - 0.05, 0.72), (x + 0.05, 0.72), (x + 0.045, 0.86), (x - 0.045, 0.86)], (40, 40, 40))
        cv2.circle(im, (int(x * w), int(0.79 * h)), int(0.03 * PX), (170, 170, 165, 255), -1, cv2.LINE_AA)
    line(im, (0.02, 0.69), (0.98, 0.69), tone(paint, 0.7), 2)
    poly(im, [(0, 0.95), (1, 0.95), (1, 1), (0, 1)], (24, 24, 24))
    return grime(im, rng, 0.06 + 0.16 * rng.random())


def car_rear(rng: np.random.Generator, width: float, height: float, paint, brake: bool = False) -> np.ndarray:
    im = sheen(blank(width, height, paint), 1.08, 0.7)
    y0, y1 = 0.06, 0.34 + 0.1 * rng.random()
    core = (60, 50, 235) if brake else (44, 36, 168)
    for x0, x1, left in ((0.02, 0.24, True), (0.76, 0.98, False)):
        lamp(im, x0, x1, y0, y1, left, core, (30, 24, 96))
    line(im, (0.25, 0.20), (0.75, 0.20), (165, 165, 165), 3)
    h, w = im.shape[:2]
    cv2.circle(im, (w // 2, int(0.1 * h)), int(0.04 * PX), (190, 190, 190, 255), -1, cv2.LINE_AA)
    name = "".join(rng.choice(list("aeioulmnrstxv"), 5)).upper() if rng.random() < 0.6 else "TDI"
    cv2.putText(im, name, (int(0.27 * w), int(0.16 * h)), cv2.FONT_HERSHEY_DUPLEX, 0.55, (180, 180, 180, 255), 1, cv2.LINE_AA)
    poly(im, [(0.0, 0.78), (1, 0.78), (0.97, 1), (0.03, 1)], (42, 42, 42))
    line(im, (0.02, 0.70), (0.98, 0.70), tone(paint, 0.72), 2)
    for x in (0.12, 0.88):
        poly(im, [(x - 0.06, 0.80), (x + 0.06, 0.80), (x + 0.06, 0.85), (x - 0.06, 0.85)], (36, 30, 110))
    return grime(im, rng, 0.08 + 0.2 * rng.random())


def screen(rng: np.random.Generator, width: float, height: float, paint, crew: bool = True) -> np.ndarray:
    """A wind- or rear-screen in its body-coloured frame."""
    im = blank(width, height, tone(paint, 0.92))
    poly(im, [(0.07, 0.05), (0.93, 0.05), (0.985, 0.97), (0.015, 0.97)], GLASS)
    h, w = im.shape[:2]
    if crew:
        skin = (92, 108, 132)
        for x in (0.30, 0.68) if rng.random() < 0.5 else (0.30 if rng.random() < 0.1 else 0.68,):
            cv2.ellipse(im, (int(x * w), int(0.92 * h)), (int(0.13 * w), int(0.36 * h)), 0, 0, 360, (44, 40, 44, 255), -1, cv2.LINE_AA)
            cv2.ellipse(im, (int(x * w), int(0.48 * h)), (int(0.045 * w), int(0.15 * h)), 0, 0, 360, (*tone(skin, 0.7), 255), -1, cv2.LINE_AA)
        poly(im, [(0.46, 0.06), (0.54, 0.06), (0.53, 0.16), (0.47, 0.16)], (24, 24, 24))
    sky = np.clip(1 - np.linspace(0, 1.5, h), 0, 1)[:, None] * (0.5 + 0.5 * np.sin(np.linspace(0.4, 4 + rng.random(), w)))[None]
    im[..., :3] = np.clip(im[..., :3] + (sky * 70)[..., None] * np.array([1.05, 1, 0.95]), 0, 255).astype(np.uint8)
    line(im, (0.08, 0.965), (0.92, 0.965), (22, 22, 22), 5)
    return im


def panel(width: float, height: float, paint, top: float = 1.12, bottom: float = 0.95) -> np.ndarray:
    """Bonnet or roof: paint, with the corners rounded off and two creases."""
    im = sheen(blank(width, height, paint), top, bottom)
    for x in (0.2, 0.8):
        line(im, (0.5 + (x - 0.5) * 0.8, 0.02), (x, 0.98), tone(paint, 0.88), 3)
    return im


def wheel(im: np.ndarray, x: int, y: int, radius: int) -> None:
    cv2.circle(im, (x, y), int(radius * 1.14), (14, 14, 14, 255), -1, cv2.LINE_AA)
    cv2.circle(im, (x, y), radius, (*RUBBER, 255), -1, cv2.LINE_AA)
    cv2.circle(im, (x, y), int(radius * 0.66), (140, 140, 142, 255), -1, cv2.LINE_AA)
    for k in range(5):
        a = k * 2 * np.pi / 5 + 0.3
        cv2.line(im, (x, y), (int(x + radius * 0.62 * np.cos(a)), int(y + radius * 0.62 * np.sin(a))), (70, 70, 72, 255), max(2, radius // 6), cv2.LINE_AA)
    cv2.circle(im, (x, y), max(2, int(radius * 0.15)), (90, 90, 92, 255), -1, cv2.LINE_AA)


def side(rng: np.random.Generator, length: float, height: float, paint, bonnet: float, box: bool = False) -> np.ndarray:
    """Flank seen from the right (front of the vehicle at the picture's right)."""
    im = sheen(blank(length, height, paint), 1.05, 0.72)
    h, w = im.shape[:2]
    if bonnet > 0:  # cut the slope above the bonnet away
        poly(im, [(1.0 - bonnet / length, -0.01), (1.01, -0.01), (1.01, 0.17)], (0, 0, 0), 0)
    radius = int(0.33 * PX if not box else 0.44 * PX)
    base = h - int(0.02 * PX)
    poly(im, [(0, 1 - 0.09 / height), (1, 1 - 0.09 / height), (1, 1.01), (0, 1.01)], (30, 30, 30))
    if not box:
        for x in (0.34, 0.58):
            line(im, (x, 0.04), (x, 0.84), tone(paint, 0.7), 2)
            poly(im, [(x - 0.075, 0.2), (x - 0.035, 0.2), (x - 0.035, 0.25), (x - 0.075, 0.25)], tone(paint, 0.6))
        line(im, (0.02, 0.34), (0.96, 0.38), tone(paint, 0.85), 3)
    for x in (0.19, 0.81):
        wheel(im, int(x * w), base - radius + int(0.22 * PX), radius)
    return grime(im, rng, 0.1 + 0.15 * rng.random())


def words(im: np.ndarray, text: str, box: tuple[float, float, float, float], colour) -> None:
    """Lettering filling a box (x0, y0, x1, y1 as fractions): bait for the detector."""
    h, w = im.shape[:2]
    x0, y0, x1, y1 = box[0] * w, box[1] * h, box[2] * w, box[3] * h
    size, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    scale = min((x1 - x0) / size[0], (y1 - y0) / size[1])
    cv2.putText(im, text, (int(x0), int(y0 + size[1] * scale)), cv2.FONT_HERSHEY_DUPLEX, scale, (*[int(c) for c in colour], 255), max(2, int(3 * scale)), cv2.LINE_AA)


def greenhouse(length: float, height: float, paint, front_lean: float, rear_lean: float) -> np.ndarray:
    """Side windows between the waistline and the roof, leaning screens cut away."""
    im = blank(length, height, tone(paint, 0.8))
    a, b = rear_lean / length, front_lean / length
    edge = [(0.0, 1.0), (a, 0.0), (1 - b, 0.0), (1.0, 1.0)]
    inner = [(0.035, 0.94), (a + 0.02, 0.12), (1 - b - 0.02, 0.12), (0.955, 0.94)]
    im[..., 3] = 0
    poly(im, edge, tone(paint, 0.8))
    poly(im, inner, GLASS)
    for x in (0.38, 0.64):
        line(im, (x, 0.05), (x + 0.01, 0.98), tone(paint, 0.55), 9)
    return im
