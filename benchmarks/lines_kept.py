"""Which lines that moved an answer are still read, and what becomes of the answers.

    python benchmarks/lines_kept.py BEFORE AFTER

BEFORE and AFTER are folders of readings (see readings.py): the build before wrote BEFORE; this build reads the photos
that AFTER lacks. A line moved an answer if it lies in the box of a cue that changed the
probability of the answer by at least 0.1 nats, after the prior of the world alone. It is still seen if there is a line
at its place, and kept if that line still lies in such a cue of the same kind. New lines move the answer of AFTER alone.
Many lines that are not kept are read slightly differently, or their cue moves the answer by a little less.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from readings import PHOTOS, ReadPhoto, read_table

from whereshot.earth import sphere
from whereshot.evidence import EVIDENCE, PhotoFacts, Reading
from whereshot.evidence.base import Box, Line
from whereshot.evidence.fusion import Fused, PosteriorBeforeCues
from whereshot.locate.answers import CANDIDATE_KM
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import decide
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

TABLES = ("signs_dev", "scene_dev", "scripts_dev", "portable_dev")
LEAST_NATS = 0.1
LEAST_OVERLAP = 0.4
"""Least share of the smaller of two boxes that both have in common, for them to be the same place."""
CITY_KM = 25.0


class Answered(NamedTuple):
    """A reading, its cues after the prior, the answer (2,), and the posterior."""

    reading: Reading
    fused: Fused | None
    answer: NDArray[np.float64] | None
    posterior: Posterior


class Moving(NamedTuple):
    """A line, and the kind of a cue that it gave and that moved an answer."""

    line: Line
    kind: str


def answered(reading: Reading, prior: Posterior, before: PosteriorBeforeCues) -> Answered:
    cues = []
    if reading.not_a_photo is None and (reading.lines or reading.unread):
        cues = EVIDENCE["text"](PhotoFacts(reading.lines, unread=reading.unread))
    fused = before.fuse(cues) if cues else None
    posterior = prior if fused is None else fused.posterior
    return Answered(reading, fused, decide(posterior)[0] if cues else None, posterior)


def moving(found: Answered, answer: NDArray[np.float64] | None) -> list[Moving]:
    """Return the lines of a photo whose cues moved the probability of an answer (2,)."""
    if found.fused is None or answer is None:
        return []
    boxes = [
        (weighed.cue.box, weighed.cue.kind)
        for weighed in found.fused.weigh_near(answer, CANDIDATE_KM)
        if abs(weighed.nats) >= LEAST_NATS and weighed.cue.box is not None
    ]
    lines = [*found.reading.lines, *found.reading.unread]
    return [
        Moving(line, kind) for line in lines for box, kind in dict.fromkeys(boxes) if _overlap(line.box, box) > 0.95
    ]


def is_kept(line: Moving, after: Iterable[Moving]) -> bool:
    """Return whether a line at the same place still gives a cue of the same kind that moves the answer."""
    return any(line.kind == own.kind and _overlap(line.line.box, own.line.box) > LEAST_OVERLAP for own in after)


def is_seen(line: Moving, after: Reading) -> bool:
    """Return whether there is still a line at this place."""
    return any(_overlap(line.line.box, own.box) > LEAST_OVERLAP for own in (*after.lines, *after.unread))


def _overlap(a: Box, b: Box) -> float:
    """Return the common area of two boxes as a share of the first, or of the smaller of them."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(width, 0) * max(height, 0) / max(smaller, 1)


def figures(photo: ReadPhoto, found: Answered) -> tuple[bool, bool]:
    """Return whether the true country comes first, and whether the answer is within 25 km."""
    ranked = [code for code, _ in country_masses(found.posterior)[0]]
    near = False
    if photo.position is not None:
        near = float(sphere.distance_km(decide(found.posterior)[0], photo.position)) <= CITY_KM
    return ranked[:1] == [photo.row["country_code"]], near


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tables", nargs="+", default=TABLES, help=f"shared tables (default {' '.join(TABLES)})")
    parser.add_argument("--every", type=int, default=1, help="only every so many photos (for a quick look)")
    parser.add_argument("--show", action="store_true", help="print the lines that are lost")
    given = parser.parse_args()
    prior = density_prior()
    start = PosteriorBeforeCues.of(prior)
    print("| table | photos | lines that moved an answer | still seen | kept | new | country first | within 25 km |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    sums = np.zeros(4, int)
    for table in given.tables:
        counts, right = np.zeros(4, int), np.zeros((2, 2), int)
        pairs = zip(
            read_table(table, given.before, given.every), read_table(table, given.after, given.every), strict=True
        )
        photos = 0
        for old, new in pairs:
            photos += 1
            own, other = (answered(photo.reading, prior, start) for photo in (old, new))
            answer = own.answer if own.answer is not None else other.answer
            lines, lines_now = moving(own, answer), moving(other, answer)
            lost = [line for line in lines if not is_kept(line, lines_now)]
            seen = sum(is_seen(line, new.reading) for line in lines)
            counts += (len(lines), seen, len(lines) - len(lost), sum(not is_kept(line, lines) for line in lines_now))
            right += np.array([figures(old, own), figures(new, other)], int)
            for line in lost if given.show else []:
                print(f"    {PHOTOS / old.row['path']}: {line.kind} {line.line.text!r} {line.line.box}")
        sums += counts
        cells = " | ".join(f"{before} -> {after}" for before, after in right.T)
        print(f"| {table} | {photos} | {' | '.join(map(str, counts))} | {cells} |", flush=True)
    seen, kept = (f"{count} ({100 * count / max(sums[0], 1):.1f} %)" for count in sums[1:3])
    print(f"| **all** | | {sums[0]} | {seen} | {kept} | {sums[3]} | | |")


if __name__ == "__main__":
    main()
