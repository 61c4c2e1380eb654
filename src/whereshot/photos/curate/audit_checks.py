"""The single checks of an audit: each compares the photos of a test set with the photos of a training set.

A check gives a ``Finding``: which test photos share something with which training photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import ImageError
from whereshot.foundation.processes import cores, spread
from whereshot.foundation.progress import Track
from whereshot.photos import images, picture_bytes
from whereshot.photos.curate import draw_by_lot, hashes, near_hashes
from whereshot.photos.curate.duplicates import EDGE_BITS
from whereshot.photos.records import Records

BYTES, LOOK, USER, ALBUM = "same bytes", "same look", "same user", "same album"
SEQUENCE, MOMENT, PLACE, GALLERY = "same sequence", "seconds apart", "same coordinates", "in the gallery"
CHECKS = (BYTES, LOOK, USER, ALBUM, SEQUENCE, MOMENT, PLACE, GALLERY)
"""The names of all findings, in the order of the report."""

SEQUENCE_COLUMNS = ("sequence", "sequence_id", "group")
SAME_PLACE_KM = 0.001
"""A metre: coordinates that are rounded to five digits are still the same."""

PORTION_PHOTOS = 64
"""Photos that a process reads at a time."""
FEW_PHOTOS = 256
"""Up to this number of photos are read without starting processes."""


@dataclass(frozen=True)
class Finding:
    """The result of one check on n test photos.

    Attributes:
        name: one of ``CHECKS``.
        twin: (n,) for each test photo the row of the training photo that shares something with it, or -1.
        sentence: gives the reason in words for the test photo in a row that has a twin.
        skipped: why the check could not be made; "" where it was made.
    """

    name: str
    twin: NDArray[np.int64]
    sentence: Callable[[int], str] = lambda row: ""
    skipped: str = ""

    @property
    def rows(self) -> NDArray[np.bool_]:
        """Which test photos (n,) have a twin."""
        return self.twin >= 0


def skipped(name: str, test: Records, why: str) -> Finding:
    """Return the finding of a check that was not made, and why."""
    return Finding(name, np.full(len(test), -1), skipped=why)


def _name(records: Records, row: int) -> str:
    return repr(records.table["id"][int(row)].as_py())


def same_pictures(train: Records, test: Records, look_bits: int, track: Track) -> tuple[list[Finding], list[str]]:
    """Find test photos with the bytes or the look of a training photo.

    ``look_bits`` is how many of the 64 bits of the look's hash may differ. Returns two findings, and notes about
    photos that could not be read.
    """
    (own, lost_train), (asked, lost_test) = (_hashes(records, track) for records in (train, test))
    notes = [
        f"{lost} of {len(records)} {name} photos could not be read, and were not compared by picture"
        for lost, records, name in ((lost_train, train, "training"), (lost_test, test, "test"))
        if 0 < lost < len(records)
    ]
    return _compare_hashes(train, own, test, asked, look_bits), notes


def same_place(train: Records, test: Records) -> tuple[Finding, NDArray[np.float64]]:
    """Find test photos at the coordinates of a training photo; also return the distance (n,) to the nearest in km."""
    nearest_km, nearest = sphere.Nearest(train.points).query(test.points)
    finding = Finding(
        PLACE,
        np.where(nearest_km <= SAME_PLACE_KM, nearest, -1),
        lambda row: f"at the coordinates of training photo {_name(train, nearest[row])}",
    )
    return finding, nearest_km


# --- pictures

Hashed = tuple[NDArray[np.bytes_], NDArray[np.uint64], NDArray[np.bool_]]
"""For all photos: the digests of their bytes (n,), the two hashes of their look (n, 2), and whether they are known."""


Look = tuple[str, tuple[int, int]] | tuple[None, None]
"""The digest of a picture's bytes and the two hashes of its look; None for a picture that cannot be read."""

Value = TypeVar("Value", np.bytes_, np.uint64)


def _hashes(records: Records, track: Track) -> tuple[Hashed, int]:
    """Return the hashes of all photos, and the number of photos that could not be read."""
    names = records.table.column_names
    hashed = ("content_hash", "look_hash", "edge_hash")
    if set(hashed) <= set(names) and not any(records.table[name].null_count for name in hashed):
        digests, *looks = (records.table[name].to_pylist() for name in hashed)
        found: list[Look] = list(zip(digests, zip(*looks, strict=True), strict=True))
    else:
        read = _read_all(records.strings("image"))
        found = list(track(read, total=len(records), what="comparing pictures"))
    known = np.array([digest is not None for digest, _ in found], bool)
    digests = np.array([digest or "" for digest, _ in found], "S32")
    return (digests, np.array([look or (0, 0) for _, look in found], np.uint64).reshape(-1, 2), known), int(
        (~known).sum()
    )


def _read_all(paths: Sequence[str | None]) -> Iterator[Look]:
    portions = [paths[start : start + PORTION_PHOTOS] for start in range(0, len(paths), PORTION_PHOTOS)]
    if len(paths) <= FEW_PHOTOS or cores() == 1:
        read: Iterator[list[Look]] = map(hash_all, portions)
    else:
        read = spread(portions, _nothing, (), hash_all, cores())
    for portion in read:
        yield from portion


def hash_all(paths: Sequence[str | None]) -> list[Look]:
    """Return the digest of each picture and the two hashes of its look; None where the picture cannot be read."""
    found: list[Look] = []
    for path in paths:
        try:
            data = picture_bytes.contents(path) if path is not None else None
            picture = None if data is None else images.open_rgb(data, min_side=hashes.DECODED_SIDE)
        except ImageError:
            data = picture = None
        if data is None or picture is None:
            found.append((None, None))
        else:
            found.append((hashes.content_hash(data), (hashes.look_hash(picture), hashes.edge_hash(picture))))
    return found


def _nothing() -> None:
    pass


def _compare_hashes(train: Records, own: Hashed, test: Records, asked: Hashed, bits: int) -> list[Finding]:
    if not own[2].any() or not asked[2].any():
        which = "test" if own[2].any() else "training"
        return [skipped(name, test, f"no picture of a {which} photo is there") for name in (BYTES, LOOK)]
    rows = np.flatnonzero(own[2])
    same = np.where(asked[2], _first(own[0][rows], asked[0]), -1)
    same = np.where(same >= 0, rows[same], -1)
    near = np.full(len(test), -1)
    some = np.flatnonzero(asked[2])
    near[some] = near_hashes.earliest(own[1][rows], asked[1][some], (bits, EDGE_BITS))
    near = np.where(near >= 0, rows[near], -1)

    def looks_like(row: int) -> str:
        differ = int(hashes.distance(own[1][near[row], 0], asked[1][row, 0]))
        return f"looks like training photo {_name(train, near[row])}: {differ} of 64 bits differ"

    return [
        Finding(BYTES, same, lambda row: f"the same bytes as training photo {_name(train, same[row])}"),
        Finding(LOOK, near, looks_like),
    ]


def _first(known: NDArray[Value], asked: NDArray[Value]) -> NDArray[np.int64]:
    """Return for each of ``asked`` the first row of ``known`` with the same value; -1 for none."""
    values, first = np.unique(known, return_index=True)
    place = np.minimum(np.searchsorted(values, asked), len(values) - 1)
    return np.where(values[place] == asked, first[place], -1)


# --- users, albums, moments, places


def same_value(name: str, columns: Sequence[str], train: Records, test: Records) -> Finding:
    """Find test photos that have the same value as a training photo in any of the columns."""
    twin, used, values = np.full(len(test), -1), [], [""] * len(test)
    for column in columns:
        if _is_empty(train, column) or _is_empty(test, column):
            continue
        own, asked = (one.column(column).cast(pa.string()) for one in (train, test))
        rows = np.flatnonzero(pc.is_valid(own).to_numpy())
        found = _first(draw_by_lot.numbered(own)[rows], draw_by_lot.numbered(asked))
        fresh = pc.is_valid(asked).to_numpy() & (found >= 0) & (twin < 0)
        twin = np.where(fresh, rows[found], twin)
        for row in np.flatnonzero(fresh):
            values[row] = f"{column} {asked[int(row)].as_py()!r}"
        used.append(column)
    if not used:
        sides = [side for side, one in (("training", train), ("test", test)) if all(_is_empty(one, c) for c in columns)]
        return skipped(name, test, f"no {' or '.join(columns)} in the {' and '.join(sides) or 'same'} records")
    return Finding(name, twin, lambda row: f"of {values[row]}, as training photo {_name(train, twin[row])}")


def _is_empty(records: Records, column: str) -> bool:
    names = records.table.column_names
    return column not in names or records.table[column].null_count == len(records)


def seconds_apart(train: Records, test: Records, seconds: float) -> Finding:
    """Find test photos that a user of the training photos took at most ``seconds`` before or after one of those."""
    for column in ("user", "taken_at"):
        for side, one in (("training", train), ("test", test)):
            if _is_empty(one, column):
                return skipped(MOMENT, test, f"no {column} in the {side} records")
    (own, own_time, own_known), (asked, time, known) = (_moments(one) for one in (train, test))
    rows = np.flatnonzero(own_known)
    rows = rows[np.lexsort((rows, own_time[rows], own[rows]))]
    users, times = own[rows], own_time[rows]
    low, high = np.searchsorted(users, asked, "left"), np.searchsorted(users, asked, "right")
    twin, apart = np.full(len(test), -1), np.full(len(test), np.inf)
    for row in np.flatnonzero(known & (high > low)):
        place = low[row] + np.searchsorted(times[low[row] : high[row]], time[row])
        for other in (place - 1, place):
            if low[row] <= other < high[row] and abs(times[other] - time[row]) / 1e6 < apart[row]:
                twin[row], apart[row] = rows[other], abs(times[other] - time[row]) / 1e6
    twin = np.where(apart <= seconds, twin, -1)
    return Finding(
        MOMENT,
        twin,
        lambda row: f"{apart[row]:g} s apart from training photo {_name(train, twin[row])} of the same user",
    )


def _moments(records: Records) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the number of each photo's user, the time in microseconds since 1970, and whether both are known."""
    user, time = records.table["user"], records.table["taken_at"]
    known = pc.and_(pc.is_valid(user), pc.is_valid(time)).to_numpy()
    return draw_by_lot.numbered(user), pc.fill_null(time.cast(pa.int64()), 0).to_numpy(), known


def in_gallery(test: Records, gallery: ArrayLike | None) -> Finding:
    """Find test photos at coordinates (m, 2) that answers are chosen from; None skips the check."""
    if gallery is None:
        return skipped(GALLERY, test, "none was given, --gallery FILE")
    distance_km, nearest = sphere.Nearest(gallery).query(test.points)
    return Finding(
        GALLERY,
        np.where(distance_km <= SAME_PLACE_KM, nearest, -1),
        lambda row: f"its coordinates are number {nearest[row] + 1} of the gallery",
    )
