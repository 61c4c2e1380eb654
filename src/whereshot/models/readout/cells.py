"""A classifier over cells as a readout: log-probabilities of cells to a Posterior."""

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
    """Where the answer lies, given the cells' probabilities.

    "centroid": the mean of a cell's photos; "center": the cell's own centre; "mean-of-best": the ``best`` likeliest
    cells answer together at the weighted mean of their centroids; "offset": the likeliest cell, moved by the position
    within it that the network gives (``offset`` of the head "classify"); "components": where and as wide as the
    network itself says (the head "mvmf"); "prototypes": the ``best`` likeliest cells at clusters of their photos, of
    ``cluster_km``, by their likeness (``prototypes``).
    """

    position: Literal["centroid", "center", "mean-of-best", "offset", "components", "prototypes"] = "centroid"
    best: int = Field(5, ge=1)
    cluster_km: float = Field(5.0, gt=0)


class CellsSettings(PositionSettings):
    """``temperature`` divides the product's log mass; ``spread_scale`` and ``floor_km`` turn the cells' root mean
    square distances into the extents of places; ``likeness`` divides the cosines with prototypes."""

    temperature: float = Field(1.0, gt=0)
    spread_scale: float = Field(1.0, gt=0)
    floor_km: float = Field(1.0, gt=0)
    likeness: float = Field(0.1, gt=0)


class Cells(Readout):
    """Probabilities of each level's cells, multiplied down a hierarchy, at the imagery centroids or as
    ``PositionSettings`` say."""

    def __init__(self, hierarchy: Hierarchy, settings: CellsSettings = CellsSettings()) -> None:  # noqa: B008
        self.hierarchy, self.settings = hierarchy, settings
        finest = hierarchy.finest
        self._places, spread = finest.centers, finest.spread_km
        if settings.position == "center":  # the mean square distance from another point is larger by its square
            self._places = finest.cell_centers
            spread = np.hypot(spread, sphere.distance_km(finest.centers, finest.cell_centers))
        self._spread_km = np.maximum(spread * settings.spread_scale, settings.floor_km)

    def with_settings(self, settings: CellsSettings) -> Cells:
        """The same cells, read with other settings."""
        return Cells(self.hierarchy, settings)

    def __call__(self, outputs: Outputs) -> Posterior:
        if self.settings.position == "components":
            return self._components(outputs)
        logits = np.asarray(outputs["logits"], np.float64)
        if logits.shape[1] != sum(self.hierarchy.sizes):
            raise InputError(f"{logits.shape[1]} logits for {sum(self.hierarchy.sizes)} cells")
        levels = np.split(logits, np.cumsum(self.hierarchy.sizes)[:-1], axis=1)
        mass = self.hierarchy.product([log_softmax(level) for level in levels])
        posterior = Posterior(self._places, mass / self.settings.temperature, self._spread_km)
        if self.settings.position == "mean-of-best":
            return self._joined(posterior)
        return self._moved(posterior, outputs) if self.settings.position == "offset" else posterior

    def _components(self, outputs: Outputs) -> Posterior:
        """The network's own places: "components" (n, m, 4) of latitude, longitude, log weight and spread in km."""
        if "components" not in outputs:
            raise InputError('position "components" needs a network that gives them; train the head "mvmf"')
        places, log_weight, spread_km = np.split(np.asarray(outputs["components"], np.float64), [2, 3], axis=2)
        spread_km = np.maximum(spread_km[..., 0] * self.settings.spread_scale, self.settings.floor_km)
        return Posterior(places, log_weight[..., 0] / self.settings.temperature, spread_km)

    def _joined(self, posterior: Posterior) -> Posterior:
        """The best cells of each row as one place, as wide as they lie apart and are wide."""
        rows = np.arange(len(posterior))[:, None]
        best = np.argsort(-posterior.log_mass, axis=1, kind="stable")[:, : self.settings.best]
        mass = np.exp(posterior.log_mass[rows, best])
        share = mass / mass.sum(axis=1, keepdims=True)
        total = np.einsum("nk,nkd->nd", share, sphere.xyz(self._places[best]))
        lost = np.linalg.norm(total, axis=1) < 1e-9  # antipodes have no mean
        mean = np.where(lost[:, None], self._places[best[:, 0]], sphere.latlon(total))
        apart = sphere.distance_km(mean[:, None], self._places[best])
        joined = np.sqrt((share * (apart**2 + self._spread_km[best] ** 2)).sum(axis=1))
        places, spread = self._own(len(posterior))
        log_mass = posterior.log_mass.copy()
        log_mass[rows, best] = -np.inf
        first = (rows[:, 0], best[:, 0])
        places[first], spread[first], log_mass[first] = mean, joined, np.log(mass.sum(axis=1))
        return Posterior(places, log_mass, spread)

    def _moved(self, posterior: Posterior, outputs: Outputs) -> Posterior:
        """The chosen cell's place moved by the offset that was learned."""
        if "offset" not in outputs:
            raise InputError('position "offset" needs a network that gives one; train with head.settings.offset = true')
        offset = np.asarray(outputs["offset"], np.float64)
        chosen = np.asarray(outputs["offset_cell"])[:, 0].astype(np.int64)
        bearing, km = np.degrees(np.arctan2(offset[:, 0], offset[:, 1])), np.hypot(offset[:, 0], offset[:, 1])
        places, _ = self._own(len(posterior))
        places[np.arange(len(chosen)), chosen] = sphere.move(self._places[chosen], bearing, km)
        return Posterior(places, posterior.log_mass, self._spread_km)

    def _own(self, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Places and spreads of each row's own, to be changed."""
        return np.repeat(self._places[None], rows, axis=0), np.repeat(self._spread_km[None], rows, axis=0)


class VonMisesFisher(Readout):
    """A mixture of von Mises-Fisher distributions: means (k, 2), concentrations kappa (k,), weights from "logits".

    The finest level's logits are the last k. Each component becomes a place whose ``spread_km`` holds half its mass as
    that of the component does: the middle is the same, the tail heavier, for a spherical Cauchy stands in.
    """

    def __init__(self, means: ArrayLike, kappa: ArrayLike) -> None:
        self.means, self.kappa = sphere.points(means), np.asarray(kappa, np.float64)
        if self.kappa.shape != (len(self.means),) or not (self.kappa > 0).all():
            raise InputError(f"{len(self.means)} means need as many positive concentrations; got {self.kappa.shape}")
        self.spread_km = half_mass_km(self.kappa)

    def __call__(self, outputs: Outputs) -> Posterior:
        logits = np.asarray(outputs["logits"], np.float64)
        if logits.shape[1] < len(self.means):
            raise InputError(f"{logits.shape[1]} logits for {len(self.means)} components")
        return Posterior(self.means, log_softmax(logits[:, -len(self.means) :]), self.spread_km)


def half_mass_km(kappa: ArrayLike) -> NDArray[np.float64]:
    """Distance from its mean within which half the mass of a von Mises-Fisher distribution lies.

    From F(u) = (1 - exp(-kappa u)) / (1 - exp(-2 kappa)) on u = 1 - cos(angle), set to a half.
    """
    kappa = np.asarray(kappa, np.float64)
    one_minus_cos = (np.log(2) - np.log1p(np.exp(-2 * kappa))) / kappa
    result: NDArray[np.float64] = 2 * sphere.EARTH_KM * np.arcsin(np.sqrt(one_minus_cos / 2))
    return result
