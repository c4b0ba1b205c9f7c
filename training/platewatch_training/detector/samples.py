"""Training samples: cuts of real pictures, pasted plates and bait, a camera's faults.

    python -m platewatch_training.detector.samples STORE RING [--seed 1]

fills the ring of samples the trainer draws from (`ring.py`) until it is ended.
`--look out.png` writes a contact sheet instead.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import paste, ring, store
from .faults import Faults
from .ring import HEIGHT, WIDTH

FULL_WIDTH, FULL_HEIGHT = 640, 384  # what a frame is scaled to in use


@dataclass
class Target:
    box: np.ndarray  # x0 y0 x1 y1 in sample px
    corners: np.ndarray | None  # exact, for rendered plates only


class Maker:
    def __init__(self, folder: Path, seed: int):
        self.rng = random.Random(seed)
        rendered = store.stored(folder, "plates")
        self.plates = [(levels, np.float32(row["quad"])) for levels, row in rendered]
        self.short = [p for p, (_, row) in zip(self.plates, rendered) if row["lines"] == 1 and p[1][1, 0] - p[1][0, 0] < 3.2 * (p[1][3, 1] - p[1][0, 1])]
        # Square and American ones are few in the pictures, and cameras see them everywhere.
        self.squarish = [p for p in self.plates if np.linalg.norm(p[1][1] - p[1][0]) < 2.7 * np.linalg.norm(p[1][3] - p[1][0])]
        self.bait = [levels for levels, _ in store.stored(folder, "bait")]
        self.by_source: dict[str, list[store.Picture]] = {}
        for p in store.pictures(folder):
            self.by_source.setdefault(p.source, []).append(p)
        self.sources = [s for s in store.WEIGHTS if s in self.by_source]
        self.weights = [store.WEIGHTS[s] for s in self.sources]
        self.with_bait = [p for own in self.by_source.values() for p in own if len(p.bait)]
        self.faults = Faults(self.rng, HEIGHT, WIDTH)

    def picture(self) -> store.Picture:
        return self.rng.choice(self.by_source[self.rng.choices(self.sources, self.weights)[0]])

    def sample(self) -> tuple[np.ndarray, list[Target], list[np.ndarray]]:
        rng = self.rng
        canvas = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
        targets: list[Target] = []
        ignored: list[np.ndarray] = []
        self.fill(canvas, (0, 0, WIDTH, HEIGHT), targets, ignored, rng.random() < 0.9)
        if targets and rng.random() < 0.12:
            self.replace(canvas, targets)
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
            self.paste_real(canvas, targets, ignored)
        for _ in range(rng.choice([0, 1, 1, 2, 3, 4])):
            self.paste_plate(canvas, targets, ignored)
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            self.paste_bait(canvas, targets, ignored)
        return self.faults.spoil(canvas, [t.box for t in targets]), targets, ignored

    def wanted_width(self) -> float:
        """A plate width in input px: from hardly a plate to half the frame, half of them under 42, as in a whole road seen by one camera."""
        u = self.rng.random()
        low, high = (11, 42) if u < 0.5 else (35, 150) if u < 0.9 else (110, 420)
        return math.exp(self.rng.uniform(math.log(low), math.log(high)))

    def fill(self, canvas, cell, targets, ignored, on: bool, depth: int = 0) -> None:
        """A picture into the cell; where it is smaller than that, others into what is left beside and below."""
        left, top, right, bottom = cell
        if depth == 0 and self.rng.random() < 0.15:  # two halves
            middle = int(WIDTH * self.rng.uniform(0.35, 0.65))
            self.fill(canvas, (0, 0, middle, HEIGHT), targets, ignored, on, 1)
            self.fill(canvas, (middle, 0, WIDTH, HEIGHT), targets, ignored, on, 1)
            return
        width, height = self.cut(canvas, cell, targets, ignored)
        if on and depth < 7:
            if right - left - width >= 56:
                self.fill(canvas, (left + width, top, right, bottom), targets, ignored, on, depth + 1)
            if bottom - top - height >= 56:
                self.fill(canvas, (left, top + height, left + width, bottom), targets, ignored, on, depth + 1)

    def cut(self, canvas: np.ndarray, cell, targets: list[Target], ignored: list[np.ndarray]) -> tuple[int, int]:
        """Part of a picture into the top-left of a cell; no turning, since boxes would grow loose.

        Gives the width and height it took.
        """
        rng, p = self.rng, self.picture()
        lure = None  # what an earlier detector mistook for a plate
        if self.with_bait and rng.random() < 0.15:
            p = rng.choice(self.with_bait)
            lure = p.bait[rng.randrange(len(p.bait))]
        left, top, right, bottom = cell
        width, height = right - left, bottom - top
        h, w = p.levels[0].shape[:2]
        aspect = w / h
        fit = min(FULL_WIDTH / w, FULL_HEIGHT / h) if abs(aspect - FULL_WIDTH / FULL_HEIGHT) < 0.15 else math.sqrt(FULL_WIDTH * FULL_HEIGHT / (w * h))
        small = width < WIDTH
        scale = fit * math.exp(rng.gauss(-0.5 if small else 0, 0.25))
        at = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height)
        if lure is not None or (len(p.boxes) and rng.random() < 0.9):
            b = lure if lure is not None else p.boxes[rng.randrange(len(p.boxes))]
            if rng.random() < 0.6:
                scale = float(np.clip(self.wanted_width() * (0.7 if small else 1) / max(8.0, b[2] - b[0]), 0.16 * fit, 5 * fit))
            cx, cy = (b[0] + b[2]) / 2, (b[1] + b[3]) / 2
        else:
            cx, cy, at = rng.uniform(0.2, 0.8) * w, rng.uniform(0.2, 0.8) * h, (width / 2, height / 2)
        stretch = math.exp(rng.gauss(0, 0.08 if p.source != "openimages350" else 0.2))
        if p.source == "openimages350":
            stretch *= 1.15  # most were wide before they were squeezed
        sx, sy = scale * stretch, scale / stretch
        shift = [at[0] - sx * cx, at[1] - sy * cy]
        for axis, (scaled, wide) in enumerate(((sx * w, width), (sy * h, height))):
            shift[axis] = 0.0 if scaled <= wide else min(0.0, max(wide - scaled, shift[axis]))
        width, height = min(width, max(1, int(sx * w))), min(height, max(1, int(sy * h)))
        right, bottom = left + width, top + height
        matrix = np.float32([[sx, 0, shift[0]], [0, sy, shift[1]]])
        level = min(len(p.levels) - 1, max(0, math.floor(math.log2(1 / scale) + 0.4)))
        image = p.levels[level]
        local = matrix.copy()
        local[0, :2] *= w / image.shape[1]
        local[1, :2] *= h / image.shape[0]
        canvas[top:bottom, left:right] = cv2.warpAffine(image, local, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        limits = np.float32([left, top, right, bottom])
        for boxes, sink in ((p.boxes, targets), (p.ignored, ignored)):
            for b in boxes:
                moved = np.float32([b[0] * sx + shift[0], b[1] * sy + shift[1], b[2] * sx + shift[0], b[3] * sy + shift[1]]) + [left, top, left, top]
                inside = np.clip(moved, limits[[0, 1, 0, 1]], limits[[2, 3, 2, 3]])
                share = np.prod(np.maximum(0, inside[2:] - inside[:2])) / max(1e-3, np.prod(moved[2:] - moved[:2]))
                if share < 0.05:
                    continue
                if sink is ignored or share < 0.6:
                    ignored.append(inside)
                else:
                    targets.append(Target(inside, None))
        return width, height

    def free_place(self, span, targets, ignored, margin: float = 6) -> np.ndarray | None:
        """Top-left of a free place of that size, now and then reaching over the sample's rim."""
        rng = self.rng
        if span[0] > 0.8 * WIDTH or span[1] > 0.8 * HEIGHT:
            return None
        others = [t.box for t in targets] + ignored
        for _ in range(6):
            over = 0.15 if rng.random() < 0.2 else 0.0
            x, y = (rng.uniform(-over * s, limit - (1 - over) * s) for s, limit in zip(span, (WIDTH, HEIGHT)))
            if all(x + span[0] < o[0] - margin or x > o[2] + margin or y + span[1] < o[1] - margin or y > o[3] + margin for o in others):
                return np.float32([x, y])
        return None

    def plate(self, stock) -> tuple[list[np.ndarray], np.ndarray]:
        """A rendered plate; one in five with light letters on a dark ground, as old plates of many countries.

        On black cars such a ground is hardly seen: half of them let the body show through.
        """
        levels, source = self.rng.choice(stock)
        if self.rng.random() < 0.2:
            levels = [255 - level for level in levels]
            if self.rng.random() < 0.5:
                least = self.rng.randint(70, 200)
                levels = [np.dstack([level, np.maximum(level.max(2), least)]) for level in levels]
        return levels, source

    def paste_plate(self, canvas, targets, ignored) -> None:
        draw = self.rng.random()
        levels, source = self.plate(self.squarish if draw < 0.22 else self.short if draw < 0.5 else self.plates)
        ratio = np.linalg.norm(source[1] - source[0]) / np.linalg.norm(source[3] - source[0])
        quad = paste.quad_for(self.rng, self.wanted_width() * (0.65 if ratio < 2.5 else 1.0), ratio)
        place = self.free_place(np.ptp(quad, 0), targets, ignored)
        if place is not None:
            quad = (quad - quad.min(0) + place).astype(np.float32)
            if self.rng.random() < (0.6 if ratio < 3.2 else 0.2):
                paste.bumper(canvas, levels, quad, self.rng)
            paste.blend(canvas, levels, source, quad, self.rng)
            targets.append(Target(np.r_[quad.min(0), quad.max(0)], quad))

    def paste_real(self, canvas, targets, ignored) -> None:
        """A real plate or bait, seldom at its own size, in another place."""
        lure = bool(self.with_bait) and self.rng.random() < 0.5
        p = self.rng.choice(self.with_bait) if lure else self.picture()
        boxes = p.bait if lure else p.boxes
        if not len(boxes):
            return
        b = boxes[self.rng.randrange(len(boxes))]
        span = b[2:] - b[:2]
        scale = min(2.0, self.wanted_width() / max(8.0, span[0]))
        place = self.free_place(span * scale, targets, ignored, 12)
        if place is None or span[0] * scale < 11:
            return
        level = min(len(p.levels) - 1, max(0, math.floor(math.log2(1 / scale) + 0.4)))
        shrink = np.float32([p.levels[level].shape[1] / p.levels[0].shape[1], p.levels[level].shape[0] / p.levels[0].shape[0]])
        box = np.r_[place, place + span * scale].astype(np.float32)
        paste.transplant(canvas, p.levels[level], b * np.tile(shrink, 2), box, self.rng)
        if not lure:
            targets.append(Target(box, None))

    def paste_bait(self, canvas, targets, ignored) -> None:
        levels = self.rng.choice(self.bait)
        h, w = levels[0].shape[:2]
        width = math.exp(self.rng.uniform(math.log(18), math.log(300)))
        quad = paste.quad_for(self.rng, width, w / h)
        place = self.free_place(np.ptp(quad, 0), targets, ignored)
        if place is not None:
            paste.blend(canvas, levels, np.float32([[0, 0], [w, 0], [w, h], [0, h]]), (quad - quad.min(0) + place).astype(np.float32), self.rng, 0.5)

    def replace(self, canvas, targets: list[Target]) -> None:
        """Cover a real plate by a rendered one: exact corners where plates really hang."""
        rng = self.rng
        k = rng.randrange(len(targets))
        box = targets[k].box
        size = box[2:] - box[:2]
        if size[0] < 16 or size[0] / max(1, size[1]) < 1.1:
            return
        for _ in range(12):
            levels, source = self.plate(self.squarish if size[0] < 2.4 * size[1] else self.plates)
            ratio = np.linalg.norm(source[1] - source[0]) / np.linalg.norm(source[3] - source[0])
            if 0.75 < ratio / (size[0] / size[1]) < 1.5:
                slant = rng.gauss(0, 0.06) * size[0]
                h = size[1] * 1.06
                x0, y0, x1, y1 = box[0] - 1, box[1] - 0.03 * h, box[2] + 1, box[3] + 0.03 * h
                quad = np.float32([[x0, y0 - slant / 2], [x1, y0 + slant / 2], [x1, y1 + slant / 2], [x0, y1 - slant / 2]])
                paste.blend(canvas, levels, source, quad, rng, 1.0)
                targets[k] = Target(np.r_[quad.min(0), quad.max(0)], quad)
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("ring", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reuse", type=float, default=1.5, help="how often a sample is drawn, at least")
    parser.add_argument("--look", help="write a contact sheet of 24 samples here and end")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    maker = Maker(options.store, options.seed)
    if options.look:
        tiles = []
        for _ in range(24):
            image, targets, ignored = maker.sample()
            for t in targets:
                points = t.corners if t.corners is not None else t.box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
                cv2.polylines(image, [np.int32(points)], True, (0, 255, 0) if t.corners is not None else (0, 255, 255), 1)
            for b in ignored:
                cv2.rectangle(image, (int(b[0]), int(b[1])), (int(b[2]), int(b[3])), (255, 0, 255), 1)
            tiles.append(image)
        cv2.imwrite(options.look, np.vstack([np.hstack(tiles[k : k + 4]) for k in range(0, 24, 4)]))
        return
    sink = ring.Ring(options.ring)
    while True:
        sink.pause(options.reuse)
        sink.put(*maker.sample())


if __name__ == "__main__":
    main()
