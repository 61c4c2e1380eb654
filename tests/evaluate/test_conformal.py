"""Conformal prediction: thresholds by rank, coverage as promised, within groups too, and the smallest sets of cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.base import BaseEstimator, RegressorMixin

from whereshot.evaluate.conformal import (
    by_group,
    cell_scores,
    cell_sets,
    conformal_factor,
    fit_temperature,
    of_group,
    threshold,
)
from whereshot.foundation.errors import InputError

# --- factors of circles


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0.1, 1), (0.5, 5), (0.51, 6), (0.8, 8), (0.9, 9), (0.91, 9), (0.99, 9)],
)
def test_conformal_factor_of_nine_photos(level: float, expected: int) -> None:
    """The ceil(10 level)-th smallest ratio of nine, or the largest where nine are too few."""
    ratio = np.array([3, 1, 9, 2, 5, 4, 8, 6, 7], float)
    assert conformal_factor(10 * ratio, np.full(9, 10.0), level) == expected
    assert conformal_factor(10 * ratio, np.full(9, 10.0), level, np.full(9, 0.3)) == expected


def test_conformal_factor_of_one_photo() -> None:
    assert conformal_factor([6.0], [2.0], 0.5) == 3.0


def test_conformal_factor_counts_by_weight() -> None:
    """Total 4 and one more photo of average weight, 1: the shares are 0.1, 0.7, 0.75, 0.8 of 5."""
    error, radius, weight = [1, 2, 3, 4], [1, 1, 1, 1], [0.5, 3.0, 0.25, 0.25]
    for level, expected in ((0.09, 1), (0.1, 1), (0.11, 2), (0.7, 2), (0.72, 3), (0.79, 4), (0.95, 4)):
        assert conformal_factor(error, radius, level, weight) == expected, level


def test_conformal_factor_needs_a_photo() -> None:
    with pytest.raises(InputError) as caught:
        conformal_factor([], [], 0.9)
    assert str(caught.value) == "a conformal factor needs at least one held-out photo"


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_conformal_radii_cover_what_they_promise(level: float) -> None:
    """Radii that are wrong by a factor which depends on nothing: 100 repetitions with 400 held-out photos."""
    coverage = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        radius = 10 ** rng.uniform(0, 3, 4400)
        error = radius * rng.lognormal(1.0, 1.5, 4400)
        factor = conformal_factor(error[:400], radius[:400], level)
        coverage.append((error[400:] <= factor * radius[400:]).mean())
    noise = math.sqrt(level * (1 - level) * (1 / 400 + 1 / 4000))
    assert sum(share >= level - 2 * noise for share in coverage) >= 95
    assert level - 0.005 <= np.mean(coverage) <= level + 1 / 401 + 0.005


# --- thresholds


def test_threshold_is_the_corrected_rank() -> None:
    scores = np.arange(9.0)[::-1]
    assert [threshold(scores, level) for level in (0.1, 0.5, 0.9)] == [0, 4, 8]
    assert threshold(scores, 0.91) == math.inf  # nine photos promise no more than 90 %
    assert threshold([], 0.5) == math.inf
    for level in (0.0, 1.0):
        with pytest.raises(InputError, match=rf"^a level lies between 0 and 1; got {level:g}$"):
            threshold(scores, level)


class Known(RegressorMixin, BaseEstimator):
    """A regressor that says zero."""

    def fit(self, x: NDArray, y: NDArray) -> Known:
        self.fitted_ = True
        return self

    def predict(self, x: NDArray) -> NDArray:
        return np.zeros(len(x))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_threshold_is_that_of_mapie(rng: np.random.Generator, level: float) -> None:
    from mapie.regression import SplitConformalRegressor

    x, y = np.zeros((137, 1)), rng.standard_exponential(137)
    theirs = SplitConformalRegressor(Known().fit(x, y), confidence_level=level, prefit=True).conformalize(x, y)
    _, interval = theirs.predict_interval(x[:1])
    assert threshold(np.abs(y), level) == pytest.approx(interval[0, 1, 0])


def test_groups_have_thresholds_of_their_own(rng: np.random.Generator) -> None:
    scores = np.concatenate([np.arange(99.0), 1000 + np.arange(99.0)])
    groups = np.repeat(["easy", "hard"], 99)
    found = by_group(scores, groups, 0.9)
    assert found == {"all": 1080.0, "easy": 89.0, "hard": 1089.0}
    assert of_group(found, ["hard", "easy", "new"], 3).tolist() == [1089.0, 89.0, 1080.0]
    assert of_group(found, None, 2).tolist() == [1080.0, 1080.0]


# --- sets of cells


def photos(rng: np.random.Generator, n: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Log masses (n, 40) that are too sure, the true cells, the groups, and the areas of the cells."""
    area = 10 ** rng.uniform(-5, -2, 40)
    hard = rng.uniform(size=n) < 0.5
    logits = rng.normal(0, 3, (n, 40)) + np.log(area)
    shares = np.exp(logits / np.where(hard, 4.0, 1.5)[:, None])
    shares /= shares.sum(axis=1, keepdims=True)
    target = (shares.cumsum(axis=1) > rng.uniform(size=(n, 1))).argmax(axis=1)
    log_mass = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_mass, target, hard, area


def at_least(level: float, tried: int, new: int, held_out: int) -> float:
    """The coverage of ``new`` photos that a fair set is below only once in a thousand: both samples are finite."""
    noise = math.sqrt(level * (1 - level) * (1 / new + 1 / held_out))
    return level - 3.1 * noise


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_sets_cover_at_least_their_level(level: float) -> None:
    """In 95 of 100 repetitions at least, up to the binomial error of 1,000 new and 500 held-out photos; on average
    over all of them without any allowance but that of the average itself; and in each group."""
    coverage, in_groups = [], []
    for seed in range(100):
        log_mass, target, hard, area = photos(np.random.default_rng(seed), 1500)
        score = cell_scores(log_mass, area)[np.arange(1500), target]
        limits = by_group(score[:500], hard[:500], level)
        new = slice(500, None)
        plain = cell_sets(log_mass[new], area, limits["all"])[np.arange(1000), target[new]]
        grouped = cell_sets(log_mass[new], area, of_group(limits, hard[new], 1000))[np.arange(1000), target[new]]
        coverage.append(plain.mean())
        in_groups.append([grouped[hard[new] == kind].mean() for kind in (True, False)])
    assert sum(share >= at_least(level, 100, 1000, 500) for share in coverage) >= 95
    assert np.mean(coverage) >= level - 3 * math.sqrt(level * (1 - level) * (1 / 1000 + 1 / 500) / 100)
    for kind in (0, 1):
        shares = [pair[kind] for pair in in_groups]
        assert np.mean(shares) == pytest.approx(level, abs=0.02)  # without groups the hard ones have far less
    # a set of 1,000 photos is below its level half of the time: the guarantee is on average
    assert binom.cdf(94, 100, 0.999) < 1e-6


def test_sets_weighted_by_area_are_the_smallest() -> None:
    """At the same coverage the sets by mass alone take far more of the Earth."""
    log_mass, target, _, area = photos(np.random.default_rng(7), 4000)
    rows = np.arange(4000)
    by_density = cell_sets(log_mass, area, threshold(cell_scores(log_mass, area)[rows, target], 0.8))
    even = np.ones(40)
    by_mass = cell_sets(log_mass, even, threshold(cell_scores(log_mass, even)[rows, target], 0.8))
    assert by_density[rows, target].mean() == pytest.approx(0.8, abs=0.01)
    assert by_mass[rows, target].mean() == pytest.approx(0.8, abs=0.01)
    assert (by_density @ area).mean() < 0.8 * (by_mass @ area).mean()


def test_no_set_is_empty() -> None:
    chosen = cell_sets(np.log([[0.7, 0.2, 0.1]]), [1.0, 1.0, 0.01], -1e9)
    assert chosen.tolist() == [[False, False, True]]


# --- temperatures


def test_temperature_is_recovered(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 2, (20_000, 12))
    shares = np.exp(logits / 2.5)
    target = ((shares / shares.sum(axis=1, keepdims=True)).cumsum(axis=1) > rng.uniform(size=(20_000, 1))).argmax(
        axis=1
    )
    fitted = fit_temperature(logits, target)
    assert fitted.temperature == pytest.approx(2.5, rel=0.05)
    assert fitted.after < fitted.before
    lost = np.where(rng.uniform(size=20_000) < 0.5, -1, target)
    assert fit_temperature(logits, lost).temperature == pytest.approx(2.5, rel=0.08)
    with pytest.raises(InputError, match=r"^a temperature needs at least one held-out photo inside the cells$"):
        fit_temperature(logits, np.full(20_000, -1))
