"""The shared form of refiners that are networks: what they see, and that tensors rebuild them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refiner_cases import PLACES, SPREAD, photos
from whereshot.evidence.refiners import REFINERS, FixedPlaces
from whereshot.evidence.refiners.network_refiner import NetworkRefiner
from whereshot.foundation.errors import InputError

NETWORK_KINDS = [name for name, kind in REFINERS.items() if issubclass(kind, NetworkRefiner)]


def test_two_refiners_are_networks() -> None:
    assert NETWORK_KINDS == ["posting-time", "user-album"]


@pytest.mark.parametrize("name", NETWORK_KINDS)
def test_tensors_rebuild_the_network(name: str, rng: np.random.Generator) -> None:
    kind: Any = REFINERS[name]
    settings = kind.settings_type(width=8, top=3)
    cells = FixedPlaces(PLACES, SPREAD)
    refiner = kind(cells, settings, kind.create(cells, settings).eval())
    again = kind.from_tensors(cells, settings, refiner.tensors())
    posterior, records, _ = photos(rng, users=5)
    refined = refiner(posterior, records)
    assert refined.mass.sum(axis=1) == pytest.approx(1)
    np.testing.assert_array_equal(again(posterior, records).log_mass, refined.log_mass)


def test_only_the_best_cells_are_seen(rng: np.random.Generator) -> None:
    kind: Any = REFINERS["posting-time"]
    posterior, records, _ = photos(rng, users=5)
    inputs = kind.inputs_of(posterior, records, kind.settings_type(top=2))
    assert inputs.cell.shape == (len(records), 2)
    np.testing.assert_array_equal(inputs.cell[:, 0], posterior.mass.argmax(axis=1))


def test_a_network_without_its_cells_is_refused() -> None:
    kind: Any = REFINERS["user-album"]
    with pytest.raises(InputError, match="its folder has none; fit it again"):
        kind.from_tensors(None, kind.settings_type(), {})
