"""Every metric against a formula of its own; failures counted; intervals; conformal factors; the JSON contract."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot import evaluate, sphere
from whereshot.errors import InputError
from whereshot.evaluate import (
    LEVELS,
    METRICS,
    Answers,
    Report,
    bootstrap_weights,
    conformal_factor,
    protocol,
    score,
)
from whereshot.posterior import Posterior

HALF_KM = math.pi * 6371.0088
NOTHING = math.log(4 * math.pi)


def answers(rng: np.random.Generator, n: int, failed: list[int] | None = None) -> tuple[Answers, NDArray]:
    """Answers whose errors span metres to the other side of the Earth, some failed; and the truth."""
    truth = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)
    error_km = 10 ** rng.uniform(-1, 4.2, n)
    points = sphere.move(truth, rng.uniform(0, 360, n), error_km)
    density, radius = rng.normal(0, 3, n), {level: error_km * rng.uniform(0.1, 4, n) for level in LEVELS}
    for row in failed or []:
        points[row] = density[row] = math.nan
        for values in radius.values():
            values[row] = math.nan
    return Answers("model", points, density, radius), truth


# Each metric for photos given as (error in km or None, log density, radius by level), written out once more.
Photo = tuple[float | None, float, dict[float, float]]
EXPECTED: dict[str, Callable[[list[Photo]], float]] = {
    **{
        f"accuracy_{km}": lambda photos, km=km: sum(e is not None and e <= km for e, _, _ in photos) / len(photos)
        for km in (1, 25, 200, 750, 2500)
    },
    "geoscore": lambda photos: statistics.fmean(0 if e is None else 5000 * math.exp(-e / 1492.7) for e, _, _ in photos),
    "mean_km": lambda photos: statistics.fmean(HALF_KM if e is None else e for e, _, _ in photos),
    "median_km": lambda photos: statistics.median(HALF_KM if e is None else e for e, _, _ in photos),
    "nll": lambda photos: statistics.fmean(NOTHING if e is None else -density for e, density, _ in photos),
    **{
        f"coverage_{percent}": lambda photos, level=percent / 100: (
            sum(e is not None and e <= radius[level] for e, _, radius in photos) / len(photos)
        )
        for percent in (50, 80, 90)
    },
}


def test_every_metric_has_a_formula_here() -> None:
    assert list(EXPECTED) == list(METRICS)


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize("failed", [[], [0], [3, 4, 17], list(range(40))])
def test_metric_against_its_formula(rng: np.random.Generator, name: str, failed: list[int]) -> None:
    given_, truth = answers(rng, 40, failed)
    photos: list[Photo] = []
    for row in range(40):
        error = None if row in failed else float(sphere.distance_km(given_.points[row], truth[row]))
        radius = {level: float(given_.radius_km[level][row]) for level in LEVELS}
        photos.append((error, float(given_.log_density[row]), radius))  # type: ignore[index]
    row_ = score(given_, truth, draws=200)
    assert (row_.name, row_.photos, row_.failed) == ("model", 40, len(failed))
    value = row_.scores[name]
    assert value.value == pytest.approx(EXPECTED[name](photos), rel=1e-9, abs=1e-12)
    assert value.low - 1e-9 <= value.value <= value.high + 1e-9
    assert failed or value.low < value.high or value.value in (0, 1)


def test_a_failed_photo_is_the_worst_answer_there_is(rng: np.random.Generator) -> None:
    one, truth = answers(rng, 30)
    other, _ = answers(np.random.default_rng(20240501), 30, failed=[7])
    good, bad = score(one, truth, draws=50).scores, score(other, truth, draws=50).scores
    for name in METRICS:
        if name in ("mean_km", "median_km"):
            assert bad[name].value >= good[name].value
        elif name != "nll":  # a confident wrong answer is worse than none
            assert bad[name].value <= good[name].value


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
    scored = evaluate.Scored(
        Answers("a", np.zeros((3, 2))), np.array([25.0, math.nextafter(25, 26), exact]), np.zeros(3, bool)
    )
    assert METRICS["accuracy_25"].per_photo(scored).tolist() == [1, 0, 1]  # type: ignore[union-attr]
    row = score(Answers("a", np.array([[0, longitude], [0, further]])), truth, draws=10)
    assert row.scores["accuracy_25"].value == 0.5


def test_a_radius_holds_at_the_very_distance() -> None:
    points, truth = np.array([[0, 1.0], [0, 1.0]]), np.zeros((2, 2))
    error = sphere.distance_km(points[0], truth[0])
    radius = {0.5: np.array([error, math.nextafter(error, 0)])}
    row = score(Answers("a", points, None, radius), truth, draws=10)
    assert row.scores["coverage_50"].value == 0.5


def test_points_alone_have_no_likelihood_and_no_coverage(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 20)
    row = score(Answers("points", given_.points), truth, draws=20)
    assert set(METRICS) - set(row.scores) == {"nll", "coverage_50", "coverage_80", "coverage_90"}


def test_answers_of_a_posterior(rng: np.random.Generator) -> None:
    posterior = Posterior(rng.uniform(-60, 60, (9, 2)), rng.normal(size=(5, 9)), 30.0)
    truth, points = rng.uniform(-60, 60, (5, 2)), posterior.mode()
    made = Answers.of_posterior("model", posterior, truth, points, radius_factor=2.0)
    np.testing.assert_allclose(made.log_density, posterior.log_density(truth))
    assert set(made.radius_km) == set(LEVELS)
    for level in LEVELS:
        np.testing.assert_allclose(made.radius_km[level], 2 * posterior.radius_km(points, level), rtol=1e-6)
    assert Answers.of_posterior("model", posterior, truth, points, radius_factor=None).radius_km == {}


def test_scattered_answers_leave_failures_between(rng: np.random.Generator) -> None:
    some, truth = answers(rng, 3)
    rows = np.array([4, 0, 2])
    everywhere = some.scatter(rows, 5)
    np.testing.assert_array_equal(everywhere.points[rows], some.points)
    assert np.isnan(everywhere.points[[1, 3]]).all() and np.isnan(everywhere.log_density[[1, 3]]).all()  # type: ignore[index]
    whole = np.zeros((5, 2))
    whole[rows] = truth
    row = score(everywhere, whole, draws=20)
    assert (row.photos, row.failed) == (5, 2)
    few = score(some, truth, draws=20)
    for name in ("accuracy_25", "accuracy_2500", "geoscore", "coverage_90"):
        assert row.scores[name].value == pytest.approx(few.scores[name].value * 3 / 5)
    assert Answers("a", some.points).scatter(rows, 5).log_density is None


@pytest.mark.parametrize(
    ("points", "truth", "message"),
    [
        (np.zeros((2, 2)), np.zeros((3, 2)), "2 answers for 3 photos"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "there is no photo to score"),
        (
            np.zeros((1, 2)),
            [[math.nan, 0]],
            "1 of 1 positions are impossible; first at row 0: (nan, 0): not a finite number",
        ),
    ],
)
def test_scoring_refuses(points: NDArray, truth: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        score(Answers("a", points), truth)
    assert str(caught.value) == message


# --- intervals


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    """A method that is right with probability 0.3: in 200 repetitions at least 90 % of the 95 % intervals hold it."""
    held = 0
    for seed in range(200):
        right = np.random.default_rng(seed).uniform(size=150) < 0.3
        points = np.where(right[:, None], 0.0, 50.0) * np.ones((150, 2))
        value = score(Answers("a", points), np.zeros((150, 2)), draws=200, seed=seed).scores["accuracy_25"]
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
    clustered = score(copied, np.repeat(truth, 9, axis=0), groups=names).scores["geoscore"]
    assert naive.value == pytest.approx(single.value) == clustered.value
    assert width(naive) == pytest.approx(width(single) / 3, rel=0.2)
    assert width(clustered) == pytest.approx(width(single), rel=0.1)


def test_bootstrap_draws_whole_groups() -> None:
    weights = bootstrap_weights(np.array(["b", "a", "b", "c"]), 500, seed=1)
    assert weights.shape == (500, 4)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.15)
    np.testing.assert_array_equal(weights, bootstrap_weights(np.array(["b", "a", "b", "c"]), 500, seed=1))
    assert (weights != bootstrap_weights(np.array(["b", "a", "b", "c"]), 500, seed=2)).any()


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 4)), min_size=1, max_size=12).filter(
        lambda rows: any(weight for _, weight in rows)
    )
)
def test_weighted_median_is_the_median_of_copies(rows: list[tuple[int, int]]) -> None:
    values, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    expected = np.median(np.repeat(values, weights.astype(int)))
    assert evaluate._weighted_median(values, weights[None])[0] == expected


# --- conformal factor


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


# --- the document


def test_report_is_the_document_of_the_contract(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 25, failed=[0, 9])
    baseline = Answers("always Paris", np.tile([48.86, 2.35], (25, 1)))
    rows = [score(given_, truth, draws=50), score(baseline, truth, draws=50)]
    document = Report(rows, protocol(photos="all")).to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document) == [
        "name",
        "photos",
        "failed",
        "accuracy",
        "geoscore",
        "mean_km",
        "median_km",
        "nll",
        "coverage",
        "intervals",
        "baselines",
        "protocol",
    ]
    assert (document["photos"], document["failed"]) == (25, 2)
    assert list(document["accuracy"]) == ["1", "25", "200", "750", "2500"]
    assert list(document["coverage"]) == ["50", "80", "90"]
    assert list(document["intervals"]) == list(METRICS)
    assert all(low <= high for low, high in document["intervals"].values())
    assert document["accuracy"]["25"] == rows[0].scores["accuracy_25"].value
    (paris,) = document["baselines"]
    assert (paris["name"], paris["nll"], paris["coverage"], paris["failed"]) == ("always Paris", None, {}, 0)
    assert set(paris) == set(document) - {"baselines", "protocol"}
    assert document["protocol"]["threshold"] == "<=" and document["protocol"]["photos"] == "all"
    assert document["protocol"]["radius_km"] == 6371.0088


def test_a_model_that_answers_nothing_has_numbers_too() -> None:
    nothing = Answers("none", np.full((4, 2), math.nan), np.full(4, math.nan), {0.9: np.full(4, math.nan)})
    document = Report([score(nothing, np.zeros((4, 2)), draws=20)], protocol()).to_json()
    assert json.dumps(document, allow_nan=False)
    assert document["failed"] == 4 and document["accuracy"] == dict.fromkeys(["1", "25", "200", "750", "2500"], 0)
    assert document["nll"] == pytest.approx(2.531, abs=5e-4)
    assert document["mean_km"] == pytest.approx(HALF_KM) and document["geoscore"] == 0
    assert document["coverage"] == {"90": 0}
