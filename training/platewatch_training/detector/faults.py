"""What light and cameras do to a whole frame; fast, on bytes."""

from __future__ import annotations

import math
import random

import cv2
import numpy as np


class Faults:
    def __init__(self, rng: random.Random, height: int, width: int):
        self.rng, self.height, self.width = rng, height, width
        grain = np.random.default_rng(rng.getrandbits(32))
        fields = []
        for k in range(6):
            field = grain.normal(0, 1, (height + 64, width + 64, 3 if k % 2 else 1)).astype(np.float32)
            if k >= 4:  # coarse, as after scaling or compression
                field = cv2.GaussianBlur(field, (0, 0), 0.8).reshape(*field.shape) * 2
            fields.append(np.broadcast_to(field, (height + 64, width + 64, 3)).copy())
        self.fields = [np.clip(f * 32, -127, 127).astype(np.int8) for f in fields]

    def glare(self, boxes: list[np.ndarray]) -> np.ndarray:
        """Two headlamps beside a plate, blinding more or less."""
        rng, k = self.rng, 4
        ys, xs = np.mgrid[0 : self.height // k, 0 : self.width // k].astype(np.float32)
        light = np.zeros_like(xs)
        box = rng.choice(boxes) / k
        w = max(3.0, float(box[2] - box[0]))
        y, radius, power = float(box[1]) - rng.uniform(-0.1, 0.7) * w, w * rng.uniform(0.12, 0.6), rng.uniform(60, 330)
        for side in (-1, 1) if rng.random() < 0.85 else (rng.choice((-1, 1)),):
            x = (box[0] + box[2]) / 2 + side * w * rng.uniform(0.9, 1.5)
            d = ((xs - x) ** 2 + (ys - y) ** 2) / radius**2
            light += power * (np.exp(-d) + 0.12 * np.exp(-d / 16))
        return np.clip(cv2.resize(light, (self.width, self.height)), 0, 255).astype(np.uint8)

    def night(self, image: np.ndarray, boxes: list[np.ndarray]) -> np.ndarray:
        """Infrared: a dark grey world in which the plates shine."""
        rng, k = self.rng, 4
        shine = np.full((self.height // k, self.width // k), rng.uniform(0.08, 0.5), np.float32)
        if rng.random() < 0.5:  # the lamp's own spot
            ys, xs = np.mgrid[0 : self.height // k, 0 : self.width // k].astype(np.float32)
            x, y, s = rng.uniform(0.2, 0.8) * self.width / k, rng.uniform(0.3, 0.9) * self.height / k, rng.uniform(0.2, 0.6) * self.width / k
            shine += rng.uniform(0.1, 0.5) * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / s**2)
        factor = cv2.resize(shine, (self.width, self.height))
        plates = np.zeros((self.height, self.width), np.float32)
        for b in boxes:
            gain = rng.uniform(0.5, 1.3)
            x0, y0, x1, y1 = (int(round(v)) for v in b)
            plates[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = gain
        if boxes:
            plates = cv2.GaussianBlur(plates, (0, 0), rng.uniform(0.6, 2.0))
        factor = np.maximum(factor, plates)
        weights = np.float32([rng.uniform(0.1, 0.35), rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.65)])
        grey = image.astype(np.float32) @ (weights / weights.sum())
        return np.repeat(np.clip(grey * factor, 0, 255).astype(np.uint8)[..., None], 3, 2)

    def spoil(self, image: np.ndarray, boxes: list[np.ndarray]) -> np.ndarray:
        rng = self.rng
        ramp, gains = np.arange(256, dtype=np.float32), np.ones(3)
        u = rng.random()
        if u < 0.08:
            image = self.night(image, boxes)
        elif u < 0.2:
            image = np.repeat(cv2.transform(image, np.float32([[0.15, 0.5, 0.35]]) if rng.random() < 0.6 else np.float32([[0.1, 0.25, 0.65]]))[..., None], 3, 2)
        elif u < 0.29:  # the violet night of a dashcam without infrared filter
            gains = np.array([rng.uniform(0.8, 1.2), rng.uniform(0.4, 0.8), rng.uniform(0.9, 1.4)])
        elif u < 0.65:
            gains = np.array([rng.uniform(0.8, 1.2) for _ in range(3)])
        curve = 255 * (ramp / 255) ** math.exp(rng.gauss(0, 0.25)) if rng.random() < 0.4 else ramp
        dark = rng.uniform(0.55, 1.3)
        level = float(image[::8, ::8].mean())
        if rng.random() < 0.12:
            dark = rng.uniform(0.2, 0.55)
        dark = max(dark, min(1.3, 16 / max(4.0, level)))  # what is dark already stays visible
        offset = rng.uniform(-22, 26)
        if rng.random() < 0.08:  # haze or a lit lens
            share = rng.uniform(0.15, 0.5)
            curve, offset = curve * (1 - share), offset + share * rng.uniform(120, 230)
        if boxes and rng.random() < 0.18:
            light = self.glare(boxes)
            image = cv2.add(image, np.repeat(light[..., None], 3, 2))
        table = np.clip(curve[:, None] * gains * dark + offset, 0, 255).astype(np.uint8)
        image = cv2.LUT(np.ascontiguousarray(image), table[:, None, :])
        u = rng.random()
        if u < 0.15:
            k = rng.choice([3, 3, 5, 5, 7])
            kernel = np.zeros((k, k), np.float32)
            angle = rng.choice([0.0, 0.0, math.pi / 2, rng.uniform(0, math.pi)])
            dx, dy = math.cos(angle) * (k // 2), math.sin(angle) * (k // 2)
            cv2.line(kernel, (round(k // 2 - dx), round(k // 2 - dy)), (round(k // 2 + dx), round(k // 2 + dy)), 1.0, 1)
            image = cv2.filter2D(image, -1, kernel / kernel.sum())
        elif u < 0.36:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.3))
        elif u < 0.42:  # a camera that sharpens
            image = cv2.addWeighted(image, 1.6, cv2.GaussianBlur(image, (0, 0), 1.0), -0.6, 0)
        if rng.random() < 0.4:
            field = rng.choice(self.fields)
            y, x = rng.randint(0, 63), rng.randint(0, 63)
            part = field[y : y + self.height, x : x + self.width]
            image = np.clip(image + part * np.float32(rng.uniform(1, 11) / 32), 0, 255).astype(np.uint8)
        if rng.random() < 0.35:
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(20, 85)])[1], 1)
        return image

