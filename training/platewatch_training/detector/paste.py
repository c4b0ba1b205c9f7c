"""Things put into real pictures: rendered plates with known corners, and bait without."""

from __future__ import annotations

import math
import random

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .. import plates
from ..plates import fonts

WORDS = """NO PARKING TAXI POLITIE POLICE EXIT OPEN SALE TOYOTA AMBULANCE BAKKERIJ GARAGE STOP ZONE TURBO 4X4 SPORT DIESEL
HYBRID LOGISTICS EXPRESS TRANSPORT RENT A CAR SERVICE SCHOOL BUS PIZZA HOTEL CAFE AUTO SHOP RACING TEAM BAR MARKET KEBAB""".split()


class Pool:
    """A stock of rendered plates, renewed bit by bit while it is used."""

    def __init__(self, rng: random.Random, size: int):
        self.rng = rng
        self.stock = []
        while len(self.stock) < size:
            self.stock.append(self.fresh())

    def fresh(self):
        while True:
            plate = plates.render_plate(self.rng)
            image = np.clip(plate.image, 0, 255).astype(np.uint8)[..., ::-1]
            if image.shape[1] < 1400:
                half = [np.ascontiguousarray(image)]
                for _ in range(3):
                    half.append(cv2.resize(half[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
                return half, plate.quad.astype(np.float32)

    def draw(self):
        k = self.rng.randrange(len(self.stock))
        if self.rng.random() < 0.15:
            self.stock[k] = self.fresh()
        return self.stock[k]


def quad_for(rng: random.Random, width: float, ratio: float) -> np.ndarray:
    """A plate outline of about `width` px seen from somewhere, around the origin."""
    height = width / ratio
    yaw = rng.gauss(0, 0.42)
    yaw = max(-1.1, min(1.1, yaw))
    k = math.cos(yaw)
    skew = math.tan(yaw) * rng.uniform(-0.35, 0.35) * width * 0.3
    far = rng.uniform(0.88, 1.0)
    q = np.float32([[0, 0], [width * k, skew], [width * k, skew + height * far], [0, height]])
    angle = rng.gauss(0, 0.08) if rng.random() < 0.85 else rng.gauss(0, 0.25)
    turn = np.float32([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return ((q - q.mean(0)) @ turn).astype(np.float32)


def blend(canvas: np.ndarray, levels, source: np.ndarray, target: np.ndarray, rng: random.Random, lit: bool) -> None:
    """Warp a picture so that `source` lands on `target`, lit like its surroundings."""
    height, width = canvas.shape[:2]
    scale = np.linalg.norm(target[1] - target[0]) / max(1.0, np.linalg.norm(source[1] - source[0]))
    level = int(np.clip(math.floor(math.log2(1 / max(scale, 1e-3)) + 0.35), 0, len(levels) - 1))
    image = levels[level]
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
    warped = cv2.warpPerspective(image, shift, size, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), shift, size).astype(np.float32) / 255
    area = canvas[y0:y1, x0:x1]
    around = float(area.mean())
    gain = rng.uniform(0.3, 1.15) * float(np.clip(around / 118, 0.35, 1.35)) if lit else rng.uniform(0.25, 1.2)
    if rng.random() < 0.6:  # the surroundings' colour cast
        cast = area.reshape(-1, 3).mean(0) + 12
        warped *= 0.45 + 0.55 * cast / cast.mean()
    warped = warped * gain + rng.uniform(-6, 22)
    blur = rng.choice([0, 0, 0, 0.5, 0.8, 1.2])
    if blur:
        warped, mask = cv2.GaussianBlur(warped, (0, 0), blur), cv2.GaussianBlur(mask, (0, 0), blur)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.5)[..., None]
    area += mask * (warped - area)


def lettering(rng: random.Random) -> np.ndarray:
    """A board or sticker with words: what a detector must leave alone."""
    files = sorted(fonts.font_files().values())
    text = " ".join(rng.sample(WORDS, rng.choice([1, 1, 2]))) if rng.random() < 0.8 else f"{rng.randint(2010, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:07"
    if rng.random() < 0.4:
        text = text.title()
    font = ImageFont.truetype(rng.choice(files), 64)
    box = font.getbbox(text)
    pad_x, pad_y = rng.randint(4, 60), rng.randint(4, 40)
    ink = tuple(rng.randint(0, 255) for _ in range(3)) if rng.random() < 0.5 else rng.choice([(20, 20, 20), (245, 245, 245), (30, 30, 180)])
    paper = tuple(rng.randint(0, 255) for _ in range(3))
    image = Image.new("RGB", (box[2] - box[0] + 2 * pad_x, box[3] - box[1] + 2 * pad_y), paper)
    ImageDraw.Draw(image).text((pad_x - box[0], pad_y - box[1]), text, font=font, fill=ink)
    return np.array(image)


def grille(rng: random.Random) -> np.ndarray:
    """Bars and slots in a frame, another thing taken for a plate."""
    h, w = rng.randint(40, 90), rng.randint(120, 320)
    base = rng.randint(10, 200)
    im = np.full((h, w, 3), base, np.uint8)
    step = rng.randint(6, 26)
    tone = [int(np.clip(base + rng.choice([-1, 1]) * rng.randint(40, 150), 0, 255))] * 3
    for k in range(rng.randint(0, step), w if rng.random() < 0.6 else h, step):
        if rng.random() < 0.9:
            end = ((k, 0), (k, h)) if rng.random() < 0.97 and w > h else ((0, k), (w, k))
            cv2.line(im, *end, tone, max(1, step // 3))
    return im


def bait(rng: random.Random) -> tuple[list[np.ndarray], np.ndarray]:
    image = lettering(rng) if rng.random() < 0.75 else grille(rng)
    h, w = image.shape[:2]
    levels = [image]
    for _ in range(3):
        levels.append(cv2.resize(levels[-1], (max(2, levels[-1].shape[1] // 2), max(2, levels[-1].shape[0] // 2)), interpolation=cv2.INTER_AREA))
    return levels, np.float32([[0, 0], [w, 0], [w, h], [0, h]])
