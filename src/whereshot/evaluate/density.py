"""Turn posteriors and decided points into answers, with their regions of highest density."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate.base import LEVELS, Answers
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import around
from whereshot.posterior.place_shape import scale_of
from whereshot.posterior.samples import sample

KERNELS = 1_500_000
"""Bound on the product of places and samples for the regions of one photo; from 32 to 512 samples are drawn."""


def answers_of_posterior(
    name: str,
    posterior: Posterior,
    truth: ArrayLike,
    points: NDArray[np.float64],
    radius_factor: float | None = 1.0,
    *,
    seed: int = 0,
) -> Answers:
    """Return the answers of a posterior, with decided ``points`` (n, 2) and the ``truth`` (n, 2).

    The posterior has one row for all photos, or one row for each photo. ``radius_factor`` corrects the radii of circles
    and the stated P(error <= km). With None there are no circles, no stated probabilities and no regions.
    """
    truth = sphere.points(truth)
    n = len(truth)
    if n == 0:
        posterior, points = posterior[:0], np.empty((0, 2))
    points = np.broadcast_to(points, (n, 2))
    is_shared = len(posterior) == 1 < n
    log_density = posterior.repeat(n).log_density(truth) if is_shared else posterior.log_density(truth)
    if radius_factor is None:
        return Answers(name, points, log_density)
    circles = around(posterior, points[:1] if is_shared else points)

    def per_photo(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.broadcast_to(values, (n,))

    radius = {level: per_photo(np.minimum(circles.radius_km(level) * radius_factor, _FARTHEST)) for level in LEVELS}
    within = {float(km): per_photo(circles.mass_within(km / radius_factor)) for km in DISTANCES_KM}
    found = regions(posterior, log_density, seed)
    return Answers(
        name,
        points,
        log_density,
        radius,
        within,
        region_level=found.level,
        region_area_km2=found.area_km2,
        searched_km2=found.searched_km2,
        drawn=found.drawn,
    )


_FARTHEST = sphere.HALF_CIRCUMFERENCE_KM


class HighestDensityRegions(NamedTuple):
    """What is known about the regions of highest density of each photo; ``Answers`` explains the fields."""

    level: NDArray[np.float64]
    area_km2: dict[float, NDArray[np.float64]]
    searched_km2: NDArray[np.float64]
    drawn: NDArray[np.float64]


def regions(posterior: Posterior, log_density: NDArray[np.float64], seed: int = 0) -> HighestDensityRegions:
    """Return the regions of highest density (Hyndman 1996) of each row, measured by samples from the row.

    ``log_density`` (n,) is the density at the truth. The level of a region is the share of samples that are denser than
    the truth. Its last step is drawn uniformly, so the levels of true distributions are uniform whatever the number of
    samples. The area of a region is the mean of 1 / density over the samples in it, or the whole Earth where a level
    needs all samples.
    """
    n = len(log_density)
    rng = np.random.default_rng([seed, 3])
    count = samples_of(posterior)
    level, searched, drawn = np.empty(n), np.empty(n), np.empty((n, 2))
    area = {at: np.empty(n) for at in LEVELS}
    for number in range(len(posterior)):
        rows = slice(None) if len(posterior) == 1 else slice(number, number + 1)
        row = posterior[number]
        samples = sample(row, count, rng)[0]
        density, covered = denser_area(row, samples)
        # the number of samples that are denser than the truth
        denser = np.searchsorted(-density, -np.exp(log_density[rows]))
        level[rows] = (denser + rng.uniform(size=len(denser))) / (count + 1)
        searched[rows] = covered[denser]
        for at in LEVELS:
            area[at][rows] = np.interp(at * count, np.arange(count + 1), covered)
        if len(posterior) == 1 and n > count:
            drawn[rows] = sample(row, n, rng)[0]
        else:
            drawn[rows] = samples[: len(denser)]
    return HighestDensityRegions(level, area, searched, drawn)


def denser_area(row: Posterior, samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sorted densities at samples (m, 2) of a posterior of one row, and the area that is denser.

    The densities (m,) are per steradian, the highest first. Entry k of the area (m + 1,), in km², is the area where the
    density is higher than at the k-th sample; entry 0 is 0.
    """
    density = np.sort(_density(row, samples))[::-1]
    covered = np.concatenate([[0.0], np.cumsum(1 / density)]) / len(samples) * sphere.EARTH_KM**2
    return density, np.minimum(covered, sphere.EARTH_AREA_KM2)


def samples_of(posterior: Posterior) -> int:
    """Return how many samples of each row are used to measure its regions."""
    return int(np.clip(KERNELS // posterior.log_mass.shape[1], 32, 512))


def _density(row: Posterior, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the density (m,) per steradian of a posterior of one row at points (m, 2)."""
    places, spread, mass = row.places.reshape(-1, 2), np.ravel(row.spread_km), row.mass[0]
    kept = mass > 0
    e = scale_of(spread[kept])
    weight = mass[kept] * e * (2 + e) / (4 * math.pi)
    # 1 - cos of the angle, by the product of unit vectors: good to 1e-16, and the narrowest place has e = 1e-12
    apart = 1 - sphere.xyz(points) @ sphere.xyz(places[kept]).T
    apart += e
    np.square(apart, out=apart)
    np.reciprocal(apart, out=apart)
    result: NDArray[np.float64] = apart @ weight
    return result
