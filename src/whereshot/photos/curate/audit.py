"""Find what a test set shares with a training set: counts, a report, and a cleaned test set.

Flickr's test sets hold the photographers, albums and seconds of its training sets, and near copies of their photos: a
score on such photos shows how well a model remembers. Every finding names the training photo that is shared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import rejects_table, write_rejects
from whereshot.photos.curate import near_hashes
from whereshot.photos.curate.audit_checks import (
    ALBUM,
    BYTES,
    CHECKS,
    LOOK,
    MOMENT,
    SEQUENCE,
    SEQUENCE_COLUMNS,
    USER,
    Finding,
    in_gallery,
    same_pictures,
    same_place,
    same_value,
    seconds_apart,
    skipped,
)
from whereshot.photos.curate.duplicates import LOOK_BITS
from whereshot.photos.records import Records

DROPPED = (BYTES, LOOK, USER, ALBUM, SEQUENCE, MOMENT)
"""The findings for which a photo is left out by default. A place that is known from training is not a reason."""

RINGS_KM = (0.01, 0.1, 1.0, 25.0, 200.0, 750.0, 2500.0)
SECONDS = 60.0


@dataclass(frozen=True)
class Audit:
    """All findings about a test set.

    Attributes:
        train: number of training photos.
        test: number n of test photos.
        findings: one for each check, in the order of ``CHECKS``.
        nearest_km: (n,) distance of each test photo to the nearest training photo.
        drop: names of the findings for which a test photo is left out.
        notes: remarks for a person.
    """

    train: int
    test: int
    findings: tuple[Finding, ...]
    nearest_km: NDArray[np.float64]
    drop: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> list[Finding | None]:
        """Return for each test photo the first finding for which it is left out, or None."""
        found: list[Finding | None] = [None] * self.test
        for finding in reversed(self.findings):
            if finding.name in self.drop:
                for row in np.flatnonzero(finding.rows):
                    found[row] = finding
        return found

    @property
    def kept(self) -> int:
        """The number of test photos that are left."""
        return sum(reason is None for reason in self.reasons)

    @property
    def line(self) -> str:
        """The whole audit in one line, to print beside a score."""
        shares = [
            f"{self.count(names)} ({self.count(names) / max(self.test, 1):.1%}) {words}"
            for names, words in (
                ((BYTES, LOOK), "copies of training photos"),
                ((USER,), "of its users"),
                ((ALBUM, SEQUENCE), "of its albums or sequences"),
                ((MOMENT,), "seconds apart from one of the same user"),
            )
            if any(not finding.skipped for finding in self.findings if finding.name in names)
        ]
        shares.append(f"{self.within(1.0) / max(self.test, 1):.1%} within 1 km of one")
        skipped = [finding.name for finding in self.findings if finding.skipped and finding.name in DROPPED]
        rest = f"; not checked: {', '.join(skipped)}" if skipped else ""
        return f"audit of {self.test} test photos against {self.train} training photos: {', '.join(shares)}{rest}"

    def count(self, names: Sequence[str]) -> int:
        """Return how many test photos have any of these findings."""
        rows = [finding.rows for finding in self.findings if finding.name in names]
        return int(np.logical_or.reduce(rows).sum()) if rows else 0

    def within(self, km: float) -> int:
        """Return how many test photos have a training photo within a distance in km."""
        return int((self.nearest_km <= km).sum())

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows, as JSON values."""
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
        """Return the report as two tables in Markdown."""
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

    Pictures are compared by the columns content_hash, look_hash and edge_hash, which ``curate --duplicates`` writes.
    Pictures without these columns are read. Raises InputError for settings out of range.
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
    notes: list[str] = []
    if pictures:
        findings, notes = same_pictures(train, test, look_bits, track)
    else:
        findings = [skipped(name, test, "no pictures are compared") for name in (BYTES, LOOK)]
    findings += [same_value(USER, ("user",), train, test), same_value(ALBUM, ("album",), train, test)]
    findings += [same_value(SEQUENCE, SEQUENCE_COLUMNS, train, test), seconds_apart(train, test, seconds)]
    at_the_same_place, nearest_km = same_place(train, test)
    findings += [at_the_same_place, in_gallery(test, gallery)]
    return Audit(len(train), len(test), tuple(findings), nearest_km, tuple(drop or DROPPED), tuple(notes))


def read_line(path: str | Path) -> str:
    """Return the line of an audit that was written as JSON. Raises InputError where the file is not an audit."""
    try:
        line = json.loads(Path(path).read_text("utf-8"))["line"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no audit; make one with: whereshot audit TRAIN TEST --report DIR") from error
    return str(line)
