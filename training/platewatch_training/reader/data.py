"""Batches for the reader: shards from disk, moved, spoiled a little and labelled step by step.

Every stored picture carries context around the crop, so each time it is drawn
it is cut differently: that is cheap (about 0.3 ms) and makes one rendered
plate worth several.
"""

from __future__ import annotations

import random
from pathlib import Path

import cv2
import numpy as np
import torch

from .. import camera
from ..plates import ALPHABET
from .model import BLANK, STEPS

W, H, PX, PY = camera.CROP_WIDTH, camera.CROP_HEIGHT, camera.PAD_X, camera.PAD_Y
IGNORE = -100
CORNERS = np.float32([[PX, PY], [PX + W, PY], [PX + W, PY + H], [PX, PY + H]])
TARGET = np.float32([[0, 0], [W, 0], [W, H], [0, H]])


class Shards:
    """All complete shards of a folder; call `refresh` to pick up new ones."""

    def __init__(self, folder: Path):
        self.folder, self.names, self.pictures, self.labels, self.starts = Path(folder), [], [], [], [0]
        self.refresh()

    def refresh(self) -> int:
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            name = path.stem
            if name in self.names or ".partial" in path.name:
                continue
            with np.load(path) as labels:
                self.labels.append({key: labels[key] for key in labels.files})
            self.pictures.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
            self.names.append(name)
            self.starts.append(self.starts[-1] + len(self.pictures[-1]))
        return self.starts[-1]

    def __len__(self) -> int:
        return self.starts[-1]

    def get(self, index: int):
        shard = int(np.searchsorted(self.starts, index, "right")) - 1
        i = index - self.starts[shard]
        labels = self.labels[shard]
        return self.pictures[shard][i], {key: value[i] for key, value in labels.items()}


def step_targets(places: np.ndarray, matrix: np.ndarray, purpose: int) -> np.ndarray:
    """What each of the 2 x 40 steps should say: a character under its middle, blank in gaps, ignored between."""
    target = np.full(2 * STEPS, BLANK if purpose != 0 else IGNORE, np.int64)
    chars = places[places[:, 0] >= 0]
    if purpose != 1 or not len(chars):
        return target
    points = camera.transform(matrix, chars[:, 2:6].reshape(-1, 2)).reshape(-1, 2, 2)
    centres = np.arange(STEPS) * (W / STEPS) + W / STEPS / 2
    for (index, line, *_), ((left, _), (right, _)) in zip(chars, points):
        middle, width = (left + right) / 2, max(7.0, right - left)
        if not 0 <= middle < W:
            continue  # outside this crop
        row = target[int(line) * STEPS : (int(line) + 1) * STEPS]
        distance = np.abs(centres - middle)
        near = (distance < 0.56 * width) & (row == BLANK)
        row[near] = IGNORE
        row[distance < 0.28 * width] = int(index)
        row[int(distance.argmin())] = int(index)
    return target


def crop_window(rng: random.Random, strength: float) -> np.ndarray:
    """Homography from the stored frame to a crop moved by a slightly different detection."""
    if strength <= 0 or rng.random() < 0.15:
        return cv2.getPerspectiveTransform(CORNERS, TARGET)
    if rng.random() < 0.15:  # a detector that is far off
        strength *= 2.2
    sx, sy = W * 0.022 * strength, H * 0.05 * strength
    shift = np.float32([[rng.gauss(0, sx * 0.5), rng.gauss(0, sy * 0.6)] for _ in range(4)])
    left, right, top, bottom = rng.gauss(0, sx), rng.gauss(0, sx), rng.gauss(0, sy), rng.gauss(0, sy)
    shift += np.float32([[left, top], [right, top], [right, bottom], [left, bottom]])
    shift = np.clip(shift, np.float32([-1.6 * PX, -2 * PY]), np.float32([1.6 * PX, 2 * PY]))
    return cv2.getPerspectiveTransform(CORNERS + shift, TARGET)


def spoil(rng: random.Random, image: np.ndarray) -> np.ndarray:
    """A cheap second helping of blur, resolution loss and compression."""
    draw = rng.random()
    if draw < 0.12:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.1))
    elif draw < 0.24:
        factor = rng.uniform(0.45, 0.85)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (W, H), interpolation=cv2.INTER_LINEAR)
    elif draw < 0.30:
        size = rng.choice([3, 3, 5])
        kernel = np.zeros((size, size), np.float32)
        kernel[size // 2] = 1 / size
        image = cv2.filter2D(image, -1, kernel if rng.random() < 0.6 else kernel.T)
    if rng.random() < 0.12:
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(30, 85)])[1], cv2.IMREAD_COLOR)
    return image


class Photometric:
    """Brightness, contrast, colour and noise by table and by ready-made noise: a few microseconds a crop."""

    LEVELS = (2, 4, 6, 9)

    def __init__(self, seed: int):
        generator = np.random.default_rng(seed)
        colour = generator.standard_normal((H * 4, W * 3, 3))
        grey = generator.standard_normal((H * 4, W * 3, 1))
        self.noise = [np.round((colour * 0.7 + grey * 0.7) * level).astype(np.int16) for level in self.LEVELS]

    def __call__(self, rng: random.Random, image: np.ndarray) -> np.ndarray:
        if rng.random() < 0.12:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        contrast, shift = 0.7 + 0.6 * rng.random(), 110 + (rng.random() - 0.5) * 70
        gains = [1 + (rng.random() - 0.5) * 0.3 for _ in range(3)] if rng.random() < 0.5 else [1.0] * 3
        ramp = np.arange(256, dtype=np.float32) - 110
        table = np.clip(ramp[:, None] * np.float32(gains) * contrast + shift, 0, 255).astype(np.uint8)
        image = cv2.LUT(image, table.reshape(256, 1, 3))
        if rng.random() < 0.3:
            y, x = rng.randint(0, H * 3), rng.randint(0, W * 2)
            image = cv2.add(image, rng.choice(self.noise)[y : y + H, x : x + W], dtype=cv2.CV_8U)
        return image


class Batches:
    """Endless random batches from rendered shards and, if given, real crops with texts."""

    def __init__(self, shards: Shards, seed: int, size: int, real: Shards | None = None, real_share: float = 0.0):
        self.shards, self.size, self.real, self.real_share = shards, size, real, real_share
        self.rng, self.photometric = random.Random(seed), Photometric(seed)

    def sample(self, source: Shards, real: bool):
        picture, label = source.get(self.rng.randrange(len(source)))
        matrix = crop_window(self.rng, 1.2 if real else 1.0)
        image = cv2.warpPerspective(np.asarray(picture), matrix, (W, H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        purpose = int(label["purpose"])
        steps = np.full(2 * STEPS, IGNORE, np.int64) if real and purpose == 1 else step_targets(label["places"], matrix, purpose)
        return self.photometric(self.rng, spoil(self.rng, image)), steps, label

    def __next__(self):
        images, steps, texts, purposes, countries, lines = [], [], [], [], [], []
        for _ in range(self.size):
            real = self.real is not None and self.rng.random() < self.real_share
            image, target, label = self.sample(self.real if real else self.shards, real)
            images.append(image)
            steps.append(target)
            purpose = int(label["purpose"])
            texts.append([ALPHABET.index(c) for c in str(label["texts"])] if purpose == 1 else [])
            purposes.append(purpose)
            countries.append(int(label["country"]) if purpose == 1 else -1)
            lines.append(int(label["lines"]) - 1 if purpose == 1 else -1)
        batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
        return (batch, torch.from_numpy(np.stack(steps)), texts, torch.tensor(purposes),
                torch.tensor(countries), torch.tensor(lines))


def tight_corners() -> np.ndarray:
    """Where the reader's crop lies in a stored frame, whose margins are wider."""
    bx, by = W * camera.MARGIN_X / (1 + 2 * camera.MARGIN_X), H * camera.MARGIN_Y / (1 + 2 * camera.MARGIN_Y)
    x0, y0, wide, high = PX + bx, PY + by, W - 2 * bx, H - 2 * by
    mx, my = camera.TIGHT_X * wide / (1 - 2 * camera.TIGHT_X), camera.TIGHT_Y * high / (1 - 2 * camera.TIGHT_Y)
    return np.float32([[x0 - mx, y0 - my], [x0 + wide + mx, y0 - my], [x0 + wide + mx, y0 + high + my], [x0 - mx, y0 + high + my]])


def plain_crops(pictures: np.ndarray) -> torch.Tensor:
    """Stored frames cut without jitter, as the reader's input."""
    matrix = cv2.getPerspectiveTransform(tight_corners(), TARGET)
    cut = np.stack([cv2.warpPerspective(np.asarray(picture), matrix, (W, H), flags=cv2.INTER_LINEAR) for picture in pictures])
    return torch.from_numpy(cut).permute(0, 3, 1, 2).float()
