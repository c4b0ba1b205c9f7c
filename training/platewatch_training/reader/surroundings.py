"""Pieces of the real training pictures away from any labelled plate.

They serve as surroundings of rendered plates and, cut like a plate, as what
the reader must reject.
"""

from __future__ import annotations

import json
import random

import cv2
import numpy as np

from ..plates.fonts import data_root


class Surroundings:
    """A random handful of training pictures held in memory."""

    def __init__(self, seed: int, count: int = 150):
        self.rng = random.Random(seed)
        lines = (data_root() / "train.jsonl").read_text().splitlines()
        self.pictures = []
        for line in self.rng.sample(lines, min(count, len(lines))):
            entry = json.loads(line)
            picture = cv2.imread(str(data_root() / entry["image"]))
            if picture is not None:
                self.pictures.append((np.ascontiguousarray(picture[:, :, ::-1]), entry["boxes"]))

    def patch(self, width: int, height: int, scale_range: tuple[float, float] = (0.5, 1.5)) -> np.ndarray:
        """A float32 RGB piece free of labelled plates."""
        return self.bytes(width, height, scale_range).astype(np.float32)

    def bytes(self, width: int, height: int, scale_range: tuple[float, float] = (0.5, 1.5)) -> np.ndarray:
        """The same as bytes."""
        for _ in range(20):
            picture, boxes = self.rng.choice(self.pictures)
            scale = self.rng.uniform(*scale_range)
            w, h = min(picture.shape[1], max(8, int(width / scale))), min(picture.shape[0], max(4, int(height / scale)))
            x, y = self.rng.randint(0, picture.shape[1] - w), self.rng.randint(0, picture.shape[0] - h)
            if all(x + w < b[0] - 2 or x > b[2] + 2 or y + h < b[1] - 2 or y > b[3] + 2 for b in boxes):
                break
        piece = picture[y : y + h, x : x + w]
        if self.rng.random() < 0.5:
            piece = piece[:, ::-1]
        return cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR)
