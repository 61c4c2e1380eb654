"""What a test set shares with a training set: two Records in; counts, a report and a cleaned test set out.

Flickr's test sets hold the photographers, albums and seconds of its training sets, and near copies of their photos: a
score on such photos says how well a model remembers. Every finding names the training photo that it is about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import ImageError, InputError, nearest_name
from whereshot.foundation.processes import cores, spread
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import rejects_table, write_rejects
from whereshot.photos import images, picture_bytes
from whereshot.photos.curate import draw_by_lot, hashes, near_hashes
from whereshot.photos.curate.duplicates import EDGE_BITS, LOOK_BITS
from whereshot.photos.records import Records

BYTES, LOOK, USER, ALBUM = "same bytes", "same look", "same user", "same album"
SEQUENCE, MOMENT, PLACE, GALLERY = "same sequence", "seconds apart", "same coordinates", "in the gallery"
CHECKS = (BYTES, LOOK, USER, ALBUM, SEQUENCE, MOMENT, PLACE, GALLERY)

DROPPED = (BYTES, LOOK, USER, ALBUM, SEQUENCE, MOMENT)
"""What a photo is left out for by default. Its place is no secret of the training set's: that is what is learnt."""

SEQUENCE_COLUMNS = ("sequence", "sequence_id", "group")
RINGS_KM = (0.01, 0.1, 1.0, 25.0, 200.0, 750.0, 2500.0)
SAME_PLACE_KM = 0.001
"""A metre: coordinates that were rounded to five digits are still the same."""

SECONDS = 60.0
_PORTION = 64
_FEW = 256


@dataclass(frozen=True)
class Finding:
    """One check: which test photos (n,) have a training photo for it, which row that is, and what to say of one.

    ``skipped`` says why the check could not be made, and is "" where it was.
    """

    name: str
    twin: NDArray[np.int64]
    sentence: Callable[[int], str] = lambda row: ""
    skipped: str = ""

    @property
    def rows(self) -> NDArray[np.bool_]:
        return self.twin >= 0


@dataclass(frozen=True)
class Audit:
    """All findings on ``test`` photos (n); ``nearest_km`` (n,) is how far the nearest training photo is."""

    train: int
    test: int
    findings: tuple[Finding, ...]
    nearest_km: NDArray[np.float64]
    drop: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> list[Finding | None]:
        """Of every test photo, the first finding for which it is left out."""
        found: list[Finding | None] = [None] * self.test
        for finding in reversed(self.findings):
            if finding.name in self.drop:
                for row in np.flatnonzero(finding.rows):
                    found[row] = finding
        return found

    @property
    def kept(self) -> int:
        return sum(reason is None for reason in self.reasons)

    @property
    def line(self) -> str:
        """The whole audit in one line, for whoever reads a score."""
        told = [
            f"{self.count(names)} ({self.count(names) / max(self.test, 1):.1%}) {words}"
            for names, words in (
                ((BYTES, LOOK), "copies of training photos"),
                ((USER,), "of its users"),
                ((ALBUM, SEQUENCE), "of its albums or sequences"),
                ((MOMENT,), "seconds apart from one of the same user"),
            )
            if any(not finding.skipped for finding in self.findings if finding.name in names)
        ]
        told.append(f"{self.within(1.0) / max(self.test, 1):.1%} within 1 km of one")
        skipped = [finding.name for finding in self.findings if finding.skipped and finding.name in DROPPED]
        rest = f"; not checked: {', '.join(skipped)}" if skipped else ""
        return f"audit of {self.test} test photos against {self.train} training photos: {', '.join(told)}{rest}"

    def count(self, names: Sequence[str]) -> int:
        """How many photos have any of these findings."""
        rows = [finding.rows for finding in self.findings if finding.name in names]
        return int(np.logical_or.reduce(rows).sum()) if rows else 0

    def within(self, km: float) -> int:
        """How many have a training photo at most so far away."""
        return int((self.nearest_km <= km).sum())

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, as JSON values."""
        return {
            "train": self.train,
            "test": self.test,
            "checks": [
                {
                    "name": finding.name,
                    "photos": None if finding.skipped else int(finding.rows.sum()),
                    "share": None if finding.skipped else float(finding.rows.sum() / max(self.test, 1)),
                    "skipped": finding.skipped or None,
                }
                for finding in self.findings
            ],
            "rings": [
                {"km": km, "photos": self.within(km), "share": self.within(km) / max(self.test, 1)} for km in RINGS_KM
            ],
            "drop": list(self.drop),
            "kept": self.kept,
            "line": self.line,
            "notes": list(self.notes),
        }

    def to_markdown(self) -> str:
        """The report as two tables."""
        lines = [f"{self.test} test photos, {self.train} training photos", "", "| finding | test photos | share |"]
        lines.append("|---|---:|---:|")
        for finding in self.findings:
            if finding.skipped:
                lines.append(f"| {finding.name} | not checked: {finding.skipped} | |")
            else:
                count = int(finding.rows.sum())
                lines.append(f"| {finding.name} | {count} | {count / max(self.test, 1):.1%} |")
        lines += ["", "| nearest training photo | test photos | share |", "|---|---:|---:|"]
        for km in RINGS_KM:
            lines.append(f"| within {km:g} km | {self.within(km)} | {self.within(km) / max(self.test, 1):.1%} |")
        lines += ["", f"Left for testing, without {', '.join(self.drop)}: {self.kept} of {self.test}."]
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join(lines) + "\n"

    def write_cleaned(self, test: Records, out: str | Path) -> None:
        """Write the test photos that are left as records, and the others as rejects. Raises OutputError."""
        reasons = self.reasons
        ids, pictures = test.strings("id"), test.strings("image")
        rejects = rejects_table(
            (ids[row], pictures[row], reason.name, reason.sentence(row))
            for row, reason in enumerate(reasons)
            if reason is not None
        )
        write_rejects(rejects, out)
        test[np.array([reason is None for reason in reasons], bool)].write(out)


def audit(
    train: Records,
    test: Records,
    *,
    gallery: ArrayLike | None = None,
    seconds: float = SECONDS,
    look_bits: int = LOOK_BITS,
    pictures: bool = True,
    drop: Sequence[str] | None = None,
    track: Track = silent,
) -> Audit:
    """Compare a test set with a training set; ``gallery`` (n, 2) are coordinates that answers are chosen from.

    Pictures are compared by the columns content_hash, look_hash and edge_hash, as ``curate --duplicates`` writes
    them, and read where there are none. Raises InputError on settings that cannot be.
    """
    for name in drop or ():
        if name not in CHECKS:
            raise InputError(f"--drop {name!r}: no such finding; {nearest_name(name, CHECKS)}")
    if not seconds >= 0:
        raise InputError(f"--seconds must not be negative; got {seconds:g}")
    if not 0 <= look_bits <= near_hashes.MOST_BITS:
        raise InputError(f"--look-bits must be 0 to {near_hashes.MOST_BITS}; got {look_bits}")
    if not len(train) or not len(test):
        raise InputError(f"the {'test' if len(train) else 'training'} set has no photos with positions")
    findings, notes = [], []
    if pictures:
        (own, lost_train), (asked, lost_test) = (_hashes(one, track) for one in (train, test))
        notes += [
            f"{lost} of {len(one)} {name} photos could not be read, and were not compared by picture"
            for lost, one, name in ((lost_train, train, "training"), (lost_test, test, "test"))
            if 0 < lost < len(one)
        ]
        findings += _same_pictures(train, own, test, asked, look_bits)
    else:
        findings += [_skipped(name, test, "no pictures are compared") for name in (BYTES, LOOK)]
    findings += [_same_value(USER, ("user",), train, test), _same_value(ALBUM, ("album",), train, test)]
    findings += [_same_value(SEQUENCE, SEQUENCE_COLUMNS, train, test), _seconds_apart(train, test, seconds)]
    nearest_km, nearest = sphere.Nearest(train.points).query(test.points)
    findings.append(
        Finding(
            PLACE,
            np.where(nearest_km <= SAME_PLACE_KM, nearest, -1),
            lambda row: f"at the coordinates of training photo {_name(train, nearest[row])}",
        )
    )
    findings.append(_in_gallery(test, gallery))
    return Audit(len(train), len(test), tuple(findings), nearest_km, tuple(drop or DROPPED), tuple(notes))


def read_line(path: str | Path) -> str:
    """The line of an audit that was written as JSON. Raises InputError where it is none."""
    try:
        line = json.loads(Path(path).read_text("utf-8"))["line"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no audit; make one with: whereshot audit TRAIN TEST --report DIR") from error
    return str(line)


def _skipped(name: str, test: Records, why: str) -> Finding:
    return Finding(name, np.full(len(test), -1), skipped=why)


def _name(records: Records, row: int) -> str:
    return repr(records.table["id"][int(row)].as_py())


# --- pictures

Hashed = tuple[NDArray[np.bytes_], NDArray[np.uint64], NDArray[np.bool_]]
"""Of every photo: the digest of its bytes, the two hashes (n, 2) of its look, whether they are known."""


Look = tuple[str, tuple[int, int]] | tuple[None, None]
"""The digest of a picture's bytes and the two hashes of its look; None for a picture that cannot be read."""

Value = TypeVar("Value", np.bytes_, np.uint64)


def _hashes(records: Records, track: Track) -> tuple[Hashed, int]:
    """The hashes, and how many photos could not be read."""
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
    portions = [paths[start : start + _PORTION] for start in range(0, len(paths), _PORTION)]
    if len(paths) <= _FEW or cores() == 1:
        read: Iterator[list[Look]] = map(hash_all, portions)
    else:
        read = spread(portions, _nothing, (), hash_all, cores())
    for portion in read:
        yield from portion


def hash_all(paths: Sequence[str | None]) -> list[Look]:
    """The digest of each picture and the two hashes of its look; None where there is none or it cannot be read."""
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


def _same_pictures(train: Records, own: Hashed, test: Records, asked: Hashed, bits: int) -> list[Finding]:
    if not own[2].any() or not asked[2].any():
        which = "test" if own[2].any() else "training"
        return [_skipped(name, test, f"no picture of a {which} photo is there") for name in (BYTES, LOOK)]
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
    """The first row of ``known`` that equals each of ``asked``; -1: none."""
    values, first = np.unique(known, return_index=True)
    place = np.minimum(np.searchsorted(values, asked), len(values) - 1)
    return np.where(values[place] == asked, first[place], -1)


# --- users, albums, moments, places


def _same_value(name: str, columns: Sequence[str], train: Records, test: Records) -> Finding:
    """The first training photo with the same value of any of the columns."""
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
        return _skipped(name, test, f"no {' or '.join(columns)} in the {' and '.join(sides) or 'same'} records")
    return Finding(name, twin, lambda row: f"of {values[row]}, as training photo {_name(train, twin[row])}")


def _is_empty(records: Records, column: str) -> bool:
    names = records.table.column_names
    return column not in names or records.table[column].null_count == len(records)


def _seconds_apart(train: Records, test: Records, seconds: float) -> Finding:
    """The training photo of the same user that is nearest in time, where it is so near."""
    for column in ("user", "taken_at"):
        for side, one in (("training", train), ("test", test)):
            if _is_empty(one, column):
                return _skipped(MOMENT, test, f"no {column} in the {side} records")
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
    """Of every photo: its user's number, its time in microseconds, whether both are known."""
    user, time = records.table["user"], records.table["taken_at"]
    known = pc.and_(pc.is_valid(user), pc.is_valid(time)).to_numpy()
    return draw_by_lot.numbered(user), pc.fill_null(time.cast(pa.int64()), 0).to_numpy(), known


def _in_gallery(test: Records, gallery: ArrayLike | None) -> Finding:
    if gallery is None:
        return _skipped(GALLERY, test, "none was given, --gallery FILE")
    distance_km, nearest = sphere.Nearest(gallery).query(test.points)
    return Finding(
        GALLERY,
        np.where(distance_km <= SAME_PLACE_KM, nearest, -1),
        lambda row: f"its coordinates are number {nearest[row] + 1} of the gallery",
    )
