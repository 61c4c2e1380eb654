"""Grey textures behind rendered lines, and text-free crops that a text detector takes for text."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""Brightness (height, width), 0 to 1."""


def noise(height: int, width: int, rng: np.random.Generator, scale: float) -> Grey:
    """Smooth noise, 0 to 1, whose bumps are about ``scale`` pixels wide."""
    rows, columns = max(2, round(height / scale) + 1), max(2, round(width / scale) + 1)
    coarse = rng.random((rows, columns), dtype=np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def clouds(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Noise at three scales."""
    first = height * rng.uniform(0.1, 1.5)
    weights = rng.dirichlet((1.0, 1.0, 1.0))
    total = sum(w * noise(height, width, rng, max(first / 3**k, 1)) for k, w in enumerate(weights))
    return np.asarray(total, np.float32)


def foliage(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Leaves: many small bright and dark ellipses."""
    canvas = np.full((height, width), rng.uniform(0.1, 0.5), np.float32)
    size = height * rng.uniform(0.04, 0.3)
    for _ in range(min(int(height * width / size**2 * rng.uniform(0.5, 2)), 500)):
        center = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (max(1, int(size * rng.uniform(0.4, 1.2))), max(1, int(size * rng.uniform(0.1, 0.6))))
        cv2.ellipse(canvas, center, axes, rng.uniform(0, 180), 0, 360, float(rng.uniform(0.05, 0.95)), -1, cv2.LINE_AA)
    return canvas


def fence(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Bars at even or nearly even distances, with or without rails, upright or leaning."""
    canvas = clouds(height, width, rng) * 0.3 + rng.uniform(0, 0.6)
    step, value = height * rng.uniform(0.08, 0.7), float(rng.uniform(0, 1))
    lean, thick = rng.normal(0, 0.2) * height, max(1, int(step * rng.uniform(0.1, 0.6)))
    jitter = step * rng.choice((0.02, 0.25))
    x = -height + rng.uniform(0, step)
    while x < width + height:
        at = x + rng.normal(0, jitter)
        top, bottom = int(-height * rng.choice((0.2, -rng.uniform(0, 0.3)))), int(height * rng.uniform(0.75, 1.2))
        cv2.line(canvas, (int(at + lean), top), (int(at), bottom), value, thick, cv2.LINE_AA)
        if rng.random() < 0.15 and step > 6:
            cv2.line(canvas, (int(at + lean), bottom), (int(at + step), top), value, thick, cv2.LINE_AA)
        x += step
    for _ in range(int(rng.integers(0, 3))):
        y = int(rng.integers(height))
        cv2.line(canvas, (0, y), (width, int(y + rng.normal(0, 2))), value, thick, cv2.LINE_AA)
    return canvas


def tally(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Tally marks: groups of strokes, most of them crossed."""
    canvas = clouds(height, width, rng) * 0.15 + rng.uniform(0.4, 0.85)
    value, thick = float(rng.uniform(0, 0.3)), max(1, int(height * rng.uniform(0.03, 0.1)))
    if rng.random() < 0.4:
        canvas, value = 1 - canvas, 1 - value
    step, x = height * rng.uniform(0.12, 0.35), height * rng.uniform(0.05, 0.3)
    while x < width:
        count = int(rng.integers(1, 6))
        for k in range(min(count, 4)):
            cv2.line(
                canvas,
                (int(x + k * step + rng.normal(0, step / 6)), int(height * rng.uniform(0.08, 0.25))),
                (int(x + k * step + rng.normal(0, step / 6)), int(height * rng.uniform(0.75, 0.92))),
                value, thick, cv2.LINE_AA,
            )  # fmt: skip
        if count >= 4:
            y = height * rng.uniform(0.3, 0.7)
            ends = (int(x - step / 2), int(y + height * 0.15)), (int(x + 3.5 * step), int(y - height * 0.15))
            cv2.line(canvas, *ends, value, thick, cv2.LINE_AA)
        x += step * (min(count, 4) + rng.uniform(0.5, 2))
    return canvas


def circuit(height: int, width: int, rng: np.random.Generator) -> Grey:
    """A circuit board: traces with corners, pads, chips with legs."""
    canvas = np.full((height, width), rng.uniform(0.15, 0.6), np.float32)
    for _ in range(int(rng.integers(4, 30))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        value, thick = float(rng.uniform(0, 1)), max(1, int(height * rng.uniform(0.01, 0.08)))
        points = [(x, y)]
        for _ in range(int(rng.integers(1, 4))):
            dx, dy = ((1, 0), (0, 1), (1, 1), (1, -1))[rng.integers(4)]
            length = int(height * rng.uniform(-1, 1))
            points.append((points[-1][0] + dx * length, points[-1][1] + dy * length))
        cv2.polylines(canvas, [np.array(points, np.int32)], False, value, thick, cv2.LINE_AA)
        cv2.circle(canvas, points[-1], thick + 1, value, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 5))):
        x, y, size = int(rng.integers(width)), int(rng.integers(height)), int(height * rng.uniform(0.1, 0.6))
        value, legs = float(rng.uniform(0, 1)), float(rng.uniform(0, 1))
        for k in range(int(rng.integers(2, 8))):
            at = x + int(size * k / 4)
            cv2.line(canvas, (at, y - size // 3), (at, y + size), legs, max(1, size // 12))
        cv2.rectangle(canvas, (x, y), (x + 2 * size, y + size // 2), value, -1)
    return canvas


def grid(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Windows, bricks, tiles or a net of wire."""
    canvas = clouds(height, width, rng) * 0.3 + rng.uniform(0.1, 0.6)
    sx, sy = height * rng.uniform(0.1, 0.8), height * rng.uniform(0.1, 0.6)
    value, brick = float(rng.uniform(0, 1)), rng.random() < 0.4
    thick, filled = max(1, int(min(sx, sy) * rng.uniform(0.05, 0.3))), rng.random() < 0.5
    for row in range(-1, int(height / sy) + 2):
        for column in range(-1, int(width / sx) + 2):
            x, y = int((column + 0.5 * (brick and row % 2)) * sx), int(row * sy)
            own = float(np.clip(value + rng.normal(0, 0.1), 0, 1))
            end = (int(x + sx * 0.8), int(y + sy * 0.8)) if filled else (int(x + sx), int(y + sy))
            cv2.rectangle(canvas, (x, y), end, own, -1 if filled else thick, cv2.LINE_AA)
    return canvas


def stripes(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Waves and stripes in one direction: shutters, stairs, ripples, cloth."""
    angle, period = rng.uniform(0, np.pi), height * rng.uniform(0.08, 0.7)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = noise(height, width, rng, height) * period * rng.uniform(0, 2)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle) + bend) * 2 * np.pi / period)
    sharp = rng.uniform(0.5, 6)
    return np.asarray(0.5 + np.tanh(wave * sharp) * rng.uniform(0.1, 0.45), np.float32)


def strokes(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Loose curves: twigs, cracks, cables, scribbles, drawings of nothing."""
    canvas = clouds(height, width, rng) * 0.3 + rng.uniform(0.1, 0.6)
    value = float(rng.uniform(0, 1))
    for _ in range(int(rng.integers(2, 14))):
        start = np.array([rng.uniform(0, width), rng.uniform(0, height)])
        steps = rng.normal(0, height * rng.uniform(0.03, 0.25), (int(rng.integers(3, 20)), 2))
        points = (start + np.cumsum(np.cumsum(steps, axis=0) * 0.3, axis=0)).astype(np.int32)
        thick = max(1, int(height * rng.uniform(0.01, 0.1)))
        cv2.polylines(canvas, [points], False, float(np.clip(value + rng.normal(0, 0.1), 0, 1)), thick, cv2.LINE_AA)
    return canvas


def shapes(height: int, width: int, rng: np.random.Generator) -> Grey:
    """Discs, rings, triangles and arrows: lamps, wheels, pictograms, ornaments."""
    canvas = clouds(height, width, rng) * 0.3 + rng.uniform(0.1, 0.6)
    for _ in range(int(rng.integers(1, 7))):
        value, size = float(rng.uniform(0, 1)), int(height * rng.uniform(0.1, 0.5))
        x, y, thick = (
            int(rng.integers(width)),
            int(height * rng.uniform(0.2, 0.8)),
            max(1, int(size * rng.uniform(0.1, 0.4))),
        )
        kind = rng.integers(4)
        if kind == 0:
            cv2.circle(canvas, (x, y), size, value, -1 if rng.random() < 0.5 else thick, cv2.LINE_AA)
        elif kind == 1:
            points = np.array([x, y]) + rng.normal(0, size, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(canvas, [points.astype(np.int32)], value, cv2.LINE_AA)
        elif kind == 2:
            tip = (int(x + rng.choice((-2, 2)) * size), int(y + rng.normal(0, size / 2)))
            cv2.arrowedLine(canvas, (x, y), tip, value, thick, cv2.LINE_AA, tipLength=0.4)
        else:
            cv2.ellipse(
                canvas, (x, y), (size, max(1, size // 2)), rng.uniform(0, 180), 0, rng.uniform(90, 360), value, thick
            )
    return canvas


TEXT_FREE: dict[str, Callable[[int, int, np.random.Generator], Grey]] = {
    "foliage": foliage,
    "fence": fence,
    "tally": tally,
    "circuit": circuit,
    "grid": grid,
    "stripes": stripes,
    "strokes": strokes,
    "shapes": shapes,
    "clouds": clouds,
}
"""Every kind of text-free texture."""


def text_free(height: int, width: int, rng: np.random.Generator, kind: str | None = None) -> Grey:
    """Draw a text-free texture of a kind, or of any."""
    return TEXT_FREE[kind or str(rng.choice(list(TEXT_FREE)))](height, width, rng).clip(0, 1).astype(np.float32)


class Backgrounds:
    """What stands behind a line: crops of grey photos (height, width, uint8) where there are some, else textures."""

    def __init__(self, photos: list[NDArray[np.uint8]] | None = None) -> None:
        self.photos = photos or []

    def draw(self, height: int, width: int, rng: np.random.Generator) -> Grey:
        """Draw a background: plain with soft light, a crop of a photo, or a texture."""
        chance = rng.random()
        if chance < 0.5:
            return self._plain(height, width, rng)
        if chance < 0.85 and self.photos:
            return self.photo(height, width, rng)
        texture = text_free(height, width, rng)
        return (rng.uniform(0.2, 0.8) + (texture - texture.mean()) * rng.uniform(0.1, 0.8)).clip(0, 1)

    def photo(self, height: int, width: int, rng: np.random.Generator) -> Grey:
        """Return a random part of a random photo, enlarged or shrunk."""
        photo = self.photos[rng.integers(len(self.photos))]
        scale = rng.uniform(0.4, 2.0)
        rows, columns = (
            min(max(int(height * scale), 4), photo.shape[0]),
            min(max(int(width * scale), 4), photo.shape[1]),
        )
        top, left = rng.integers(photo.shape[0] - rows + 1), rng.integers(photo.shape[1] - columns + 1)
        part = photo[top : top + rows, left : left + columns]
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255

    def _plain(self, height: int, width: int, rng: np.random.Generator) -> Grey:
        base = np.full((height, width), rng.uniform(0, 1), np.float32)
        base += np.linspace(-1, 1, width, dtype=np.float32) * rng.normal(0, 0.08)
        base += np.linspace(-1, 1, height, dtype=np.float32)[:, None] * rng.normal(0, 0.05)
        if rng.random() < 0.4:
            base += (noise(height, width, rng, max(height * rng.uniform(0.05, 1), 1)) - 0.5) * rng.uniform(0, 0.3)
        return base.clip(0, 1)
