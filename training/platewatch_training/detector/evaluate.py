"""Measure a detector: recall and precision, by set, width and light.

    python -m platewatch_training.detector.evaluate models/detector.onnx --set val
    python -m platewatch_training.detector.evaluate RUN/last.pt --set val --sheet wrong.png
    python -m platewatch_training.detector.evaluate models/detector.onnx --clip car-park-no-plates.mp4

A detection is right when its box overlaps a labelled box by IoU 0.5, each label
once. Frames are fitted as the program fits them (src/vision/letterbox.rs).
Every figure is given twice: raw, and (`ignoring`) with the real plates that
labels/val_unlabelled.tsv says the labels leave out counted neither way.
`--set eval` is for reports only; models are chosen by `val`.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np

from ..plates.fonts import PROJECT, data_root

AREA, ASPECT = (640, 384), 640 / 384
STEP, STRIDE, PAD = 32, 8, 114
BANDS = ((0, 20), (20, 30), (30, 45), (45, 60), (60, 100), (100, 9999))  # plate width in input px
UNLABELLED = PROJECT / "training/labels/val_unlabelled.tsv"


def input_size(width: int, height: int) -> tuple[int, int]:
    """Height and width of the input for a frame, as `Fit::choose` of the program."""
    if abs(width / height - ASPECT) < 0.15:
        return AREA[1], AREA[0]
    up = lambda px: max(1, math.ceil(px / STEP - 0.01)) * STEP
    area = AREA[0] * AREA[1]
    wide = min(max(math.sqrt(area * width / height), STEP), area / STEP)
    return up(area / wide - STEP / 2), up(wide - STEP / 2)


def letterbox(image: np.ndarray, size=None) -> tuple[np.ndarray, tuple[float, float]]:
    """The picture scaled into the top-left of a padded frame, and the scales of x and y."""
    h, w = image.shape[:2]
    high, wide = size or input_size(w, h)
    scale = min(high / h, wide / w)
    fit_w, fit_h = max(1, min(wide, round(w * scale))), max(1, min(high, round(h * scale)))
    out = np.full((high, wide, 3), PAD, np.uint8)
    out[:fit_h, :fit_w] = cv2.resize(image, (fit_w, fit_h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return out, (fit_w / w, fit_h / h)


def iou(a, b) -> float:
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


SAME_PLATE = 0.7  # cells that overlap the surest by this much are averaged, as the program does


def ious(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    w = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    h = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    inner = np.maximum(w, 0) * np.maximum(h, 0)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return inner / np.maximum(1e-6, area(box) + area(boxes) - inner)


def decode(score: np.ndarray, ltrb: np.ndarray, corners: np.ndarray, scale, threshold: float, nms: float = 0.3) -> list[np.ndarray]:
    """Rows of score, x0 y0 x1 y1 and eight corner coordinates, in picture px."""
    js, is_ = np.nonzero(score > threshold)
    order = np.argsort(-score[js, is_])
    js, is_ = js[order], is_[order]
    s, at = score[js, is_], np.stack([(is_ + 0.5) * STRIDE, (js + 0.5) * STRIDE], 1)
    d = ltrb[:, js, is_].T
    rows = np.hstack([at - d[:, :2], at + d[:, 2:], corners[:, js, is_].T + np.tile(at, 4)])
    alive, keep = np.ones(len(s), bool), []
    for k in range(len(s)):
        if alive[k]:
            near = ious(rows[k], rows)
            same = alive & (near >= SAME_PLATE)
            same[k] = True
            weight = s[same] ** 2
            keep.append(np.r_[s[k], (weight[:, None] * rows[same]).sum(0) / weight.sum() / np.tile(scale, 6)])
            alive &= near < nms
    return keep


class Onnx:
    """A detector as the program runs it: one thread. `.pt` checkpoints work as well."""

    def __init__(self, path):
        if str(path).endswith(".pt"):
            import torch

            from .network import load, shippable

            net = shippable(load(path)).to(memory_format=torch.channels_last)

            def run(x):
                with torch.inference_mode():
                    return [o.numpy() for o in net(torch.from_numpy(x).contiguous(memory_format=torch.channels_last))]

            self.run = run
        else:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(str(path), options)
            self.run = lambda x: session.run(["score", "ltrb", "corners"], {"image": x})

    def __call__(self, image: np.ndarray, threshold: float, size=None) -> list[np.ndarray]:
        padded, scale = letterbox(image, size)
        score, ltrb, corners = self.run(np.ascontiguousarray(padded.transpose(2, 0, 1))[None].astype(np.float32))
        return decode(score[0, 0], ltrb[0], corners[0], scale, threshold)


def load(name: str) -> list[dict]:
    """The pictures of an index that carry boxes."""
    rows = [json.loads(line) for line in open(data_root() / f"{name}.jsonl")]
    for row in rows:
        if "boxes" not in row:
            row["boxes"] = [p["box"] for p in row.get("plates", []) if p.get("box")]
    return [row for row in rows if row["boxes"]]


def unlabelled() -> dict[str, list[list[float]]]:
    out: dict[str, list[list[float]]] = {}
    for line in UNLABELLED.read_text().splitlines()[1:] if UNLABELLED.exists() else []:
        image, *box = line.split("\t")[:5]
        out.setdefault(image, []).append([float(v) for v in box])
    return out


def collect(detect, rows: list[dict], low: float = 0.08) -> dict[str, dict]:
    """Run once at a low threshold; per source: scored matches and the labels."""
    found: dict[str, dict] = {}
    others = unlabelled()
    for row in rows:
        image = cv2.imread(str(data_root() / row["image"]))
        h, w = image.shape[:2]
        size = input_size(w, h)
        scale = min(size[0] / h, size[1] / w)
        entry = found.setdefault(row.get("source") or row.get("country"), {"hits": [], "labels": [], "pictures": 0, "corner": []})
        entry["pictures"] += 1
        first = len(entry["labels"])
        # width in input px, brightness of the frame, score of the match, picture, box
        entry["labels"] += [[(b[2] - b[0]) * scale, float(image[::8, ::8].mean()), 0.0, row["image"], b] for b in row["boxes"]]
        used: set[int] = set()
        for d in detect(image, low):
            overlaps = [iou(d[1:5], b) for b in row["boxes"]]
            best = int(np.argmax(overlaps))
            right = overlaps[best] >= 0.5 and best not in used
            if right:
                used.add(best)
                entry["labels"][first + best][2] = float(d[0])
                q = d[5:].reshape(4, 2)
                entry["corner"].append(iou((*q.min(0), *q.max(0)), row["boxes"][best]))
            spare = not right and any(iou(d[1:5], b) >= 0.3 for b in others.get(row["image"], []))
            entry["hits"].append((float(d[0]), right, row["image"], [float(v) for v in d[1:5]], spare))
    return found


def curve(hits: list, labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds (falling), recall and precision."""
    hits = sorted(hits, key=lambda h: -h[0])
    right = np.cumsum([h[1] for h in hits])
    return np.array([h[0] for h in hits]), right / max(1, labels), right / np.arange(1, len(hits) + 1)


def at_precision(hits: list, labels: int) -> dict:
    t, recall, precision = curve(hits, labels)
    out = {}
    for wanted in (0.95, 0.90):
        good = np.nonzero(precision >= wanted)[0]
        k = good[-1] if len(good) else None
        out[f"recall@p{wanted:.2f}"] = round(float(recall[k]), 4) if k is not None else 0.0
        out[f"threshold@p{wanted:.2f}"] = round(float(t[k]), 3) if k is not None else 1.0
    best = np.maximum.accumulate(precision[::-1])[::-1]
    out["ap"] = round(float(np.sum(np.diff(np.r_[0, recall]) * best)), 4)
    return out


def summary(entry: dict, thresholds) -> dict:
    count = len(entry["labels"])
    known = [h for h in entry["hits"] if not h[4]]
    out = {"labels": count, "pictures": entry["pictures"], "raw": at_precision(entry["hits"], count), "ignoring": at_precision(known, count)}
    for threshold in thresholds:
        n, raw = [h for h in known if h[0] > threshold], sum(h[0] > threshold for h in entry["hits"])
        hit = sum(h[1] for h in n)
        out[f"@{threshold}"] = {"recall": round(hit / count, 4), "precision": round(hit / max(1, len(n)), 4), "raw_precision": round(hit / max(1, raw), 4)}
    out["corner_box_iou"] = round(float(np.mean(entry["corner"] or [0])), 4)
    return out


def bands(entries: list[dict], threshold: float) -> dict:
    labels = [v for e in entries for v in e["labels"]]
    share = lambda part: {"plates": len(part), "recall": round(sum(v[2] > threshold for v in part) / max(1, len(part)), 3)}
    return {**{f"{a}-{b} px" if b < 9999 else f"{a}+ px": share([v for v in labels if a <= v[0] < b]) for a, b in BANDS},
            "dark": share([v for v in labels if v[1] < 60]), "light": share([v for v in labels if v[1] >= 60])}


def tile(image: np.ndarray, box, label: str, others=(), size=(190, 140)) -> np.ndarray:
    """Surroundings of a box, four plates wide."""
    k = size[0] / (max(box[2] - box[0], 14) * 3.2)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    m = np.float32([[k, 0, size[0] / 2 - x * k], [0, k, size[1] / 2 - y * k]])
    out = cv2.warpAffine(image, m, size)
    for b, colour in [(box, (0, 0, 255)), *((o, (0, 255, 0)) for o in others)]:
        p, q = (m @ [b[0], b[1], 1]).astype(int), (m @ [b[2], b[3], 1]).astype(int)
        cv2.rectangle(out, tuple(int(v) for v in p), tuple(int(v) for v in q), colour, 1)
    cv2.putText(out, label, (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 255, 255), 1)
    return out


def sheet(found: dict[str, dict], threshold: float, path: str, columns: int = 7) -> None:
    """Missed labels first (green), then false detections (red), worst first."""
    tiles = []
    for entry in found.values():
        boxes: dict[str, list] = {}
        for v in entry["labels"]:
            boxes.setdefault(v[3], []).append(v[4])
        for _, _, score, name, b in sorted((v for v in entry["labels"] if v[2] <= threshold), key=lambda v: v[2]):
            near = [h[3] for h in entry["hits"] if h[2] == name and h[0] > threshold and not h[1]]
            image = cv2.imread(str(data_root() / name))
            tiles.append(tile(image, b, f"MISS {score:.2f} {Path(name).stem}", near))
        for h in sorted((h for h in entry["hits"] if h[0] > threshold and not h[1]), reverse=True):
            tiles.append(tile(cv2.imread(str(data_root() / h[2])), h[3], f"{'known ' if h[4] else 'FALSE '}{h[0]:.2f} {Path(h[2]).stem}", boxes[h[2]]))
    while not tiles or len(tiles) % columns:
        tiles.append(np.zeros((140, 190, 3), np.uint8))
    cv2.imwrite(path, np.vstack([np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]))


def false_alarms(detect, clip: Path, step: int, thresholds) -> dict:
    """Detections on a clip in which no plate can be read, per 1,000 frames."""
    video, number, frames, scores = cv2.VideoCapture(str(clip)), 0, 0, []
    while video.grab():
        if number % step == 0:
            frames += 1
            scores += [float(d[0]) for d in detect(video.retrieve()[1], min(thresholds))]
        number += 1
    return {"frames": frames, **{str(t): round(1000 * sum(s > t for s in scores) / max(1, frames), 1) for t in thresholds}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--set", choices=("val", "eval"))
    parser.add_argument("--clip", nargs="*", default=[])
    parser.add_argument("--step", type=int, default=10, help="every n-th frame of clips")
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.2, 0.3, 0.4, 0.5, 0.6])
    parser.add_argument("--sheet", help="write what went wrong at the middle threshold")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detect = Onnx(options.model)
    middle = options.thresholds[len(options.thresholds) // 2]
    if options.set:
        found = collect(detect, load(options.set))
        for name, entry in found.items():
            print(json.dumps({"set": options.set, "source": name, **summary(entry, options.thresholds)}))
        print(json.dumps({"threshold": middle, **bands(list(found.values()), middle)}))
        if options.sheet:
            sheet(found, middle, options.sheet)
    for name in options.clip:
        print(json.dumps({"clip": name, **false_alarms(detect, data_root() / "clips" / name, options.step, options.thresholds)}))


if __name__ == "__main__":
    main()
