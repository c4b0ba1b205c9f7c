"""Our own corrections of the published labels, read in one place (`training/labels/`)."""

from __future__ import annotations

import csv
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "labels"


def table(name: str) -> list[dict[str, str]]:
    """Rows of a tab-separated file of the folder; none where it is missing."""
    path = FOLDER / name
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def bad_boxes() -> set[tuple[str, int]]:
    """(picture, number of the box) of published boxes in which no plate stands."""
    return {(row["image"], int(row["box"])) for row in table("bad_boxes.tsv")}


def unlabelled() -> dict[str, list[list[float]]]:
    """Per picture: plates that the published labels leave out, and regions of doubt (x0 y0 x1 y1)."""
    out: dict[str, list[list[float]]] = {}
    for row in table("extra_boxes.tsv") + table("mined_boxes.tsv"):
        out.setdefault(row["image"], []).append([float(row[key]) for key in ("x0", "y0", "x1", "y1")])
    return out
