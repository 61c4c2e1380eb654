"""Prototypes: clusters of photos inside cells, which refine the place within a cell.

The probability of the most probable cells is divided among their clusters by how similar the photo is to each cluster's
prototype, as in PIGEON (Haas et al. 2024, section 3.4). The published code of PIGEON takes the farthest prototype; here
the nearest prototype counts most.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.models.readout.base import Outputs
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.models.readout.gallery import Gallery
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy


SAME_PLACE_KM = 0.3
"""Photos within this distance of the photo that stands for a place belong to the place."""


def places_of(points: sphere.Points, within_km: float = SAME_PLACE_KM) -> NDArray[np.int64]:
    """Return the number (m,) of the place of each photo (m, 2).

    A place is a photo with many photos around it, and all photos within ``within_km`` of it that no earlier place has.
    """
    spots, spot_of, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    around = sphere.Nearest(spots).within(spots, within_km)
    crowd = np.array([counts[np.asarray(found, np.int64)].sum() for found in around])
    place = np.full(len(spots), -1)
    number = 0
    for spot in np.argsort(-crowd, kind="stable"):
        if place[spot] < 0:
            free = np.asarray(around[spot], np.int64)
            place[free[place[free] < 0]] = number
            number += 1
    return place[np.ravel(spot_of)].astype(np.int64)


def means(points: sphere.Points, number: NDArray[np.int64]) -> sphere.Points:
    """Return the mean position (p, 2) of the photos (m, 2) of each place; ``number`` (m,) names their places."""
    unit = sphere.xyz(points)
    return sphere.latlon(np.stack([np.bincount(number, unit[:, axis]) for axis in range(3)], axis=1))


class Prototypes(Cells):
    """Cells whose mass is divided among clusters of their photos.

    In the ``best`` most probable cells by the softmax of the cosines with the prototypes, divided by ``likeness``; in
    the other cells by the number of photos of each cluster. A cluster is all photos of a cell within ``cluster_km`` of
    one of them; its prototype is the mean of their features.
    """

    def __init__(self, hierarchy: Hierarchy, gallery: Gallery, settings: CellsSettings) -> None:
        super().__init__(hierarchy, settings)
        finest = hierarchy.finest
        cell = finest.assign(gallery.points)
        inside = np.flatnonzero(cell >= 0)
        points, features = gallery.points[inside], gallery.features[inside]
        cluster = places_of(points, settings.cluster_km) if len(inside) else inside
        pairs, number = np.unique(np.stack([cell[inside], cluster], axis=1), axis=0, return_inverse=True)
        number = np.ravel(number)
        count = np.bincount(number, minlength=len(pairs))
        middle = means(points, number)
        apart = np.bincount(number, sphere.distance_km(points, middle[number]) ** 2, len(pairs))
        prototype = np.zeros((len(pairs), gallery.features.shape[1]))
        np.add.at(prototype, number, features)
        length = np.linalg.norm(prototype, axis=1, keepdims=True)
        prototype = np.divide(prototype, length, out=prototype, where=length > 0)
        # a cell without a photo keeps its place, with a prototype of zeros
        bare = np.setdiff1d(np.arange(len(finest)), cell)
        order = np.argsort(np.concatenate([pairs[:, 0], bare]), kind="stable")
        self._cell = np.concatenate([pairs[:, 0], bare])[order]
        self._first = np.searchsorted(self._cell, np.arange(len(finest)))
        self._prototype = np.concatenate([prototype, np.zeros((len(bare), prototype.shape[1]))])[order]
        self._log_count = np.log(np.concatenate([count, np.ones(len(bare))])[order])
        self._at = np.concatenate([middle, finest.centers[bare]])[order]
        self._apart_km = np.concatenate([np.sqrt(apart / count), finest.spread_km[bare]])[order]

    def with_settings(self, settings: CellsSettings) -> Prototypes:
        """Return the same clusters with other settings, which must have the same ``cluster_km``."""
        other = copy.copy(self)
        other.settings = settings
        return other

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        cells = super().__call__(outputs).log_mass
        best = min(self.settings.best, cells.shape[1])
        least = np.partition(cells, -best, axis=1)[:, -best, None]
        cosine = np.asarray(outputs["features"], np.float64) @ self._prototype.T
        score = np.where((cells >= least)[:, self._cell], cosine / self.settings.likeness, self._log_count)
        total = np.logaddexp.reduceat(score, self._first, axis=1) if len(score) else cells
        extent_km = np.maximum(self._apart_km * self.settings.spread_scale, self.settings.floor_km)
        return Posterior(self._at, cells[:, self._cell] + score - total[:, self._cell], extent_km)


def cells_of(hierarchy: Hierarchy, gallery: Gallery, settings: CellsSettings) -> Cells:
    """Return the readout of cells that the settings name: with prototypes of the gallery, or without."""
    return Prototypes(hierarchy, gallery, settings) if settings.position == "prototypes" else Cells(hierarchy, settings)
