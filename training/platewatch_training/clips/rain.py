"""Rain at night before an infrared camera: streaks, a wet road that mirrors, drops on the glass."""

from __future__ import annotations

import cv2
import numpy as np


class Rain:
    """All of a clip's rain; deterministic by seed and time."""

    def __init__(self, seed: int, lens):
        self.seed = seed
        rng = np.random.default_rng(seed + 7)
        h, w = lens.height, lens.width
        # Ripples of the wet road break a mirrored lamp up into flakes.
        fine, broad = (cv2.resize(rng.random(size, dtype=np.float32), (w // 2, h // 2), interpolation=cv2.INTER_CUBIC) for size in ((h // 5, w // 18), (h // 22, w // 60)))
        self.ripples = np.clip(-0.35 + 1.1 * fine + 1.3 * broad, 0.06, 1.7)[..., None]
        self.drops = [(rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.006, 0.02) * w) for _ in range(9)]
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        self.map_x, self.map_y, self.soft = x.copy(), y.copy(), np.zeros((h, w), np.float32)
        for cx, cy, r in self.drops:
            d = np.hypot(x - cx, (y - cy) * 0.85) / r
            inside = np.clip(1.25 - d, 0, 1) ** 0.5 * (d < 1.25)
            # A drop is a small lens: it shows a squeezed, turned picture of what lies around it.
            self.map_x += inside * (-(x - cx) * 1.7)
            self.map_y += inside * (-(y - cy) * 1.7)
            self.soft = np.maximum(self.soft, inside)
        self.soft = cv2.GaussianBlur(self.soft, (0, 0), 2)[..., None] * 0.85

    def mirror(self, canvas: np.ndarray, movers, lens, t: float) -> None:
        """Lamps mirrored in the road: columns of broken light towards the camera."""
        h, w = canvas.shape[:2]
        light = np.zeros((h // 2, w // 2, 3), np.float32)
        for m in movers:
            front = m.heading < 0
            lamps = m.vehicle.headlamps if front else m.vehicle.tail_lamps
            if not lamps:
                continue
            pixels, depth = lens.project(m.place(np.array(lamps, np.float64) * [1, 1, -1], t))
            for (x, y), d in zip(pixels, depth):
                if d < 3:
                    continue
                reach = lens.focal / d / 2
                strength, colour = (150, (1, 1, 0.98)) if front else (62, (0.3, 0.3, 1.0))
                x0, x1 = (int(np.clip(x / 2 + k * 1.5 * reach, 0, w // 2)) for k in (-1, 1))
                y0, y1 = (int(np.clip(y / 2 + k * reach, 0, h // 2)) for k in (-1.0, 4.5))
                if x1 <= x0 or y1 <= y0:
                    continue
                down, across = np.mgrid[y0:y1, x0:x1].astype(np.float32)
                down = (down - y / 2) / reach
                column = np.exp(-(((across - x / 2) / (reach * (0.10 + 0.05 * np.clip(down, 0, 5)))) ** 2))
                column *= np.where(down < 0, np.exp(-((down / 0.35) ** 2)), np.exp(-np.abs(down) / 1.5))
                light[y0:y1, x0:x1] += column[..., None] * np.float32(colour) * strength
        light *= self.ripples[: light.shape[0], : light.shape[1]]
        cv2.add(canvas, cv2.resize(np.clip(light, 0, 255).astype(np.uint8), (w, h)), dst=canvas)

    def fall(self, canvas: np.ndarray, movers, lens, t: float) -> None:
        """Streaks in the camera's own light, a veil of drizzle and of spray behind the vehicles."""
        h, w = canvas.shape[:2]
        rng = np.random.default_rng([self.seed, int(round(t * 1e5))])
        layer = np.zeros((h, w), np.uint8)
        for count, long, thick, bright in ((260, 0.018, 1, 46), (90, 0.04, 1, 64), (16, 0.10, 2, 60), (3, 0.2, 4, 34)):
            x, y = rng.uniform(0, w, count), rng.uniform(-0.1 * h, h, count)
            size = h * long * rng.uniform(0.6, 1.3, count)
            lean = 0.10 + rng.normal(0, 0.03, count)
            level = bright * rng.uniform(0.4, 1.1, count)
            for k in range(count):
                a, b = (int(x[k] * 8), int(y[k] * 8)), (int((x[k] + lean[k] * size[k]) * 8), int((y[k] + size[k]) * 8))
                cv2.line(layer, a, b, int(level[k]), thick, cv2.LINE_AA, 3)
        layer = cv2.GaussianBlur(layer, (0, 0), 0.8)
        cv2.add(canvas, cv2.merge([layer] * 3), dst=canvas)
        mist = np.zeros((h // 8, w // 8), np.float32)
        for m in movers:
            pixels, depth = lens.project(m.place(np.array([[0, -m.vehicle.length / 2 - 0.8, 0.5]]), t))
            if depth[0] < 4:
                continue
            size = lens.focal / depth[0] / 8
            cx, cy = pixels[0] / 8
            y, x = np.ogrid[0 : mist.shape[0], 0 : mist.shape[1]]
            mist += 15 * np.exp(-(((x - cx) / (1.5 * size)) ** 2) - (((y - cy) / (0.8 * size)) ** 2))
        mist += 5
        cv2.add(canvas, cv2.merge([cv2.resize(np.clip(mist, 0, 60), (w, h)).astype(np.uint8)] * 3), dst=canvas)

    def on_glass(self, frame: np.ndarray) -> np.ndarray:
        """Drops on the front glass bend and blur what is behind them."""
        bent = cv2.remap(frame, self.map_x, self.map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        bent = cv2.GaussianBlur(bent, (0, 0), 3)
        return (frame * (1 - self.soft) + bent * self.soft).astype(np.uint8)
