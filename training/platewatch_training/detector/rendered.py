"""Measure corners on rendered plates, where they are known exactly.

    python -m platewatch_training.detector.rendered STORE MODEL

Prints, for several ways of averaging the cells that saw a plate, how many are
found, how well boxes overlap, and the middle distance of corners as a share of
the plate's height. The samples are made with a seed that no training run used.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from . import evaluate
from .samples import Maker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--threshold", type=float, default=0.3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    maker, detect = Maker(options.store, 987654), evaluate.Onnx(options.model)
    samples = [maker.sample() for _ in range(options.samples)]
    for merge in (2.0, 0.85, 0.7):
        evaluate.SAME_PLATE = merge
        found, count, overlaps, errors = 0, 0, [], []
        for image, targets, _ in samples:
            rows = detect(image, options.threshold, image.shape[:2])
            for t in targets:
                if t.corners is None or t.box[2] - t.box[0] < 24:
                    continue
                count += 1
                best = max(rows, key=lambda r: evaluate.iou(r[1:5], t.box), default=None)
                if best is None or evaluate.iou(best[1:5], t.box) < 0.5:
                    continue
                found += 1
                overlaps.append(evaluate.iou(best[1:5], t.box))
                height = np.linalg.norm(t.corners[3] - t.corners[0])
                errors.append(np.linalg.norm(best[5:].reshape(4, 2) - t.corners, axis=1).mean() / height)
        print(json.dumps({"averaged_from": merge, "plates": count, "found": round(found / max(1, count), 4), "box_iou": round(float(np.mean(overlaps)), 4),
                          "corner_error": round(float(np.median(errors)), 4), "corner_error_p90": round(float(np.percentile(errors, 90)), 4)}))


if __name__ == "__main__":
    main()
