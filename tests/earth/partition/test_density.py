"""Merging small regions and finding dense clusters, beside scikit-learn."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.partition.clusters import nearest
from whereshot.earth.partition.density import dense_sites, merge, optics_labels
from whereshot.foundation.errors import MissingExtraError

OPTICS = [(8, 0.05), (10, 0.025), (15, 0.015)]


CHAIN = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]])
"""Six regions in a row."""


MIDDLES = np.stack([np.zeros(6), np.arange(6.0)], axis=1)


@pytest.mark.parametrize(
    ("counts", "parents", "expected"),
    [
        ([100, 100, 100, 100, 100, 100], "aaaaaa", [{0}, {1}, {2}, {3}, {4}, {5}]),
        ([100, 3, 200, 100, 100, 100], "aaaaaa", [{0}, {1, 2}, {3}, {4}, {5}]),  # joins the larger of the large
        ([100, 3, 5, 100, 100, 100], "aaaaaa", [{0, 1, 2}, {3}, {4}, {5}]),  # the small ones first, in 0 then: touches
        ([100, 8, 5, 100, 30, 30], "aaaaaa", [{0}, {1, 2}, {3}, {4}, {5}]),
        ([6, 6, 100, 100, 100, 100], "aaaaaa", [{0, 1}, {2}, {3}, {4}, {5}]),  # 12 are enough
        ([2, 2, 2, 2, 2, 2], "aaaaaa", [{0, 1, 2, 3, 4, 5}]),
        ([0, 0, 0, 0, 0, 0], "aaabbb", [{0, 1, 2}, {3, 4, 5}]),  # never across a parent, whatever is left
        ([3, 100, 100, 3, 100, 100], "abbbbb", [{0}, {1}, {2, 3}, {4}, {5}]),
        ([3, 100, 100, 3, 100, 100], "abbabb", [{0, 3}, {1}, {2}, {4}, {5}]),  # nothing touches: the nearest
        ([50, 60, 70, 3, 80, 9], "bcbabb", [{0}, {1}, {2}, {3}, {4, 5}]),
    ],
)
def test_small_regions_merge(counts: list[int], parents: str, expected: list[set[int]]) -> None:
    group = merge(np.array(counts), list(parents), CHAIN, MIDDLES, 10)
    found = {frozenset(np.flatnonzero(group == one).tolist()) for one in range(group.max() + 1)}
    assert found == {frozenset(one) for one in expected}


def test_islands_join_the_nearest_of_their_parent() -> None:
    middles = np.array([[0, 179.0], [0, 100.0], [0, -179.0], [5, -178.0]])
    group = merge(np.array([1, 500, 500, 500]), list("aaab"), np.empty((0, 2), int), middles, 10)
    assert group[0] == group[2] and len(set(group.tolist())) == 3


def test_merged_groups_are_large_or_all_of_their_parent(rng: np.random.Generator) -> None:
    counts = rng.poisson(8, 400)
    parents = [str(one) for one in rng.integers(0, 20, 400)]
    middles = np.stack([rng.uniform(-60, 60, 400), rng.uniform(-180, 180, 400)], axis=1)
    group = merge(counts, parents, rng.integers(0, 400, (900, 2)), middles, 40)
    for one in range(group.max() + 1):
        (rows,) = np.nonzero(group == one)
        (parent,) = {parents[row] for row in rows}
        assert counts[rows].sum() > 40 or len(rows) == parents.count(parent)


@pytest.fixture(scope="module")
def france() -> NDArray:
    """Photos all over a country, and three towns: two around, one on a single spot."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [
            rng.uniform([44, -1], [50, 7], (3000, 2)),
            rng.normal([48.85, 2.35], 0.03, (1500, 2)),
            rng.normal([45.7, 4.8], 0.03, (800, 2)),
            np.tile([[43.3, 5.4]], (700, 1)),
        ]
    )


def test_dense_clusters_get_sites_of_their_own(france: NDArray, rng: np.random.Generator) -> None:
    sites = dense_sites(france, 600, 150, OPTICS, 1000, 0)
    label = nearest(sites, sphere.xyz(france))
    counts = np.bincount(label)
    assert counts.min() > 150 and len(sites) >= 4
    for town, start, end in (("Paris", 3000, 4500), ("Lyon", 4500, 5300), ("Marseille", 5300, 6000)):
        own = np.bincount(label[start:end], minlength=len(sites)) / (end - start)
        # most of a town is in cells that hold little else
        dense = (np.bincount(label[start:end], minlength=len(sites)) / counts) > 0.6
        assert own[dense].sum() > 0.8, town
    again = dense_sites(rng.permutation(france), 600, 150, OPTICS, 1000, 0)
    np.testing.assert_array_equal(sites, again)


def test_groups_that_need_no_split_have_one_site(france: NDArray) -> None:
    assert len(dense_sites(france, 6000, 10, OPTICS, 1000, 0)) == 1
    assert len(dense_sites(france[5300:], 100, 10, OPTICS, 1000, 0)) == 1  # one spot is no two
    assert len(dense_sites(france, 100, 3000, OPTICS, 1000, 0)) == 1  # no two parts would be large enough
    assert len(dense_sites(france[:1], 1, 0, OPTICS, 1000, 0)) == 1


def test_a_lonely_cluster_is_split_from_what_lies_around_it() -> None:
    rng = np.random.default_rng(4)
    photos = np.concatenate([rng.uniform([-5, -5], [5, 5], (1000, 2)), rng.normal([0, 0], 0.01, (1000, 2))])
    sites = dense_sites(photos, 1200, 100, [(30, 0.05)], 1000, 0)
    label = nearest(sites, sphere.xyz(photos))
    town = np.bincount(label[1000:], minlength=len(sites))
    assert len(sites) >= 3 and town.max() > 900 and np.bincount(label)[town.argmax()] < 1500


def test_scikit_learn_is_asked_for_by_name(france: NDArray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(MissingExtraError) as caught:
        dense_sites(france, 100, 10, OPTICS, 1000, 0)
    assert str(caught.value) == (
        "sklearn.cluster is not installed; run in the source folder: pip install '.[semantic]'"
    )


@pytest.mark.parametrize(("neighbours", "xi"), [(5, 0.05), (8, 0.05), (20, 0.015)])
def test_optics_is_scikit_learns(neighbours: int, xi: float) -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="needs scikit-learn (extra dev)")
    rng = np.random.default_rng(11)
    towns = rng.uniform([-60, -180], [60, 180], (6, 2))
    photos = np.concatenate([rng.normal(town, 3 * rng.random(), (40, 2)) for town in towns])
    unit = sphere.xyz(photos)
    expected = cluster.OPTICS(min_samples=neighbours, xi=xi).fit_predict(unit)
    assert expected.max() >= 2
    np.testing.assert_array_equal(optics_labels(unit, neighbours, xi), expected)
