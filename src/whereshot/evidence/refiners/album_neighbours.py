"""Refiner "album-neighbours": photos taken shortly before and after, with known positions, change the probabilities.

It is the same model as the evidence "album" (``evidence.neighbours``), on the cells of any base model. It also works
without a fit.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evidence.exif import TYPICAL_ACCURACY_KM
from whereshot.evidence.neighbours import AlbumModel, nearest_in_time, spreads_km, times_of
from whereshot.evidence.refiners.base import Examples, FixedPlaces, Refiner
from whereshot.foundation.progress import Track, silent
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import log_kernel
from whereshot.posterior.prior import density_prior

PRIOR_PLACES = 256
"""The nearest places of the photo density that count towards the general density at a position."""
WIDE_KM = 2000.0
"""Places of the photo density with a larger spread cover the Earth; they count alike everywhere."""
_HOUR_S = 3600.0


class AlbumNeighboursSettings(AlbumModel):
    """Settings of the model, and ``by``, the column whose value names the library of a photo."""

    by: Literal["album", "user", "source"] = "album"


class AlbumNeighbours(Refiner):
    """Multiplies p(cell | picture) by the likelihood of the neighbours' positions, and normalises.

    The likelihood is a mixture. With the model's reliability it is the density of a neighbour around the cell, else the
    general density of photos at the neighbour. The photo's own position is never used.
    """

    kind = "album-neighbours"
    settings_type = AlbumNeighboursSettings
    settings: AlbumNeighboursSettings

    @classmethod
    def fit(
        cls,
        examples: Examples,
        settings: AlbumNeighboursSettings,
        *,
        state: Path | None = None,
        seed: int = 0,
        track: Track = silent,
    ) -> Self:
        """Fit the distances between neighbours in time. Only the records of the examples are used."""
        fitted = AlbumModel.fit(examples.records, settings.by, settings.window_h)
        return cls(None, AlbumNeighboursSettings(by=settings.by, **fitted.model_dump()))

    def refine(self, posterior: Posterior, records: Records) -> Posterior:
        """Return the refined posterior. Only records with a position and a time can be neighbours."""
        seconds, known = times_of(records), records.has_position
        group = np.unique(records.groups(self.settings.by), return_inverse=True)[1]
        sides = np.stack(nearest_in_time(seconds, known, group, self.settings.window_h * _HOUR_S), axis=1)
        rows = np.flatnonzero((sides >= 0).any(axis=1))
        if not len(rows):
            return posterior
        sides = sides[rows]
        positions = np.stack([records.numbers("latitude"), records.numbers("longitude")], axis=1)
        there = np.where((sides >= 0)[..., None], positions[sides], np.nan)  # (rows, 2 sides, 2)
        gap_h = np.where(sides >= 0, np.abs(seconds[sides] - seconds[rows, None]) / _HOUR_S, np.nan)
        apart = np.full(len(rows), np.nan)
        both = (sides >= 0).all(axis=1)
        apart[both] = sphere.distance_km(there[both, 0], there[both, 1])
        spread = spreads_km(self.settings, gap_h, apart, _accuracy(records)[sides])
        anyway = _log_prior_density(np.nan_to_num(there).reshape(-1, 2)).reshape(sides.shape)
        factor = np.zeros(posterior.log_mass.shape)
        factor[rows] = self._log_likelihood(posterior[rows], there, spread, anyway)
        return posterior.times(factor)

    def _log_likelihood(
        self,
        posterior: Posterior,
        there: NDArray[np.float64],
        spread_km: NDArray[np.float64],
        anyway: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the log likelihood (rows, k) of each row's places; a neighbour with a smaller spread weighs more.

        ``there`` (rows, 2, 2) are the positions of the two neighbours, ``spread_km`` (rows, 2) the spread of the photo
        around them, and ``anyway`` (rows, 2) the general log density of photos there.
        """
        weight = np.nan_to_num(1 / spread_km)
        weight /= weight.sum(axis=1, keepdims=True)
        total = np.full(posterior.log_mass.shape, -np.inf)
        lost = np.full(len(posterior), -np.inf)
        for side in range(2):
            rows = np.flatnonzero(weight[:, side] > 0)
            places = posterior.places if posterior.places.ndim == 2 else posterior.places[rows]
            own = posterior.spread_km if posterior.spread_km.ndim == 1 else posterior.spread_km[rows]
            distance = sphere.distance_km(there[rows, side][:, None], places)
            log_weight = np.log(weight[rows, side])
            near = log_kernel(distance, np.hypot(spread_km[rows, side][:, None], own))
            total[rows] = np.logaddexp(total[rows], log_weight[:, None] + near)
            lost[rows] = np.logaddexp(lost[rows], log_weight + anyway[rows, side])
        reliability = self.settings.reliability
        return np.logaddexp(math.log(reliability) + total, math.log1p(-reliability) + lost[:, None])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return no arrays: nothing is fitted."""
        return {}

    @classmethod
    def from_tensors(cls, support: FixedPlaces | None, settings: Any, tensors: dict[str, NDArray[Any]]) -> Self:
        """Return a refiner with these settings; it has no arrays."""
        return cls(None, settings)


def _log_prior_density(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the general log density (n,) of photos: from the nearest places of the prior and its very wide places."""
    prior = density_prior()
    wide = prior.spread_km > WIDE_KM
    anywhere = np.log(prior.mass[0, wide].sum() / (4 * math.pi))
    distance, nearest = sphere.Nearest(prior.places[~wide]).query(points, k=PRIOR_PLACES)
    terms = prior.log_mass[0, ~wide][nearest] + log_kernel(distance, prior.spread_km[~wide][nearest])
    result: NDArray[np.float64] = np.logaddexp(np.logaddexp.reduce(terms, axis=1), anywhere)
    return result


def _accuracy(records: Records) -> NDArray[np.float64]:
    if "accuracy_km" not in records.table.column_names:
        return np.full(len(records), TYPICAL_ACCURACY_KM)
    return np.nan_to_num(records.numbers("accuracy_km"), nan=TYPICAL_ACCURACY_KM)
