"""Light at night: the camera's own lamp, plates that throw it back, headlamps that blind."""

from __future__ import annotations

import cv2
import numpy as np

from .look import add_glare
from .raster import draw_quad

REACH = 22.0  # metres at which the camera's lamp is half as strong


def lamp_at(distance: float) -> float:
    return 1.0 / (1.0 + (distance / REACH) ** 2)


def dim(base: np.ndarray, lens) -> np.ndarray:
    """The empty road under the camera's lamp: bright below, dark beyond."""
    h, w = base.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    spot = np.exp(-(((x - w * 0.5) / (w * 0.52)) ** 2) - (((y - h * 0.80) / (h * 0.52)) ** 2))
    return np.clip(base * (0.035 + 0.26 * spot)[..., None], 0, 255).astype(np.uint8)


def light_on(face, pixels: np.ndarray, mover, lens, t: float, gain: float) -> tuple[float, float, float]:
    """Gain, offset and bloom (px) for a face: plates are retro-reflective."""
    x, y = mover.at(t)
    distance = float(np.hypot(x - lens.x, y - lens.y))
    lit = lamp_at(distance)
    if face.tag.startswith("plate"):
        width = float(np.linalg.norm(pixels[1] - pixels[0]))
        return min(1.08, 1.55 * lit + 0.12), 4.0, float(np.clip(width / 260, 0.2, 0.6))
    return gain * (0.05 + 0.40 * lit), 0.0, 0.0


def pool_texture() -> list[np.ndarray]:
    y, x = np.mgrid[0:128, 0:96].astype(np.float32)
    fall = np.exp(-(((x - 48) / 26) ** 2)) * np.exp(-(((y - 84) / 34) ** 2))
    return [np.repeat((fall * 255).astype(np.uint8)[..., None], 3, 2)]


POOL = pool_texture()


def pools(canvas: np.ndarray, movers, lens, t: float) -> None:
    """Headlight on the road ahead of each vehicle."""
    for m in movers:
        f = m.vehicle.length / 2
        world = m.place(np.array([[-2.2, f + 16, 0.0], [2.2, f + 16, 0.0], [2.2, f + 0.3, 0.0], [-2.2, f + 0.3, 0.0]]), t)
        pixels, depth = lens.project(world)
        if depth.min() > 1.0:
            if m.heading < 0:
                pixels = pixels[[2, 3, 0, 1]]
            texture = POOL if m.heading > 0 else [POOL[0][::-1].copy()]
            draw_quad(canvas, pixels, texture, 0.26, grow=0.0, add=True)


def glare(canvas: np.ndarray, movers, lens, t: float) -> None:
    """Halos of headlamps and tail lamps, drawn at half size for speed."""
    h, w = canvas.shape[:2]
    light = np.zeros((h // 2, w // 2, 3), np.float32)
    used = False
    for m in movers:
        lamps = m.vehicle.headlamps if m.heading < 0 else m.vehicle.tail_lamps
        pixels, depth = lens.project(m.place(np.array(lamps, np.float64), t))
        for (x, y), d in zip(pixels, depth):
            if d < 2 or not (-200 < x < w + 200 and -200 < y < h + 200):
                continue
            used = True
            if m.heading < 0:
                # Dipped beams point at the road: they blind far off, less from a gantry close by.
                angle = np.arctan2(lens.z, d)
                strength = 1.25 * np.exp(-((angle / 0.30) ** 2)) + 0.42
                add_glare(light, x / 2, y / 2, 0.5 * np.clip(3.4 * lens.focal / d, 60, 520), strength, (1.0, 1.0, 0.98))
            else:
                add_glare(light, x / 2, y / 2, 0.5 * np.clip(1.1 * lens.focal / d, 20, 200), 0.5, (0.35, 0.35, 1.0))
    if used:
        small = np.clip(light, 0, 255).astype(np.uint8)
        cv2.add(canvas, cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), dst=canvas)
