"""Pre-render shards of photographed plates to disk:

    python -m platewatch_training.reader.render OUT_FOLDER --shards 100 [--first 0] [--size 2000]

A shard is `NNNN.npy` (pictures, N x 80 x 192 x 3 uint8 RGB, crop plus context)
and `NNNN.npz` (texts, countries, lines, readable, character places).  A shard
depends on its number alone, so any of them can be made again.  Finished shards
are skipped; a running trainer picks new ones up.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

import cv2
import numpy as np

from .. import camera
from ..plates import ALPHABET, COUNTRIES, fonts, render_plate
from .surroundings import Surroundings

MAX_CHARS = 12
FRAME = (camera.CROP_HEIGHT + 2 * camera.PAD_Y, camera.CROP_WIDTH + 2 * camera.PAD_X)
# What a sample is for: a readable plate, a plate nobody can read (text ignored), or no plate at all (all blank).
READABLE, UNREADABLE, NOTHING = 1, 0, -1


def signboard(rng, surroundings: Surroundings) -> np.ndarray:
    """Words and figures that are no plate: vans, shop signs, the clock of the recorder."""
    return signboard_on(rng, surroundings.bytes(FRAME[1], FRAME[0]), FRAME[1], FRAME[0])


def signboard_on(rng, image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Such words written on a picture (uint8 RGB)."""
    image = image.astype(np.float32)
    words = ["BAKKERIJ", "SERVICE", "24/7", "www.auto.be", "TAXI", "POLICE", "POLITIE", "STOP", "EXIT", "HOTEL", "BUS 42", "DHL", "Express", "2024-05-17",
             "12:45:07", "CAM 03", "km/h", "E40", "A12", "Tel 03 555 12 34", "Garage", "Diesel", "TDI", "2.0 HDi", "QUATTRO", "GTI", "FORD", "TRANSIT", "Volvo FH"]
    for _ in range(rng.randint(1, 3)):
        mask = fonts.text_mask(rng.choice(fonts.family_files("any")), " ".join(rng.choice(words) for _ in range(rng.randint(1, 3))), rng.uniform(9, 34))
        x, y = rng.randint(-20, int(width * 0.63)), rng.randint(0, height - 12)
        x0 = max(0, x)
        part = mask[: height - y, x0 - x : width - x].astype(np.float32)[..., None] / 255
        area = image[y : y + part.shape[0], x0 : x0 + part.shape[1]]
        area += part[:, : area.shape[1]] * (np.float32([rng.uniform(0, 255) for _ in range(3)]) - area)
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.4))
    return np.clip(image, 0, 255).astype(np.uint8)


def cut_off(rng, image: np.ndarray, shot: camera.Shot) -> np.ndarray:
    """Move the plate so that one to half of its characters end outside: a box that took only a part."""
    middles = sorted((x0 + x1) / 2 for _, _, x0, _, x1, _ in shot.chars)
    lost = rng.randint(1, max(1, len(middles) // 2))
    if rng.random() < 0.5:
        shift = camera.PAD_X - (middles[lost - 1] + middles[lost]) / 2
    else:
        shift = camera.PAD_X + camera.CROP_WIDTH - (middles[-lost] + middles[-lost - 1]) / 2
    return cv2.warpAffine(image, np.float32([[1, 0, shift], [0, 1, 0]]), FRAME[::-1], borderMode=cv2.BORDER_REPLICATE)


def one(rng, noise_rng, surroundings: Surroundings):
    """(picture, plate or None, shot or None, purpose)"""
    draw = rng.random()
    if draw < 0.045:
        return np.clip(surroundings.patch(FRAME[1], FRAME[0], (0.4, 4)), 0, 255).astype(np.uint8), None, None, NOTHING
    if draw < 0.06:
        return signboard(rng, surroundings), None, None, NOTHING
    plate = render_plate(rng)
    if len(plate.chars) > MAX_CHARS:
        return one(rng, noise_rng, surroundings)
    if draw < 0.085:  # too small or too blurred for anybody
        longest = max(sum(1 for char in plate.chars if char[1] == line) for line in range(plate.lines))
        if rng.random() < 0.5:
            shot = camera.photograph(rng, plate, surroundings.patch, noise_rng, native=max(12.0, longest * rng.uniform(1.6, 2.6)))
        else:
            shot = camera.photograph(rng, plate, surroundings.patch, noise_rng, native=60)
            shot.image = cv2.GaussianBlur(shot.image, (0, 0), rng.uniform(5.5, 10))
        return shot.image, plate, shot, UNREADABLE
    shot = camera.photograph(rng, plate, surroundings.patch, noise_rng)
    if draw < 0.13 and len(shot.chars) > 3:  # characters are outside the crop, or hidden
        image = shot.image
        if rng.random() < 0.6:
            image = cut_off(rng, image, shot)
        else:
            x0 = rng.randint(20, 100)
            image[:, x0 : x0 + rng.randint(35, 80)] = np.clip(surroundings.patch(10, 10), 0, 255).mean((0, 1))
        return image, plate, shot, UNREADABLE
    return shot.image, plate, shot, READABLE


def shard(number: int, size: int, folder: Path, surroundings: Surroundings | None = None) -> None:
    rng, noise_rng = random.Random(7_000_003 * (number + 1)), np.random.default_rng(number + 1)
    surroundings = surroundings or Surroundings(number)
    pictures = np.empty((size, *FRAME, 3), np.uint8)
    texts, country, lines, purpose, native, kinds = [], np.zeros(size, np.int16), np.zeros(size, np.int8), np.zeros(size, np.int8), np.zeros(size, np.float32), []
    places = np.full((size, MAX_CHARS, 6), -1, np.float32)  # alphabet index, line, left x y, right x y
    for i in range(size):
        pictures[i], plate, shot, purpose[i] = one(rng, noise_rng, surroundings)
        texts.append(plate.text if plate else "")
        kinds.append(plate.kind if plate else "")
        country[i] = COUNTRIES.index(plate.country) if plate else -1
        lines[i] = plate.lines if plate else 0
        if shot:
            native[i] = shot.native_width
            for j, (char, *rest) in enumerate(shot.chars):
                places[i, j] = [ALPHABET.index(char), *rest]
    partial = folder / f"{number:04d}.partial.npz"
    np.savez(partial, texts=np.array(texts), country=country, lines=lines, purpose=purpose, native=native, places=places, kinds=np.array(kinds))
    np.save(folder / f"{number:04d}.npy", pictures)
    os.replace(partial, folder / f"{number:04d}.npz")  # the .npz appears last: a shard with it is complete


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, default=2000)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.first, arguments.first + arguments.shards):
        if (arguments.folder / f"{number:04d}.npz").exists():
            continue
        start = time.time()
        shard(number, arguments.size, arguments.folder)
        print(f"shard {number}: {(time.time() - start) / arguments.size * 1000:.1f} ms a sample", flush=True)


if __name__ == "__main__":
    main()
