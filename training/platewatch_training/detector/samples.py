"""Endless training samples: a cut from a real picture, pasted plates and bait, a camera's faults."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from . import paste
from .pictures import WEIGHTS, Picture, load_all

HEIGHT, WIDTH = 256, 448
STRIDE = 8
FULL_WIDTH = 640  # what the long side of a frame is scaled to in use


@dataclass
class Target:
    box: np.ndarray  # x0 y0 x1 y1 in sample px
    corners: np.ndarray | None  # exact, for rendered plates only
    trained: bool  # False: too small or cut off; neither plate nor background


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, seed: int, pool: int = 600, pictures: list[Picture] | None = None):
        self.seed, self.pool_size, self.pictures = seed, pool, pictures

    def __iter__(self):
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        self.rng = random.Random(self.seed)
        self.grain = np.random.default_rng(self.seed)
        pictures = self.pictures or load_all()
        by_source: dict[str, list[Picture]] = {}
        for p in pictures:
            by_source.setdefault(p.source, []).append(p)
        self.sources = [s for s in WEIGHTS if s in by_source]
        self.weights = [WEIGHTS[s] for s in self.sources]
        self.by_source = by_source
        self.pool = paste.Pool(self.rng, self.pool_size)
        while True:
            image, targets, ignored = self.sample()
            yield (image, *encode(targets, ignored))

    def sample(self):
        rng = self.rng
        source = rng.choices(self.sources, self.weights)[0]
        picture = rng.choice(self.by_source[source])
        image, matrix = self.cut(picture)
        targets, ignored = [], []
        for b in picture.boxes:
            add_box(targets, moved(b, matrix))
        for b in picture.ignored:
            ignored.append(moved(np.array(b, np.float32), matrix))
        canvas = image.astype(np.float32)
        if targets and rng.random() < 0.12:
            self.replace(canvas, targets)
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            self.paste_plate(canvas, targets, ignored)
        for _ in range(rng.choice([0, 0, 1, 2])):
            self.paste_bait(canvas, targets, ignored)
        return self.spoil(canvas, targets, source), targets, ignored

    def cut(self, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        """Scale near to that of use, sometimes far off; no turning, since boxes would grow loose."""
        rng = self.rng
        h, w = picture.levels[0].shape[:2]
        fit = min(FULL_WIDTH / w, 384 / h)
        draw = rng.random()
        scale = fit * (math.exp(rng.gauss(0, 0.22)) if draw < 0.6 else math.exp(rng.uniform(math.log(0.45), math.log(2.4))))
        if len(picture.boxes) and rng.random() < 0.88:
            b = picture.boxes[rng.randrange(len(picture.boxes))]
            if draw >= 0.85:  # aim at a plate width instead
                scale = float(np.clip(math.exp(rng.uniform(math.log(18), math.log(230))) / max(8.0, b[2] - b[0]), 0.3 * fit, 6 * fit))
            cx, cy = (b[0] + b[2]) / 2, (b[1] + b[3]) / 2
            at = (rng.uniform(0.1, 0.9) * WIDTH, rng.uniform(0.1, 0.9) * HEIGHT)
        else:
            cx, cy, at = rng.uniform(0.2, 0.8) * w, rng.uniform(0.2, 0.8) * h, (WIDTH / 2, HEIGHT / 2)
        stretch = math.exp(rng.gauss(0, 0.08 if picture.source != "openimages350" else 0.2))
        sx, sy = scale * stretch * (-1 if rng.random() < 0.4 else 1), scale / stretch
        shift = [at[0] - sx * cx, at[1] - sy * cy]
        if rng.random() < 0.85:  # as little padding as the picture's size allows
            for axis, (scaled, wide) in enumerate(((sx * w, WIDTH), (sy * h, HEIGHT))):
                low, high = shift[axis] + min(0.0, scaled), shift[axis] + max(0.0, scaled)
                if high - low >= wide:
                    shift[axis] += -low if low > 0 else wide - high if high < wide else 0.0
        matrix = np.float32([[sx, 0, shift[0]], [0, sy, shift[1]]])
        level = 0 if scale > 0.7 else 1 if scale > 0.35 else 2
        local = matrix.copy()
        local[:, :2] *= 2**level
        border = cv2.BORDER_CONSTANT if rng.random() < 0.8 else cv2.BORDER_REFLECT_101
        if border == cv2.BORDER_REFLECT_101 and len(picture.boxes):
            border = cv2.BORDER_CONSTANT  # mirrored plates outside would be unlabelled
        return cv2.warpAffine(picture.levels[level], local, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(114, 114, 114)), matrix

    def free_place(self, quad: np.ndarray, targets: list[Target], ignored, margin: float = 6) -> np.ndarray | None:
        rng = self.rng
        low, high = quad.min(0), quad.max(0)
        span = high - low
        for _ in range(6):
            x, y = rng.uniform(-0.15 * span[0], WIDTH - 0.85 * span[0]), rng.uniform(-0.15 * span[1], HEIGHT - 0.85 * span[1])
            box = np.array([x, y, x + span[0], y + span[1]])
            others = [t.box for t in targets] + list(ignored)
            if all(box[2] < o[0] - margin or box[0] > o[2] + margin or box[3] < o[1] - margin or box[1] > o[3] + margin for o in others):
                return (quad - low + [x, y]).astype(np.float32)
        return None

    def paste_plate(self, canvas, targets, ignored) -> None:
        levels, source = self.pool.draw()
        ratio = np.linalg.norm(source[1] - source[0]) / np.linalg.norm(source[3] - source[0])
        width = math.exp(self.rng.uniform(math.log(18), math.log(210))) * (0.7 if ratio < 2.5 else 1.0)
        quad = self.free_place(paste.quad_for(self.rng, width, ratio), targets, ignored)
        if quad is not None:
            paste.blend(canvas, levels, source, quad, self.rng, lit=self.rng.random() < 0.6)
            add_box(targets, np.r_[quad.min(0), quad.max(0)], quad)

    def paste_bait(self, canvas, targets, ignored) -> None:
        levels, source = paste.bait(self.rng)
        ratio = source[1, 0] / source[2, 1]
        width = math.exp(self.rng.uniform(math.log(24), math.log(260)))
        quad = self.free_place(paste.quad_for(self.rng, width, ratio), targets, ignored)
        if quad is not None:
            paste.blend(canvas, levels, source, quad, self.rng, lit=self.rng.random() < 0.5)

    def replace(self, canvas, targets: list[Target]) -> None:
        """Cover a real plate by a rendered one: exact corners where plates really hang."""
        k = self.rng.randrange(len(targets))
        box = targets[k].box
        size = box[2:] - box[:2]
        if size[0] < 16 or size[0] / max(1, size[1]) < 1.1:
            return
        for _ in range(12):
            levels, source = self.pool.draw()
            ratio = np.linalg.norm(source[1] - source[0]) / np.linalg.norm(source[3] - source[0])
            if 0.75 < ratio / (size[0] / size[1]) < 1.5:
                slant = self.rng.gauss(0, 0.06) * size[0]
                h = size[1] * 1.06
                x0, y0, x1, y1 = box[0] - 1, box[1] - 0.03 * h, box[2] + 1, box[3] + 0.03 * h
                quad = np.float32([[x0, y0 - slant / 2], [x1, y0 + slant / 2], [x1, y1 + slant / 2], [x0, y1 - slant / 2]])
                paste.blend(canvas, levels, source, quad, self.rng, lit=True)
                targets.pop(k)
                add_box(targets, np.r_[quad.min(0), quad.max(0)], quad)
                return

    def spoil(self, image: np.ndarray, targets, source: str) -> np.ndarray:
        rng = self.rng
        u = rng.random()
        if u < 0.22:
            image = np.repeat(image @ np.float32([0.3, 0.4, 0.3])[:, None], 3, 2)
            if rng.random() < 0.3:  # infrared: dark world, shining plates come with the gain below
                image = np.clip(image, 0, 255) ** 1.4 / 255**0.4
        elif u < 0.34:  # the violet night of a dashcam without infrared filter
            image = image * np.float32([rng.uniform(0.8, 1.2), rng.uniform(0.4, 0.8), rng.uniform(0.9, 1.4)])
        elif u < 0.7:
            image = image * np.float32([rng.uniform(0.78, 1.22) for _ in range(3)])
        image = image * rng.uniform(0.4, 1.3) + rng.uniform(-25, 30)
        if targets and rng.random() < 0.2:
            image = image + glare(rng, targets)
        if rng.random() < 0.15:
            k = rng.choice([3, 5, 5, 7])
            kernel = np.zeros((k, k), np.float32)
            kernel[k // 2] = 1.0 / k
            if rng.random() < 0.5:
                kernel = kernel.T
            image = cv2.filter2D(image.astype(np.float32), -1, kernel)
        elif rng.random() < 0.25:
            image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), rng.uniform(0.3, 1.3))
        if rng.random() < 0.4:
            shape = (HEIGHT, WIDTH, 1 if rng.random() < 0.6 else 3)
            image = image + self.grain.normal(0, rng.uniform(1, 12), shape).astype(np.float32)
        out = np.clip(image, 0, 255).astype(np.uint8)
        if rng.random() < 0.35:
            out = cv2.imdecode(cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(22, 85)])[1], 1)
        return out


def glare(rng: random.Random, targets: list[Target]) -> np.ndarray:
    """Two headlamps beside a plate, blinding more or less."""
    light = np.zeros((HEIGHT // 2, WIDTH // 2), np.float32)
    box = rng.choice(targets).box / 2
    w = max(6.0, float(box[2] - box[0]))
    y = float(box[1]) - rng.uniform(-0.1, 0.7) * w
    ys, xs = np.mgrid[0 : HEIGHT // 2, 0 : WIDTH // 2].astype(np.float32)
    radius, power = w * rng.uniform(0.12, 0.6), rng.uniform(60, 330)
    for side in (-1, 1):
        x = (box[0] + box[2]) / 2 + side * w * rng.uniform(0.9, 1.5)
        d = ((xs - x) ** 2 + (ys - y) ** 2) / radius**2
        light += power * (np.exp(-d) + 0.12 * np.exp(-d / 16))
    return cv2.resize(light, (WIDTH, HEIGHT))[..., None] * np.float32([1, 0.97, 1])


def moved(box: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    p = np.float32([[box[0], box[1]], [box[2], box[3]]]) @ matrix[:, :2].T + matrix[:, 2]
    return np.r_[p.min(0), p.max(0)]


def add_box(targets: list[Target], box: np.ndarray, corners: np.ndarray | None = None) -> None:
    inside = np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    span, whole = np.maximum(0, inside[2:] - inside[:2]), box[2:] - box[:2]
    share = float(np.prod(span) / max(1e-3, np.prod(whole)))
    if share < 0.05:
        return
    targets.append(Target(inside.astype(np.float32), corners, share > 0.55 and whole[0] >= 11 and whole[1] >= 4))


def encode(targets: list[Target], ignored) -> tuple[np.ndarray, ...]:
    """Per cell: plate number + 1 in the middle of a plate, -1 where nothing is asked, else 0; box, corners, exact?, weight."""
    gh, gw = HEIGHT // STRIDE, WIDTH // STRIDE
    what = np.zeros((gh, gw), np.int16)
    box = np.zeros((4, gh, gw), np.float32)
    corners = np.zeros((8, gh, gw), np.float32)
    exact = np.zeros((gh, gw), np.float32)
    weight = np.zeros((gh, gw), np.float32)

    def cells(b, grow=0.0):
        return (slice(int(max(0, (b[1] - grow) // STRIDE)), int(min(gh - 1, (b[3] + grow) // STRIDE)) + 1),
                slice(int(max(0, (b[0] - grow) // STRIDE)), int(min(gw - 1, (b[2] + grow) // STRIDE)) + 1))

    for b in ignored:
        if b[2] > 0 and b[3] > 0 and b[0] < WIDTH and b[1] < HEIGHT:
            what[cells(b)] = -1
    order = sorted(targets, key=lambda t: -(t.box[2] - t.box[0]))
    for t in order:
        what[cells(t.box)] = -1
    for number, t in enumerate(order, 1):
        if not t.trained:
            continue
        x0, y0, x1, y1 = t.box
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        rx, ry = max((x1 - x0) * 0.22, 4.1), max((y1 - y0) * 0.25, 4.1)
        i0, i1 = max(0, math.ceil((cx - rx) / STRIDE - 0.5)), min(gw - 1, math.floor((cx + rx) / STRIDE - 0.5))
        j0, j1 = max(0, math.ceil((cy - ry) / STRIDE - 0.5)), min(gh - 1, math.floor((cy + ry) / STRIDE - 0.5))
        count = max(1, (i1 - i0 + 1) * (j1 - j0 + 1))
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                px, py = (i + 0.5) * STRIDE, (j + 0.5) * STRIDE
                what[j, i] = number
                box[:, j, i] = (px - x0, py - y0, x1 - px, y1 - py)
                # A large plate must not outweigh many small ones.
                weight[j, i] = 1 / math.sqrt(count)
                exact[j, i] = t.corners is not None
                if t.corners is not None:
                    corners[:, j, i] = (t.corners - [px, py]).reshape(-1)
    return what, box, corners, exact, weight
