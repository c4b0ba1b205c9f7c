"""What a detector takes for a plate on the training pictures and is none: the reader's hardest "not readable".

    python -m platewatch_training.reader.junk DETECTOR.onnx READER.onnx OUT.npy [--sheet OUT.png]

Candidates overlap no labelled plate, and no plate or region of doubt of
`labels/extra_boxes.tsv` and `labels/mined_boxes.tsv`.  A good detector leaves
little: with its score as shipped, take a threshold far below that of its card.  Those in which the reader sees a text of four
or more sure characters are left out: some are plates nobody labelled.  What of them was looked at and is lettering
(`labels/lettering.tsv`: shop signs, badges, telephone numbers) is added `--lettering` times.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from ..labels import bad_boxes, table, unlabelled
from ..plates.fonts import data_root
from ..plates.sheet import sheet, tile
from .propose import collapse, session
from .real import H, PAD_X, PAD_Y, W, frame_of


def candidates(detector, picture, threshold: float):
    """(score, corners) of all local maxima of the detector's grid, strongest first."""
    scale = min(384 / picture.shape[0], 640 / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((384, 640, 3), 114, np.float32)
    canvas[: small.shape[0], : small.shape[1]] = small
    score, corners = detector.run(["score", "corners"], {"image": canvas.transpose(2, 0, 1)[None].copy()})
    found, taken = [], np.zeros(score.shape[2:], bool)
    for flat in np.argsort(-score[0, 0].ravel())[:200]:
        j, i = np.unravel_index(flat, score.shape[2:])
        if score[0, 0, j, i] < threshold:
            break
        if taken[j, i]:
            continue
        taken[max(0, j - 3) : j + 4, max(0, i - 6) : i + 7] = True
        found.append((float(score[0, 0, j, i]), (corners[0, :, j, i].reshape(4, 2) + [(i + 0.5) * 8, (j + 0.5) * 8]) / scale))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", type=Path)
    parser.add_argument("reader", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--threshold", type=float, default=0.0001)
    parser.add_argument("--lettering", type=int, default=15, help="how often each of labels/lettering.tsv is taken")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector, reader = session(arguments.detector), session(arguments.reader)
    extra, bad = unlabelled(), bad_boxes()
    frames = []
    for line in (data_root() / "train.jsonl").read_text().splitlines():
        entry = json.loads(line)
        picture = cv2.imread(str(data_root() / entry["image"]))
        known = [box for k, box in enumerate(entry["boxes"]) if (entry["image"], k) not in bad] + extra.get(entry["image"], [])
        for _, corners in candidates(detector, picture, arguments.threshold):
            (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
            if x1 - x0 < 20 or any(x0 < b[2] and x1 > b[0] and y0 < b[3] and y1 > b[1] for b in known):
                continue
            frames.append(frame_of(np.ascontiguousarray(picture[:, :, ::-1]), corners))
    kept, tiles = [], []
    for frame in frames:
        crop = frame[PAD_Y : PAD_Y + H, PAD_X : PAD_X + W]
        out = reader.run(None, {"plates": crop.transpose(2, 0, 1)[None].astype(np.float32)})
        text, weakest, _ = collapse(out[0][0])
        if len(text) >= 4 and weakest > 0.6:
            continue
        kept.append(frame)
        tiles.append(tile(crop, text, (160, 80)))
    found = len(kept)
    for row in table("lettering.tsv"):
        x0, y0, x1, y1 = (float(row[key]) for key in ("x0", "y0", "x1", "y1"))
        picture = cv2.imread(str(data_root() / row["image"]))
        frame = frame_of(np.ascontiguousarray(picture[:, :, ::-1]), np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
        kept.extend([frame] * arguments.lettering)
    np.save(arguments.out, np.stack(kept))
    if arguments.sheet:
        cv2.imwrite(str(arguments.sheet), sheet(tiles[:240], 12)[:, :, ::-1])
    print(len(frames), "candidates,", found, "and", len(kept) - found, "of lettering kept in", arguments.out)


if __name__ == "__main__":
    main()
