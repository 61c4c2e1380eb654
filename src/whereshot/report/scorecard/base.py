"""The parts of a scorecard in any format: sections with tables, figures and photos."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from whereshot.earth import sphere
from whereshot.evaluate import DISTANCES_KM, Value
from whereshot.posterior.candidates import GEOSCORE_MOST

FIRST_NUMBERS: dict[str, tuple[str, float, str, str]] = {
    **{f"accuracy_{km}": (f"within {km:,} km", 100, ".1f", " %") for km in DISTANCES_KM},
    "median_km": ("median error", 1, ",.1f", " km"),
    "geoscore": ("GeoScore", 1, ",.0f", f" of {GEOSCORE_MOST:,}"),
}
"""The seven numbers that people ask for first, by the key of the score: the name, factor, number format and unit."""
MOST_PATH = 40
"""Longer paths are shortened to their last two parts."""


@dataclass(frozen=True)
class ScoreTable:
    """A table of text cells. The first ``left`` columns are words, the others numbers. A page folds ``folded`` ones."""

    heads: list[str]
    rows: list[list[str]]
    caption: str = ""
    left: int = 1
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing (SVG) with a title, a description, and a table of the same data.

    ``legend`` gives the CSS classes of the marks and their labels. A ``wide`` figure takes the whole width of a page.
    """

    name: str
    title: str
    description: str
    svg: str
    table: ScoreTable
    legend: list[tuple[str, str]] = field(default_factory=list)
    wide: bool = False


@dataclass(frozen=True)
class ShownPhoto:
    """A photo with its title and lines of text, and a data URL of a small picture, or None."""

    title: str
    lines: list[str]
    thumbnail: str | None = None


@dataclass(frozen=True)
class PhotoGroup:
    """Photos in order, and the same content as a table."""

    table: ScoreTable
    photos: list[ShownPhoto]


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and the tables, figures and photos below them."""

    title: str
    words: list[str]
    parts: list[ScoreTable | Figure | PhotoGroup]


PART_KM = 3000.0
"""Km. If all photos lie within this distance of their middle, cells are finer than for the whole world."""
_LEVEL_0_KM = 9220.0  # the mean edge of a cell of level 0
_FINEST = 13


def part_km(points: sphere.Points) -> float:
    """Return the largest distance in km of photos (n, 2) from their middle; at least 5 km."""
    return max(float(sphere.distance_km(sphere.mean(points), points).max()), 5.0)


def fine_level(points: sphere.Points, level: int) -> int:
    """Return the S2 level at which about sixteen cells reach across all photos; ``level`` for photos of the world."""
    km = part_km(points)
    return level if km > PART_KM else min(max(round(math.log2(_LEVEL_0_KM / (km / 8))), level), _FINEST)


def with_interval(score: Value | None, factor: float, form: str) -> str:
    """Return a score with its interval in brackets; "" where there is none."""
    if score is None:
        return ""
    value, low, high = (f"{factor * part:{form}}" for part in score)
    return f"{value} [{low}, {high}]"


def short_path(text: str) -> str:
    """Return a long path as its last two parts after an ellipsis; any other text as it is."""
    parts = text.split("/")
    return f"…/{'/'.join(parts[-2:])}" if len(text) > MOST_PATH and len(parts) > 3 and " " not in text else text


def kilometres(km: float) -> str:
    """Return a distance in km with its significant digits."""
    if not km < 1e9:
        return ""
    return f"{km:,.0f}" if km >= 100 else f"{km:.1f}" if km >= 1 else f"{km:.3f}"
