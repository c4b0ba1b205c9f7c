"""Write the card of an exported detector: what it takes and gives, and how good it is.

    python -m platewatch_training.detector.card FILE.onnx --figures FIGURES.json --threshold 0.5 --version 1 --out models

Copies the model to `models/detector.onnx` and writes `models/detector.toml`.
FIGURES.json holds the lines `evaluate` printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

HEAD = '''# Card of detector.onnx, written by training/platewatch_training/detector/card.py
task = "plate-detection"
input = {{ name = "image", layout = "NCHW", channels = "BGR", range = [0.0, 255.0], width = 640, height = 384, multiple_of = 32, pad = 114 }}
output = {{ kind = "dense", stride = 8, score = "score", box = "ltrb", corners = "corners" }}
threshold = {threshold}
nms_iou = 0.3
sha256 = "{sha256}"
version = "{version}"

[about]
format = "{form}"
bytes = {size}
trained_with = "training/platewatch_training/detector, run {run}"
weaknesses = [
  "plates narrower than about 14 px at 640 x 384 (28 px in a 1280 wide frame) are often missed",
  "bold lettering on boards, stickers and clothes is sometimes taken for a plate with a low score",
  "corners are exact on rendered plates only; on real ones they were taught by their bounding box",
  "violet night pictures with strong headlamps beside the plate",
]

[[about.data]]
name = "open-lpr plate detection"
licence = "Apache-2.0"
[[about.data]]
name = "RobertLucian/license-plate-dataset"
licence = "MIT"
[[about.data]]
name = "Open Images subset (TechKhid/LicensePlateDetection)"
licence = "CC BY 4.0"
[[about.data]]
name = "car plate detection, 433 pictures"
licence = "CC0-1.0"
[[about.data]]
name = "Spanish plates (Roboflow)"
licence = "CC BY 4.0"
[[about.data]]
name = "rendered plates (training/platewatch_training/plates)"
licence = "Apache-2.0 OR MIT"
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--version", default="1")
    parser.add_argument("--form", default="int8 QDQ")
    parser.add_argument("--run", default="")
    parser.add_argument("--out", type=Path, default=Path("models"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / "detector.onnx"
    shutil.copyfile(options.model, target)
    data = target.read_bytes()
    text = HEAD.format(threshold=options.threshold, sha256=hashlib.sha256(data).hexdigest(), version=options.version, form=options.form, size=len(data), run=options.run)
    for line in options.figures.read_text().splitlines():
        if not line.strip():
            continue
        text += "\n[[about.figures]]\n"
        for key, value in json.loads(line).items():
            text += f'"{key}" = {json.dumps(value)}\n'
    (options.out / "detector.toml").write_text(text)
    print(target, len(data), "bytes")


if __name__ == "__main__":
    main()
