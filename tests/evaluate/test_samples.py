"""Answers as samples of the places where photos are taken."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.evaluate import (
    Answers,
    Protocol,
    score,
)


def test_samples_of_the_same_places_and_of_others(rng: np.random.Generator) -> None:
    def europe(n: int) -> NDArray:
        return np.stack([rng.uniform(40, 55, n), rng.uniform(0, 30, n)], axis=1)

    truth = europe(600)
    like = score(Answers("a", europe(600)), truth, Protocol(draws=20)).scores
    assert min(like[name].value for name in ("precision", "recall", "sample_coverage")) > 0.9
    assert like["density"].value == pytest.approx(1.0, abs=0.1)
    narrow = np.stack([rng.uniform(47, 48, 600), rng.uniform(10, 11, 600)], axis=1)
    one = score(Answers("a", narrow), truth, Protocol(draws=20)).scores
    assert one["precision"].value > 0.9 and one["recall"].value < 0.1 and one["sample_coverage"].value < 0.1
    far = score(Answers("a", -truth), truth, Protocol(draws=20)).scores
    assert far["precision"].value == far["recall"].value == far["density"].value == 0
