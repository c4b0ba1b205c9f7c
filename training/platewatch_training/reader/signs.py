"""Boards with words on them, as a detector takes them for plates: shop fronts, vans, street signs.

A sharp sign reads as surely as a plate, so the reader must learn what it looks
like: words of shops (some made up), with a year or a number now and then, in
faces of signs, often coloured.  Plates that their holders chose say words too;
so few boards are drawn dark on white within a border, as a plate is.
"""

from __future__ import annotations

import random

import cv2
import numpy as np

from ..plates import fonts

WORDS = """BAKKERIJ BEENHOUWERIJ VISHANDEL BLOEMEN KAPSALON DROGIST WASSALON FRITUUR BROODJES FIETSEN SCHOENEN JUWELIER BOETIEK
COIFFEUR BOUCHERIE LIBRAIRIE TABAC FLEURISTE OPTICIEN EPICERIE TRAITEUR BRASSERIE PATISSERIE PRESSING CORDONNERIE ALIMENTATION
BAKERY BUTCHER FLORIST BARBER PHARMACY TAILOR DELI GROCER LAUNDRY BOOKS SHOES OPTICS JEWELLER HARDWARE GARAGE BANDEN PNEUS TYRES
RESTAURANT PIZZERIA SNACK SUSHI BISTRO TEAROOM HOTEL HOSTEL BAR PUB CLUB CINEMA THEATER MUSEUM SCHOOL COLLEGE POST BANK KANTOOR
TELECOM MOBILE PHONE COMPUTER TOYS SPORT FITNESS DANCE MUSIC FOTO PRINT COPY VERHUUR LOGISTICS TRANSPORT EXPRESS MOVERS CARGO
POLITIE POLICE AMBULANCE BRANDWEER TAXI BUS TRAM METRO STATION PARKING INGANG UITGANG SORTIE ENTREE OPEN SALE SOLDEN KOOPJES
TOYOTA VOLVO SCANIA IVECO DUSTER KODIAQ OCTAVIA SPRINTER TRANSIT DUCATO MASTER CRAFTER VITO CADDY BERLINGO PARTNER""".split()
# Those of which the catalogue draws no plates.
FACES = ("OSP-DIN", "arimo", "barlow", "oswald", "overpass", "roboto", "saira", "share", "tinos", "RG2014")


def made_up(rng: random.Random) -> str:
    """A word that nobody has, as names of shops are."""
    return "".join(rng.choice("BDFGHJKLMNPRSTVWZ") + rng.choice("AEIOU") + rng.choice(["", "", "N", "R", "L", "S"]) for _ in range(rng.randint(2, 3)))[:10]


def words(rng: random.Random) -> str:
    text = made_up(rng) if rng.random() < 0.35 else rng.choice(WORDS)
    draw = rng.random()
    if draw < 0.22:
        number = rng.choice([str(rng.randint(1850, 2026)), str(rng.randint(1, 99)), f"{rng.randint(10, 24)}/{rng.randint(10, 24)}", "24-7", str(rng.randint(100, 999))])
        text = f"{text}{rng.choice([' ', ' ', ''])}{number}" if rng.random() < 0.8 else f"{number} {text}"
    elif draw < 0.4:
        text = f"{rng.choice(['DE', 'LA', 'LE', 'HET', 'T', 'CHEZ', 'BIJ', 'THE', 'AD', 'DA', 'EL'])} {text}"
    elif draw < 0.45:
        text = f"{text}.{rng.choice(['BE', 'NL', 'EU', 'COM'])}"
    return text.title() if rng.random() < 0.2 else text


def board(rng: random.Random):
    """(picture as uint8 RGB, its corners, one box as of a character over all of it)"""
    files = fonts.font_files()
    face = files[rng.choice([name for name in sorted(files) if name.startswith(FACES)])]
    lines = [words(rng) for _ in range(2 if rng.random() < 0.12 else 1)]
    masks = [fonts.text_mask(face, line, rng.uniform(38, 50)) for line in lines]
    pad_x, pad_y, gap = rng.randint(4, 30), rng.randint(3, 22), rng.randint(3, 12)
    wide, high = max(m.shape[1] for m in masks) + 2 * pad_x, sum(m.shape[0] for m in masks) + gap * (len(masks) - 1) + 2 * pad_y
    dark, light = [rng.uniform(0, 80)] * 3, [rng.uniform(180, 255)] * 3
    coloured = [rng.uniform(0, 255) for _ in range(3)]
    draw = rng.random()
    paper, ink = (coloured, light) if draw < 0.35 else (dark, light) if draw < 0.55 else (light, coloured) if draw < 0.7 else (coloured, dark) if draw < 0.88 else (light, dark)
    if abs(sum(paper) - sum(ink)) < 180:
        ink = light if sum(paper) < 380 else dark
    image = np.full((high, wide, 3), np.float32(paper), np.float32)
    image *= np.linspace(rng.uniform(0.7, 1), 1, high, dtype=np.float32)[:, None, None]
    y = pad_y
    for mask in masks:
        x = pad_x + (rng.choice([0, (wide - 2 * pad_x - mask.shape[1]) // 2]))
        part = mask.astype(np.float32)[..., None] / 255
        area = image[y : y + part.shape[0], x : x + part.shape[1]]
        area += part * (np.float32(ink) - area)
        y += mask.shape[0] + gap
    if rng.random() < 0.12:
        cv2.rectangle(image, (1, 1), (wide - 2, high - 2), ink, rng.randint(1, 3))
    out = np.clip(image, 0, 255).astype(np.uint8)
    # A detector boxes the board, the words, or something between.
    dx, dy = (0.0, 0.0) if rng.random() < 0.5 else (rng.uniform(0, 0.9) * pad_x, rng.uniform(0, 0.9) * pad_y)
    quad = np.float32([[dx, dy], [wide - dx, dy], [wide - dx, high - dy], [dx, high - dy]])
    return out, quad, np.float32([[0, 0, pad_x, pad_y, wide - pad_x, high - pad_y]])
