"""Texts for the real training crops: propose, look, correct, build.

    python -m platewatch_training.reader.propose crops WORK            # cut every labelled box
    python -m platewatch_training.reader.propose propose WORK --model reader.onnx [--baseline baseline.onnx]
    python -m platewatch_training.reader.propose sheets WORK           # contact sheets of what is not settled
    python -m platewatch_training.reader.propose build WORK REAL       # crops with texts as a shard

`training/labels/real_crops.tsv` (image, box, text, country, status) is the
result and is kept in the repository: the texts are ours, the pictures are not.
Status: `sure` (both readers or all views agree), `seen` (looked at and
accepted or corrected by a person), `unreadable` (a plate nobody reads),
`doubt` (not used).
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from .. import camera
from ..labels import bad_boxes
from ..plates import ALPHABET, COUNTRIES
from ..plates.fonts import PROJECT, data_root
from ..plates.sheet import sheet, tile
from .data import PX, PY, W, H
from .model import BLANK, STEPS

LABELS = PROJECT / "training/labels/real_crops.tsv"
FRAME = (W + 2 * PX, H + 2 * PY)


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def frame_of(picture: np.ndarray, corners) -> np.ndarray:
    """A plate of a real picture (RGB) as a stored frame; big plates are averaged down."""
    corners = np.float32(corners)
    matrix = camera.crop_matrix(corners)
    scale = W / max(1.0, np.linalg.norm(corners[1] - corners[0]))
    if scale < 0.75:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    return cv2.warpPerspective(picture, matrix, FRAME, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def box_corners(box) -> np.ndarray:
    x0, y0, x1, y1 = box
    return np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def collapse(probabilities: np.ndarray) -> tuple[str, float, float]:
    """Greedy text of 2 x 40 steps, the probability of its weakest character, and the product over all characters."""
    text, peaks, last = "", [], BLANK
    best = probabilities.argmax(-1)
    for i, k in enumerate(best):
        if i == STEPS:
            last = BLANK
        if k != BLANK:
            if k == last:
                peaks[-1] = max(peaks[-1], float(probabilities[i, k]))
            else:
                text += ALPHABET[k]
                peaks.append(float(probabilities[i, k]))
        last = k
    return text, min(peaks, default=1.0), float(np.prod(peaks))


def slots_text(probabilities: np.ndarray) -> tuple[str, float]:
    """Text of the baseline's ten slots."""
    best = probabilities.argmax(-1)
    return "".join(ALPHABET[k] for k in best if k != BLANK), float(probabilities.max(-1).min())


def views(frames: np.ndarray) -> list[np.ndarray]:
    """The crop as it is, moved, and with other contrast: a reading must survive them all."""
    out = []
    for dx, dy, zoom, gain in ((0, 0, 1, 1), (4, -2, 1, 1), (-4, 2, 1, 0.8), (0, 0, 1.06, 1.2)):
        w, h = W / zoom, H / zoom
        x, y = PX + (W - w) / 2 + dx, PY + (H - h) / 2 + dy
        matrix = np.float32([[W / w, 0, -x * W / w], [0, H / h, -y * H / h]])
        moved = np.stack([cv2.warpAffine(f, matrix, (W, H)) for f in frames]).astype(np.float32) * gain
        out.append(np.clip(moved, 0, 255).transpose(0, 3, 1, 2).copy())
    return out


def read_labels() -> dict[tuple[str, int], dict]:
    if not LABELS.exists():
        return {}
    with open(LABELS, newline="") as file:
        return {(row["image"], int(row["box"])): row for row in csv.DictReader(file, delimiter="\t")}


def write_labels(rows: dict) -> None:
    LABELS.parent.mkdir(parents=True, exist_ok=True)
    with open(LABELS, "w", newline="") as file:
        writer = csv.DictWriter(file, ["image", "box", "text", "country", "status"], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        for key in sorted(rows):
            writer.writerow(rows[key])


def guess_country(source: str, text: str) -> str:
    """Only where the set is from one country and the text has its format."""
    if source == "robertlucian" and re.fullmatch(r"(B\d{2,3}|[A-Z]{2}\d{2,3})[A-Z]{3}", text):
        return "RO"
    if source == "spanish-roboflow" and re.fullmatch(r"\d{4}[BCDFGHJKLMNPRSTVWXYZ]{3}", text):
        return "ES"
    return ""


def cut(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    frames, index = [], []
    for line in (data_root() / "train.jsonl").read_text().splitlines():
        entry = json.loads(line)
        picture = cv2.imread(str(data_root() / entry["image"]))[:, :, ::-1]
        for number, box in enumerate(entry["boxes"]):
            frames.append(frame_of(np.ascontiguousarray(picture), box_corners(box)))
            index.append({"image": entry["image"], "box": number, "source": entry["source"], "width": box[2] - box[0], "height": box[3] - box[1]})
    np.save(work / "frames.npy", np.stack(frames))
    (work / "index.json").write_text(json.dumps(index))
    print(len(index), "crops")


def propose(work: Path, model: Path | None, baseline: Path | None) -> None:
    frames, index = np.load(work / "frames.npy"), json.loads((work / "index.json").read_text())
    new, old = session(model) if model else None, session(baseline) if baseline else None
    for start in range(0, len(index), 64):
        stacks = views(frames[start : start + 64])
        part = index[start : start + 64]
        if new:
            results = [new.run(None, {"plates": stack}) for stack in stacks]
            for i, row in enumerate(part):
                reads = [collapse(result[0][i]) for result in results]
                row["reads"], row["sure"] = [r[0] for r in reads], [round(r[1], 3) for r in reads]
                row["readable"] = round(float(np.mean([r[3][i, 0] for r in results])), 3)
                row["country"] = COUNTRIES[int(np.mean([r[1][i] for r in results], 0).argmax())]
                row["lines"] = int(np.mean([r[2][i] for r in results], 0).argmax()) + 1
        if old:
            results = [old.run(None, {old.get_inputs()[0].name: stack})[0] for stack in stacks[:2]]
            for i, row in enumerate(part):
                row["old"] = [slots_text(result[i])[0] for result in results]
                row["old_sure"] = [round(slots_text(result[i])[1], 3) for result in results]
    (work / "index.json").write_text(json.dumps(index))


def settle(work: Path) -> dict:
    """Accept what is sure; keep what a person has seen; the rest is doubt."""
    index, labels, bad = json.loads((work / "index.json").read_text()), read_labels(), bad_boxes()
    for row in index:
        key = (row["image"], row["box"])
        if key in bad:
            labels[key] = {"image": row["image"], "box": row["box"], "text": "", "country": "", "status": "unreadable"}
            continue
        if labels.get(key, {}).get("status") in ("seen", "unreadable"):
            continue
        text, reads = row["reads"][0], row["reads"]
        agree = len(set(reads)) == 1 and len(text) >= 4
        sure = agree and min(row["sure"]) > 0.9 and row["readable"] > 0.5
        both = sum(r == text for r in reads) >= 3 and len(text) >= 4 and text in row.get("old", []) and min(row["sure"]) > 0.5
        status = "sure" if sure or both else "doubt"
        country = guess_country(row["source"], text)
        labels[key] = {"image": row["image"], "box": row["box"], "text": text if status == "sure" else "", "country": country, "status": status}
    write_labels(labels)
    return labels


def sheets(work: Path, status: str, size: tuple[int, int] = (200, 116), columns: int = 8, rows: int = 9) -> None:
    frames, index, labels = np.load(work / "frames.npy"), json.loads((work / "index.json").read_text()), read_labels()
    chosen = [i for i, row in enumerate(index) if labels.get((row["image"], row["box"]), {"status": "doubt"})["status"] == status]
    per = columns * rows
    for number, start in enumerate(range(0, len(chosen), per)):
        tiles = []
        for i in chosen[start : start + per]:
            row = index[i]
            crop = frames[i][PY - 4 : PY + H + 4, PX - 4 : PX + W + 4]
            crop = cv2.resize(crop, (200, 100), interpolation=cv2.INTER_CUBIC)
            reads = row.get("reads", [""])
            other = next((r for r in reads if r != reads[0]), row.get("old", [""])[0])
            tiles.append(tile(crop, f"{i} {reads[0]} {other}", size))
        cv2.imwrite(str(work / f"{status}-{number:02d}.png"), sheet(tiles, columns)[:, :, ::-1])
    print(len(chosen), status)


def correct(work: Path, corrections: Path) -> None:
    """Lines `crop-number text [country]` (text `-` for unreadable, `?` to leave in doubt) from a person looking at the sheets."""
    index, labels = json.loads((work / "index.json").read_text()), read_labels()
    for line in corrections.read_text().splitlines():
        if not line.strip():
            continue
        number, text, *country = line.split()
        row = index[int(number)]
        key = (row["image"], row["box"])
        status = {"-": "unreadable", "?": "doubt"}.get(text, "seen")
        text = "" if status != "seen" else text.upper()
        labels[key] = {"image": key[0], "box": key[1], "text": text, "country": country[0] if country else guess_country(row["source"], text), "status": status}
    write_labels(labels)


def held_out(image: str) -> bool:
    """Every tenth picture is kept for validation and calibration."""
    return zlib.crc32(image.encode()) % 10 == 0


def build(work: Path, target: Path) -> None:
    """Crops with settled texts as a shard for the trainer, and the held-out ones beside it (`TARGET-val`)."""
    frames, index, labels = np.load(work / "frames.npy"), json.loads((work / "index.json").read_text()), read_labels()
    settled, bad = [], bad_boxes()
    for i, row in enumerate(index):
        label = labels.get((row["image"], row["box"]))
        if label and (row["image"], row["box"]) not in bad and (label["status"] in ("sure", "seen", "unreadable")) and len(label["text"]) <= 10:
            settled.append((i, row, label))
    for folder, held in ((target, False), (target.with_name(target.name + "-val"), True)):
        chosen = [item for item in settled if held_out(item[1]["image"]) == held]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "0000.npy", frames[[i for i, *_ in chosen]])
        lines = [1 if row["width"] > 2.6 * row["height"] else 0 for _, row, _ in chosen]
        np.savez(folder / "0000.npz", texts=np.array([label["text"] for *_, label in chosen]), lines=np.array(lines, np.int8),
                 country=np.array([COUNTRIES.index(label["country"]) if label["country"] else -1 for *_, label in chosen], np.int16),
                 purpose=np.array([0 if label["status"] == "unreadable" else 1 for *_, label in chosen], np.int8),
                 native=np.array([row["width"] for _, row, _ in chosen], np.float32), kinds=np.array([row["source"] for _, row, _ in chosen]), places=np.full((len(chosen), 12, 6), -1, np.float32))
        print(len(chosen), "real crops in", folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["crops", "propose", "settle", "sheets", "correct", "build"])
    parser.add_argument("work", type=Path)
    parser.add_argument("target", type=Path, nargs="?", help="corrections (correct) or output folder (build)")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--status", default="doubt")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.stage == "crops":
        cut(arguments.work)
    elif arguments.stage == "propose":
        propose(arguments.work, arguments.model, arguments.baseline)
    elif arguments.stage == "settle":
        labels = settle(arguments.work)
        print({status: sum(row["status"] == status for row in labels.values()) for status in ("sure", "seen", "unreadable", "doubt")})
    elif arguments.stage == "sheets":
        sheets(arguments.work, arguments.status)
    elif arguments.stage == "correct":
        correct(arguments.work, arguments.target)
    else:
        build(arguments.work, arguments.target)


if __name__ == "__main__":
    main()
