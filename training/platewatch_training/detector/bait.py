"""What a plate detector must leave alone: lettering, signs, grilles, clocks.

`draw` gives a BGRA picture; alpha 0 where the ground shows through, as under the
letters on a van.
"""

from __future__ import annotations

import random

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..plates import fonts

WORDS = """NO PARKING TAXI POLITIE POLICE EXIT OPEN SALE TOYOTA AMBULANCE BAKKERIJ GARAGE STOP ZONE TURBO 4X4 SPORT DIESEL
HYBRID LOGISTICS EXPRESS TRANSPORT RENT A CAR SERVICE SCHOOL BUS PIZZA HOTEL CAFE AUTO SHOP RACING TEAM BAR MARKET KEBAB
VOLKSWAGEN RENAULT OCTAVIA TRANSIT SPRINTER HONDA CIVIC VOLVO SCANIA MAN DAF IVECO PEUGEOT CITROEN FORD NISSAN HYUNDAI
www.transport.be info@garage.com VERHUUR TE KOOP TE HUUR A VENDRE BUREAU APOTHEEK PHARMACIE BANK BRASSERIE BPOST DHL UPS""".split()
MOTIFS = ("words", "number", "clock", "route", "badge", "grille", "sign", "panel", "taxi", "lamp")
WEIGHTS = (34, 12, 12, 6, 8, 14, 8, 6, 8, 12)


def text_of(rng: random.Random, motif: str) -> str:
    digits = lambda n: "".join(rng.choice("0123456789") for _ in range(n))
    if motif == "number":
        return rng.choice([f"0{digits(1)}/{digits(3)} {digits(2)} {digits(2)}", f"+32 {digits(3)} {digits(2)} {digits(2)}", f"{digits(3)} {digits(4)}", digits(rng.randint(1, 5))])
    if motif == "clock":
        return rng.choice([f"{rng.randint(2010, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} ", ""]) + f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}" + rng.choice(["", " CAM1", " GPS", f" {digits(2)} KM/H"])
    if motif == "route":
        return rng.choice([f"A{digits(1)}", f"E{digits(2)}", f"N{digits(2)}", f"R{digits(1)}", f"{digits(2)} km", f"P{digits(1)}", f"{digits(2)}0"])
    text = " ".join(rng.sample(WORDS, rng.choice([1, 1, 1, 2, 3])))
    return text.title() if rng.random() < 0.35 else text


def lettering(rng: random.Random, motif: str) -> np.ndarray:
    files = sorted(fonts.font_files().values())
    font = ImageFont.truetype(rng.choice(files), 48)
    lines = [text_of(rng, motif) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]) if motif == "words" else 1)]
    boxes = [font.getbbox(line) for line in lines]
    gap = rng.randint(4, 24)
    width, height = max(b[2] - b[0] for b in boxes), sum(b[3] - b[1] + gap for b in boxes) - gap
    pad_x, pad_y = rng.randint(3, 40), rng.randint(3, 30)
    dark, light = [rng.randint(0, 90)] * 3, [rng.randint(170, 255)] * 3
    ink, paper = (dark, light) if rng.random() < 0.5 else (light, dark)
    if rng.random() < 0.5:
        paper = [rng.randint(0, 255) for _ in range(3)]
    if rng.random() < 0.3:
        ink = [rng.randint(0, 255) for _ in range(3)]
    bare = motif in ("clock", "badge") or (motif in ("words", "number") and rng.random() < 0.5)
    image = Image.new("RGBA", (width + 2 * pad_x, height + 2 * pad_y), (*(ink if bare else paper), 0 if bare else 255))
    pen, y = ImageDraw.Draw(image), pad_y
    for line, box in zip(lines, boxes):
        pen.text((pad_x - box[0] + rng.choice([0, (width - box[2] + box[0]) // 2]), y - box[1]), line, font=font, fill=(*ink, 255), stroke_width=rng.choice([0, 0, 1]) if motif != "clock" else 0)
        y += box[3] - box[1] + gap
    if not bare and rng.random() < 0.35:
        pen.rectangle((1, 1, image.width - 2, image.height - 2), outline=(*ink, 255), width=rng.randint(1, 4))
    image.thumbnail((320, 200))
    return np.array(image)


def grille(rng: random.Random) -> np.ndarray:
    """Bars and slots in a frame."""
    h, w = rng.randint(30, 90), rng.randint(80, 300)
    base = rng.randint(5, 210)
    im = np.full((h, w, 4), base, np.uint8)
    im[..., 3] = 255
    step = rng.randint(5, 26)
    tone = [int(np.clip(base + rng.choice([-1, 1]) * rng.randint(40, 150), 0, 255))] * 3 + [255]
    upright = rng.random() < 0.6
    for k in range(rng.randint(0, step), w if upright else h, step):
        if rng.random() < 0.92:
            cv2.line(im, *(((k, 0), (k, h)) if upright else ((0, k), (w, k))), tone, max(1, int(step * rng.uniform(0.2, 0.5))))
    if rng.random() < 0.3:
        for k in range(0, h, step):
            cv2.line(im, (0, k), (w, k), tone, 1)
    return im


def sign(rng: random.Random) -> np.ndarray:
    """Arrows, discs and bars on a board."""
    h, w = rng.randint(40, 110), rng.randint(50, 220)
    colours = [(30, 60, 170), (240, 240, 240), (20, 130, 60), (250, 200, 30), (200, 30, 40), (30, 30, 30)]
    paper, ink = rng.sample(colours, 2)
    im = np.zeros((h, w, 4), np.uint8)
    im[:] = (*paper, 255)
    for _ in range(rng.randint(1, 5)):
        x, y, s = rng.randint(0, w), rng.randint(0, h), rng.randint(4, h // 2)
        kind = rng.randrange(3)
        if kind == 0:
            cv2.circle(im, (x, y), s, (*ink, 255), rng.choice([-1, 3]))
        elif kind == 1:
            cv2.rectangle(im, (x, y), (x + 3 * s, y + s // 2), (*ink, 255), -1)
        else:
            cv2.arrowedLine(im, (x, y), (x + rng.randint(-s, s) * 2, y - s), (*ink, 255), max(1, s // 4), tipLength=0.4)
    return im


def panel(rng: random.Random) -> np.ndarray:
    """An empty plate-like board: a sticker, a lamp, a blank holder."""
    w = rng.randint(80, 300)
    h = max(14, int(w / rng.uniform(1.2, 6)))
    im = np.zeros((h, w, 4), np.uint8)
    im[:] = (*[rng.randint(0, 255) for _ in range(3)], 255) if rng.random() < 0.5 else (*[rng.randint(0, 255)] * 3, 255)
    ramp = np.linspace(rng.uniform(0.5, 1), 1, h)[:, None, None]
    im[..., :3] = (im[..., :3] * ramp).astype(np.uint8)
    if rng.random() < 0.6:
        cv2.rectangle(im, (1, 1), (w - 2, h - 2), (*[rng.randint(0, 255)] * 3, 255), rng.randint(1, max(2, h // 8)))
    return im


def taxi(rng: random.Random) -> np.ndarray:
    """The lit sign on a roof, or bold letters across a van: one short word that fills its board."""
    word = rng.choice(["TAXI", "TAXI", "TAXI", "TAXIS", "POLITIE", "POLICE", "VRIJ", "BUS", "112", "100", "SOS", "MAX", "DHL", "VAN", "4X4"])
    font = ImageFont.truetype(rng.choice(sorted(fonts.font_files().values())), 64)
    box = font.getbbox(word, stroke_width=2)
    pad_x, pad_y = rng.randint(6, 60), rng.randint(4, 26)
    paper = rng.choice([(250, 200, 40), (255, 235, 150), (240, 240, 240), (20, 20, 20), (30, 60, 160), (200, 30, 40)])
    ink = (15, 15, 15) if sum(paper) > 380 else (245, 245, 245)
    image = Image.new("RGBA", (box[2] - box[0] + 2 * pad_x, box[3] - box[1] + 2 * pad_y), (*paper, 255))
    ImageDraw.Draw(image).text((pad_x - box[0], pad_y - box[1]), word, font=font, fill=(*ink, 255), stroke_width=rng.choice([0, 1, 2, 3]))
    if rng.random() < 0.5:  # the board's slanted sides
        w, h = image.size
        cut = Image.new("L", image.size, 0)
        slant = rng.uniform(0.05, 0.2) * w
        ImageDraw.Draw(cut).polygon([(slant, 0), (w - slant, 0), (w, h), (0, h)], fill=255)
        image.putalpha(cut)
    image.thumbnail((320, 200))
    return np.array(image)


def lamp(rng: random.Random) -> np.ndarray:
    """A head or rear lamp, reflector or lit window: a bright patch, round or oblong, with a glow."""
    h, w = rng.randint(24, 90), rng.randint(40, 260)
    ys, xs = np.mgrid[:h, :w].astype(np.float32)
    power = rng.choice([2, 2, 4, 8])
    d = np.abs((xs - w / 2) / (w * 0.4)) ** power + np.abs((ys - h / 2) / (h * 0.4)) ** power
    colour = np.float32(rng.choice([(255, 255, 250), (255, 240, 200), (235, 30, 30), (255, 120, 30), (255, 200, 80), (200, 210, 230)]))
    im = np.zeros((h, w, 4), np.float32)
    im[..., :3] = colour
    if rng.random() < 0.5:  # the facets of a lens
        im[..., :3] *= (1 - rng.uniform(0.1, 0.5) * ((xs // rng.randint(5, 16)) % 2))[..., None]
    im[..., 3] = 255 * np.clip(1.25 - d, 0, 1) ** rng.uniform(0.4, 1.5)
    return np.clip(im, 0, 255).astype(np.uint8)


def draw(rng: random.Random) -> np.ndarray:
    motif = rng.choices(MOTIFS, WEIGHTS)[0]
    own = {"grille": grille, "sign": sign, "panel": panel, "taxi": taxi, "lamp": lamp}
    image = own[motif](rng) if motif in own else lettering(rng, motif)
    return image[..., [2, 1, 0, 3]]
