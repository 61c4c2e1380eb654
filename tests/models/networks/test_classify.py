"""The classifier: defaults are torch's cross-entropy, and offsets lead to the place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from random_heads import draw_weights
from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.models.networks.classify import Classify, ClassifySettings, east_north_km


@pytest.fixture
def points(rng: np.random.Generator) -> NDArray:
    return np.stack([rng.uniform(-60, 60, 40), rng.uniform(-180, 180, 40)], axis=1)


@pytest.fixture
def hierarchy(points: NDArray) -> Hierarchy:
    return Hierarchy((partition.build("s2", points, {"max": 20}), partition.build("s2", points, {"max": 4, "min": 1})))


def head_of(hierarchy: Hierarchy, **settings: Any) -> Classify:
    head = Classify(5, hierarchy, ClassifySettings.model_validate(settings))
    draw_weights(head, seed=1)
    return head


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_defaults_are_bit_for_bit_what_was_there_before(
    smoothing: float, hierarchy: Hierarchy, points: NDArray, rng: Any
) -> None:
    """The loss and its gradients are those of torch's cross-entropy, level by level, to the last bit."""
    head = head_of(hierarchy, label_smoothing=smoothing).eval()
    assert [name for name, _ in head.state_dict().items()] == ["linear.weight", "linear.bias"]
    target = head.target(points)
    assert target.dtype == torch.int64
    assert target.shape == (40, 2)
    features, weight = torch.tensor(rng.normal(size=(40, 5)), dtype=torch.float32), torch.ones(40)
    found = head.loss(features, target, weight)
    found.backward()
    gradient, head.linear.weight.grad = head.linear.weight.grad.clone(), None
    losses = []
    for level, logits in enumerate(head.outputs(features)["logits"].split(hierarchy.sizes, dim=1)):
        each = torch.nn.functional.cross_entropy(
            logits, target[:, level], ignore_index=-1, reduction="none", label_smoothing=smoothing
        )
        inside = weight * (target[:, level] >= 0)
        losses.append((each * inside).sum() / inside.sum())
    torch.stack(losses).mean().backward()
    if smoothing:  # torch sums the smoothed part in another order
        torch.testing.assert_close(found, torch.stack(losses).mean())
        torch.testing.assert_close(gradient, head.linear.weight.grad)
    else:
        assert found == torch.stack(losses).mean()
        assert torch.equal(gradient, head.linear.weight.grad)
    assert ClassifySettings().model_dump(exclude_defaults=True) == {}


def test_east_and_north_lead_to_the_place(points: NDArray, rng: Any) -> None:
    origins = np.concatenate([points, [[0.0, 179.99], [89.9, 10.0], [5.0, 5.0]]])
    places = np.concatenate([sphere.move(points, rng.uniform(0, 360, 40), rng.uniform(0, 9000, 40)), origins[-3:]])
    places[-3:-1] = [[0.01, -179.98], [89.8, -120.0]]
    east, north = east_north_km(origins, places).T
    back = sphere.move(origins, np.degrees(np.arctan2(east, north)), np.hypot(east, north))
    assert sphere.distance_km(back, places).max() < 1e-6
    assert (east[-1], north[-1]) == (0, 0)


def test_offsets_are_learned_within_their_reach(hierarchy: Hierarchy, points: NDArray, rng: Any) -> None:
    """The chosen cell is that of the product of both levels, and the offset goes to the photo, not beyond the reach."""
    from whereshot.models.readout.cells import Cells, CellsSettings

    kept = points[(hierarchy.assign(points) >= 0).all(axis=1)][:8]
    head = Classify(5, hierarchy, ClassifySettings(offset=True)).train()
    features = torch.nn.functional.normalize(torch.tensor(rng.normal(size=(len(kept), 5)), dtype=torch.float32))
    optimizer, target = torch.optim.Adam(head.parameters(), lr=0.02), head.target(kept)
    for _ in range(300):
        optimizer.zero_grad()
        head.loss(features, target, torch.ones(len(kept))).backward()
        optimizer.step()
    head.eval()
    with torch.inference_mode():
        outputs = {name: value.numpy() for name, value in head.outputs(features).items()}
    finest = hierarchy.finest
    chosen = outputs["offset_cell"][:, 0].astype(int)
    np.testing.assert_array_equal(chosen, finest.assign(kept))
    np.testing.assert_array_equal(chosen, Cells(hierarchy)(outputs).log_mass.argmax(axis=1))
    reach = np.maximum(2 * finest.spread_km[chosen], 1)
    assert (np.abs(outputs["offset"]) <= reach[:, None]).all()
    plain, moved = (Cells(hierarchy, CellsSettings(position=p))(outputs).mode() for p in ("centroid", "offset"))
    before, after = sphere.distance_km(plain, kept), sphere.distance_km(moved, kept)
    assert np.median(before) > 100
    assert after.mean() < before.mean() / 5
