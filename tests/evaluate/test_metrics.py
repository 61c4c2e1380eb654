"""Every metric against a formula or a library of its own; failures counted; intervals; groups; the JSON contract."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geopy.distance import geodesic, great_circle
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from whereshot import evaluate
from whereshot.cli.base import finite
from whereshot.earth import sphere
from whereshot.evaluate import (
    LEVELS,
    METRICS,
    Answers,
    Protocol,
    Truth,
    answers_of_posterior,
    compare,
    make_report,
    score,
)
from whereshot.evaluate import accuracy as accuracies
from whereshot.evaluate.bootstrap import GROUPS, draw_units, units
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.posterior.base import Posterior

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
        for percent in (50, 80, 90, 95)
    },
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("failed", [[], [0], [3, 4, 17], list(range(40))])
def test_metric_against_its_formula(rng: np.random.Generator, name: str, failed: list[int]) -> None:
    given_, truth = answers(rng, 40, failed)
    photos: list[Photo] = []
    for row in range(40):
        error = None if row in failed else float(sphere.distance_km(given_.points[row], truth[row]))
        radius = {level: float(given_.radius_km[level][row]) for level in LEVELS}
        photos.append((error, float(given_.log_density[row]), radius))  # type: ignore[index]
    row_ = score(given_, truth, Protocol(draws=200))
    assert (row_.name, row_.photos, row_.failed) == ("model", 40, len(failed))
    value = row_.scores[name]
    assert value.value == pytest.approx(EXPECTED[name](photos), rel=1e-9, abs=1e-12)
    assert value.low - 1e-9 <= value.value <= value.high + 1e-9
    assert failed or value.low < value.high or value.value in (0, 1)


def test_a_failed_photo_is_the_worst_answer_there_is(rng: np.random.Generator) -> None:
    one, truth = answers(rng, 30)
    other, _ = answers(np.random.default_rng(20240501), 30, failed=[7])
    good, bad = (score(each, truth, Protocol(draws=50)).scores for each in (one, other))
    for name in EXPECTED:
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
    row = score(Answers("a", np.array([[0, longitude], [0, further]])), truth, Protocol(draws=10))
    assert row.scores["accuracy_25"].value == 0.5
    strict = score(Answers("a", np.array([[0, 1.0], [0, 1.0]])), truth, Protocol(draws=10, threshold="lt"))
    assert strict.scores["accuracy_200"].value == 1.0
    strictly = Protocol(threshold="lt").within(np.array([25.0, exact]), 25)
    assert strictly.tolist() == [False, exact < 25]


def test_a_radius_holds_at_the_very_distance() -> None:
    points, truth = np.array([[0, 1.0], [0, 1.0]]), np.zeros((2, 2))
    error = sphere.distance_km(points[0], truth[0])
    radius = {0.5: np.array([error, math.nextafter(error, 0)])}
    row = score(Answers("a", points, None, radius), truth, Protocol(draws=10))
    assert row.scores["coverage_50"].value == 0.5


def test_points_alone_have_no_likelihood_and_no_coverage(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 20)
    row = score(Answers("points", given_.points), truth, Protocol(draws=20))
    lost = set(score(given_, truth, Protocol(draws=20)).scores) - set(row.scores)
    shares = (50, 80, 90, 95)
    assert lost == {
        "nll",
        "bits",
        *(f"aurc_{km}" for km in (25, 200, 750)),
        *(f"coverage_{share}" for share in shares),
        *(f"area_{share}_km2" for share in shares),
    }


def test_answers_of_a_posterior(rng: np.random.Generator) -> None:
    posterior = Posterior(rng.uniform(-60, 60, (9, 2)), rng.normal(size=(5, 9)), 30.0)
    truth, points = rng.uniform(-60, 60, (5, 2)), posterior.mode()
    made = answers_of_posterior("model", posterior, truth, points, radius_factor=2.0)
    np.testing.assert_allclose(made.log_density, posterior.log_density(truth))
    assert set(made.radius_km) == set(LEVELS)
    for level in LEVELS:
        expected = np.minimum(2 * posterior.radius_km(points, level), HALF_KM)
        np.testing.assert_allclose(made.radius_km[level], expected, rtol=1e-6)
    assert answers_of_posterior("model", posterior, truth, points, radius_factor=None).radius_km == {}


def test_scattered_answers_leave_failures_between(rng: np.random.Generator) -> None:
    some, truth = answers(rng, 3)
    rows = np.array([4, 0, 2])
    everywhere = some.scatter(rows, 5)
    np.testing.assert_array_equal(everywhere.points[rows], some.points)
    assert np.isnan(everywhere.points[[1, 3]]).all() and np.isnan(everywhere.log_density[[1, 3]]).all()  # type: ignore[index]
    whole = np.zeros((5, 2))
    whole[rows] = truth
    row = score(everywhere, whole, Protocol(draws=20))
    assert (row.photos, row.failed) == (5, 2)
    few = score(some, truth, Protocol(draws=20))
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
            "the position (nan, 0) is impossible: not a finite number",
        ),
    ],
)
def test_scoring_refuses(points: NDArray, truth: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        score(Answers("a", points), truth)
    assert str(caught.value) == message


# --- intervals


ONE = {name: METRICS[name] for name in ("accuracy_25", "geoscore", "median_km")}


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


# --- the document


def test_report_is_the_document_of_the_contract(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 25, failed=[0, 9])
    baseline = Answers("always Paris", np.tile([48.86, 2.35], (25, 1)))
    rows = [score(each, truth, Protocol(draws=50)) for each in (given_, baseline)]
    document = finite(make_report(rows, photos="all").to_json())
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
        "scores",
        "curves",
        "groups",
        "baselines",
        "comparisons",
        "notes",
        "protocol",
    ]
    assert (document["photos"], document["failed"]) == (25, 2)
    assert list(document["accuracy"]) == ["1", "25", "200", "750", "2500"]
    assert list(document["coverage"]) == ["50", "80", "90", "95"]
    assert list(document["intervals"]) == list(document["scores"])
    assert list(EXPECTED) == [name for name in document["scores"] if name in EXPECTED]
    assert all(low <= high for low, high in document["intervals"].values() if low is not None)
    assert document["accuracy"]["25"] == rows[0].scores["accuracy_25"].value
    (paris,) = document["baselines"]
    assert (paris["name"], paris["nll"], paris["coverage"], paris["failed"]) == ("always Paris", None, {}, 0)
    assert set(paris) == set(document) - {"baselines", "comparisons", "notes", "protocol"}
    assert document["protocol"]["threshold"] == "<=" and document["protocol"]["photos"] == "all"
    assert document["protocol"]["radius_km"] == 6371.0088


def test_a_model_that_answers_nothing_has_numbers_too() -> None:
    nothing = Answers("none", np.full((4, 2), math.nan), np.full(4, math.nan), {0.9: np.full(4, math.nan)})
    document = finite(make_report([score(nothing, np.zeros((4, 2)), Protocol(draws=20))]).to_json())
    assert json.dumps(document, allow_nan=False)
    assert document["failed"] == 4 and document["accuracy"] == dict.fromkeys(["1", "25", "200", "750", "2500"], 0)
    assert document["nll"] == pytest.approx(2.531, abs=5e-4)
    assert document["mean_km"] == pytest.approx(HALF_KM) and document["geoscore"] == 0
    assert document["coverage"] == {"90": 0}


# --- protocols


@pytest.mark.parametrize("radius_km", [6371.0, 6372.795, 6378.137])
def test_distances_of_other_spheres(rng: np.random.Generator, radius_km: float) -> None:
    given_, truth = answers(rng, 200)
    row = score(given_, truth, Protocol(radius_km=radius_km, draws=1), metrics=ONE)
    pairs = list(zip(given_.points.tolist(), truth.tolist(), strict=True))
    theirs = [great_circle(a, b, radius=radius_km).km for a, b in pairs]
    assert row.scored is not None
    np.testing.assert_allclose(row.scored.error_km, theirs, rtol=1e-9)
    assert make_report([row]).protocol["radius_km"] == radius_km


def test_geodesic_distances(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 200, failed=[3])
    row = score(given_, truth, Protocol(distance="geodesic", draws=1), metrics=ONE)
    assert row.scored is not None
    theirs = [HALF_KM if row == 3 else geodesic(given_.points[row], truth[row]).km for row in range(200)]
    np.testing.assert_allclose(row.scored.error_km, theirs, rtol=1e-9)
    told = make_report([row]).protocol
    assert (told["distance"], told["radius_km"]) == ("geodesic on the ellipsoid WGS84", None)


def test_rounded_geoscores(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 30, failed=[3])
    row = score(given_, truth, Protocol(geoscore_rounded=True, draws=1), metrics=ONE)
    km = [float(sphere.distance_km(a, b)) for a, b in zip(given_.points, truth, strict=True)]
    each = [0 if math.isnan(error) else round(5000 * math.exp(-error / 1492.7)) for error in km]
    assert row.scores["geoscore"].value == pytest.approx(statistics.fmean(each))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"radius_km": 3959.0}, "radius 3959 km is not the Earth's; known: 6371.0088, 6371, 6372.795, 6378.137"),
        ({"draws": 0}, "0 draws and an interval of 0.95 cannot be drawn"),
        ({"cell_level": 9}, "the level of S2 cells lies between 0 and 5; got 9"),
    ],
)
def test_protocols_that_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Protocol(**wrong)
    assert str(caught.value) == said


def test_the_published_rows_of_osv5m(shared: Path) -> None:
    """All 50 rows, both models: no distance is off by more than a billionth, no score by more than a millionth."""
    with (shared / "data" / "tables" / "osv5m_game_select.csv").open() as file:
        rows = list(csv.DictReader(file))

    def numbers(*names: str) -> NDArray:
        return np.array([[float(row[name]) for name in names] for row in rows])

    assert len(rows) == 50
    labels = {level: np.array([row[level] for row in rows], object) for level in ("country", "region", "city")}
    truth = Truth(numbers("true_lat", "true_lon"), labels=labels)
    for suffix in ("", "_base"):
        points = numbers(f"pred_lat{suffix}", f"pred_lon{suffix}")
        row = score(Answers("osv", points), truth, Protocol(radius_km=6371.0, draws=10))
        assert row.scored is not None
        np.testing.assert_allclose(row.scored.error_km, numbers(f"distance{suffix}")[:, 0], rtol=1e-9)
        np.testing.assert_allclose(row.scored.geoscore(), numbers(f"score{suffix}")[:, 0], atol=1e-6)
        published = np.mean([one[f"country_hit{suffix}"] == "True" for one in rows])
        assert row.scores["osv_country"].value == pytest.approx(published, abs=0.021)  # another gazetteer: one row
        known = [one for one in rows if one["region"]]
        published = np.mean([one[f"region_hit{suffix}"] == "True" for one in known])
        assert row.scores["osv_region"].value == pytest.approx(published, abs=0.15)


# --- what is stated


def stated(rng: np.random.Generator, n: int) -> tuple[Answers, NDArray, NDArray, NDArray]:
    """Answers that state P(error <= 200 km), not quite truly; and the truth, what was stated and what happened."""
    share = rng.uniform(0, 1, n)
    right = rng.uniform(size=n) < share**1.5
    points = np.where(right, 0.0, 30.0)[:, None] * np.ones(2)
    return Answers("a", points, within={200: share}), np.zeros((n, 2)), share, right


def test_brier_and_reliability_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    given_, truth, share, right = stated(rng, 3000)
    row = score(given_, truth, Protocol(draws=200))
    assert row.scores["brier_200"].value == pytest.approx(brier_score_loss(right, share))
    hits, said = calibration_curve(right, share, n_bins=15)
    curve = row.curves["reliability_200"]
    np.testing.assert_allclose(curve.x, said)
    np.testing.assert_allclose(curve.y, hits)
    weight = np.histogram(share, 15, (0, 1))[0] / 3000
    ece = row.scores["ece_200"]
    assert ece.value == pytest.approx((weight * np.abs(hits - said)).sum())
    assert ece.low < ece.value < ece.high
    assert curve.low is not None and curve.high is not None
    assert ((curve.low <= curve.y) & (curve.y <= curve.high)).all()


def test_bootstrap_is_that_of_scipy(rng: np.random.Generator) -> None:
    given_, truth, share, right = stated(rng, 800)
    value = score(given_, truth).scores["brier_200"]
    theirs = stats.bootstrap(
        ((share - right) ** 2,), np.mean, n_resamples=1000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert [value.low, value.high] == pytest.approx([theirs.low, theirs.high], abs=0.1 * (theirs.high - theirs.low))


def test_risk_coverage(rng: np.random.Generator) -> None:
    """Against the mean of the risks of all prefixes; ties, and a method that knows nothing of itself."""
    given_, truth, share, right = stated(rng, 4000)
    row = score(given_, truth, Protocol(draws=50))
    wrong = ~right[np.argsort(-share)]
    prefixes = np.cumsum(wrong) / np.arange(1, 4001)
    assert row.scores["aurc_200"].value == pytest.approx(prefixes.mean(), rel=0.01)
    assert row.curves["risk_200"].y[-1] == pytest.approx(wrong.mean())
    same = Answers("a", given_.points, confidence=np.full(4000, 0.3))
    assert score(same, truth, Protocol(draws=5)).scores["aurc_200"].value == pytest.approx(wrong.mean())


# --- where


def test_administrative_accuracy() -> None:
    paris, versailles, lyon, berlin, sea = [48.857, 2.352], [48.804, 2.13], [45.758, 4.835], [52.52, 13.405], [0, -30]
    truth = Truth(
        np.array([paris, paris, paris, sea, paris]),
        labels={
            "country": np.array(["FR", "France", "FR", None, "FR"], object),
            "city": np.array(["Orly", "VERSAILLES", "", None, "Paris"], object),
        },
    )
    points = np.array([paris, versailles, lyon, berlin, [math.nan] * 2])
    scores = score(Answers("a", points), truth, Protocol(draws=20)).scores
    assert scores["country"].value == 3 / 4  # the photo at sea leaves the denominator, the failed one does not
    assert scores["region"].value == 2 / 4
    assert scores["city"].value == 1 / 5
    assert scores["osv_country"].value == 3 / 4
    assert scores["osv_city"].value == 1 / 3
    assert "osv_region" not in scores


def test_macro_averages_weigh_countries_alike() -> None:
    """Ninety photos of one country all right, ten of another all wrong."""
    truth = np.repeat([[48.857, 2.352], [52.52, 13.405]], [90, 10], axis=0)
    points = truth + np.repeat([[0.0, 0.0], [20.0, 0.0]], [90, 10], axis=0)
    row = score(Answers("a", points), truth, Protocol(draws=100))
    assert row.scores["accuracy_25"].value == 0.9
    assert row.scores["accuracy_25_by_country"].value == 0.5
    assert row.scores["accuracy_25_by_continent"].value == 0.9
    assert row.scores["accuracy_25_by_cell"].value == 0.5
    assert [(one.name, one.photos) for one in row.groups["country"]] == [("FR", 90), ("DE", 10)]
    assert [tuple(one.scores["accuracy_25"]) for one in row.groups["country"]] == [(1, 1, 1), (0, 0, 0)]


def test_scores_of_users_and_scenes() -> None:
    points = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 50.0], [0.0, 50.0]])
    scenes = {"indoor": [0.8, 0, 0, 0.5], "natural": [0.1, 1, 0, 0.2], "urban": [0.1, 0, 1, 0.3]}
    truth = Truth(
        np.zeros((4, 2)),
        user=np.array(["a", "a", "a", "b"]),
        scenes={name: np.array(share) for name, share in scenes.items()},
    )
    scores = score(Answers("a", points), truth, Protocol(draws=50)).scores
    assert scores["accuracy_25_by_user"].value == pytest.approx((2 / 3 + 0) / 2)
    shares = {name: scores[f"accuracy_25_{name}"].value for name in ("indoor", "natural", "urban", "outdoor")}
    assert shares == {"indoor": 0.5, "natural": 1.0, "urban": 0.0, "outdoor": 0.5}
    assert "accuracy_25_indoor" not in score(Answers("a", points), np.zeros((4, 2)), Protocol(draws=5)).scores


def test_frequencies_of_cells() -> None:
    """Two true cells, one predicted: by hand, over the 24 cells of level 1."""
    truth = np.repeat([[10.0, 10.0], [-40.0, 100.0]], [6, 2], axis=0)
    points = np.tile([10.0, 10.0], (8, 1))
    scores = score(Answers("a", points), truth, Protocol(draws=20, cell_level=1)).scores
    total = 8 + 24
    expected = 7 / total * math.log(7 / 9) + 3 / total * math.log(3 / 1)
    assert scores["kl"].value == pytest.approx(expected)
    assert scores["entropy_true"].value == pytest.approx(stats.entropy([6, 2]))
    assert scores["entropy_predicted"].value == 0
    assert score(Answers("a", truth), truth, Protocol(draws=20)).scores["kl"].value == 0


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


# --- comparisons


def test_comparison_is_paired(rng: np.random.Generator) -> None:
    """Two methods that fail together: the difference is known far better than either."""
    n = 400
    truth = np.repeat([[48.857, 2.352], [52.52, 13.405]], n // 2, axis=0)
    shared_error = 10 ** rng.uniform(0, 4, n)
    one = Answers("one", sphere.move(truth, rng.uniform(0, 360, n), shared_error * 0.8))
    other = Answers("other", sphere.move(truth, rng.uniform(0, 360, n), shared_error))
    rows = [score(each, truth) for each in (one, other)]
    result = compare(*rows)
    gain = result.differences["geoscore"]
    assert gain.value == pytest.approx(rows[0].scores["geoscore"].value - rows[1].scores["geoscore"].value)
    assert 0 < gain.low < gain.high < rows[0].scores["geoscore"].high - rows[0].scores["geoscore"].low
    assert (result.win, result.tie, result.loss) == (n, 0, 0)
    assert result.by_country == {"FR": (200, 0, 0), "DE": (200, 0, 0)}
    apart = rows[0].scored.error_km - rows[1].scored.error_km  # type: ignore[union-attr]
    assert result.wilcoxon == pytest.approx(stats.wilcoxon(apart).pvalue, rel=1e-6)
    same = compare(rows[0], rows[0])
    assert (same.wilcoxon, same.tie) == (1.0, n)
    assert all(tuple(value) == (0, 0, 0) for value in same.differences.values())


def test_comparison_needs_the_same_photos(rng: np.random.Generator) -> None:
    rows = [
        score(Answers(name, np.zeros((5, 2))), np.full((5, 2), at), Protocol(draws=2))
        for name, at in (("a", 0), ("b", 1))
    ]
    with pytest.raises(InputError, match=r"^a and b were not scored on the same photos$"):
        compare(*rows)


# --- synthetic truth


def known_process(rng: np.random.Generator, n: int) -> tuple[Posterior, NDArray]:
    """Posteriors of a few places each, and truths drawn from them."""
    places = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, (n, 6)))), rng.uniform(-180, 180, (n, 6))], axis=-1)
    posterior = Posterior(places, rng.normal(0, 1.5, (n, 6)), 10 ** rng.uniform(0.5, 2.5, (n, 6)))
    return posterior, posterior.sample(1, rng)[:, 0]


def test_posteriors_that_are_true_score_as_such() -> None:
    """NLL is the entropy, regions and circles of 90 % hold 88 to 92 %, levels are uniform, nothing is miscalibrated."""
    rng = np.random.default_rng(5)
    posterior, truth = known_process(rng, 1200)
    row = score(answers_of_posterior("true", posterior, truth, posterior.best(25.0)), truth, Protocol(draws=300))
    others = [posterior.log_density(posterior.sample(1, rng)[:, 0]) for _ in range(8)]
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
    truth = prior.sample(600, rng)[0]
    made = answers_of_posterior("prior", prior, truth, prior.mode())
    np.testing.assert_allclose(made.log_density, prior.repeat(600).log_density(truth))
    np.testing.assert_allclose(made.within[200], prior.mass_within(prior.mode(), 200.0)[0], rtol=1e-6)
    row = score(made, truth, Protocol(draws=20))
    assert row.scores["region_coverage_90"].value == pytest.approx(0.9, abs=0.05)


def test_the_protocol_says_when_clusters_are_put_together(rng: np.random.Generator) -> None:
    points = np.stack([rng.uniform(-60, 60, 9000), rng.uniform(-170, 170, 9000)], axis=1)
    few = {"accuracy_200": evaluate.METRICS["accuracy_200"], "kl": evaluate.METRICS["kl"]}
    row = evaluate.score(evaluate.Answers("x", points), points, evaluate.Protocol(draws=2), metrics=few)
    told = evaluate.make_report([row]).protocol
    assert told["drawn"] == "each photo whole, 9,000 of them, put together at random into 8,192 groups"
    assert told["recentred"].endswith("centre on the score: kl")
    users = evaluate.Truth(points, cluster=np.arange(9000) // 2, cluster_by="user")
    row = evaluate.score(evaluate.Answers("x", points), users, evaluate.Protocol(draws=2), metrics=few)
    assert evaluate.make_report([row]).protocol["drawn"] == "each user whole, 4,500 of them"
