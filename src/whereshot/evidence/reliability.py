"""How likely a cue is right, by its trust and by the surface of its text, and which cues are right or wrong together.

The cues on a sign are independent of each other. The cues on a package, a shirt or a screen are not: the language, the
company and the town on one package all say where it was made. Together they are as reliable as the best of them.

The table is ``reliability.toml``: the reliability of each trust on each surface, and assumed shares of the surfaces,
which are used for text whose surface was not judged. ``benchmarks/reliabilities.py --fit`` fits it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from whereshot.evidence.base import SURFACES, Cue
from whereshot.foundation.errors import InputError
from whereshot.foundation.package_data import read_toml

Table = Mapping[str, float | Mapping[str, float]]
"""The reliability of each trust: a number on every surface, or numbers by the names of ``SURFACES``."""
REMARKS = {
    "vehicle": "on a vehicle: it says where that is at home, not where it is",
    "package": "on a package: it says where that was made, not where it is",
    "clothing": "on clothing: it says nothing of where that is worn",
    "print": "on paper: it may come from elsewhere",
    "screen": "on a screen: it may come from anywhere",
    "overlay": "written over the picture: it is no part of the scene",
}
"""Why text on a surface is weaker evidence than text on a sign."""
ALIKE = 0.6
"""Distance between the surfaces of two cues below which they may stand on the same thing."""
MOST = 1 - 1e-9
"""Largest reliability: no cue is certain, so that the logarithm of an error stays finite."""


@dataclass(frozen=True)
class Together:
    """Cues on one surface, and every set of them that may be right together, with its probability.

    The probabilities of the sets sum to 1. The cues outside a set are wrong and carry no information.
    """

    cues: tuple[int, ...]
    sets: Mapping[tuple[int, ...], float]


@dataclass(frozen=True)
class Reliabilities:
    """Reliabilities by trust and surface. ``shares`` are the assumed shares of the surfaces, summing to 1.

    ``fitted_shares`` are the shares for which lines were judged; where ``shares`` differ from them, judged
    probabilities are reweighed. Raises InputError for a surface that is not known or a reliability outside 0 to 1.

    >>> Reliabilities({"text/word": {"sign": 0.8, "package": 0.2}}).on("text/word", "package")
    0.2
    """

    table: Table
    shares: Mapping[str, float] = field(default_factory=lambda: {"sign": 1.0})
    fitted_shares: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Refuse surfaces that are not known, and numbers that are not probabilities."""
        check_shares(self.shares)
        for trust, row in self.table.items():
            for name, value in row.items() if isinstance(row, Mapping) else (("sign", row),):
                if name not in SURFACES or not 0 <= value <= 1:
                    raise InputError(
                        f"the reliability of {trust!r} on {name!r} is {value:g}; expected numbers from 0 to 1 for "
                        f"{', '.join(SURFACES)}"
                    )

    def on(self, trust: str, surface: str) -> float:
        """Return the reliability of a trust on a surface. Raises InputError for a trust that has no row."""
        row = self.table.get(trust)
        if row is None:
            raise InputError(f"the trust {trust!r} has no reliability; add a row to evidence/data/reliability.toml")
        return float(row.get(surface, 0.0)) if isinstance(row, Mapping) else float(row)

    def best(self, cue: Cue) -> float:
        """Return the reliability of a cue on the surface where it is most reliable, after its discount."""
        return min(self._highest(cue.trust) * cue.discount, MOST)

    def with_shares(self, shares: Mapping[str, float] | None) -> Reliabilities:
        """Return the same reliabilities with other assumed shares of the surfaces; None keeps the shares."""
        return self if shares is None else replace(self, shares=shares)

    def of(self, cue: Cue) -> float:
        """Return the reliability of a cue: the mean over the surfaces that it may stand on, after its discount."""
        surfaces = self.surfaces(cue)
        return sum(share * self.on(cue.trust, surface) for surface, share in surfaces.items()) * cue.discount

    def surfaces(self, cue: Cue) -> dict[str, float]:
        """Return the probabilities of the surfaces of a cue; the assumed shares where its surface was not judged."""
        judged = cue.surfaces or self.shares
        if cue.surfaces is not None and self.fitted_shares is not None and self.fitted_shares != self.shares:
            judged = {
                name: value * self.shares.get(name, 0.0) / max(self.fitted_shares.get(name, 0.0), 1e-6)
                for name, value in judged.items()
            }
        total = sum(judged.values())
        return {name: value / total for name, value in judged.items() if value > 0}

    def together(self, cues: Sequence[Cue]) -> list[Together]:
        """Return the cues in groups: each cue that is not read alone, the others with those on a similar surface.

        One package can be taken for a sign by one of its lines and not by another: each cue of a group differs from
        the first one by less than ``ALIKE`` in the probabilities of their surfaces.
        """
        alone: list[Together] = []
        groups: list[list[int]] = []
        stands_on = [self.surfaces(cue) for cue in cues]
        for row, cue in enumerate(cues):
            if not cue.kind.startswith("text"):
                alone.append(Together((row,), {(row,): 1.0}))
                continue
            near = next((group for group in groups if _differ(stands_on[row], stands_on[group[0]]) < ALIKE), None)
            if near is None:
                groups.append([row])
            else:
                near.append(row)
        return [*alone, *(self._sets(rows, cues, stands_on) for rows in groups)]

    def _sets(self, rows: Sequence[int], cues: Sequence[Cue], stands_on: Sequence[Mapping[str, float]]) -> Together:
        """Return the sets of cues that may be right together; ``stands_on`` are the surfaces of all cues.

        Let t be a cue's reliability on a surface, divided by its reliability on its best surface. On that surface the
        cue may be right with probability t; whenever it may be right, every cue with a larger t may be right too.
        """
        sets: dict[tuple[int, ...], float] = {}
        for surface in SURFACES:
            share = sum(stands_on[row].get(surface, 0.0) for row in rows) / len(rows)
            if share <= 0:
                continue
            level = {row: self._level(cues[row], surface) for row in rows}
            order = sorted(rows, key=lambda row: -level[row])
            above = 1.0
            for count, row in enumerate(order):
                key = tuple(sorted(order[:count]))
                sets[key] = sets.get(key, 0.0) + share * (above - level[row])
                above = level[row]
            key = tuple(sorted(order))
            sets[key] = sets.get(key, 0.0) + share * above
        return Together(tuple(rows), {key: value for key, value in sets.items() if value > 0})

    def _level(self, cue: Cue, surface: str) -> float:
        """Return a trust's reliability on a surface as a share of its best one."""
        highest = self._highest(cue.trust)
        return self.on(cue.trust, surface) / highest if highest > 0 else 0.0

    def _highest(self, trust: str) -> float:
        """Return the reliability of a trust on the surface where it is most reliable."""
        return max(self.on(trust, surface) for surface in SURFACES)


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the total variation distance (0 to 1) between the surfaces of two cues."""
    return 0.5 * sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in SURFACES)


def likeliest_surface(cue: Cue) -> str | None:
    """Return what a cue's text most likely stands on; None where that was not judged."""
    if cue.surfaces is None:
        return None
    surfaces = cue.surfaces
    return max(surfaces, key=lambda name: surfaces[name])


def meaning_on_surface(cue: Cue) -> str:
    """Return what a cue means, with a remark where its text does not stand on a sign."""
    remark = REMARKS.get(likeliest_surface(cue) or "")
    return cue.means if remark is None else f"{cue.means} ({remark})"


def check_shares(shares: Mapping[str, float]) -> None:
    """Raise InputError for assumed shares that name no surface or do not sum to 1."""
    for name, value in shares.items():
        if name not in SURFACES or not 0 <= value <= 1:
            raise InputError(
                f"the share of {name!r} is {value:g}; expected numbers from 0 to 1 for {', '.join(SURFACES)}"
            )
    total = sum(shares.values())
    if abs(total - 1) > 1e-3:
        raise InputError(f"the shares of the surfaces sum to {total:g}; they must sum to 1")


@functools.cache
def fitted_reliabilities() -> Reliabilities:
    """Return the fitted table with its assumed shares."""
    document = read_toml("evidence/data/reliability.toml")
    shares = {name: float(value) for name, value in document["shares"].items()}
    return Reliabilities(document["reliability"], shares, shares)
