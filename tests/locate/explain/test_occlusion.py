"""Heat by hiding parts: it lies exactly where the answer comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from whereshot.locate.explain.occlusion import occlude


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("part", [(2, 3), (0, 0), (6, 8)])
def test_hiding_finds_the_one_part_that_matters(part: tuple[int, int]) -> None:
    """The answer hangs on whether one part of 7 x 9 is what it was, and on nothing else."""
    picture = noise(180, 140)
    row, column = part
    box = (column * 20, row * 20, column * 20 + 20, row * 20 + 20)
    own = np.asarray(picture.crop(box), float)

    def log_odds(pictures: Sequence[Image.Image]) -> NDArray:
        return np.array([-np.abs(np.asarray(one.crop(box), float) - own).mean() for one in pictures])

    heat = occlude(picture, log_odds).values
    assert heat.shape == (7, 9)
    assert np.unravel_index(heat.argmax(), heat.shape) == part
    others = np.delete(heat.ravel(), heat.argmax())
    assert others.max() < 0.15 * heat.max() and others.min() >= 0
    far = [abs(r - row) > 1 or abs(c - column) > 1 for r in range(7) for c in range(9)]
    assert (heat.ravel()[far] == 0).all()


def test_what_speaks_against_is_negative_and_work_is_counted() -> None:
    picture, counted = noise(70, 70), []

    def log_odds(pictures: Sequence[Image.Image]) -> NDArray:
        return np.array([np.abs(np.asarray(one.crop((0, 0, 10, 10)), float) - 127).mean() for one in pictures]) * -1

    def track(items: Any, total: int, what: str) -> Any:
        for item in items:
            counted.append(total)
            yield item

    heat = occlude(picture, log_odds, track=track).values
    assert heat[0, 0] == heat.min() < 0
    assert len(counted) == counted[0] == 49 + 36
