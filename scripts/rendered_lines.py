"""Render lines of writing as a text detector crops them: every script, many fonts, seen as in photos of streets.

A line is drawn with Pillow's raqm, which joins Arabic letters and forms Indic clusters, laid on a background, bent by
perspective, lit, blurred, shrunk, made noisy, and saved as JPEG. ``Degradation`` says how much of it.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import line_backgrounds
import numpy as np
from line_backgrounds import Backgrounds, Grey
from line_fonts import Face
from line_texts import Words
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whereshot.evidence.line_scripts import HEIGHT, LONGEST, to_height
from whereshot.evidence.writing import RIGHT_TO_LEFT

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos"
MOST_TRIES = 200
MOST_WALL = 0.3
"""The most that is seen of the wall at each side of a plate, in heights of the plate."""
FRAMED = 0.3
"""Share of the plates with a frame."""
SIZES = (26, 34, 44)
VERTICAL = {"Han": 0.15, "Kana": 0.15, "Hangul": 0.05}
"""Share of lines that are written from top to bottom; the detector turns these by 90 degrees."""


cv2.setNumThreads(1)


@dataclass(frozen=True)
class Degradation:
    """How hard a line is seen. Shares are from 0 to 1, lengths in heights of the line."""

    margin: float = 0.42
    """Largest empty margin at each side."""
    perspective: float = 0.10
    turn_degrees: float = 3.0
    shear: float = 0.18
    blur: float = 0.045
    lowest: int = 12
    """Least height in pixels to which a line is shrunk before it is enlarged again."""
    noise: float = 0.25
    """Standard deviation of the noise, in those of the line."""
    least_contrast: float = 0.2
    effects: float = 0.4
    """Share of lines with an outline, a shadow, neon, embossing, something in front, or a part of the next line."""
    upside_down: float = 0.03
    mirrored: float = 0.10
    plates: float = 0.0
    """Share of lines that stand on a plate whose edges are seen, as a text detector crops small signs."""


STREET = Degradation()
CLEAN = Degradation(0.3, 0.03, 1.0, 0.05, 0.01, 28, 0.05, 0.4, 0.0, 0.0, 0.0)
HARD = Degradation(0.45, 0.16, 6.0, 0.3, 0.06, 9, 0.4, 0.13, 0.5, 0.0, 0.0)
PLATES = 0.35
"""Share of the lines for training that stand on a plate whose edges are seen."""
GRADES = {"clean": CLEAN, "street": STREET, "hard": HARD}


class Rendered(NamedTuple):
    """A line (height, width) in grey, what is written on it, its script, and whether it is mirrored."""

    pixels: NDArray[np.uint8]
    text: str
    script: str
    mirrored: bool


@functools.lru_cache(maxsize=300)
def _font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(face.path, size, index=face.index, layout_engine=ImageFont.Layout.RAQM)


def ink_of(text: str, face: Face, size: int, direction: str | None = None) -> Grey | None:
    """Return the ink (height, width) of a text, cut to its edges; None where nothing is drawn or it is too long."""
    font = _font(face, size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text, direction=direction))
    if not (2 <= right - left <= 60 * size and 2 <= bottom - top <= 4 * size):
        return None
    image = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font, direction=direction)
    return np.asarray(image, np.float32) / 255


def _vertical(text: str, face: Face, size: int) -> Grey | None:
    """Return the ink of a text written from top to bottom, turned as the detector turns tall crops."""
    parts = [ink_of(char, face, size) for char in text if not char.isspace()]
    cells = [part for part in parts if part is not None]
    if len(cells) < 2:
        return None
    width, gap = max(part.shape[1] for part in cells), max(1, size // 8)
    lefts = [(width - part.shape[1]) // 2 for part in cells]
    column = [
        np.pad(part, ((0, gap), (left, width - part.shape[1] - left))) for part, left in zip(cells, lefts, strict=True)
    ]
    return np.ascontiguousarray(np.rot90(np.concatenate(column)[:-gap]))


class Renderer:
    """Draws lines from words, fonts by script and family, and backgrounds.

    A line has the height ``height_px``, or the height of its scene where that is None. Where ``is_whole`` is true, a
    text that is longer than ``longest_px`` is not cut: another text is drawn. Where it is false, lines may be vertical.
    """

    def __init__(
        self, words: Words, fonts: dict[str, dict[str, list[Face]]], backgrounds: Backgrounds,
        *, height_px: int | None = HEIGHT, longest_px: int = LONGEST, is_whole: bool = False,
    ) -> None:  # fmt: skip
        self.words, self.fonts, self.backgrounds = words, fonts, backgrounds
        self.height_px, self.longest_px, self.is_whole = height_px, longest_px, is_whole

    def face(self, script: str, rng: np.random.Generator) -> Face:
        """Draw a family, then one of its faces."""
        families = self.fonts[script]
        faces = families[list(families)[rng.integers(len(families))]]
        return faces[rng.integers(len(faces))]

    def line(
        self, script: str, rng: np.random.Generator, how: Degradation = STREET, text: str | None = None
    ) -> Rendered:
        """Draw a line in a script of ``line_scripts.CLASSES``; "none" gives a text-free crop."""
        if script == "none":
            return Rendered(self._scaled(self._text_free(rng, how)), "", script, False)
        for _ in range(MOST_TRIES):
            written = text if text is not None else self.words.line(script, rng, made_up=self.is_whole)
            ink = self._ink(written, script, rng)
            if ink is not None:
                break
        else:
            raise ValueError(f"{written!r} was not drawn in {script}: it is too long, or no font has its letters")
        scene = self._composed(ink, script, rng, how)
        if how.plates and rng.random() < how.plates:
            scene = self._on_wall(scene, rng)
        if rng.random() < how.upside_down:
            scene = scene[::-1, ::-1]
        mirrored = rng.random() < how.mirrored
        if mirrored:
            scene = scene[:, ::-1]
        return Rendered(self._scaled(_finished(scene, rng, how)), written, script, bool(mirrored))

    def _scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return pixels if self.height_px is None else to_height(pixels, self.height_px, self.longest_px)

    def _ink(self, text: str, script: str, rng: np.random.Generator) -> Grey | None:
        face, size = self.face(script, rng), int(rng.choice(SIZES))
        if face.lacks(text):
            return None
        is_vertical = not self.is_whole and rng.random() < VERTICAL.get(script, 0)
        direction = "rtl" if script in RIGHT_TO_LEFT else None
        ink = _vertical(text, face, size) if is_vertical else ink_of(text, face, size, direction)
        if ink is None or ink.max() < 0.2:
            return None
        height, width = ink.shape
        stretch = float(np.exp(rng.normal(0, 0.18)))
        room = int(height * self.longest_px / (self.height_px or HEIGHT) * 0.9)
        width = max(4, round(width * stretch))
        ink = cv2.resize(ink, (width, height), interpolation=cv2.INTER_LINEAR)
        if width > room and self.is_whole:
            return None
        if width > room:
            start = int(rng.integers(0, width - room))
            ink = ink[:, start : start + room]
        if rng.random() < 0.08 and height > 14:
            kernel = np.ones((2, 2), np.uint8)
            ink = cv2.dilate(ink, kernel) if rng.random() < 0.6 else cv2.erode(ink, kernel)
        return np.ascontiguousarray(ink)

    def _composed(self, ink: Grey, script: str, rng: np.random.Generator, how: Degradation) -> Grey:
        height = ink.shape[0] if script != "digits" else max(ink.shape[0], 8)
        left, right, top, bottom = (int(height * rng.uniform(0.02, how.margin)) for _ in range(4))
        mask = np.pad(ink, ((top, bottom), (left, right)))
        mask = _bent(mask, height, rng, how)
        back = self.backgrounds.draw(*mask.shape, rng)
        busy = float(back.std())
        if busy > 0.12 and rng.random() < 0.7:  # writing is meant to be seen: calm what is behind it
            back = back.mean() + (back - back.mean()) * float(rng.uniform(0.04, 0.12)) / busy
        effect = int(rng.integers(6)) if rng.random() < how.effects else -1
        level = _ink_level(float(back[mask > 0.5].mean()) if (mask > 0.5).any() else 0.5, rng, how)
        spread = max(1, round(height * rng.uniform(0.03, 0.1)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * spread + 1, 2 * spread + 1))
        if effect == 0:  # an outline
            ring = cv2.dilate(mask, kernel)
            back = back * (1 - ring) + ring * (1 - level)
        elif effect == 1:  # a shadow
            shift = np.float32([[1, 0, rng.integers(-spread, spread + 1)], [0, 1, rng.integers(1, spread + 1)]])
            shade = cv2.GaussianBlur(cv2.warpAffine(mask, shift, mask.shape[::-1]), (0, 0), spread / 2)
            back = back * (1 - shade * rng.uniform(0.3, 0.9))
        elif effect == 2:  # neon, or glow
            glow = cv2.GaussianBlur(mask, (0, 0), 2 * spread)
            back = (back * rng.uniform(0.3, 0.9) + (glow / max(glow.max(), 1e-3)) * rng.uniform(0.2, 0.5)).clip(0, 1)
            level = max(level, 0.85)
        elif effect == 3:  # embossed: edges alone are seen
            edge = mask - np.roll(mask, (spread, spread), (0, 1))
            return (back + edge * rng.uniform(0.15, 0.5)).clip(0, 1)
        elif effect == 4:  # hollow letters
            mask = (cv2.dilate(mask, kernel) - mask).clip(0, 1) if rng.random() < 0.6 else mask
        elif effect == 5:  # a part of the next line, or something in front
            if rng.random() < 0.5:
                mask = np.maximum(mask, _next_line(mask, rng))
            else:
                x, wide = int(rng.integers(mask.shape[1])), int(height * rng.uniform(0.05, 0.4))
                mask[:, x : x + wide] *= rng.uniform(0, 0.5)
        shade = level + (line_backgrounds.noise(*mask.shape, rng, height) - 0.5) * rng.uniform(0, 0.15)
        return (back * (1 - mask) + shade * mask).clip(0, 1)

    def _on_wall(self, plate: Grey, rng: np.random.Generator) -> Grey:
        """Return a plate (height, width), framed or not, on a wall that is seen at its sides."""
        height, width = plate.shape
        if rng.random() < FRAMED:
            thick = max(1, round(height * rng.uniform(0.02, 0.06)))
            shade = float(rng.random())
            plate = cv2.copyMakeBorder(plate, *(thick,) * 4, cv2.BORDER_CONSTANT, value=shade)
            height, width = plate.shape
        top, bottom, left, right = (int(height * rng.uniform(0, MOST_WALL)) for _ in range(4))
        wall = self.backgrounds.draw(height + top + bottom, width + left + right, rng).copy()
        wall[top : top + height, left : left + width] = plate
        return wall

    def _text_free(self, rng: np.random.Generator, how: Degradation) -> NDArray[np.uint8]:
        height = int(rng.integers(24, 56))
        width = int(height * np.exp(rng.uniform(np.log(1.0), np.log(LONGEST / HEIGHT))))
        if self.backgrounds.photos and rng.random() < 0.45:
            scene = self.backgrounds.photo(height, width, rng)
        else:
            scene = line_backgrounds.text_free(height, width, rng)
            if rng.random() < 0.3:
                other = self.backgrounds.draw(height, width, rng)
                scene = scene * 0.6 + other * 0.4
        return _finished(scene, rng, how)


def _ink_level(behind: float, rng: np.random.Generator, how: Degradation) -> float:
    darker, lighter = behind - how.least_contrast, 1 - behind - how.least_contrast
    if rng.random() < max(darker, 0.02) / (max(darker, 0.02) + max(lighter, 0.02)):
        return float(rng.uniform(0, max(behind - how.least_contrast, 0.01)))
    return float(rng.uniform(min(behind + how.least_contrast, 0.99), 1))


def _next_line(mask: Grey, rng: np.random.Generator) -> Grey:
    """Return the same ink, moved nearly out of the crop, as a part of the line above or below."""
    rows = int(mask.shape[0] * rng.uniform(0.8, 0.95)) * int(rng.choice((-1, 1)))
    moved = np.roll(mask[:, ::-1], rows, axis=0)
    if rows > 0:
        moved[:rows] = 0
    else:
        moved[rows:] = 0
    return moved


def _bent(mask: Grey, size: int, rng: np.random.Generator, how: Degradation) -> Grey:
    """Return the mask after perspective, shear and a small turn; the corners of the crop stay where they are."""
    height, width = mask.shape
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    moved = corners + rng.normal(0, how.perspective / 2, (4, 2)).astype(np.float32) * size
    angle = np.deg2rad(rng.normal(0, how.turn_degrees / 2)) * min(1.0, 4 * size / width)
    shear = rng.normal(0, how.shear) if rng.random() < 0.5 else 0.0
    center = np.float32([width / 2, height / 2])
    linear = np.float32([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    moved = ((moved - center) @ linear.T + center).astype(np.float32)
    return cv2.warpPerspective(mask, cv2.getPerspectiveTransform(corners, moved), (width, height))


def _finished(scene: Grey, rng: np.random.Generator, how: Degradation) -> NDArray[np.uint8]:
    """Return a scene after blur, low resolution, noise and JPEG."""
    height, width = scene.shape
    low = round(float(np.exp(rng.uniform(np.log(how.lowest), np.log(60)))))
    if low < height:
        size = (max(4, round(width * low / height)), low)
        scene = cv2.resize(np.ascontiguousarray(scene), size, interpolation=cv2.INTER_AREA)
    scene = np.ascontiguousarray(scene)
    blur = how.blur * float(rng.random()) ** 1.5 * scene.shape[0]
    if blur > 0.3:
        if rng.random() < 0.25:
            length = max(2, round(2 * blur))
            kernel = np.ones((1, length), np.float32) / length
            scene = cv2.filter2D(scene, -1, kernel if rng.random() < 0.7 else kernel.T)
        else:
            scene = cv2.GaussianBlur(scene, (0, 0), blur)
    gain = rng.uniform(0.5, 1.0)
    scene = scene * gain + (1 - gain) * rng.random()
    sigma = how.noise * float(rng.random()) ** 2 * float(scene.std())
    if sigma > 0.004:
        scene = scene + sigma * rng.standard_normal(scene.shape, np.float32)
    pixels = (scene.clip(0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.4:
        _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))])
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return pixels


def photo_names(count: int, seed: int = 1) -> list[str]:
    """Return paths of photos that may train what is shipped, drawn from the shared table; none where it is missing."""
    table = PHOTOS / "train.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row["path"] for row in csv.DictReader(file) if row["use"] == "ship"]
    return [rows[row] for row in np.random.default_rng(seed).permutation(len(rows))[:count]]


def photos_of(folder: Path, names: list[str], side: int = 512) -> list[NDArray[np.uint8]]:
    """Return photos in grey, at most ``side`` pixels on their longer side."""
    found = []
    for name in names:
        image = Image.open(folder / name)
        image.draft("L", (side, side))
        image = image.convert("L")
        image.thumbnail((side, side))
        found.append(np.asarray(image))
    return found
