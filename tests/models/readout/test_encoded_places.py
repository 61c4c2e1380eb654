"""Encoded places in NumPy: the same numbers as torch's, tops that lie between the places, and votes that sum to one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from conftest import TOWNS
from whereshot.earth import sphere
from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError, OutputError
from whereshot.locate.geolocator import Geolocator
from whereshot.models.model_folder import ModelFolder
from whereshot.models.networks import decode, locations
from whereshot.models.networks.locations import Fourier, FourierSettings, Harmonics, HarmonicsSettings
from whereshot.models.readout.encoded_places import PlaceEncoder, Places, PlacesSettings, kept_encodings
from whereshot.models.readout.hill_climbing import ClimbSettings
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best

SMALL = {"sigmas": (8.0, 256.0), "features": 48, "width": 48, "depth": 2, "dim": 48}
NETWORKS: dict[str, Any] = {
    "on a map": lambda: Fourier(FourierSettings.model_validate(SMALL)),
    "on the sphere": lambda: Fourier(FourierSettings.model_validate(SMALL | {"surface": "sphere"})),
    "harmonics": lambda: Harmonics(HarmonicsSettings(degrees=9, width=32, dim=24)),
}


def weights_of(encoder: torch.nn.Module) -> dict[str, NDArray]:
    return {name: tensor.numpy() for name, tensor in encoder.state_dict().items()}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> locations.LocationEncoder:
    torch.manual_seed(4)
    return NETWORKS[request.param]().eval().requires_grad_(False)


def anywhere(count: int, rng: np.random.Generator) -> NDArray:
    return np.stack([rng.uniform(-85, 85, count), rng.uniform(-180, 180, count)], axis=1)


def test_encodings_are_those_of_torch(network: locations.LocationEncoder, rng: np.random.Generator) -> None:
    places = np.concatenate([anywhere(60, rng), [[90, 0], [-90, 7], [0, 180], [0, -180]]])
    found = PlaceEncoder(weights_of(network)).encode(places)
    np.testing.assert_allclose(found, locations.encode(network, places).numpy(), atol=3e-6)
    assert found.dtype == np.float32
    assert PlaceEncoder(weights_of(network)).encode([]).shape == (0, network.dim)


def test_slopes_are_those_of_torch(network: locations.LocationEncoder, rng: np.random.Generator) -> None:
    places, others = anywhere(9, rng), anywhere(3, rng)
    wanted = locations.encode(network, others)
    row = np.repeat([2, 0, 1], 3)
    by_torch = decode._slopes(network, wanted, row, places)
    for ours, theirs in zip(
        PlaceEncoder(weights_of(network)).slopes(wanted.numpy(), row, places), by_torch, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5 * np.abs(theirs).max())


def encoder_of(settings: dict[str, Any]) -> PlaceEncoder:
    torch.manual_seed(2)
    return PlaceEncoder(weights_of(Fourier(FourierSettings.model_validate(SMALL | {"depth": 1} | settings))))


@pytest.fixture
def encoder() -> PlaceEncoder:
    return encoder_of({})


def test_a_picture_is_placed_between_the_known_places(rng: np.random.Generator) -> None:
    """The gallery alone answers with a known place some km off; refined, the answer is where it was.

    The network is smooth: a rough one has other places whose encodings are as similar, and which one is found depends
    on the last bits of the CPU's arithmetic.
    """
    encoder = encoder_of({"sigmas": (32.0,)})
    known = np.array([38.5, -98.0]) + rng.uniform(-0.6, 0.6, (400, 2))
    truth = sphere.move(known[:20], rng.uniform(0, 360, 20), np.full(20, 1.5))
    outputs = {"encoding": encoder.encode(truth)}
    climb = ClimbSettings(hills=4, steps=20)
    places = Places(encoder, known, encoder.encode(known), PlacesSettings(share=0.0, climb=climb, floor_km=0.1))
    alone = places(outputs)
    refined = places.with_settings(PlacesSettings(share=0.9, temperature=0.01, climb=climb, floor_km=0.1))(outputs)
    assert np.median(sphere.distance_km(alone.mode(), truth)) > 0.5
    assert np.median(sphere.distance_km(refined.mode(), truth)) < 0.05
    for posterior in (alone, refined):
        np.testing.assert_allclose(posterior.mass.sum(axis=1), 1)


def test_without_refinement_it_is_the_gallery(encoder: PlaceEncoder, rng: np.random.Generator) -> None:
    """With all places considered, the softmax of the cosines, at the same places."""
    known = anywhere(30, rng)
    outputs = {"encoding": encoder.encode(anywhere(4, rng))}
    settings = PlacesSettings(share=0.0, temperature=0.1, floor_km=50.0, climb=ClimbSettings(considered=99, steps=2))
    told = Places(encoder, known, encoder.encode(known), settings)(outputs)
    plain = Posterior(known, (outputs["encoding"] @ encoder.encode(known).T).astype(np.float64) / 0.1, 50.0)
    at = anywhere(4, rng)
    np.testing.assert_allclose(told.log_density(at), plain.log_density(at), rtol=1e-5)


def test_a_share_goes_to_the_top_and_no_more(encoder: PlaceEncoder, rng: np.random.Generator) -> None:
    """What places within reach of a start have, less the share, stays; the mass of all is the gallery's."""
    known = np.concatenate([np.array([38.5, -98.0]) + rng.uniform(-0.03, 0.03, (10, 2)), [[0.0, 0.0], [50.0, 50.0]]])
    outputs = {"encoding": encoder.encode(known[:1])}
    climb = ClimbSettings(hills=1, apart_km=30, steps=3)
    masses = []
    for share in (0.0, 0.7, 1.0):
        settings = PlacesSettings(share=share, temperature=0.2, climb=climb)
        told = Places(encoder, known, encoder.encode(known), settings)(outputs)
        tops = told.mass.shape[1] - len(known)
        masses.append((told.mass[0, :tops].sum(), told.mass[0, tops:].sum()))
    near = masses[2][0]
    assert 0.5 < near < 1
    assert masses[0] == pytest.approx((0, 1))
    assert masses[1] == pytest.approx((0.7 * near, 1 - 0.7 * near))


def test_the_same_outputs_are_searched_once(encoder: PlaceEncoder, rng: np.random.Generator) -> None:
    known = anywhere(20, rng)
    places = Places(encoder, known, encoder.encode(known))
    outputs = {"encoding": encoder.encode(known[:3])}
    first = places(outputs)
    encoder.slopes = None  # would be called again
    assert places.with_settings(PlacesSettings(temperature=0.3))(outputs).mass.max() < first.mass.max()
    assert places.with_settings(PlacesSettings(share=0.0))({"encoding": outputs["encoding"].copy()}).mass.shape[1] == 20
    with pytest.raises(TypeError):
        places({"encoding": outputs["encoding"].copy()})


def test_what_does_not_fit(encoder: PlaceEncoder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^1 encodings for 2 places; give one for each$"):
        Places(encoder, [[0, 0], [1, 1]], np.ones((1, 48)))
    with pytest.raises(InputError, match=r"^encodings must have the shape \(n, 48\); got \(2, 5\)$"):
        Places(encoder, [[0, 0]], np.ones((1, 48)))({"encoding": np.ones((2, 5))})
    with pytest.raises(InputError, match=r"^not the weights of a location encoder: a, b$"):
        PlaceEncoder({"a": np.ones(3), "b": np.ones(3)})
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="file: a file is in the way; name a folder"):
        kept_encodings(encoder.weights, [[0, 0]], encoder.encode, tmp_path / "file")


@pytest.mark.slow
def test_an_aligned_model_answers_so_without_torch(tiny: Path, tmp_path: Path) -> None:
    """Trained, calibrated with its encoded places as a part, exported, and located in a process that has no torch."""
    from whereshot.models import onnx_export
    from whereshot.training import train

    changes = [f"out={tmp_path / 'model'}", "head.kind=align", "scaling_power=0.5", "optimizer.epochs=15"]
    small = "{sigmas = [1, 16], features = 16, width = 32, depth = 1, dim = 24}"
    changes.append(f'head.settings={{locations = "fourier", location_settings = {small}}}')
    folder = train.train(settings_file.load(tiny / "run.toml", train.Run, changes))
    model = ModelFolder(folder)
    assert model.description.readouts == ("mixture", "cells", "gallery", "places")
    assert {*model.calibration.mixtures["mixture"].gate.offset} == {"cells", "gallery", "places"}
    photos = [str(tiny / f"{town}-1.png") for town in TOWNS]
    towns = np.array([town[:2] for town in TOWNS.values()])
    outputs, rows, _ = Geolocator.load(folder).model.network_model.outputs(photos)
    alone = best(Geolocator.load(folder).model.network_model.readout("places")(outputs), 25.0)[np.argsort(rows)]
    assert (sphere.distance_km(alone, towns) < 100).sum() >= 5
    pytest.importorskip("onnx", reason="needs onnx (extra export)")
    exported = onnx_export.export(folder, tmp_path / "exported")
    code = (
        "import sys\nfrom whereshot import Geolocator\n"
        f"found = Geolocator.load({str(exported)!r}).locate({photos!r}, text=False)\n"
        "print(*(f'{p.latitude:.2f},{p.longitude:.2f}' for p in found), 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    *told, has_torch = result.stdout.split()
    found = np.array([[float(value) for value in one.split(",")] for one in told])
    assert has_torch == "False"
    assert (sphere.distance_km(found, towns) < 100).all()
