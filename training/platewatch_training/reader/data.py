"""Stored photographs: validation plates and held-out real crops, with context around the crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from .. import camera

W, H, PX, PY = camera.CROP_WIDTH, camera.CROP_HEIGHT, camera.PAD_X, camera.PAD_Y
TARGET = np.float32([[0, 0], [W, 0], [W, H], [0, H]])


class Shards:
    """All complete shards of a folder; call `refresh` to pick up new ones."""

    def __init__(self, folder: Path):
        self.folder, self.names, self.pictures, self.labels, self.starts = Path(folder), [], [], [], [0]
        self.refresh()

    def refresh(self) -> int:
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            name = path.stem
            if name in self.names or ".partial" in path.name:
                continue
            with np.load(path) as labels:
                self.labels.append({key: labels[key] for key in labels.files})
            self.pictures.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
            self.names.append(name)
            self.starts.append(self.starts[-1] + len(self.pictures[-1]))
        return self.starts[-1]

    def __len__(self) -> int:
        return self.starts[-1]

    def get(self, index: int):
        shard = int(np.searchsorted(self.starts, index, "right")) - 1
        i = index - self.starts[shard]
        labels = self.labels[shard]
        return self.pictures[shard][i], {key: value[i] for key, value in labels.items()}


def tight_corners() -> np.ndarray:
    """Where the reader's crop lies in a stored frame, whose margins are wider."""
    bx, by = W * camera.MARGIN_X / (1 + 2 * camera.MARGIN_X), H * camera.MARGIN_Y / (1 + 2 * camera.MARGIN_Y)
    x0, y0, wide, high = PX + bx, PY + by, W - 2 * bx, H - 2 * by
    mx, my = camera.TIGHT_X * wide / (1 - 2 * camera.TIGHT_X), camera.TIGHT_Y * high / (1 - 2 * camera.TIGHT_Y)
    return np.float32([[x0 - mx, y0 - my], [x0 + wide + mx, y0 - my], [x0 + wide + mx, y0 + high + my], [x0 - mx, y0 + high + my]])


def plain_crops(pictures: np.ndarray) -> torch.Tensor:
    """Stored frames cut without jitter, as the reader's input."""
    matrix = cv2.getPerspectiveTransform(tight_corners(), TARGET)
    cut = np.stack([cv2.warpPerspective(np.asarray(picture), matrix, (W, H), flags=cv2.INTER_LINEAR) for picture in pictures])
    return torch.from_numpy(cut).permute(0, 3, 1, 2).float()
