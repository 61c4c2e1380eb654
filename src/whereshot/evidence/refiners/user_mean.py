"""User mean: what the base model says of all of one user's photos in, what it says of each with that in mind, out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.refiners.base import Examples, FixedPlaces, Refiner, needed
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.settings_file import Settings
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior

_STEPS = 200


class UserMeanSettings(Settings):
    """ "mean": the mean over all of the user's photos answers for each, as published for comparison.

    "product": a photo's own probabilities, times how much likelier its user is in each cell than photos are at all:
    with a fitted probability a user's photo is from where the others are, else from anywhere.
    """

    rule: Literal["mean", "product"] = "product"


class UserMean(Refiner):
    """``share`` is the fitted probability that a photo is from where the user's others are, ``prior`` (k,) how often
    photos are in each cell."""

    kind = "user-mean"
    settings_type = UserMeanSettings
    settings: UserMeanSettings

    def __init__(
        self, support: FixedPlaces, settings: UserMeanSettings, share: float, prior: NDArray[np.float64]
    ) -> None:
        super().__init__(support, settings)
        self.share, self.prior = share, prior

    @classmethod
    def fit(
        cls,
        examples: Examples,
        settings: UserMeanSettings,
        *,
        state: Path | None = None,
        seed: int = 0,
        track: Track = silent,
    ) -> Self:
        """The most likely share, over the photos of users with others."""
        cell, mass = examples.cell, examples.posterior.mass
        prior = mass.sum(axis=0) + 1.0 / mass.shape[1]  # of a photo anywhere, so that no cell is impossible
        prior /= prior.sum()
        others, count = _others(mass, examples.records)
        rows = np.flatnonzero((cell >= 0) & (count > 0))
        share = 0.5
        if settings.rule == "product" and len(rows):
            ratio = others[rows] / prior
            # the normalised product is linear over linear in the share: own likelihood at the truth, over that of all
            at_truth, overall = ratio[np.arange(len(rows)), cell[rows]], (mass[rows] * ratio).sum(axis=1)
            share = _most_likely_share(at_truth, overall)
        return cls(FixedPlaces.of(examples.posterior), settings, share, prior)

    def refine(self, posterior: Posterior, records: Records) -> Posterior:
        """Return the posterior of each photo, weighed by the mean of the posteriors of the other photos of its user."""
        others, count = _others(posterior.mass, records)
        if self.settings.rule == "mean":
            joined = (others * count[:, None] + posterior.mass) / (count[:, None] + 1)
            return Posterior.from_mass(posterior.places, joined, posterior.spread_km)
        ratio = np.where(count[:, None] > 0, others / self.prior, 1.0)
        return posterior.times(np.log1p(self.share * (ratio - 1)))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted share and the prior masses (k,)."""
        return {"share": np.array([self.share]), "prior": self.prior}

    @classmethod
    def from_tensors(
        cls, support: FixedPlaces | None, settings: UserMeanSettings, tensors: dict[str, NDArray[Any]]
    ) -> Self:
        """Return a refiner with a fitted share and prior. Raises ModelError where the places are missing."""
        return cls(needed(support), settings, float(tensors["share"][0]), tensors["prior"])


def _others(mass: NDArray[np.float64], records: Records) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The mean (n, k) of the probabilities of each photo's user's other photos, and how many (n,) these are."""
    _, user, count = np.unique(records.groups("user"), return_inverse=True, return_counts=True)
    total = np.zeros((len(count), mass.shape[1]))
    np.add.at(total, user, mass)
    others = count[user] - 1
    return np.maximum(total[user] - mass, 0) / np.maximum(others, 1)[:, None], others


def _most_likely_share(at_truth: NDArray[np.float64], overall: NDArray[np.float64]) -> float:
    """The share s in (0, 1) with the greatest sum of log (1 + s (a - 1)) / (1 + s (b - 1))."""
    from scipy.optimize import minimize_scalar

    def loss(share: float) -> float:
        return -float((np.log1p(share * (at_truth - 1)) - np.log1p(share * (overall - 1))).mean())

    return float(minimize_scalar(loss, bounds=(1e-3, 1 - 1e-3), method="bounded", options={"maxiter": _STEPS}).x)
