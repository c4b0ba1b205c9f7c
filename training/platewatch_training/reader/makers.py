"""Sample makers: processes that photograph plates and hand finished batches to the trainer through shared memory."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
from pathlib import Path

import cv2
import numpy as np

from .. import camera
from ..plates import ALPHABET
from .clean import MAX_CHARS
from .model import BLANK, STEPS
from .render import NOTHING, READABLE

W, H = camera.CROP_WIDTH, camera.CROP_HEIGHT
IGNORE = -100


def step_targets(boxes, matrix) -> np.ndarray:
    """What each of the 2 x 40 steps should say: a character under its middle, blank in gaps, ignored between."""
    target = np.full(2 * STEPS, BLANK, np.int16)
    y = (boxes[:, 3] + boxes[:, 5]) / 2
    ends = np.stack([boxes[:, 2], y, boxes[:, 4], y], 1).reshape(-1, 1, 2).astype(np.float64)
    ends = cv2.perspectiveTransform(ends, matrix).reshape(-1, 2, 2)
    centres = np.arange(STEPS) * (W / STEPS) + W / STEPS / 2
    for box, ((left, _), (right, _)) in zip(boxes, ends):
        middle, width = (left + right) / 2, max(7.0, right - left)
        if not 0 <= middle < W:
            continue
        row = target[int(box[1]) * STEPS : (int(box[1]) + 1) * STEPS]
        distance = np.abs(centres - middle)
        row[(distance < 0.56 * width) & (row == BLANK)] = IGNORE
        row[distance < 0.28 * width] = int(box[0])
        row[int(distance.argmin())] = int(box[0])
    return target


class Slots:
    """A few batches' worth of shared arrays."""

    FIELDS = {"images": (ctypes.c_uint8, np.uint8, (H, W, 3)), "steps": (ctypes.c_int16, np.int16, (2 * STEPS,)), "texts": (ctypes.c_int16, np.int16, (MAX_CHARS,)),
              "lengths": (ctypes.c_int16, np.int16, ()), "purpose": (ctypes.c_int16, np.int16, ()), "country": (ctypes.c_int16, np.int16, ()), "lines": (ctypes.c_int16, np.int16, ())}

    def __init__(self, slots: int, batch: int):
        self.slots, self.batch, self.raw = slots, batch, {}
        for name, (kind, _, shape) in self.FIELDS.items():
            self.raw[name] = multiprocessing.RawArray(kind, slots * batch * int(np.prod(shape, dtype=int)))

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: np.frombuffer(self.raw[name], dtype).reshape(self.slots, self.batch, *shape) for name, (_, dtype, shape) in self.FIELDS.items()}


def write(arrays, slot: int, k: int, crop, boxes, matrix, label, purpose: int) -> None:
    arrays["images"][slot, k] = crop
    arrays["purpose"][slot, k] = purpose
    text = label["text"] if label and purpose == READABLE else ""
    arrays["lengths"][slot, k] = len(text)
    arrays["texts"][slot, k, : len(text)] = [ALPHABET.index(c) for c in text]
    arrays["country"][slot, k] = label["country"] if text else -1
    arrays["lines"][slot, k] = label["lines"] - 1 if text and label["lines"] > 0 else -1
    if purpose == NOTHING:
        arrays["steps"][slot, k] = BLANK
    elif text and boxes is not None:
        arrays["steps"][slot, k] = step_targets(boxes, matrix)
    else:
        arrays["steps"][slot, k] = IGNORE


def maker(seed: int, clean: Path, real: Path | None, junk: Path | None, slots: Slots, free, full, share, pictures: int) -> None:
    """Fill free slots for ever. `share` is the running share of real crops (a shared double)."""
    from .real import PAD_X, PAD_Y, RealCrops
    from .snap import Camera, CleanPlates

    cv2.setNumThreads(1)
    parent = os.getppid()
    plates, taker, arrays = CleanPlates(clean), Camera(seed, pictures), slots.arrays()
    crops = RealCrops(real) if real else None
    wrong = None
    rng, count = taker.rng, 0
    while os.getppid() == parent:
        slot = free.get()
        if slot is None:
            return
        if count % 40 == 0:
            plates.refresh()
            if wrong is None and junk and junk.exists():  # may be made while training runs
                wrong = np.load(junk, mmap_mode="r")
        count += 1
        for k in range(slots.batch):
            draw = rng.random()
            if crops is not None and draw < share.value:
                frame, label = crops.get(rng.randrange(len(crops)))
                write(arrays, slot, k, taker.real(frame, PAD_X, PAD_Y), None, None, label, label["purpose"])
            elif wrong is not None and draw > 0.965:
                write(arrays, slot, k, taker.real(wrong[rng.randrange(len(wrong))], PAD_X, PAD_Y), None, None, None, NOTHING)
            else:
                write(arrays, slot, k, *taker.rendered(plates))
        full.put(slot)


class Batches:
    """Batches from `count` maker processes; each is given out `uses` times, some batches apart and in another light."""

    REST = 10  # batches between one use and the next

    def __init__(self, clean: Path, real: Path | None, junk: Path | None, batch: int, seed: int, count: int = 1, pictures: int = 150, uses: int = 1):
        self.uses, self.kept, self.turn, self.generator = uses, [], 0, np.random.default_rng(seed)
        context = multiprocessing.get_context("fork")
        self.slots, self.free, self.full = Slots(12, batch), context.Queue(), context.Queue()
        self.share = multiprocessing.Value("d", 0.0)
        for i in range(self.slots.slots):
            self.free.put(i)
        self.processes = [context.Process(target=maker, args=(seed * 1000 + i, clean, real, junk, self.slots, self.free, self.full, self.share, pictures), daemon=True) for i in range(count)]
        for process in self.processes:
            process.start()
        self.arrays = self.slots.arrays()

    def __next__(self) -> dict[str, np.ndarray]:
        if self.uses == 1:
            return self.new()
        self.turn += 1
        if self.turn % self.uses and len(self.kept) > self.REST:
            batch, left = self.kept.pop(0)
            images = self.other_light(batch["images"])
            if left > 1:
                self.kept.append((batch, left - 1))
            return {**batch, "images": images}
        batch = self.new()
        self.kept.append((batch, self.uses - 1))
        return batch

    def other_light(self, images: np.ndarray) -> np.ndarray:
        """Brighter or darker, flatter or harder, and moved up or down by a pixel, each picture otherwise."""
        gain = self.generator.uniform(0.75, 1.2, (len(images), 1, 1, 1)).astype(np.float32)
        shift = self.generator.uniform(-22, 22, (len(images), 1, 1, 1)).astype(np.float32)
        return np.roll(np.clip((images - np.float32(110)) * gain + 110 + shift, 0, 255).astype(np.uint8), int(self.generator.integers(-1, 2)), 1)

    def new(self) -> dict[str, np.ndarray]:
        """A batch as a maker finished it."""
        slot = self.full.get()
        out = {name: array[slot].copy() for name, array in self.arrays.items()}
        self.free.put(slot)
        return out

    def waiting(self) -> int:
        return self.full.qsize()
