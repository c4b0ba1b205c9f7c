"""Fonts for the plate renderer: fetching them, finding them, and cutting glyph masks.

No font is kept in this repository.  They come from the shared data folder
(`$PLATEWATCH_DATA/fonts`), from Debian (`fonts-opendin`) and from npm
(`@fontsource/*`, OFL), and are put under `$PLATEWATCH_FONTS` by

    python -m platewatch_training.plates.fonts

A glyph mask is cut exactly to the cap height of its font and to its own ink
width, so that the layout alone decides where a character stands.
"""

from __future__ import annotations

import functools
import glob
import os
import subprocess
import tarfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

GLYPH_CAP = 128  # px: masks are cut at this cap height and scaled down to the plate

NPM_PACKAGES = {
    "barlow": (500, 600, 700),
    "barlow-condensed": (500, 600, 700),
    "barlow-semi-condensed": (500, 600, 700),
    "overpass": (600, 700),
    "saira-condensed": (600, 700),
    "saira-semi-condensed": (600, 700),
    "saira-extra-condensed": (600, 700),
    "roboto-condensed": (500, 700),
    "oswald": (400, 500, 600),
    "share-tech": (400,),
    "share-tech-mono": (400,),
    "arimo": (400, 700),
    "tinos": (700,),
}

# Families by what they look like on a plate.  Prefixes of file names.
FAMILIES = {
    "din": ("din1451alt", "OSP-DIN", "din1451alt", "OSP-DIN", "barlow-semi-condensed-600", "barlow-500", "share-tech-400"),
    "din-narrow": ("OSP-DIN", "din1451alt", "barlow-condensed-600", "roboto-condensed-500", "saira-condensed-600"),
    "fe": ("GlNummernschildMtl",),
    "fe-narrow": ("GlNummernschildEng",),
    "highway": ("RG2014B", "RG2014C", "RG2014D", "RG2014E", "RG2014EM", "overpass-600", "overpass-700"),
    "wright": ("RG2014D", "RG2014EM", "barlow-semi-condensed-700", "saira-semi-condensed-700", "overpass-700", "din1451alt"),
    # The Brazilian face: heavy, squarish rounds, a 1 without foot.
    "mandatory": ("saira-semi-condensed-600", "saira-semi-condensed-700", "saira-condensed-700", "overpass-700", "RG2014D", "RG2014E", "barlow-semi-condensed-700"),
    "condensed": (
        "barlow-condensed", "saira-condensed", "saira-extra-condensed", "roboto-condensed", "oswald",
        "RG2014B", "RG2014C", "share-tech-400", "OSP-DIN",
    ),
    "sans": ("barlow-6", "overpass", "roboto-condensed-700", "saira-semi-condensed", "routed-gothic", "barlow-semi"),
}
# What sign writers and home printers use: the faces of an office computer.
FAMILIES["office"] = ("arimo-700", "arimo-700", "arimo-400")
FAMILIES["serif"] = ("tinos-700",)
FAMILIES["any"] = tuple(sorted({name for family in FAMILIES.values() for name in family}))


PROJECT = Path(__file__).resolve().parents[3]


def data_root() -> Path:
    """The shared data folder; read-only."""
    return Path(os.environ.get("PLATEWATCH_DATA", PROJECT.parent / "shared/data"))


def font_root() -> Path:
    """Where fetched fonts are kept, outside the repository."""
    return Path(os.environ.get("PLATEWATCH_FONTS", PROJECT.parent / "scratch/fonts"))


@functools.lru_cache(maxsize=None)
def font_files() -> dict[str, str]:
    """All usable font files by stem."""
    found = {}
    for root, pattern in ((data_root() / "fonts", "*.[to]tf"), (font_root(), "ttf/*.ttf"), (font_root(), "opendin/**/*.ttf")):
        for path in glob.glob(str(root / pattern), recursive=True):
            found[Path(path).stem] = path
    if not found:
        raise FileNotFoundError("no fonts: set PLATEWATCH_DATA and run python -m platewatch_training.plates.fonts")
    return found


@functools.lru_cache(maxsize=None)
def family_files(family: str) -> tuple[str, ...]:
    """Paths of a family, repeated where the family weighs a font higher."""
    files = font_files()
    paths = [path for prefix in FAMILIES[family] for stem, path in sorted(files.items()) if stem.startswith(prefix)]
    return tuple(paths) or tuple(files.values())


@functools.lru_cache(maxsize=256)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.lru_cache(maxsize=None)
def _cap_font(path: str) -> tuple[ImageFont.FreeTypeFont, int, int]:
    """Font at the size whose capital H is `GLYPH_CAP` px high, with H's top and bottom."""
    probe = _font(path, 200).getbbox("H")
    size = max(20, round(200 * GLYPH_CAP / max(1, probe[3] - probe[1])))
    font = _font(path, size)
    box = font.getbbox("H")
    return font, box[1], box[3]


@functools.lru_cache(maxsize=8192)
def glyph(path: str, char: str) -> np.ndarray:
    """Mask (uint8) of a character, `GLYPH_CAP` px high, as wide as its ink."""
    font, top, bottom = _cap_font(path)
    left, _, right, low = font.getbbox(char)
    if char in "ÄÖÜ":  # dies squeeze letter and dots into the cap height
        _, top, _, _ = font.getbbox(char)
    if char in "QJ":  # dies keep the tail inside the cap height; without this a Q is printed as an O
        bottom = max(bottom, low)
    image = Image.new("L", (max(1, right - left), bottom - top), 0)
    ImageDraw.Draw(image).text((-left, -top), char, font=font, fill=255)
    mask = np.asarray(image)
    columns = np.flatnonzero(mask.max(0))
    if not len(columns):
        return np.zeros((GLYPH_CAP, GLYPH_CAP // 3), np.uint8)
    mask = mask[:, columns[0] : columns[-1] + 1]
    if mask.shape[0] != GLYPH_CAP:
        mask = cv2.resize(mask, (mask.shape[1], GLYPH_CAP), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(mask)


@functools.lru_cache(maxsize=64)
def serif_i(path: str) -> np.ndarray:
    """An I with serifs, as California and others stamp it, with the stroke of the font."""
    stroke = max(8, glyph(path, "L")[: GLYPH_CAP // 2].max(0).astype(bool).sum())
    mask = np.zeros((GLYPH_CAP, int(stroke * 2.6)), np.uint8)
    middle = mask.shape[1] // 2
    mask[:, middle - stroke // 2 : middle - stroke // 2 + stroke] = 255
    mask[: int(stroke * 0.8)] = mask[-int(stroke * 0.8) :] = 255
    return mask


@functools.lru_cache(maxsize=64)
def squared(path: str, char: str) -> np.ndarray:
    """O and 0 as round-cornered boxes with straight sides, as Brazilian dies and some US ones are."""
    like = glyph(path, "D" if char == "O" else "0")
    stroke = int(max(8, glyph(path, "L")[: GLYPH_CAP // 2].max(0).astype(bool).sum()))
    width = max(3 * stroke, like.shape[1])
    mask = np.zeros((GLYPH_CAP, width), np.uint8)
    radius = int(width * 0.42)
    for inset, value in ((0, 255), (stroke, 0)):
        r = max(4, radius - inset)
        x0, y0, x1, y1 = inset, inset, width - 1 - inset, GLYPH_CAP - 1 - inset
        if x1 - x0 < 2 * r:
            r = max(1, (x1 - x0) // 2)
        cv2.rectangle(mask, (x0 + r, y0), (x1 - r, y1), value, -1)
        cv2.rectangle(mask, (x0, y0 + r), (x1, y1 - r), value, -1)
        for x, y in ((x0 + r, y0 + r), (x1 - r, y0 + r), (x0 + r, y1 - r), (x1 - r, y1 - r)):
            cv2.circle(mask, (x, y), r, value, -1)
    return mask


@functools.lru_cache(maxsize=None)
def reference_width(path: str) -> float:
    """Ink width of a common letter relative to the cap height: what a cell is measured by."""
    return float(np.median([glyph(path, char).shape[1] for char in "BDEHKNRSU0235689"])) / GLYPH_CAP


def text_mask(path: str, text: str, height: float) -> np.ndarray:
    """Mask of running text (names, slogans, dealers), `height` px from ascender to descender."""
    font = _font(path, max(8, int(height)))
    box = font.getbbox(text)
    image = Image.new("L", (max(1, box[2] - box[0]), max(1, box[3] - box[1])), 0)
    ImageDraw.Draw(image).text((-box[0], -box[1]), text, font=font, fill=255)
    mask = np.asarray(image)
    scale = height / max(1, mask.shape[0])
    return cv2.resize(mask, (max(1, round(mask.shape[1] * scale)), max(1, round(height))), interpolation=cv2.INTER_AREA)


def fetch(target: Path) -> None:
    """Download the free fonts of Debian and npm and convert them to TrueType."""
    from fontTools.ttLib import TTFont

    ttf = target / "ttf"
    ttf.mkdir(parents=True, exist_ok=True)
    if not list(target.glob("opendin/**/*.ttf")):
        subprocess.run(["apt-get", "download", "fonts-opendin"], cwd=target, check=True)
        package = next(target.glob("fonts-opendin*.deb"))
        subprocess.run(["dpkg", "-x", package.name, "opendin"], cwd=target, check=True)
    for package, weights in NPM_PACKAGES.items():
        archives = sorted(target.glob(f"fontsource-{package}-[0-9]*.tgz"))
        if not archives:
            subprocess.run(["npm", "pack", f"@fontsource/{package}"], cwd=target, check=True, capture_output=True)
            archives = sorted(target.glob(f"fontsource-{package}-[0-9]*.tgz"))
        with tarfile.open(archives[-1]) as archive:
            for weight in weights:
                member = f"package/files/{package}-latin-{weight}-normal.woff2"
                output = ttf / f"{package}-{weight}.ttf"
                if output.exists():
                    continue
                font = TTFont(archive.extractfile(member))
                font.flavor = None
                font.save(output)
    print(len(list(ttf.glob("*.ttf"))), "fonts in", ttf)


if __name__ == "__main__":
    fetch(font_root())
