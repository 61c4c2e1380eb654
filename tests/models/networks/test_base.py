"""Crops and features are put together as the heads expect."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from random_heads import DIM, TINY, make_head
from whereshot.earth.partition import Hierarchy
from whereshot.models.networks import (
    FeatureScaling,
    Network,
    create,
    mean_of_crops,
)


def test_mean_of_crops(rng: np.random.Generator) -> None:
    pooled, owner = rng.normal(size=(6, 4)), np.array([2, 0, 2, 0, 2, 3])
    means = mean_of_crops(torch.tensor(pooled), torch.tensor(owner), 4).numpy()
    for photo in (0, 2, 3):
        np.testing.assert_allclose(means[photo], pooled[owner == photo].mean(axis=0), rtol=1e-12)
    assert (means[1] == 0).all()  # a photo without a crop


def test_crops_of_one_photo_are_put_together(hierarchy: Hierarchy) -> None:
    backbone = create(TINY)
    network = Network(backbone, FeatureScaling(backbone.dim), make_head("classify", hierarchy, {}, dim=backbone.dim))
    crops = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        both = network.eval().features(crops, torch.tensor([0, 1, 0]), 2)
        pooled = backbone(crops)
    expected = torch.nn.functional.normalize(torch.stack([(pooled[0] + pooled[2]) / 2, pooled[1]]), dim=1)
    torch.testing.assert_close(both, expected)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_feature_scaling(power: float, rng: np.random.Generator) -> None:
    features = rng.normal(size=(40, DIM)) * 3
    scaling = FeatureScaling(DIM, power)
    scaling.fit(torch.tensor(features[:30], dtype=torch.float32))
    scaled = scaling(torch.tensor(features, dtype=torch.float32)).numpy()
    powered = np.sign(features) * np.abs(features) ** power
    centred = powered - powered[:30].mean(axis=0)
    np.testing.assert_allclose(scaled, centred / np.linalg.norm(centred, axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1, rtol=1e-5)


def test_feature_scaling_of_nothing_at_all() -> None:
    """Pooled activations are often exactly zero, where a root has no slope."""
    features = torch.tensor([[0.0, 0.0, 4.0], [0.0, 0.0, 0.0]], requires_grad=True)
    scaled = FeatureScaling(3, 0.5)(features)
    torch.testing.assert_close(scaled, torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    scaled.square().sum().backward()
    assert torch.isfinite(features.grad).all()
