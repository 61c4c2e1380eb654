"""Negative log-likelihood in nats and information in bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from whereshot.evaluate import UNIFORM_NLL, Answers, Protocol, score


def test_the_uniform_distribution_gives_no_information() -> None:
    points = np.zeros((3, 2))
    row = score(Answers("uniform", points, np.full(3, -UNIFORM_NLL)), points, Protocol(draws=5))
    assert row.scores["nll"].value == pytest.approx(math.log(4 * math.pi))
    assert row.scores["bits"].value == pytest.approx(0)


def test_half_the_area_is_one_bit() -> None:
    points = np.zeros((3, 2))
    density = np.full(3, -UNIFORM_NLL + math.log(2))
    assert score(Answers("a", points, density), points, Protocol(draws=5)).scores["bits"].value == pytest.approx(1)


def test_a_missing_density_counts_as_the_uniform_one() -> None:
    points = np.array([[0.0, 0.0], [math.nan, math.nan], [0.0, 0.0]])
    density = np.array([1.0, 5.0, math.nan])  # the second photo failed, whatever its density
    row = score(Answers("a", points, density), np.zeros((3, 2)), Protocol(draws=5))
    assert row.scores["nll"].value == pytest.approx((-1.0 + 2 * UNIFORM_NLL) / 3)
