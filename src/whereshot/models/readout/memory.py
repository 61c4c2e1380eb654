"""A library of known photos as a readout, with an explicit probability that a photo shows none of their places.

Known photos vote by the cosine of their features. The places of the votes and their agreement give the probabilities
that the photo shows the chosen place, another known place, or none. These three probabilities are fitted on photos of
the library that are held out, by group, and again together with everything within 25 km.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.foundation.log_space import log_sum_exp
from whereshot.foundation.settings_file import Settings
from whereshot.models import nearest_photos
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.confidence import Confidence
from whereshot.models.readout.library import BLOCK, Library
from whereshot.models.readout.mixture import empty_rows
from whereshot.models.readout.whitening import Whitening
from whereshot.posterior.background import PlacesOverBackground
from whereshot.posterior.base import Posterior
from whereshot.posterior.support import blocks

NEAREST = 10
"""The most similar photos whose agreement is measured."""
TINY = 1e-6
"""Added to a probability before its logarithm is taken."""


CAUTIOUS_COSINE, CAUTIOUS_WIDTH, CAUTIOUS_MOST = 0.75, 0.04, 0.9
"""Without a fitted confidence: the cosine at which the place of the most similar photo gets half of the largest mass,
how fast the mass rises with the cosine, and the largest mass."""


class MemorySettings(Settings):
    """How photos vote, how far the votes are trusted, and the scores on held-out photos."""

    temperature: float = Field(0.05, gt=0)
    """Divides the cosines."""
    floor_km: float = Field(0.3, gt=0)
    """Smallest extent of a place, in km."""
    accuracy_share: float = Field(1 / 3, ge=0)
    """Share of a position's stated accuracy that counts as the radius holding half of the photos."""
    confidence: Confidence | None = None
    """None where too few photos could be held out. Then only a near repetition of a known photo is trusted."""
    known_share: float = Field(0.7, gt=0, lt=1)
    """Assumed share of later photos that show a place of the library."""
    radius_factor: dict[str, float] = Field(default_factory=dict)
    nll: dict[str, float] = Field(default_factory=dict)
    nll_interval: dict[str, tuple[float, float]] = Field(default_factory=dict)
    right: tuple[float, float, float] | None = None
    """Share of the held-out photos of known places whose chosen place is within 25 km, and its 95 % interval."""
    photos: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True)
class Recall:
    """The votes of a library for n photos.

    The chosen place (n,), the measures (n, k), the log votes (n, p) of each place, and the cosine (n,) with the most
    similar photo near the chosen place.
    """

    chosen: NDArray[np.int64]
    measures: NDArray[np.float64]
    log_votes: NDArray[np.float64]
    likeness: NDArray[np.float64]


def recall(
    library: Library,
    cosine: NDArray[np.float32],
    temperature: float,
) -> Recall:
    """Let the library vote, given the cosine (n, m) of each photo with each known photo, -1 for held-out photos.

    At least one photo of the library must be left for each photo.
    """
    found = [_recall(library, cosine[rows], temperature) for rows in blocks(len(cosine), cosine.shape[1], BLOCK)]
    return Recall(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def log_shares(settings: MemorySettings, found: Recall) -> NDArray[np.float64]:
    """Return log probabilities (n, 3) that a photo shows the chosen place, another known place, or none."""
    if settings.confidence is not None:
        return settings.confidence.log_shares(found.measures)
    this = CAUTIOUS_MOST / (1 + np.exp(-(found.likeness - CAUTIOUS_COSINE) / CAUTIOUS_WIDTH))
    return np.log(np.stack([this, 0.01 * this, 1 - 1.01 * this], axis=1))


def _recall(
    library: Library, cosine: NDArray[np.floating], temperature: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    known = cosine > -0.999
    log_votes = _votes(library, cosine, known, temperature)
    votes = np.exp(log_votes)
    votes /= votes.sum(axis=1, keepdims=True)
    chosen = library.near.sums(votes).argmax(axis=1)
    near = library.near.mask(chosen)[:, library.place]
    one, far = near & known, ~near & known
    scaled = cosine - 0.5 * library.hubness
    best = np.where(one, cosine, -2.0).argmax(axis=1)
    rows = np.arange(len(cosine))
    margin = np.where(one, scaled, -2.0).max(axis=1) - np.maximum(np.where(far, scaled, -2.0).max(axis=1), -1.0)
    k = min(NEAREST, cosine.shape[1])
    nearest = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
    valid = np.take_along_axis(known, nearest, 1)
    agreement = (np.take_along_axis(near, nearest, 1) & valid).sum(axis=1) / np.maximum(valid.sum(axis=1), 1)
    number = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, cosine, 0).sum(axis=1, dtype=np.float64) / number
    deviation = np.sqrt(np.where(known, (cosine - mean[:, None]) ** 2, 0).sum(axis=1, dtype=np.float64) / number)
    place = library.place[best]
    of_place = (known & (library.place[None] == place[:, None])).sum(axis=1)
    own = votes[rows, place]
    measures = [
        margin,
        agreement,
        library.hubness[best],
        deviation,
        np.log(of_place),
        np.log(one.sum(axis=1)),
        np.log((own + TINY) / (1 - own + TINY)),
    ]
    return chosen, np.stack(measures, axis=1).astype(np.float64), log_votes, cosine[rows, best].astype(np.float64)


def _votes(
    library: Library, cosine: NDArray[np.floating], known: NDArray[np.bool_], temperature: float
) -> NDArray[np.float64]:
    """Log votes (n, p) of the photos of each place, up to a constant per row."""
    raised = np.where(known, np.exp((cosine.astype(np.float64) - cosine.max(axis=1, keepdims=True)) / temperature), 0)
    order, starts = library.by_place
    with np.errstate(divide="ignore"):
        return np.log(np.add.reduceat(raised[:, order], starts, axis=1))


class Memory(Readout):
    """A library with its calibrated confidence, over the photo-density prior.

    Outputs are "pooled" (n, d). The mass of "none of your places" goes to the prior.
    """

    def __init__(self, library: Library, whitening: Whitening, settings: MemorySettings, prior: Posterior) -> None:
        self.library, self.whitening, self.settings, self.prior = library, whitening, settings, prior

    @functools.cached_property
    def index(self) -> nearest_photos.Index:
        """The index that finds the most similar photos."""
        return nearest_photos.index_of(self.library.features, cache=nearest_photos.default_cache())

    def nearest(self, outputs: Outputs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the most similar known photo (n,) of each photo, and its cosine (n,)."""
        found = self.index.nearest(self.features(outputs))
        return found.rows[:, 0], 1 - found.distance[:, 0]

    def features(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return features (n, d) of unit length, whitened like the features of the library."""
        return self.whitening(outputs["pooled"])

    def cosine(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return the cosine (n, m) of each photo with each known photo."""
        return self.features(outputs) @ self.library.features.T

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        found = self._recall(outputs)
        log_mass = mass_of(self.library, found, self._log_shares(outputs, found))
        return self.ground.posterior(log_mass[:, :-1], log_mass[:, -1])

    @functools.cached_property
    def ground(self) -> PlacesOverBackground:
        """The places of the library over the prior, shared by all its posteriors."""
        extent_km = self.library.extent_km(self.settings.floor_km, self.settings.accuracy_share)
        return PlacesOverBackground(self.library.places, extent_km, self.prior)

    def shares(self, outputs: Outputs) -> NDArray[np.float64]:
        """Return the probabilities (n, 3) that a photo shows the chosen place, another known place, or none."""
        return np.exp(self._log_shares(outputs, self._recall(outputs)))

    def _log_shares(self, outputs: Outputs, found: Recall) -> NDArray[np.float64]:
        """Log probabilities (n, 3) of the classes; an empty picture shows no known place."""
        empty = empty_rows(outputs, len(found.chosen))
        return np.where(empty[:, None], [-np.inf, -np.inf, 0.0], log_shares(self.settings, found))

    def _recall(self, outputs: Outputs) -> Recall:
        return recall(self.library, self.cosine(outputs), self.settings.temperature)


def mass_of(library: Library, found: Recall, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log masses (n, p + 1) of the places and of "none of them", from log probabilities (n, 3) of classes."""
    near = library.near.mask(found.chosen)
    this, other = np.where(near, found.log_votes, -np.inf), np.where(near, -np.inf, found.log_votes)
    total, rest = (log_sum_exp(part)[:, None] for part in (this, other))
    alone = ~np.isfinite(rest[:, 0])  # there is no other place
    placed = np.where(near, this - total + shares[:, :1], other - np.where(alone[:, None], 0.0, rest))
    placed = np.where(near, placed, placed + shares[:, 1:2])
    none = np.where(alone, np.logaddexp(shares[:, 1], shares[:, 2]), shares[:, 2])
    return np.concatenate([placed, none[:, None]], axis=1)
