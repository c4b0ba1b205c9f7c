"""Figures of the card, looking at every plate as the program does (second look included):

    python -m platewatch_training.reader.figures reader.onnx --val VAL --real-val REAL-VAL [--junk JUNK.npy] [--eval] [--errors FOLDER]

Prints the tables `[accuracy.rendered]`, `[accuracy.held_out_crops]` and, with
`--eval`, `[accuracy.true_boxes]`.  A plate is right when all its characters
are; "folded" takes O and Q for 0 and I for 1.  Calibration error: expected, of
the confidence of plates right when folded, ten steps.  Evaluation pictures are
only measured.  `--errors` writes sheets of what was misread (validation only).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from ..plates import ALPHABET, COUNTRIES
from ..plates.sheet import sheet, tile
from .data import Shards
from .evaluate import FOLD, calibration, evaluation_crops
from .looks import read
from .propose import session

OUTSIDE = ("BR", "US", "other")


class Group:
    """Plates counted together."""

    def __init__(self):
        self.plates = self.strict = self.folded = self.known = self.country = 0
        self.pairs = []

    def add(self, text: str, where: str, row: dict) -> bool:
        got = "".join(ALPHABET[k] for k in row["path"])
        right = got == text
        self.plates += 1
        self.strict += right
        folded = got.translate(FOLD) == text.translate(FOLD)
        self.folded += folded
        if folded and where:
            self.known += 1
            self.country += COUNTRIES[row["country"]] == where
        self.pairs.append((row["confidence"], folded))
        return right

    def line(self) -> str:
        country = f", country = {self.country / self.known:.4f}" if self.known else ""
        return f"{{ plates = {self.plates}, strict = {self.strict / self.plates:.4f}, folded = {self.folded / self.plates:.4f}{country}, calibration_error = {calibration(self.pairs):.4f} }}"


def table(name: str, groups: dict[str, Group], least: int = 1) -> list[str]:
    return [f"[accuracy.{name}]"] + [f'"{key}" = {group.line()}' for key, group in groups.items() if group.plates >= least] + [""]


class Measure:
    def __init__(self, path: Path):
        model = session(path)
        self.run = lambda crops: model.run(None, {"plates": crops})

    def stored(self, folder: Path, count: int, name, errors: Path | None) -> tuple[dict[str, Group], str]:
        """Readable plates of a shard in the groups that `name(labels, i)` gives, and how others were rejected."""
        shards, groups, wrong, junk = Shards(folder), {"all": Group()}, [], [0, 0]
        labels = shards.labels[0]
        for start in range(0, min(count, len(shards)), 50):
            frames = [np.asarray(p) for p in shards.pictures[0][start : min(count, start + 50)]]
            for j, row in enumerate(read(self.run, frames)):
                k = start + j
                if labels["purpose"][k] != 1:
                    junk[0] += row["readable"] < 0.5
                    junk[1] += 1
                    continue
                where = COUNTRIES[labels["country"][k]] if labels["country"][k] >= 0 else ""
                ok = False
                for group in ["all", *name(labels, k, where)]:
                    ok = groups.setdefault(group, Group()).add(str(labels["texts"][k]), where, row)
                if not ok:
                    got = "".join(ALPHABET[c] for c in row["path"])
                    wrong.append(tile(cv2.resize(frames[j], (240, 110)), f"{labels['texts'][k]} > {got} {row['confidence']:.2f} {where}", (240, 126)))
        if errors and wrong:
            errors.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(errors / f"{folder.name}.png"), sheet(wrong[:160], 8)[:, :, ::-1])
        return groups, f"junk_rejected = {{ crops = {junk[1]}, right = {junk[0] / max(1, junk[1]):.4f} }}"

    def evaluation(self) -> dict[str, Group]:
        groups = {}
        for name, items in sorted(evaluation_crops(None).items()):
            items = [item for item in items if item[0] is not None]
            rows = [row for start in range(0, len(items), 50) for row in read(self.run, [item[0] for item in items[start : start + 50]])]
            for (_, text, where, _, _), row in zip(items, rows):
                groups.setdefault(name, Group()).add("".join(c for c in text.upper() if c.isalnum()), where, row)
        return groups

    def rejected(self, frames: np.ndarray) -> str:
        from .real import H, PAD_X, PAD_Y, W

        crops = frames[:, PAD_Y : PAD_Y + H, PAD_X : PAD_X + W].transpose(0, 3, 1, 2).astype(np.float32)
        low = np.concatenate([self.run(crops[s : s + 50])[3][:, 0] for s in range(0, len(crops), 50)]) < 0.5
        return f"false_detections_rejected = {{ crops = {len(low)}, right = {low.mean():.4f}, seen_in_training = true }}"


def rendered_groups(labels, k: int, where: str) -> list[str]:
    width = labels["native"][k]
    return ["under 60 px" if width < 60 else "60 to 100 px" if width < 100 else "over 100 px", f"{labels['lines'][k]}-line", where]


def real_groups(labels, k: int, where: str) -> list[str]:
    width = labels["native"][k]
    out = ["under 60 px" if width < 60 else "60 to 100 px" if width < 100 else "over 100 px"]
    if "kinds" in labels:
        out.append("night (robertlucian)" if str(labels["kinds"][k]) == "robertlucian" else "day (the others)")
    if where:
        out += ["European"] * (where not in OUTSIDE) + [where]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path, required=True)
    parser.add_argument("--junk", type=Path)
    parser.add_argument("--eval", action="store_true")
    parser.add_argument("--errors", type=Path)
    parser.add_argument("--count", type=int, default=1000, help="rendered plates measured")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    measure = Measure(arguments.reader)
    groups, junk = measure.stored(arguments.val, arguments.count, rendered_groups, arguments.errors)
    out = table("rendered", groups, 25)
    out.insert(-1, junk)
    if arguments.junk:
        frames = np.load(arguments.junk, mmap_mode="r")
        out.insert(-1, measure.rejected(frames[:: max(1, len(frames) // 800)][:800]))
    groups, junk = measure.stored(arguments.real_val, 10_000, real_groups, arguments.errors)
    out += table("held_out_crops", groups, 5)
    out.insert(-1, junk)
    if arguments.eval:
        out += table("true_boxes", measure.evaluation())
    print("\n".join(out))


if __name__ == "__main__":
    main()
