"""Held-out outputs and their truth -> Calibration: temperatures, extents, gates and radius factors.

Nothing here is fitted on photos that the network or the gallery had seen, and never on a test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from whereshot import sphere
from whereshot.errors import InputError
from whereshot.evaluate import conformal_factor
from whereshot.partition import Hierarchy
from whereshot.posterior import Posterior
from whereshot.readout import (
    Calibration,
    Cells,
    CellsSettings,
    Gallery,
    GallerySettings,
    Gate,
    Mixture,
    Outputs,
    log_softmax,
)

SEEN_KM = 1.0
"""A photo's place counts as seen where a training photo was taken this near."""
DECIDE_WITHIN_KM = 25.0
RADIUS_LEVEL = 0.9
CELLS_GRID = [
    CellsSettings(temperature=t, spread_scale=s, floor_km=f)
    for t, s, f in product((0.7, 1.0, 1.5, 2.0, 3.0), (0.25, 0.5, 1.0), (0.3, 1.0))
]
GALLERY_GRID = [
    GallerySettings(temperature=t, floor_km=f) for t, f in product((0.02, 0.03, 0.04, 0.05, 0.07, 0.1), (0.3, 1.0))
]
_RIDGE = 1e-3  # keeps a gate finite where one part is always better


@dataclass(frozen=True)
class HeldOut:
    """Photos kept from training: their outputs, true positions (n, 2), weights (n,), and what was trained without
    them."""

    outputs: Outputs
    truth: sphere.Points
    weight: NDArray[np.float64]
    hierarchy: Hierarchy
    gallery: Gallery

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whose place (n,) the training photos know."""
        return sphere.Nearest(self.gallery.places).query(self.truth)[0] <= SEEN_KM


def with_settings(gallery: Gallery, settings: GallerySettings) -> Gallery:
    """The same gallery, voting with other settings."""
    return Gallery(gallery.features, gallery.points, gallery.accuracy_km, settings)


def calibrate(folds: Sequence[HeldOut], prior: Posterior) -> Calibration:
    """Fit everything on the folds together; raises InputError without a photo."""
    folds = [fold for fold in folds if len(fold)]
    if not folds:
        raise InputError("calibration needs held-out photos; raise data.validation or calibration.folds")
    weight = np.concatenate([fold.weight for fold in folds])
    prior_density = np.concatenate([prior.repeat(len(fold)).log_density(fold.truth) for fold in folds])
    familiarity = np.concatenate([fold.gallery.nearest(fold.outputs)[1] for fold in folds])

    def cells_density(settings: CellsSettings) -> NDArray:
        return np.concatenate([Cells(f.hierarchy, settings)(f.outputs).log_density(f.truth) for f in folds])

    def gallery_density(settings: GallerySettings) -> NDArray:
        return np.concatenate([with_settings(f.gallery, settings)(f.outputs).log_density(f.truth) for f in folds])

    def best(candidates: Sequence, density_of) -> tuple:
        densities = [density_of(candidate) for candidate in candidates]
        losses = [_best_mixed_loss(density, prior_density, weight) for density in densities]
        return candidates[int(np.argmin(losses))], densities[int(np.argmin(losses))]

    cells, in_cells = best(CELLS_GRID, cells_density)
    gallery, in_gallery = best(GALLERY_GRID, gallery_density)
    densities = {"cells": in_cells, "gallery": in_gallery}
    gates = {
        "mixture": fit_gate(densities, prior_density, familiarity, weight),
        **{name: fit_gate({name: density}, prior_density, familiarity, weight) for name, density in densities.items()},
    }
    calibration = Calibration(cells=cells, gallery=gallery, gates=gates, radius_factor={})
    all_densities = {**densities, "prior": prior_density}
    log_density = {name: _mixed_density(gate, all_densities, familiarity) for name, gate in gates.items()}
    return calibration.model_copy(update=_radius_factors(folds, calibration, prior, log_density))


def _mixed_density(gate: Gate, densities: dict[str, NDArray], familiarity: NDArray) -> NDArray[np.float64]:
    """Log density (n,) at the truth of a gate's mixture, from its parts' log densities."""
    with np.errstate(divide="ignore"):
        terms = [np.log(share) + densities[name] for name, share in gate.weights(familiarity).items()]
    return np.logaddexp.reduce(terms)


def parts_of(
    hierarchy: Hierarchy, gallery: Gallery, calibration: Calibration, mixture: str, prior: Posterior
) -> Mixture:
    """The calibrated mixture of that name ("mixture", "cells" or "gallery"), ready to answer."""
    gallery = with_settings(gallery, calibration.gallery)
    parts = {"cells": Cells(hierarchy, calibration.cells), "gallery": gallery}
    gate = calibration.gates[mixture]
    return Mixture({name: parts[name] for name in gate.offset}, gate, gallery, prior)


def _best_mixed_loss(density: NDArray, prior_density: NDArray, weight: NDArray) -> float:
    """Mean negative log-likelihood at the best constant share of the prior."""
    shares = np.array([0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])[:, None]
    mixed = np.logaddexp(np.log1p(-shares) + density, np.log(shares) + prior_density)
    return float(-(mixed @ weight / weight.sum()).max())


def fit_gate(densities: dict[str, NDArray], prior_density: NDArray, familiarity: NDArray, weight: NDArray) -> Gate:
    """The gate with the highest likelihood: ``densities`` (n,) are each part's log density at the truth."""
    names = list(densities)
    stacked = np.stack([*(densities[name] for name in names), prior_density], axis=1)
    center, scale = float(np.average(familiarity, weights=weight)), float(max(familiarity.std(), 1e-6))
    standard = (familiarity - center) / scale
    share = weight / weight.sum()

    def loss(theta: NDArray) -> tuple[float, NDArray]:
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


def _radius_factors(
    folds: Sequence[HeldOut], calibration: Calibration, prior: Posterior, log_density: dict[str, NDArray]
) -> dict:
    seen = np.concatenate([fold.seen for fold in folds])
    weight = np.concatenate([fold.weight for fold in folds])
    factors: dict[str, dict[str, float]] = {}
    nll: dict[str, dict[str, float]] = {}
    for name in calibration.gates:
        error, radius = [], []
        for fold in folds:
            posterior = parts_of(fold.hierarchy, fold.gallery, calibration, name, prior)(fold.outputs)
            decided = posterior.best(DECIDE_WITHIN_KM)
            error.append(sphere.distance_km(decided, fold.truth))
            radius.append(posterior.radius_km(decided, RADIUS_LEVEL))
        errors, radii = np.concatenate(error), np.concatenate(radius)
        factors[name], nll[name] = {}, {}
        for kind, of_kind in (("seen", seen), ("unseen", ~seen)):
            if of_kind.any():
                factors[name][kind] = conformal_factor(errors[of_kind], radii[of_kind], RADIUS_LEVEL, weight[of_kind])
                nll[name][kind] = float(-np.average(log_density[name][of_kind], weights=weight[of_kind]))
    return {
        "radius_factor": factors,
        "nll": nll,
        "photos": {"seen": int(seen.sum()), "unseen": int((~seen).sum())},
    }


def merged(folds: Sequence[HeldOut], share: float) -> list[HeldOut]:
    """The folds with weights that sum to ``share``."""
    total = sum(fold.weight.sum() for fold in folds)
    return [replace(fold, weight=fold.weight * (share / total)) for fold in folds]
