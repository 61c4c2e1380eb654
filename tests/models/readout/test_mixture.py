"""Readouts on outputs worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.log_space import log_softmax
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.models.readout.gallery import Gallery, GallerySettings
from whereshot.models.readout.mixture import Gate, Mixture
from whereshot.posterior.base import Posterior

POINTS = np.array([[10, 10], [10.2, 10], [-30, 40], [60, -100], [61, -100], [0, 179]], float)


def hierarchy(*levels: int) -> Hierarchy:
    return Hierarchy(tuple(partition.build("s2-level", POINTS, {"level": level}) for level in levels))


# --- cells


# --- where the answer lies


# --- gallery


# --- gate and mixture


def test_gate_weights_by_hand() -> None:
    gate = Gate(offset={"cells": 1.0, "gallery": -1.0}, slope={"cells": 0.0, "gallery": 4.0})
    weights = gate.weights(np.array([0.0, 0.5]))
    for row, scores in enumerate(([1, -1, 0], [1, 1, 0])):
        shares = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose([weights[name][row] for name in ("cells", "gallery", "prior")], shares)


def test_gate_weights_sum_to_one(rng: np.random.Generator) -> None:
    for scale in (1, 100, 1e5):
        offset, slope = rng.normal(0, scale, (2, 3))
        names = ("a", "b", "c")
        gate = Gate(
            offset=dict(zip(names, map(float, offset), strict=True)),
            slope=dict(zip(names, map(float, slope), strict=True)),
        )
        weights = gate.weights(rng.uniform(-1, 1, 50))
        assert list(weights) == ["a", "b", "c", "prior"]
        np.testing.assert_allclose(np.sum(list(weights.values()), axis=0), 1, rtol=1e-12)


def test_log_softmax_is_stable() -> None:
    scores = np.array([[1000.0, 1001.0], [-1000.0, -1001.0], [0.0, 0.0], [0.0, 1e6]])
    expected = -np.log1p(np.exp([-1.0, 1.0]))
    np.testing.assert_allclose(log_softmax(scores)[0], expected[::-1])
    np.testing.assert_allclose(log_softmax(scores)[1], expected)
    np.testing.assert_allclose(log_softmax(scores)[2], math.log(0.5))
    assert log_softmax(scores)[3].tolist() == [-1e6, 0.0]
    np.testing.assert_allclose(np.exp(log_softmax(scores.astype(np.float32))).sum(axis=1), 1, rtol=1e-12)


def mixture(offset: dict[str, float], slope: dict[str, float]) -> tuple[Mixture, dict[str, NDArray]]:
    rng = np.random.default_rng(3)
    cells = Cells(hierarchy(0, 4))
    features = rng.normal(size=(20, 6))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    gallery = Gallery(features, rng.uniform(-60, 60, (20, 2)), np.zeros(20))
    prior = Posterior(rng.uniform(-60, 60, (9, 2)), rng.normal(size=(1, 9)), 500.0)
    photos = rng.normal(size=(4, 6))
    outputs = {
        "features": photos / np.linalg.norm(photos, axis=1, keepdims=True),
        "logits": rng.normal(size=(4, sum(cells.hierarchy.sizes))),
    }
    parts = {"cells": cells, "gallery": gallery}
    gate = Gate(offset=offset, slope=slope)
    return Mixture({name: parts[name] for name in offset}, gate, gallery, prior), outputs


@pytest.mark.parametrize(
    ("offset", "slope"),
    [
        ({"cells": 0.3, "gallery": -0.5}, {"cells": 0.1, "gallery": 2.0}),
        ({"gallery": -0.5, "cells": 0.3}, {"gallery": 2.0, "cells": -5.0}),
        ({"cells": 1.0}, {"cells": 1.0}),
        ({"gallery": 1.0}, {"gallery": 0.0}),
        ({"cells": -2000.0, "gallery": 2000.0}, {"cells": 0.0, "gallery": 0.0}),
        ({"cells": 2000.0, "gallery": -2000.0}, {"cells": 0.0, "gallery": 0.0}),
    ],
)
def test_mixture_is_the_weighted_sum_of_its_densities(offset: dict[str, float], slope: dict[str, float]) -> None:
    mixed, outputs = mixture(offset, slope)
    posterior = mixed(outputs)
    assert len(posterior) == 4
    weights = mixed.gate.weights(mixed.gallery.nearest(outputs)[1])
    for point in ([10.0, 10.0], [-30.0, 40.0], [80.0, 0.0]):
        expected = weights["prior"] * np.exp(mixed.prior.repeat(4).log_density([point]))
        for name, part in mixed.parts.items():
            expected = expected + weights[name] * np.exp(part(outputs).log_density([point]))
        np.testing.assert_allclose(np.exp(posterior.log_density([point])), expected, rtol=1e-9)


def test_mixture_of_no_photos() -> None:
    mixed, outputs = mixture({"cells": 0.3, "gallery": -0.5}, {"cells": 0.1, "gallery": 2.0})
    assert len(mixed({name: values[:0] for name, values in outputs.items()})) == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda: CellsSettings(temperature=0),
        lambda: CellsSettings(floor_km=-1),
        lambda: GallerySettings(temperature=-1),
        lambda: GallerySettings(floor_km=0),
    ],
)
def test_settings_are_positive(build: object) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        build()  # type: ignore[operator]
