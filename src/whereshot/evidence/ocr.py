"""Read the lines of text in an upright picture, with RapidOCR on ONNX Runtime and the models in RapidOCR's wheel.

Nothing is downloaded. The models read Latin with accents, Greek, Chinese, Japanese and symbols. They do not read
Cyrillic, Arabic, Hebrew, Hangul, Thai or Indic scripts.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from whereshot.evidence.base import Box, Line
from whereshot.foundation.errors import ModelError

DETECTOR_SIDE = 736
"""Shorter side in pixels to which a small picture is enlarged before text is detected.

docs/results-reading.md shows why this value was chosen."""
LARGEST_SIDE = 1600
"""Longer side in pixels above which a picture is shrunk; a panorama is cut into tiles instead."""
TILE_RATIO = 2.2
"""Ratio of the longer to the shorter side above which a large picture is read in overlapping tiles."""
MOST_TILES = 6
MOST_LINES = 150
"""The most lines that are recognised in a picture; the tallest lines are kept."""
MOST_LENGTH = 600.0
"""The greatest total length of these lines, in line heights, so that a printed page does not take minutes."""
LEAST_CONFIDENCE = 0.5
"""Lines with a lower confidence of the reader are dropped."""


class Tile(NamedTuple):
    """A part of a picture, which was first resized by ``scale``: ``left`` and ``top`` are pixels of the resized one."""

    image: Image.Image
    left: int
    top: int
    scale: float


class Reader:
    """Reads text in pictures. It loads the models once, at the first picture.

    ``threads`` is the number of threads of ONNX Runtime. A picture is resized before detection. Where
    ``detector_limit`` is "min", its shorter side becomes at least ``detector_side`` pixels. Where it is "max", its
    longer side becomes at most ``detector_side`` pixels.
    """

    def __init__(
        self, threads: int = 1, detector_side: int = DETECTOR_SIDE, detector_limit: Literal["min", "max"] = "min"
    ) -> None:
        self.threads, self.detector_side, self.detector_limit = threads, detector_side, detector_limit
        self._tile_share = [1.0]  # the current tile's share of the lines that may be recognised in the picture

    @functools.cached_property
    def _engine(self) -> Any:
        import rapidocr

        models = Path(rapidocr.__file__).parent / "models"
        if len(list(models.glob("*.onnx"))) < 3:  # without them RapidOCR would try to download models
            raise ModelError(f"{models}: RapidOCR's models are missing; install rapidocr again")
        return _bounded(rapidocr.RapidOCR, self._tile_share)(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": LARGEST_SIDE,
                "Global.text_score": LEAST_CONFIDENCE,
                "Det.limit_side_len": self.detector_side,
                "Det.limit_type": self.detector_limit,
                "EngineConfig.onnxruntime.intra_op_num_threads": self.threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, image: Image.Image) -> list[Line]:
        """Return the lines of an RGB picture, from top to bottom."""
        return self.read_tiles(tiles_of(image))

    def read_tiles(self, tiles: Sequence[Tile]) -> list[Line]:
        """Return the lines of a picture from its ``tiles_of``, so that a large picture can be released before."""
        lines: list[Line] = []
        self._tile_share[0] = 1 / len(tiles)
        for tile, left, top, scale in tiles:
            lines += [line.scaled(1 / scale, left, top) for line in self._read_one(tile)]
        return _without_repeats(sorted(lines, key=lambda line: (line.box[1], line.box[0])))

    def _read_one(self, image: Image.Image) -> list[Line]:
        pixels = np.asarray(image)[:, :, ::-1]  # the models were trained on BGR
        found = self._engine(np.ascontiguousarray(pixels))
        if found is None or found.txts is None or found.boxes is None:
            return []
        lines = []
        for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
            if text.strip() and score >= LEAST_CONFIDENCE:
                left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
                right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
                a, b, c, d = ((float(x), float(y)) for x, y in corners)
                lines.append(Line(text.strip(), float(score), (left, top, right, bottom), (a, b, c, d)))
        return lines


def _bounded(engine: type, share: list[float]) -> type:
    """Return a subclass of the engine that recognises only the tallest lines.

    The limits are ``MOST_LINES`` and ``MOST_LENGTH`` times ``share[0]``.
    """

    class Bounded(engine):  # type: ignore[misc]  # the base class is only known at run time
        def detect_and_crop(self, img: np.ndarray, op_record: dict[str, Any]) -> tuple[list[np.ndarray], Any]:
            crops, found = super().detect_and_crop(img, op_record)
            order = np.argsort([-min(crop.shape[:2]) for crop in crops], kind="stable")
            lengths = np.array([max(crop.shape[:2]) / max(min(crop.shape[:2]), 1) for crop in crops])
            kept = np.cumsum(lengths[order]) <= max(MOST_LENGTH * share[0], lengths[order[0]])
            tallest = np.sort(order[kept][: max(1, round(MOST_LINES * share[0]))])
            if len(tallest) < len(crops):
                crops = [crops[row] for row in tallest]
                found.boxes = np.asarray(found.boxes)[tallest]
                found.scores = [found.scores[row] for row in tallest]
            return crops, found

    return Bounded


def tiles_of(image: Image.Image) -> list[Tile]:
    """Cut a picture into the tiles that are read: one tile of the whole picture, or overlapping tiles of a panorama."""
    width, height = image.size
    longer, shorter = max(width, height), min(width, height)
    if longer <= TILE_RATIO * shorter or longer <= LARGEST_SIDE:
        scale = min(1.0, LARGEST_SIDE / longer)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        whole = image if scale == 1 else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return [Tile(whole, 0, 0, scale)]
    scale = min(1.0, LARGEST_SIDE / 1.6 / shorter)
    image = image.resize((max(1, round(width * scale)), max(1, round(height * scale))), reducing_gap=2.0)
    longer, shorter = max(image.size), min(image.size)
    side = min(longer, max(round(1.6 * shorter), 32))
    count = min(MOST_TILES, max(1, int(np.ceil((longer - side) / (0.85 * side))) + 1))
    tiles = []
    for start in np.linspace(0, longer - side, count).round().astype(int).tolist():
        along_width = image.width >= image.height
        box = (start, 0, start + side, shorter) if along_width else (0, start, shorter, start + side)
        tiles.append(Tile(image.crop(box), box[0], box[1], scale))
    return tiles


def _without_repeats(lines: list[Line]) -> list[Line]:
    """Drop the repeats of lines that were read in two tiles."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.confidence):
        if not any(other.text == line.text and _overlap(other.box, line.box) > 0.5 for other in kept):
            kept.append(line)
    return sorted(kept, key=lambda line: (line.box[1], line.box[0]))


def _overlap(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(width, 0) * max(height, 0) / max(smaller, 1)


@functools.cache
def shared_reader() -> Reader:
    """Return the reader of this process, which uses one thread.

    With a second thread, reading takes over 50 % more processor time (docs/results-reading.md). Many photos are read by
    one process per core instead.
    """
    return Reader(threads=1)
