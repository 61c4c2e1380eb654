"""S2 ids against the s2sphere package to the bit, and the geometry of the cells against it and known sums."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import s2sphere
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.foundation.errors import InputError

CORNER = 35.264389682754654
"""Latitude of the cube's corners, asin(1/sqrt(3)); their longitudes are odd multiples of 45 degrees."""

LEVELS = range(31)


def peer_leaf(latitude: float, longitude: float) -> s2sphere.CellId:
    return s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(latitude, longitude))


def peer_ids(positions: NDArray, level: int = 30) -> NDArray[np.uint64]:
    return np.array([peer_leaf(*row).parent(level).id() for row in positions.tolist()], np.uint64)


def hard_positions(rng: np.random.Generator) -> dict[str, NDArray]:
    """Random points, and all places where two faces, or the two ends of the longitudes, meet."""
    n = 500
    z, longitude = rng.uniform(-1, 1, n), rng.uniform(-180, 180, n)
    quarter = np.arange(-180, 181, 45.0)
    along = rng.uniform(-45, 45, 60)
    meridians = rng.uniform(-CORNER, CORNER, 60)
    edge_latitude = np.degrees(np.arctan(np.cos(np.radians(along))))  # of the edges round the polar faces
    return {
        "random": np.stack([np.degrees(np.arcsin(z)), longitude], 1),
        "poles": np.array([(s * lat, lon) for s in (1, -1) for lat in (90, np.nextafter(90, 0)) for lon in quarter]),
        "face centres": np.array([(0, lon) for lon in (0, 90, 180, -180, -90)] + [(-0.0, 0.0), (0.0, -0.0)]),
        "corners": np.array(
            [
                (s * lat, lon)
                for s in (1, -1)
                for lat in (CORNER, np.nextafter(CORNER, 90), np.nextafter(CORNER, 0))
                for middle in (45, 135, -45, -135)
                for lon in (middle, np.nextafter(middle, 200), np.nextafter(middle, -200))
            ]
        ),
        "edges between side faces": np.array([(a, lon) for a in meridians for lon in (45, 135, -45, -135)]),
        "edges round the poles": np.array(
            [
                (s * a, lon + middle)
                for s in (1, -1)
                for a, lon in zip(edge_latitude, along, strict=True)
                for middle in (0, 90, -90)
            ]
        ),
        "date line": np.array([(a, lon) for a in np.linspace(-90, 90, 37) for lon in (180, -180)]),
        "whole degrees": np.array(list(itertools.product(range(-90, 91, 15), range(-180, 181, 15))), float),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "random",
        "poles",
        "face centres",
        "corners",
        "edges between side faces",
        "edges round the poles",
        "date line",
        "whole degrees",
    ],
)
def test_ids_to_the_bit_at_every_level(kind: str, rng: np.random.Generator) -> None:
    positions = hard_positions(rng)[kind]
    leaves = [peer_leaf(*row) for row in positions.tolist()]
    for level in LEVELS:
        expected = np.array([leaf.parent(level).id() for leaf in leaves], np.uint64)
        np.testing.assert_array_equal(s2.encode(positions, level), expected, err_msg=f"level {level}")


@settings(max_examples=300)
@given(st.floats(-90, 90), st.floats(-180, 180))
@example(0.0, 180.0)
@example(0.0, -180.0)
@example(5e-324, -5e-324)
@example(CORNER, 45.0)
def test_ids_of_any_floats(latitude: float, longitude: float) -> None:
    assert int(s2.encode([latitude, longitude])[0]) == peer_leaf(latitude, longitude).id()


def test_both_spellings_of_the_date_line_are_neighbours() -> None:
    """-180 and 180 are one meridian: the ids lie on it and S2 itself tells them apart by a rounding at most."""
    east, west = s2.center(s2.encode([[10, 180], [10, -180]]))
    assert float(sphere.distance_km(east, west)) < 2e-5


def test_long_arrays_are_cut_into_chunks_rightly(rng: np.random.Generator) -> None:
    """The work is cut at CHUNK points: the seams must not show."""
    z = rng.uniform(-1, 1, 2 * s2.CHUNK + 1)
    positions = np.stack([np.degrees(np.arcsin(z)), rng.uniform(-180, 180, len(z))], 1)
    ids = s2.encode(positions)
    seams = [0, s2.CHUNK - 1, s2.CHUNK, 2 * s2.CHUNK - 1, 2 * s2.CHUNK]
    np.testing.assert_array_equal(ids[seams], peer_ids(positions[seams]))
    assert sphere.distance_km(s2.center(ids), positions).max() < 1e-5
    np.testing.assert_array_equal(s2.encode(s2.center(s2.parent(ids, 12)), 12), s2.parent(ids, 12))
    assert (s2.area_sr(ids[-3:]) > 0).all()


def test_nothing_in_nothing_out() -> None:
    empty = s2.encode(np.empty((0, 2)), 7)
    assert empty.dtype == np.uint64
    assert s2.center(empty).shape == (0, 2)
    assert s2.vertices(empty).shape == (0, 4, 2)
    assert s2.area_sr(empty).shape == (0,)
    assert s2.children(empty).shape == (0, 4)
    assert s2.token(empty) == []
    assert s2.from_token([]).shape == (0,)


@pytest.fixture
def cells(rng: np.random.Generator) -> list[s2sphere.CellId]:
    """Cells of all levels, ten each, from everywhere, and the six faces."""
    z, longitude = rng.uniform(-1, 1, 310), rng.uniform(-180, 180, 310)
    leaves = [peer_leaf(*row) for row in zip(np.degrees(np.arcsin(z)).tolist(), longitude.tolist(), strict=True)]
    some = [leaf.parent(row % 31) for row, leaf in enumerate(leaves)]
    return some + [s2sphere.CellId.from_face_pos_level(face, 0, 0) for face in range(6)]


@pytest.fixture
def ids(cells: list[s2sphere.CellId]) -> NDArray[np.uint64]:
    return np.array([cell.id() for cell in cells], np.uint64)


def test_level_token_range(cells: list[s2sphere.CellId], ids: NDArray) -> None:
    assert s2.level_of(ids).tolist() == [cell.level() for cell in cells]
    assert s2.token(ids) == [cell.to_token() for cell in cells]
    assert s2.range_min(ids).tolist() == [cell.range_min().id() for cell in cells]
    assert s2.range_max(ids).tolist() == [cell.range_max().id() for cell in cells]
    np.testing.assert_array_equal(s2.from_token(s2.token(ids)), ids)
    np.testing.assert_array_equal(s2.from_token([token.upper() for token in s2.token(ids)]), ids)


def test_parents_and_children(cells: list[s2sphere.CellId], ids: NDArray) -> None:
    for cell, id_ in zip(cells, ids, strict=True):
        for level in range(cell.level() + 1):
            assert int(s2.parent(id_, level)) == cell.parent(level).id()
    inner = np.array([not cell.is_leaf() for cell in cells])
    expected = [[child.id() for child in cell.children()] for cell in cells if not cell.is_leaf()]
    assert s2.children(ids[inner]).tolist() == expected
    np.testing.assert_array_equal(s2.parent(s2.children(ids[7:8])[0], int(s2.level_of(ids[7]))), np.repeat(ids[7], 4))


def test_centers(cells: list[s2sphere.CellId], ids: NDArray) -> None:
    expected = [cell.to_lat_lng() for cell in cells]
    degrees = np.array([(p.lat().degrees, p.lng().degrees) for p in expected])
    assert sphere.distance_km(s2.center(ids), degrees).max() < 1e-8
    np.testing.assert_array_equal(
        [int(s2.encode(s2.center([one]), cell.level())[0]) for one, cell in zip(ids, cells, strict=True)], ids
    )


def test_vertices(cells: list[s2sphere.CellId], ids: NDArray) -> None:
    """Same corners in the same order: counter-clockwise seen from outside."""
    expected = np.array([[[*s2sphere.Cell(cell).get_vertex(k)._Point__point] for k in range(4)] for cell in cells])
    found = s2.vertex_xyz(ids)
    np.testing.assert_allclose(found, expected, atol=1e-15)
    assert sphere.distance_km(s2.vertices(ids), sphere.latlon(expected)).max() < 1e-8
    big = s2.level_of(ids) < 20
    a, b, c, d = np.moveaxis(found[big], 1, 0)
    for one, two, three in ((a, b, c), (b, c, d), (c, d, a), (d, a, b)):
        assert ((np.cross(two - one, three - two) * one).sum(-1) > 0).all()


def test_areas_of_single_cells(cells: list[s2sphere.CellId], ids: NDArray) -> None:
    """Against s2sphere; below level 15 its own formula has lost digits, so the flat area serves there."""
    expected = np.array([s2sphere.Cell(cell).exact_area() for cell in cells])
    found, level = s2.area_sr(ids), s2.level_of(ids)
    np.testing.assert_allclose(found[level <= 15], expected[level <= 15], rtol=1e-6)
    a, b, c, d = np.moveaxis(s2.vertex_xyz(ids), 1, 0)
    flat = np.linalg.norm(np.cross(c - a, d - b), axis=-1) / 2
    np.testing.assert_allclose(found[level > 12], flat[level > 12], rtol=1e-6)
    assert found[-6:] == pytest.approx(4 * math.pi / 6, rel=1e-14)


@pytest.mark.parametrize("level", range(8))
def test_areas_of_a_level_sum_to_the_sphere(level: int) -> None:
    ids = s2.encode([[0, 0], [0, 90], [90, 0], [0, 180], [0, -90], [-90, 0]], 0)
    for _ in range(level):
        ids = s2.children(ids).ravel()
    assert len(np.unique(ids)) == 6 * 4**level
    assert s2.area_sr(ids).sum() == pytest.approx(4 * math.pi, abs=1e-9)


def test_children_fill_their_cell(ids: NDArray) -> None:
    inner = ids[s2.level_of(ids) < 30]
    four = s2.children(inner)
    np.testing.assert_allclose(s2.area_sr(four.ravel()).reshape(-1, 4).sum(1), s2.area_sr(inner), rtol=1e-6)
    np.testing.assert_array_equal(s2.range_min(four[:, 0]), s2.range_min(inner))
    np.testing.assert_array_equal(s2.range_max(four[:, 3]), s2.range_max(inner))


# --- what is refused


@pytest.mark.parametrize("level", [-1, 31, 2.5, "ten", None])
def test_levels_that_are_none(level: object) -> None:
    """2.5 is refused too: cutting it to 2 would answer another question."""
    with pytest.raises(InputError) as caught:
        s2.encode([[0, 0]], level)
    assert str(caught.value) == f"an S2 level lies between 0 and 30; got {level}"
    with pytest.raises(InputError, match=r"^an S2 level lies between 0 and 30"):
        s2.parent(s2.encode([[0, 0]]), level)


def test_levels_of_numpy() -> None:
    assert s2.encode([[0, 0]], np.int64(4)) == s2.encode([[0, 0]], 4)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0], "1 of 1 S2 ids are invalid; first at row 0: 0x0"),
        ([1, 2, 0x89C0000000000000], "1 of 3 S2 ids are invalid; first at row 1: 0x2"),
        ([1, 6 << 61 | 1, 7 << 61 | 1], "2 of 3 S2 ids are invalid; first at row 1: 0xc000000000000001"),
        ([-1], "S2 ids must be whole numbers of 64 bits: Python integer -1 out of bounds for uint64"),
        (["89c"], "S2 ids must be whole numbers of 64 bits: invalid literal for int() with base 10: '89c'"),
        (
            [None],
            "S2 ids must be whole numbers of 64 bits: "
            "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
        ),
        (
            np.array([1.0, np.nan]),
            "S2 ids must be whole numbers; got float64, which cannot hold them exactly",
        ),
    ],
)
@pytest.mark.parametrize("function", [s2.check, s2.center, s2.vertices, s2.area_sr])
def test_ids_that_are_none(function: Callable, ids: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        function(ids)
    assert str(caught.value) == message


def test_signed_ids_keep_their_bits() -> None:
    """Databases without unsigned integers store the same 64 bits signed."""
    ids = s2.encode([[0, 180], [-90, 0]])
    np.testing.assert_array_equal(s2.check(ids.view(np.int64)), ids)


@pytest.mark.parametrize("token", ["", "zz", "1" * 17, "X", "-1", "+1f", "1_1", " 89c", "0x89c"])
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(InputError) as caught:
        s2.from_token(["89c", token])
    assert str(caught.value) == f"not an S2 token at row 1: {token!r} (1 to 16 hexadecimal digits)"


def test_token_of_an_invalid_id() -> None:
    with pytest.raises(InputError) as caught:
        s2.from_token(["89c", "3", "f"])
    assert str(caught.value) == "1 of 3 S2 ids are invalid; first at row 2: 0xf000000000000000"


def test_no_parent_below_and_no_child_of_a_leaf() -> None:
    with pytest.raises(InputError) as caught:
        s2.parent(s2.encode([[1, 2], [3, 4]], 5), 6)
    assert str(caught.value) == "cell at row 0 is at level 5, above level 6"
    with pytest.raises(InputError) as caught:
        s2.children(s2.encode([[1, 2]]))
    assert str(caught.value) == "cells at level 30 have no children"


def test_impossible_positions_are_refused() -> None:
    with pytest.raises(InputError, match=r"^1 of 2 positions is impossible; the first is \(95, 0\) in row 2"):
        s2.encode([[0, 0], [95, 0]], 10)
