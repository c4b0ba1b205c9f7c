"""Find plates the training labels leave out, and lay them on contact sheets to look at.

    python -m platewatch_training.detector.mine DETECTOR.onnx --out /work/scratch/detector/mined

Writes `candidates.tsv` (number, image, box, score) and `sheet-NN.png`. After
looking, the numbers of true plates go to `training/labels/extra_boxes.tsv` with
`--accept 1,5,9-12`, doubtful ones as ignored regions with `--doubt ...`. What is
neither stays background: the best negatives there are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from ..plates.fonts import PROJECT, data_root
from .evaluate import Onnx, iou, load

LABELS = PROJECT / "training/labels/extra_boxes.tsv"


def numbers(text: str) -> set[int]:
    """`1,5,9-12` as a set."""
    out: set[int] = set()
    for part in filter(None, text.split(",")):
        a, _, b = part.partition("-")
        out |= set(range(int(a), int(b or a) + 1))
    return out


def near_label(box, labels) -> bool:
    """Whether a detection belongs to a labelled plate, however badly framed."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return any(iou(box, b) > 0.1 or (b[0] < x < b[2] and b[1] < y < b[3]) for b in labels)


def tile(image: np.ndarray, box, label: str, size=(150, 110)) -> np.ndarray:
    width = max(box[2] - box[0], 12) * 1.9
    k = size[0] / width
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    out = cv2.warpAffine(image, np.float32([[k, 0, size[0] / 2 - x * k], [0, k, size[1] / 2 - y * k]]), size)
    cv2.rectangle(out, (0, 0), (46, 14), (0, 0, 0), -1)
    cv2.putText(out, label, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 255, 255), 1)
    return out


def find(model: str, out: Path, threshold: float) -> None:
    detect, found = Onnx(model), []
    for row in load("train"):
        image = cv2.imread(str(data_root() / row["image"]))
        for d in detect(image, threshold):
            if not near_label(d[1:5], row["boxes"]):
                found.append((float(d[0]), row["image"], [round(float(v), 1) for v in d[1:5]]))
    found.sort(reverse=True)
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "candidates.tsv", "w") as sink:
        for n, (score, image, box) in enumerate(found):
            print(n, image, *box, f"{score:.3f}", sep="\t", file=sink)
    per, columns = 120, 12
    for start in range(0, len(found), per):
        tiles = [tile(cv2.imread(str(data_root() / i)), b, str(start + k)) for k, (_, i, b) in enumerate(found[start : start + per])]
        while len(tiles) % columns:
            tiles.append(np.zeros_like(tiles[0]))
        rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
        cv2.imwrite(str(out / f"sheet-{start // per:02d}.png"), np.vstack(rows))
    print(len(found), "candidates")


def accept(out: Path, true: set[int], doubt: set[int]) -> None:
    LABELS.parent.mkdir(parents=True, exist_ok=True)
    with open(LABELS, "w") as sink:
        print("image", "x0", "y0", "x1", "y1", "what", sep="\t", file=sink)
        for line in open(out / "candidates.tsv"):
            n, image, x0, y0, x1, y1, _ = line.rstrip("\n").split("\t")
            if int(n) in true | doubt:
                print(image, x0, y0, x1, y1, "plate" if int(n) in true else "ignore", sep="\t", file=sink)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--accept", default="")
    parser.add_argument("--doubt", default="")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.model:
        find(options.model, options.out, options.threshold)
    else:
        accept(options.out, numbers(options.accept), numbers(options.doubt))


if __name__ == "__main__":
    main()
