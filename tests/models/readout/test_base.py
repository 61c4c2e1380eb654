"""Every readout keeps one contract: a row of the posterior for each photo, each row of mass one, also for no photo."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.cells import Cells, CellsSettings, VonMisesFisher
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.library import library_of
from whereshot.models.readout.memory import Memory, MemorySettings
from whereshot.models.readout.mixture import Gate, Mixture
from whereshot.models.readout.prototypes import Prototypes
from whereshot.models.readout.whitening import Whitening
from whereshot.posterior.prior import density_prior

POINTS = np.array([[10.0, 10.0], [10.2, 10.0], [-30.0, 40.0], [60.0, -100.0], [0.0, 179.0]])
HIERARCHY = Hierarchy((partition.build("s2-level", POINTS, {"level": 4}),))
FEATURES = np.eye(len(POINTS), 8, dtype=np.float32)
GALLERY = Gallery(FEATURES, POINTS, np.zeros(len(POINTS)))
AS_IT_IS = Whitening(np.zeros(8, np.float32), np.eye(8, dtype=np.float32))
LIBRARY = library_of(FEATURES, POINTS, np.zeros(len(POINTS)))

READOUTS: dict[str, Readout] = {
    "cells": Cells(HIERARCHY),
    "prototypes": Prototypes(HIERARCHY, GALLERY, CellsSettings(position="prototypes")),
    "von Mises-Fisher": VonMisesFisher(HIERARCHY.finest.centers, np.full(len(HIERARCHY.finest), 50.0)),
    "gallery": GALLERY,
    "mixture": Mixture(
        {"cells": Cells(HIERARCHY)}, Gate(offset={"cells": 0.5}, slope={"cells": 1.0}), GALLERY, density_prior()
    ),
    "memory": Memory(LIBRARY, AS_IT_IS, MemorySettings(), density_prior()),
}


def outputs(photos: int, rng: np.random.Generator) -> Outputs:
    features = rng.normal(size=(photos, 8)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    logits = rng.normal(size=(photos, len(HIERARCHY.finest)))
    return {"features": features, "encoding": features, "pooled": features, "logits": logits}


@pytest.mark.parametrize("name", READOUTS)
@pytest.mark.parametrize("photos", [1, 3])
def test_a_row_for_each_photo(name: str, photos: int, rng: np.random.Generator) -> None:
    posterior = READOUTS[name](outputs(photos, rng))
    assert len(posterior) == photos
    np.testing.assert_allclose(posterior.mass.sum(axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("name", READOUTS)
def test_a_photo_is_answered_as_if_it_were_alone(name: str, rng: np.random.Generator) -> None:
    three = outputs(3, rng)
    together = READOUTS[name](three).log_density(POINTS[:3])
    alone = READOUTS[name]({key: values[1:2] for key, values in three.items()}).log_density(POINTS[1:2])
    np.testing.assert_allclose(alone, together[1:2], rtol=1e-5)
