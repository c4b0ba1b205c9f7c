"""Which plates of a sample clip a detector finds, by width, lines and size of the input.

    python -m platewatch_training.detector.found MODEL roadside-day --step 6 --look 640x384 960x544 closer

Counted are plates a person can read, at least 40 px wide and nine tenths visible,
as `platewatch bench passages` counts them; found means an overlap of 0.3. `closer`
is the whole frame at 640 x 384 and the second look of the card (src/vision/closer.rs).
Only measured: no sample clip is trained on.
"""

from __future__ import annotations

import argparse
import json
import time

import cv2
import numpy as np

from ..plates.fonts import PROJECT
from .evaluate import Onnx, iou

FAIR_WIDTH, FAIR_VISIBLE, SAME_PLATE = 40, 0.9, 0.3  # as src/cli/bench_passages.rs
BANDS = (40, 50, 60, 80, 100, 150, 9999)
MARGIN, WIDEST = 0.17, 0.55  # as src/vision/closer.rs


def closer(detect, image: np.ndarray, below: float, least: float, size: tuple[int, int], most: int, threshold: float) -> tuple[list, int]:
    """Detections of both looks together, and how many cuts it took."""
    (wide, high), (height, width) = size, image.shape[:2]
    scale = min(384 / height, 640 / width)
    seen = detect(image, least, (384, 640))
    groups: list = []
    for d in seen:
        box = d[1:5]
        if (box[2] - box[0]) * scale >= below:
            continue
        grow = max(1.0, (box[2] - box[0]) / (WIDEST * wide), (box[3] - box[1]) / (WIDEST * high))
        for group in groups:
            both = np.r_[np.minimum(group[0][:2], box[:2]), np.maximum(group[0][2:], box[2:])]
            room = np.array([wide, high]) * group[1] * (1 - 2 * MARGIN)
            if (both[2:] - both[:2] <= room).all() and grow <= 1.3 * group[1]:
                group[0] = both
                break
        else:
            if len(groups) < most:
                groups.append([box, grow])
    close: list = []
    for box, grow in groups:
        w, h = min(width, round(wide * grow)), min(height, round(high * grow))
        x = int(np.clip((box[0] + box[2]) / 2 - w / 2, 0, width - w))
        y = int(np.clip((box[1] + box[3]) / 2 - h / 2, 0, height - h))
        for d in detect(np.ascontiguousarray(image[y : y + h, x : x + w]), threshold, (high, wide)):
            cut = (x > 0 and d[1] < 1) or (y > 0 and d[2] < 1) or (x + w < width and d[3] > w - 1) or (y + h < height and d[4] > h - 1)
            if not cut:
                close.append(np.r_[d[0], d[1:] + np.tile([x, y], 6)])
    kept: list = []
    for d in sorted(close, key=lambda d: -d[0]):
        if all(iou(d[1:5], k[1:5]) < SAME_PLATE for k in kept):
            kept.append(d)
    exact = len(kept)
    for d in seen:
        x, y = (d[1] + d[3]) / 2, (d[2] + d[4]) / 2
        if d[0] > threshold and not any(iou(d[1:5], k[1:5]) >= SAME_PLATE or (k[1] <= x <= k[3] and k[2] <= y <= k[4]) for k in kept[:exact]):
            kept.append(d)
    return kept, len(groups)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("clip", help="name in samples/")
    parser.add_argument("--step", type=int, default=6, help="every n-th frame")
    parser.add_argument("--look", nargs="+", default=["640x384", "closer"])
    parser.add_argument("--threshold", type=float, default=0.3)
    parser.add_argument("--below", type=float, default=40)
    parser.add_argument("--least", type=float, default=0.003)
    parser.add_argument("--cut", default="192x128")
    parser.add_argument("--most", type=int, default=12)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detect, folder = Onnx(options.model), PROJECT / "samples"
    size = lambda text: tuple(int(v) for v in text.split("x"))
    truth = json.loads((folder / f"{options.clip}.truth.json").read_text())
    by_frame: dict[int, list] = {}
    for v in truth["vehicles"]:
        for f in v["frames"]:
            by_frame.setdefault(f["frame"], []).append((v, f))
    video, number, frames = cv2.VideoCapture(str(folder / f"{options.clip}.mp4")), 0, 0
    rows: dict[str, list] = {look: [] for look in options.look}
    cost, false, cuts = dict.fromkeys(options.look, 0.0), dict.fromkeys(options.look, 0), 0
    while video.grab():
        if number % options.step == 0:
            image, here = video.retrieve()[1], by_frame.get(number, [])
            frames += 1
            for look in options.look:
                start = time.process_time()
                if look == "closer":
                    found, n = closer(detect, image, options.below, options.least, size(options.cut), options.most, options.threshold)
                    cuts += n
                else:
                    found = detect(image, options.threshold, size(look)[::-1])
                cost[look] += time.process_time() - start
                boxes = [(v, f, np.float32(f["corners"])) for v, f in here]
                false[look] += sum(all(iou(d[1:5], (*q.min(0), *q.max(0))) < 0.1 for *_, q in boxes) for d in found)
                for v, f, q in boxes:
                    if v["readable"] and f["width_px"] >= FAIR_WIDTH and f["visible"] >= FAIR_VISIBLE:
                        own = [d for d in found if iou(d[1:5], (*q.min(0), *q.max(0))) >= SAME_PLATE]
                        error = np.linalg.norm(own[0][5:].reshape(4, 2) - q, axis=1).mean() / np.linalg.norm(q[3] - q[0]) if own else None
                        rows[look].append((f["width_px"], v["lines"], bool(own), error))
        number += 1
    for look, all_rows in rows.items():
        share = lambda part: [len(part), round(float(np.mean([r[2] for r in part])), 3)] if part else [0, None]
        errors = [r[3] for r in all_rows if r[3] is not None]
        out = {"clip": options.clip, "look": look, "plates_found": share(all_rows), "corner_error": round(float(np.median(errors or [0])), 3),
               "ms": round(1000 * cost[look] / max(1, frames), 1), "false_a_frame": round(false[look] / max(1, frames), 3)}
        if look == "closer":
            out["cuts_a_frame"] = round(cuts / max(1, frames), 2)
        for lines in (1, 2):
            for low, high in zip(BANDS, BANDS[1:]):
                part = [r for r in all_rows if r[1] == lines and low <= r[0] < high]
                if part:
                    out[f"{lines} lines {low}-{high} px"] = share(part)
        print(json.dumps(out), flush=True)


if __name__ == "__main__":
    main()
