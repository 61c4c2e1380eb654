"""Accuracy at its thresholds, quantiles of the error, and GeoScore."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scored_answers import ONE, answers
from whereshot import evaluate
from whereshot.earth import sphere
from whereshot.evaluate import (
    METRICS,
    Answers,
    Protocol,
    Truth,
    score,
)
from whereshot.evaluate import accuracy as accuracies


def test_thresholds_hold_at_the_very_distance() -> None:
    """A photo exactly at the threshold counts; one float further does not."""
    truth = np.zeros((2, 2))
    longitude = 25 / 6371.0088 * 180 / math.pi
    while sphere.distance_km(np.array([0, longitude]), truth[0]) < 25:
        longitude = math.nextafter(longitude, 90)
    while sphere.distance_km(np.array([0, longitude]), truth[0]) > 25:
        longitude = math.nextafter(longitude, 0)
    exact = float(sphere.distance_km(np.array([0, longitude]), truth[0]))
    assert exact == pytest.approx(25, abs=1e-12) and exact <= 25
    further = longitude
    while sphere.distance_km(np.array([0, further]), truth[0]) <= 25:
        further = math.nextafter(further, 90)
    row = score(Answers("a", np.array([[0, longitude], [0, further]])), truth, Protocol(draws=10))
    assert row.scores["accuracy_25"].value == 0.5
    strict = score(Answers("a", np.array([[0, 1.0], [0, 1.0]])), truth, Protocol(draws=10, threshold="lt"))
    assert strict.scores["accuracy_200"].value == 1.0
    strictly = Protocol(threshold="lt").within(np.array([25.0, exact]), 25)
    assert strictly.tolist() == [False, exact < 25]


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=12).filter(
        lambda rows: any(weight for _, weight in rows)
    )
)
def test_weighted_median_is_the_median_of_copies(rows: list[tuple[int, int]]) -> None:
    values, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    n = len(values)
    scored = evaluate.Scored(Answers("a", np.zeros((n, 2))), Truth(np.zeros((n, 2))), values, np.zeros(n, bool))
    order = np.argsort(values, kind="stable")
    metric = accuracies.quantile_km(0.5)
    expected = np.median(np.repeat(values, weights.astype(int)))
    assert metric.value(scored, {"photos by error": weights[order][None]})[0] == expected


def test_quantiles_of_many_photos(rng: np.random.Generator) -> None:
    """Photos in lots: the quantile is still that of the photos, and its interval that of SciPy's bootstrap."""
    error_km = rng.lognormal(4, 1.5, 5000)
    answers_ = Answers("a", sphere.move(np.zeros((5000, 2)), rng.uniform(0, 360, 5000), error_km))
    row = score(answers_, np.zeros((5000, 2)), metrics={"median_km": METRICS["median_km"], "p90_km": METRICS["p90_km"]})
    for name, share in (("median_km", 0.5), ("p90_km", 0.9)):
        value = row.scores[name]
        assert value.value == pytest.approx(np.quantile(error_km, share, method="averaged_inverted_cdf"), rel=1e-6)
        theirs = stats.bootstrap(
            (error_km,),
            lambda x, axis, share=share: np.quantile(x, share, axis=axis),
            n_resamples=1000,
            method="percentile",
            rng=np.random.default_rng(3),
            batch=50,
        ).confidence_interval
        width = theirs.high - theirs.low
        assert [value.low, value.high] == pytest.approx([theirs.low, theirs.high], abs=0.15 * width)


def test_rounded_geoscores(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 30, failed=[3])
    row = score(given_, truth, Protocol(geoscore_rounded=True, draws=1), metrics=ONE)
    km = [float(sphere.distance_km(a, b)) for a, b in zip(given_.points, truth, strict=True)]
    each = [0 if math.isnan(error) else round(5000 * math.exp(-error / 1492.7)) for error in km]
    assert row.scores["geoscore"].value == pytest.approx(statistics.fmean(each))
