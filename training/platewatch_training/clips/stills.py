"""Still pictures for `platewatch read`: other seeds of the clips' scenes, with their truth.

    python -m platewatch_training.clips.stills --out samples/pictures

For each scene the frame with the most plates in good view is taken from a coarse
search over the truth alone, so that only the chosen frame is drawn.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from . import patrol, roadside
from .render import FPS, Film
from .traffic import visible_faces

PICTURES = [("day-1", roadside.day, 101), ("day-2", roadside.day, 102), ("night-1", roadside.night, 103), ("street-1", patrol.patrol, 105), ("street-2", patrol.patrol, 106)]
GOOD_PX = {1: 80, 2: 50}


def best_moment(scene) -> float:
    """Time at which the widest plates are wholly inside the picture."""
    best, moment = -1.0, 0.0
    for n in range(25, int(scene.seconds * FPS), 6):
        t = n / FPS
        lens, total = scene.lens_at(t), 0.0
        for m in scene.movers:
            for pixels, face, _ in visible_faces(m, lens, t):
                inside = pixels.min() > 4 and pixels[:, 0].max() < lens.width - 4 and pixels[:, 1].max() < lens.height - 4
                if face.tag.startswith("plate") and inside:
                    total += max(0.0, float(np.linalg.norm(pixels[1] - pixels[0])) - 60)
        if total > best:
            best, moment = total, t
    return moment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("samples/pictures"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, make, seed in PICTURES:
        scene = make(seed)
        t = best_moment(scene)
        picture, truth = Film(scene).frame(round(t * FPS))
        cv2.imwrite(str(options.out / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 84])
        movers = {m.number: m for m in scene.movers}
        for number, seen in sorted(truth.items()):
            m = movers[number]
            if m.legible and seen["visible"] >= 0.95 and seen["width_px"] >= GOOD_PX[m.plate.lines]:
                rows.append([f"{name}.jpg", m.plate.text, m.plate.country, " ".join(f"{v:.1f}" for p in seen["corners"] for v in p)])
        print(name, f"{t:.2f} s", [r[1] for r in rows if r[0] == f"{name}.jpg"], flush=True)
    with open(options.out / "truth.csv", "w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(["image", "text", "country", "corners"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
