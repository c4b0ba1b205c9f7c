"""Put textured, shaded quads into a picture, far ones first.

The canvas is 8-bit BGR. Beside it an optional map of owners tells, once all is
drawn, how much of each plate something nearer has covered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

SHIFT = 4  # sub-pixel bits of OpenCV's polygon filler


def pyramid(texture: np.ndarray) -> list[np.ndarray]:
    """The texture at full, half, quarter ... size, for drawing without aliasing."""
    levels = [texture]
    while min(levels[-1].shape[:2]) > 12:
        h, w = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], (max(2, w // 2), max(2, h // 2)), interpolation=cv2.INTER_AREA))
    return levels


@dataclass
class Face:
    """A flat textured piece: four corners in the world, top-left first, clockwise."""

    corners: np.ndarray  # 4 x 3
    texture: list[np.ndarray]  # pyramid, BGR or BGRA uint8
    two_sided: bool = False
    glow: float = 0.0  # how much of the light is its own (retro-reflection, lamps)
    plate: int | None = None  # vehicle number when this is a plate
    grow: float = 0.6  # px added all round against hairlines between faces
    tag: str = ""
    normal: np.ndarray = field(default=None)  # type: ignore[assignment]

    def __post_init__(self):
        c = self.corners
        n = np.cross(c[1] - c[0], c[3] - c[0])
        # Texture runs right and down as seen from outside, so this points outwards.
        self.normal = -n / (np.linalg.norm(n) + 1e-9)


def grown(quad: np.ndarray, by: float) -> np.ndarray:
    """The quad with every corner pushed away from its centre by `by` px."""
    centre = quad.mean(0)
    out = quad - centre
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return centre + out * (1 + by / np.maximum(length, 1e-3))


def quad_mask(shape: tuple[int, int], quad: np.ndarray) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    pts = np.round((quad) * (1 << SHIFT)).astype(np.int32)
    cv2.fillConvexPoly(mask, pts, 255, cv2.LINE_AA, SHIFT)
    return mask


def draw_quad(
    canvas: np.ndarray,
    quad: np.ndarray,
    levels: list[np.ndarray],
    gain: float = 1.0,
    offset: float = 0.0,
    grow: float = 0.6,
    blur: float = 0.0,
    add: bool = False,
) -> None:
    """Draw a texture onto the canvas; `quad` is its corners in canvas px.

    `gain` scales colours (light), `blur` softens (defocus), `add` adds light
    instead of covering.
    """
    h, w = canvas.shape[:2]
    pad = 2 + 2 * blur
    x0, y0 = np.floor(quad.min(0) - pad).astype(int)
    x1, y1 = np.ceil(quad.max(0) + pad).astype(int) + 1
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(w, x1), min(h, y1)
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    local = quad - [x0, y0]
    top = max(np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[2] - quad[3]), 1.0)
    side = max(np.linalg.norm(quad[3] - quad[0]), np.linalg.norm(quad[2] - quad[1]), 1.0)
    shrink = min(levels[0].shape[1] / top, levels[0].shape[0] / side)
    level = 0
    while shrink > 1.6 and level + 1 < len(levels):
        shrink /= 2
        level += 1
    texture = levels[level]
    th, tw = texture.shape[:2]
    source = np.float32([[-0.5, -0.5], [tw - 0.5, -0.5], [tw - 0.5, th - 0.5], [-0.5, th - 0.5]])
    matrix = cv2.getPerspectiveTransform(source, local.astype(np.float32))
    size = (x1 - x0, y1 - y0)
    warped = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = quad_mask((size[1], size[0]), grown(local, grow))
    if texture.shape[2] == 4:
        mask = cv2.multiply(mask, warped[..., 3], scale=1 / 255)
    colour = cv2.convertScaleAbs(warped if warped.shape[2] == 3 else cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), alpha=float(gain), beta=offset)
    if blur > 0.2:
        mask, colour = cv2.GaussianBlur(mask, (0, 0), blur), cv2.GaussianBlur(colour, (0, 0), blur)
    under = canvas[y0:y1, x0:x1]
    if add:
        under[:] = cv2.add(under, cv2.multiply(colour, cv2.merge([mask] * 3), scale=1 / 255))
        return
    # Wholly covered pixels are copied; the edges are mixed in whole numbers:
    # under + (colour - under) * mask / 256, fast and near enough.
    cv2.copyTo(colour, cv2.compare(mask, 255, cv2.CMP_EQ), under)
    rows, columns = np.nonzero(cv2.inRange(mask, 1, 254))
    if len(rows):
        a = mask[rows, columns].astype(np.int32)[:, None]
        a += a >> 7
        old = under[rows, columns].astype(np.int32)
        under[rows, columns] = (old + ((colour[rows, columns].astype(np.int32) - old) * a >> 8)).astype(np.uint8)
