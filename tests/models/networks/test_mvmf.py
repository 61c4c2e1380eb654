"""Mixture of von Mises-Fisher: a density on the sphere, exact at any concentration; what is learned and what is not."""

from __future__ import annotations

import math
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
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.locate.geolocator import Geolocator
from whereshot.models.model_folder import ModelFolder
from whereshot.models.networks.mvmf import Mvmf, MvmfSettings
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.training.train import Run, train


@pytest.fixture
def points(rng: np.random.Generator) -> NDArray:
    return np.stack([rng.uniform(-60, 60, 30), rng.uniform(-180, 180, 30)], axis=1)


@pytest.fixture
def hierarchy(points: NDArray) -> Hierarchy:
    return Hierarchy((partition.build("s2", points, {"max": 20}), partition.build("s2", points, {"max": 6})))


def make(hierarchy: Hierarchy, **settings: Any) -> Mvmf:
    head = Mvmf(5, hierarchy, MvmfSettings(scale=2.0, **settings))
    drawn = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=drawn))
    return head


@pytest.mark.parametrize("means", [False, True])
def test_gradients(means: bool, hierarchy: Hierarchy, points: NDArray, rng: Any) -> None:
    """With respect to features, concentrations and, where they are learned, means."""
    head = make(hierarchy, learn_means=means).double()
    target, weight = head.target(points[:4]), torch.tensor(rng.uniform(0.5, 2, 4))
    features = torch.tensor(rng.normal(size=(4, 5)), requires_grad=True)
    learned = {name: value for name, value in head.named_parameters() if value.requires_grad}
    assert ("mean_change" in learned) == means

    def loss(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        named = dict(zip(learned, values, strict=True))
        return torch.func.functional_call(
            _Loss(head), {f"head.{name}": v for name, v in named.items()}, (x, target, weight)
        )

    assert torch.autograd.gradcheck(loss, (features, *learned.values()), atol=1e-4, rtol=1e-4)


class _Loss(torch.nn.Module):
    def __init__(self, head: Mvmf) -> None:
        super().__init__()
        self.head = head

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.head.loss(*inputs)


def test_the_density_is_one_on_the_whole_sphere(hierarchy: Hierarchy, rng: Any) -> None:
    """Mean of the density over even points of the sphere, times its area."""
    head = make(hierarchy, floor_km=1500.0)
    count = 40_000
    turn = np.arange(count) * math.pi * (3 - math.sqrt(5))  # Fibonacci's spiral
    height = 1 - (2 * np.arange(count) + 1) / count
    flat = np.sqrt(1 - height**2)
    vectors = torch.tensor(np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1))
    with torch.inference_mode():
        density = head.log_density(torch.tensor(rng.normal(size=(1, 5)), dtype=torch.float32), vectors).exp()
    assert float(density.mean()) * 4 * math.pi == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_metre_counts_at_high_concentration(hierarchy: Hierarchy, bfloat16: bool) -> None:
    """At a spread of 50 m, 100 m more cost what the formula says: a cosine in float32 would not see them."""
    head = make(hierarchy)
    with torch.no_grad():
        head.kappa_change.fill_(math.log(2 / (0.05 / sphere.EARTH_KM) ** 2)).sub_(
            math.log(2) - 2 * head.first_radius.log()
        )
        head.mean_change.zero_()
    at = hierarchy.finest.centers[:1]
    near = sphere.move(at, 30.0, 0.1)
    features = torch.zeros(1, 5)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        kappa = float(head.log_kappa().exp()[0])
        fall = head.log_density(features, head.target(at)) - head.log_density(features, head.target(near))
    assert kappa == pytest.approx(2 / (0.05 / sphere.EARTH_KM) ** 2, rel=1e-4)
    assert float(fall) == pytest.approx(kappa * (0.1 / sphere.EARTH_KM) ** 2 / 2, rel=1e-3)


def test_it_starts_as_wide_as_the_cells(hierarchy: Hierarchy) -> None:
    """Equal weights, centroids as means; half of a component's mass within sqrt(ln 2) of the root mean square."""
    head = Mvmf(5, hierarchy, MvmfSettings(floor_km=30.0)).eval()
    outputs = {name: value.detach().numpy() for name, value in head.outputs(torch.randn(2, 5)).items()}
    posterior, finest = head.readout()(outputs), hierarchy.finest
    np.testing.assert_allclose(posterior.mass, 1 / len(finest), rtol=1e-6)
    np.testing.assert_allclose(posterior.places, finest.centers, atol=1e-9)
    expected = np.maximum(finest.spread_km, 30) * math.sqrt(math.log(2))
    np.testing.assert_allclose(posterior.spread_km, expected, rtol=0.03)
    told = Cells(hierarchy, CellsSettings(position="components", floor_km=0.1))(outputs)
    np.testing.assert_allclose(told.mass, posterior.mass[:, :64], rtol=1e-6)
    np.testing.assert_allclose(np.sort(told.spread_km[1]), np.sort(posterior.spread_km), rtol=1e-9)
    assert outputs["logits"].shape == (2, sum(hierarchy.sizes))
    np.testing.assert_allclose(Cells(hierarchy)(outputs).mass.sum(axis=1), 1)  # and cells read it too


def test_components_are_the_heaviest_of_the_mixture(hierarchy: Hierarchy, rng: Any) -> None:
    head = make(hierarchy, learn_means=True).eval()
    features = torch.tensor(rng.normal(size=(3, 5)), dtype=torch.float32)
    outputs = {name: value.detach().float().numpy() for name, value in head.outputs(features).items()}
    whole, told = head.readout()(outputs), Cells(hierarchy, CellsSettings(position="components"))(outputs)
    at = rng.permutation(whole.places)[:3]
    np.testing.assert_allclose(told.log_density(at), whole.log_density(at), rtol=1e-4)
    np.testing.assert_allclose(told.mode(), whole.mode(), atol=1e-4)
    with pytest.raises(InputError) as caught:
        Cells(hierarchy, CellsSettings(position="components"))({"logits": outputs["logits"]})
    assert str(caught.value) == 'position "components" needs a network that gives them; train the head "mvmf"'


@pytest.mark.slow
def test_a_run_from_end_to_end(tiny: Path, tmp_path: Path) -> None:
    """Trained, calibrated, saved, loaded: towns are told apart, and concentrations have been learned."""
    changes = [
        f"out={tmp_path / 'model'}",
        "head.kind=mvmf",
        "calibration.position=components",
        "scaling_power=0.5",
        "optimizer.epochs=20",
    ]
    folder = train(settings_file.load(tiny / "run.toml", Run, changes))
    decided = Geolocator.load(folder).locate([tiny / f"{town}-0.png" for town in TOWNS], text=False)
    found = np.array([(prediction.latitude, prediction.longitude) for prediction in decided])
    assert (sphere.distance_km(found, np.array([town[:2] for town in TOWNS.values()])) < 25).all()
    assert ModelFolder(folder).network().head.kappa_change.abs().max() > 0.01
    with pytest.raises(ConfigError) as caught:
        train(
            settings_file.load(tiny / "run.toml", Run, [f"out={tmp_path / 'other'}", "calibration.position=components"])
        )
    assert str(caught.value) == 'calibration.position "components" needs head.kind = "mvmf"'


def test_a_component_cannot_collapse(hierarchy: Hierarchy, points: NDArray) -> None:
    head = make(hierarchy)
    with torch.no_grad():
        head.kappa_change.fill_(1e3)
    assert head.loss(torch.zeros(30, 5), head.target(points), torch.ones(30)).isfinite()
    assert head.readout().spread_km.min() > 0.01
