"""Everything samples are made of, decoded once: real pictures, rendered plates, bait.

    python -m platewatch_training.detector.store /work/scratch/detector/store

Writes flat files of bytes that every process maps, so that they are in memory
once. Boxes are not stored: they are read from the index and from
`training/labels/` when a run starts.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import plates
from ..plates.fonts import PROJECT, data_root
from . import bait
from .evaluate import iou

LABELS = PROJECT / "training/labels/mined_boxes.tsv"  # what `mine` adds to
EARLIER = PROJECT / "training/labels/extra_boxes.tsv"
BAD = PROJECT / "training/labels/bad_boxes.tsv"  # published boxes without a plate
BAIT = PROJECT / "training/labels/bait.tsv"
# How often each source is drawn. The night set is small and its own world; the
# openimages set was stretched to squares by its publisher, so it counts little.
WEIGHTS = {"open-lpr": 0.54, "robertlucian": 0.20, "kaggle433": 0.13, "spanish-roboflow": 0.05, "openimages350": 0.08}
# The boxes of some sets are drawn loosely (the Romanian plates, 520 x 110 mm, have
# boxes of ratio 3.6 instead of 4.7): width and height are taken back by this much,
# about four fifths of what they are too large.
TIGHTEN = {"open-lpr": (0.90, 0.84), "robertlucian": (0.935, 0.765), "kaggle433": (0.97, 0.92)}
TWO_LINE_SHARE = 0.4  # of the rendered plates
# ... and single-line ones of the proportions of America: hardly any real picture has them, so the network took plates
# whose edges are faint for as wide as European ones.
AMERICAN_SHARE = 0.2
PLATE_WIDTH = 300  # px: rendered plates are kept no wider


@dataclass
class Picture:
    name: str
    source: str
    levels: list[np.ndarray]  # full, half, quarter, eighth size
    boxes: np.ndarray  # n x 4
    ignored: np.ndarray  # n x 4
    bait: np.ndarray  # n x 4


def shrunk(image: np.ndarray, steps: int) -> list[np.ndarray]:
    levels = [np.ascontiguousarray(image)]
    for _ in range(steps):
        h, w = levels[-1].shape[:2]
        if min(h, w) < 4:
            break
        levels.append(cv2.resize(levels[-1], (w // 2, h // 2), interpolation=cv2.INTER_AREA))
    return levels


class Writer:
    """Arrays one after the other in one file, with an index beside it."""

    def __init__(self, folder: Path, name: str):
        self.data, self.index, self.at = open(folder / f"{name}.u8", "wb"), folder / f"{name}.json", 0
        self.rows: list[dict] = []

    def add(self, levels: list[np.ndarray], **about) -> None:
        parts = []
        for level in levels:
            self.data.write(np.ascontiguousarray(level).tobytes())
            parts.append([self.at, *level.shape])
            self.at += level.size
        self.rows.append({"levels": parts, **about})

    def close(self) -> None:
        self.data.close()
        self.index.write_text(json.dumps(self.rows))


def stored(folder: Path, name: str) -> list[tuple[list[np.ndarray], dict]]:
    data = np.memmap(folder / f"{name}.u8", np.uint8, "r")
    return [([data[at : at + h * w * c].reshape(h, w, c) for at, h, w, c in row["levels"]], row) for row in json.loads((folder / f"{name}.json").read_text())]


def index(name: str = "train") -> list[dict]:
    """The rows of an index."""
    return [json.loads(line) for line in open(data_root() / f"{name}.jsonl")]


def extra_labels() -> dict[str, tuple[list, list]]:
    """Plates and regions of doubt that were found later, by picture."""
    out: dict[str, tuple[list, list]] = {}
    for path in (EARLIER, LABELS):
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            image, *box, what = line.split("\t")[:6]
            out.setdefault(image, ([], []))[what == "ignore"].append([float(v) for v in box])
    return out


def fresh(found: list, known: list) -> list:
    """Boxes that are not another drawing of one already known."""
    out: list = []
    for box in found:
        if all(iou(box, other) < 0.4 for other in known + out):
            out.append(box)
    return out


def bait_boxes() -> list[tuple[str, list[float]]]:
    """What detectors took for plates in training pictures, looked at by eye (`mine`)."""
    rows = [line.split("\t") for line in BAIT.read_text().splitlines()[1:]] if BAIT.exists() else []
    return [(row[0], [float(v) for v in row[1:5]]) for row in rows]


def pictures(folder: Path) -> list[Picture]:
    """The real training pictures with all known boxes."""
    extra, rows, out = extra_labels(), {r["image"]: r for r in index()}, []
    bait: dict[str, list] = {}
    for name, box in bait_boxes():
        bait.setdefault(name, []).append(box)
    bad = {tuple(line.split("\t")[:2]) for line in BAD.read_text().splitlines()[1:]} if BAD.exists() else set()
    for levels, row in stored(folder, "pictures"):
        label = rows[row["name"]]
        found, doubtful = extra.get(row["name"], ([], []))
        array = lambda boxes: np.array(boxes, np.float32).reshape(-1, 4)
        sound = [b for k, b in enumerate(label["boxes"]) if (row["name"], str(k)) not in bad]
        found = fresh(found, sound)
        doubtful = fresh(doubtful, sound + found)
        boxes = array(sound + found)
        if label["source"] in TIGHTEN:
            slack = (boxes[:, 2:] - boxes[:, :2]) * (1 - np.float32(TIGHTEN[label["source"]])) / 2
            boxes = np.hstack([boxes[:, :2] + slack, boxes[:, 2:] - slack])
        out.append(Picture(row["name"], label["source"], levels, boxes, array(doubtful), array(bait.get(row["name"], []))))
    return out


def build(folder: Path, plate_count: int, bait_count: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    sink = Writer(folder, "pictures")
    for row in index():
        sink.add(shrunk(cv2.imread(str(data_root() / row["image"])), 3), name=row["image"])
    sink.close()
    print("pictures done", flush=True)
    sink = Writer(folder, "bait")
    for _ in range(bait_count):
        image = bait.draw(rng)
        if min(image.shape[:2]) >= 8:
            sink.add(shrunk(image, 3))
    sink.close()
    print("bait done", flush=True)
    sink = Writer(folder, "plates")
    for k in range(plate_count):
        draw = rng.random()
        if draw < TWO_LINE_SHARE:
            plate = plates.render_two_line(rng)
        else:
            plate = plates.render_plate(rng, rng.choice(["US", "US", "BR"]) if draw > 1 - AMERICAN_SHARE else None)
        image = np.clip(plate.image, 0, 255).astype(np.uint8)[..., ::-1]
        scale = min(1.0, PLATE_WIDTH / image.shape[1])
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grow = np.array([image.shape[1], image.shape[0]]) / np.array([plate.image.shape[1], plate.image.shape[0]])
        sink.add(shrunk(image, 4), quad=(plate.quad * grow).tolist(), lines=plate.lines)
        if k % 500 == 0:
            print(k, "plates", flush=True)
    sink.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plates", type=int, default=5000)
    parser.add_argument("--bait", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    build(options.folder, options.plates, options.bait, options.seed)


if __name__ == "__main__":
    main()
