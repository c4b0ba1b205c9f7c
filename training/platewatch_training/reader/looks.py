"""The cuts of a plate that the program reads (`src/vision/worker.rs`): the usual one, two more where that is doubtful, and two where it still is."""

from __future__ import annotations

import cv2
import numpy as np

from .. import camera
from .data import PX, PY, TARGET, H, W
from .decode import best_path, total

DOUBTFUL = 0.8
FURTHER_LOOKS = (((0.957, 0.91), (1.066, 1.125)), ((0.92, 0.84), (1.12, 1.25)))


def cut(frames: np.ndarray, x: float = 1.0, y: float = 1.0) -> np.ndarray:
    """Crops (N x 3 x 64 x 160 float32) of stored frames whose plate's corners are drawn in or out by `x` and `y`."""
    wide, high = (W - 2 * W * camera.MARGIN_X / (1 + 2 * camera.MARGIN_X)) * x, (H - 2 * H * camera.MARGIN_Y / (1 + 2 * camera.MARGIN_Y)) * y
    w, h = wide / (1 - 2 * camera.TIGHT_X) / 2, high / (1 - 2 * camera.TIGHT_Y) / 2
    cx, cy = PX + W / 2, PY + H / 2
    corners = np.float32([[cx - w, cy - h], [cx + w, cy - h], [cx + w, cy + h], [cx - w, cy + h]])
    matrix = cv2.getPerspectiveTransform(corners, TARGET)
    crops = [cv2.warpPerspective(np.asarray(f), matrix, (W, H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for f in frames]
    return np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)


def read(run, frames: np.ndarray) -> list[dict]:
    """Readings of stored frames as the program makes them. `run(crops)` gives steps, country, lines, readable (probabilities)."""

    def look(crops):
        steps, country, _, readable = run(crops)
        out = []
        for i in range(len(crops)):
            path = best_path(steps[i])
            whole = total(steps[i], path) if path else 0.0
            out.append({"path": path, "confidence": whole * float(readable[i, 0]), "readable": float(readable[i, 0]), "country": int(country[i].argmax()), "steps": steps[i]})
        return out

    best = look(cut(frames))
    for scales in FURTHER_LOOKS:
        again = [i for i, row in enumerate(best) if row["path"] and row["confidence"] < DOUBTFUL]
        for scale in scales if again else ():
            for i, row in zip(again, look(cut([frames[i] for i in again], *scale))):
                if row["confidence"] > best[i]["confidence"]:
                    best[i] = row
    return best
