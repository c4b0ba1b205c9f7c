"""Find what training labels leave out or a detector mistakes, and lay it on contact sheets to look at.

    python -m platewatch_training.detector.mine DETECTOR --out /work/scratch/detector/mined

Writes `candidates.tsv` (number, image, box, score) and `sheet-NN.png`: sure
detections that match no known box. After looking, with the numbers of true
plates, of doubtful ones, and of what was not looked at:

    python -m platewatch_training.detector.mine --out ... --accept 1,5,9-12 --doubt 7 --skip 900-999

adds plates and regions of doubt to `labels/mined_boxes.tsv`; all others looked
at are lettering, lamps and the like, and go to `labels/bait.tsv`: the best
negatives there are, from which training cuts and pastes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from ..plates.fonts import data_root
from . import store
from .evaluate import Onnx, iou


def numbers(text: str) -> set[int]:
    """`1,5,9-12` as a set."""
    out: set[int] = set()
    for part in filter(None, text.replace(" ", "").split(",")):
        a, _, b = part.partition("-")
        out |= set(range(int(a), int(b or a) + 1))
    return out


def near_label(box, labels) -> bool:
    """Whether a detection belongs to a known box, however badly framed."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return any(iou(box, b) > 0.1 or (b[0] < x < b[2] and b[1] < y < b[3]) for b in labels)


def tile(image: np.ndarray, box, label: str, size=(126, 92)) -> np.ndarray:
    k = size[0] / (max(box[2] - box[0], 12) * 2.2)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    out = cv2.warpAffine(image, np.float32([[k, 0, size[0] / 2 - x * k], [0, k, size[1] / 2 - y * k]]), size)
    if out.mean() < 60:  # night: make it visible
        out = cv2.convertScaleAbs(out, alpha=1.8, beta=15)
    cv2.rectangle(out, (0, 0), (34, 12), (0, 0, 0), -1)
    cv2.putText(out, label, (1, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 255, 255), 1)
    return out


def find(model: str, out: Path, threshold: float, only: list[str]) -> None:
    detect, found, extra = Onnx(model), [], store.extra_labels()
    bait: dict[str, list] = {}
    for image, box in store.bait_boxes():
        bait.setdefault(image, []).append(box)
    for row in store.index():
        if only and row["source"] not in only:
            continue
        image = cv2.imread(str(data_root() / row["image"]))
        known = row["boxes"] + sum(extra.get(row["image"], ([], [])), []) + bait.get(row["image"], [])
        for d in detect(image, threshold):
            if not near_label(d[1:5], known):
                found.append((float(d[0]), row["image"], [round(float(v), 1) for v in d[1:5]]))
    found.sort(reverse=True)
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "candidates.tsv", "w") as sink:
        for n, (score, image, box) in enumerate(found):
            print(n, image, *box, f"{score:.3f}", sep="\t", file=sink)
    columns, per = 12, 156
    for start in range(0, len(found), per):
        tiles = [tile(cv2.imread(str(data_root() / i)), b, str(start + k)) for k, (_, i, b) in enumerate(found[start : start + per])]
        while len(tiles) % columns:
            tiles.append(np.zeros_like(tiles[0]))
        cv2.imwrite(str(out / f"sheet-{start // per:02d}.png"), np.vstack([np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]))
    print(len(found), "candidates")


def accept(out: Path, true: set[int], doubt: set[int], skip: set[int]) -> None:
    known = len(store.BAIT.read_text()) if store.BAIT.exists() else 0
    if not store.LABELS.exists():
        store.LABELS.write_text("image\tx0\ty0\tx1\ty1\twhat\n")
    with open(store.LABELS, "a") as sink, open(store.BAIT, "a") as other:
        if not known:
            print("image", "x0", "y0", "x1", "y1", sep="\t", file=other)
        for line in open(out / "candidates.tsv"):
            n, image, *box, _ = line.rstrip("\n").split("\t")
            if int(n) in true | doubt:
                print(image, *box, "plate" if int(n) in true else "ignore", sep="\t", file=sink)
            elif int(n) not in skip:
                print(image, *box, sep="\t", file=other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--source", nargs="*", default=[])
    parser.add_argument("--accept", default="")
    parser.add_argument("--doubt", default="")
    parser.add_argument("--skip", default="")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.model:
        find(options.model, options.out, options.threshold, options.source)
    else:
        accept(options.out, numbers(options.accept), numbers(options.doubt), numbers(options.skip))


if __name__ == "__main__":
    main()
