"""Find the temperature that makes plate confidences honest:

    python -m platewatch_training.reader.calibrate RUN/checkpoint.pt --val VAL_FOLDER --real-val REAL-val

The confidence of a plate is what the program says: the probability of its text
over all alignments, times that of its being readable, the surest of its looks.
The temperature with the least expected calibration error over rendered
validation plates and held-out real crops (weighed alike) is printed for
`export`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ..plates import ALPHABET
from .data import Shards
from .evaluate import calibration
from .export import load
from .looks import read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path, required=True)
    parser.add_argument("--count", type=int, default=700)
    parser.add_argument("--temperatures", type=float, nargs="+", default=(0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    reader, _ = load(arguments.checkpoint)
    sets = []
    for folder in (arguments.val, arguments.real_val):
        shards = Shards(folder)
        labels = shards.labels[0]
        chosen = [i for i in range(min(arguments.count, len(shards))) if labels["purpose"][i] == 1]
        sets.append(([np.asarray(shards.pictures[0][i]) for i in chosen], [str(labels["texts"][i]) for i in chosen]))
    best = None
    for temperature in arguments.temperatures:

        @torch.no_grad()
        def run(crops, temperature=temperature):
            out = [reader(torch.from_numpy(part)) for part in np.array_split(crops, max(1, len(crops) // 50))]
            steps, country, lines, readable = (torch.cat(parts) for parts in zip(*out))
            return (steps / temperature).softmax(-1).numpy(), country.numpy(), lines.numpy(), readable.sigmoid().numpy()

        errors, right = [], []
        for frames, texts in sets:
            reads = read(run, frames)
            pairs = [(row["confidence"], "".join(ALPHABET[k] for k in row["path"]) == text) for row, text in zip(reads, texts)]
            errors.append(calibration(pairs))
            right.append(np.mean([ok for _, ok in pairs]))
        print(temperature, "error", [round(e, 4) for e in errors], "right", [round(float(r), 4) for r in right], flush=True)
        if best is None or sum(errors) < best[0]:
            best = (sum(errors), temperature)
    print("temperature", best[1])


if __name__ == "__main__":
    main()
