"""The pinhole camera of a clip: where a point of the world falls on the picture.

World axes in metres: X to the right, Y along the road, Z up. The camera looks
along +Y, tilted by `pitch` (positive looks down), turned by `yaw` (positive to
the right) and leaning by `roll`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np

NEAR = 0.8  # metres; faces with a corner nearer than this are not drawn


@dataclass(frozen=True)
class Lens:
    """Position, direction and focal length (px) of the camera."""

    focal: float
    x: float = 0.0
    y: float = 0.0
    z: float = 4.5
    pitch: float = 0.15
    yaw: float = 0.0
    roll: float = 0.0
    width: int = 1920
    height: int = 1080

    def moved(self, **changes) -> "Lens":
        return replace(self, **changes)

    def rotation(self) -> np.ndarray:
        """Rows are the camera's axes (right, down, forward) in world coordinates."""
        sy, cy = math.sin(self.yaw), math.cos(self.yaw)
        sp, cp = math.sin(self.pitch), math.cos(self.pitch)
        forward = np.array([sy * cp, cy * cp, -sp])
        right = np.array([cy, -sy, 0.0])
        down = np.cross(forward, right)
        sr, cr = math.sin(self.roll), math.cos(self.roll)
        return np.stack([cr * right + sr * down, -sr * right + cr * down, forward])

    @functools.lru_cache(maxsize=64)
    def matrix(self) -> np.ndarray:
        """3 x 4 projection from homogeneous world points."""
        k = np.array([[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1]])
        r = self.rotation()
        return k @ np.hstack([r, (-r @ np.array([self.x, self.y, self.z]))[:, None]])

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (n x 2) and depth (n) of world points (n x 3)."""
        p = self.matrix()
        h = np.asarray(points, np.float64) @ p[:, :3].T + p[:, 3]
        depth = h[:, 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        return h[:, :2] / safe[:, None], depth

    def ground(self, scale: float, left: float, top: float, z: float = 0.0) -> np.ndarray:
        """Homography from a ground texture (px) to the picture.

        The texture's pixel (u, v) lies at X = left + u / scale, Y = top - v / scale.
        """
        p = self.matrix()
        plane = np.array(
            [[1 / scale, 0, left], [0, -1 / scale, top], [0, 0, z], [0, 0, 1]], np.float64
        )
        return p @ plane
