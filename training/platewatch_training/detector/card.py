"""Write the card of an exported detector: what it takes and gives, and how good it is.

    platewatch bench accuracy --dataset val.jsonl --dataset eval.jsonl --detector DRAFT.toml > bench.txt
    python -m platewatch_training.detector.card FILE.onnx --threshold 0.5 --version 2 --run NAME \
        --bench bench.txt --figures evaluate.jsonl --out models/detector.onnx

Copies the model to --out and writes the card beside it. `bench.txt` holds what
the program itself measured, `evaluate.jsonl` the lines `evaluate` printed; both
may be left out for a draft, which the program can already be run with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

HEAD = '''# Card of {name}, written by training/platewatch_training/detector/card.py
task = "plate-detection"
input = {{ name = "image", layout = "NCHW", channels = "BGR", range = [0.0, 255.0], width = 640, height = 384, multiple_of = 32, pad = 114{closer} }}
output = {{ kind = "dense", stride = 8, score = "score", box = "ltrb", corners = "corners" }}
threshold = {threshold}
nms_iou = 0.3
sha256 = "{sha256}"
version = "{version}"

[about]
format = "{form}"
bytes = {size}
trained_with = "training/platewatch_training/detector; {run}"
score = "calibrated on val: of detections scored 0.8, eight in ten overlap a plate by IoU 0.5"
'''

DATA = '''
[[about.data]]
name = "open-lpr plate detection, 2,296 pictures"
licence = "Apache-2.0"
[[about.data]]
name = "RobertLucian/license-plate-dataset, 411 pictures"
licence = "MIT"
[[about.data]]
name = "Open Images subset (TechKhid/LicensePlateDetection), 349 pictures"
licence = "CC BY 4.0"
[[about.data]]
name = "car plate detection (kaggle), 292 pictures"
licence = "CC0-1.0"
[[about.data]]
name = "Spanish plates (Roboflow), 87 pictures"
licence = "CC BY 4.0"
[[about.data]]
name = "rendered plates and bait (training/platewatch_training)"
licence = "Apache-2.0 OR MIT"
[[about.data]]
name = "boxes of unlabelled plates, regions of doubt and bait, by eye (training/labels)"
licence = "Apache-2.0 OR MIT"
'''


def bench(path: Path) -> str:
    """The detection figures of the program's own measurement."""
    groups: dict[str, dict[str, str]] = {}
    for line in path.read_text().splitlines():
        name, _, value = line.rpartition(" ")
        group, _, what = name.rpartition(".")
        if what in ("plates", "recall", "precision"):
            groups.setdefault(group, {})[what] = value
    out = '\n[about.measured]\nby = "platewatch bench accuracy, IoU 0.5, at this card\'s threshold; labels as published, plates they leave out count as false"\n'
    for group, values in groups.items():
        if "recall" in values:
            out += f'"{group}" = {{ ' + ", ".join(f"{k} = {v}" for k, v in values.items()) + " }\n"
    return out


def figures(path: Path) -> str:
    """Lines of `evaluate`, each as a table."""
    out = ""
    for line in path.read_text().splitlines():
        if line.startswith("{"):
            out += "\n[[about.figures]]\n"
            for key, value in json.loads(line).items():
                value = "{ " + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items()) + " }" if isinstance(value, dict) else json.dumps(value)
                out += f"{json.dumps(key)} = {value}\n"
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--closer", default="below = 40, from = 0.001, width = 192, height = 128, most = 12", help="the second look at small plates (docs/ref/models.md); empty for none")
    parser.add_argument("--version", required=True)
    parser.add_argument("--form", default="int8 QDQ: unsigned 8-bit activations, signed 8-bit weights per channel")
    parser.add_argument("--run", default="")
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--notes", type=Path, help="TOML to append: weaknesses, comparison")
    parser.add_argument("--out", type=Path, default=Path("models/detector.onnx"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.model.resolve() != options.out.resolve():
        shutil.copyfile(options.model, options.out)
    data = options.out.read_bytes()
    text = HEAD.format(name=options.out.name, threshold=options.threshold, closer=f", closer = {{ {options.closer} }}" if options.closer else "", sha256=hashlib.sha256(data).hexdigest(), version=options.version, form=options.form, size=len(data), run=options.run)
    if options.notes:
        text += "\n" + options.notes.read_text()
    if options.bench:
        text += bench(options.bench)
    if options.figures:
        text += figures(options.figures)
    options.out.with_suffix(".toml").write_text(text + DATA)
    print(options.out, len(data), "bytes")


if __name__ == "__main__":
    main()
