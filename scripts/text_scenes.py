"""Pictures with drawn writing on photos and textures, labelled by the text detector: what the look is trained on.

A scene is as large as the detector sees it. Photos are those that may train what is shipped. They are small, so a scene
shows one of them enlarged, or several side by side. Lines stand on boards (``rendered_lines``) or on the photo itself.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import line_backgrounds
import numpy as np
from line_backgrounds import Grey
from numpy.typing import NDArray
from rendered_lines import PHOTOS, PLATES, STREET, Degradation, Renderer, ink_of, photo_names

from whereshot.evidence.line_scripts import CLASSES
from whereshot.evidence.ocr import Reader, scripts_of
from whereshot.evidence.text_detector import normalised
from whereshot.evidence.writing import RIGHT_TO_LEFT

SIDE_PX = 640
"""Width and height of a scene."""
CELL_PX = 16
"""Width and height of a cell of the labels."""
COMMON = {"Latin": 0.42, "digits": 0.07, "Cyrillic": 0.05, "Han": 0.05, "Kana": 0.05, "Hangul": 0.04, "none": 0.0}
"""Share of the lines in these classes; the others share the rest."""
SHARES = np.array([COMMON.get(name, (1 - sum(COMMON.values())) / (len(CLASSES) - len(COMMON))) for name in CLASSES])
LEAST_HEIGHT_PX, MOST_HEIGHT_PX = 9, 120
WITHOUT_TEXT = 0.3
"""Share of the scenes on which nothing is drawn."""
MOST_NOTHING, LEAST_NOTHING = 0.3, 0.9
"""A box of the detector is text where the network of scripts gives "none" less than the first probability. With more
than the second it is no text. Between them it counts neither way."""
NOTHING_WEIGHT = 0.5
"""Weight of the cells of a box that is no text."""
LEAST_SHARE = 0.2
"""Share of a cell that a line must cover for the cell to be text; a smaller share counts neither way."""
LINE_CELLS = 6.0
"""A line weighs as much as so many cells, whatever its size, within these limits of the weight of a cell."""
LEAST_WEIGHT, MOST_WEIGHT = 0.3, 6.0
FINE = 4
"""Labels are drawn so many times finer than the cells."""

Pixels = NDArray[np.uint8]
"""A picture (height, width, 3) in BGR."""


class Scene(NamedTuple):
    """A picture, and for each cell whether it is text and what that weighs: 0 where it is not known."""

    pixels: Pixels
    is_text: NDArray[np.uint8]
    weights: NDArray[np.float32]


def training_photos() -> list[Pixels]:
    """Return the photos that may train what is shipped, and the second half of the sunsets.

    The first half of the sunsets stays for benchmarks.
    """
    with (PHOTOS / "sunsets.csv").open(encoding="utf-8", newline="") as file:
        sunsets = [row["path"] for row in csv.DictReader(file) if row["use"] == "ship"]
    names = photo_names(10_000) + sunsets[len(sunsets) // 2 :]
    return [np.asarray(cv2.imread(str(PHOTOS / name)), np.uint8) for name in names]


class SceneMaker:
    """Draws scenes, and labels them with the detector of a reader."""

    def __init__(self, renderer: Renderer, photos: Sequence[Pixels], reader: Reader) -> None:
        self.renderer, self.photos, self.reader = renderer, photos, reader

    def scene(self, rng: np.random.Generator) -> Scene:
        """Draw a scene and label it."""
        pixels = self._background(rng)
        drawn = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.6 else 0):
            shape = int(rng.integers(16, 160)), int(rng.integers(16, 400))
            _paste(pixels, line_backgrounds.text_free(*shape, rng), rng)
        if rng.random() >= WITHOUT_TEXT:
            for _ in range(int(rng.choice((1, 2, 3, 5, 8), p=(0.3, 0.25, 0.2, 0.15, 0.1)))):
                self._write(pixels, drawn, rng)
        pixels = _seen(pixels, rng)
        return self._labelled(pixels, drawn)

    def _background(self, rng: np.random.Generator) -> Pixels:
        pixels = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        side = int(rng.choice((1, 2, 3), p=(0.45, 0.4, 0.15)))
        edges = [round(SIDE_PX * part / side) for part in range(side + 1)]
        for top, bottom in itertools.pairwise(edges):
            for left, right in itertools.pairwise(edges):
                pixels[top:bottom, left:right] = self._photo(bottom - top, right - left, rng)
        return pixels

    def _photo(self, height: int, width: int, rng: np.random.Generator) -> Pixels:
        photo = self.photos[rng.integers(len(self.photos))]
        scale = max(height / photo.shape[0], width / photo.shape[1], 0.5) * float(rng.uniform(1.0, 1.8))
        rows, columns = min(photo.shape[0], round(height / scale)), min(photo.shape[1], round(width / scale))
        top, left = int(rng.integers(photo.shape[0] - rows + 1)), int(rng.integers(photo.shape[1] - columns + 1))
        part = photo[top : top + rows, left : left + columns]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        found = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=method)
        if scale > 1.3 and rng.random() < 0.5:
            blurred = cv2.GaussianBlur(found, (0, 0), scale / 2)
            found = cv2.addWeighted(found, 1 + (amount := float(rng.uniform(0.5, 2.0))), blurred, -amount, 0)
        return np.asarray(found, np.uint8)

    def _write(self, pixels: Pixels, drawn: NDArray[np.uint8], rng: np.random.Generator) -> None:
        """Draw a board with a line, or some lines on the photo itself, on a picture; mark them in ``drawn``."""
        script = CLASSES[rng.choice(len(CLASSES), p=SHARES)]
        height = float(np.exp(rng.uniform(np.log(LEAST_HEIGHT_PX), np.log(MOST_HEIGHT_PX))))
        if rng.random() < 0.5:
            how = Degradation(**{**STREET.__dict__, "plates": PLATES, "mirrored": 0.0})
            board = self.renderer.line(script, rng, how).pixels.astype(np.float32) / 255
            board = _to_height(board, height * 1.4)
            _paste(pixels, board, rng, drawn)
            return
        face, right_to_left = self.renderer.face(script, rng), script in RIGHT_TO_LEFT
        lines = []
        for _ in range(int(rng.choice((1, 2, 3, 6), p=(0.55, 0.2, 0.15, 0.1)))):
            text = self.renderer.words.line(script, rng)
            ink = None if face.lacks(text) else ink_of(text, face, 40, "rtl" if right_to_left else None)
            if ink is not None:
                lines.append(_to_height(ink, height))
        if lines:
            block = _stacked(lines, round(height * float(rng.uniform(0.25, 0.9))), rng)
            _paste(pixels, block, rng, drawn, is_ink=True)

    def _labelled(self, pixels: Pixels, drawn: NDArray[np.uint8]) -> Scene:
        """Label a scene: a cell is text where the detector finds a line with letters."""
        engine, detector = self.reader.detector._engine, self.reader.detector._detector
        how = detector.get_preprocess()
        found = detector.session(normalised(pixels, how.scale, tuple(how.mean), tuple(how.std)))
        boxes, _ = detector.postprocess_op(found, pixels.shape[:2])
        cells = SIDE_PX // CELL_PX
        is_text, weights = np.zeros((cells, cells), np.uint8), np.ones((cells, cells), np.float32)
        weights[_shares_of(drawn > 0) > 0] = 0  # where the detector finds nothing, the drawn line may be too hard
        scripts = scripts_of(engine.crop_text_regions(pixels, boxes)) if len(boxes) else []
        for corners, script in sorted(zip(boxes, scripts, strict=True), key=lambda pair: -pair[1].none):
            shares = _covered(corners, cells)
            if script.none > MOST_NOTHING:
                weights[shares > 0] *= NOTHING_WEIGHT if script.none > LEAST_NOTHING else 0
                continue
            inside = shares >= min(LEAST_SHARE, float(shares.max()))
            edge = (shares > 0) & ~inside & (is_text == 0)
            weights[edge] = 0
            is_text[inside] = 1
            weights[inside] = np.clip(LINE_CELLS / max(1, int(inside.sum())), LEAST_WEIGHT, MOST_WEIGHT)
        return Scene(pixels, is_text, weights)


def _to_height(values: Grey, height: float) -> Grey:
    rows = max(4, round(height))
    columns = max(4, round(values.shape[1] * rows / values.shape[0]))
    method = cv2.INTER_AREA if rows < values.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (columns, rows), interpolation=method), np.float32)


def _stacked(lines: Sequence[Grey], gap: int, rng: np.random.Generator) -> Grey:
    """Return lines of ink one below another, at the left or in the middle."""
    width, is_centred = max(line.shape[1] for line in lines), rng.random() < 0.5
    rows = []
    for line in lines:
        left = (width - line.shape[1]) // 2 if is_centred else 0
        rows.append(np.pad(line, ((0, gap), (left, width - line.shape[1] - left))))
    return np.concatenate(rows)[:-gap] if gap else np.concatenate(rows)


def _paste(
    pixels: Pixels, values: Grey, rng: np.random.Generator, drawn: NDArray[np.uint8] | None = None, *,
    is_ink: bool = False,
) -> None:  # fmt: skip
    """Lay values (height, width) on a picture, turned, in two colours or as ink; mark the place in ``drawn``."""
    spread = float(rng.choice((3.0, 20.0, 90.0), p=(0.7, 0.2, 0.1)))
    angle = 90.0 * rng.choice((-1, 1)) if spread == 90 else float(rng.normal(0, spread))
    height, width = values.shape
    center = rng.uniform(0, SIDE_PX, 2)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    matrix[:, 2] += center - (width / 2, height / 2)
    size = (SIDE_PX, SIDE_PX)
    place = cv2.warpAffine(np.ones_like(values), matrix, size, flags=cv2.INTER_LINEAR)
    laid = cv2.warpAffine(values, matrix, size, flags=cv2.INTER_LINEAR)
    if drawn is not None:
        drawn[place > 0.5] = 1
    first, second = _colours(rng)
    if is_ink:
        behind = float(pixels[place > 0.5].mean()) / 255 if (place > 0.5).any() else 0.5
        if abs(float(second.mean()) - behind) < 0.25:
            second = np.clip(second + (0.5 if behind < 0.5 else -0.5), 0, 1)
        mask, colour = laid[..., None], np.broadcast_to(second, pixels.shape)
    else:
        mask, colour = place[..., None], first + laid[..., None] * (second - first)
    mixed = pixels * (1 - mask) + 255 * colour * mask
    pixels[:] = mixed.clip(0, 255).astype(np.uint8)


def _colours(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a dark and a light colour, or a light and a dark one; a third of them grey."""
    dark, light = rng.uniform(0, 0.5, 3), rng.uniform(0.5, 1.0, 3)
    if rng.random() < 0.35:
        dark, light = np.full(3, dark[0] / 2), np.full(3, (1 + light[0]) / 2)
    return (dark, light) if rng.random() < 0.6 else (light, dark)


def _seen(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a scene in some light, with noise, blur and the losses of JPEG."""
    values = pixels.astype(np.float32) * float(rng.uniform(0.45, 1.15)) + float(rng.uniform(-20, 30))
    if rng.random() < 0.3:
        values = cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.5:
        values += float(rng.uniform(1, 10)) * rng.standard_normal(values.shape, np.float32)
    seen = values.clip(0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
        seen = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return seen


def _covered(corners: NDArray[np.float64], cells: int) -> NDArray[np.float32]:
    """Return what share of each cell a box with these corners (4, 2) covers."""
    fine = np.zeros((cells * FINE, cells * FINE), np.uint8)
    cv2.fillPoly(fine, [np.round(np.asarray(corners) * FINE / CELL_PX).astype(np.int32)], 1)
    return np.asarray(fine.reshape(cells, FINE, cells, FINE).mean(axis=(1, 3)), np.float32)


def _shares_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    cells = mask.shape[0] // CELL_PX
    return np.asarray(mask.reshape(cells, CELL_PX, cells, CELL_PX).mean(axis=(1, 3)), np.float32)
