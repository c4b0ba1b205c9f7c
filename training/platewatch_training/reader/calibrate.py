"""Find the temperature that makes plate confidences honest:

    python -m platewatch_training.reader.calibrate reader.onnx --val VAL_FOLDER --real-val REAL-val

The model is one exported with temperatures of 1 (quantised or not); each plate
is read once from every cut the program may take, and the temperature applied to
what came out.  The confidence of a plate is what the program says: the
probability of its text over all alignments, times that of its being readable,
the surest of its looks.  The temperature with the least expected calibration
error over rendered validation plates and held-out real crops (weighed alike) is
printed for `export`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from ..plates import ALPHABET
from .data import Shards
from .decode import best_path, total
from .evaluate import FOLD, calibration
from .looks import DOUBTFUL, FURTHER_LOOKS, cut
from .propose import session


def tempered(steps: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities of the same logits at another temperature."""
    out = np.maximum(steps.astype(np.float64), 1e-12) ** (1 / temperature)
    return out / out.sum(-1, keepdims=True)


def confidences(cuts: list, texts: list[str], temperature: float) -> list[tuple[float, bool]]:
    """(confidence, right when folded) of each plate; `cuts` holds steps and readable of each cut, the usual one first."""
    out = []
    for i, text in enumerate(texts):
        best = (0.0, "")
        for number, (steps, readable) in enumerate(cuts):
            at = tempered(steps[i], temperature)
            path = best_path(at)
            sure = total(at, path) * float(readable[i, 0]) if path else 0.0
            best = max(best, (sure, "".join(ALPHABET[k] for k in path)))
            if number == 0 and (sure >= DOUBTFUL or not path):
                break
        out.append((best[0], best[1].translate(FOLD) == text.translate(FOLD)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path, required=True)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--temperatures", type=float, nargs="+", default=(0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0, 1.1, 1.25))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    reader, sets = session(arguments.model), []
    for folder in (arguments.val, arguments.real_val):
        shards = Shards(folder)
        labels = shards.labels[0]
        chosen = [i for i in range(min(arguments.count, len(shards))) if labels["purpose"][i] == 1]
        frames = [np.asarray(shards.pictures[0][i]) for i in chosen]
        cuts = []
        for scale in ((1.0, 1.0), *FURTHER_LOOKS[0], *FURTHER_LOOKS[1]):
            parts = [reader.run(None, {"plates": cut(frames[s : s + 50], *scale)}) for s in range(0, len(frames), 50)]
            cuts.append((np.concatenate([p[0] for p in parts]), np.concatenate([p[3] for p in parts])))
        sets.append((cuts, [str(labels["texts"][i]) for i in chosen]))
    best = None
    for temperature in arguments.temperatures:
        pairs = [confidences(cuts, texts, temperature) for cuts, texts in sets]
        errors = [calibration(p) for p in pairs]
        print(temperature, "error", [round(e, 4) for e in errors], "right", [round(float(np.mean([ok for _, ok in p])), 4) for p in pairs], flush=True)
        if best is None or sum(errors) < best[0]:
            best = (sum(errors), temperature)
    print("temperature", best[1])


if __name__ == "__main__":
    main()
