"""A ring of finished samples in shared memory, between the makers and the trainer.

Makers overwrite the oldest samples; the trainer draws any, each a few times in
another cut and mirrored, so that neither waits for the other.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 288, 480  # of a stored sample; the trainer cuts less than that
MOST = 24  # boxes kept of one sample, of each kind


class Ring:
    """Slots of a picture, `targets` (n x 13: box, corners, exact?) and `ignored` boxes.

    `stamp` of a slot is 0 while it is written; `next` counts what was
    written, `drawn` what the trainer took.
    """

    def __init__(self, folder: Path, slots: int = 2500):
        folder.mkdir(parents=True, exist_ok=True)
        size = folder / "slots"
        if not size.exists():
            size.write_text(str(slots))
        self.slots = int(size.read_text())
        self.pictures = self._map(folder / "pictures", np.uint8, (self.slots, HEIGHT, WIDTH, 3))
        self.targets = self._map(folder / "targets", np.float32, (self.slots, MOST, 13))
        self.ignored = self._map(folder / "ignored", np.float32, (self.slots, MOST, 4))
        self.counts = self._map(folder / "counts", np.int32, (self.slots, 2))
        self.stamp = self._map(folder / "stamp", np.int64, (self.slots,))
        self.next = self._map(folder / "next", np.int64, (1,))
        self.drawn = self._map(folder / "drawn", np.int64, (1,))

    @staticmethod
    def _map(path: Path, kind, shape) -> np.memmap:
        whole = path.exists() and path.stat().st_size == int(np.prod(shape)) * np.dtype(kind).itemsize
        return np.memmap(path, kind, "r+" if whole else "w+", shape=shape)

    def put(self, image: np.ndarray, targets, ignored) -> None:
        number = int(self.next[0])
        self.next[0] = number + 1
        slot = number % self.slots
        self.stamp[slot] = 0
        self.pictures[slot] = image
        targets, ignored = targets[:MOST], ignored[:MOST]
        for k, t in enumerate(targets):
            self.targets[slot, k, :4] = t.box
            self.targets[slot, k, 12] = t.corners is not None
            if t.corners is not None:
                self.targets[slot, k, 4:12] = t.corners.reshape(-1)
        for k, b in enumerate(ignored):
            self.ignored[slot, k] = b
        self.counts[slot] = len(targets), len(ignored)
        self.stamp[slot] = number + 1

    def filled(self) -> int:
        return min(self.slots, int(self.next[0]))

    def pause(self, reuse: float) -> None:
        """Wait while each sample would be drawn less than `reuse` times: the processor has more to do."""
        while self.filled() == self.slots and int(self.next[0]) - self.slots > int(self.drawn[0]) / reuse:
            time.sleep(0.2)

    def wait(self, least: int) -> None:
        while self.filled() < least:
            time.sleep(1)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Picture, targets and ignored boxes of a random finished slot (copies)."""
        while True:
            slot = int(rng.integers(self.filled()))
            stamp = int(self.stamp[slot])
            if stamp == 0:
                continue
            n, m = self.counts[slot]
            out = self.pictures[slot].copy(), self.targets[slot, :n].copy(), self.ignored[slot, :m].copy()
            if int(self.stamp[slot]) == stamp:
                return out
