"""Measure a detector as it is shipped: ONNX file in, recall and precision out.

    python -m platewatch_training.detector.evaluate models/detector.onnx --set val
    python -m platewatch_training.detector.evaluate models/detector.onnx --clip car-park-no-plates.mp4

A detection is right when its box overlaps a labelled box by IoU 0.5, each label
once. `--set eval` is for reports only; models are chosen by `val`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from ..plates.fonts import data_root

SIZE = (384, 640)
STRIDE = 8
PAD = 114


def letterbox(image: np.ndarray, size=SIZE) -> tuple[np.ndarray, float]:
    """The picture scaled into the top-left of a padded frame, and the scale."""
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    out = np.full((size[0], size[1], 3), PAD, np.uint8)
    out[: small.shape[0], : small.shape[1]] = small[: size[0], : size[1]]
    return out, scale


def iou(a, b) -> float:
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def decode(score: np.ndarray, ltrb: np.ndarray, corners: np.ndarray, scale: float, threshold: float, nms: float = 0.3) -> list[np.ndarray]:
    """Rows of score, x0 y0 x1 y1 and eight corner coordinates, in picture px."""
    js, is_ = np.nonzero(score > threshold)
    order = np.argsort(-score[js, is_])
    keep: list[np.ndarray] = []
    for k in order:
        j, i = js[k], is_[k]
        x, y = (i + 0.5) * STRIDE, (j + 0.5) * STRIDE
        left, top, right, bottom = ltrb[:, j, i]
        box = (x - left, y - top, x + right, y + bottom)
        if all(iou(box, other[1:5]) < nms for other in keep):
            keep.append(np.r_[score[j, i], box, corners[:, j, i] + np.tile((x, y), 4)])
    return [np.r_[row[0], row[1:] / scale] for row in keep]


class Onnx:
    """A detector file as the program runs it: one thread."""

    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options)

    def __call__(self, image: np.ndarray, threshold: float, size=SIZE) -> list[np.ndarray]:
        padded, scale = letterbox(image, size)
        score, ltrb, corners = self.session.run(["score", "ltrb", "corners"], {"image": padded.transpose(2, 0, 1)[None].astype(np.float32)})
        return decode(score[0, 0], ltrb[0], corners[0], scale, threshold)


def load(name: str) -> list[dict]:
    """The pictures of an index that carry boxes."""
    rows = [json.loads(line) for line in open(data_root() / f"{name}.jsonl")]
    for row in rows:
        if "boxes" not in row:
            row["boxes"] = [[p["x0"], p["y0"], p["x1"], p["y1"]] if "x0" in p else p.get("box") for p in row.get("plates", [])]
        row["boxes"] = [b for b in row["boxes"] if b]
    return [row for row in rows if row["boxes"]]


def collect(detect, rows: list[dict], low: float = 0.05) -> dict[str, dict]:
    """Run once at a low threshold; per source: scored matches and number of labels."""
    found: dict[str, dict] = {}
    for row in rows:
        image = cv2.imread(str(data_root() / row["image"]))
        entry = found.setdefault(row.get("source") or row.get("country"), {"hits": [], "labels": 0, "pictures": 0, "corner": []})
        entry["labels"] += len(row["boxes"])
        entry["pictures"] += 1
        used: set[int] = set()
        for d in detect(image, low):
            overlaps = [iou(d[1:5], b) for b in row["boxes"]]
            best = int(np.argmax(overlaps))
            right = overlaps[best] >= 0.5 and best not in used
            if right:
                used.add(best)
                q = d[5:].reshape(4, 2)
                entry["corner"].append(iou((*q.min(0), *q.max(0)), row["boxes"][best]))
            entry["hits"].append((float(d[0]), right, row["image"], [float(v) for v in d[1:5]]))
    return found


def curve(entry: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds (falling), recall and precision."""
    hits = sorted(entry["hits"], key=lambda h: -h[0])
    right = np.cumsum([h[1] for h in hits])
    return np.array([h[0] for h in hits]), right / max(1, entry["labels"]), right / np.arange(1, len(hits) + 1)


def summary(entry: dict) -> dict:
    """Recall at precision 0.95 and 0.90, at fixed thresholds, and average precision."""
    t, recall, precision = curve(entry)
    out = {"labels": entry["labels"], "pictures": entry["pictures"]}
    for wanted in (0.95, 0.90):
        good = np.nonzero(precision >= wanted)[0]
        k = good[-1] if len(good) else None
        out[f"recall@p{wanted:.2f}"] = round(float(recall[k]), 4) if k is not None else 0.0
        out[f"threshold@p{wanted:.2f}"] = round(float(t[k]), 3) if k is not None else 1.0
    for threshold in (0.3, 0.5, 0.6, 0.7):
        n = int(np.sum(t > threshold))
        out[f"r/p@{threshold}"] = [round(float(recall[n - 1]), 4), round(float(precision[n - 1]), 4)] if n else [0, 1]
    best = np.maximum.accumulate(precision[::-1])[::-1]
    out["ap"] = round(float(np.sum(np.diff(np.r_[0, recall]) * best)), 4)
    out["corner_box_iou"] = round(float(np.mean(entry["corner"] or [0])), 4)
    return out


def false_alarms(detect, clip: Path, step: int, thresholds=(0.3, 0.5, 0.6, 0.7)) -> dict:
    """Detections on a clip in which no plate can be read, per 1,000 frames."""
    video, number, frames, scores = cv2.VideoCapture(str(clip)), 0, 0, []
    while True:
        ok, image = video.read()
        if not ok:
            break
        if number % step == 0:
            frames += 1
            scores += [float(d[0]) for d in detect(image, min(thresholds))]
        number += 1
    return {"frames": frames, **{str(t): round(1000 * sum(s > t for s in scores) / max(1, frames), 1) for t in thresholds}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--set", choices=("val", "eval"))
    parser.add_argument("--clip", nargs="*", default=[])
    parser.add_argument("--step", type=int, default=10, help="every n-th frame of clips")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detect = Onnx(options.model)
    if options.set:
        for name, entry in collect(detect, load(options.set)).items():
            print(json.dumps({"set": options.set, "source": name, **summary(entry)}))
    for name in options.clip:
        print(json.dumps({"clip": name, **false_alarms(detect, data_root() / "clips" / name, options.step)}))


if __name__ == "__main__":
    main()
