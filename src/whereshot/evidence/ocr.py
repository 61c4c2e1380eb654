"""Read the lines of text in an upright picture, with RapidOCR on ONNX Runtime and the models in RapidOCR's wheel.

Nothing is downloaded. The models read Latin with accents, Greek, Chinese, Japanese and symbols. ``line_scripts`` first
recognises the script of each line. A line in another script is read by ``foreign_lines``; where that cannot read it, it
is returned as unread. A crop without writing is dropped. A mirrored picture is first mirrored back, then read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whereshot.evidence.base import Box, Line
from whereshot.evidence.foreign_lines import BUILTIN, LineReader, read_foreign, readers
from whereshot.evidence.known_lines import KnownLines
from whereshot.evidence.line_scripts import KNOWN_CLASSES, RARE_SCRIPTS, LineScript, in_company, line_scripts
from whereshot.evidence.text_detector import TextDetector
from whereshot.foundation.errors import ModelError
from whereshot.foundation.onnx_session import has_int8_instructions

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
MOST_FOREIGN = 0.97
"""A line is not given to RapidOCR if the foreign scripts and "none" have at least this probability.

The value is high, because losing a Latin line costs more than misreading a line in another script."""
LEAST_SCRIPT = 0.8
"""A line that is read gets a script if the script has at least this probability."""
LEAST_UNREAD = 0.75
"""An unread line is reported if one script has at least this probability."""
LEAST_RARE = 0.95
"""The same for ``line_scripts.RARE_SCRIPTS``."""
DOUBTFUL_CONFIDENCE = 0.9
"""The confidence that RapidOCR needs to count on a line if a foreign script is likelier than all others."""
EDGE = 0.1
"""What is cut from each side of a crop, in its shorter side, before the networks of this package look at it.

The detector leaves room around the letters. There, the edges of plates and boards look like strokes of letters."""
MIRRORED_ODDS = -2.2
"""A picture is also read mirrored if the mean log odds of its lines being mirrored are above this.

Photos of signs mostly have less than -2.5, the same photos mirrored mostly more than -2. Reading twice decides."""
MIRRORED_FOREIGN_ODDS = -3.5
"""The same where at least half of the lines are in scripts that RapidOCR does not know, because the odds are less sure.
"""
MIRRORED_GAIN = 0.05
"""The mirrored lines are used if their mean confidence over letters is higher by this."""
_ZEROS = re.compile(r"(?=(?:\W*[0Oo]){4})[0Oo□\W]+")
"""Matches what the reader of Latin gives for digits of other scripts: zeros alone. Such a line is not read."""


class Tile(NamedTuple):
    """A part of a picture, which was first resized by ``scale``: ``left`` and ``top`` are pixels of the resized one."""

    image: Image.Image
    left: int
    top: int
    scale: float


class LineText(NamedTuple):
    """The reading of a line: the text, the confidence of the reader, and the script where it is sure."""

    text: str
    confidence: float
    script: str | None


class Seen(NamedTuple):
    """The lines of a picture: those that were read, and those in scripts that were not read.

    An unread line has the text "", and its confidence is the probability of its script.
    """

    lines: list[Line]
    unread: list[Line]


class Reader:
    """Reads text in pictures. It loads the models once, at the first picture.

    ``threads`` is the number of threads of ONNX Runtime. A picture is resized before detection. Where
    ``detector_limit`` is "min", its shorter side becomes at least ``detector_side`` pixels. Where it is "max", its
    longer side becomes at most ``detector_side`` pixels. ``line_readers`` read the scripts that RapidOCR does not know.
    ``looks_first`` says whether it sees only the areas that the look proposes (``text_look``); None where the CPU
    decides (``foundation.onnx_session.has_int8_instructions``).
    """

    def __init__(
        self,
        threads: int = 1,
        detector_side: int = DETECTOR_SIDE,
        detector_limit: Literal["min", "max"] = "min",
        line_readers: Sequence[LineReader] | None = None,
        *,
        looks_first: bool | None = None,
    ) -> None:
        self.threads, self.detector_side, self.detector_limit = threads, detector_side, detector_limit
        self.line_readers = readers() if line_readers is None else line_readers
        self.looks_first = has_int8_instructions() if looks_first is None else looks_first

    @functools.cached_property
    def _engine(self) -> Any:
        import rapidocr

        models = Path(rapidocr.__file__).parent / "models"
        if len(list(models.glob("*.onnx"))) < 3:  # without them RapidOCR would try to download models
            raise ModelError(f"{models}: RapidOCR's models are missing; install rapidocr again")
        return rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": LARGEST_SIDE,
                "Global.text_score": LEAST_CONFIDENCE,
                "Det.limit_side_len": self.detector_side,
                "Det.limit_type": self.detector_limit,
                "EngineConfig.onnxruntime.intra_op_num_threads": self.threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,  # RapidOCR's own choice takes 20 % more time
            }
        )

    @functools.cached_property
    def detector(self) -> TextDetector:
        """What finds the lines in a picture."""
        return TextDetector(self._engine, looks_first=self.looks_first)

    @functools.cached_property
    def known_lines(self) -> KnownLines:
        """What reads the lines in scripts that RapidOCR knows."""
        return KnownLines(self._engine)

    def read(self, image: Image.Image) -> list[Line]:
        """Return the lines of an RGB picture, from top to bottom."""
        return self.read_tiles(tiles_of(image))

    def read_tiles(self, tiles: Sequence[Tile]) -> list[Line]:
        """Return the lines of a picture from its ``tiles_of``, so that a large picture can be released before."""
        return self.see_tiles(tiles).lines

    def see_tiles(self, tiles: Sequence[Tile]) -> Seen:
        """Return the lines and the unread lines of a picture from its ``tiles_of``."""
        seen = Seen([], [])
        for tile, left, top, scale in tiles:
            for own, part in zip(seen, self._see_one(tile, 1 / len(tiles)), strict=True):
                own += [line.scaled(1 / scale, left, top) for line in part]
        lines, unread = (_without_repeats(sorted(own, key=lambda line: (line.box[1], line.box[0]))) for own in seen)
        return Seen(lines, unread)

    def _see_one(self, image: Image.Image, share: float) -> Seen:
        """Return the lines of a tile; ``share`` is the tile's share of the lines that are recognised in a picture."""
        pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])  # the models were trained on BGR
        crops, boxes = self.detector.detect(pixels)
        if not crops:
            return Seen([], [])
        rows = _tallest(crops, share)
        texts, scripts = self.recognise([crops[row] for row in rows])
        lines, unread = [], []
        for row, own, text in zip(rows, scripts, texts, strict=True):
            script, probability = own.foreign
            if text is not None:
                lines.append(_line(text.text, text.confidence, boxes[row], text.script))
            elif probability >= (LEAST_RARE if script in RARE_SCRIPTS else LEAST_UNREAD):
                unread.append(_line("", probability, boxes[row], script))
        return Seen(lines, unread)

    def recognise(self, crops: list[NDArray[np.uint8]]) -> tuple[list[LineText | None], list[LineScript]]:
        """Return what is read on each crop (height, width, 3) of one picture, None for nothing, and its script.

        The crops of a mirrored picture are mirrored back first. Where neither side is read better, the scripts are
        those of the side that looks less mirrored.
        """
        scripts = scripts_of(crops)
        read = self._recognise_as_they_are(crops, scripts)
        if not _looks_mirrored(scripts):
            return read, scripts
        turned = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
        turned_scripts = scripts_of(turned)
        back = self._recognise_as_they_are(turned, turned_scripts)
        if _mean_score(back) > _mean_score(read) + MIRRORED_GAIN:
            return back, turned_scripts
        return read, min(scripts, turned_scripts, key=_mirrored_odds)

    def _recognise_as_they_are(
        self, crops: list[NDArray[np.uint8]], scripts: list[LineScript]
    ) -> list[LineText | None]:
        """Return what RapidOCR or a reader of other scripts reads on each crop, whichever is likelier to be right."""
        rows = [row for row, own in enumerate(scripts) if own.known > 1 - MOST_FOREIGN]
        found = dict(zip(rows, self.known_lines.read([crops[row] for row in rows]), strict=True))
        known = [found.get(row, ("", 0.0)) for row in range(len(crops))]
        known = [("", 0.0) if _ZEROS.fullmatch(text.strip()) else (text, score) for text, score in known]
        foreign = read_foreign([_inside(crop) for crop in crops], scripts, self.line_readers, known)
        texts: list[LineText | None] = []
        for own, other, (text, score) in zip(scripts, foreign, known, strict=True):
            if other is not None:
                texts.append(LineText(other.text, other.confidence, other.script))
            elif text.strip() and score >= max(LEAST_CONFIDENCE, DOUBTFUL_CONFIDENCE * (own.foreign[1] > 0.5)):
                sure = float(own.probabilities.max()) >= LEAST_SCRIPT
                texts.append(LineText(text.strip(), score, own.best if sure and own.best != "none" else None))
            else:
                texts.append(None)
        return texts


def _inside(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop (height, width, 3) of the detector without its edges."""
    height, width = crop.shape[:2]
    cut = round(EDGE * min(height, width))
    return crop[cut : height - cut, cut : width - cut]


def scripts_of(crops: Sequence[NDArray[np.uint8]]) -> list[LineScript]:
    """Return the script of each crop (height, width, 3) of one picture, as the detector cuts it, with its edges."""
    return in_company(line_scripts([_inside(crop) for crop in crops]))


def _line(text: str, confidence: float, corners: NDArray[np.float64], script: str | None) -> Line:
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return Line(text, confidence, (left, top, right, bottom), (a, b, c, d), script=script)


def _looks_mirrored(scripts: Sequence[LineScript]) -> bool:
    """Return whether the lines with letters look mirrored, all in all."""
    with_letters = _with_letters(scripts)
    foreign = sum(one.best not in KNOWN_CLASSES for one in with_letters)
    least = MIRRORED_FOREIGN_ODDS if 2 * foreign >= len(with_letters) else MIRRORED_ODDS
    return _mirrored_odds(scripts) > least


def _mirrored_odds(scripts: Sequence[LineScript]) -> float:
    """Return the mean log odds of the lines with letters being mirrored; minus infinity where there is no such line."""
    odds = [np.log(max(one.mirrored, 1e-4) / max(1 - one.mirrored, 1e-4)) for one in _with_letters(scripts)]
    return float(np.mean(odds)) if odds else -np.inf


def _with_letters(scripts: Sequence[LineScript]) -> list[LineScript]:
    return [one for one in scripts if one.best != "digits"]


def _mean_score(read: Sequence[LineText | None]) -> float:
    """Return the mean score over letters; a line that was not read counts as one letter of score 0."""
    letters = [1 if one is None else max(1, sum(char.isalnum() for char in one.text)) for one in read]
    scores = [0.0 if one is None else one.confidence for one in read]
    return sum(n * score for n, score in zip(letters, scores, strict=True)) / max(1, sum(letters))


def _tallest(crops: Sequence[NDArray[np.uint8]], share: float) -> list[int]:
    """Return the rows of the tallest crops, in order: ``share`` of the lines that a picture may have."""
    order = np.argsort([-min(crop.shape[:2]) for crop in crops], kind="stable")
    lengths = np.array([max(crop.shape[:2]) / max(min(crop.shape[:2]), 1) for crop in crops])
    kept = np.cumsum(lengths[order]) <= max(MOST_LENGTH * share, lengths[order[0]])
    rows: list[int] = np.sort(order[kept][: max(1, round(MOST_LINES * share))]).tolist()
    return rows


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
def shared_reader(name: str = BUILTIN) -> Reader:
    """Return the reader of this process, which uses one thread; ``name`` is one of ``foreign_lines.READERS``.

    With a second thread, reading takes over 50 % more processor time (docs/results-reading.md). Many photos are read by
    one process per core instead.
    """
    return Reader(threads=1, line_readers=readers(name))
