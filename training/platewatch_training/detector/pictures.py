"""The real training pictures: loaded once, shrunk in steps, with all known boxes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import cv2
import numpy as np

from ..plates.fonts import data_root
from .mine import LABELS

# How often each source is drawn. The night set is small and its own world; the
# openimages set was stretched to squares by its publisher, so it counts little.
WEIGHTS = {"open-lpr": 0.50, "robertlucian": 0.24, "kaggle433": 0.12, "spanish-roboflow": 0.05, "openimages350": 0.09}


@dataclass
class Picture:
    source: str
    levels: list[np.ndarray]  # full, half, quarter size
    boxes: np.ndarray  # n x 4
    ignored: list[list[float]] = field(default_factory=list)


def extra_labels() -> dict[str, tuple[list, list]]:
    """Plates and doubtful regions found by `mine`, by picture."""
    out: dict[str, tuple[list, list]] = {}
    if LABELS.exists():
        for line in LABELS.read_text().splitlines()[1:]:
            image, *box, what = line.split("\t")
            out.setdefault(image, ([], []))[what == "ignore"].append([float(v) for v in box])
    return out


def index() -> list[dict]:
    """The rows of the training index."""
    return [json.loads(line) for line in open(data_root() / "train.jsonl")]


def load_all(rows: list[dict] | None = None) -> list[Picture]:
    extra = extra_labels()
    out = []
    for row in index() if rows is None else rows:
        image = cv2.imread(str(data_root() / row["image"]))
        plates, doubtful = extra.get(row["image"], ([], []))
        levels = [image]
        for _ in range(2):
            levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        boxes = np.array(row["boxes"] + plates, np.float32).reshape(-1, 4)
        out.append(Picture(row["source"], levels, boxes, doubtful))
    return out
