"""A network's outputs -> Posterior, in NumPy: by cells, by a gallery of known photos, by encoded places, and by the
calibrated mixture with the photo-density prior. Saved in the model folder; no torch here.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from whereshot import retrieval, sphere
from whereshot.config import Settings
from whereshot.emptiness import EMPTY
from whereshot.errors import InputError
from whereshot.hills import ClimbSettings
from whereshot.posterior import Posterior

if TYPE_CHECKING:
    from whereshot.partition import Hierarchy

Outputs = Mapping[str, NDArray[Any]]
"""What a network says of n photos: "features" (n, d), unit length, and "logits" (n, cells of all levels).

"empty" (n,), which may be absent, marks the photos in which there is nothing to see: a whole model answers for them
with its prior.
"""


class Readout(ABC):
    """Outputs of n photos -> Posterior of n rows."""

    @abstractmethod
    def __call__(self, outputs: Outputs) -> Posterior: ...


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


class GallerySettings(Settings):
    """``temperature`` divides the cosine similarity; a place is at least ``floor_km`` wide; ``voters`` nearest photos
    vote, or all for None."""

    temperature: float = Field(0.05, gt=0)
    floor_km: float = Field(1.0, gt=0)
    voters: int | None = Field(None, ge=1)


MANY = 200_000
"""Photos of a gallery of which never all vote, but ``VOTERS`` at the most: the others' votes come to nothing."""
VOTERS = 1024


class Gallery(Readout):
    """Votes of known photos by the cosine of their features, summed per place.

    ``features`` (m, d) of unit length, ``points`` (m, 2), ``accuracy_km`` (m,) how exact the positions are; ``images``
    (m,) are where the pictures were, if that is to be known.
    """

    def __init__(
        self,
        features: NDArray[np.floating],
        points: ArrayLike,
        accuracy_km: ArrayLike,
        settings: GallerySettings = GallerySettings(),  # noqa: B008
        images: Sequence[str | None] | None = None,
    ) -> None:
        self.images = images
        self.features = np.asarray(features, np.float32)
        self.points = sphere.points(points)
        self.accuracy_km = np.nan_to_num(np.asarray(accuracy_km, np.float64), nan=0.0)
        if not len(self.features) == len(self.points) == len(self.accuracy_km) > 0:
            raise InputError("a gallery needs as many features, positions and accuracies, and at least one")
        self.settings = settings
        self.places, place_of = np.unique(self.points, axis=0, return_inverse=True)
        self._place_of = np.ravel(place_of)
        self._by_place = np.argsort(self._place_of, kind="stable")
        self._starts = np.searchsorted(self._place_of[self._by_place], np.arange(len(self.places)))
        spread = np.full(len(self.places), settings.floor_km)
        np.maximum.at(spread, self._place_of, self.accuracy_km)
        self._spread_km = spread

    @functools.cached_property
    def index(self) -> retrieval.Index:
        """By which the most similar photos are found."""
        return retrieval.index_of(self.features, cache=retrieval.default_cache())

    def nearest(self, outputs: Outputs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The most similar known photo of each and its cosine, (n,) and (n,)."""
        found = self.index.nearest(outputs["features"])
        return found.rows[:, 0], 1 - found.distance[:, 0]

    def __call__(self, outputs: Outputs) -> Posterior:
        voters = self.settings.voters or (VOTERS if len(self.features) > MANY else None)
        if voters is not None and voters < len(self.features):
            return self._by_some(outputs, voters)
        votes = (np.asarray(outputs["features"], np.float32) @ self.features.T).astype(np.float64)
        votes /= self.settings.temperature
        votes -= votes.max(axis=1, keepdims=True)
        summed = np.add.reduceat(np.exp(votes[:, self._by_place]), self._starts, axis=1)
        return Posterior.from_mass(self.places, np.maximum(summed, 1e-300), self._spread_km)

    def _by_some(self, outputs: Outputs, voters: int) -> Posterior:
        """Votes of the nearest photos alone, each row with its own places."""
        found = self.index.nearest(outputs["features"], voters)
        place = self._place_of[found.rows]
        order = np.argsort(place, axis=1, kind="stable")
        place = np.take_along_axis(place, order, 1)
        vote = -np.take_along_axis(found.distance, order, 1) / self.settings.temperature
        first = np.ones(place.shape, bool)
        first[:, 1:] = place[:, 1:] != place[:, :-1]
        log_mass = np.full(place.shape, -np.inf)  # of a place's photos the first has all its votes
        if place.size:
            log_mass[first] = np.logaddexp.reduceat(vote.ravel(), np.flatnonzero(first))
        return Posterior(self.places[place], log_mass, self._spread_km[place])


class EncodingsSettings(Settings):
    """``temperature`` divides the cosine of encodings."""

    temperature: float = Field(0.025, gt=0)


class Encodings(Readout):
    """Places by the cosine of their encodings with a picture's, as alignment gives it under "encoding".

    ``places`` (m, 2), ``encodings`` (m, d) of unit length, ``spread_km`` (m,) how far around a place stands for it.
    """

    def __init__(
        self,
        places: ArrayLike,
        encodings: NDArray[np.floating],
        spread_km: ArrayLike,
        settings: EncodingsSettings = EncodingsSettings(),  # noqa: B008
    ) -> None:
        self.places, self.encodings = sphere.points(places), np.asarray(encodings, np.float32)
        self.spread_km = np.broadcast_to(np.asarray(spread_km, np.float64), (len(self.places),))
        if not len(self.places) == len(self.encodings) > 0:
            raise InputError(f"{len(self.encodings)} encodings for {len(self.places)} places; give one for each")
        self.settings = settings

    def __call__(self, outputs: Outputs) -> Posterior:
        cosine = np.asarray(outputs["encoding"], np.float32) @ self.encodings.T
        return Posterior(self.places, cosine.astype(np.float64) / self.settings.temperature, self.spread_km)


class PlacesSettings(Settings):
    """Of ``encoded.Places``: ``temperature`` divides the cosine; ``share`` of what is voted near a climb's start goes
    to the top above it; a place is at least ``floor_km`` wide."""

    temperature: float = Field(0.05, gt=0)
    share: float = Field(0.5, ge=0, le=1)
    floor_km: float = Field(1.0, gt=0)
    climb: ClimbSettings = ClimbSettings(hills=4, steps=8)


class Gate(Settings):
    """Weights of the parts of a mixture and of the prior, as a softmax that is linear in the familiarity.

    The familiarity is the cosine with the most similar known photo: a photo like none of them is left to the
    prior. ``offset`` and ``slope`` name every part; the prior's are zero.
    """

    offset: dict[str, float]
    slope: dict[str, float]

    def weights(self, familiarity: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Weights (n,) of every part and of "prior", summing to one."""
        names = [*self.offset, "prior"]
        scores = np.stack(
            [*(self.offset[name] + self.slope[name] * familiarity for name in self.offset), 0 * familiarity], axis=1
        )
        shares = np.exp(log_softmax(scores))
        return {name: shares[:, column] for column, name in enumerate(names)}


class MixtureSettings(Settings):
    """One mixture as it was fitted: how its parts read, how they are weighed, and how its radii are corrected."""

    cells: CellsSettings = CellsSettings()
    gallery: GallerySettings = GallerySettings()
    places: PlacesSettings = PlacesSettings()
    gate: Gate
    radius_factor: dict[str, float] = Field(default_factory=dict)
    """For "seen" and "unseen" places: what a radius is multiplied with to hold its share."""
    nll: dict[str, float] = Field(default_factory=dict)
    """Mean held-out negative log-likelihood for "seen" and "unseen" places, in nats per steradian."""
    nll_interval: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Their 95 % intervals, by bootstrap over places."""


class Calibration(Settings):
    """What was fitted on photos that the network had not seen: "mixture", and its parts alone: "cells", "gallery" and,
    of aligned networks, "places"."""

    mixtures: dict[str, MixtureSettings]
    photos: dict[str, int] = Field(default_factory=dict)
    """Number of held-out photos of "seen" and "unseen" places."""


class Mixture(Readout):
    """Parts, weighted by how familiar the photo looks, over the photo-density prior."""

    def __init__(self, parts: Mapping[str, Readout], gate: Gate, gallery: Gallery, prior: Posterior) -> None:
        self.parts, self.gate, self.gallery, self.prior = dict(parts), gate, gallery, prior

    def __call__(self, outputs: Outputs) -> Posterior:
        weights = self.gate.weights(self.gallery.nearest(outputs)[1])
        empty = empty_rows(outputs, len(weights["prior"]))
        weights = {name: np.where(empty, float(name == "prior"), share) for name, share in weights.items()}
        mixed, total = self.prior.repeat(len(outputs["features"])), weights["prior"]
        for name, part in self.parts.items():
            total = total + weights[name]
            share = np.divide(weights[name], total, out=np.zeros_like(total), where=total > 0)
            mixed = mixed.mix(part(outputs), np.clip(share, 0.0, 1.0))
        return mixed


def empty_rows(outputs: Outputs, photos: int) -> NDArray[np.bool_]:
    """Which of some photos (n,) have nothing to see; none of them where the outputs do not say it."""
    return np.asarray(outputs.get(EMPTY, np.zeros(photos, bool)), bool)


def log_softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log probabilities of scores along the last axis."""
    shifted = np.asarray(scores, np.float64) - np.max(scores, axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
