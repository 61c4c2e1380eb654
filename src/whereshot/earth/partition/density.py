"""Merge small regions and split off dense clusters, as for the semantic cells of PIGEON (Haas et al. 2023).

``merge`` turns the counts, parents and borders of regions into groups of regions. ``dense_sites`` turns the photos of a
group into Voronoi sites. The order of the photos does not matter.
"""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from whereshot.earth import sphere
from whereshot.earth.partition import clusters
from whereshot.foundation import errors


def merge(
    counts: NDArray[np.int64], parents: Sequence[str], touching: NDArray[np.int64], middles: sphere.Points, most: int
) -> NDArray[np.int64]:
    """Return the group numbers (r,) of regions. A group of at most ``most`` photos holds all regions of its parent.

    The group with the fewest photos joins a group of the same parent that touches it (``touching`` (m, 2) are pairs of
    regions): the largest of the small groups, else the largest, as PIGEON does. A group that touches none, such as an
    island, joins the nearest by ``middles`` (r, 2).
    """
    group = np.arange(len(counts))
    size = np.array(counts, np.int64)
    beside: list[set[int]] = [set() for _ in parents]
    siblings: dict[str, set[int]] = {}
    for region, parent in enumerate(parents):
        siblings.setdefault(parent, set()).add(region)
    for one, other in touching.tolist():
        if one != other and parents[one] == parents[other]:
            beside[one].add(other)
            beside[other].add(one)
    unit = sphere.xyz(middles)
    heap = [(int(count), region) for region, count in enumerate(counts) if count <= most]
    heapq.heapify(heap)
    while heap:
        count, own = heapq.heappop(heap)
        if group[own] != own or size[own] != count:
            continue  # merged, or grown since
        family = siblings[parents[own]]
        family.discard(own)
        if not family:
            family.add(own)
            continue
        if beside[own]:
            other = max(beside[own], key=lambda one: (size[one] <= most, size[one], -one))
        else:
            others = np.array(sorted(family))
            other = int(others[np.argmax(_closeness(unit, group, own, others))])
        group[group == own] = other
        size[other] += count
        for one in beside[own]:
            beside[one].discard(own)
            if one != other:
                beside[one].add(other)
                beside[other].add(one)
        beside[own] = set()
        if size[other] <= most:
            heapq.heappush(heap, (int(size[other]), other))
    return np.unique(group, return_inverse=True)[1]


def _closeness(
    unit: NDArray[np.floating], group: NDArray[np.int64], own: int, others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the cosine between the nearest middles of group ``own`` and each other group."""
    mine = unit[group == own]
    return np.array([(unit[group == other] @ mine.T).max() for other in others])


def dense_sites(
    points: sphere.Points, most: int, least: int, optics: Sequence[tuple[int, float]], sample: int, seed: int
) -> clusters.Vectors:
    """Return the Voronoi sites (k, 3) of the photos (n, 2) of one group, n >= 1: a single site, or one for each dense
    cluster.

    While a part has more than ``most`` photos, OPTICS (Ankerst et al. 1999) looks for clusters in ``sample`` of them.
    Where one of its settings (smallest number of neighbours, steepness xi) finds none, the next is tried. Clusters of
    more than ``least`` photos become parts of their own and take photos of the others by the nearest mean. Around a
    single cluster, the remaining photos are divided by k-means if they are more than ``least``.
    """
    unit = sphere.xyz(points[np.lexsort(points.T)])
    rng = np.random.default_rng(seed)
    sites, open_ = [], [(np.arange(len(unit)), 0)]
    while open_:
        rows, stage = open_.pop()
        if len(rows) <= most or stage == len(optics) or (unit[rows] == unit[rows[0]]).all():
            sites.append(_mean(unit[rows]))
            continue
        found = _split(unit[rows], most, least, optics[stage], sample, rng)
        if found is None:
            open_.append((rows, stage + 1))
            continue
        label = clusters.nearest(found, unit[rows])
        open_ += [(rows[label == part], stage) for part in reversed(range(len(found)))]
    return clusters.populated_sites(clusters.without_near(np.array(sites)), unit, least)


def _split(
    unit: clusters.Vectors, most: int, least: int, optics: tuple[int, float], sample: int, rng: np.random.Generator
) -> clusters.Vectors | None:
    """Return two or more sites (k, 3), to each of which more than ``least`` photos (n, 3) are nearest, or None."""
    chosen = unit
    if len(unit) > sample:
        chosen = unit[np.sort(rng.choice(len(unit), sample, replace=False))]
    label = optics_labels(chosen, *optics)
    scale = len(unit) / len(chosen)
    large = [one for one in range(label.max(initial=-1) + 1) if (label == one).sum() * scale > least]
    if not large:
        return None
    sites = [_mean(chosen[label == one]) for one in large]
    rest = chosen[~np.isin(label, large)]
    if len(large) == 1:
        if len(rest) * scale <= least:
            return None
        # two at least: the middle of a ring around a cluster is the cluster's
        parts = max(2, int(np.ceil(len(rest) * scale / most)))
        sites += list(clusters.kmeans(sphere.latlon(rest), parts, int(rng.integers(2**31))))
    settled = clusters.populated_sites(clusters.without_near(np.array(sites)), unit, least)
    return settled if len(settled) > 1 else None


def optics_labels(unit: clusters.Vectors, neighbours: int, xi: float) -> NDArray[np.int64]:
    """Return the cluster numbers (n,) of unit vectors (n, 3) by density, -1 for none: OPTICS with clusters by their
    steepness xi.

    The results are the same as in scikit-learn, which extracts the clusters here too. scikit-learn searches the
    neighbours of every photo anew; without a largest distance all photos are neighbours, so this function is some ten
    times faster.
    """
    n = len(unit)
    if n <= neighbours:
        return np.full(n, -1)
    extract = errors.require("sklearn.cluster", extra="semantic").cluster_optics_xi
    core = np.asarray(cKDTree(unit).query(unit, k=neighbours)[0]).reshape(n, -1)[
        :, -1
    ]  # each photo is its own first neighbour
    reach, before, order = np.full(n, np.inf), np.full(n, -1), np.empty(n, np.int64)
    waiting = np.full(n, np.inf)  # reach, but infinite for those in order already
    todo = np.ones(n, bool)
    for place in range(n):
        own = int(waiting.argmin()) if np.isfinite(waiting.min()) else int(todo.argmax())
        order[place], todo[own], waiting[own] = own, False, np.inf
        chord = np.sqrt(((unit - unit[own]) ** 2).sum(axis=1))
        distance = np.round(np.maximum(chord, core[own]), 15)
        nearer = todo & (distance < reach)
        reach[nearer] = waiting[nearer] = distance[nearer]
        before[nearer] = own
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # photos of one spot: distances of 0, divided by one another
        labels, _ = extract(reachability=reach, predecessor=before, ordering=order, min_samples=neighbours, xi=xi)
    result: NDArray[np.int64] = labels.astype(np.int64)
    return result


def _mean(unit: clusters.Vectors) -> NDArray[np.float64]:
    """Return the direction of the sum of vectors, or the first vector where the sum has none."""
    total = unit.sum(axis=0)
    length = np.linalg.norm(total)
    result: NDArray[np.float64] = total / length if length > 1e-9 else unit[0]
    return result
