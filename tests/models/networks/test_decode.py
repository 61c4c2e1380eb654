"""Decoders: an encoding leads back to its place, noise to an honest posterior, and nothing is encoded twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from around_kansas import around
from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.models.networks import decode, locations
from whereshot.models.networks.decode import (
    Decoder,
    DecodeSettings,
    climb,
    concentration,
    encoded_places,
    least_expected_km,
)
from whereshot.models.networks.locations import Fourier
from whereshot.models.networks.photo_density import PhotoDensity
from whereshot.models.networks.position_decoder import noisy
from whereshot.models.readout import hill_climbing
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km


def test_an_encoding_leads_back_to_its_place(encoder: Fourier, grid: NDArray, rng: np.random.Generator) -> None:
    truth = around(60, 80, rng)
    encodings = locations.encode(encoder, truth).numpy()
    decoder = Decoder(encoder, grid)
    coarse = decoder.starts[decoder.nearest(torch.tensor(encodings), 1)[:, 0]]
    assert np.median(sphere.distance_km(coarse, truth)) > 1  # the grid alone is no answer
    answer = decoder(7.5 * encodings)  # of any length
    assert sphere.distance_km(answer.mode(), truth).max() < 0.01
    np.testing.assert_allclose(answer.mass.sum(axis=1), 1)


def test_derivatives_are_those_of_the_cosine(encoder: Fourier, rng: np.random.Generator) -> None:
    places, others = around(5, 80, rng), around(5, 80, rng)
    wanted = locations.encode(encoder, others)
    similarity, slope, metric = decode._slopes(encoder, wanted, np.arange(5), places)
    double = Fourier(encoder.settings).double()
    double.load_state_dict(encoder.state_dict())

    def unit(positions: NDArray) -> NDArray:
        with torch.no_grad():
            return torch.nn.functional.normalize(double(torch.tensor(positions)), dim=1).numpy()

    here, km = unit(places), 1e-3
    np.testing.assert_allclose(similarity, (here * wanted.numpy()).sum(1), atol=1e-5)
    ahead, behind = ([unit(sphere.move(places, b + turn, km)) for b in (0.0, 90.0)] for turn in (0.0, 180.0))
    turned = (np.stack(ahead) - np.stack(behind)) / (2 * km)
    np.testing.assert_allclose(slope, (turned * wanted.numpy()).sum(2).T, atol=1e-4)
    np.testing.assert_allclose(metric, np.einsum("and,bnd->nab", turned, turned), rtol=1e-3, atol=1e-5)


def test_a_climb_never_goes_down(encoder: Fourier, rng: np.random.Generator) -> None:
    truth = around(20, 80, rng)
    seen = noisy(locations.encode(encoder, truth), 0.6, torch.Generator().manual_seed(1))
    starts = np.stack([around(20, 80, rng), sphere.move(truth, 30.0, 2.0)], axis=1)
    before, _, _ = decode._slopes(encoder, seen, np.repeat(np.arange(20), 2), starts.reshape(-1, 2))
    tops = climb(encoder, seen, starts, DecodeSettings(steps=60), patience=np.inf)
    assert (tops.similarity >= before.reshape(20, 2) - 1e-9).all()
    after, slope, metric = decode._slopes(encoder, seen, np.repeat(np.arange(20), 2), tops.positions.reshape(-1, 2))
    np.testing.assert_allclose(after, tops.similarity.ravel(), atol=1e-6)
    left, _ = hill_climbing.steps(after, slope, metric, np.zeros(40), 4.0)  # on top there is nothing left to gain
    assert np.median(left) < 1e-4 < np.median(after - before)


def test_noise_is_told_from_the_encoding(encoder: Fourier, grid: NDArray, rng: np.random.Generator) -> None:
    """The posterior's circles hold what they say, at any noise, and the answer beats the nearest start."""
    truth = around(150, 80, rng)
    clean = locations.encode(encoder, truth)
    decoder = Decoder(encoder, grid)
    widths = []
    for number, cosine in enumerate((0.98, 0.9)):
        seen = noisy(clean, cosine, torch.Generator().manual_seed(number))
        posterior = decoder(seen.numpy())
        decided = least_expected_km(posterior)
        error = sphere.distance_km(decided, truth)
        start = decoder.starts[decoder.nearest(seen, 1)[:, 0]]
        assert np.median(error) < 0.7 * np.median(sphere.distance_km(start, truth))
        radius = radius_km(posterior, decided, 0.5)
        assert 0.35 < np.mean(error <= radius) < 0.65
        assert np.mean(error <= radius_km(posterior, decided, 0.9)) > 0.85
        widths.append(np.median(radius))
    assert widths[0] < widths[1]


def test_known_places_pull_a_noisy_answer(encoder: Fourier, grid: NDArray, rng: np.random.Generator) -> None:
    """Where photos are taken again and again at few spots, they are the better answers."""
    spots = around(12, 80, rng)
    known = sphere.move(np.repeat(spots, 30, axis=0), rng.uniform(0, 360, 360), np.abs(rng.normal(0, 0.02, 360)))
    truth = sphere.move(spots, 10.0, 0.01)
    seen = noisy(locations.encode(encoder, truth), 0.95, torch.Generator().manual_seed(4)).numpy()
    alone, density = Decoder(encoder, grid), Decoder(encoder, grid, PhotoDensity(known, 3e4))
    errors = [sphere.distance_km(least_expected_km(decoder(seen)), truth) for decoder in (alone, density)]
    assert errors[1].mean() < 0.5 * errors[0].mean()
    clean = locations.encode(encoder, sphere.move(spots, 200.0, 3.0))  # and a clear encoding is not pulled at all
    assert sphere.distance_km(density(clean.numpy()).mode(), sphere.move(spots, 200.0, 3.0)).max() < 0.01


def test_places_are_encoded_once(encoder: Fourier, grid: NDArray, tmp_path: Path) -> None:
    first = encoded_places(encoder, grid[:50], tmp_path)
    (file,) = tmp_path.iterdir()
    torch.testing.assert_close(first, locations.encode(encoder, grid[:50]), atol=1e-3, rtol=0)
    kept = load_file(file)["encodings"]
    save_file({"encodings": kept * 0}, file)
    assert encoded_places(encoder, grid[:50], tmp_path).abs().max() == 0  # read, not computed
    file.write_bytes(b"broken")
    assert torch.equal(encoded_places(encoder, grid[:50], tmp_path), first)
    encoded_places(encoder, grid[:51], tmp_path)
    torch.manual_seed(9)
    encoded_places(Fourier(encoder.settings), grid[:50], tmp_path)
    assert len(list(tmp_path.iterdir())) == 3  # other places, other weights: other files


def test_a_decoder_refuses(encoder: Fourier, grid: NDArray) -> None:
    with pytest.raises(InputError, match=r"^a decoder needs places to start from$"):
        Decoder(encoder, [])
    with pytest.raises(InputError, match=r"^encodings must have the shape \(n, 64\); got \(2, 3\)$"):
        Decoder(encoder, grid[:3])(np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"^a density needs at least two positions; got 1$"):
        PhotoDensity([[1.0, 2.0]])


def test_concentration_is_that_of_drawn_noise(rng: np.random.Generator) -> None:
    """Directions drawn from a von Mises-Fisher distribution (as SciPy draws them) keep the cosine it stands for."""
    for dim, nats in ((16, 40.0), (128, 300.0)):
        center = np.eye(dim)[0]
        drawn = scipy.stats.vonmises_fisher(center, nats).rvs(4000, random_state=rng)
        assert concentration(np.linalg.norm(drawn.mean(axis=0)), dim) == pytest.approx(nats, rel=0.02)


# --- where photos are taken


# --- the plain decoder


def test_least_expected_distance() -> None:
    """The median of three places in a row is the middle one; a heavy place beats all."""
    places = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 5.0]])
    even = Posterior.from_mass(places, [[1.0, 1.0, 1.0], [5.0, 1.0, 1.0]], 0.01)
    np.testing.assert_allclose(least_expected_km(even), [[0, 1], [0, 0]], atol=1e-2)
    assert sphere.distance_km(even.mean()[0], places[1]) > 50  # where the mean is not
