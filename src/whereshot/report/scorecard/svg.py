"""Draw numbers as SVG: scales, axes, lines, bands, bars and boxes.

Colours are CSS classes, so that a page can be light or dark. Every drawing has a title and a description, which screen
readers read.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, with ticks and their labels."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, values: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Return the position of values on the axis, from 0 at the low end to 1 at the high end, clipped."""
        low, high, at = self.low, self.high, np.asarray(values, np.float64)
        if self.log:
            low, high, at = math.log(low), math.log(high), np.log(np.maximum(at, self.low))
        return np.clip((at - low) / (high - low), 0.0, 1.0)


def shares(label_every: float = 0.25) -> Scale:
    """Return an axis of shares in percent, from 0 to 100 %."""
    ticks = np.arange(0, 1 + 1e-9, label_every)
    return Scale(0.0, 1.0, [(float(tick), f"{100 * tick:.0f} %") for tick in ticks])


def up_to(most: float, percent: bool = False) -> Scale:
    """Return an axis from zero to a little above the largest value, with round ticks."""
    most = most if most > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(most))
    step = next(part * power for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if most / (part * power) <= 5)
    ticks = np.arange(0, math.ceil(most / step - 1e-9) + 1) * step
    return Scale(0.0, float(ticks[-1]), [(t, f"{100 * t:.3g} %" if percent else f"{t:,.6g}") for t in ticks.tolist()])


def number(value: float) -> str:
    """Return a coordinate as text."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, name: str = "", more: str = "") -> str:
    """Return a text element; ``name`` is its CSS class."""
    return f'<text x="{number(x)}" y="{number(y)}" class="{name}"{more}>{html.escape(words)}</text>'


def svg(
    name: str, title: str, description: str, width: float, height: float, parts: Iterable[str], fixed: bool = False
) -> str:
    """Return a whole drawing, which fills the available width or has a ``fixed`` size."""
    size = f' style="width: {number(width)}px"' if fixed else ""
    return (
        f'<svg viewBox="0 0 {number(width)} {number(height)}"{size} role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{html.escape(title)}</title><desc id="{name}-d">{html.escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def hint(words: str) -> str:
    """Return the tooltip of a mark."""
    return f"<title>{html.escape(words)}</title>"


@dataclass
class Plot:
    """A drawing with two axes. Methods add marks to it."""

    x: Scale
    y: Scale
    x_label: str
    y_label: str
    width: float = 400
    height: float = 290
    marks: list[str] = field(default_factory=list)

    LEFT, RIGHT, TOP, BOTTOM = 58, 24, 10, 48

    def at(
        self, x: NDArray[np.float64] | float, y: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the coordinates of values in the drawing."""
        across, up = self.width - self.LEFT - self.RIGHT, self.height - self.TOP - self.BOTTOM
        return self.LEFT + across * self.x.share(x), self.height - self.BOTTOM - up * self.y.share(y)

    def line(self, x: NDArray[np.float64], y: NDArray[np.float64], name: str) -> None:
        """Add a line through the finite points."""
        known = np.isfinite(x) & np.isfinite(y)
        self.marks.append(f'<path class="line {name}" d="{_path(*self.at(x[known], y[known]))}"/>')

    def band(self, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], name: str) -> None:
        """Add the area between two lines."""
        known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        if known.sum() > 1:
            ends = np.concatenate([x[known], x[known][::-1]]), np.concatenate([low[known], high[known][::-1]])
            self.marks.append(f'<path class="band {name}" d="{_path(*self.at(*ends))}Z"/>')

    def dots(self, x: NDArray[np.float64], y: NDArray[np.float64], name: str, hints: Sequence[str]) -> None:
        """Add a dot at each finite point."""
        for across, up, words in zip(*self.at(x, y), hints, strict=True):
            if np.isfinite(across) and np.isfinite(up):
                self.marks.append(
                    f'<circle class="{name}" cx="{number(across)}" cy="{number(up)}" r="3.5">{hint(words)}</circle>'
                )

    def bar(self, x0: float, x1: float, y0: float, y1: float, name: str, words: str = "") -> None:
        """Add a filled rectangle between two values of each axis."""
        (left, right), (bottom, top) = self.at(np.array([x0, x1]), np.array([y0, y1]))
        size = f'width="{number(max(right - left, 0.5))}" height="{number(max(bottom - top, 0))}"'
        inside = hint(words) if words else ""
        self.marks.append(f'<rect class="{name}" x="{number(left)}" y="{number(top)}" {size}>{inside}</rect>')

    def rule(self, x: Sequence[float], y: Sequence[float], name: str) -> None:
        """Add a straight line between two points."""
        (x0, x1), (y0, y1) = self.at(np.array(x), np.array(y))
        self.marks.append(
            f'<line class="{name}" x1="{number(x0)}" y1="{number(y0)}" x2="{number(x1)}" y2="{number(y1)}"/>'
        )

    def svg(self, name: str, title: str, description: str) -> str:
        """Return the drawing with its axes."""
        bottom, right = self.height - self.BOTTOM, self.width - self.RIGHT
        parts = []
        for value, label in self.y.ticks:
            up = float(self.at(self.x.low, value)[1])
            ends = f'x1="{self.LEFT}" x2="{number(right)}" y1="{number(up)}" y2="{number(up)}"'
            parts += [f'<line class="grid" {ends}/>', text(self.LEFT - 6, up + 4, label, "end")]
        parts += self.marks
        parts.append(f'<line class="axis" x1="{self.LEFT}" x2="{number(right)}" y1="{bottom}" y2="{bottom}"/>')
        for value, label in self.x.ticks:
            across = float(self.at(value, self.y.low)[0])
            ends = f'x1="{number(across)}" x2="{number(across)}" y1="{bottom}" y2="{bottom + 4}"'
            parts += [f'<line class="axis" {ends}/>', text(across, bottom + 18, label, "middle")]
        middle = self.TOP + (bottom - self.TOP) / 2
        parts.append(text((self.LEFT + right) / 2, self.height - 8, self.x_label, "middle label"))
        turned = f' transform="rotate(-90 13 {number(middle)})"'
        parts.append(text(13, middle, self.y_label, "middle label", turned))
        return svg(name, title, description, self.width, self.height, parts)


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return "".join(f"{'L' if i else 'M'}{number(a)} {number(b)}" for i, (a, b) in enumerate(zip(x, y, strict=True)))
