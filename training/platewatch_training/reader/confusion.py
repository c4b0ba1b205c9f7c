"""Measure which characters the reader takes for which:

    python -m platewatch_training.reader.confusion MODEL.onnx OUT.tsv --val VAL_FOLDER --real-val REAL_VAL [--clean CLEAN-VAL]

On validation plates only (rendered ones; photographs of clean plates kept for
this, `--shots` of each; held-out real crops, each of which counts as ten
rendered ones, as cameras are real), as far as matching hears of them: held
readable (0.3 and more) with a confidence of 0.2 and more.  Every reading is aligned
with the true text (edit distance).  Lines `truth read count`, as
`src/hotlist/confusions.rs` takes them (comments begin with `#`); `-` as `read` is
a dropped character, `-` as `truth` one that is not there.  Comment lines give
what else matching needs: shares of dropped, doubled and added characters, how
often the true character is the reader's second choice where the first is wrong,
and with what probability.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from ..plates import ALPHABET
from .data import Shards, plain_crops
from .decode import read
from .model import BLANK
from .propose import session
from .snap import Camera, CleanPlates

REAL_WEIGHT = 10.0
LEAST_READABLE, LEAST_CONFIDENCE = 0.3, 0.2


def align(truth: str, got: str) -> list[tuple[int | None, int | None]]:
    """Pairs of places (in truth, in the reading); None where one has no character."""
    n, m = len(truth), len(got)
    cost = np.zeros((n + 1, m + 1), int)
    cost[:, 0], cost[0, :] = np.arange(n + 1), np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost[i, j] = min(cost[i - 1, j - 1] + (truth[i - 1] != got[j - 1]), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs, i, j = [], n, m
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (truth[i - 1] != got[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


class Tally:
    def __init__(self):
        self.pairs, self.characters, self.wrong, self.second, self.mass, self.doubled, self.added, self.dropped = Counter(), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        self.plates = Counter()

    def add(self, truth: str, got: str, at: np.ndarray, weight: float) -> None:
        """One plate. Readings that have nothing to do with the truth (half of it wrong) are counted but not tallied."""
        pairs = align(truth, got)
        differences = sum(i is None or j is None or truth[i] != got[j] for i, j in pairs)
        self.plates["right" if not differences else "near" if differences <= len(truth) / 2 else "far"] += 1
        if differences > len(truth) / 2:
            return
        for i, j in pairs:
            if i is None:
                double = (j > 0 and got[j - 1] == got[j]) or (j + 1 < len(got) and got[j + 1] == got[j])
                self.doubled += weight * double
                self.added += weight * (not double)
                self.pairs["-", got[j]] += weight
                continue
            self.characters += weight
            if j is None:
                self.dropped += weight
                self.pairs[truth[i], "-"] += weight
                continue
            self.pairs[truth[i], got[j]] += weight
            if truth[i] != got[j]:
                row = at[j]
                self.wrong += weight
                self.second += weight * (int(np.argsort(-row)[1]) == ALPHABET.index(truth[i]))
                self.mass += weight * float(row[ALPHABET.index(truth[i])])

    def text(self, model: str) -> str:
        n = max(1.0, self.characters)
        head = [
            f"# Confusions of {model} on validation plates: truth, read, weighed count. '-' is no character.",
            f"# plates read right {self.plates['right']}, nearly {self.plates['near']}, not at all (left out) {self.plates['far']}",
            f"# characters {n:.0f}, wrong {self.wrong / n:.5f}, dropped {self.dropped / n:.5f}, doubled {self.doubled / n:.5f}, added {self.added / n:.5f}",
            f"# where the first choice is wrong the truth is the second in {self.second / max(1e-9, self.wrong):.3f}, with a mean probability of {self.mass / max(1e-9, self.wrong):.3f}",
            "# truth\tread\tcount",
        ]
        return "\n".join(head + [f"{a}\t{b}\t{count:.0f}" for (a, b), count in sorted(self.pairs.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path, required=True)
    parser.add_argument("--clean", type=Path, help="folder of clean plates that were never trained on")
    parser.add_argument("--shots", type=int, default=4, help="photographs of each of them")
    parser.add_argument("--count", type=int, default=4000)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    reader, tally = session(arguments.model), Tally()

    def tell(crops: np.ndarray, truths: list[str], weight: float) -> None:
        out = reader.run(None, {"plates": crops})
        for steps, readable, truth in zip(out[0], out[3][:, 0], truths):
            if truth and readable >= LEAST_READABLE:
                got, at, whole = read(steps)
                if whole * readable >= LEAST_CONFIDENCE:
                    tally.add(truth, got, at, weight)

    for folder, weight in ((arguments.val, 1.0), (arguments.real_val, REAL_WEIGHT)):
        shards = Shards(folder)
        labels = shards.labels[0]
        for start in range(0, min(arguments.count, len(shards)), 50):
            part = range(start, min(start + 50, len(shards)))
            truths = [str(labels["texts"][k]) if labels["purpose"][k] == 1 else "" for k in part]
            tell(plain_crops(shards.pictures[0][start : start + 50]).numpy(), truths, weight)
    if arguments.clean:
        plates, taker, crops, truths = CleanPlates(arguments.clean), Camera(9_000), [], []
        for _ in range(arguments.shots):
            for number in range(len(plates.index)):
                image, quad, boxes, label = plates.get(number)
                crop, matrix = taker.shoot(image, quad, boxes, label["lines"])
                if Camera.lost(boxes, matrix) < 0.18:
                    crops.append(crop)
                    truths.append(label["text"])
                if len(crops) == 50:
                    tell(np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32), truths, 1.0)
                    crops, truths = [], []
    arguments.out.write_text(tally.text(arguments.model.name))
    print("\n".join(tally.text(arguments.model.name).splitlines()[:5]))


if __name__ == "__main__":
    main()
