"""Find the temperature that makes plate confidences honest:

    python -m platewatch_training.reader.calibrate RUN/checkpoint.pt --val VAL_FOLDER --real-val REAL-val

The confidence of a plate is the product of its characters' probabilities.  The
temperature with the least expected calibration error over rendered validation
plates and held-out real crops (weighed alike) is printed for `export`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .data import Shards, plain_crops
from .evaluate import calibration
from .export import load
from .propose import collapse


@torch.no_grad()
def logits(reader, folder: Path, count: int):
    shards = Shards(folder)
    labels, rows = shards.labels[0], []
    for i in range(0, min(count, len(shards)), 50):
        out = reader(plain_crops(shards.pictures[0][i : i + 50]))[0]
        rows += [(out[j], str(labels["texts"][i + j])) for j in range(len(out)) if labels["purpose"][i + j] == 1]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    reader, _ = load(arguments.checkpoint)
    sets = [logits(reader, arguments.val, arguments.count), logits(reader, arguments.real_val, arguments.count)]
    best = None
    for temperature in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7, 2.0, 2.4):
        errors = []
        for rows in sets:
            reads = [(collapse((row / temperature).softmax(-1).numpy()), text) for row, text in rows]
            errors.append(calibration([(read[2], read[0] == text) for read, text in reads]))
        print(temperature, [round(e, 4) for e in errors])
        if best is None or sum(errors) < best[0]:
            best = (sum(errors), temperature)
    print("temperature", best[1])


if __name__ == "__main__":
    main()
