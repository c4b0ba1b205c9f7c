"""Mix the weights of two checkpoints of one network.

    python -m platewatch_training.detector.blend BEFORE.pt AFTER.pt --share 0.35 --out MIXED.pt

A short run on other samples wins what they show and loses a little of what was
known. Weights between the start of such a run and its end do better than both
(Wortsman et al. 2022, WiSE-FT); the share is chosen by `val`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def blend(before: dict, after: dict, share: float) -> dict:
    """Averaged weights `share` of the way from one checkpoint's to the other's; counters are the second's."""
    if before["size"] != after["size"]:
        raise ValueError(f"networks of two sizes: {before['size']} and {after['size']}")
    mean = {k: v.lerp(after["mean"][k], share) if v.is_floating_point() else after["mean"][k] for k, v in before["mean"].items()}
    return {"mean": mean, "size": after["size"], "step": after["step"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--share", type=float, default=0.35)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    load = lambda path: torch.load(path, map_location="cpu", weights_only=True)
    torch.save(blend(load(options.before), load(options.after), options.share), options.out)


if __name__ == "__main__":
    main()
