"""Encode positions as cells of S2, whole arrays at a time: uint64 ids, parents, children, corners, areas and tokens.

The ids are the same as in Google's S2 library (quadratic projection, Hilbert curve, 6 faces, levels 0 to 30), to the
bit; see http://s2geometry.io/devguide/s2cell_hierarchy. The work is cut into chunks that stay in the processor's cache,
and the Hilbert curve is walked six levels at a time by table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError

MAX_LEVEL = 30
CHUNK = 16_384
"""Points worked on at a time: about 2 MB of temporaries."""

CellIds = NDArray[np.uint64]

_SIZE = 1 << MAX_LEVEL  # leaf cells along a face's edge
_STEP = 6  # levels of the Hilbert curve per table look-up; 5 x 6 = 30
_MASK = (1 << _STEP) - 1
_SWAP, _INVERT = 1, 2  # orientation bits of the curve: axes swapped, direction inverted
_POSITION_TO_IJ = np.array([[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]])
_POSITION_TO_ORIENTATION = np.array([_SWAP, 0, 0, _INVERT | _SWAP])

# Which of (x, y, z, -x, -y, -z) is the numerator of u and of v on each face; the denominator is the face's axis.
_U_OF_FACE = np.array([1, 3, 3, 2, 2, 4])
_V_OF_FACE = np.array([2, 2, 4, 1, 3, 3])
# The inverse: x, y, z on each face as an index into (u, v, 1, -u, -v, -1).
_XYZ_OF_FACE = np.array([[2, 0, 1], [3, 2, 1], [3, 4, 2], [5, 4, 3], [1, 5, 3], [1, 0, 5]])


def _hilbert_tables() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the table from (i, j, orientation) to (position, orientation) for six levels at once, and its inverse."""
    orientation = np.arange(4)
    position, i, j = np.zeros((3, 4), np.int64)
    start = orientation.copy()
    for _ in range(_STEP):
        ij = _POSITION_TO_IJ[orientation]  # (m, 4)
        position = (position[:, None] * 4 + np.arange(4)).ravel()
        i = (i[:, None] * 2 + (ij >> 1)).ravel()
        j = (j[:, None] * 2 + (ij & 1)).ravel()
        orientation = (orientation[:, None] ^ _POSITION_TO_ORIENTATION).ravel()
        start = np.repeat(start, 4)
    to_position = np.empty(1 << (2 * _STEP + 2), np.int64)
    to_ij = np.empty_like(to_position)
    to_position[(((i << _STEP) | j) << 2) | start] = (position << 2) | orientation
    to_ij[(position << 2) | start] = (((i << _STEP) | j) << 2) | orientation
    return to_position, to_ij


_TO_POSITION, _TO_IJ = _hilbert_tables()


def _check_level(level: int) -> int:
    if level not in range(MAX_LEVEL + 1):
        raise InputError(f"an S2 level lies between 0 and {MAX_LEVEL}; got {level}")
    return int(level)


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))


def _lowest_bit(level: int) -> np.uint64:
    return np.uint64(1 << (2 * (MAX_LEVEL - level)))


def encode(positions: ArrayLike, level: int = MAX_LEVEL) -> CellIds:
    """Return cell ids (n,) at ``level`` of positions (n, 2) in degrees."""
    p = sphere.points(positions)
    level = _check_level(level)
    ids = np.empty(len(p), np.uint64)
    for part in _chunks(len(p)):
        ids[part] = _encode_chunk(p[part])
    return ids if level == MAX_LEVEL else parent(ids, level)


def _encode_chunk(p: NDArray[np.float64]) -> CellIds:
    n = len(p)
    latitude, longitude = np.radians(p[:, 0]), np.radians(p[:, 1])
    signed = np.empty((6, n))  # x, y, z, -x, -y, -z
    cos_latitude = np.cos(latitude)
    np.multiply(np.cos(longitude), cos_latitude, out=signed[0])
    np.multiply(np.sin(longitude), cos_latitude, out=signed[1])
    np.sin(latitude, out=signed[2])
    np.negative(signed[:3], out=signed[3:])

    x, y, z = np.abs(signed[:3])
    face = np.where(x > y, np.where(x > z, 0, 2), np.where(y > z, 1, 2))  # ties as in S2
    column = np.arange(n)
    flat = signed.ravel()
    axis = flat[face * n + column]
    face += 3 * (axis < 0)
    i = _leaf_coordinate(flat[_U_OF_FACE[face] * n + column] / axis)
    j = _leaf_coordinate(flat[_V_OF_FACE[face] * n + column] / axis)

    bits = face & _SWAP
    position = np.zeros(n, np.int64)
    for shift in range(MAX_LEVEL - _STEP, -1, -_STEP):
        key = (((((i >> shift) & _MASK) << _STEP) | ((j >> shift) & _MASK)) << 2) | bits
        found = _TO_POSITION[key]
        position = (position << (2 * _STEP)) | (found >> 2)
        bits = found & 3
    ids = face.astype(np.uint64) << np.uint64(61)
    return ids | (position.astype(np.uint64) << np.uint64(1)) | np.uint64(1)


def _leaf_coordinate(u: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the leaf index along one axis: S2's quadratic transform of u in [-1, 1], floored and clamped."""
    root = 0.5 * np.sqrt(1 + 3 * np.abs(u))
    s = np.where(u >= 0, root, 1 - root)
    result: NDArray[np.int64] = np.clip(np.floor(_SIZE * s).astype(np.int64), 0, _SIZE - 1)
    return result


def _decode(ids: CellIds) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return face, i, j (of the leaf at the id's own position) and the cell's size in leaves."""
    size = np.int64(1) << (MAX_LEVEL - level_of(ids))
    face = (ids >> np.uint64(61)).astype(np.int64)
    position = ((ids & np.uint64((1 << 61) - 1)) >> np.uint64(1)).astype(np.int64)
    bits = face & _SWAP
    i, j = np.zeros((2, len(ids)), np.int64)
    for shift in range(2 * (MAX_LEVEL - _STEP), -1, -2 * _STEP):
        found = _TO_IJ[(((position >> shift) & ((1 << 2 * _STEP) - 1)) << 2) | bits]
        i = (i << _STEP) | (found >> (2 + _STEP))
        j = (j << _STEP) | ((found >> 2) & _MASK)
        bits = found & 3
    return face, i & -size, j & -size, size


def _xyz_at(face: NDArray[np.int64], s: NDArray[np.floating], t: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return unit vectors (..., 3) at face coordinates s, t in [0, 1]."""
    uv = []
    for value in (s, t):
        uv.append(np.where(value >= 0.5, (4 * value * value - 1) / 3, (1 - 4 * (1 - value) ** 2) / 3))
    one = np.ones_like(uv[0])
    table = np.stack([uv[0], uv[1], one, -uv[0], -uv[1], -one], axis=-1)
    vectors = np.take_along_axis(table, _XYZ_OF_FACE[face], axis=-1)
    result: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return result


def check(ids: ArrayLike) -> CellIds:
    """Return cell ids (n,) as uint64. Raises InputError naming the first that is not a valid S2 id."""
    dtype = getattr(ids, "dtype", np.dtype(np.uint64))
    if dtype.kind == "f":  # a float has room for 53 of the 64 bits
        raise InputError(f"S2 ids must be whole numbers; got {dtype}, which cannot hold them exactly")
    try:
        array = np.atleast_1d(np.asarray(ids, np.uint64))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"S2 ids must be whole numbers of 64 bits: {error}") from error
    lowest = array & (~array + np.uint64(1))
    valid = ((array >> np.uint64(61)) < 6) & ((lowest & np.uint64(0x1555555555555555)) != 0)
    if not valid.all():
        row = int(np.flatnonzero(~valid)[0])
        raise InputError(
            f"{int((~valid).sum())} of {len(array)} S2 ids are invalid; first at row {row}: 0x{int(array[row]):x}"
        )
    return array


def level_of(ids: ArrayLike) -> NDArray[np.int64]:
    """Return levels (n,) of cell ids (n,)."""
    ids = np.asarray(ids, np.uint64)
    lowest = ids & (~ids + np.uint64(1))
    # a power of two is exact in float64, so its exponent is the number of trailing zeros
    return MAX_LEVEL - (np.frexp(lowest.astype(np.float64))[1].astype(np.int64) - 1) // 2


def parent(ids: ArrayLike, level: int) -> CellIds:
    """Return the cells (n,) at ``level`` that hold the given ones, which must be at ``level`` or below it."""
    ids = np.asarray(ids, np.uint64)
    lowest = _lowest_bit(_check_level(level))
    own = ids & (~ids + np.uint64(1))
    if (own > lowest).any():
        row = int(np.flatnonzero(np.atleast_1d(own > lowest))[0])
        raise InputError(f"cell at row {row} is at level {np.atleast_1d(level_of(ids))[row]}, above level {level}")
    return (ids & (~lowest + np.uint64(1))) | lowest


def children(ids: ArrayLike) -> CellIds:
    """Return the four children (n, 4) of cells (n,), in the order of the Hilbert curve; a leaf has none
    (InputError).
    """
    ids = np.asarray(ids, np.uint64)
    lowest = ids & (~ids + np.uint64(1))
    if (lowest == 1).any():
        raise InputError(f"cells at level {MAX_LEVEL} have no children")
    quarter = lowest >> np.uint64(2)
    first = ids - lowest + quarter
    result: CellIds = first[..., None] + (np.arange(4, dtype=np.uint64) * np.uint64(2)) * quarter[..., None]
    return result


def range_min(ids: ArrayLike) -> CellIds:
    """Return the first leaf id (n,) inside each cell."""
    ids = np.asarray(ids, np.uint64)
    result: CellIds = ids - ((ids & (~ids + np.uint64(1))) - np.uint64(1))
    return result


def range_max(ids: ArrayLike) -> CellIds:
    """Return the last leaf id (n,) inside each cell."""
    ids = np.asarray(ids, np.uint64)
    result: CellIds = ids + ((ids & (~ids + np.uint64(1))) - np.uint64(1))
    return result


def center(ids: ArrayLike) -> sphere.Points:
    """Return centres (n, 2) in degrees of cells (n,)."""
    ids = check(ids)
    out = np.empty((len(ids), 2))
    for part in _chunks(len(ids)):
        face, i, j, size = _decode(ids[part])
        # doubled coordinates keep the centre of a leaf exact
        scale = 1 / (2 * _SIZE)
        out[part] = sphere.latlon(_xyz_at(face, (2 * i + size) * scale, (2 * j + size) * scale))
    return out


def vertex_xyz(ids: ArrayLike) -> NDArray[np.float64]:
    """Return corners (n, 4, 3) of cells (n,) as unit vectors, counter-clockwise seen from outside."""
    ids = check(ids)
    out = np.empty((len(ids), 4, 3))
    for part in _chunks(len(ids)):
        face, i, j, size = _decode(ids[part])
        s = np.stack([i, i + size, i + size, i], -1) / _SIZE
        t = np.stack([j, j, j + size, j + size], -1) / _SIZE
        out[part] = _xyz_at(np.repeat(face[:, None], 4, 1), s, t)
    return out


def vertices(ids: ArrayLike) -> NDArray[np.float64]:
    """Return corners (n, 4, 2) in degrees of cells (n,), counter-clockwise; edges are great circles."""
    return sphere.latlon(vertex_xyz(ids))


def area_sr(ids: ArrayLike) -> NDArray[np.float64]:
    """Return exact areas (n,) in steradians of cells (n,): two spherical triangles each."""
    corners = vertex_xyz(ids)
    return sphere.angles_on_sphere(corners[:, [0, 1, 2]]) + sphere.angles_on_sphere(corners[:, [0, 2, 3]])


def token(ids: ArrayLike) -> list[str]:
    """Return S2 tokens of cells (n,): the id in hexadecimal without its trailing zeros."""
    return [f"{int(value):016x}".rstrip("0") or "X" for value in np.atleast_1d(np.asarray(ids, np.uint64))]


def from_token(tokens: list[str]) -> CellIds:
    """Return the cell ids (n,) of tokens. Raises InputError naming the first text that is not a token."""
    ids = np.empty(len(tokens), np.uint64)
    for row, text in enumerate(tokens):
        if not re.fullmatch("[0-9a-fA-F]{1,16}", text):  # int() would also take signs, spaces, underscores and 0x
            raise InputError(f"not an S2 token at row {row}: {text!r} (1 to 16 hexadecimal digits)")
        ids[row] = int(text.ljust(16, "0"), 16)
    return check(ids)
