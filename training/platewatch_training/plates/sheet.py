"""Contact sheets of rendered plates, to be looked at:

    python -m platewatch_training.plates.sheet out.png [country] [seed]
"""

from __future__ import annotations

import random
import sys

import cv2
import numpy as np

from . import render_plate


def tile(image: np.ndarray, text: str, size: tuple[int, int] = (200, 100)) -> np.ndarray:
    """One picture with its text under it."""
    width, height = size
    cell = np.full((height, width, 3), 90, np.uint8)
    room = height - 16
    scale = min(width / image.shape[1], room / image.shape[0])
    small = cv2.resize(np.clip(image, 0, 255).astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    cell[: small.shape[0], : small.shape[1]] = small[:room, :width]
    cv2.putText(cell, text, (2, height - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    return cell


def sheet(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    blank = np.zeros_like(tiles[0])
    tiles = tiles + [blank] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def main() -> None:
    path, country, seed = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] != "-" else None), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng, tiles = random.Random(seed), []
    for _ in range(80):
        plate = render_plate(rng, country)
        image = plate.image.copy()
        for _, _, (x0, y0, x1, y1) in plate.chars:
            if len(sys.argv) > 4:
                cv2.rectangle(image, (round(x0), round(y0)), (round(x1), round(y1)), (255, 0, 255), 1)
        tiles.append(tile(image, f"{plate.country} {plate.text} {plate.kind}"))
    cv2.imwrite(path, sheet(tiles, 8)[:, :, ::-1])


if __name__ == "__main__":
    main()
