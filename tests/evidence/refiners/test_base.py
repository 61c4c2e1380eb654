"""What refiners share: users in time, fixed sets of places, and examples that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from refiner_cases import SETTINGS, fitted
from whereshot.earth import sphere
from whereshot.evidence import refiners
from whereshot.evidence.refiners import Examples, FixedPlaces
from whereshot.evidence.refiners.base import users_in_time
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import quantile_km


def test_users_are_in_the_order_of_taking_then_posting() -> None:
    def times(*seconds: int | None) -> pa.Array:
        return pa.array([None if s is None else s * 1_000_000 for s in seconds], pa.timestamp("us", "UTC"))

    table = pa.table(
        {
            "id": list("abcdef"),
            "user": ["u", "u", "v", "u", None, None],
            "taken_at": times(30, None, 5, 10, 1, 1),
            "posted_at": times(1, 20, 5, 99, 1, 1),
        }
    )
    found = {tuple(rows.tolist()) for rows in users_in_time(Records(table))}
    assert found == {(3, 1, 0), (2,), (4,), (5,)}


def test_posteriors_of_own_places_are_gathered_on_a_fixed_set(rng: np.random.Generator) -> None:
    places = np.stack([rng.uniform(-60, 60, 9), rng.uniform(-180, 180, 9)], axis=1)
    spread = rng.uniform(1, 50, 9)
    mass = rng.dirichlet(np.ones(4), 6)
    which = np.stack([rng.permutation(9)[:4] for _ in range(6)])
    posterior = Posterior.from_mass(places[which], mass, spread[which])
    support = FixedPlaces.of_parts([posterior])
    gathered = support.gather(posterior)
    points = sphere.move(gathered.mode(), 0.0, quantile_km(np.full(6, 0.5), 10.0))
    np.testing.assert_allclose(gathered.log_density(points), posterior.log_density(points))
    strange = Posterior.from_mass(places[:1] + 1, np.ones((1, 1)), spread[:1])
    with pytest.raises(InputError, match="mass on 1 places that the refiner was not fitted on"):
        support.gather(strange)


def test_what_cannot_be_fitted_on_is_refused(world: Any) -> None:
    examples = world[0]
    with pytest.raises(InputError, match="2 posteriors, 3 records and 2 cells"):
        Examples(examples.posterior[:2], examples.records[:3], examples.cell[:2])
    with pytest.raises(InputError, match="none of 3 photos lies in a cell"):
        Examples(examples.posterior[:3], examples.records[:3], np.full(3, -1))
    one_user = Examples(examples.posterior[:4], examples.records[:4], examples.cell[:4])
    with pytest.raises(InputError, match="both are needed: give photos of more users"):
        fitted("posting-time", one_user)
    few = Examples(
        examples.posterior[:20], examples.records[:20], np.where(np.arange(20) % 5 == 0, examples.cell[:20], -1)
    )
    fitted("posting-time", few, SETTINGS["posting-time"] | {"batch_size": 2, "validation": 0.5})  # no batch of one
    with pytest.raises(ConfigError, match="no refiner 'user-meen'; did you mean 'user-mean'"):
        refiners.kind_of("user-meen")
