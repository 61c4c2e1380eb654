"""Prototypes: clusters of photos inside cells, by whose likeness the place within a cell is refined.

A gallery and cells in; the cells' probabilities, shared inside the likeliest ones among their clusters, as a Posterior
out. After PIGEON (Haas et al. 2024, section 3.4): within the best cells the prototype most like the photo says where.
The code that was published with it takes the farthest one (the largest distance); here the nearest counts most.
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
"""Photos this near to one that stands for a place are of that place."""


def places_of(points: sphere.Points, within_km: float = SAME_PLACE_KM) -> NDArray[np.int64]:
    """Number (m,) of the place of each photo: all within a distance of the one with the most photos around it."""
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
    """The middle (p, 2) of the photos (m, 2) of each number (m,)."""
    unit = sphere.xyz(points)
    return sphere.latlon(np.stack([np.bincount(number, unit[:, axis]) for axis in range(3)], axis=1))


class Prototypes(Cells):
    """The mass of the ``best`` likeliest cells is shared among the clusters of their photos by the softmax of their
    cosines with the photo, divided by ``likeness``; that of other cells by how many photos a cluster has.

    A cluster is all photos of a cell within ``cluster_km`` of one of them; its prototype the mean of their features.
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
        # a cell without a photo keeps its place: with a prototype that is like nothing
        bare = np.setdiff1d(np.arange(len(finest)), cell)
        order = np.argsort(np.concatenate([pairs[:, 0], bare]), kind="stable")
        self._cell = np.concatenate([pairs[:, 0], bare])[order]
        self._first = np.searchsorted(self._cell, np.arange(len(finest)))
        self._prototype = np.concatenate([prototype, np.zeros((len(bare), prototype.shape[1]))])[order]
        self._log_count = np.log(np.concatenate([count, np.ones(len(bare))])[order])
        self._at = np.concatenate([middle, finest.centers[bare]])[order]
        self._apart_km = np.concatenate([np.sqrt(apart / count), finest.spread_km[bare]])[order]

    def with_settings(self, settings: CellsSettings) -> Prototypes:
        """The same clusters, read with other settings of the same ``cluster_km``."""
        other = copy.copy(self)
        other.settings = settings
        return other

    def __call__(self, outputs: Outputs) -> Posterior:
        cells = super().__call__(outputs).log_mass
        best = min(self.settings.best, cells.shape[1])
        least = np.partition(cells, -best, axis=1)[:, -best, None]
        cosine = np.asarray(outputs["features"], np.float64) @ self._prototype.T
        score = np.where((cells >= least)[:, self._cell], cosine / self.settings.likeness, self._log_count)
        total = np.logaddexp.reduceat(score, self._first, axis=1) if len(score) else cells
        extent_km = np.maximum(self._apart_km * self.settings.spread_scale, self.settings.floor_km)
        return Posterior(self._at, cells[:, self._cell] + score - total[:, self._cell], extent_km)


def cells_of(hierarchy: Hierarchy, gallery: Gallery, settings: CellsSettings) -> Cells:
    """The readout of cells that the settings ask for: with prototypes of the gallery, or without."""
    return Prototypes(hierarchy, gallery, settings) if settings.position == "prototypes" else Cells(hierarchy, settings)
