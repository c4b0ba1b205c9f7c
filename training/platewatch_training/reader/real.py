"""Real crops with texts as training data, cut with wide context so that training can move and tilt them:

    python -m platewatch_training.reader.real OUT_FOLDER [--labels FILE]

Writes `frames.npy` (N x (64 + 2 PAD_Y) x (160 + 2 PAD_X) x 3 uint8 RGB) and
`labels.npz`.  Boxes of `labels/bad_boxes.tsv` hold no plate and are kept as
such; `labels/extra_crops.tsv` adds plates that the published labels leave out.
The held-out tenth (`propose.held_out`) is never in it.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import cv2
import numpy as np

from .. import camera
from ..labels import bad_boxes, table
from ..plates import COUNTRIES
from ..plates.fonts import data_root
from .propose import LABELS, box_corners, held_out
from .render import NOTHING, READABLE, UNREADABLE

PAD_X, PAD_Y = 32, 24
W, H = camera.CROP_WIDTH, camera.CROP_HEIGHT
FRAME = (W + 2 * PAD_X, H + 2 * PAD_Y)


def frame_of(picture: np.ndarray, corners) -> np.ndarray:
    """A plate of a real picture (RGB) with wide context; big plates are averaged down."""
    corners = np.float32(corners)
    matrix = np.float32([[1, 0, PAD_X - camera.PAD_X], [0, 1, PAD_Y - camera.PAD_Y], [0, 0, 1]]) @ camera.crop_matrix(corners)
    scale = W / max(1.0, np.linalg.norm(corners[1] - corners[0]))
    if scale < 0.75:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    return cv2.warpPerspective(picture, matrix, FRAME, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class RealCrops:
    """The crops and their labels."""

    def __init__(self, folder: Path):
        self.frames = np.load(folder / "frames.npy", mmap_mode="r")
        with np.load(folder / "labels.npz") as labels:
            self.labels = {key: labels[key] for key in labels.files}

    def __len__(self) -> int:
        return len(self.frames)

    def get(self, i: int):
        label = self.labels
        return self.frames[i], {"text": str(label["texts"][i]), "country": int(label["country"][i]), "lines": int(label["lines"][i]), "purpose": int(label["purpose"][i])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=Path, default=LABELS)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with open(arguments.labels, newline="") as file:
        rows = {(row["image"], int(row["box"])): row for row in csv.DictReader(file, delimiter="\t")}
    bad, extra = bad_boxes(), {}
    for row in table("extra_crops.tsv"):
        extra.setdefault(row["image"], []).append(([float(row[key]) for key in ("x0", "y0", "x1", "y1")], row))
    frames, texts, country, lines, purpose = [], [], [], [], []
    for line in (data_root() / "train.jsonl").read_text().splitlines():
        entry = json.loads(line)
        chosen = [(box, rows.get((entry["image"], i))) for i, box in enumerate(entry["boxes"]) if (entry["image"], i) not in bad] + extra.get(entry["image"], [])
        nothing = [box for i, box in enumerate(entry["boxes"]) if (entry["image"], i) in bad]
        chosen = [(box, row) for box, row in chosen if row and row["status"] in ("seen", "sure", "unreadable") and len(row["text"]) <= 12]
        if not (chosen or nothing) or held_out(entry["image"]):
            continue
        picture = np.ascontiguousarray(cv2.imread(str(data_root() / entry["image"]))[:, :, ::-1])
        for box, row in chosen:
            frames.append(frame_of(picture, box_corners(box)))
            texts.append(row["text"])
            country.append(COUNTRIES.index(row["country"]) if row["country"] in COUNTRIES else -1)
            ratio = (box[2] - box[0]) / (box[3] - box[1])
            lines.append(1 if ratio > 2.9 else -1)  # a narrower box may hold one line or two
            purpose.append(UNREADABLE if row["status"] == "unreadable" else READABLE)
        for box in nothing:
            frames.append(frame_of(picture, box_corners(box)))
            texts.append("")
            country.append(-1)
            lines.append(-1)
            purpose.append(NOTHING)
    np.save(arguments.folder / "frames.npy", np.stack(frames))
    np.savez(arguments.folder / "labels.npz", texts=np.array(texts), country=np.array(country), lines=np.array(lines), purpose=np.array(purpose))
    print(len(frames), "real crops in", arguments.folder)


if __name__ == "__main__":
    main()
