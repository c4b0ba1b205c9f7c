"""What a clip shows: a scene answers for its lens, its background and its traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

import cv2
import numpy as np

from .lens import Lens
from .raster import Face, draw_quad
from .traffic import Mover


@dataclass
class Light:
    """Sun and sky as gains on colours."""

    ambient: float = 0.66
    up: float = 0.16
    sun: float = 0.42
    direction: tuple[float, float, float] = (-0.45, -0.6, 0.66)  # towards the sun
    shadow: float = 0.5

    def gain(self, normal: np.ndarray) -> float:
        d = np.array(self.direction)
        return self.ambient + self.up * max(0.0, normal[2]) + self.sun * max(0.0, float(normal @ (d / np.linalg.norm(d))))


@dataclass
class Scene:
    name: str
    seed: int
    seconds: float
    exposure: float
    lens_at: Callable[[float], Lens]
    movers: list[Mover]
    light: Light
    night: bool = False
    osd: str = ""
    start: str = "2026-09-14 15:42:07"
    ground: list[tuple[np.ndarray, float, float, float, float, float]] = field(default_factory=list)
    # texture, scale, left, top, near Y, far Y
    sky: np.ndarray | None = None
    props: list[Face] = field(default_factory=list)
    still: bool = True  # the background does not change
    noise: float = 1.6
    haze: float = 0.0
    fps: int = 25
    shaking: bool = False  # a fixed camera that only turns: the background is turned with it
    beside: bool = False  # the camera stands beside the road: vehicles in near lanes cover far ones
    optics: bool = False  # soften and sharpen as a real lens and its camera do
    rain: bool = False
    person: bool = False  # truth says what a person can read (`reading.py`), not the older width rule
    least_px: int = 12  # plates narrower than this are not in the truth


def paint_background(scene: Scene, lens: Lens, factor: int = 1) -> np.ndarray:
    """Sky, ground and props as the lens sees them, `factor` times oversampled."""
    big = lens.moved(focal=lens.focal * factor, width=lens.width * factor, height=lens.height * factor)
    h, w = big.height, big.width
    canvas = np.empty((h, w, 3), np.uint8)
    horizon, _ = big.project(np.array([[lens.x + 1e5 * np.sin(lens.yaw), lens.y + 1e5 * np.cos(lens.yaw), lens.z]]))
    hy = float(horizon[0, 1])
    sh, sw = scene.sky.shape[:2]
    stretch = max(1.0, 1.25 * w / sw) if factor > 1 else 1.0
    move = np.float32([[stretch, 0, w / 2 - stretch * sw / 2 - big.focal * lens.yaw], [0, stretch, hy - stretch * sh]])
    cv2.warpAffine(scene.sky, move, (w, h), dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    for texture, scale, left, top, near, far in scene.ground:
        matrix = big.ground(scale, left, top)
        span = []
        for y in (far, near):
            p, depth = big.project(np.array([[lens.x, lens.y + y, 0.0]]))
            span.append(float(p[0, 1]) if depth[0] > 0.5 else float(h))
        y0, y1 = int(np.clip(span[0] - 2, 0, h)), int(np.clip(span[1], 0, h))
        if y1 <= y0:
            continue
        shift = np.array([[1, 0, 0], [0, 1, -y0], [0, 0, 1]], np.float64)
        part = cv2.warpPerspective(texture, shift @ matrix, (w, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # Fade into the coarser texture behind over some rows.
        fading = int(np.clip(max(6.0, 0.12 * (span[1] - span[0])), 1, y1 - y0))
        fade = np.linspace(0, 1, fading, dtype=np.float32)[:, None, None]
        canvas[y0 : y0 + fading] = (canvas[y0 : y0 + fading] * (1 - fade) + part[:fading] * fade).astype(np.uint8)
        canvas[y0 + fading : y1] = part[fading:]
    items = []
    for face in scene.props:
        pixels, depth = big.project(face.corners)
        if depth.min() < 0.8 or depth.min() > 400:
            continue
        items.append((float(depth.mean()), pixels, face))
    for depth, pixels, face in sorted(items, key=lambda i: -i[0]):
        gain = 1.0 if face.glow else min(1.1, scene.light.gain(face.normal) + 0.1)
        draw_quad(canvas, pixels, face.texture, gain)
    if factor > 1:
        canvas = cv2.resize(canvas, (lens.width, lens.height), interpolation=cv2.INTER_AREA)
    return canvas


class Surround:
    """The background of a camera that only turns: painted once with a margin, then turned."""

    MARGIN = 1.14

    def __init__(self, scene: Scene, lens: Lens):
        self.wide = lens.moved(width=round(lens.width * self.MARGIN), height=round(lens.height * self.MARGIN))
        self.picture = paint_background(scene, self.wide, 2)

    def seen_by(self, lens: Lens) -> np.ndarray:
        inner = lambda l: np.array([[l.focal, 0, l.width / 2], [0, l.focal, l.height / 2], [0, 0, 1]])
        turn = inner(lens) @ lens.rotation() @ self.wide.rotation().T @ np.linalg.inv(inner(self.wide))
        return cv2.warpPerspective(self.picture, turn, (lens.width, lens.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def shadow_texture() -> list[np.ndarray]:
    im = np.zeros((96, 96, 4), np.uint8)
    cv2.rectangle(im, (16, 12), (80, 84), (16, 15, 15, 255), -1)
    im = cv2.GaussianBlur(im, (0, 0), 6)
    im[..., :3] = (16, 15, 15)
    return [im, cv2.resize(im, (48, 48), interpolation=cv2.INTER_AREA), cv2.resize(im, (24, 24), interpolation=cv2.INTER_AREA)]


SHADOW = shadow_texture()


def draw_shadow(canvas: np.ndarray, mover: Mover, lens: Lens, light: Light, t: float) -> None:
    """A soft dark patch below, and a longer one away from the sun."""
    v = mover.vehicle
    for strength, reach in ((0.85, 0.0), (light.shadow, 0.55 * v.height)):
        if strength <= 0:
            continue
        a, b = v.width / 2 * 1.5, v.length / 2 * 1.32
        local = np.array([[-a, b, 0], [a, b, 0], [a, -b, 0], [-a, -b, 0]])
        world = mover.place(local, t)
        world[:, 0] -= np.sign(light.direction[0]) * reach * 0.6
        world[:, 1] -= np.sign(light.direction[1]) * reach * 0.5
        pixels, depth = lens.project(world)
        if depth.min() < 0.8:
            continue
        faded = [level.copy() for level in SHADOW]
        for level in faded:
            level[..., 3] = (level[..., 3] * strength).astype(np.uint8)
        draw_quad(canvas, pixels, faded, grow=0.0)
