"""The nearest photos are the nearest: against float64 by sorting, with ties, NaN, and photos a hair apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.models import nearest_photos
from whereshot.models.nearest_photos import Exact, Graph, index_of
from whereshot.models.readout.gallery import Gallery, GallerySettings


def by_sorting(known: NDArray, asked: NDArray, metric: str) -> tuple[NDArray, NDArray]:
    """Row numbers and distances of all, nearest first, in float64; what holds NaN comes last."""
    a, b = known.astype(np.float64), asked.astype(np.float64)
    if metric == "cosine":
        a, b = (
            np.divide(x, length, out=np.zeros_like(x), where=length > 0)
            for x, length in ((x, np.linalg.norm(x, axis=1, keepdims=True)) for x in (a, b))
        )
        distance = 1 - b @ a.T
    else:
        distance = np.linalg.norm(b[:, None] - a[None], axis=2)
    distance = np.where(np.isfinite(known).all(axis=1), distance, np.inf)
    order = np.argsort(distance, axis=1, kind="stable")
    return order, np.take_along_axis(distance, order, 1)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@given(st.integers(0, 2**31), st.integers(1, 70), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_exact_is_what_sorting_gives(metric: str, seed: int, count: int, k: int) -> None:
    """Whole numbers, so that there are ties: the lower number comes first."""
    rng = np.random.default_rng(seed)
    known, asked = rng.integers(-2, 3, (count, 5)).astype(float), rng.integers(-2, 3, (4, 5))
    known[rng.uniform(size=count) < 0.1, 2] = np.nan
    if not np.isfinite(known).all(axis=1).any():
        known[0] = 1
    found = Exact(known, metric).nearest(asked, k)
    rows, distance = by_sorting(known, asked, metric)
    k = min(k, int(np.isfinite(known).all(axis=1).sum()))
    np.testing.assert_allclose(found.distance, distance[:, :k], atol=1e-6)
    if metric == "l2":  # cosines of different vectors are equal only but for rounding
        np.testing.assert_array_equal(found.rows, rows[:, :k])


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_photos_are_looked_at_block_by_block(metric: str, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator):
    known, asked = rng.normal(size=(1000, 16)), rng.normal(size=(21, 16))
    whole = Exact(known, metric).nearest(asked, 9)
    monkeypatch.setattr(nearest_photos, "_PHOTOS", 64)
    monkeypatch.setattr(nearest_photos, "_QUERIES", 5)
    monkeypatch.setattr(nearest_photos, "SPARE", 3)
    parts = Exact(known, metric).nearest(asked, 9)
    np.testing.assert_array_equal(parts.rows, whole.rows)
    np.testing.assert_array_equal(whole.rows, by_sorting(known, asked, metric)[0][:, :9])


def test_many_equal_photos_come_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are candidates, over several blocks."""
    monkeypatch.setattr(nearest_photos, "_PHOTOS", 128)
    known = np.ones((1000, 6), np.float32)
    known[:10] = np.arange(6)
    assert Exact(known).nearest(np.ones((1, 6)), 5).rows.tolist() == [[10, 11, 12, 13, 14]]


def test_neighbours_that_float32_cannot_tell_apart(rng: np.random.Generator) -> None:
    """A step of a hundred-thousandth turns a cosine by 5e-11, far below the 6e-8 of float32."""
    base = rng.normal(size=40)
    base /= np.linalg.norm(base)
    known = base + 1e-5 * np.arange(1, 21)[:, None] * rng.normal(size=(20, 40)) / 40**0.5
    found = Exact(known).nearest(base[None], 20)
    np.testing.assert_array_equal(found.rows[0], by_sorting(known.astype(np.float32), base[None], "cosine")[0][0])


def test_distances_of_random_pairs_are_of_different_photos(rng: np.random.Generator) -> None:
    known = rng.normal(size=(30, 8))
    known[4] = np.nan
    index = Exact(known, "l2")
    found = index.pair_distances(500)
    usable = np.delete(known, 4, axis=0)
    every = np.linalg.norm(usable[:, None] - usable[None], axis=2)
    assert len(found) == 500 and (np.diff(found) >= 0).all()
    assert found[0] > 0  # no photo is a pair with itself
    assert np.isclose(found[:, None], np.unique(every)[None], atol=1e-5).any(axis=1).all()
    assert len(Exact(known[:1], "l2").pair_distances(500)) == 0


def test_lengths_count_for_l2_alone() -> None:
    known = np.array([[10.0, 0, 0, 0], [0.9, 0.5, 0, 0]])
    asked = np.array([[1.0, 0, 0, 0]])
    cosine, l2 = (Exact(known, metric).nearest(asked, 2) for metric in ("cosine", "l2"))
    assert (cosine.rows.tolist(), l2.rows.tolist()) == ([[0, 1]], [[1, 0]])
    assert l2.distance[0] == pytest.approx([np.hypot(0.1, 0.5), 9])
    assert cosine.distance[0, 0] == 0


def test_half_precision_and_far_from_nothing(rng: np.random.Generator) -> None:
    """L2 of features that have a large mean, as pooled ones do."""
    known = (rng.normal(size=(300, 12)) + 30).astype(np.float32)
    asked = known[:5] + np.float32(0.001)
    found = Exact(known, "l2").nearest(asked, 4)
    rows, distance = by_sorting(known, asked, "l2")
    np.testing.assert_array_equal(found.rows, rows[:, :4])
    np.testing.assert_allclose(found.distance, distance[:, :4], rtol=1e-3)
    half = known.astype(np.float16)
    np.testing.assert_array_equal(
        Exact(half).nearest(half[:3]).rows, Exact(half.astype(np.float32)).nearest(half[:3]).rows
    )


def test_what_holds_nan_is_never_found(rng: np.random.Generator) -> None:
    known = rng.normal(size=(50, 8))
    known[3, 2], known[40] = np.nan, np.inf
    index = Exact(known)
    assert index.left_out.tolist() == [3, 40]
    found = index.nearest(known[[0, 1]], 100)
    assert found.rows.shape == (2, 48)
    assert not {3, 40} & set(found.rows.ravel().tolist())
    with pytest.raises(InputError, match=r"^1 of 2 features hold NaN or infinity, first 1$"):
        index.nearest(known[[0, 3]])


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (np.zeros((0, 8)), "there is no photo to search: no features, or none without NaN"),
        (np.full((2, 8), np.nan), "there is no photo to search: no features, or none without NaN"),
        (np.zeros(8), "features must have the shape (photos, numbers); got (8,) of float64"),
        (np.array([["a", "b"]]), "features must have the shape (photos, numbers); got (1, 2) of <U1"),
        (np.eye(3), "features of 3 numbers look like positions; use sphere.Nearest for positions"),
    ],
)
def test_what_is_no_index(features: NDArray, said: str) -> None:
    with pytest.raises(InputError) as caught:
        index_of(features)
    assert str(caught.value) == said


def test_questions_that_do_not_fit() -> None:
    index = Exact(np.eye(5))
    with pytest.raises(InputError, match=r"^the index takes features \(n, 5\); got \(1, 4\)$"):
        index.nearest(np.ones((1, 4)))
    with pytest.raises(InputError, match=r"^k, the number of photos to find, must be at least 1; got 0$"):
        index.nearest(np.ones((1, 5)), 0)
    assert index.nearest(np.empty((0, 5)), 2).rows.shape == (0, 2)
    assert index.nearest(np.zeros((1, 5)), 2).distance.tolist() == [[1, 1]]  # nothing at all is like nothing


def test_why_positions_are_refused(rng: np.random.Generator) -> None:
    """The trap itself: inner products in float32 of unit vectors 10 m apart pick another town's street."""
    known = np.stack([45 + rng.uniform(0, 0.02, 4000), 15 + rng.uniform(0, 0.02, 4000)], axis=1)
    unit = sphere.xyz(known).astype(np.float32)
    naive = (unit[:200] @ unit.T).argmax(axis=1)
    assert (naive != np.arange(200)).mean() > 0.3
    np.testing.assert_array_equal(sphere.Nearest(known).query(known[:200])[1], np.arange(200))


# --- the graph


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_graph_finds_nearly_the_same(metric: str, rng: np.random.Generator) -> None:
    pytest.importorskip("usearch", reason="needs usearch (extra retrieval)")
    known = rng.normal(size=(3000, 24))
    known[17] = np.nan
    asked = known[rng.integers(20, 3000, 50)] + 0.1 * rng.normal(size=(50, 24))
    exact, graph = Exact(known, metric).nearest(asked, 6), Graph(known, metric).nearest(asked, 6)
    same = exact.rows == graph.rows
    assert same.mean() > 0.9 and same[:, 0].mean() > 0.95
    np.testing.assert_allclose(exact.distance[same], graph.distance[same], rtol=1e-12)
    assert not (graph.rows == 17).any()


def test_a_graph_is_built_once(tmp_path: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("usearch", reason="needs usearch (extra retrieval)")
    known = rng.normal(size=(200, 12)).astype(np.float32)
    built = index_of(known, exact_up_to=100, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    read = index_of(known, exact_up_to=100, cache=tmp_path)
    assert kept.stat().st_mtime_ns == before
    np.testing.assert_array_equal(built.nearest(known[:9], 5).rows, read.nearest(known[:9], 5).rows)
    index_of(known + 1, exact_up_to=100, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2  # other features are another graph
    kept.write_bytes(kept.read_bytes()[:100])
    assert index_of(known, exact_up_to=100, cache=tmp_path).nearest(known[:1]).rows.tolist() == [[0]]
    assert isinstance(index_of(known), Exact)


def test_without_the_extra_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from whereshot.foundation.errors import MissingExtraError

    monkeypatch.setitem(__import__("sys").modules, "usearch", None)
    monkeypatch.delitem(__import__("sys").modules, "usearch.index", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install '.\[retrieval\]'$"):
        index_of(np.eye(9), exact_up_to=5)


# --- votes


def test_few_voters_vote_as_all_do_where_the_rest_has_no_say(rng: np.random.Generator) -> None:
    """And one voter is the nearest photo."""
    features = rng.normal(size=(80, 12))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    points = rng.integers(0, 5, (80, 2)).astype(float)
    asked = {"features": features[:6]}
    sharp = Gallery(features, points, np.full(80, 2.0), GallerySettings(temperature=0.02))
    some = Gallery(features, points, np.full(80, 2.0), GallerySettings(temperature=0.02, voters=40))(asked)
    at = points[:6] + 0.01
    np.testing.assert_allclose(some.log_density(at), sharp(asked).log_density(at), atol=1e-5)
    np.testing.assert_allclose(some.mass.sum(axis=1), 1)
    one = Gallery(features, points, np.zeros(80), GallerySettings(voters=1))(asked)
    np.testing.assert_array_equal(one.mode(), points[sharp.nearest(asked)[0]])
    assert len(Gallery(features, points, np.zeros(80), GallerySettings(voters=3))({"features": features[:0]})) == 0


def test_votes_of_few_by_hand() -> None:
    """The two nearest of four, of one place twice: e^(c/T) each."""
    features = np.array([[1, 0, 0, 0], [0.8, 0.6, 0, 0], [0, 1, 0, 0], [-1, 0, 0, 0]])
    points = [[1, 1], [2, 2], [3, 3], [4, 4]]
    told = Gallery(features, points, [0, 0, 0, 0], GallerySettings(temperature=0.5, voters=2))(
        {"features": np.array([[1.0, 0, 0, 0]])}
    )
    kept = told.mass[0] > 0
    shares = np.exp(np.array([1, 0.8]) / 0.5)
    np.testing.assert_allclose(np.sort(told.mass[0, kept])[::-1], shares / shares.sum(), rtol=1e-6)
    assert told.places[0, kept].tolist() == [[1, 1], [2, 2]]
