"""The refiner of photos taken nearby in time: no fit needed, and the photo itself is never used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from refiner_cases import PLACES, SPREAD, loss
from whereshot.earth import sphere
from whereshot.evidence.refiners import REFINERS
from whereshot.evidence.refiners.album_neighbours import _log_prior_density
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior


def test_album_neighbours_work_unfitted_and_never_look_at_the_photo_itself(world: Any) -> None:
    _, posterior, records, cell = world
    kind = REFINERS["album-neighbours"]
    refiner = kind.from_tensors(None, kind.settings_type(by="user"), {})
    refined = refiner(posterior, records)
    assert loss(refined, cell) < 0.5 * loss(posterior, cell)
    moved = records.table.set_column(
        1, "latitude", pa.array(np.where(np.arange(len(records)) == 5, 80.0, records.numbers("latitude")))
    )
    again = refiner(posterior, Records(moved))
    np.testing.assert_array_equal(again.log_mass[5], refined.log_mass[5])
    assert not np.array_equal(again.log_mass[[4, 6, 7]], refined.log_mass[[4, 6, 7]])  # its user's others
    alone = records.with_column("user", pa.array([f"user {number}" for number in range(len(records))]))
    np.testing.assert_allclose(refiner(posterior, alone).log_mass, posterior.log_mass)


def test_album_neighbours_work_on_places_of_every_photo_s_own(world: Any) -> None:
    _, posterior, records, _ = world
    kind = REFINERS["album-neighbours"]
    refiner = kind.from_tensors(None, kind.settings_type(by="user"), {})
    own = Posterior(np.broadcast_to(PLACES, (len(records), 4, 2)), posterior.log_mass, SPREAD)
    np.testing.assert_allclose(refiner(own, records).log_mass, refiner(posterior, records).log_mass)


def test_the_density_of_photos_by_the_nearest_places_is_near_the_whole(rng: np.random.Generator) -> None:
    points = sphere.latlon(rng.normal(size=(30, 3)))
    whole = density_prior().repeat(30).log_density(points)
    found = _log_prior_density(points)
    assert (found <= whole + 1e-9).all()
    assert (found > whole - 0.7).all()  # worst at sea
    assert np.median(whole - found) < 0.2
