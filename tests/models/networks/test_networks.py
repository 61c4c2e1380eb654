"""Networks: every head learns what its loss says, backbones are what their settings say, weights keep their bits."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.errors import ConfigError, InputError, ModelError
from whereshot.foundation.settings_file import Settings
from whereshot.models import manifest, model_folder, networks
from whereshot.models.description import ModelDescription
from whereshot.models.networks import (
    HEADS,
    Backbone,
    BackboneSettings,
    FeatureScaling,
    Head,
    Network,
    create,
    default_preprocess,
    mean_of_crops,
)
from whereshot.models.networks.classify import east_north_km
from whereshot.models.readout import encoded_places
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.mixture import Calibration
from whereshot.models.readout.prototypes import cells_of
from whereshot.photos.preprocess import Preprocess

DIM = 12
TINY = BackboneSettings(name="test_efficientnet")


@pytest.fixture
def hierarchy(rng: np.random.Generator) -> Hierarchy:
    """Two levels over points around the world, with some of these outside the finer cells."""
    points = np.stack([rng.uniform(-60, 60, 200), rng.uniform(-180, 180, 200)], axis=1)
    points = np.concatenate([points, points[:60] + 0.01])
    coarse = partition.build("s2", points, {"max": 60})
    return Hierarchy((coarse, partition.build("s2", points, {"max": 12, "min": 2, "max_level": 5})))


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


def make_head(kind: str, hierarchy: Hierarchy, settings: dict[str, Any], *, dim: int = DIM) -> Head:
    """A head with random weights; the ones it starts with may all be zero."""
    parsed: Settings = HEADS[kind].settings.model_validate(settings)
    head = HEADS[kind].head(dim, hierarchy, parsed)
    drawn = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=drawn))
    return head.eval()


def unit_features(count: int, rng: np.random.Generator, dim: int = DIM) -> NDArray:
    features = rng.normal(size=(count, dim))
    return features / np.linalg.norm(features, axis=1, keepdims=True)


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


def test_backbone_features_and_their_size() -> None:
    backbone = create(TINY)
    assert not any(module.training for module in backbone.modules())
    with torch.inference_mode():
        assert backbone(torch.zeros(2, 3, 64, 64)).shape == (2, backbone.dim) == (2, 256)


def test_random_weights_are_those_of_the_seed() -> None:
    torch.manual_seed(1)
    first = create(TINY)
    drawn = torch.rand(1)
    torch.manual_seed(2)
    again, other = create(TINY), create(TINY, seed=1)
    assert first.identity == again.identity != other.identity
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    torch.manual_seed(1)  # and the caller's random numbers are left alone
    assert torch.equal(torch.rand(1), drawn)


def test_batch_norm_stays_in_evaluation_mode() -> None:
    backbone = create(TINY)
    before = {name: tensor.clone() for name, tensor in backbone.named_buffers()}
    assert any(name.endswith("running_mean") for name in before)
    backbone.train()
    assert backbone.training
    backbone(torch.rand(4, 3, 64, 64))
    for name, tensor in backbone.named_buffers():
        assert torch.equal(tensor, before[name]), name
    norms = [module for module in backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(module.training for module in norms)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights of a network that is not the random one, with a classifier that is not wanted."""
    state = create(TINY, seed=7).network.state_dict()
    path = tmp_path / "weights.safetensors"
    save_file({**state, "classifier.weight": torch.zeros(1000, 256), "classifier.bias": torch.zeros(1000)}, path)
    return path


def with_weights(path: Path) -> BackboneSettings:
    return BackboneSettings(name=TINY.name, weights=path)


def test_weights_from_a_file(weights: Path) -> None:
    backbone = create(with_weights(weights))
    assert backbone.identity == hashlib.blake2b(weights.read_bytes(), digest_size=16).hexdigest()
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(backbone(picture), create(TINY, seed=7)(picture))


def test_features_key_tells_what_features_depend_on(weights: Path) -> None:
    settings = [
        TINY,
        BackboneSettings(name="test_efficientnet_gn"),
        BackboneSettings(name=TINY.name, options={"pad_type": "same"}),
        with_weights(weights),
        BackboneSettings(name=TINY.name, weights=weights, options={"pad_type": "same"}),
    ]
    keys = [create(one).features_key for one in settings]
    assert len(set(keys)) == len(settings)
    assert create(settings[-1]).features_key == keys[-1]


def refused(error: type[Exception], settings: BackboneSettings) -> str:
    with pytest.raises(error) as caught:
        create(settings)
    return str(caught.value)


def test_weights_that_do_not_fit_are_named(weights: Path, tmp_path: Path) -> None:
    state = load_file(weights)
    gone = tmp_path / "gone.safetensors"
    assert refused(ModelError, with_weights(gone)) == f"{gone}: no such weights file"

    few = tmp_path / "few.safetensors"
    save_file({name: tensor for name, tensor in state.items() if not name.startswith("conv_")}, few)
    lost = sorted(
        name for name in create(TINY).network.state_dict() if name.startswith("conv_") and "num_batches" not in name
    )
    assert (
        refused(ModelError, with_weights(few))
        == f"{few}: {len(lost)} weights of the network are missing, first {lost[0]!r}"
    )

    odd = tmp_path / "odd.safetensors"
    save_file({**state, "conv_stem.weight": torch.zeros(3, 3)}, odd)
    wanted = tuple(state["conv_stem.weight"].shape)
    assert refused(ModelError, with_weights(odd)) == f"{odd}: 'conv_stem.weight' is (3, 3), the network has {wanted}"

    text = tmp_path / "text.safetensors"
    text.write_text("these are no weights at all")
    assert refused(ModelError, with_weights(text)).startswith(f"{text}: not a safetensors file (")
    assert refused(ModelError, with_weights(tmp_path)).startswith(f"{tmp_path}: not a safetensors file (")


def test_wrong_names_and_options() -> None:
    near = BackboneSettings(name="mobilnetv2_100")
    assert refused(InputError, near) == "no backbone 'mobilnetv2_100' in timm; did you mean 'mobilenetv2_100'?"
    far = BackboneSettings(name="!!")
    assert refused(InputError, far) == "no backbone '!!' in timm; timm.list_models() names them all"
    assert refused(InputError, BackboneSettings(name="test_resnet", options={"nope": 1})) == (
        "backbone test_resnet: wrong option (ResNet.__init__() got an unexpected keyword argument 'nope')"
    )
    assert refused(InputError, BackboneSettings(name="test_resnet.nope")) == (
        "backbone test_resnet.nope: Invalid pretrained tag (nope) for test_resnet."
    )


def test_a_tag_of_timm_is_part_of_a_name() -> None:
    assert create(BackboneSettings(name="test_efficientnet.r160_in1k")).dim == 256


def test_weights_that_the_hub_does_not_give(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    said = refused(ModelError, BackboneSettings(name="test_resnet", weights="hub"))
    assert said.startswith("backbone test_resnet: no weights from the hub (")


def test_default_preprocess_is_what_timm_documents() -> None:
    half = (0.5, 0.5, 0.5)
    documented = default_preprocess(BackboneSettings(name="test_vit2"))
    assert documented == Preprocess(size=160, resize=160, interpolation="bicubic", mean=half, std=half)
    changed = default_preprocess(TINY, size=64, crops=3)
    assert (changed.size, changed.resize, changed.crops) == (64, 64, 3)
    assert changed.mean == pytest.approx((0.485, 0.456, 0.406))
    assert default_preprocess(TINY, size=64, resize=72).resize == 72


def test_default_preprocess_refuses() -> None:
    with pytest.raises(ConfigError, match=r"^preprocess: unknown key 'sise'; did you mean 'size'\?$"):
        default_preprocess(TINY, sise=64)
    with pytest.raises(InputError, match=r"^no backbone 'test_resnt' in timm; did you mean 'test_resnet'\?$"):
        default_preprocess(BackboneSettings(name="test_resnt"))


def test_a_fresh_process_makes_the_same_backbone() -> None:
    """And timm loads there, whatever the torchvision beside it was built for; random weights are the same too."""
    code = (
        "from whereshot.models import networks\n"
        "print(networks.create(networks.BackboneSettings(name='test_efficientnet')).identity)\n"
        "import timm\n"
        "print(timm.is_model('test_efficientnet'))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [create(TINY).identity, "True"]


# --- crops and scaling


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


def test_public_names() -> None:
    assert {name: getattr(networks, name) for name in networks.__all__}
    assert isinstance(create(TINY), Backbone)
