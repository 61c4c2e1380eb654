"""Tables of whole distributions, read back and scored."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from prediction_tables import N
from whereshot.earth import sphere
from whereshot.evaluate import Answers, Protocol, Truth, answers_of_posterior, score
from whereshot.evaluate.tables import Problems, read_distributions, read_posterior
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.parquet import write


@pytest.fixture
def spread(rng: np.random.Generator, places: NDArray, tmp_path: Path) -> tuple[Posterior, Path]:
    """Distributions of all photos but two, with different numbers of places, in an order of their own."""
    around = sphere.move(places[:, None], rng.uniform(0, 360, (N, 7)), rng.exponential(300, (N, 7)))
    mass = rng.uniform(0.1, 1, (N, 7)) * (np.arange(7) < rng.integers(1, 8, (N, 1)))
    posterior = Posterior.from_mass(around, mass, 10 ** rng.uniform(0, 2, (N, 7)))
    kept = rng.permutation(N)[: N - 2]
    write(posterior[kept], tmp_path / "spread.parquet", [f"{row:03d}" for row in kept])
    return posterior[np.sort(kept)], tmp_path / "spread.parquet"


def test_distributions_are_read_back(spread: tuple[Posterior, Path], truth: Truth) -> None:
    posterior, path = spread
    problems = Problems()
    lots = list(read_distributions(path, truth, problems))
    rows = np.concatenate([at for at, _ in lots])
    lost = sorted(set(range(N)) - set(rows.tolist()))
    assert [problem.id for problem in problems.rows] == [f"{row:03d}" for row in lost] and len(lost) == 2
    found = np.concatenate([part.log_density(truth.points[at]) for at, part in lots])
    np.testing.assert_allclose(found[np.argsort(rows)], posterior.log_density(truth.points[np.sort(rows)]), rtol=1e-9)


def test_a_posterior_is_scored_as_in_memory(spread: tuple[Posterior, Path], truth: Truth, places: NDArray) -> None:
    posterior, path = spread
    problems = Problems()
    answers = read_posterior(path, truth, None, "them", problems)
    rows = np.flatnonzero(np.isfinite(answers.points[:, 0]))
    direct = answers_of_posterior("them", posterior, places[rows], best(posterior, 25.0, 1.0)).scatter(rows, N)
    mine, theirs = (score(each, truth, Protocol(draws=10)) for each in (direct, answers))
    assert (theirs.photos, theirs.failed) == (N, 2)
    for name in ("accuracy_200", "nll", "coverage_90", "ece_200", "area_90_km2"):
        assert theirs.scores[name].value == pytest.approx(mine.scores[name].value, rel=1e-6), name
    given = Answers("them", np.zeros((N, 2)))
    decided = read_posterior(path, truth, given, "them", problems)
    np.testing.assert_array_equal(decided.points, 0)
    np.testing.assert_allclose(decided.log_density, answers.log_density)


def test_a_photo_without_a_distribution_is_told_of(spread: tuple[Posterior, Path], truth: Truth) -> None:
    problems = Problems()
    answers = read_posterior(spread[1], truth, Answers("them", truth.points), "them", problems)
    assert {problem.counted for problem in problems.rows} == {"scored as without a distribution"}
    scores = score(answers, truth, Protocol(draws=10)).scores
    assert scores["accuracy_1"].value == 1.0
    lost = ~np.isfinite(answers.log_density)
    assert lost.sum() == 2
    expected = -np.where(lost, -math.log(4 * math.pi), answers.log_density).mean()
    assert scores["nll"].value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("column", "value"), [("mass", -0.1), ("spread_km", 0.0), ("latitude", 95.0), ("mass", math.nan)]
)
def test_places_that_are_none(spread: tuple[Posterior, Path], truth: Truth, column: str, value: float) -> None:
    path = spread[1]
    old = pq.read_table(path)
    values = old[column].to_numpy().copy()
    values[5] = value
    pq.write_table(old.set_column(old.column_names.index(column), column, pa.array(values)), path)
    with pytest.raises(
        InputError, match=rf"spread.parquet: 1 rows are not weighted places; first: row 6 \(.*{column} {value:g}"
    ):
        read_posterior(path, truth, None, "them", Problems())
    pq.write_table(old.drop_columns(column), path)
    with pytest.raises(
        InputError, match=rf"no column '{column}'; a posterior has id, latitude, longitude, mass, spread_km$"
    ):
        read_posterior(path, truth, None, "them", Problems())
