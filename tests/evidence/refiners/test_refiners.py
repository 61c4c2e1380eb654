"""All refiners: they learn, refuse other cells, and are the same after saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refiner_cases import FAST, PLACES, SETTINGS, SPREAD, fitted, loss
from whereshot.evidence import refiners
from whereshot.evidence.refiners import REFINERS
from whereshot.foundation.errors import InputError, ModelError
from whereshot.posterior.base import Posterior


@pytest.mark.parametrize("kind", REFINERS)
def test_a_refiner_learns_what_there_is_and_is_the_same_after_saving(kind: str, world: Any, tmp_path: Path) -> None:
    examples, posterior, records, cell = world
    refiner = fitted(kind, examples)
    refined = refiner(posterior, records)
    assert np.allclose(refined.mass.sum(axis=1), 1)
    assert loss(refined, cell) < 0.75 * loss(posterior, cell)
    refiners.save(refiner, tmp_path / "refiner", "mine", model="base", training={"photos": 600})
    again, description = refiners.load(tmp_path / "refiner")
    assert (description.kind, description.name, description.model) == (kind, "mine", "base")
    np.testing.assert_array_equal(again(posterior, records).log_mass, refined.log_mass)


@pytest.mark.parametrize("kind", [kind for kind in REFINERS if kind != "album-neighbours"])
def test_other_cells_are_refused(kind: str, world: Any) -> None:
    examples, posterior, records, _ = world
    refiner = fitted(
        kind,
        examples,
        SETTINGS[kind] | ({"phases": [FAST["phases"][0] | {"epochs": 1}]} if "phases" in SETTINGS[kind] else {}),
    )
    with pytest.raises(InputError) as caught:
        refiner(Posterior(PLACES + 0.01, posterior.log_mass, SPREAD), records)
    assert str(caught.value) == "the refiner was fitted on 4 other cells than these 4; fit one for this model"
    with pytest.raises(InputError, match="240 posteriors for 239 records"):
        refiner(posterior, records[:239])
    own = Posterior(np.broadcast_to(PLACES, (240, 4, 2)), posterior.log_mass, SPREAD)
    with pytest.raises(InputError, match="other cells"):
        refiner(own, records)


def test_a_changed_folder_and_a_model_are_refused(world: Any, tmp_path: Path) -> None:
    refiners.save(fitted("user-mean", world[0]), tmp_path / "refiner", "mine")
    weights = tmp_path / "refiner" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="has been changed or damaged"):
        refiners.load(tmp_path / "refiner")
    with pytest.raises(ModelError, match="a model and not a refiner; make one with: whereshot refine fit"):
        refiners.load(Path(refiners.__file__).parents[2] / "models" / "data" / "compact")
    with pytest.raises(ModelError):
        refiners.load(tmp_path / "nothing")
