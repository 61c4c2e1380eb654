"""Bootstrap intervals: their coverage, their clusters, and SciPy as a peer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from scored_answers import ONE, answers, stated
from whereshot import evaluate
from whereshot.evaluate import (
    Answers,
    Protocol,
    Truth,
    score,
)
from whereshot.evaluate.bootstrap import GROUPS, draw_units, units


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    """A method that is right with probability 0.3: in 200 repetitions at least 90 % of the 95 % intervals hold it."""
    held = 0
    for seed in range(200):
        right = np.random.default_rng(seed).uniform(size=150) < 0.3
        points = np.where(right[:, None], 0.0, 50.0) * np.ones((150, 2))
        value = score(Answers("a", points), np.zeros((150, 2)), Protocol(draws=200, seed=seed), metrics=ONE).scores[
            "accuracy_25"
        ]
        assert value.low <= value.value <= value.high
        held += value.low <= 0.3 <= value.high
    assert 180 <= held <= 199


def test_copies_of_photos_do_not_narrow_a_clustered_interval(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 60)
    copied = Answers("a", np.repeat(given_.points, 9, axis=0))
    names = np.repeat([f"user {i}" for i in range(60)], 9)

    def width(value: evaluate.Value) -> float:
        return value.high - value.low

    single = score(Answers("a", given_.points), truth).scores["geoscore"]
    naive = score(copied, np.repeat(truth, 9, axis=0)).scores["geoscore"]
    clustered = score(copied, Truth(np.repeat(truth, 9, axis=0), cluster=names)).scores["geoscore"]
    assert naive.value == pytest.approx(single.value) == clustered.value
    assert width(naive) == pytest.approx(width(single) / 3, rel=0.2)
    assert width(clustered) == pytest.approx(width(single), rel=0.1)


def test_bootstrap_draws_whole_clusters() -> None:
    unit, count = units(np.array(["b", "a", "b", "c"]), 4, seed=1)
    assert count == 3 and unit[0] == unit[2]
    drawn = np.concatenate([part for _, part in draw_units(count, 500, seed=1)], axis=1)
    assert drawn.shape == (500, 3)
    np.testing.assert_array_equal(drawn.sum(axis=1), 3)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)
    again, other = (np.concatenate([part for _, part in draw_units(3, 500, seed)], axis=1) for seed in (1, 2))
    np.testing.assert_array_equal(drawn, again)
    assert (drawn != other).any()


def test_many_photos_are_drawn_in_groups_with_the_same_interval() -> None:
    """More photos than groups: the interval of a share is the binomial one, within what 1,000 draws leave open."""
    n = 5 * GROUPS
    points = np.zeros((n, 2))
    points[: n // 5, 0] = 10.0
    value = score(Answers("a", points), np.zeros((n, 2)), metrics=ONE).scores["accuracy_25"]
    assert value.value == 0.8
    assert value.high - value.low == pytest.approx(2 * 1.96 * math.sqrt(0.16 / n), rel=0.1)


def test_bootstrap_is_that_of_scipy(rng: np.random.Generator) -> None:
    given_, truth, share, right = stated(rng, 800)
    value = score(given_, truth).scores["brier_200"]
    theirs = stats.bootstrap(
        ((share - right) ** 2,), np.mean, n_resamples=1000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert [value.low, value.high] == pytest.approx([theirs.low, theirs.high], abs=0.1 * (theirs.high - theirs.low))
