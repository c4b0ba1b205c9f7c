"""A camera in about a millisecond: clean stored plates to reader crops, on the fly.

The same physics as `platewatch_training.camera` (viewpoint, light, weather,
lens, sensor, compression, imperfect corners), but on bytes, with look-up tables
and ready-made noise, straight from the clean plate to the crop.  Each clean
plate so gives as many different pictures as there is time for.  Real crops go
through the second half of it (`respoil`).
"""

from __future__ import annotations

import math
import random
from pathlib import Path

import cv2
import numpy as np

from .. import camera
from .render import NOTHING, READABLE, UNREADABLE, signboard_on
from .signs import board
from .surroundings import Surroundings

W, H = camera.CROP_WIDTH, camera.CROP_HEIGHT
RAMP = np.arange(256, dtype=np.float32)
MX, MY = W * camera.TIGHT_X, H * camera.TIGHT_Y
TARGET = np.float32([[MX, MY], [W - MX, MY], [W - MX, H - MY], [MX, H - MY]])
UNSURE = 2  # may or may not be readable: no label for that head


class CleanPlates:
    """All complete shards of clean plates in a folder."""

    def __init__(self, folder: Path):
        self.folder, self.names, self.pixels, self.labels, self.index = Path(folder), set(), [], [], []
        self.refresh()

    def refresh(self) -> int:
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            if path.stem in self.names or ".partial" in path.name:
                continue
            with np.load(path) as labels:
                self.labels.append({key: labels[key] for key in labels.files})
            self.pixels.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
            self.index += [(len(self.pixels) - 1, i) for i in range(len(self.labels[-1]["texts"]))]
            self.names.add(path.stem)
        return len(self.index)

    def get(self, number: int):
        """(picture, corners, boxes of characters, label) of one plate."""
        shard, i = self.index[number]
        label = self.labels[shard]
        start, end = label["starts"][i], label["starts"][i + 1]
        image = self.pixels[shard][start:end].reshape(*label["sizes"][i], 3)
        boxes = label["boxes"][i]
        boxes = boxes[boxes[:, 0] >= 0]
        return image, label["quads"][i], boxes, {"text": str(label["texts"][i]), "country": int(label["country"][i]), "lines": int(label["lines"][i])}


def apply_table(image, gains, contrast: float, shift: float, middle: float = 110.0, gamma: float = 1.0):
    """Contrast around `middle`, brightness, gamma and colour in one look-up."""
    ramp = RAMP if gamma == 1.0 else 255 * (RAMP / 255) ** gamma
    table = ((ramp - middle) * contrast + middle + shift)[:, None] * np.float32(gains)
    return cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8).reshape(256, 1, 3))


def grey(image, rng):
    weights = np.float32([rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.6), rng.uniform(0.05, 0.2)])
    return cv2.transform(image, np.repeat((weights / weights.sum())[None], 3, 0))


def motion_kernel(rng, length: float) -> np.ndarray:
    size = int(math.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    angle = rng.choice([0.0, 0.0, rng.gauss(0, 0.3), rng.uniform(0, math.pi)])
    middle = size // 2
    dx, dy = math.cos(angle) * (length - 1) / 2, math.sin(angle) * (length - 1) / 2
    cv2.line(kernel, (round(middle - dx), round(middle - dy)), (round(middle + dx), round(middle + dy)), 1.0, 1)
    return kernel / max(1e-6, float(kernel.sum()))


def jpeg(image, quality: int):
    return cv2.imdecode(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], cv2.IMREAD_COLOR)


class Camera:
    """Takes pictures; one per process, as it holds noise and surroundings."""

    LEVELS = (2, 3, 5, 8, 12)

    def __init__(self, seed: int, pictures: int = 150):
        self.rng = random.Random(seed)
        generator = np.random.default_rng(seed)
        self.surroundings = Surroundings(seed, pictures)
        self.noise = {}
        for colour in (False, True):
            for level in self.LEVELS:
                field = generator.standard_normal((420, 560, 3 if colour else 1), np.float32) * level
                if not colour:
                    field = np.repeat(field, 3, 2)
                coarse = cv2.GaussianBlur(field, (0, 0), 0.8) * 1.9
                self.noise[colour, level] = [np.round(f).astype(np.int16) for f in (field, coarse)]
        y, x = np.mgrid[-2:2:64j, -2:2:64j]
        self.spot = np.exp(-(x**2 + y**2) * 2).astype(np.float32)

    def background(self, width: int, height: int) -> np.ndarray:
        rng = self.rng
        if rng.random() < 0.7:
            return self.surroundings.bytes(width, height)
        base = [rng.uniform(0, 230)] * 3 if rng.random() < 0.6 else [rng.uniform(0, 255) for _ in range(3)]
        coarse = np.clip(np.float32(base) + np.float32([[[rng.gauss(0, 22)] * 3 for _ in range(3)] for _ in range(3)]), 0, 255)
        return cv2.resize(coarse.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)

    def add_noise(self, image, level: int):
        rng = self.rng
        field = self.noise[rng.random() < 0.5, level][rng.random() < 0.35]
        h, w = image.shape[:2]
        if h > field.shape[0] or w > field.shape[1]:
            return image
        y, x = rng.randint(0, field.shape[0] - h), rng.randint(0, field.shape[1] - w)
        return cv2.add(image, field[y : y + h, x : x + w], dtype=cv2.CV_8U)

    # The scene: light, weather ------------------------------------------------

    def shadow(self, scene, cap):
        """A hard or soft edge of shade across the plate."""
        rng, (h, w) = self.rng, scene.shape[:2]
        mask = np.full((h, w), 255, np.uint8)
        points = np.array([[rng.randint(-w // 2, w), rng.randint(-h, 2 * h)] for _ in range(4)])
        cv2.fillConvexPoly(mask, cv2.convexHull(points), int(255 * rng.uniform(0.35, 0.75)))
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, cap * rng.uniform(0.02, 0.25)))
        return cv2.multiply(scene, cv2.merge([mask] * 3), scale=1 / 255)

    def dirt(self, plate, cap):
        """Specks, smears and a film of dust on the plate itself."""
        rng, (h, w) = self.rng, plate.shape[:2]
        plate = plate.copy()
        colour = (rng.uniform(50, 140), rng.uniform(50, 130), rng.uniform(40, 120))
        layer = plate.copy()
        for _ in range(rng.randint(1, 7)):
            cv2.circle(layer, (rng.randint(0, w), rng.randint(0, h)), max(1, int(cap * rng.uniform(0.02, 0.13))), colour, -1)
        if rng.random() < 0.4:
            film = np.uint8([[rng.randint(0, 110) for _ in range(8)] for _ in range(4)])
            film = cv2.merge([cv2.resize(film, (w, h), interpolation=cv2.INTER_LINEAR)] * 3)
            layer = cv2.add(cv2.multiply(layer, 255 - film, scale=1 / 255), film // 3)
        share = rng.uniform(0.3, 0.85)
        return cv2.addWeighted(layer, share, plate, 1 - share, 0)

    def glare(self, scene):
        rng, (h, w) = self.rng, scene.shape[:2]
        if rng.random() < 0.5:
            bright = cv2.GaussianBlur(cv2.subtract(scene, (140, 140, 140, 0)), (0, 0), max(0.6, w * rng.uniform(0.008, 0.03)))
            return cv2.addWeighted(scene, 1, bright, rng.uniform(0.3, 0.9), 0)
        size = max(6, int(w * rng.uniform(0.2, 0.9)))
        spot = cv2.resize(self.spot, (size, size)) * rng.uniform(40, 190)
        layer = np.zeros((h, w), np.float32)
        x, y = int(rng.uniform(-0.3, 1.1) * w - size / 4), int(rng.choice([rng.uniform(-0.5, 0.1), rng.uniform(0.6, 1.2), rng.uniform(0, 1)]) * h - size / 2)
        x0, y0, x1, y1 = max(0, x), max(0, y), min(w, x + size), min(h, y + size)
        if x1 > x0 and y1 > y0:
            layer[y0:y1, x0:x1] = spot[y0 - y : y1 - y, x0 - x : x1 - x]
        warm = (1, rng.uniform(0.85, 1), rng.uniform(0.7, 1))
        return cv2.add(scene, cv2.merge([layer * g for g in warm]), dtype=cv2.CV_8U)

    def rain(self, scene):
        rng, (h, w) = self.rng, scene.shape[:2]
        layer, slope = np.zeros((h, w, 3), np.uint8), rng.uniform(-0.3, 0.3)
        for _ in range(rng.randint(3, 14)):
            x, y, length = rng.randint(0, w), rng.randint(-5, h), rng.uniform(0.1, 0.35) * h
            cv2.line(layer, (x, y), (int(x + slope * length), int(y + length)), (rng.randint(15, 60),) * 3, 1)
        return cv2.add(scene, layer)

    def cast(self, image):
        """Colour of the light: dashcams at night, sodium lamps, bad white balance, grey cameras."""
        rng, style = self.rng, self.rng.random()
        if style < 0.2:
            return apply_table(image, [rng.uniform(1.0, 1.3), rng.uniform(0.45, 0.8), rng.uniform(0.55, 1.25)], 1, 0)
        if style < 0.35:
            return apply_table(image, [1.15, rng.uniform(0.75, 0.95), rng.uniform(0.4, 0.75)], 1, 0)
        if style < 0.6:
            return grey(image, rng)
        return apply_table(image, [rng.uniform(0.8, 1.2) for _ in range(3)], 1, 0)

    def lens(self, image, cap: float, harsh: float = 1.0):
        """Motion and defocus, at most a fraction of the character height `cap`."""
        rng = self.rng
        moving = rng.random() < (0.28 if cap > 13 else 0.15)
        if moving:
            length = min(17, max(2.0, cap * rng.uniform(0.06, 0.26) * harsh))
            image = cv2.filter2D(image, -1, motion_kernel(rng, length))
        if rng.random() < 0.5:
            sigma = min(cap * abs(rng.gauss(0, 0.055)), cap * 0.12) * (0.5 if moving else 1.0) * harsh
            if sigma > 0.2:
                image = cv2.GaussianBlur(image, (0, 0), sigma)
        return image

    def sensor(self, image, cap: float):
        rng = self.rng
        draw = rng.random()
        gamma = rng.uniform(0.6, 1.7) if draw < 0.2 else 1.0
        image = apply_table(image, [1.0] * 3, rng.uniform(0.45, 1.25), rng.uniform(-35, 35), rng.uniform(90, 140), gamma)
        level = rng.choice([0, 0, 2, 3, 3, 5, 8, 12])
        if level and (cap > 13 or level <= 5):
            image = self.add_noise(image, level)
        if rng.random() < 0.2:
            image = cv2.addWeighted(image, 1 + (a := rng.uniform(0.4, 1.4)), cv2.GaussianBlur(image, (0, 0), 1.0), -a, 0)
        if rng.random() < 0.5:
            image = jpeg(image, rng.randint(40 if cap < 14 else 22, 92))
        return image

    def twice(self, image, cap: float):
        """Scaled and compressed again after it was taken, as most published pictures are. Returns the picture and its scale."""
        rng = self.rng
        scale = rng.uniform(0.5, 1.6) if cap > 20 else rng.uniform(0.8, 1.6)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        return (jpeg(image, rng.randint(35, 92)) if rng.random() < 0.5 else image), scale

    # From plate to crop ---------------------------------------------------------

    def corners(self, corners: np.ndarray) -> np.ndarray:
        """What the detector would say: corners with errors, or only the upright box; a few times far off."""
        rng = self.rng
        boxed = rng.random() < 0.4
        if boxed:
            (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
            corners = np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        draw = rng.random()
        error = 0.02 if draw < 0.55 else 0.045 if draw < 0.9 else 0.08
        wide, high = float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[3] - corners[0]))
        sx, sy = error * wide, error * 1.6 * high
        left, right, top, bottom = rng.gauss(-0.006 * wide, sx), rng.gauss(0.006 * wide, sx), rng.gauss(-0.02 * high, sy), rng.gauss(0.02 * high, sy)
        shift = np.float32([[left, top], [right, top], [right, bottom], [left, bottom]])
        if not boxed:
            shift += np.float32([[rng.gauss(0, sx * 0.5), rng.gauss(0, sy * 0.6)] for _ in range(4)])
        return corners + shift

    def shoot(self, image, quad, boxes, lines: int, native: float | None = None, harsh: float = 1.0, move=None):
        """(crop, homography from the stored plate to the crop). `move` may shift the corners (cut-off plates)."""
        rng = self.rng
        longest = int(max(np.sum(boxes[:, 1] == line) for line in range(lines)))
        if native is None:
            floor = max(38.0, longest * 5.0 + 6)
            native = math.exp(rng.uniform(math.log(floor), math.log(250)))
        target = camera.viewpoint(rng, quad, native, 1.0)
        if lines == 1 and target[:, 1].max() > native * 1.1:
            target = camera.viewpoint(rng, quad, native, 0.3)
        pad = max(8, int(native * 0.2))
        target = target + pad
        width, height = int(target[:, 0].max()) + pad, int(target[:, 1].max()) + pad
        scale = native / float(quad[1, 0] - quad[0, 0])
        stored_cap = float(np.mean(boxes[:, 5] - boxes[:, 3]))
        cap = stored_cap * scale
        if rng.random() < 0.2:
            image = self.dirt(image, stored_cap)
        if rng.random() < 0.5:  # the plate is lit otherwise than the car
            image = apply_table(image, [1.0] * 3, rng.uniform(0.55, 1.0), rng.uniform(-40, 20), 128)
        shrunk = 1.0
        if scale < 0.8:
            shrunk = max(0.1, scale * 1.15)
            before = image.shape
            image = cv2.resize(image, (max(4, round(before[1] * shrunk)), max(4, round(before[0] * shrunk))), interpolation=cv2.INTER_AREA)
            fx, fy = image.shape[1] / before[1], image.shape[0] / before[0]
        else:
            fx = fy = 1.0
        aim = target.astype(np.float32).copy()
        if rng.random() < 0.08:  # a bent corner
            corner = rng.randrange(4)
            aim[corner] += (target.mean(0) - target[corner]) * rng.uniform(0.03, 0.12)
        matrix = cv2.getPerspectiveTransform(quad * np.float32([fx, fy]), aim)
        scene = self.background(width, height)
        if rng.random() < 0.2:  # night: a lit plate on a dark car
            scene = apply_table(scene, [1.0] * 3, rng.uniform(0.05, 0.4), 0, 0)
        scene = cv2.warpPerspective(image, matrix, (width, height), dst=scene, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
        to_scene = matrix @ np.diag([fx, fy, 1.0])
        if rng.random() < 0.15:
            scene = self.shadow(scene, cap)
        if rng.random() < 0.13:
            scene = self.glare(scene)
        if rng.random() < 0.05:
            scene = self.rain(scene)
        if rng.random() < 0.35:
            scene = self.cast(scene)
        if rng.random() < 0.08:  # haze, a washed-out plate
            share, tint = rng.uniform(0.15, 0.5), rng.uniform(170, 250)
            scene = apply_table(scene, [1.0, rng.uniform(0.85, 1), rng.uniform(0.85, 1)], 1 - share, 0, tint)
        scene = self.lens(scene, cap, harsh)
        scene = self.sensor(scene, cap)
        corners = target
        if rng.random() < 0.15:
            scene, again = self.twice(scene, cap)
            to_scene, corners = np.diag([again, again, 1.0]) @ to_scene, target * again
        corners = self.corners(np.float32(corners))
        if move is not None:
            corners = move(corners)
        return self.cut(scene, corners, to_scene)

    def cut(self, scene, corners, to_scene):
        """Lay the plate flat as the program does, large plates averaged down."""
        rng = self.rng
        cut = cv2.getPerspectiveTransform(np.float32(corners), TARGET)
        wide = float(np.linalg.norm(corners[1] - corners[0])) / (W - 2 * MX)
        high = float(np.linalg.norm(corners[3] - corners[0])) / (H - 2 * MY)
        factor = min(4, max(1, math.ceil(max(wide, high) - 0.25)))
        if factor > 1:
            crop = cv2.warpPerspective(scene, np.diag([factor, factor, 1.0]) @ cut, (W * factor, H * factor), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            crop = cv2.resize(crop, (W, H), interpolation=cv2.INTER_AREA)
        else:
            crop = cv2.warpPerspective(scene, cut, (W, H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        matrix = cut @ to_scene
        if rng.random() < 0.08:
            crop = self.curve(crop)
        return crop, matrix

    def curve(self, crop):
        """A plate bent around a bumper."""
        depth, middle = self.rng.uniform(-0.1, 0.1) * H, W * self.rng.uniform(0.35, 0.65)
        x, y = np.meshgrid(np.arange(W, dtype=np.float32), np.arange(H, dtype=np.float32))
        return cv2.remap(crop, x, y - depth * ((x - middle) / (W / 2)) ** 2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def rendered(self, plates: CleanPlates):
        """One training sample of a rendered plate: (crop, boxes, homography, label, purpose)."""
        rng, draw = self.rng, self.rng.random()
        if draw < 0.04:
            scale = (0.3, 4)
            return self.spoil(self.surroundings.bytes(W, H, scale)), None, None, None, NOTHING
        if draw < 0.06:
            return self.spoil(signboard_on(rng, self.surroundings.bytes(W, H), W, H)), None, None, None, NOTHING
        if draw < 0.095:
            image, quad, boxes = board(rng)
            return self.shoot(image, quad, boxes, 1, math.exp(rng.uniform(math.log(50), math.log(250))))[0], None, None, None, NOTHING
        image, quad, boxes, label = plates.get(rng.randrange(len(plates.index)))
        if draw < 0.115:  # too small or too blurred for anybody
            longest = int(max(np.sum(boxes[:, 1] == line) for line in range(label["lines"])))
            small = rng.random() < 0.5
            crop, matrix = self.shoot(image, quad, boxes, label["lines"], max(12.0, longest * rng.uniform(1.6, 2.6)) if small else 70.0)
            if not small:
                crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(5.0, 9))
            return crop, boxes, matrix, label, UNREADABLE
        move = None
        if draw < 0.17:  # a box that took only a part of the plate
            share, side = rng.uniform(0.12, 0.55), rng.random()

            def move(c, share=share, side=side):
                if side < 0.45:
                    return np.float32([c[0] + (c[1] - c[0]) * share, c[1], c[2], c[3] + (c[2] - c[3]) * share])
                if side < 0.9:
                    return np.float32([c[0], c[1] - (c[1] - c[0]) * share, c[2] - (c[2] - c[3]) * share, c[3]])
                if side < 0.95:  # upper or lower half only
                    return np.float32([c[0], c[1], c[2] + (c[1] - c[2]) * share, c[3] + (c[0] - c[3]) * share])
                return np.float32([c[0] + (c[3] - c[0]) * share, c[1] + (c[2] - c[1]) * share, c[2], c[3]])

        crop, matrix = self.shoot(image, quad, boxes, label["lines"], move=move)
        lost = self.lost(boxes, matrix)
        if 0.17 <= draw < 0.185 and lost < 0.1:  # something stands before it
            x0, wide = rng.randint(10, 110), rng.randint(22, 70)
            crop[:, x0 : x0 + wide] = cv2.resize(self.surroundings.bytes(16, 16), (wide, H))[:, : max(0, W - x0)] if x0 + wide <= W else 0
            return crop, boxes, matrix, label, UNREADABLE
        purpose = READABLE if lost < 0.18 else UNSURE if lost < 0.45 else UNREADABLE
        return crop, boxes, matrix, label, purpose

    @staticmethod
    def lost(boxes, matrix) -> float:
        """The largest share of a character that lies outside the crop."""
        points = boxes[:, [2, 3, 4, 3, 4, 5, 2, 5]].reshape(-1, 1, 2).astype(np.float64)
        points = cv2.perspectiveTransform(points, matrix).reshape(-1, 4, 2)
        low, high = points.min(1), points.max(1)
        size = np.maximum(high - low, 1e-3)
        out = (np.maximum(0 - low, 0) + np.maximum(high - [W, H], 0)) / size
        return float(out.max())

    def spoil(self, crop, strength: float = 1.0):
        """Cheap second helping for crops that are photographs already."""
        rng = self.rng
        if rng.random() < 0.35 * strength:
            draw = rng.random()
            if draw < 0.35:
                crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.4))
            elif draw < 0.75:
                factor = rng.uniform(0.35, 0.85)
                small = cv2.resize(crop, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
                crop = cv2.resize(small, (W, H), interpolation=cv2.INTER_LINEAR)
            else:
                crop = cv2.filter2D(crop, -1, motion_kernel(rng, rng.uniform(2, 6)))
        if rng.random() < 0.12:
            crop = self.shadow(crop, 20)
        if rng.random() < 0.08:
            crop = self.glare(crop)
        if rng.random() < 0.3:
            crop = self.cast(crop)
        gamma = rng.uniform(0.65, 1.5) if rng.random() < 0.25 else 1.0
        crop = apply_table(crop, [1.0] * 3, rng.uniform(0.55, 1.3), rng.uniform(-35, 35), rng.uniform(90, 140), gamma)
        if rng.random() < 0.3:
            crop = self.add_noise(crop, rng.choice([2, 3, 5, 8]))
        if rng.random() < 0.15:
            crop = jpeg(crop, rng.randint(30, 88))
        return crop

    def real(self, frame, pad_x: int, pad_y: int):
        """A real crop (stored with context) seen from a slightly other place in another light."""
        rng = self.rng
        # Stored frames show the box with the wider margins of `camera.crop_matrix`.
        bx, by = W * camera.MARGIN_X / (1 + 2 * camera.MARGIN_X), H * camera.MARGIN_Y / (1 + 2 * camera.MARGIN_Y)
        corners = np.float32([[pad_x + bx, pad_y + by], [pad_x + W - bx, pad_y + by], [pad_x + W - bx, pad_y + H - by], [pad_x + bx, pad_y + H - by]])
        wide, high = W - 2 * bx, H - 2 * by
        draw = rng.random()
        error = 0.015 if draw < 0.3 else 0.03 if draw < 0.8 else 0.05
        sx, sy = error * wide, error * 1.6 * high
        left, right, top, bottom = rng.gauss(0, sx), rng.gauss(0, sx), rng.gauss(0, sy), rng.gauss(0, sy)
        corners += np.float32([[left, top], [right, top], [right, bottom], [left, bottom]])
        corners += np.float32([[rng.gauss(0, sx * 0.6), rng.gauss(0, sy * 0.9)] for _ in range(4)])
        if rng.random() < 0.3:  # shear: the same plate from another side
            tilt = rng.gauss(0, 0.10) * high
            corners[[0, 3], 1] += tilt
            corners[[1, 2], 1] -= tilt
        matrix = cv2.getPerspectiveTransform(corners, TARGET)
        crop = cv2.warpPerspective(frame, matrix, (W, H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if rng.random() < 0.08:
            crop = self.curve(crop)
        return self.spoil(crop)
