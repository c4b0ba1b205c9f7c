"""What roads, weather and cameras do to a plate.

`photograph` takes a rendered plate, looks at it from somewhere, prints it into
surroundings at a native size of 40 to 240 px, spoils that picture, and cuts it
out again as the reader will get it: rectified from four imperfect corners, or
as the upright box around an oblique plate.

Degradations are deliberately mild and tied to the size of a character: a
person must be able to read nearly every sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .plates import Plate

CROP_WIDTH, CROP_HEIGHT = 160, 64  # what the reader sees
PAD_X, PAD_Y = 16, 8  # context kept around it on disk, so that training can move the crop
MARGIN_X, MARGIN_Y = 0.06, 0.12  # of the plate's width and height, on each side, of stored frames
TIGHT_X, TIGHT_Y = 0.0536, 0.0968  # of the crop's width and height, on each side, as the reader's card says


@dataclass
class Shot:
    """A photographed plate in a frame of (CROP + 2 PAD) pixels."""

    image: np.ndarray  # uint8 RGB
    chars: list[tuple[str, int, float, float, float, float]]  # char, line, left x y, right x y (middles of its sides)
    native_width: float
    boxed: bool


def transform(matrix: np.ndarray, points) -> np.ndarray:
    return cv2.perspectiveTransform(np.float32(points).reshape(1, -1, 2), matrix.astype(np.float64))[0]


def viewpoint(rng, quad: np.ndarray, native: float, oblique: float) -> np.ndarray:
    """Where the corners of the plate fall when it is seen from an angle, at `native` px width."""
    width, height = quad[1, 0] - quad[0, 0], quad[2, 1] - quad[1, 1]
    yaw, pitch, roll = (math.radians(rng.gauss(0, s * oblique)) for s in (22, 12, 5))
    yaw, pitch = max(-1.0, min(1.0, yaw)), max(-0.6, min(0.6, pitch))
    x, y = np.array([-1, 1, 1, -1]) * width / 2, np.array([-1, -1, 1, 1]) * height / 2
    z = x * math.sin(yaw) + y * math.sin(pitch)
    x, y = x * math.cos(yaw), y * math.cos(pitch)
    depth = width * rng.uniform(4, 14)
    x, y = x * depth / (depth + z), y * depth / (depth + z)
    # Seen from the side and from above at once a plate is sheared, too.
    y = y + x * math.tan(yaw) * math.sin(pitch + rng.gauss(0, 0.12)) * 0.8
    c, s = math.cos(roll), math.sin(roll)
    out = np.stack([x * c - y * s, x * s + y * c], 1)
    out *= native / max(1.0, out[:, 0].max() - out[:, 0].min())
    return (out - out.min(0)).astype(np.float32)


def synthetic_background(rng, width: int, height: int) -> np.ndarray:
    """Bumpers and number-plate recesses, roughly."""
    base = np.float32([rng.uniform(0, 230)] * 3) if rng.random() < 0.6 else np.float32([rng.uniform(0, 255) for _ in range(3)])
    if rng.random() < 0.3:
        base *= 0.3
    columns, rows = rng.randint(1, 5), rng.randint(1, 6)
    coarse = base + np.float32([[[rng.gauss(0, 25)] * 3 for _ in range(columns)] for _ in range(rows)])
    out = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, 3)
    for _ in range(rng.randint(0, 3)):  # edges of panels
        y = rng.randint(0, height)
        cv2.line(out, (0, y), (width, y + rng.randint(-6, 6)), tuple([rng.uniform(0, 200)] * 3), rng.randint(1, 3))
    return out


def light(rng, image: np.ndarray) -> np.ndarray:
    """Uneven light and hard shadows."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        ramp = np.linspace(rng.uniform(0.65, 1.1), rng.uniform(0.65, 1.1), width if rng.random() < 0.5 else height, dtype=np.float32)
        image = image * (ramp[None, :, None] if len(ramp) == width else ramp[:, None, None])
    if rng.random() < 0.13:
        mask = np.zeros((height, width), np.float32)
        points = np.array([[rng.randint(-width // 2, width), rng.randint(-height, 2 * height)] for _ in range(4)])
        cv2.fillConvexPoly(mask, cv2.convexHull(points), 1.0)
        image = image * (1 - cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 3))[..., None] * rng.uniform(0.25, 0.55))
    return image


def dirt(rng, image: np.ndarray, cap: float) -> np.ndarray:
    """Specks and smears on the plate, smaller than a character."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.float32)
    for _ in range(rng.randint(1, 7)):
        cv2.circle(layer, (rng.randint(0, width), rng.randint(0, height)), max(1, int(cap * rng.uniform(0.02, 0.12))), rng.uniform(0.2, 0.7), -1)
    if rng.random() < 0.4:
        coarse = np.float32([[rng.random() for _ in range(8)] for _ in range(4)])
        layer += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * rng.uniform(0.1, 0.45)
    layer = np.clip(cv2.GaussianBlur(layer, (0, 0), max(0.4, cap * 0.02)), 0, 0.75)[..., None]
    return image * (1 - layer) + np.float32([rng.uniform(50, 130)] * 3) * np.float32([1.05, 1, 0.9]) * layer


def infrared(rng, image: np.ndarray) -> np.ndarray:
    """Grey under an infrared lamp: red ink pales, sheeting shines, the rest of the car is dark."""
    grey = image @ np.float32([rng.uniform(0.35, 0.7), 0.25, 0.12])
    grey = grey * rng.uniform(0.75, 1.25)
    return np.repeat(grey[..., None], 3, 2)


def glare(rng, image: np.ndarray) -> np.ndarray:
    """A headlight or a sun spot near the plate, or bright sheeting that bleeds into the characters."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        bright = cv2.GaussianBlur(np.maximum(image - 140, 0), (0, 0), max(0.6, width * rng.uniform(0.008, 0.03)))
        return image + bright * rng.uniform(0.2, 0.7)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cx, cy = rng.uniform(-0.2, 1.2) * width, rng.choice([rng.uniform(-0.5, 0.1), rng.uniform(0.8, 1.4), rng.uniform(0, 1)]) * height
    radius = width * rng.uniform(0.06, 0.25)
    spot = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))[..., None]
    return image + spot * rng.uniform(40, 170) * np.float32([1, rng.uniform(0.9, 1), rng.uniform(0.75, 1)])


def rain(rng, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.float32)
    slope = rng.uniform(-0.3, 0.3)
    for _ in range(rng.randint(3, 14)):
        x, y, length = rng.randint(0, width), rng.randint(-5, height), rng.uniform(0.1, 0.35) * height
        cv2.line(layer, (x, y), (int(x + slope * length), int(y + length)), rng.uniform(15, 60), 1)
    return image + cv2.GaussianBlur(layer, (0, 0), 0.6)[..., None]


def colour_cast(rng, image: np.ndarray) -> np.ndarray:
    style = rng.random()
    if style < 0.25:  # magenta nights of a dashcam whose infrared filter is gone
        return image * np.float32([rng.uniform(1.0, 1.3), rng.uniform(0.45, 0.8), rng.uniform(0.55, 1.25)])
    if style < 0.5:  # sodium lamps
        return image * np.float32([1.15, rng.uniform(0.75, 0.95), rng.uniform(0.4, 0.75)])
    return image * np.float32([rng.uniform(0.8, 1.2) for _ in range(3)])


def veil(rng, image: np.ndarray) -> np.ndarray:
    """Haze, a lit lens, a plate washed out by its own lamp: contrast goes, colour of the light comes."""
    share = rng.uniform(0.15, 0.5)
    light_colour = np.float32([rng.uniform(170, 250)] * 3) * (1.0 if rng.random() < 0.6 else np.float32([1, rng.uniform(0.55, 1), rng.uniform(0.6, 1)]))
    return image * (1 - share) + light_colour * share


def blur(rng, image: np.ndarray, cap: float) -> np.ndarray:
    """Motion and defocus of at most a fraction of the character height `cap` (px)."""
    moving = rng.random() < (0.3 if cap > 13 else 0.15)
    if moving:
        length = min(15, max(2.0, cap * rng.uniform(0.06, 0.22)))
        size = int(math.ceil(length)) | 1
        kernel = np.zeros((size, size), np.float32)
        angle = rng.choice([0.0, 0.0, rng.gauss(0, 0.25), rng.uniform(0, math.pi)])
        middle = size // 2
        dx, dy = math.cos(angle) * (length - 1) / 2, math.sin(angle) * (length - 1) / 2
        cv2.line(kernel, (round(middle - dx), round(middle - dy)), (round(middle + dx), round(middle + dy)), 1.0, 1)
        image = cv2.filter2D(image, -1, kernel / max(1e-6, kernel.sum()))
    if rng.random() < 0.5:
        sigma = min(cap * abs(rng.gauss(0, 0.045)), cap * 0.10) * (0.5 if moving else 1.0)
        if sigma > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
    return image


def sensor(rng, image: np.ndarray, noise_rng: np.random.Generator, cap: float) -> np.ndarray:
    """Exposure, noise, sharpening and compression."""
    image = image * rng.uniform(0.55, 1.15) + rng.uniform(-10, 30)
    if rng.random() < 0.15:
        image = 255 * (np.clip(image, 0, 255) / 255) ** rng.uniform(0.6, 1.7)
    level = rng.choice([0, 1.5, 3, 3, 5, 8, 12]) * min(1.0, cap / 14)
    if level:
        noise = noise_rng.standard_normal(image.shape[:2] + ((3,) if rng.random() < 0.5 else (1,)), np.float32)
        if rng.random() < 0.3:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.7).reshape(image.shape[0], image.shape[1], -1) * 1.6
        image = image + noise * level
    if rng.random() < 0.15:
        image = image + (image - cv2.GaussianBlur(image, (0, 0), 1.0)) * rng.uniform(0.4, 1.2)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = rng.randint(45 if cap < 14 else 25, 92)
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return image


def curve(rng, image: np.ndarray, points: np.ndarray):
    """A plate bent around a bumper: its middle hangs lower or stands higher than its ends."""
    height, width = image.shape[:2]
    depth, middle = rng.uniform(-0.12, 0.12) * CROP_HEIGHT, width * rng.uniform(0.3, 0.7)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image = cv2.remap(image, x, y - depth * ((x - middle) / (width / 2)) ** 2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    points = points.copy()
    points[:, 1] += depth * ((points[:, 0] - middle) / (width / 2)) ** 2
    return image, points


def crop_corners(rng, corners: np.ndarray, boxed: bool, error: float) -> np.ndarray:
    """What the detector would say: corners with errors, or only the upright box."""
    if boxed:
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        corners = np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    width = np.linalg.norm(corners[1] - corners[0])
    height = np.linalg.norm(corners[3] - corners[0])
    shift = np.float32([[rng.gauss(0, error * width * 0.6), rng.gauss(0, error * height * 1.2)] for _ in range(4)])
    if boxed:
        shift[:] = [[shift[0, 0], shift[0, 1]], [shift[1, 0], shift[0, 1]], [shift[1, 0], shift[2, 1]], [shift[0, 0], shift[2, 1]]]
    return corners + shift


def crop_matrix(corners: np.ndarray) -> np.ndarray:
    """Homography from the picture to the padded frame, the plate filling the crop but for its margins."""
    x0 = PAD_X + CROP_WIDTH * MARGIN_X / (1 + 2 * MARGIN_X)
    y0 = PAD_Y + CROP_HEIGHT * MARGIN_Y / (1 + 2 * MARGIN_Y)
    x1, y1 = CROP_WIDTH + 2 * PAD_X - x0, CROP_HEIGHT + 2 * PAD_Y - y0
    target = np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return cv2.getPerspectiveTransform(corners.astype(np.float32), target)


def photograph(rng, plate: Plate, background=None, noise_rng: np.random.Generator | None = None, native: float | None = None,
               harsh: float = 1.0) -> Shot:
    """One picture of a plate, cut out. `background(width, height)` may give real surroundings (float32 RGB)."""
    noise_rng = noise_rng or np.random.default_rng(rng.getrandbits(32))
    longest = max(sum(1 for char in plate.chars if char[1] == line) for line in range(plate.lines))
    boxed = rng.random() < 0.4
    if native is None:
        floor = max(40.0, longest * 5.2 + 6)
        native = math.exp(rng.uniform(math.log(floor), math.log(240)))
    target = viewpoint(rng, plate.quad, native, 0.9 if boxed else 1.0)
    if plate.lines == 1 and target[:, 1].max() > native * 1.1:
        target = viewpoint(rng, plate.quad, native, 0.3)
    pad = max(10, int(native * 0.28))
    size = np.ceil(target.max(0)).astype(int) + 2 * pad
    target = target + pad
    scale = native / (plate.quad[1, 0] - plate.quad[0, 0])
    cap = np.mean([box[3] - box[1] for _, _, box in plate.chars]) * scale

    picture = plate.image
    if rng.random() < 0.2:
        picture = dirt(rng, picture, cap / scale)
    if scale < 0.8:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.42 / scale)
    matrix = cv2.getPerspectiveTransform(plate.quad, target.astype(np.float32))
    bend = rng.random() < 0.08  # a bent corner
    if bend:
        corner = rng.randrange(4)
        moved = target.copy()
        moved[corner] += (target.mean(0) - target[corner]) * rng.uniform(0.03, 0.12)
        matrix = cv2.getPerspectiveTransform(plate.quad, moved.astype(np.float32))
    width, height = int(size[0]), int(size[1])
    scene = background(width, height) if background is not None and rng.random() < 0.6 else synthetic_background(rng, width, height)
    warped = cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(picture.shape[:2], np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    warped = light(rng, warped * rng.uniform(0.6, 1.05))
    ir = rng.random() < 0.13
    if ir:
        warped, scene = infrared(rng, warped) * 1.1, infrared(rng, scene) * rng.uniform(0.1, 0.6)
    elif rng.random() < 0.12:  # night: lit plate, dark car
        scene = scene * rng.uniform(0.05, 0.4)
    scene = scene * (1 - mask) + warped * mask
    if rng.random() < 0.12:
        scene = glare(rng, scene)
    if rng.random() < 0.07:
        scene = veil(rng, scene)
    if rng.random() < 0.05:
        scene = rain(rng, scene)
    if not ir and rng.random() < 0.22:
        scene = colour_cast(rng, scene)
    elif not ir and rng.random() < 0.15:
        scene = np.repeat(scene.mean(2, keepdims=True), 3, 2)
    scene = blur(rng, scene, cap * harsh)
    scene = sensor(rng, scene, noise_rng, cap)

    corners = crop_corners(rng, target, boxed, 0.025 * rng.random())
    cut = crop_matrix(corners)
    image = cv2.warpPerspective(scene, cut, (CROP_WIDTH + 2 * PAD_X, CROP_HEIGHT + 2 * PAD_Y), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    points = transform(cut @ matrix, [p for _, _, (x0, y0, x1, y1) in plate.chars for p in ((x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2))])
    if rng.random() < 0.12:
        image, points = curve(rng, image, points)
    chars = [(char, line, *points[2 * i], *points[2 * i + 1]) for i, (char, line, _) in enumerate(plate.chars)]
    return Shot(image, chars, native, boxed)
