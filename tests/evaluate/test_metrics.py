"""Every metric against its formula, written a second time; photos that failed count in each."""

from __future__ import annotations

import numpy as np
import pytest

from scored_answers import EXPECTED, Photo, answers
from whereshot.earth import sphere
from whereshot.evaluate import (
    LEVELS,
    Answers,
    Protocol,
    score,
)


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
