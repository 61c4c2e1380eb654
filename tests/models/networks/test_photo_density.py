"""The density of photos: about one in all, and higher where photos are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.models.networks.photo_density import PhotoDensity
from whereshot.models.readout import hill_climbing

KANSAS = np.array([38.5, -98.0])


def around(count: int, km: float, rng: np.random.Generator) -> NDArray:
    return sphere.move(np.tile(KANSAS, (count, 1)), rng.uniform(0, 360, count), km * np.sqrt(rng.uniform(0, 1, count)))


def test_density_is_about_one_in_all_and_prefers_known_places(rng: np.random.Generator) -> None:
    towns = around(40, 100, rng)
    known = sphere.move(towns[rng.integers(0, 40, 600)], rng.uniform(0, 360, 600), rng.exponential(2.0, 600))
    density = PhotoDensity(np.concatenate([known, known[:100]]), np.pi * 130**2)
    anywhere = around(20_000, 130, rng)
    assert density(anywhere).mean() * np.pi * 130**2 == pytest.approx(0.85, abs=0.2)
    assert density(known).mean() > 10 * density(anywhere).mean()
    assert density.shares.sum() == pytest.approx(1)
    assert density.shares[0] > 0.1  # a seventh of the places are there twice


def test_product_with_a_likelihood(rng: np.random.Generator) -> None:
    """Its mass is that of the density under the Gaussian, by drawing."""
    known = around(300, 5, rng)
    density = PhotoDensity(known, 1e4)
    centers = around(3, 4, rng)[None]
    covariance = np.array([[0.3, 0.1], [0.1, 0.2]])
    precision = np.broadcast_to(np.linalg.inv(covariance), (1, 3, 2, 2))
    places, log_mass, spread = density.product(centers, precision)
    assert places.shape == (*log_mass.shape, 2)
    assert spread.shape == log_mass.shape
    for hill in range(3):
        offset = rng.multivariate_normal([0, 0], covariance, 8_000)
        drawn = hill_climbing.moved(np.tile(centers[0, hill], (len(offset), 1)), offset)
        wanted = density(drawn).mean() * 2 * np.pi * np.sqrt(np.linalg.det(covariance))
        assert np.exp(log_mass[0, hill]).sum() == pytest.approx(wanted, rel=0.3)
