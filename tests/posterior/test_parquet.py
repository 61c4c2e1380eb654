"""The written table of a posterior holds everything that reading it again needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from posterior_cases import ONE, random_posterior, uniform
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.density import map_density
from whereshot.posterior.parquet import to_table, write


@pytest.mark.parametrize("own", [False, True])
def test_written_table_has_every_place_with_mass(rng: np.random.Generator, tmp_path: Path, own: bool) -> None:
    p = random_posterior(rng, 2, 5, own=own)
    with np.errstate(divide="ignore"):
        p = p.times(np.log([1, 1, 0, 1, 1]))
    write(p, tmp_path / "posterior.parquet", ["a", "b"])
    table = pq.read_table(tmp_path / "posterior.parquet")
    assert table.equals(to_table(p, ["a", "b"]))
    assert table.column_names == ["id", "latitude", "longitude", "mass", "spread_km"]
    assert table["id"].to_pylist() == ["a"] * 4 + ["b"] * 4
    for row, name in enumerate(["a", "b"]):
        part = table.filter(np.array(table["id"].to_pylist()) == name)
        mass = part["mass"].to_numpy()
        assert mass.sum() == pytest.approx(1) and (np.diff(mass) <= 0).all()
        again = Posterior.from_mass(
            np.stack([part["latitude"].to_numpy(), part["longitude"].to_numpy()], axis=1),
            mass[None],
            part["spread_km"].to_numpy(),
        )
        points = uniform(rng, 5)
        np.testing.assert_allclose(map_density(again, points), map_density(p[row], points), rtol=1e-9)


def test_written_table_of_no_rows_has_the_same_columns(rng: np.random.Generator) -> None:
    table = to_table(random_posterior(rng, 1, 3)[[]], [])
    assert len(table) == 0
    assert table.schema.equals(to_table(ONE, ["a"]).schema)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: to_table(ONE, ["a", "b"]), "2 ids for 1 rows"),
    ],
)
def test_refusals(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == message
