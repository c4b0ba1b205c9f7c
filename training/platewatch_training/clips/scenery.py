"""Procedural surroundings: road, grass, sky, trees, houses, signs, rails."""

from __future__ import annotations

import cv2
import numpy as np

from .raster import Face, pyramid


def noise(rng: np.random.Generator, h: int, w: int, sizes, weights) -> np.ndarray:
    """Sum of smooth random fields, about -1..1, feature sizes in px."""
    out = np.zeros((h, w), np.float32)
    for size, weight in zip(sizes, weights):
        gh, gw = max(2, int(h / size) + 2), max(2, int(w / size) + 2)
        field = rng.random((gh, gw), dtype=np.float32) * 2 - 1
        out += weight * cv2.resize(field, (w, h), interpolation=cv2.INTER_CUBIC if size > 1.5 else cv2.INTER_LINEAR)
    return out


def tint(base, field: np.ndarray, strength: float) -> np.ndarray:
    return np.clip(np.array(base, np.float32) * (1 + strength * field[..., None]), 0, 255).astype(np.uint8)


def road(rng: np.random.Generator, left: float, right: float, bottom: float, top: float, scale: float, plan: dict) -> np.ndarray:
    """Ground texture from X left..right and Y bottom..top at `scale` px a metre.

    `plan` holds `asphalt` (x0, x1), `pavement` [(x0, x1)], `solid` [x],
    `dashed` [x], and `tracks` [x]: where wheels have polished the lane.
    """
    w, h = int((right - left) * scale), int((top - bottom) * scale)
    px = lambda x: int(round((x - left) * scale))
    grass = noise(rng, h, w, (scale * 4, scale * 0.8, scale * 0.15, 1), (0.3, 0.25, 0.25, 0.3))
    im = tint((66, 112, 98), grass, 0.55)
    for x0, x1 in plan.get("pavement", []):
        a, b = max(0, px(x0)), min(w, px(x1))
        tiles = tint((128, 134, 138), noise(rng, h, b - a, (scale * 3, scale * 0.3, 1), (0.2, 0.1, 0.15)), 0.5)
        tiles[:: max(2, int(scale * 0.4))] = (108, 112, 114)
        tiles[:, :: max(2, int(scale * 0.4))] = (108, 112, 114)
        im[:, a:b] = tiles
    a, b = max(0, px(plan["asphalt"][0])), min(w, px(plan["asphalt"][1]))
    field = noise(rng, h, b - a, (scale * 6, scale * 1.2, scale * 0.1, 1), (0.22, 0.12, 0.12, 0.3))
    lane = tint((112, 111, 109), field, 0.34)
    for x in plan.get("tracks", []):
        xs = np.arange(b - a) / scale + plan["asphalt"][0]
        dark = 1 - 0.11 * np.exp(-(((xs - x) / 0.28) ** 2))
        lane = np.clip(lane * dark[None, :, None], 0, 255).astype(np.uint8)
    for _ in range(int((top - bottom) / 18)):  # repaired patches and cracks
        y, x = int(rng.integers(0, h)), int(rng.integers(0, b - a))
        if rng.random() < 0.4:
            y1, x1 = y + int(scale * rng.uniform(0.8, 4)), x + int(scale * rng.uniform(0.5, 1.4))
            lane[y:y1, x:x1] = (lane[y:y1, x:x1] * rng.uniform(0.8, 0.93)).astype(np.uint8)
        else:
            pts = np.cumsum(rng.normal(0, scale * 0.25, (9, 2)), 0) + [x, y]
            cv2.polylines(lane, [pts.astype(np.int32)], False, (66, 65, 64), max(1, int(scale * 0.02)), cv2.LINE_AA)
    im[:, a:b] = lane
    wear = np.clip(0.86 + 0.35 * noise(rng, h, w, (scale * 0.5, 2), (0.4, 0.5)), 0.35, 1)

    def paint(x: float, width: float, rows) -> None:
        x0, x1 = px(x - width / 2), max(px(x - width / 2) + 1, px(x + width / 2))
        part = im[rows, x0:x1].astype(np.float32)
        k = wear[rows, x0:x1][..., None]
        im[rows, x0:x1] = (part * (1 - k) + np.array((222, 226, 226), np.float32) * k).astype(np.uint8)

    for x in plan.get("solid", []):
        paint(x, 0.16, slice(0, h))
    for x in plan.get("dashed", []):
        y = 0.0
        while y < top - bottom:
            paint(x, 0.15, slice(int(y * scale), int((y + 2.5) * scale)))
            y += 2.5 + plan.get("dash_gap", 5.0)
    for x in plan.get("kerb", []):
        x0, x1 = px(x - 0.12), px(x + 0.12)
        im[:, x0:x1] = tint((150, 152, 152), noise(rng, h, x1 - x0, (scale, 2), (0.1, 0.1)), 0.6)
    return im


def sky(rng: np.random.Generator, width: int, height: int, night: bool) -> np.ndarray:
    """Sky picture whose bottom row is the horizon."""
    t = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, low = ((34, 26, 20), (46, 42, 40)) if night else ((214, 186, 160), (232, 226, 218))
    im = np.array(top, np.float32) * (1 - t) + np.array(low, np.float32) * t
    im = np.repeat(im, width, 1)
    cloud = noise(rng, height, width, (520, 210, 80, 30), (0.5, 0.3, 0.15, 0.08))
    im += np.clip(cloud, -0.6, 0.8)[..., None] * (4 if night else 22)
    return np.clip(im, 0, 255).astype(np.uint8)


def tree(rng: np.random.Generator, height: float) -> tuple[np.ndarray, float]:
    """A leafy tree as a flat picture and its width in metres."""
    px = 46
    width = height * rng.uniform(0.6, 0.85)
    h, w = int(height * px), int(width * px)
    im = np.zeros((h, w, 4), np.uint8)
    trunk = int(0.16 * px * height / 8) + 2
    cv2.rectangle(im, (w // 2 - trunk, int(0.55 * h)), (w // 2 + trunk, h), (40, 52, 62, 255), -1)
    base = np.array([38, 74, 62]) * rng.uniform(0.8, 1.2) + rng.normal(0, 5, 3)
    for _ in range(1100):
        a, rad = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
        x = int(w / 2 + 0.42 * w * rad * np.cos(a))
        y = int(0.38 * h + 0.34 * h * rad * np.sin(a))
        light = 0.55 + 0.75 * (1 - y / (0.75 * h)) + rng.normal(0, 0.17)
        size = int(rng.uniform(0.012, 0.045) * w) + 1
        cv2.circle(im, (x, y), size, (*[int(np.clip(c * light, 0, 255)) for c in base], 255), -1, cv2.LINE_AA)
    return im, width


def house(rng: np.random.Generator, width: float, height: float) -> np.ndarray:
    """A Flemish terrace front: brick, windows, door, number."""
    px = 50
    h, w = int(height * px), int(width * px)
    brick = [(72, 88, 132), (104, 124, 150), (168, 176, 184), (64, 70, 104), (140, 160, 176)][rng.integers(5)]
    im = tint(brick, noise(rng, h, w, (120, 20, 2), (0.2, 0.1, 0.2)), 0.5)
    im[::4] = np.clip(im[::4] * 0.9, 0, 255).astype(np.uint8)
    im = np.dstack([im, np.full((h, w), 255, np.uint8)])
    floors = max(2, int(height / 3.0))
    bays = max(2, int(width / 2.4))
    for f in range(floors):
        for b in range(bays):
            x = int((b + 0.5) * w / bays)
            y = int(h - (f + 0.5) * 2.9 * px)
            if y < 0.3 * px:
                continue
            ww, hh = int(0.55 * px), int(0.8 * px)
            if f == 0 and b == bays - 1:
                cv2.rectangle(im, (x - int(0.5 * px), h - int(2.2 * px)), (x + int(0.5 * px), h), (40 + int(rng.integers(60)), 50, 46, 255), -1)
                cv2.putText(im, str(rng.integers(1, 220)), (x + int(0.6 * px), h - int(1.7 * px)), cv2.FONT_HERSHEY_DUPLEX, 0.45, (240, 240, 240, 255), 1, cv2.LINE_AA)
                continue
            cv2.rectangle(im, (x - ww - 4, y - hh - 4), (x + ww + 4, y + hh + 4), (210, 212, 212, 255), -1)
            glass = int(rng.integers(40, 90))
            cv2.rectangle(im, (x - ww, y - hh), (x + ww, y + hh), (glass + 12, glass + 4, glass, 255), -1)
            cv2.line(im, (x, y - hh), (x, y + hh), (205, 205, 205, 255), 3)
    cv2.rectangle(im, (0, 0), (w, int(0.25 * px)), (70, 72, 76, 255), -1)
    return im


def upright(x: float, y: float, width: float, height: float, texture: np.ndarray, base: float = 0.0, glow: float = 0.0) -> Face:
    """A flat thing standing across the road, seen from the near side."""
    c = np.array([[x - width / 2, y, base + height], [x + width / 2, y, base + height], [x + width / 2, y, base], [x - width / 2, y, base]], np.float64)
    return Face(c, pyramid(texture), two_sided=True, glow=glow, tag="scenery")


def along(x: float, y0: float, y1: float, low: float, high: float, texture: np.ndarray) -> Face:
    """A wall or rail along the road; the texture's left end is the far one on the left side."""
    a, b = (y0, y1) if x < 0 else (y1, y0)
    c = np.array([[x, a, high], [x, b, high], [x, b, low], [x, a, low]], np.float64)
    return Face(c, pyramid(texture), two_sided=True, tag="scenery")


def rail_texture(length: float) -> np.ndarray:
    h, w = 40, int(length * 30)
    im = np.zeros((h, w, 4), np.uint8)
    im[:16] = (168, 168, 164, 255)
    im[5:10] = (128, 128, 126, 255)
    for x in range(0, w, 60):
        im[14:, x : x + 4] = (110, 110, 110, 255)
    return im


def board(rng: np.random.Generator, rows: list[str], colour, width: float, height: float) -> np.ndarray:
    """A direction board with lettering: bait that must not become a passage."""
    px = 110
    im = np.zeros((int(height * px), int(width * px), 4), np.uint8)
    im[:] = (*colour, 255)
    h, w = im.shape[:2]
    cv2.rectangle(im, (4, 4), (w - 5, h - 5), (240, 240, 240, 255), 4)
    for i, row in enumerate(rows):
        size, _ = cv2.getTextSize(row, cv2.FONT_HERSHEY_DUPLEX, 1, 2)
        s = min(0.84 * w / size[0], 0.55 * h / len(rows) / size[1])
        cv2.putText(im, row, (int(0.08 * w), int((i + 0.74) * h / len(rows))), cv2.FONT_HERSHEY_DUPLEX, s, (244, 244, 244, 255), max(2, int(2.4 * s)), cv2.LINE_AA)
    return im


def speed_sign(limit: int) -> np.ndarray:
    im = np.zeros((180, 180, 4), np.uint8)
    cv2.circle(im, (90, 90), 86, (40, 30, 190, 255), -1, cv2.LINE_AA)
    cv2.circle(im, (90, 90), 66, (240, 240, 240, 255), -1, cv2.LINE_AA)
    cv2.putText(im, str(limit), (36, 116), cv2.FONT_HERSHEY_DUPLEX, 2.5, (20, 20, 20, 255), 7, cv2.LINE_AA)
    return im


def post() -> np.ndarray:
    return np.full((60, 4, 4), (150, 150, 148, 255), np.uint8)
