"""Refiner "user-mean": uses the mean of the base model's posteriors of all photos of the same user."""

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
    """The kind of combination.

    * "mean": each photo gets the mean over all photos of its user, as in the published comparison.
    * "product": a photo's own probabilities are multiplied by the ratio of its user's density to the general density of
      photos, in each cell. With a fitted probability a photo is from where the user's other photos are, else from
      anywhere.
    """

    rule: Literal["mean", "product"] = "product"


class UserMean(Refiner):
    """Combines the posteriors of a user's photos.

    ``share`` is the fitted probability that a photo is from where the user's other photos are. ``prior`` (k,) is the
    general share of photos in each cell.
    """

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
        """Fit the share by maximum likelihood, on the photos of users with several photos."""
        cell, mass = examples.cell, examples.posterior.mass
        prior = mass.sum(axis=0) + 1.0 / mass.shape[1]  # of a photo anywhere, so that no cell is impossible
        prior /= prior.sum()
        others, count = _others(mass, examples.records)
        rows = np.flatnonzero((cell >= 0) & (count > 0))
        share = 0.5
        if settings.rule == "product" and len(rows):
            ratio = others[rows] / prior
            # the normalised product is a ratio of two linear functions of the share: at the truth, and summed over all
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
    """Return for each photo the mean (n, k) of the posteriors of its user's other photos, and their number (n,)."""
    _, user, count = np.unique(records.groups("user"), return_inverse=True, return_counts=True)
    total = np.zeros((len(count), mass.shape[1]))
    np.add.at(total, user, mass)
    others = count[user] - 1
    return np.maximum(total[user] - mass, 0) / np.maximum(others, 1)[:, None], others


def _most_likely_share(at_truth: NDArray[np.float64], overall: NDArray[np.float64]) -> float:
    """Return the share s in (0, 1) that maximises the sum of log((1 + s (a - 1)) / (1 + s (b - 1)))."""
    from scipy.optimize import minimize_scalar

    def loss(share: float) -> float:
        return -float((np.log1p(share * (at_truth - 1)) - np.log1p(share * (overall - 1))).mean())

    return float(minimize_scalar(loss, bounds=(1e-3, 1 - 1e-3), method="bounded", options={"maxiter": _STEPS}).x)
