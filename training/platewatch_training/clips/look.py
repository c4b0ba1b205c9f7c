"""What lens, sensor and recorder add: glare, vignette, noise, the burnt-in clock."""

from __future__ import annotations

import cv2
import numpy as np


class Sensor:
    """Turns a drawn frame into a camera's frame; deterministic by seed."""

    def __init__(self, rng: np.random.Generator, width: int, height: int, sigma: float, night: bool, vignette: float = 0.16):
        self.rng, self.night = rng, night
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        r2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width / 2) ** 2
        self.vignette = np.repeat((255 * (1 - vignette * r2)).astype(np.uint8)[..., None], 3, 2)
        # A few noise fields, rolled by random steps, are as good as fresh ones.
        self.fields = []
        for _ in range(6):
            fine = rng.normal(0, sigma, (height, width)).astype(np.float32)
            coarse = cv2.resize(rng.normal(0, sigma * 0.7, (height // 2, width // 2)).astype(np.float32), (width, height))
            field = np.repeat((fine * 0.6 + coarse)[..., None], 3, 2)
            self.fields.append((np.clip(field, 0, 99).astype(np.uint8), np.clip(-field, 0, 99).astype(np.uint8)))

    def expose(self, frame: np.ndarray, gain: float) -> np.ndarray:
        out = cv2.multiply(frame, self.vignette, scale=gain / 255)
        plus, minus = self.fields[int(self.rng.integers(len(self.fields)))]
        step = int(self.rng.integers(999))
        return cv2.subtract(cv2.add(out, np.roll(plus, step, 0)), np.roll(minus, step, 0))


def infrared(frame: np.ndarray) -> np.ndarray:
    """What a camera under infrared lamps sees: no colour, and red ink turns pale."""
    weights = np.float32([[0.10, 0.20, 0.70]] * 3)
    return cv2.transform(frame, weights)


def sprite(size: int) -> np.ndarray:
    """Glare of a lamp: hot core, halo, faint horizontal and vertical streaks; 0..1."""
    y, x = (np.mgrid[0:size, 0:size].astype(np.float32) - size / 2 + 0.5) / (size / 2)
    r = np.sqrt(x * x + y * y)
    glow = 1.2 * np.exp(-((r / 0.055) ** 2)) + 0.32 * np.exp(-((r / 0.17) ** 2)) + 0.11 * np.exp(-((r / 0.42) ** 2))
    glow += 0.14 * np.exp(-np.abs(x) / 0.3) * np.exp(-((y / 0.018) ** 2)) + 0.07 * np.exp(-np.abs(y) / 0.2) * np.exp(-((x / 0.018) ** 2))
    return glow * np.clip(1.6 - 1.6 * r, 0, 1)


SPRITE = sprite(512)


def add_glare(light: np.ndarray, x: float, y: float, radius: float, strength: float, colour=(1.0, 1.0, 1.0)) -> None:
    """Add a lamp's glare to the float light map."""
    h, w = light.shape[:2]
    r = int(max(3, radius))
    x0, y0 = int(round(x)) - r, int(round(y)) - r
    ax, ay, bx, by = max(0, x0), max(0, y0), min(w, x0 + 2 * r), min(h, y0 + 2 * r)
    if bx <= ax or by <= ay:
        return
    s = cv2.resize(SPRITE, (2 * r, 2 * r), interpolation=cv2.INTER_AREA)[ay - y0 : by - y0, ax - x0 : bx - x0]
    light[ay:by, ax:bx] += s[..., None] * (255 * strength) * np.float32(colour)


TONE = np.clip(255 * (np.linspace(0, 1, 256) + 0.055 * np.sin(2 * np.pi * (np.linspace(0, 1, 256) - 0.5))) * 0.965 + 8, 0, 255).astype(np.uint8)


def optics(frame: np.ndarray) -> np.ndarray:
    """The softness of a lens, the sharpening of its camera (with its halo), pale shadows."""
    soft = cv2.GaussianBlur(frame, (0, 0), 0.75)
    sharp = cv2.addWeighted(soft, 1.6, cv2.GaussianBlur(frame, (0, 0), 1.9), -0.6, 0)
    grey = cv2.transform(sharp, np.float32([[0.84, 0.10, 0.06], [0.05, 0.89, 0.06], [0.05, 0.11, 0.84]]))
    return cv2.LUT(grey, TONE)


def osd(frame: np.ndarray, text: str, size: float = 1.0) -> None:
    """The recorder's caption: white on black edges, top left; `size` 1 is for 1920 px."""
    if size == 1.0:
        for colour, width in (((0, 0, 0), 5), ((240, 240, 240), 2)):
            cv2.putText(frame, text, (36, 48), cv2.FONT_HERSHEY_DUPLEX, 1.0, colour, width, cv2.LINE_AA)
        return
    # The thickness changes how far the letters run, so that small edges are drawn by shifting.
    x, y = round(36 * size), round(48 * size)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        cv2.putText(frame, text, (x + dx, y + dy), cv2.FONT_HERSHEY_DUPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(frame, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, size, (240, 240, 240), 1, cv2.LINE_AA)
