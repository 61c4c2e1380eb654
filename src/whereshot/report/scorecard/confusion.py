"""A confusion matrix of true and answered places: countries, or cells where the photos lie in few countries.

Rows and columns are ordered so that neighbours on the Earth stand beside each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names, s2, sphere
from whereshot.earth.countries import countries
from whereshot.evaluate import Row, Scored
from whereshot.evaluate.administrative import named_both
from whereshot.report.scorecard.base import Figure, ScoreTable
from whereshot.report.scorecard.svg import hint, number, svg, text

MOST = 28
"""Largest number of rows: the kinds with most photos."""
FEW_COUNTRIES = 3
MOST_OF_ONE = 0.8
"""Where one country has a larger share of the photos, or where there are few countries, the kinds are cells."""
STEPS = np.array([0.01, 0.05, 0.15, 0.35, 0.65])
_CELLS = 8
_FINEST = 13


class Kinds(NamedTuple):
    """The kind (n,) of the true and of the answered place of each photo, -1 for none; short and long names of kinds."""

    what: str
    true: NDArray[np.int64]
    answered: NDArray[np.int64]
    short: list[str]
    long: list[str]


def near_order(points: sphere.Points) -> NDArray[np.int64]:
    """Return an order (k,) in which near positions are neighbours (optimal leaf order, Bar-Joseph et al. 2001)."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(points) < 3:
        return np.arange(len(points))
    apart = sphere.distance_km(points[:, None], points[None])
    apart = (apart + apart.T) / 2
    np.fill_diagonal(apart, 0.0)
    return leaves_list(linkage(squareform(apart, checks=False), "average", optimal_ordering=True)).astype(np.int64)


def matrix(row: Row) -> Figure | None:
    """Return the confusion matrix as a figure; None where there is only one kind."""
    scored = row.kept
    kinds = _countries(scored)
    by_country = np.unique(kinds.true[kinds.true >= 0], return_counts=True)[1]
    if len(by_country) < FEW_COUNTRIES or by_country.max() > MOST_OF_ONE * by_country.sum():
        kinds = _cells(scored)
    known = kinds.true >= 0
    photos = np.bincount(kinds.true[known], minlength=len(kinds.short))
    largest = np.argsort(-photos, kind="stable")[:MOST]
    largest = largest[photos[largest] > 0]
    if len(largest) < 2:
        return None
    xyz = sphere.xyz(scored.truth.points[known])
    sums = np.stack([np.bincount(kinds.true[known], xyz[:, axis], len(photos)) for axis in range(3)], axis=1)[largest]
    largest = largest[near_order(sphere.latlon(sums / np.linalg.norm(sums, axis=1, keepdims=True)))]
    k = len(largest)
    place_of = np.full(len(photos) + 1, k)  # column k: any other kind, or no kind
    place_of[largest] = np.arange(k)
    column = np.where(scored.failed, k + 1, place_of[kinds.answered])
    shown = known & (place_of[kinds.true] < k)
    counts = np.zeros((k, k + 2), np.int64)
    np.add.at(counts, (place_of[kinds.true[shown]], column[shown]), 1)
    return _drawn(row, kinds, largest, counts, int(photos.sum()))


def _countries(scored: Scored) -> Kinds:
    answered, true = named_both(scored)
    own = np.full(len(scored), -1)
    own[~scored.failed] = answered["country"]
    known = countries().all
    names = [country.name for country in known]
    return Kinds("country", true["country"], own, [country.code for country in known], names)


def _cells(scored: Scored) -> Kinds:
    """Return the S2 cells of the coarsest level that divides the photos into at least ``_CELLS`` cells."""
    usable = ~scored.failed
    for level in range(scored.protocol.cell_level, _FINEST + 1):
        true = s2.encode(scored.truth.points, level)
        if len(np.unique(true)) >= _CELLS:
            break
    ids, code = np.unique(true, return_inverse=True)
    own = s2.encode(scored.answers.points[usable], level)
    at = np.minimum(np.searchsorted(ids, own), len(ids) - 1)
    answered = np.full(len(scored), -1)
    answered[usable] = np.where(ids[at] == own, at, -1)
    near = [", ".join(part for part in name[:1] if part) for name in place_names.place_names(s2.center(ids))]
    long = [f"{token} ({name})" if name else token for token, name in zip(s2.token(ids), near, strict=True)]
    return Kinds(f"S2 cell of level {level}", code.astype(np.int64), answered, s2.token(ids), long)


def _drawn(row: Row, kinds: Kinds, largest: NDArray[np.int64], counts: NDArray[np.int64], total: int) -> Figure:
    k, size = len(largest), 22
    left = 34 + 8 * max(len(kinds.short[kind]) for kind in largest)
    top = 14 + 7 * max(5, *(len(kinds.short[kind]) for kind in largest))
    columns = [*(kinds.short[kind] for kind in largest), "other", "none"]
    names = [*(kinds.long[kind] for kind in largest), f"another {kinds.what.split(' of')[0]} or the sea", "no answer"]
    parts, rows = [], []
    for at, label in enumerate(columns):
        x = left + size * (at + 0.5) + 4
        parts.append(text(x, top - 6, label, "", f' transform="rotate(-90 {number(x)} {number(top - 6)})"'))
    for at in range(k):
        photos = counts[at].sum()
        share = counts[at] / photos
        y = top + size * at
        parts.append(text(left - 6, y + 15, f"{columns[at]} {photos:,}", "end"))
        for to in np.flatnonzero(counts[at]).tolist():
            words = f"{names[at]}: {counts[at, to]:,} of {photos:,} photos put in {names[to]} ({100 * share[to]:.0f} %)"
            name = f"q{np.searchsorted(STEPS, share[to], side='right')}" + (" right" if to == at else "")
            where = f'x="{number(left + size * to)}" y="{number(y)}" width="{size - 1}" height="{size - 1}"'
            parts.append(f'<rect class="{name}" {where}>{hint(words)}</rect>')
        wrong = [to for to in np.argsort(-counts[at], kind="stable") if to != at and counts[at, to] > 0][:3]
        misses = ", ".join(f"{names[to]} {counts[at, to]:,}" for to in wrong)
        rows.append([names[at], misses, f"{photos:,}", f"{100 * share[at]:.1f}"])
    frame = f'x="{left}" y="{number(top)}" width="{size * (k + 2)}" height="{size * k}"'
    parts.append(f'<rect class="frame" {frame}/>')
    title = f"True against answered {kinds.what.split(' of')[0]}"
    description = f"Confusion matrix of {row.name}: each row is a true {kinds.what}, each column an answered one. "
    description += f"Neighbours stand beside each other; {int(counts.sum()):,} of {total:,} photos."
    edges = ["under 1 %", "1 to 5 %", "5 to 15 %", "15 to 35 %", "35 to 65 %", "over 65 %"]
    legend = [(f"q{at}", label) for at, label in enumerate(edges)]
    table = ScoreTable([f"true {kinds.what}", "put elsewhere", "photos", "% right"], rows, title, left=2, folded=True)
    drawing = svg("confusion", title, description, left + size * (k + 2) + 4, top + size * k + 4, parts, fixed=True)
    return Figure("confusion", title, description, drawing, table, legend, wide=True)
