"""Networks: every head learns what its loss says, backbones are what their settings say, weights keep their bits."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from random_heads import DIM, TINY, make_head, unit_features
from whereshot.earth import sphere
from whereshot.earth.partition import Hierarchy
from whereshot.models import manifest, model_folder, networks
from whereshot.models.description import ModelDescription
from whereshot.models.networks import (
    HEADS,
    Backbone,
    FeatureScaling,
    Network,
    create,
)
from whereshot.models.networks.classify import east_north_km
from whereshot.models.readout import encoded_places
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.mixture import Calibration
from whereshot.models.readout.prototypes import cells_of
from whereshot.photos.preprocess import Preprocess


@pytest.fixture
def points(hierarchy: Hierarchy, rng: np.random.Generator) -> NDArray:
    """30 places in a cell of every level, and two in none of the finest."""
    anywhere = np.stack([rng.uniform(-80, 80, 600), rng.uniform(-180, 180, 600)], axis=1)
    cells = hierarchy.assign(anywhere)
    inside, outside = anywhere[(cells >= 0).all(axis=1)][:30], anywhere[cells[:, -1] < 0][:2]
    assert (len(inside), len(outside)) == (30, 2)
    return np.concatenate([inside, outside])


# --- every head


def log_softmax(logits: NDArray) -> NDArray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def cell_losses(loss: Any, log_p: NDArray, cells: NDArray, distance_km: NDArray) -> NDArray:
    """What a loss with distances says of each photo."""
    cross_entropy = -log_p[np.arange(len(log_p)), cells]
    name = type(loss).__name__
    if name == "Haversine":
        target = np.exp(log_softmax(-distance_km / loss.settings.temperature_km))
        return -(target * log_p).sum(axis=1)
    if name == "ExpectedDistance":
        expected = (np.exp(log_p) * distance_km / loss.settings.unit_km).sum(axis=1)
        return expected**2 + loss.settings.cross_entropy * cross_entropy
    assert name == "LogDistance"
    wrong = -np.log(1 - np.exp(log_p)) * distance_km / loss.settings.unit_km
    return wrong.sum(axis=1) + loss.settings.cross_entropy * cross_entropy


def offset_loss(head: Any, features: NDArray, points: NDArray, weight: NDArray) -> float:
    """Squared error of east and north within the true cell, in units of twice its spread."""
    state = {name: tensor.detach().double().numpy() for name, tensor in head.state_dict().items()}
    raw = head.settings.scale * features @ state["within.weight"].T + state["within.bias"]
    finest = head.hierarchy.finest
    cells = finest.assign(points)
    errors = []
    for row, cell in enumerate(cells):
        if cell >= 0:
            reach = max(2 * finest.spread_km[cell], 1.0)
            wanted = np.clip(east_north_km(finest.centers[[cell]], points[[row]])[0] / reach, -1, 1)
            errors.append(((np.tanh(raw[row, 2 * cell : 2 * cell + 2]) - wanted) ** 2).sum())
    return float(np.average(errors, weights=weight[cells >= 0]))


def classify_loss(head: Any, features: NDArray, points: NDArray, weight: NDArray) -> float:
    """The mean over the levels of the weighted mean loss of the photos inside."""
    state = {name: tensor.detach().double().numpy() for name, tensor in head.state_dict().items()}
    logits = head.settings.scale * features @ state["linear.weight"].T + state["linear.bias"]
    losses, start, loss = [], 0, head.settings.make_loss()
    for level in head.hierarchy.levels:
        cells = level.assign(points)
        log_probability = log_softmax(logits[:, start : start + len(level)])
        start += len(level)
        known = cells >= 0
        if loss.distances is not None:
            to = level.cell_centers[cells[known]] if loss.distances.to == "cell" else points[known]
            distance_km = sphere.distance_km(level.cell_centers[None], to[:, None])
            each = cell_losses(loss, log_probability[known], cells[known], distance_km)
            losses.append(np.average(each, weights=weight[known]))
            continue
        exact = -log_probability[known, cells[known]]
        flat = -log_probability[known].mean(axis=1)
        smoothing = head.settings.label_smoothing
        losses.append(np.average((1 - smoothing) * exact + smoothing * flat, weights=weight[known]))
    beside = offset_loss(head, features, points, weight) if head.settings.offset else 0.0
    return float(np.mean(losses)) + beside


def classify_hits(head: Any, outputs: dict[str, NDArray], points: NDArray) -> NDArray:
    """Whether the likeliest place is the centre of the photo's finest cell."""
    finest = head.hierarchy.finest
    decided = Cells(head.hierarchy)(outputs).mode()
    return (decided == finest.centers[finest.assign(points)]).all(axis=1)


def fourier(encoder: Any, positions: NDArray) -> NDArray:
    """Unit encodings by random Fourier features on unit vectors and a perceptron for each scale."""
    state = {name: tensor.detach().double().numpy() for name, tensor in encoder.state_dict().items()}
    total = 0.0
    for scale in range(len(encoder.settings.sigmas)):
        phase = 2 * np.pi * (sphere.xyz(positions) / np.pi) @ state[f"scales.{scale}.frequencies"].T
        hidden = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
        for layer in range(encoder.settings.depth + 1):
            name = f"scales.{scale}.layers.{2 * layer}"
            hidden = hidden @ state[f"{name}.weight"].T + state[f"{name}.bias"]
            hidden = hidden if layer == encoder.settings.depth else np.maximum(hidden, 0)
        total = total + hidden
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def align_loss(head: Any, features: NDArray, points: NDArray, weight: NDArray) -> float:
    """One minus the cosine, or the cross-entropy among the batch's other places."""
    state = {name: tensor.detach().double().numpy() for name, tensor in head.tower.state_dict().items()}
    hidden = np.maximum(features @ state["0.weight"].T + state["0.bias"], 0) @ state["3.weight"].T + state["3.bias"]
    cosine = hidden / np.linalg.norm(hidden, axis=1, keepdims=True) @ fourier(head.locations, points).T
    each = 1 - np.diag(cosine)
    if head.settings.loss == "contrastive":
        each = -np.diag(log_softmax(np.exp(head.log_scale.item()) * cosine))
    return float(np.average(each, weights=weight))


def align_hits(head: Any, outputs: dict[str, NDArray], points: NDArray) -> NDArray:
    """Whether a photo's encoding is most like that of its own place."""
    known = head.places(torch.as_tensor(points)).detach().numpy()
    return (outputs["encoding"] @ known.T).argmax(axis=1) == np.arange(len(points))


def mvmf_loss(head: Any, features: NDArray, points: NDArray, weight: NDArray) -> float:
    """Minus the log of the mixture's density, component by component as the density is written in books."""
    state = {name: tensor.detach().double().numpy() for name, tensor in head.state_dict().items()}
    weights = np.exp(log_softmax(head.settings.scale * features @ state["linear.weight"].T + state["linear.bias"]))
    finest, each = head.hierarchy.finest, np.zeros(len(points))
    radius = np.maximum(finest.spread_km, head.settings.floor_km) / sphere.EARTH_KM
    for number in range(len(finest)):
        kappa = 2 / radius[number] ** 2 * np.exp(state["kappa_change"][number])
        mean = sphere.xyz(finest.centers[number]) + radius[number] * state["mean_change"][number]
        angle = sphere.distance_km(sphere.latlon(mean), points) / sphere.EARTH_KM
        norm = kappa / (2 * np.pi * (1 - np.exp(-2 * kappa)))
        each += weights[:, number] * norm * np.exp(-2 * kappa * np.sin(angle / 2) ** 2)
    return float(-np.average(np.log(each), weights=weight))


def mvmf_hits(head: Any, outputs: dict[str, NDArray], points: NDArray) -> NDArray:
    """Whether the likeliest component is the one whose density at the photo's place is the highest."""
    readout = head.readout()
    angle = sphere.distance_km(readout.means[None], points[:, None]) / sphere.EARTH_KM
    log_density = np.log(readout.kappa) - 2 * readout.kappa * np.sin(angle / 2) ** 2
    return (readout(outputs).mode() == readout.means[log_density.argmax(axis=1)]).all(axis=1)


OWN = {
    "locations": "fourier",
    "location_settings": {
        "sigmas": [1.0, 4.0],
        "features": 16,
        "width": 24,
        "depth": 1,
        "dim": 16,
        "surface": "sphere",
    },
    "width": 20,
    "queue": 0,
}


class Expected(NamedTuple):
    """What a head is held against: settings to try, its loss in NumPy, and which photos it gets right."""

    settings: list[dict[str, Any]]
    loss: Callable[[Any, NDArray, NDArray, NDArray], float]
    hits: Callable[[Any, dict[str, NDArray], NDArray], NDArray]


MIXED = {"cross_entropy": 1.0, "to": "place", "unit_km": 5000.0}

EXPECTED: dict[str, Expected] = {
    "align": Expected([OWN, OWN | {"loss": "cosine", "train_locations": False}], align_loss, align_hits),
    "classify": Expected(
        [
            {},
            {"label_smoothing": 0.1, "scale": 3.0},
            {"offset": True, "scale": 2.0},
            {"loss": "haversine", "loss_settings": {"to": "cell", "temperature_km": 300.0}, "scale": 5.0},
            # the distance alone, from such a start, keeps to a wrong cell nearby: its gradient vanishes there
            {"loss": "expected-distance", "loss_settings": {"cross_entropy": 1.0, "unit_km": 3000.0}, "scale": 3.0},
            {"loss": "expected-distance", "loss_settings": MIXED, "scale": 3.0},
            {"loss": "log-distance", "loss_settings": {"unit_km": 1000.0}, "scale": 3.0},
        ],
        classify_loss,
        classify_hits,
    ),
    "mvmf": Expected([{"scale": 3.0}, {"scale": 5.0, "learn_means": True}], mvmf_loss, mvmf_hits),
}
"""A head that is listed in HEADS needs its expectation here: that is what puts it under test."""


def heads() -> list[Any]:
    return [*_heads()]


def _heads() -> Iterator[Any]:
    for kind in HEADS:
        if kind not in EXPECTED:
            yield pytest.param(kind, {}, id=f"{kind}: listed in HEADS, but not in EXPECTED")
            continue
        for settings in EXPECTED[kind].settings:
            yield pytest.param(kind, settings, id=f"{kind} {settings}"[:60])


@pytest.mark.parametrize(("kind", "settings"), heads())
def test_loss_is_that_of_the_reference(
    kind: str, settings: dict, hierarchy: Hierarchy, points: NDArray, rng: np.random.Generator
) -> None:
    head = make_head(kind, hierarchy, settings)
    features, weight = unit_features(len(points), rng), rng.uniform(0.2, 3, len(points))
    assert (hierarchy.assign(points)[-2:, -1] == -1).all()  # photos outside are among them
    inputs = torch.tensor(features, dtype=torch.float32, requires_grad=True)
    loss = head.loss(inputs, head.target(points), torch.tensor(weight, dtype=torch.float32))
    assert loss.item() == pytest.approx(EXPECTED[kind].loss(head, features, points, weight), rel=1e-5)

    loss.backward()
    for _ in range(5):  # the gradient along some directions, against central differences of the reference
        direction = rng.normal(size=features.shape)
        ahead, behind = (
            EXPECTED[kind].loss(head, features + step * direction, points, weight) for step in (1e-5, -1e-5)
        )
        slope = float((inputs.grad.double().numpy() * direction).sum())
        assert slope == pytest.approx((ahead - behind) / 2e-5, rel=2e-4, abs=1e-6)


def positions_of(kind: str, settings: dict[str, Any]) -> list[str]:
    """Every way in which the answer of a head can be read."""
    own = {"mvmf": ["components"]}.get(kind, ["offset"] if settings.get("offset") else [])
    return ["centroid", "center", "mean-of-best", "prototypes", *own]


@pytest.mark.parametrize(("kind", "settings"), heads())
def test_rows_sum_to_one(
    kind: str, settings: dict, hierarchy: Hierarchy, points: NDArray, rng: np.random.Generator
) -> None:
    """However the answer is read, and also of features as long as no network gives them."""
    head = make_head(kind, hierarchy, settings)
    features = np.concatenate([unit_features(6, rng), 30 * unit_features(2, rng)])
    with torch.inference_mode():
        told = head.outputs(torch.tensor(features, dtype=torch.float32))
    outputs = {"features": features} | {name: value.numpy() for name, value in told.items()}
    gallery = Gallery(unit_features(len(points), rng), points, np.zeros(len(points)))
    for position in positions_of(kind, settings):
        posterior = cells_of(hierarchy, gallery, CellsSettings(position=position))(outputs)
        np.testing.assert_allclose(posterior.mass.sum(axis=1), 1, rtol=1e-9, err_msg=position)
        assert np.isfinite(posterior.log_density(points[:8])).all()
    weights = head.place_weights()
    assert (weights is None) == ("encoding" not in outputs)
    if weights is not None:
        places = encoded_places.places_of_gallery(weights, gallery, hierarchy)
        np.testing.assert_allclose(places(outputs).mass.sum(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize(("kind", "settings"), heads())
def test_head_learns_a_few_photos_by_heart(
    kind: str, settings: dict, hierarchy: Hierarchy, points: NDArray, rng: np.random.Generator
) -> None:
    head = make_head(kind, hierarchy, settings).train()
    points = points[:10]
    features = torch.tensor(unit_features(len(points), rng), dtype=torch.float32)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    target, weight = head.target(points), torch.ones(len(points))
    for _ in range(150):
        optimizer.zero_grad()
        head.loss(features, target, weight).backward()
        optimizer.step()
    head.eval()
    outputs = {name: value.detach().numpy() for name, value in head.outputs(features).items()}
    assert EXPECTED[kind].hits(head, outputs, points).all()


@pytest.mark.parametrize(("kind", "settings"), heads())
def test_head_keeps_its_bits_in_a_model_folder(
    kind: str, settings: dict, hierarchy: Hierarchy, points: NDArray, tmp_path: Path
) -> None:
    backbone = create(TINY)
    head = make_head(kind, hierarchy, settings, dim=backbone.dim)
    network = Network(backbone, FeatureScaling(backbone.dim, 0.5), head).eval()
    crops = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    owner = torch.tensor([0, 0, 1, 2, 2])
    with torch.inference_mode():
        network.scaling.fit(backbone(crops))
        before = network(crops, owner, 3)
    description = ModelDescription(
        format=manifest.FORMAT,
        name="a head",
        created=datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        version="0",
        backbone={"name": TINY.name, "trained": True, "identity": backbone.identity},
        preprocess=Preprocess(),
        scaling_power=0.5,
        head=kind,
        head_settings=settings,
        levels=2,
    )
    gallery = Gallery(before["features"].numpy(), points[:3], np.zeros(3))
    model_folder.write(tmp_path / "model", description, network, hierarchy, gallery, Calibration(mixtures={}))
    read = model_folder.ModelFolder(tmp_path / "model").network()
    with torch.inference_mode():
        after = read(crops, owner, 3)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]), name


def test_head_starts_at_equal_probabilities(hierarchy: Hierarchy, rng: np.random.Generator) -> None:
    head = HEADS["classify"].head(DIM, hierarchy, HEADS["classify"].settings())
    features = torch.tensor(unit_features(3, rng), dtype=torch.float32)
    assert head.outputs(features)["logits"].abs().max() == 0


# --- backbones


# --- crops and scaling


def test_public_names() -> None:
    assert {name: getattr(networks, name) for name in networks.__all__}
    assert isinstance(create(TINY), Backbone)
