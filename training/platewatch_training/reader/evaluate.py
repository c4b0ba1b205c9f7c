"""Measure readers on rendered validation plates and on the evaluation pictures:

    python -m platewatch_training.reader.evaluate reader.onnx --val VAL_FOLDER --detector detector.onnx [--errors FOLDER] [--json OUT]

`us` and `br` are cut by their true boxes, `es` and `hr` (text only) by the best
box of a detector.  "Folded" takes O and Q for 0 and I for 1.  Evaluation
pictures are for measuring only: nothing is trained on or chosen by them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from ..plates import COUNTRIES
from ..plates.fonts import data_root
from ..plates.sheet import sheet, tile
from .data import PX, PY, Shards, W, H, plain_crops
from .propose import box_corners, collapse, frame_of, session, slots_text

FOLD = str.maketrans("OQI", "001")


def detect(detector, picture: np.ndarray, threshold: float = 0.3) -> np.ndarray | None:
    """Corners of the most likely plate, by the baseline detector (BGR 384 x 640 letterbox, stride 8)."""
    scale = min(384 / picture.shape[0], 640 / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((384, 640, 3), 114, np.float32)
    canvas[: small.shape[0], : small.shape[1]] = small
    score, ltrb, corners = detector.run(["score", "ltrb", "corners"], {"image": canvas.transpose(2, 0, 1)[None].copy()})
    j, i = np.unravel_index(score[0, 0].argmax(), score[0, 0].shape)
    if score[0, 0, j, i] < threshold:
        return None
    x, y = (i + 0.5) * 8, (j + 0.5) * 8
    return ((corners[0, :, j, i].reshape(4, 2) + [x, y]) / scale).astype(np.float32)


class Reader:
    """Either kind of reader: rows (CTC) or the baseline's slots."""

    def __init__(self, path: Path):
        self.session = session(path)
        self.input = self.session.get_inputs()[0].name
        self.ctc = len(self.session.get_outputs()) > 1

    def read(self, crops: np.ndarray) -> list[tuple[str, float, str, float]]:
        """(text, confidence, country, readable) of N x 3 x 64 x 160 crops."""
        out = self.session.run(None, {self.input: crops})
        if not self.ctc:
            return [(*slots_text(row), "", 1.0) for row in out[0]]
        reads = [collapse(row) for row in out[0]]
        return [(text, sure, COUNTRIES[int(out[1][i].argmax())], float(out[3][i, 0])) for i, (text, _, sure) in enumerate(reads)]


def evaluation_crops(detector_path: Path | None) -> dict[str, list]:
    """Per set: (frame, text, country, width in px, image)."""
    detector = session(detector_path) if detector_path else None
    sets: dict[str, list] = {}
    for line in (data_root() / "eval.jsonl").read_text().splitlines():
        entry = json.loads(line)
        picture = cv2.imread(str(data_root() / entry["image"]))
        for plate in entry["plates"]:
            if plate["box"]:
                corners = box_corners(plate["box"])
            else:
                corners = detect(detector, picture) if detector else None
            frame = None if corners is None else frame_of(np.ascontiguousarray(picture[:, :, ::-1]), corners)
            width = 0 if corners is None else float(np.linalg.norm(corners[1] - corners[0]))
            sets.setdefault(entry["country"].lower(), []).append((frame, plate["text"], entry["country"], width, entry["image"]))
    return sets


def crop(frame: np.ndarray) -> np.ndarray:
    return plain_crops(frame[None]).numpy()[0]


def calibration(rows: list[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error of plate confidences."""
    rows = np.array(rows, float)
    index = np.minimum((rows[:, 0] * bins).astype(int), bins - 1)
    return float(sum(abs(rows[index == b, 0].mean() - rows[index == b, 1].mean()) * (index == b).mean() for b in range(bins) if (index == b).any()))


def measure(reader: Reader, items: list, errors: Path | None = None) -> dict:
    strict = folded = country = 0
    confidences, wrong = [], []
    for frame, text, where, width, image in items:
        if frame is None:
            continue
        got, sure, guess, readable = reader.read(crop(frame)[None])[0]
        text = "".join(c for c in text.upper() if c.isalnum())
        strict += got == text
        right = got.translate(FOLD) == text.translate(FOLD)
        folded += right
        country += right and guess == where
        confidences.append((sure, right))
        if not right:
            wrong.append(tile(cv2.resize(frame[PY - 4 : PY + H + 4, PX - 4 : PX + W + 4], (200, 100)), f"{text} > {got} {readable:.1f} {guess}", (200, 116)))
    if errors is not None and wrong:
        errors.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(errors), sheet(wrong, 8)[:, :, ::-1])
    n = len(items)
    return {"plates": n, "strict": round(strict / n, 4), "folded": round(folded / n, 4), "country": round(country / max(1, folded), 4),
            "calibration_error": round(calibration(confidences), 4)}


def measure_rendered(reader: Reader, folder: Path, count: int = 4000) -> dict:
    """Rendered validation plates, by width and for Belgium."""
    shards = Shards(folder)
    labels, groups, confidences = shards.labels[0], {}, []
    junk = [0, 0]
    for i in range(0, min(count, len(shards)), 50):
        crops = plain_crops(shards.pictures[0][i : i + 50]).numpy()
        for j, (got, sure, guess, readable) in enumerate(reader.read(crops)):
            k = i + j
            if labels["purpose"][k] != 1:
                junk[0] += readable < 0.5
                junk[1] += 1
                continue
            right, width = got == str(labels["texts"][k]), labels["native"][k]
            where = COUNTRIES[labels["country"][k]]
            confidences.append((sure, right))
            names = ["all", "under 60 px" if width < 60 else "60 to 100 px" if width < 100 else "over 100 px", f"{labels['lines'][k]}-line"]
            for name in names + ([where] if where in ("BE", "NL", "FR", "DE", "LU", "GB", "US", "BR") else []):
                group = groups.setdefault(name, [0, 0, 0])
                group[0] += right
                group[1] += 1
                group[2] += right and guess == where
    out = {name: {"plates": n, "right": round(a / n, 4), "country": round(c / max(1, a), 4)} for name, (a, n, c) in sorted(groups.items())}
    out["junk rejected"] = {"crops": junk[1], "right": round(junk[0] / max(1, junk[1]), 4)}
    out["all"]["calibration_error"] = round(calibration(confidences), 4)
    return out


def speed(reader: Reader) -> dict:
    """Median and best ms a plate, one thread, one by one and eight together."""
    out = {}
    for n in (1, 8):
        x = (np.random.default_rng(0).random((n, 3, H, W)) * 255).astype(np.float32)
        times = []
        for _ in range(80):
            start = time.perf_counter()
            reader.session.run(None, {reader.input: x})
            times.append((time.perf_counter() - start) / n * 1000)
        out[f"batch {n}"] = {"median_ms": round(float(np.median(times)), 3), "best_ms": round(min(times), 3)}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", type=Path)
    parser.add_argument("--val", type=Path)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--errors", type=Path, help="folder for contact sheets of misread plates (scratch only)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--real-val", type=Path, help="held-out real crops (propose build writes them beside the training ones)")
    parser.add_argument("--no-eval", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    reader = Reader(arguments.reader)
    report = {"model": arguments.reader.name, "bytes": arguments.reader.stat().st_size, "speed": speed(reader)}
    if not arguments.no_eval:
        for name, items in sorted(evaluation_crops(arguments.detector).items()):
            report[name] = measure(reader, items, arguments.errors / f"{name}.png" if arguments.errors else None)
    if arguments.val:
        report["rendered"] = measure_rendered(reader, arguments.val)
    if arguments.real_val:
        shards = Shards(arguments.real_val)
        labels = shards.labels[0]
        items = [(np.asarray(shards.pictures[0][i]), str(labels["texts"][i]), COUNTRIES[labels["country"][i]] if labels["country"][i] >= 0 else "", 0, "")
                 for i in range(len(shards)) if labels["purpose"][i] == 1]
        report["held-out real crops"] = measure(reader, items, arguments.errors / "real.png" if arguments.errors else None)
        known = [item for item in items if item[2]]
        report["held-out real crops of a known country"] = measure(reader, known)
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
