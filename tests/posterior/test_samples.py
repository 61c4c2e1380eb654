"""Drawn positions agree with masses, densities and entropies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from posterior_cases import integral, random_posterior
from whereshot.earth import sphere
from whereshot.posterior.base import Posterior
from whereshot.posterior.density import map_density
from whereshot.posterior.samples import sample


def test_mass_within_agrees_with_drawn_points(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 4, 20, own=True)
    drawn = sample(p, 40_000, rng)
    assert drawn.shape == (4, 40_000, 2)
    for center in ([0, 0], [90, 0], [-35, 149]):
        for km in (300.0, 3000.0, 12_000.0):
            mass = p.mass_within([center], km)
            counted = (sphere.distance_km(drawn, np.array(center, float)) <= km).mean(axis=1)
            noise = np.sqrt(mass * (1 - mass) / 40_000)
            assert (np.abs(counted - mass) <= 4.5 * noise + 1e-4).all()


def test_drawn_points_have_the_likelihood_that_the_density_promises(rng: np.random.Generator) -> None:
    """The mean negative log-likelihood of samples is the entropy, here by integration."""
    p = Posterior([[10, 20], [-40, 100], [70, -150]], [np.log([0.5, 0.3, 0.2])], [1500, 2500, 900])

    def surprise(points: NDArray) -> NDArray:
        density = map_density(p, points)
        return -density * np.log(density)

    entropy = integral(surprise, np.array([10.0, 20.0]))
    drawn = sample(p, 30_000, rng)[0]
    nll = -p.repeat(len(drawn)).log_density(drawn)
    assert nll.mean() == pytest.approx(entropy, abs=4 * nll.std() / math.sqrt(len(nll)))


@pytest.mark.parametrize("spread_km", [0.01, 3.0, 800.0])
def test_entropy_of_a_narrow_place(rng: np.random.Generator, spread_km: float) -> None:
    """On flat ground the entropy of the heavy-tailed place is log(pi s^2) + 2, with s in radians."""
    p = Posterior([[45, 170]], [[0]], spread_km)
    drawn = sample(p, 20_000, rng)[0]
    nll = -p.repeat(len(drawn)).log_density(drawn)
    flat = math.log(math.pi * (spread_km / sphere.EARTH_KM) ** 2) + 2
    assert nll.mean() == pytest.approx(flat, abs=4 * nll.std() / math.sqrt(len(nll)) + 0.03 * (spread_km > 100))
