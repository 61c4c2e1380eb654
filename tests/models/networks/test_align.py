"""Alignment: losses are those of the papers, the queue does what it should, and a run goes from photos to answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from conftest import TOWNS
from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, MissingExtraError
from whereshot.locate.geolocator import Geolocator
from whereshot.models.model_folder import ModelFolder
from whereshot.models.networks import HEADS, geoclip
from whereshot.models.networks.align import Align, AlignSettings
from whereshot.models.networks.decode import Decoder, DecodeSettings
from whereshot.training import train as training

RUNS = Path(__file__).parents[3] / "runs"
SMALL = {"sigmas": [1, 4], "features": 8, "width": 16, "depth": 1, "dim": 12, "surface": "sphere"}


@pytest.fixture
def points(rng: np.random.Generator) -> NDArray:
    return np.stack([rng.uniform(-60, 60, 12), rng.uniform(-180, 180, 12)], axis=1)


@pytest.fixture
def hierarchy(points: NDArray) -> Hierarchy:
    return Hierarchy((partition.build("s2", points, {"max": 4}), partition.build("s2", points, {"max": 2})))


def make(hierarchy: Hierarchy, dim: int = 6, **settings: Any) -> Align:
    torch.manual_seed(0)
    own = {"locations": "fourier", "location_settings": SMALL, "width": 10, "queue": 0}
    return Align(dim, hierarchy, AlignSettings.model_validate(own | settings))


@pytest.mark.parametrize("kind", ["fourier", "harmonics"])
@pytest.mark.parametrize("loss", ["cosine", "contrastive"])
def test_losses_by_gradcheck(kind: str, loss: str, hierarchy: Hierarchy, points: NDArray, rng: Any) -> None:
    small = SMALL if kind == "fourier" else {"degrees": 4, "width": 8, "depth": 1, "dim": 12}
    head = make(hierarchy, locations=kind, location_settings=small, loss=loss, train_locations=False).double().eval()
    head.queue = torch.tensor(points[6:])
    head.encoding = lambda features: torch.nn.functional.normalize(head.tower(features), dim=1)  # kept in float64
    head.places = lambda positions: torch.nn.functional.normalize(head.locations(positions), dim=1)
    features = torch.tensor(rng.normal(size=(4, 6)), requires_grad=True)
    weight = torch.tensor(rng.uniform(0.5, 2, 4))
    target = head.target(points[:4])
    assert torch.autograd.gradcheck(lambda x: head.loss(x, target, weight), (features,), eps=1e-6, atol=1e-6)


def test_a_full_queue_counts_and_the_same_place_does_not(hierarchy: Hierarchy, points: NDArray, rng: Any) -> None:
    """Cross-entropy among the batch and the queue, in NumPy; a place that is there twice is no mistake."""
    head = make(hierarchy, queue=5).eval()
    features = torch.tensor(rng.normal(size=(4, 6)), dtype=torch.float32)
    batch = points[[0, 1, 1, 2]]
    head.queue[:3] = torch.tensor(points[[1, 7, 8]])
    loss = head.loss(features, head.target(batch), torch.ones(4)).item()
    others = np.concatenate([batch, points[[1, 7, 8]]])
    with torch.no_grad():
        logits = (head.log_scale.exp() * head.encoding(features) @ head.places(torch.tensor(others)).T).double().numpy()
    each = []
    for row in range(4):
        kept = [column for column in range(7) if column == row or not (others[column] == batch[row]).all()]
        each.append(np.log(np.exp(logits[row, kept]).sum()) - logits[row, row])
    assert loss == pytest.approx(np.mean(each), rel=1e-5)
    assert (head.queue[3:].isnan()).all()  # validation leaves no trace


def test_the_queue_goes_round(hierarchy: Hierarchy, points: NDArray) -> None:
    head = make(hierarchy, queue=5).train()
    features = torch.zeros(3, 6)
    for start in (0, 3, 6):
        head.loss(features, head.target(points[start : start + 3]), torch.ones(3))
    np.testing.assert_array_equal(head.queue.numpy(), points[[5, 6, 7, 8, 4]])
    copy = make(hierarchy, queue=5)
    copy.load_state_dict(head.state_dict())  # a resumed run has it too
    copy.train().loss(torch.zeros(9, 6), copy.target(points[:9]), torch.ones(9))
    assert {tuple(place) for place in copy.queue.tolist()} == {tuple(place) for place in points[4:9].tolist()}


def test_frozen_parts_stay_and_learned_ones_move(hierarchy: Hierarchy, points: NDArray, rng: Any) -> None:
    features = torch.tensor(rng.normal(size=(12, 6)), dtype=torch.float32)
    for settings, learns in (({"loss": "cosine", "train_locations": False}, False), ({}, True)):
        head = make(hierarchy, **settings)
        head.loss(features, head.target(points), torch.ones(12)).backward()
        moved = any(parameter.grad is not None for parameter in head.locations.parameters())
        assert moved == learns
        assert (head.log_scale.grad is not None) == (head.settings.loss == "contrastive")


def test_rows_sum_to_one_and_cells_are_encoded_once(hierarchy: Hierarchy, rng: Any) -> None:
    from whereshot.models.readout.cells import Cells

    head = make(hierarchy).eval()
    features = torch.tensor(rng.normal(size=(5, 6)), dtype=torch.float32)
    with torch.inference_mode():
        outputs = {name: value.numpy() for name, value in head.outputs(features).items()}
        kept = head._centers
        head.outputs(features)
        assert head._centers is kept
    assert outputs["logits"].shape == (5, sum(hierarchy.sizes))
    np.testing.assert_allclose(np.linalg.norm(outputs["encoding"], axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(Cells(hierarchy)(outputs).mass.sum(axis=1), 1)
    with torch.no_grad():  # other weights, other encodings
        head.locations.scales[0].layers[0].weight.mul_(3)
    head.train().eval()
    with torch.inference_mode():
        assert not np.allclose(head.outputs(features)["logits"].numpy(), outputs["logits"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"locations": "forier"}, "no location encoder 'forier'; did you mean 'fourier'?"),
        ({"locations": "geoclip", "location_settings": {"dim": 3}}, "the location encoder of GeoCLIP has no settings"),
        ({"locations": "fourier", "location_settings": {"dims": 3}}, "unknown key 'dims'; did you mean 'dim'?"),
        (
            {"locations": "fourier", "loss": "cosine"},
            "loss cosine with a trained location encoder gives all places the same encoding",
        ),
    ],
)
def test_settings_that_make_no_sense(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_file.parse(settings, HEADS["align"].settings, name="head.settings")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_features_that_are_no_encodings(hierarchy: Hierarchy) -> None:
    with pytest.raises(
        ConfigError, match=r"^head.settings.dense = false needs features of 12 numbers; the backbone has 6$"
    ):
        make(hierarchy, dense=False)
    assert not list(make(hierarchy, dim=12, dense=False).tower.parameters())


def test_without_the_package_a_model_is_read_but_not_trained(
    hierarchy: Hierarchy, points: NDArray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.delitem(__import__("sys").modules, "geoclip", raising=False)
    head = Align(6, hierarchy, AlignSettings())
    with pytest.raises(MissingExtraError, match="geoclip is not installed"):
        head.target(points)
    head.load_state_dict(head.state_dict())  # as a model folder does
    assert len(head.target(points)) == 12


def test_an_aligned_picture_is_refined_beyond_its_cell(hierarchy: Hierarchy, points: NDArray, rng: Any) -> None:
    """What the head says of a picture leads the decoder to a place between the cells' centres."""
    head = make(hierarchy, dim=12, dense=False).eval()
    truth = sphere.move(points, rng.uniform(0, 360, 12), np.full(12, 150.0))
    with torch.inference_mode():
        outputs = head.outputs(head.places(torch.tensor(truth)))
    starts = np.concatenate([points, sphere.move(points, 45.0, 300.0)])
    decoder = Decoder(head.locations, starts, settings=DecodeSettings(longest_km=100.0, apart_km=100.0))
    posterior = decoder(outputs["encoding"].numpy())
    np.testing.assert_allclose(posterior.mass.sum(axis=1), 1)
    assert sphere.distance_km(posterior.mode(), truth).max() < 1


# --- whole runs


def toy(name: str, tiny: Path, out: Path, *changes: str) -> training.Run:
    """A run file of runs/ on the tiny photos, with a tiny backbone."""
    common = [
        f"data.train={tiny / 'photos.csv'}",
        "data.columns={}",
        f"out={out}",
        "backbone.weights=random",
        "data.validation=0.0",
        "optimizer.epochs=3",
        "optimizer.batch_size=8",
        "optimizer.learning_rate=0.02",
        "calibration.folds=2",
        "partition.levels=[{max=16},{max=8}]",
        "scaling_power=0.5",
    ]
    return settings_file.load(RUNS / name, training.Run, [*common, *changes])


def learned(model: Path, tiny: Path) -> None:
    """The towns are told from one another."""
    photos = [tiny / f"{town}-0.png" for town in TOWNS]
    found = Geolocator.load(model).locate(photos, text=False)
    wanted = np.array([town[:2] for town in TOWNS.values()])
    decided = np.array([(prediction.latitude, prediction.longitude) for prediction in found])
    assert (sphere.distance_km(decided, wanted) < 25).all()


def test_usa_run_from_end_to_end(tiny: Path, tmp_path: Path) -> None:
    try:
        geoclip.package_folder()
    except MissingExtraError:
        pytest.skip("needs the package geoclip (extra geoclip)")
    tiny_backbone = ["backbone.name=test_vit", "preprocess={size=160}", "head.settings.width=32"]
    run = toy("where-am-i-usa.toml", tiny, tmp_path / "model", *tiny_backbone)
    assert run.head.settings["loss"] == "cosine"
    model = training.train(run)
    learned(model, tiny)
    rows = ModelFolder(model).network().state_dict()
    frozen = geoclip.location_encoder().state_dict()
    for name, tensor in frozen.items():
        assert torch.equal(rows[f"head.locations.{name}"], tensor), name


@pytest.mark.slow
def test_geoclip_run_from_end_to_end(tiny: Path, tmp_path: Path) -> None:
    """With random layers in place of the pretrained ones, and a location encoder of our own."""
    own = "{locations='fourier',location_settings={sigmas=[1,4],features=16,width=32,depth=1,dim=16},queue=32,width=32}"
    run = toy(
        "geoclip.toml",
        tiny,
        tmp_path / "model",
        "backbone.name=test_vit",
        "preprocess={size=160}",
        f"head.settings={own}",
    )
    learned(training.train(run), tiny)
