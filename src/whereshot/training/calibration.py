"""Fit a calibration to held-out outputs and their truth: temperatures, extents, gates and radius factors.

Neither the network nor the gallery has seen the photos. They never come from a test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.conformal import conformal_factor
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_softmax
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.cells import CellsSettings, PositionSettings
from whereshot.models.readout.encoded_places import Places, PlacesSettings
from whereshot.models.readout.gallery import SEEN_KM, Gallery, GallerySettings, with_settings
from whereshot.models.readout.mixture import Calibration, Gate, MixtureSettings, mixture_of
from whereshot.models.readout.prototypes import cells_of
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import decide

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy

RADIUS_LEVEL = 0.9
CELLS_GRID = [
    CellsSettings(temperature=t, spread_scale=s, floor_km=f)
    for t, s, f in product((1.0, 1.5, 2.0, 3.0, 4.0, 6.0), (0.25, 0.5, 1.0), (0.3, 1.0))
]
PROTOTYPES_GRID = [
    CellsSettings(temperature=t, spread_scale=s, floor_km=f, likeness=like)
    for t, s, f, like in product((1.0, 1.5, 2.0, 3.0, 4.0), (0.5, 1.0), (0.3, 1.0), (0.03, 0.06, 0.12, 0.25))
]
GALLERY_GRID = [
    GallerySettings(temperature=t, floor_km=f)
    for t, f in product((0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15), (0.3, 1.0))
]
PLACES_GRID = [
    PlacesSettings(temperature=t, floor_km=f, share=s)
    for t, f, s in product((0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.15), (0.3, 1.0, 5.0, 25.0), (0.0, 0.5, 0.9))
]
SWEEPS = 2
"""Number of rounds in which the parts of the mixture are chosen in turn."""
_RIDGE = 1e-3  # keeps a gate finite where one part is always better


@dataclass(frozen=True)
class HeldOut:
    """Held-out photos: outputs, true positions (n, 2), weights (n,), and the cells and the gallery without them."""

    outputs: Outputs
    truth: sphere.Points
    weight: NDArray[np.float64]
    hierarchy: Hierarchy
    gallery: Gallery
    places: Places | None = None
    """The readout that finds places by their encodings; None for a network that is not aligned."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether the training photos show the place of each photo (n,)."""
        return sphere.Nearest(self.gallery.places).query(self.truth)[0] <= SEEN_KM


def calibrate(
    folds: Sequence[HeldOut],
    prior: Posterior,
    position: PositionSettings = PositionSettings(),  # noqa: B008
) -> Calibration:
    """Fit all settings on the folds together; cells answer at ``position``. Raises InputError without a photo."""
    wanted = {name: getattr(position, name) for name in PositionSettings.model_fields}
    grid = PROTOTYPES_GRID if position.position == "prototypes" else CELLS_GRID
    cells_grid = [settings.model_copy(update=wanted) for settings in grid]
    folds = [fold for fold in folds if len(fold)]
    if not folds:
        raise InputError("calibration needs held-out photos; raise data.validation or calibration.folds")
    cells = {id(fold): cells_of(fold.hierarchy, fold.gallery, cells_grid[0]) for fold in folds}
    fitting = _Fitting(
        weight=np.concatenate([fold.weight for fold in folds]),
        familiarity=np.concatenate([fold.gallery.nearest(fold.outputs)[1] for fold in folds]),
        prior=np.concatenate([prior.repeat(len(fold)).log_density(fold.truth) for fold in folds]),
        parts={
            "cells": [
                _at_truth(folds, [cells[id(fold)].with_settings(settings) for fold in folds]) for settings in cells_grid
            ],
            "gallery": [
                _at_truth(folds, [with_settings(fold.gallery, settings) for fold in folds]) for settings in GALLERY_GRID
            ],
        },
    )
    places = [fold.places for fold in folds if fold.places is not None]
    if len(places) == len(folds):
        fitting.parts["places"] = [
            _at_truth(folds, [some.with_settings(settings) for some in places]) for settings in PLACES_GRID
        ]
    seen = np.concatenate([fold.seen for fold in folds])
    mixtures = {}
    alone = {name: (name,) for name in fitting.parts}
    for name, parts in ({"mixture": tuple(fitting.parts)} | alone).items():
        chosen, gate = fitting.best(parts)
        settings = MixtureSettings(
            cells=cells_grid[chosen.get("cells", 0)],
            gallery=GALLERY_GRID[chosen.get("gallery", 0)],
            places=PLACES_GRID[chosen.get("places", 0)],
            gate=gate,
        )
        log_density = fitting.log_density(chosen, gate)
        mixtures[name] = settings.model_copy(
            update=_per_kind(folds, settings, prior, log_density, seen, fitting.weight)
        )
    return Calibration(mixtures=mixtures, photos={"seen": int(seen.sum()), "unseen": int((~seen).sum())})


def _at_truth(folds: Sequence[HeldOut], readouts: Sequence[Readout]) -> NDArray[np.float64]:
    """Return the log densities (n,) at the truth of the photos of all folds, each by the readout of its fold."""
    return np.concatenate(
        [readout(fold.outputs).log_density(fold.truth) for fold, readout in zip(folds, readouts, strict=True)]
    )


@dataclass(frozen=True)
class _Fitting:
    """Log densities (n,) at the truth of every candidate of every part, and of the prior."""

    weight: NDArray[np.float64]
    familiarity: NDArray[np.float64]
    prior: NDArray[np.float64]
    parts: dict[str, list[NDArray[np.float64]]]

    def best(self, names: Sequence[str]) -> tuple[dict[str, int], Gate]:
        """Choose a candidate for each part in turn, each time with a new gate; return the choice and the gate."""
        chosen = {name: int(np.argmin([self._alone(density) for density in self.parts[name]])) for name in names}
        for _ in range(SWEEPS if len(names) > 1 else 0):
            for name in names:
                losses = [self._loss(chosen | {name: number}) for number in range(len(self.parts[name]))]
                chosen[name] = int(np.argmin(losses))
        return chosen, self._gate(chosen)

    def log_density(self, chosen: dict[str, int], gate: Gate) -> NDArray[np.float64]:
        """Log density (n,) of a gate's mixture."""
        densities = {name: self.parts[name][number] for name, number in chosen.items()} | {"prior": self.prior}
        with np.errstate(divide="ignore"):
            terms = [np.log(share) + densities[name] for name, share in gate.weights(self.familiarity).items()]
        result: NDArray[np.float64] = np.logaddexp.reduce(terms)
        return result

    def _gate(self, chosen: dict[str, int]) -> Gate:
        densities = {name: self.parts[name][number] for name, number in chosen.items()}
        return fit_gate(densities, self.prior, self.familiarity, self.weight)

    def _loss(self, chosen: dict[str, int]) -> float:
        return -float(np.average(self.log_density(chosen, self._gate(chosen)), weights=self.weight))

    def _alone(self, density: NDArray[np.float64]) -> float:
        gate = fit_gate({"part": density}, self.prior, self.familiarity, self.weight)
        shares = gate.weights(self.familiarity)
        with np.errstate(divide="ignore"):
            mixed = np.logaddexp(np.log(shares["part"]) + density, np.log(shares["prior"]) + self.prior)
        return -float(np.average(mixed, weights=self.weight))


def fit_gate(
    densities: dict[str, NDArray[np.float64]],
    prior_density: NDArray[np.float64],
    familiarity: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> Gate:
    """Fit the gate with the highest likelihood; ``densities`` (n,) are the log density of each part at the truth."""
    from scipy.optimize import minimize  # the import takes 0.2 s; answers do not need it

    names = list(densities)
    stacked = np.stack([*(densities[name] for name in names), prior_density], axis=1)
    center, scale = float(np.average(familiarity, weights=weight)), float(max(familiarity.std(), 1e-6))
    standard = (familiarity - center) / scale
    share = weight / weight.sum()

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        offset, slope = theta.reshape(2, -1)
        scores = np.concatenate([offset + standard[:, None] * slope, np.zeros((len(standard), 1))], axis=1)
        log_share = log_softmax(scores)
        joint = log_share + stacked
        peak = joint.max(axis=1, keepdims=True)
        total = peak[:, 0] + np.log(np.exp(joint - peak).sum(axis=1))
        gradient = share[:, None] * (np.exp(log_share) - np.exp(joint - total[:, None]))[:, :-1]
        return (
            float(-share @ total + _RIDGE * (theta**2).sum()),
            np.concatenate([gradient.sum(0), standard @ gradient]) + 2 * _RIDGE * theta,
        )

    theta = minimize(loss, np.zeros(2 * len(names)), jac=True, method="L-BFGS-B").x
    offset, slope = theta.reshape(2, -1)
    return Gate(
        offset={name: float(offset[i] - slope[i] * center / scale) for i, name in enumerate(names)},
        slope={name: float(slope[i] / scale) for i, name in enumerate(names)},
    )


def _per_kind(
    folds: Sequence[HeldOut],
    settings: MixtureSettings,
    prior: Posterior,
    log_density: NDArray[np.float64],
    seen: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> dict[str, dict[str, Any]]:
    """Return radius factors and likelihoods, with intervals, of a mixture for seen and for unseen places."""
    ratios = []
    for fold in folds:
        posterior = mixture_of(fold.hierarchy, fold.gallery, settings, prior, fold.places)(fold.outputs)
        decided = decide(posterior)
        ratios.append(sphere.distance_km(decided, fold.truth) / radius_km(posterior, decided, RADIUS_LEVEL))
    ratio = np.concatenate(ratios)
    from whereshot.evaluate.bootstrap import interval_of_mean  # scores are not needed to answer

    factors, nll, intervals = {}, {}, {}
    _, place = np.unique(np.concatenate([fold.truth for fold in folds]).round(2), axis=0, return_inverse=True)
    for kind, of_kind in (("seen", seen), ("unseen", ~seen)):
        if of_kind.any():
            factors[kind] = conformal_factor(ratio[of_kind], np.ones(of_kind.sum()), RADIUS_LEVEL, weight[of_kind])
            nll[kind] = float(-np.average(log_density[of_kind], weights=weight[of_kind]))
            intervals[kind] = interval_of_mean(-log_density[of_kind], weight[of_kind], np.ravel(place)[of_kind])
    return {"radius_factor": factors, "nll": nll, "nll_interval": intervals}


def merged(folds: Sequence[HeldOut], share: float) -> list[HeldOut]:
    """Return the folds with weights that sum to ``share``."""
    total = sum(fold.weight.sum() for fold in folds)
    return [replace(fold, weight=fold.weight * (share / total)) for fold in folds]
