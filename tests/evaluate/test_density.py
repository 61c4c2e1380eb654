"""Answers of posteriors, and their regions of highest density."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from scored_answers import HALF_KM, NOTHING, known_process
from whereshot.earth import sphere
from whereshot.evaluate import (
    LEVELS,
    Protocol,
    answers_of_posterior,
    score,
)
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import best
from whereshot.posterior.samples import sample


def test_answers_of_a_posterior(rng: np.random.Generator) -> None:
    posterior = Posterior(rng.uniform(-60, 60, (9, 2)), rng.normal(size=(5, 9)), 30.0)
    truth, points = rng.uniform(-60, 60, (5, 2)), posterior.mode()
    made = answers_of_posterior("model", posterior, truth, points, radius_factor=2.0)
    np.testing.assert_allclose(made.log_density, posterior.log_density(truth))
    assert set(made.radius_km) == set(LEVELS)
    for level in LEVELS:
        expected = np.minimum(2 * radius_km(posterior, points, level), HALF_KM)
        np.testing.assert_allclose(made.radius_km[level], expected, rtol=1e-6)
    assert answers_of_posterior("model", posterior, truth, points, radius_factor=None).radius_km == {}


def test_posteriors_that_are_true_score_as_such() -> None:
    """NLL is the entropy, regions and circles of 90 % hold 88 to 92 %, levels are uniform, nothing is miscalibrated."""
    rng = np.random.default_rng(5)
    posterior, truth = known_process(rng, 1200)
    row = score(answers_of_posterior("true", posterior, truth, best(posterior, 25.0)), truth, Protocol(draws=300))
    others = [posterior.log_density(sample(posterior, 1, rng)[:, 0]) for _ in range(8)]
    entropy, doubt = -np.mean(others), np.std(others) / math.sqrt(9600)
    nll = row.scores["nll"]
    assert nll.low - 3 * doubt <= entropy <= nll.high + 3 * doubt
    for share in (50, 80, 90, 95):
        tolerance = 3 * math.sqrt(share * (100 - share) / 1200) / 100 if share != 90 else 0.02
        assert row.scores[f"coverage_{share}"].value == pytest.approx(share / 100, abs=tolerance)
        assert row.scores[f"region_coverage_{share}"].value == pytest.approx(share / 100, abs=tolerance)
        assert row.scores[f"region_area_{share}_km2"].value < row.scores[f"area_{share}_km2"].value
    assert row.scored is not None and row.scored.answers.region_level is not None
    assert stats.kstest(row.scored.answers.region_level, "uniform").pvalue > 0.001
    assert row.scores["ece_200"].value < 0.05
    bits = row.scores["bits"].value
    assert bits == pytest.approx((NOTHING - nll.value) / math.log(2))


def test_regions_of_one_place_are_its_circles() -> None:
    """The area of a round distribution's region is that of the circle with its mass, and of the truth's circle."""
    posterior = Posterior([[20.0, 30.0]], np.zeros((400, 1)), 50.0)
    off = np.linspace(1, 300, 400)
    truth = sphere.move(np.tile([20.0, 30.0], (400, 1)), 0.0, off)
    made = answers_of_posterior("a", posterior, truth, np.tile([20.0, 30.0], (400, 1)))
    assert made.searched_km2 is not None
    circle = 2 * math.pi * 6371.0088**2 * (1 - np.cos(off / 6371.0088))
    np.testing.assert_allclose(made.searched_km2[off > 40].mean(), circle[off > 40].mean(), rtol=0.05)
    for level in (0.5, 0.8):
        radius = made.radius_km[level][0]
        assert made.region_area_km2[level].mean() == pytest.approx(
            2 * math.pi * 6371.0088**2 * (1 - math.cos(radius / 6371.0088)), rel=0.05
        )


def test_a_prior_of_one_row_serves_all_photos(rng: np.random.Generator) -> None:
    prior, _ = known_process(rng, 1)
    truth = sample(prior, 600, rng)[0]
    made = answers_of_posterior("prior", prior, truth, prior.mode())
    np.testing.assert_allclose(made.log_density, prior.repeat(600).log_density(truth))
    np.testing.assert_allclose(made.within[200], prior.mass_within(prior.mode(), 200.0)[0], rtol=1e-6)
    row = score(made, truth, Protocol(draws=20))
    assert row.scores["region_coverage_90"].value == pytest.approx(0.9, abs=0.05)
