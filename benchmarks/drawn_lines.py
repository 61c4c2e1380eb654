"""Lines of writing that are drawn for tests, at the height at which a photo shows them; they are kept in a folder.

Fonts, words and photos behind the lines are those that ``scripts/line_fonts.py``, ``line_texts.py`` and the shared
table keep apart from training. Each line has its own seed, so that the first hundred are the same in every run.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from line_backgrounds import Backgrounds  # noqa: E402
from line_fonts import Face, find_fonts, split  # noqa: E402
from line_texts import Words  # noqa: E402
from rendered_lines import GRADES, PHOTOS, Renderer, photo_names, photos_of  # noqa: E402

from whereshot.evidence.line_scripts import CLASSES  # noqa: E402

SEED = 20261130
BACKGROUND_PHOTOS = 200
LONGEST_PX = 448
"""The longest line that is drawn, in pixels at a height of 32: fourteen heights."""
MOST_TRIES = 200
TEST_GRADES = {name: dataclasses.replace(grade, upside_down=0.0, mirrored=0.0) for name, grade in GRADES.items()}


class DrawnLines(NamedTuple):
    """Grey lines (height, width) and what is written on each."""

    pixels: list[NDArray[np.uint8]]
    texts: list[str]


def test_fonts(folders: list[Path], cache: Path | None) -> dict[str, dict[str, list[Face]]]:
    """Return the families of fonts that are kept for tests, by script."""
    return split(find_fonts([Path("/usr/share/fonts"), *folders], cache), "test")


def background_names() -> list[str]:
    """Return paths of shared photos that may stand behind drawn writing; none where the table is missing."""
    return photo_names(BACKGROUND_PHOTOS, SEED)


def test_renderer(fonts: dict[str, dict[str, list[Face]]]) -> Renderer:
    """Return a renderer of whole lines at their own height."""
    backgrounds = Backgrounds(photos_of(PHOTOS, background_names()))
    return Renderer(Words("test"), fonts, backgrounds, height_px=None, longest_px=LONGEST_PX, is_whole=True)


def draw_line(renderer: Renderer, script: str, grade: str, number: int) -> tuple[NDArray[np.uint8], str]:
    """Draw the line of a number in a script of ``CLASSES`` and a grade, and return it with its text."""
    rng = np.random.default_rng((SEED, CLASSES.index(script), list(GRADES).index(grade), number))
    for _ in range(MOST_TRIES):
        text = renderer.words.line(script, rng)
        try:
            line = renderer.line(script, rng, TEST_GRADES[grade], text)
        except ValueError:  # the text is too long, or no font has its letters
            continue
        return line.pixels, line.text
    raise ValueError(f"no line in {script} was drawn in {MOST_TRIES} tries")


def drawn_lines(script: str, grade: str, count: int, renderer: Renderer | None, cache: Path | None) -> DrawnLines:
    """Return ``count`` lines of a script and grade; lines that the folder ``cache`` holds are not drawn again."""
    path = cache / f"{script}-{grade}.npz" if cache is not None else None
    lines = load_lines(path) if path is not None and path.is_file() else DrawnLines([], [])
    if len(lines.texts) < count:
        if renderer is None:
            raise ValueError(f"{path}: holds {len(lines.texts)} of {count} lines, and there are no fonts to draw more")
        for number in range(len(lines.texts), count):
            pixels, text = draw_line(renderer, script, grade, number)
            lines.pixels.append(pixels)
            lines.texts.append(text)
        if path is not None:
            save_lines(path, lines)
    return DrawnLines(lines.pixels[:count], lines.texts[:count])


def load_lines(path: Path) -> DrawnLines:
    with np.load(path) as data:
        parts = np.split(data["pixels"], np.cumsum(data["shapes"].prod(axis=1))[:-1])
        pixels = [part.reshape(shape) for part, shape in zip(parts, data["shapes"], strict=True)]
        return DrawnLines(pixels, data["texts"].tolist())


def save_lines(path: Path, lines: DrawnLines) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            pixels=np.concatenate([line.ravel() for line in lines.pixels]),
            shapes=np.array([line.shape for line in lines.pixels]),
            texts=np.array(lines.texts),
        )
    part.replace(path)
