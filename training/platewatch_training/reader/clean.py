"""Draw plates once, clean, for the camera to photograph many times:

    python -m platewatch_training.reader.clean OUT_FOLDER --shards 20 [--first 0] [--size 2000] [--of US,US,other]

Drawing a plate costs 6 ms, photographing it under 1 ms; so plates are kept as
they leave the workshop and every training sample is a new photograph of one of
them.  A shard is `NNNN.npy` (all pixels of all pictures, uint8 RGB, one after
the other) and `NNNN.npz` (where each picture starts, its size and corners,
text, country, lines, kind and the box of every character).  A shard depends on
its number alone, and on `--of`: countries, each as often as it is named, for
shards of those that are read worst.  Finished shards are skipped; a running trainer picks new ones
up.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

import cv2
import numpy as np

from ..plates import ALPHABET, COUNTRIES, render_plate

MAX_CHARS = 12
LINE_HEIGHT = 68.0  # px of a one-line plate as stored: no camera here shows more


def shrink(plate):
    """Picture (uint8), corners and character boxes at the stored size."""
    height = plate.quad[2, 1] - plate.quad[1, 1]
    factor = min(1.0, LINE_HEIGHT * (1.0 if plate.lines == 1 else 1.8) / height, 380.0 / plate.image.shape[1])
    size = (max(8, round(plate.image.shape[1] * factor)), max(8, round(plate.image.shape[0] * factor)))
    fx, fy = size[0] / plate.image.shape[1], size[1] / plate.image.shape[0]
    image = cv2.resize(np.clip(plate.image, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    return image, plate.quad * np.float32([fx, fy]), [(c, line, (x0 * fx, y0 * fy, x1 * fx, y1 * fy)) for c, line, (x0, y0, x1, y1) in plate.chars]


def shard(number: int, size: int, folder: Path, of: list[str] | None = None) -> None:
    rng = random.Random(9_000_011 * (number + 1))
    pixels, starts, sizes, quads, texts, kinds = [], [0], [], [], [], []
    country, lines = np.zeros(size, np.int16), np.zeros(size, np.int8)
    boxes = np.full((size, MAX_CHARS, 6), -1, np.float32)  # alphabet index, line, x0 y0 x1 y1
    for i in range(size):
        plate = render_plate(rng, rng.choice(of) if of else None)
        while len(plate.chars) > MAX_CHARS or not plate.chars:
            plate = render_plate(rng, rng.choice(of) if of else None)
        image, quad, chars = shrink(plate)
        pixels.append(image.reshape(-1))
        starts.append(starts[-1] + image.size)
        sizes.append(image.shape[:2])
        quads.append(quad)
        texts.append(plate.text)
        kinds.append(plate.kind)
        country[i], lines[i] = COUNTRIES.index(plate.country), plate.lines
        for j, (char, line, box) in enumerate(chars):
            boxes[i, j] = [ALPHABET.index(char), line, *box]
    partial = folder / f"{number:04d}.partial.npz"
    np.savez(partial, starts=np.array(starts, np.int64), sizes=np.array(sizes, np.int32), quads=np.float32(quads), texts=np.array(texts),
             kinds=np.array(kinds), country=country, lines=lines, boxes=boxes)
    np.save(folder / f"{number:04d}.npy", np.concatenate(pixels))
    os.replace(partial, folder / f"{number:04d}.npz")  # the .npz appears last: a shard with it is complete


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--of", type=lambda text: text.split(","), help="only plates of these countries, by commas")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.first, arguments.first + arguments.shards):
        if (arguments.folder / f"{number:04d}.npz").exists():
            continue
        start = time.time()
        shard(number, arguments.size, arguments.folder, arguments.of)
        print(f"shard {number}: {(time.time() - start) / arguments.size * 1000:.1f} ms a plate", flush=True)


if __name__ == "__main__":
    main()
