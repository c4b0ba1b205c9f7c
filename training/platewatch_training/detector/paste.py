"""Putting a plate or bait into a picture: where its corners fall, and in what light."""

from __future__ import annotations

import math
import random

import cv2
import numpy as np


def quad_for(rng: random.Random, width: float, ratio: float) -> np.ndarray:
    """A plate outline of about `width` px seen from somewhere, around the origin."""
    height = width / ratio
    yaw = max(-1.1, min(1.1, rng.gauss(0, 0.42)))
    k = math.cos(yaw)
    skew = math.tan(yaw) * rng.uniform(-0.35, 0.35) * width * 0.3
    far = rng.uniform(0.86, 1.0)
    q = np.float32([[0, 0], [width * k, skew], [width * k, skew + height * far], [0, height]])
    if rng.random() < 0.5:  # the near side may be the right one
        q = np.float32([[0, skew], [width * k, 0], [width * k, height], [0, skew + height * far]])
    angle = rng.gauss(0, 0.07 if (draw := rng.random()) < 0.85 else 0.25 if draw < 0.95 else 0.5)
    turn = np.float32([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return ((q - q.mean(0)) @ turn).astype(np.float32)


def bumper(canvas: np.ndarray, levels: list[np.ndarray], target: np.ndarray, rng: random.Random) -> None:
    """What the plate hangs on, nearly of its own colour and wider than it: chrome, pale paint, a lit frame.

    Edges that hardly show must not let a plate grow to the proportions that most plates have.
    """
    centre, along, down = target.mean(0), (target[1] - target[0]) / 2, (target[3] - target[0]) / 2
    wide, high = rng.uniform(1.2, 2.6), rng.uniform(1.1, 1.9)
    corners = np.float32([centre + wide * x * along + high * y * down for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    x0, y0 = np.maximum(0, np.floor(corners.min(0)).astype(int))
    x1, y1 = np.minimum([canvas.shape[1], canvas.shape[0]], np.ceil(corners.max(0)).astype(int))
    if x1 - x0 < 4 or y1 - y0 < 4:
        return
    small = levels[-1][..., :3].reshape(-1, 3).astype(np.float32)
    paint = np.percentile(small, rng.uniform(30, 90), axis=0) * rng.uniform(0.7, 1.1)
    area = canvas[y0:y1, x0:x1]
    ramp = np.linspace(rng.uniform(0.75, 1.15), rng.uniform(0.75, 1.15), y1 - y0, dtype=np.float32)[:, None, None]
    mask = np.zeros(area.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.int32(corners - [x0, y0]), rng.uniform(0.6, 1.0))
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 2.5))[..., None]
    area[:] = np.clip(area + mask * (paint * ramp - area), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:  # a recess: its rim is seen better than the plate's own edge
        rim = np.zeros(area.shape[:2], np.float32)
        cv2.polylines(rim, [np.int32(corners - [x0, y0])], True, rng.uniform(0.3, 0.9), max(1, round(rng.uniform(0.02, 0.08) * float(np.linalg.norm(down)) * 2)))
        upper = np.linspace(rng.uniform(0.5, 1.0), rng.uniform(0.0, 0.8), y1 - y0, dtype=np.float32)[:, None]  # deepest in shadow above
        rim = (cv2.GaussianBlur(rim, (0, 0), rng.uniform(0.5, 1.5)) * upper)[..., None]
        area[:] = np.clip(area * (1 - rim * rng.uniform(0.4, 1.0)), 0, 255).astype(np.uint8)


def blend(canvas: np.ndarray, levels: list[np.ndarray], source: np.ndarray, target: np.ndarray, rng: random.Random, lit: float = 0.6) -> None:
    """Warp a picture so that `source` lands on `target`, in the light of its surroundings.

    `levels` are BGR or BGRA, uint8, each half as large as the one before; `canvas` uint8 BGR.
    """
    height, width = canvas.shape[:2]
    scale = np.linalg.norm(target[1] - target[0]) / max(1.0, np.linalg.norm(source[1] - source[0]))
    image = levels[int(np.clip(math.floor(math.log2(1 / max(scale, 1e-3)) + 0.35), 0, len(levels) - 1))]
    shrink = image.shape[1] / levels[0].shape[1]
    matrix = cv2.getPerspectiveTransform((source * shrink).astype(np.float32), target.astype(np.float32))
    h, w = image.shape[:2]
    outline = cv2.perspectiveTransform(np.float32([[[0, 0], [w, 0], [w, h], [0, h]]]), matrix)[0]
    x0, y0 = np.maximum(0, np.floor(outline.min(0)).astype(int) - 3)
    x1, y1 = np.minimum([width, height], np.ceil(outline.max(0)).astype(int) + 3)
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    shift = np.float64([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]]) @ matrix
    size = (int(x1 - x0), int(y1 - y0))
    alpha = image[..., 3] if image.shape[2] == 4 else np.full((h, w), 255, np.uint8)
    warped = cv2.warpPerspective(np.ascontiguousarray(image[..., :3]), shift, size, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    mask = cv2.warpPerspective(np.ascontiguousarray(alpha), shift, size).astype(np.float32) / 255
    area = canvas[y0:y1, x0:x1]
    around = area.reshape(-1, 3).mean(0)
    gain = rng.uniform(0.3, 1.15) * float(np.clip(around.mean() / 118, 0.3, 1.35)) if rng.random() < lit else rng.uniform(0.25, 1.25)
    cast = np.float32([1, 1, 1])
    if rng.random() < 0.6:  # the surroundings' colour cast
        cast = 0.45 + 0.55 * (around + 12) / (around.mean() + 12)
    warped = warped * (gain * cast).astype(np.float32) + rng.uniform(-6, 22)
    if rng.random() < 0.25:  # a shadow's edge across it
        ramp = np.linspace(rng.uniform(0.4, 1), 1, size[0], dtype=np.float32)
        warped *= (ramp if rng.random() < 0.5 else (ramp > 0.7) * np.float32(0.4) + 0.6)[None, :, None]
    blur = rng.choice([0, 0, 0, 0.5, 0.8, 1.2])
    if blur:
        warped, mask = cv2.GaussianBlur(warped, (0, 0), blur), cv2.GaussianBlur(mask, (0, 0), blur)
    mask = cv2.GaussianBlur(mask, (3, 3), 0.5)[..., None]
    area[:] = np.clip(area + mask * (warped - area), 0, 255).astype(np.uint8)


def transplant(canvas: np.ndarray, level: np.ndarray, box: np.ndarray, target: np.ndarray, rng: random.Random) -> None:
    """Put a real plate with a little of its surroundings where `target` (a box) is."""
    span = box[2:] - box[:2]
    grow = np.array([0.12 * span[0], 0.25 * span[1]])
    k = (target[2:] - target[:2]) / span
    x0, y0 = np.maximum(0, np.floor(target[:2] - grow * k)).astype(int)
    x1, y1 = np.minimum([canvas.shape[1], canvas.shape[0]], np.ceil(target[2:] + grow * k)).astype(int)
    if x1 - x0 < 4 or y1 - y0 < 3:
        return
    matrix = np.float32([[k[0], 0, target[0] - x0 - k[0] * box[0]], [0, k[1], target[1] - y0 - k[1] * box[1]]])
    warped = cv2.warpAffine(level, matrix, (int(x1 - x0), int(y1 - y0)), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    grow = np.maximum(grow * k, 1.5)
    near = lambda v, a, b, g: np.clip(1 - np.maximum(a - v, v - b) / g, 0, 1)
    mask = (near(xs, target[0], target[2], grow[0]) * near(ys, target[1], target[3], grow[1]))[..., None]
    area = canvas[y0:y1, x0:x1]
    gain = rng.uniform(0.7, 1.2)
    area[:] = np.clip(area + mask * (warped * gain - area), 0, 255).astype(np.uint8)
