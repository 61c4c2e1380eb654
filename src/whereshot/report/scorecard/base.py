"""What a scorecard is made of, whatever it is written as: Sections of Tables, Figures and Photos."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from whereshot.earth import sphere
from whereshot.evaluate import Value


@dataclass(frozen=True)
class ScoreTable:
    """Cells as text, the first ``left`` columns of words, the others of figures; ``folded`` away on a page."""

    heads: list[str]
    rows: list[list[str]]
    caption: str = ""
    left: int = 1
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing (SVG) that a title and a description tell in words, and the table of what it shows.

    ``legend`` names the classes of the drawing's marks; a ``wide`` one takes the whole width of a page.
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
    """A photo with its words, and a data address of a small copy if that was asked for."""

    title: str
    lines: list[str]
    thumbnail: str | None = None


@dataclass(frozen=True)
class PhotoGroup:
    """Photos in order, and the same as a table."""

    table: ScoreTable
    photos: list[ShownPhoto]


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and what they speak of."""

    title: str
    words: list[str]
    parts: list[ScoreTable | Figure | PhotoGroup]


PART_KM = 3000.0
"""Photos that all lie within so far of their middle are told of in finer cells than those of the whole world."""
_LEVEL_0_KM = 9220.0  # the mean edge of a cell of level 0
_FINEST = 13


def part_km(points: sphere.Points) -> float:
    """How far photos (n, 2) lie from their middle, at most; at least 5 km."""
    return max(float(sphere.distance_km(sphere.mean(points), points).max()), 5.0)


def fine_level(points: sphere.Points, level: int) -> int:
    """The S2 level of which some sixteen cells go across all photos; ``level`` where these are all over the world."""
    km = part_km(points)
    return level if km > PART_KM else min(max(round(math.log2(_LEVEL_0_KM / (km / 8))), level), _FINEST)


def with_interval(score: Value | None, factor: float, form: str) -> str:
    """A score with its interval in brackets; "" where there is none."""
    if score is None:
        return ""
    value, low, high = (f"{factor * part:{form}}" for part in score)
    return f"{value} [{low}, {high}]"


def kilometres(km: float) -> str:
    """A distance in km with the digits that matter."""
    if not km < 1e9:
        return ""
    return f"{km:,.0f}" if km >= 100 else f"{km:.1f}" if km >= 1 else f"{km:.3f}"
