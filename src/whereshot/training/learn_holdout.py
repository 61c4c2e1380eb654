"""Fit the settings of a memory on its own photos: confidence, extents and radius factor.

Each photo is held out twice: together with its group, so that most places are known, and together with all photos
within 25 km, so that its place is not known. No other photo is used, so a test set stays unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.bootstrap import interval_of_mean
from whereshot.evaluate.conformal import conformal_factor
from whereshot.foundation.log_space import log_sum_exp
from whereshot.foundation.tables import hashed_share
from whereshot.models.readout import whitening
from whereshot.models.readout.confidence import CLASSES, MEASURES, fit_confidence
from whereshot.models.readout.library import NEAR_KM, Library, hubness
from whereshot.models.readout.memory import MemorySettings, Recall, mass_of, recall
from whereshot.models.readout.prototypes import SAME_PLACE_KM, places_of
from whereshot.posterior.background import PlacesOverBackground
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import decide
from whereshot.posterior.density import log_density_at
from whereshot.posterior.place_shape import log_kernel
from whereshot.training.calibration import RADIUS_LEVEL

TEMPERATURE = 0.05
"""Divisor of the cosines when a place is chosen. Values from 0.03 to 0.07 are as good (docs/results-learn.md)."""
FLOORS_KM = (0.1, 0.3, 1.0)
ACCURACY_SHARES = (1 / 3, 0.1, 0.03)
"""Shares of a stated accuracy to try. The share is large where positions have independent errors, and small where all
photos of a place were given the same position."""
FOLDS = 5
MOST_HELD_OUT = 3000
"""Largest number of photos that are held out in turn. From a larger library, they are drawn at random."""
LEAST_HELD_OUT = 40
"""Smallest number of held-out photos of known and of other places for which settings are fitted."""
MOST_MEASURED = 600
"""Largest number of held-out photos whose radii are measured."""
_ROWS = 256
_NUMBERS = 1_000_000


@dataclass(frozen=True)
class HeldOutPhotos:
    """Held-out photos: their rows (n,), whether the place is known (n,), votes, outcome (n,) and weight (n,)."""

    row: NDArray[np.int64]
    known: NDArray[np.bool_]
    recall: Recall
    outcome: NDArray[np.int64]
    weight: NDArray[np.float64]


Part = tuple[NDArray[np.int64], bool, Recall, NDArray[np.float64]]
"""Held-out rows, whether their places are known, the votes, and the km to the nearest photo that is not held out."""


def fit_memory(
    pooled: NDArray[np.floating],
    points: sphere.Points,
    accuracy_km: NDArray[np.float64],
    groups: Sequence[str],
    prior: Posterior,
    *,
    known_share: float = 0.7,
    usual: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> MemorySettings:
    """Fit the settings of a memory of photos (m,) on these photos themselves, held out by group and by place.

    ``known_share`` is the assumed share of later photos that show a place of the library. ``usual`` (d,) is the mean
    feature of other photos, for the whitening. A library in which too few photos can be held out gets no fitted
    confidence. ``photos`` of the result are the numbers of held-out photos.
    """
    library, held_out = hold_out(pooled, points, accuracy_km, groups, known_share=known_share, usual=usual, seed=seed)
    counts = {"known": int(held_out.known.sum()), "other": int((~held_out.known).sum())}
    first = MemorySettings(temperature=TEMPERATURE, known_share=known_share, photos=counts)
    if min(counts.values()) < LEAST_HELD_OUT or not {0, 2} <= set(held_out.outcome.tolist()):
        return first
    confidence = fit_confidence(held_out.recall.measures, held_out.outcome, held_out.weight)
    log_shares = crossed(held_out, groups, seed)
    prior_density = log_density_at(prior, points)[held_out.row]
    densities = {
        (floor_km, share): _log_density(
            library.extent_km(floor_km, share), library, log_shares, prior_density, held_out
        )
        for floor_km in FLOORS_KM
        for share in ACCURACY_SHARES
    }
    floor_km, share = max(densities, key=lambda one: float(held_out.weight @ densities[one]))
    density = densities[floor_km, share]
    nll = {
        kind: -float(np.average(density[of_kind], weights=held_out.weight[of_kind]))
        for kind, of_kind in (("known", held_out.known), ("other", ~held_out.known))
    }
    named = np.asarray(groups, dtype=str)[held_out.row]
    intervals = {
        kind: interval_of_mean(-density[of_kind], held_out.weight[of_kind], named[of_kind])
        for kind, of_kind in (("known", held_out.known), ("other", ~held_out.known))
    }
    right = (held_out.outcome[held_out.known] == 0).astype(np.float64)
    some = np.sort(np.random.default_rng(seed).permutation(len(held_out.row))[:MOST_MEASURED])
    ratio = _ratio(library.extent_km(floor_km, share), library, log_shares, prior, held_out, some)
    # it is not known whether the place of a new photo is known, so both kinds share one radius factor
    alike = np.where(held_out.known[some], 1 / held_out.known[some].sum(), 1 / (~held_out.known[some]).sum())
    factor = conformal_factor(ratio, np.ones(len(ratio)), RADIUS_LEVEL, alike)
    return first.model_copy(
        update={
            "confidence": confidence,
            "floor_km": floor_km,
            "accuracy_share": share,
            "radius_factor": {"either": factor},
            "nll": nll,
            "nll_interval": intervals,
            "right": (float(right.mean()), *interval_of_mean(right, np.ones(len(right)), named[held_out.known])),
        }
    )


def hold_out(
    pooled: NDArray[np.floating],
    points: sphere.Points,
    accuracy_km: NDArray[np.float64],
    groups: Sequence[str],
    *,
    known_share: float,
    usual: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> tuple[Library, HeldOutPhotos]:
    """Return the library, and its votes on its own photos, which are held out by group and by place."""
    points = sphere.points(points)
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    fold = (hashed_share([f"{number}" for number in group], seed) * FOLDS).astype(np.int64)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(points))[:MOST_HELD_OUT])
    parts: list[Part] = []
    nothing = np.zeros((len(points), 1), np.float32)
    accuracy = np.nan_to_num(np.asarray(accuracy_km, np.float64), nan=0.0)
    whole = Library(nothing, points, accuracy, places_of(points), nothing[:, 0])
    for number in range(FOLDS):
        held = rows[fold[rows] == number]
        rest = fold != number
        if len(held) == 0 or not rest.any():
            continue
        features = whitening.fit(pooled[rest], whole.place[rest], usual)(pooled)
        library = replace(whole, features=features, hubness=hubness(features, points))
        step = max(1, _NUMBERS // len(points))
        for start in range(0, len(held), step):
            block = held[start : start + step]
            cosine = features[block] @ features.T
            distance = sphere.distance_km(points[block, None], points[None])
            same = group[block, None] == group[None]
            for known, out in ((True, same), (False, same | (distance <= NEAR_KM))):
                left = np.where(out, np.inf, distance).min(axis=1)
                use = left <= SAME_PLACE_KM if known else np.isfinite(left)
                if use.any():
                    masked = np.where(out, -1.0, cosine).astype(np.float32)[use]
                    parts.append((block[use], known, recall(library, masked, TEMPERATURE), left[use]))
    return whole, _joined(whole, points, parts, known_share)


def _joined(whole: Library, points: NDArray[np.float64], parts: list[Part], known_share: float) -> HeldOutPhotos:
    if not parts:
        nothing = Recall(
            np.empty(0, np.int64), np.empty((0, len(MEASURES))), np.empty((0, len(whole.counts))), np.empty(0)
        )
        return HeldOutPhotos(np.empty(0, np.int64), np.empty(0, bool), nothing, np.empty(0, np.int64), np.empty(0))
    row = np.concatenate([part[0] for part in parts])
    known = np.concatenate([np.full(len(part[0]), part[1]) for part in parts])
    left = np.concatenate([part[3] for part in parts])
    names = ("chosen", "measures", "log_votes", "likeness")
    found = Recall(*(np.concatenate([getattr(part[2], name) for part in parts]) for name in names))
    right = sphere.distance_km(whole.places[found.chosen], points[row]) <= NEAR_KM
    outcome = np.where(right, 0, np.where(left <= NEAR_KM, 1, 2))
    counts = np.maximum(np.bincount(known.astype(np.int64), minlength=2), 1)
    weight = np.where(known, known_share / counts[1], (1 - known_share) / counts[0])
    return HeldOutPhotos(row, known, found, outcome, weight / weight.sum())


def crossed(held_out: HeldOutPhotos, groups: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """Return log probabilities (n, 3) of the classes, by a confidence fitted without the fold of the photo's group."""
    fold = (hashed_share(np.asarray(groups, dtype=str)[held_out.row], seed + 1) * FOLDS).astype(np.int64)
    measures, shares = held_out.recall.measures, np.empty((len(fold), len(CLASSES)))
    for number in np.unique(fold):
        held = fold == number
        fitted = fit_confidence(measures[~held], held_out.outcome[~held], held_out.weight[~held])
        shares[held] = fitted.log_shares(measures[held])
    return shares


def _log_density(
    extent_km: NDArray[np.float64],
    library: Library,
    log_shares: NDArray[np.float64],
    prior_density: NDArray[np.float64],
    held_out: HeldOutPhotos,
) -> NDArray[np.float64]:
    """Return the log density (n,) at the truth; ``prior_density`` (n,) is the log density of the prior there."""
    log_mass = mass_of(library, held_out.recall, log_shares)
    none = log_mass[:, -1] + prior_density
    truth = library.points[held_out.row]
    density = np.empty(len(truth))
    for start in range(0, len(truth), _ROWS):
        rows = slice(start, start + _ROWS)
        kernel = log_kernel(sphere.distance_km(truth[rows, None], library.places[None]), extent_km)
        density[rows] = np.logaddexp(log_sum_exp(log_mass[rows, :-1] + kernel), none[rows])
    return density


def _ratio(
    extent_km: NDArray[np.float64],
    library: Library,
    log_shares: NDArray[np.float64],
    prior: Posterior,
    held_out: HeldOutPhotos,
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return error / radius (n,) of the held-out photos ``rows``."""
    ratio, found, ground = np.empty(len(rows)), held_out.recall, PlacesOverBackground(library.places, extent_km, prior)
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        part = Recall(found.chosen[some], found.measures[some], found.log_votes[some], found.likeness[some])
        log_mass = mass_of(library, part, log_shares[some])
        posterior = ground.posterior(log_mass[:, :-1], log_mass[:, -1])
        decided, truth = decide(posterior), library.points[held_out.row[some]]
        ratio[start : start + _ROWS] = sphere.distance_km(decided, truth) / radius_km(posterior, decided, RADIUS_LEVEL)
    return ratio
