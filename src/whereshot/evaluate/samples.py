"""Scores of answers as samples of a distribution: precision, recall, density and coverage on the sphere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from whereshot.earth import sphere
from whereshot.evaluate.base import Column, Metric, Scored, Sums

NEIGHBOURS = 5
"""Number k of the nearest neighbours (Naeem et al. 2020)."""
PHOTOS = 10_000
"""Largest number of photos. From more photos, this number is drawn at random."""

_BLOCK = 500


def compare(
    true: NDArray[np.float64], made: NDArray[np.float64], k: int = NEIGHBOURS
) -> dict[str, NDArray[np.float64]]:
    """Return how similar n made positions (n, 2) are to n true positions (n, 2), as four arrays (n,).

    The radius of a position is the distance to its k-th nearest neighbour, without itself.

    * "precision" of a made position: whether it is within the radius of a true position.
    * "recall" of a true position: whether it is within the radius of a made position (Kynkäänniemi et al. 2019).
    * "density" of a made position: the number of true positions in whose radius it is, divided by k.
    * "sample_coverage" of a true position: whether a made position is within its radius (Naeem et al. 2020).

    Distances are great circles.
    """
    a, b = sphere.xyz(true), sphere.xyz(made)
    # a radius of 0, of copies of one place, still holds these copies
    near_a, near_b = (np.asarray(cKDTree(x).query(x, k=min(k, len(x) - 1) + 1)[0])[:, -1] ** 2 + 1e-13 for x in (a, b))
    n = len(a)
    found = {name: np.zeros(n) for name in ("precision", "density", "recall", "sample_coverage")}
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        squared = 2 - 2 * (a[rows] @ b.T)  # squared length of the chord
        inside = squared <= near_a[rows, None]
        found["density"] += inside.sum(axis=0) / k
        found["sample_coverage"][rows] = inside.any(axis=1)
        found["recall"][rows] = (squared <= near_b).any(axis=1)
    found["precision"] = (found["density"] > 0).astype(np.float64)
    return found


def _compared(scored: Scored) -> dict[str, NDArray[np.float64]] | None:
    made = scored.answers.points if scored.answers.drawn is None else scored.answers.drawn
    usable = np.flatnonzero(~scored.failed & np.isfinite(made).all(axis=1))
    if len(usable) <= NEIGHBOURS:
        return None
    if len(usable) > PHOTOS:
        chosen = np.random.default_rng([scored.protocol.seed, 2]).choice(len(usable), PHOTOS, replace=False)
        usable = usable[np.sort(chosen)]
    # a photo without an answer is near no position
    share = len(usable) / max((~scored.failed).sum(), 1)
    lost = np.flatnonzero(scored.failed)[: round(share * scored.failed.sum())]
    part = np.concatenate([usable, lost])
    found = {"of": np.zeros(len(scored))}
    found["of"][part] = 1.0
    for name, values in compare(scored.truth.points[usable], made[usable]).items():
        found[name] = np.zeros(len(scored))
        found[name][usable] = values
    return found


def of_samples(name: str) -> Metric:
    """Return one of the scores of ``compare``. Positions drawn from the distributions are used where there are any."""

    def columns(scored: Scored) -> dict[str, Column] | None:
        found = scored.once("samples", lambda: _compared(scored))
        return None if found is None else {f"samples {part}": Column(found[part]) for part in ("of", name)}

    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        total, of = (np.asarray(sums[f"samples {part}"][:, 0], np.float64) for part in (name, "of"))
        result: NDArray[np.float64] = np.divide(total, of, out=np.full(len(of), np.nan), where=of > 0)
        return result

    return Metric(columns, value)
