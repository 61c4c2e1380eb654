"""The published network on the time of posting: its inputs and its layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from refiner_cases import FAST, SETTINGS, fitted
from whereshot.evidence.refiners import REFINERS
from whereshot.evidence.refiners.base import posting_inputs
from whereshot.evidence.refiners.networks import Inputs, PostingNetwork
from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior


def test_the_inputs_of_the_published_network() -> None:
    """Ten of twelve cells, renormalised, then their former sum, hour, weekday from Sunday, and month."""
    mass = np.arange(12, 0, -1) / 78
    times = (
        pa.array(["2024-03-03T17:30:00", None], pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    )
    records = Records(pa.table({"id": ["a", "b"], "posted_at": times}))  # a Sunday
    time = posting_inputs(records)
    np.testing.assert_allclose(time[0], [(17 - 11.5) / 24, (1 - 3.5) / 7, (3 - 6.5) / 12], rtol=1e-6)
    np.testing.assert_array_equal(time[1], 0)  # unknown
    inputs = Inputs.of(Posterior.from_mass(np.zeros((12, 2)), mass[None], np.ones(12)), 10, time[:1])
    dense = inputs.dense(12)[0].numpy()
    np.testing.assert_allclose(dense[:12], [*(mass[:10] / mass[:10].sum()), 0, 0], rtol=1e-6)
    np.testing.assert_allclose(dense[12:], [mass[:10].sum(), *time[0]], rtol=1e-6)


def test_the_published_network() -> None:
    settings = REFINERS["posting-time"].settings_type()
    network = PostingNetwork(100, 4, settings.width, settings.dropout)
    named = [type(layer).__name__ for layer in network.layers]
    block = ["BatchNorm1d", "Dropout", "Linear"]
    assert named == ["Linear", "ReLU", "Linear", "Sigmoid", *block, "ReLU", *block, "Sigmoid", *block]
    sizes = [(layer.in_features, layer.out_features) for layer in network.layers if isinstance(layer, torch.nn.Linear)]
    assert sizes == [(104, 104), (104, 1626), (1626, 1626), (1626, 1626), (1626, 100)]
    assert {layer.p for layer in network.layers if isinstance(layer, torch.nn.Dropout)} == {0.5}
    assert float(network.layers[6].weight.detach().std()) == pytest.approx(
        (2 / 1626) ** 0.5, rel=0.01
    )  # He et al. 2015
    assert [(phase.optimizer, phase.learning_rate) for phase in settings.phases] == [
        ("adagrad", 0.01),
        ("adam", 0.005),
        ("adam", 0.001),
    ]


def test_the_outdoor_probability_is_one_more_input(world: Any) -> None:
    examples, posterior, records, _ = world
    settings = SETTINGS["posting-time"] | {"outdoor": True, "phases": [FAST["phases"][0] | {"epochs": 1}]}
    refiner = fitted("posting-time", examples, settings)
    assert refiner.tensors()["layers.0.weight"].shape == (4 + 5, 4 + 5)
    indoors = records.with_column("scene_indoor", np.full(len(records), 99.0))
    assert not np.array_equal(refiner(posterior, indoors).log_mass, refiner(posterior, records).log_mass)
    with pytest.raises(InputError, match="needs the columns scene_indoor"):
        refiner(posterior, Records(records.table.drop_columns("scene_indoor")))
