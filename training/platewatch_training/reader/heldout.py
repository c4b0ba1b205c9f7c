"""The held-out tenth of the training pictures as an index for the program:

    python -m platewatch_training.reader.heldout OUT_FOLDER

Writes `heldout.jsonl` (all plates with a text) and `heldout-european.jsonl`
(those of European countries) in the form of `eval.jsonl`, for
`platewatch bench accuracy --dataset`.  The reader was never trained on them;
the detector was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..labels import bad_boxes
from ..plates.fonts import data_root
from .figures import OUTSIDE
from .propose import held_out, read_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    labels, bad, lines = read_labels(), bad_boxes(), {"heldout": [], "heldout-european": []}
    for line in (data_root() / "train.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if not held_out(entry["image"]):
            continue
        plates = []
        for k, box in enumerate(entry["boxes"]):
            label = labels.get((entry["image"], k))
            if label and label["status"] in ("seen", "sure") and label["text"] and (entry["image"], k) not in bad:
                plates.append({"box": box, "text": label["text"], "country": label["country"]})
        row = {"image": str((data_root() / entry["image"]).resolve()), "source": entry["source"], "width": entry["width"], "height": entry["height"]}
        for name, chosen in (("heldout", plates), ("heldout-european", [p for p in plates if p["country"] and p["country"] not in OUTSIDE])):
            if chosen:
                lines[name].append(json.dumps({**row, "country": chosen[0]["country"], "plates": chosen}))
    for name, rows in lines.items():
        (arguments.folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
        print(len(rows), "pictures in", arguments.folder / f"{name}.jsonl")


if __name__ == "__main__":
    main()
