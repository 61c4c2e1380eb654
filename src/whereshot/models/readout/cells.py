"""A classifier over cells as a readout: the scores of the cells become a Posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_softmax
from whereshot.foundation.settings_file import Settings
from whereshot.models.readout.base import Outputs, Readout
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy


class PositionSettings(Settings):
    """Where in a cell the answer lies.

    * "centroid": at the mean of the cell's photos.
    * "center": at the centre of the cell.
    * "mean-of-best": the ``best`` most probable cells become one place at the weighted mean of their centroids.
    * "offset": the most probable cell is moved by the network's output "offset" (head "classify").
    * "components": the network gives places and extents itself (head "mvmf").
    * "prototypes": the ``best`` most probable cells are divided among clusters of their photos, ``cluster_km`` wide.
    """

    position: Literal["centroid", "center", "mean-of-best", "offset", "components", "prototypes"] = "centroid"
    best: int = Field(5, ge=1)
    cluster_km: float = Field(5.0, gt=0)


class CellsSettings(PositionSettings):
    """How the scores become a posterior.

    ``temperature`` divides the log mass. A place is ``spread_scale`` times as wide as the root mean square distance of
    its photos, and at least ``floor_km``. ``likeness`` divides the cosines with prototypes.
    """

    temperature: float = Field(1.0, gt=0)
    spread_scale: float = Field(1.0, gt=0)
    floor_km: float = Field(1.0, gt=0)
    likeness: float = Field(0.1, gt=0)


class Cells(Readout):
    """Reads the scores of all levels: probabilities are multiplied from the coarse to the fine cells.

    The places lie at the mean of each cell's photos, or where ``PositionSettings`` put them.
    """

    def __init__(self, hierarchy: Hierarchy, settings: CellsSettings = CellsSettings()) -> None:  # noqa: B008
        self.hierarchy, self.settings = hierarchy, settings
        finest = hierarchy.finest
        self._places, spread = finest.centers, finest.spread_km
        if settings.position == "center":  # the mean square distance from another point is larger by its square
            self._places = finest.cell_centers
            spread = np.hypot(spread, sphere.distance_km(finest.centers, finest.cell_centers))
        self._spread_km = np.maximum(spread * settings.spread_scale, settings.floor_km)

    def with_settings(self, settings: CellsSettings) -> Cells:
        """Return a readout of the same cells with other settings."""
        return Cells(self.hierarchy, settings)

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        if self.settings.position == "components":
            return self._components(outputs)
        logits = np.asarray(outputs["logits"], np.float64)
        if logits.shape[1] != sum(self.hierarchy.sizes):
            raise InputError(f"{logits.shape[1]} logits for {sum(self.hierarchy.sizes)} cells")
        levels = np.split(logits, np.cumsum(self.hierarchy.sizes)[:-1], axis=1)
        mass = self.hierarchy.product([log_softmax(level) for level in levels])
        posterior = Posterior(self._places, mass / self.settings.temperature, self._spread_km)
        if self.settings.position == "mean-of-best":
            return self._mean_of_best(posterior)
        return self._moved(posterior, outputs) if self.settings.position == "offset" else posterior

    def _components(self, outputs: Outputs) -> Posterior:
        """Read the output "components" (n, m, 4): latitude, longitude, log weight and spread in km."""
        if "components" not in outputs:
            raise InputError('position "components" needs a network that gives them; train the head "mvmf"')
        places, log_weight, spread_km = np.split(np.asarray(outputs["components"], np.float64), [2, 3], axis=2)
        spread_km = np.maximum(spread_km[..., 0] * self.settings.spread_scale, self.settings.floor_km)
        return Posterior(places, log_weight[..., 0] / self.settings.temperature, spread_km)

    def _mean_of_best(self, posterior: Posterior) -> Posterior:
        """Make one place of the best cells of each row. It is as wide as these lie apart and are wide."""
        rows = np.arange(len(posterior))[:, None]
        best = np.argsort(-posterior.log_mass, axis=1, kind="stable")[:, : self.settings.best]
        mass = np.exp(posterior.log_mass[rows, best])
        share = mass / mass.sum(axis=1, keepdims=True)
        total = np.einsum("nk,nkd->nd", share, sphere.xyz(self._places[best]))
        lost = np.linalg.norm(total, axis=1) < 1e-9  # opposite points have no mean
        mean = np.where(lost[:, None], self._places[best[:, 0]], sphere.latlon(total))
        apart = sphere.distance_km(mean[:, None], self._places[best])
        joined = np.sqrt((share * (apart**2 + self._spread_km[best] ** 2)).sum(axis=1))
        places, spread = self._copies(len(posterior))
        log_mass = posterior.log_mass.copy()
        log_mass[rows, best] = -np.inf
        first = (rows[:, 0], best[:, 0])
        places[first], spread[first], log_mass[first] = mean, joined, np.log(mass.sum(axis=1))
        return Posterior(places, log_mass, spread)

    def _moved(self, posterior: Posterior, outputs: Outputs) -> Posterior:
        """Move the place of the chosen cell by the offset that the network gives."""
        if "offset" not in outputs:
            raise InputError('position "offset" needs a network that gives one; train with head.settings.offset = true')
        offset = np.asarray(outputs["offset"], np.float64)
        chosen = np.asarray(outputs["offset_cell"])[:, 0].astype(np.int64)
        bearing, km = np.degrees(np.arctan2(offset[:, 0], offset[:, 1])), np.hypot(offset[:, 0], offset[:, 1])
        places, _ = self._copies(len(posterior))
        places[np.arange(len(chosen)), chosen] = sphere.move(self._places[chosen], bearing, km)
        return Posterior(places, posterior.log_mass, self._spread_km)

    def _copies(self, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return copies of the places and spreads for each row, which the caller may change."""
        return np.repeat(self._places[None], rows, axis=0), np.repeat(self._spread_km[None], rows, axis=0)


class VonMisesFisher(Readout):
    """A mixture of von Mises-Fisher distributions: means (k, 2), concentrations kappa (k,), weights from "logits".

    The finest level's logits are the last k. Each component becomes a place whose ``spread_km`` holds half of its mass.
    The place is a spherical Cauchy distribution: its centre is the same, its tail is heavier.
    """

    def __init__(self, means: ArrayLike, kappa: ArrayLike) -> None:
        self.means, self.kappa = sphere.points(means), np.asarray(kappa, np.float64)
        if self.kappa.shape != (len(self.means),) or not (self.kappa > 0).all():
            raise InputError(f"{len(self.means)} means need as many positive concentrations; got {self.kappa.shape}")
        self.spread_km = half_mass_km(self.kappa)

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        logits = np.asarray(outputs["logits"], np.float64)
        if logits.shape[1] < len(self.means):
            raise InputError(f"{logits.shape[1]} logits for {len(self.means)} components")
        return Posterior(self.means, log_softmax(logits[:, -len(self.means) :]), self.spread_km)


def half_mass_km(kappa: ArrayLike) -> NDArray[np.float64]:
    """Return the distance in km around the mean that holds half the mass of a von Mises-Fisher distribution.

    From F(u) = (1 - exp(-kappa u)) / (1 - exp(-2 kappa)) on u = 1 - cos(angle), set to a half.
    """
    kappa = np.asarray(kappa, np.float64)
    one_minus_cos = (np.log(2) - np.log1p(np.exp(-2 * kappa))) / kappa
    result: NDArray[np.float64] = 2 * sphere.EARTH_KM * np.arcsin(np.sqrt(one_minus_cos / 2))
    return result
