"""Losses of classifiers: float64 references written out cell by cell, gradients by finite differences, hard cases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from random_heads import draw_weights
from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError
from whereshot.models.networks import HEADS
from whereshot.models.networks.classify import Classify, ClassifySettings
from whereshot.models.networks.losses import LOSSES, Loss, distances_between, log_one_minus_exp


def reference(loss: Loss, log_probability: NDArray, cells: NDArray, distance_km: NDArray) -> list[float]:
    """The losses as the papers write them, photo by photo and cell by cell."""
    name = next(name for name, kind in LOSSES.items() if type(loss) is kind.loss)
    settings, losses = loss.settings, []
    for log_p, cell, d in zip(log_probability, cells, distance_km, strict=True):
        k, smooth = len(log_p), loss.label_smoothing
        target = [(1 - smooth) * (i == cell) + smooth / k for i in range(k)]
        cross_entropy = -sum(target[i] * log_p[i] for i in range(k))
        if name == "cross-entropy":
            losses.append(cross_entropy)
        elif name == "haversine":
            near = [math.exp(-(d[i] - d[cell]) / settings.temperature_km) for i in range(k)]
            total = sum(near) if settings.normalized else 1.0
            losses.append(-sum(near[i] / total * log_p[i] for i in range(k)))
        elif name == "expected-distance":
            expected = sum(math.exp(log_p[i]) * d[i] / settings.unit_km for i in range(k))
            losses.append(expected**settings.power + settings.cross_entropy * cross_entropy)
        elif name == "log-distance":
            rest = [max(1 - math.exp(log_p[i]), settings.clamp) for i in range(k)]
            apart = sum(-math.log(rest[i]) * d[i] / settings.unit_km for i in range(k))
            losses.append(apart + settings.cross_entropy * cross_entropy)
        else:
            pytest.fail(f"{name} is listed in LOSSES, but has no reference here")
    return losses


VARIANTS: list[tuple[str, dict[str, Any], float]] = [
    ("cross-entropy", {}, 0.0),
    ("cross-entropy", {}, 0.2),
    ("haversine", {}, 0.0),
    ("haversine", {"normalized": False, "temperature_km": 400.0}, 0.0),
    ("haversine", {"to": "cell", "centers": "imagery"}, 0.0),
    ("expected-distance", {}, 0.0),
    ("expected-distance", {"cross_entropy": 1.0}, 0.1),
    ("expected-distance", {"power": 1, "unit_km": 100.0, "to": "place"}, 0.0),
    ("log-distance", {}, 0.0),
    ("log-distance", {"cross_entropy": 0.0, "unit_km": 1000.0}, 0.0),
]
IDS = [f"{name} {settings} {smoothing}" for name, settings, smoothing in VARIANTS]


def make(name: str, settings: dict[str, Any], smoothing: float = 0.0) -> Loss:
    return LOSSES[name].loss(LOSSES[name].settings.model_validate(settings), smoothing)


@pytest.fixture
def world(rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
    """Scores (6, 7), true cells (6,) and distances (6, 7), nothing for the true cell."""
    distance_km = rng.uniform(1, 3000, (6, 7))
    cells = np.array([0, 3, 6, 2, 2, 5])
    distance_km[np.arange(6), cells] = 0
    return rng.normal(0, 2, (6, 7)), cells, distance_km


def test_every_loss_is_tried() -> None:
    assert {name for name, _, _ in VARIANTS} == set(LOSSES)


@pytest.mark.parametrize(("name", "settings", "smoothing"), VARIANTS, ids=IDS)
def test_loss_is_that_of_the_reference(name: str, settings: dict, smoothing: float, world: Any) -> None:
    scores, cells, distance_km = world
    loss = make(name, settings, smoothing)
    wanted = reference(loss, torch.tensor(scores).log_softmax(1).numpy(), cells, distance_km)
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        log_probability = torch.tensor(scores, dtype=dtype).log_softmax(1)
        found = loss(log_probability, torch.tensor(cells), torch.tensor(distance_km, dtype=dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), wanted, rtol=tolerance)


@pytest.mark.parametrize(("name", "settings", "smoothing"), VARIANTS, ids=IDS)
def test_gradients(name: str, settings: dict, smoothing: float, world: Any) -> None:
    scores, cells, distance_km = (torch.tensor(values) for values in world)
    loss = make(name, settings, smoothing)
    scores.requires_grad_()
    distance_km = distance_km / 1000  # finite differences of squares of thousands have no digits left
    assert torch.autograd.gradcheck(lambda x: loss(x.log_softmax(1), cells, distance_km), (scores,))


@pytest.mark.parametrize(("name", "settings", "smoothing"), VARIANTS, ids=IDS)
@pytest.mark.parametrize("sure_of", [0, 1])
def test_a_network_that_is_sure_breaks_nothing(name: str, settings: dict, smoothing: float, sure_of: int) -> None:
    """All probability on the true cell, or on another: finite values and gradients in float32."""
    scores = torch.full((1, 4), -200.0)
    scores[0, sure_of] = 200.0
    scores.requires_grad_()
    distance_km = torch.tensor([[0.0, 20000.0, 5.0, 5.0]])
    value = make(name, settings, smoothing)(scores.log_softmax(1), torch.tensor([0]), distance_km)
    value.sum().backward()
    assert value.isfinite().all()
    assert scores.grad.isfinite().all()


def test_published_losses_of_a_perfect_answer_are_nothing() -> None:
    """The true cell is no distance from itself, so it adds nothing, however sure of it the network is."""
    log_probability = torch.tensor([[0.0, -80.0, -90.0]])
    distance_km = torch.tensor([[0.0, 900.0, 4000.0]])
    for name, settings in (("expected-distance", {"cross_entropy": 1.0}), ("log-distance", {})):
        found = make(name, settings)(log_probability, torch.tensor([0]), distance_km)
        assert found.item() == pytest.approx(0, abs=1e-12)


def test_small_probabilities_keep_their_digits() -> None:
    log_p = torch.tensor([-20.0, -12.0, -1.0, -0.6931, -0.1, -1e-4, -1e-12])
    found = log_one_minus_exp(log_p, 1e-6)
    wanted = [math.log(max(-math.expm1(value), 1e-6)) for value in log_p.double().tolist()]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6)


def test_a_cell_one_temperature_farther_counts_1_over_e() -> None:
    loss = make("haversine", {"normalized": False, "temperature_km": 75.0})
    distance_km = torch.tensor([[40.0, 115.0, 10.0]])  # the third centre is nearer than that of the true cell
    each = [
        -loss(torch.nn.functional.one_hot(torch.tensor([i]), 3).float(), torch.tensor([0]), distance_km)
        for i in range(3)
    ]
    np.testing.assert_allclose(torch.cat(each), [1, math.exp(-1), math.exp(0.4)], rtol=1e-6)


# --- distances


def test_distances_between_cells(rng: np.random.Generator) -> None:
    places = np.stack([rng.uniform(-90, 90, 300), rng.uniform(-180, 180, 300)], axis=1)
    table = distances_between(places)
    assert table.dtype == torch.float32
    np.testing.assert_allclose(table, sphere.distance_km(places[:, None], places[None]), rtol=1e-6, atol=1e-9)
    assert (table.diagonal() == 0).all()


def test_too_many_cells_are_refused_with_the_memory_that_they_need() -> None:
    with pytest.raises(ConfigError) as caught:
        distances_between(np.zeros((30_000, 2)))
    assert str(caught.value) == (
        "head.settings.loss: a table of the distances between 30,000 cells takes 3.4 GiB; the limit is 20,000 cells: "
        "use larger cells or another loss"
    )


# --- the head


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


@pytest.mark.parametrize(
    ("loss", "settings"),
    [
        ("haversine", {"temperature_km": 500.0}),
        ("haversine", {"to": "cell"}),
        ("expected-distance", {"to": "place", "centers": "imagery"}),
        ("log-distance", {}),
    ],
)
def test_the_head_measures_what_it_is_told(
    loss: str, settings: dict, hierarchy: Hierarchy, points: NDArray, rng: Any
) -> None:
    """Mean of the levels, photos outside left out; distances from the right centres to the right places."""
    head = head_of(hierarchy, loss=loss, loss_settings=settings).eval()
    assert (hierarchy.assign(points) < 0).any()
    features, weight = rng.normal(size=(len(points), 5)), rng.uniform(0.5, 2, len(points))
    target = head.target(points)
    inputs = torch.tensor(features, dtype=torch.float32)
    found = head.loss(inputs, target, torch.tensor(weight, dtype=torch.float32)).item()
    with torch.no_grad():
        scores = head.outputs(inputs)["logits"].double().split(hierarchy.sizes, dim=1)
    own, levels = make(loss, settings), []
    for level, of_level in zip(hierarchy.levels, scores, strict=True):
        cells = level.assign(points)
        known = cells >= 0
        centers = level.cell_centers if own.settings.centers == "cell" else level.centers
        to = centers[cells[known]] if own.settings.to == "cell" else points[known]
        distance_km = sphere.distance_km(centers[None], to[:, None])
        each = reference(own, of_level.log_softmax(1).numpy()[known], cells[known], distance_km)
        levels.append(np.average(each, weights=weight[known]))
    assert found == pytest.approx(np.mean(levels), rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"loss": "haversin"}, "no loss 'haversin'; did you mean 'haversine'?"),
        ({"loss": "haversine", "loss_settings": {"temperatur_km": 3}}, "did you mean 'temperature_km'?"),
        ({"loss": "cross-entropy", "loss_settings": {"clamp": 0.1}}, "loss_settings: unknown key 'clamp'"),
        ({"loss": "haversine", "label_smoothing": 0.1}, "the loss 'haversine' does not allow label_smoothing"),
        ({"loss": "log-distance", "loss_settings": {"to": "place"}}, "would lower the probability of the true cell"),
    ],
)
def test_settings_that_make_no_sense(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_file.parse(settings, HEADS["classify"].settings, name="head.settings")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# --- the position within the cell
