"""Prototypes: the cluster that looks most like the photo says where in the cell it was taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from conftest import TOWNS
from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation import settings_file
from whereshot.locate.geolocator import Geolocator
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.mixture import mixture_of
from whereshot.models.readout.prototypes import Prototypes, cells_of, means, places_of
from whereshot.posterior.base import Posterior
from whereshot.training.calibration import HeldOut, calibrate

STREETS = np.array([[10.0, 10.0], [10.3, 10.2], [10.1, 10.4], [-30.0, 40.0]])
"""Three places in one cell, the fourth alone in another."""


def settings(**more: object) -> CellsSettings:
    return CellsSettings.model_validate({"position": "prototypes", "likeness": 0.1, "floor_km": 0.3} | more)


@pytest.fixture
def world(rng: np.random.Generator) -> tuple[Hierarchy, Gallery, NDArray]:
    """Cells, five photos of each street (ten of the second), and how each street looks."""
    street = np.repeat([0, 1, 1, 2, 3], 5)
    points = STREETS[street] + rng.normal(0, 0.001, (len(street), 2))
    looks = np.eye(8)[:4]
    features = looks[street] + rng.normal(0, 0.05, (len(street), 8))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    cells = partition.build("s2-level", points, {"level": 5})
    assert len(cells) == 2
    return Hierarchy((cells,)), Gallery(features, points, np.zeros(len(points))), looks


def test_the_nearest_prototype_refines_the_place(world: tuple) -> None:
    """Not the farthest, as in the published code, and not the middle of the cell."""
    hierarchy, gallery, looks = world
    cell = int(hierarchy.finest.assign(STREETS[:1])[0])
    logits = np.full((3, 2), -5.0)
    logits[:, cell] = 5
    outputs = {"features": looks[:3], "logits": logits}
    posterior = Prototypes(hierarchy, gallery, settings())(outputs)
    assert sphere.distance_km(posterior.mode(), STREETS[:3]).max() < 0.3
    assert sphere.distance_km(Cells(hierarchy)(outputs).mode(), STREETS[:3]).min() > 8
    np.testing.assert_allclose(posterior.mass.sum(axis=1), 1)


def test_a_cell_keeps_its_mass(world: tuple, rng: np.random.Generator) -> None:
    """Prototypes share it and take none of another's; in cells that are not among the best, by their photos."""
    hierarchy, gallery, looks = world
    logits = rng.normal(size=(4, 2))
    outputs = {"features": looks, "logits": logits}
    of_cell = hierarchy.finest.assign
    for best in (1, 2, 40):
        posterior = Prototypes(hierarchy, gallery, settings(best=best, temperature=1.5))(outputs)
        cells = Cells(hierarchy, CellsSettings(temperature=1.5))(outputs)
        cell = of_cell(posterior.places)
        for number in (0, 1):
            np.testing.assert_allclose(posterior.mass[:, cell == number].sum(axis=1), cells.mass[:, number])
    one = Prototypes(hierarchy, gallery, settings(best=1))(outputs)
    crowded = int(of_cell(STREETS[:1])[0])
    other = np.flatnonzero(logits.argmax(axis=1) != crowded)
    assert len(other)
    inside = one.mass[other][:, of_cell(one.places) == crowded]
    np.testing.assert_allclose(
        np.sort(inside / inside.sum(axis=1, keepdims=True))[:, ::-1], [[0.5, 0.25, 0.25]] * len(other)
    )


def test_a_cell_without_a_photo_keeps_its_place(world: tuple) -> None:
    hierarchy, gallery, looks = world
    near = sphere.distance_km(gallery.points, STREETS[3]) < 100
    few = Gallery(gallery.features[~near], gallery.points[~near], np.zeros((~near).sum()))
    posterior = Prototypes(hierarchy, few, settings())({"features": looks[:1], "logits": np.zeros((1, 2))})
    alone = int(hierarchy.finest.assign(STREETS[3:])[0])
    assert hierarchy.finest.centers[alone].tolist() in posterior.places.tolist()
    assert posterior.mass[0][hierarchy.finest.assign(posterior.places) == alone].sum() == pytest.approx(0.5)


def test_settings_choose_the_readout(world: tuple) -> None:
    hierarchy, gallery, _ = world
    assert type(cells_of(hierarchy, gallery, settings())) is Prototypes
    assert type(cells_of(hierarchy, gallery, CellsSettings())) is Cells


def test_calibration_fits_them(world: tuple, rng: np.random.Generator) -> None:
    """Where looks tell the street, held-out photos are likelier than at the middle of their cell."""
    hierarchy, gallery, looks = world
    street = rng.integers(0, 4, 60)
    truth = STREETS[street] + rng.normal(0, 0.001, (60, 2))
    features = looks[street] + rng.normal(0, 0.2, (60, 8))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    logits = np.full((60, 2), -2.0)
    logits[np.arange(60), hierarchy.finest.assign(truth)] = 2.0
    fold = HeldOut({"features": features, "logits": logits}, truth, np.ones(60), hierarchy, gallery)
    prior = Posterior(STREETS, np.zeros((1, 4)), 2000.0)
    plain, refined = (calibrate([fold], prior, settings(position=p)) for p in ("centroid", "prototypes"))
    assert refined.mixtures["cells"].cells.position == "prototypes"
    assert refined.mixtures["cells"].nll["seen"] < plain.mixtures["cells"].nll["seen"] - 2
    told = mixture_of(hierarchy, gallery, refined.mixtures["cells"], prior)(fold.outputs)
    found = -told.log_density(truth).mean()
    assert found == pytest.approx(refined.mixtures["cells"].nll["seen"], abs=1e-6)
    assert sphere.distance_km(told.mode(), truth).mean() < 5


def test_places_and_their_middles() -> None:
    points = np.array([[0.0, 179.9995], [0.0, -179.9995], [5.0, 5.0]])
    place = places_of(points, 0.3)
    assert place[0] == place[1] != place[2]
    middle = means(points, place)
    assert sphere.distance_km(middle[place[0]], np.array([0.0, 180.0])) < 1e-6
    assert sphere.distance_km(middle[place[2]], points[2]) < 1e-6


@pytest.mark.slow
def test_a_run_from_end_to_end(tiny: Path, tmp_path: Path) -> None:
    """Trained on coarse cells, calibrated with prototypes, saved, loaded: towns in one cell are told apart."""
    from whereshot.training import train

    changes = [
        f"out={tmp_path / 'model'}",
        "calibration.position=prototypes",
        "calibration.best=3",
        "scaling_power=0.5",
    ]
    changes += ["partition.levels=[{max = 48}]", "optimizer.epochs=20"]
    folder = train.train(settings_file.load(tiny / "run.toml", train.Run, changes))
    mixture = ModelFolder(folder).calibration.mixtures["cells"].cells
    assert (mixture.position, mixture.best) == ("prototypes", 3)
    locator = Geolocator.load(folder)
    photos = [tiny / f"{town}-0.png" for town in TOWNS]
    outputs, rows, _ = locator.model.network_model.outputs(photos)
    told = locator.model.network_model.readout("cells")(outputs).mode()[np.argsort(rows)]
    assert (sphere.distance_km(told, np.array([town[:2] for town in TOWNS.values()])) < 25).all()


@given(st.integers(0, 2**31), st.integers(1, 60), st.floats(0.01, 3))
def test_a_place_is_no_wider_than_asked(seed: int, count: int, within_km: float) -> None:
    rng = np.random.default_rng(seed)
    points = np.array([45.0, 179.99]) + rng.normal(0, 0.02, (count, 2))
    points = np.stack([points[:, 0], sphere.wrap_longitude(points[:, 1])], axis=1)
    place = places_of(points, within_km)
    assert sorted(set(place.tolist())) == list(range(place.max() + 1))
    for number in range(place.max() + 1):
        own = points[place == number]
        assert sphere.distance_km(own[:, None], own[None]).max(axis=1).min() <= within_km + 1e-6  # one reaches all
