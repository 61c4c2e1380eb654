"""Posteriors whose rows share a background: a library's own places over the prior, 24,000 places that are the same for
every photo. What the background says of a place is found once; the answers are those of all places written out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_sum_exp
from whereshot.posterior import candidates
from whereshot.posterior.base import EXACT_PLACES, MIN_SPREAD_KM, Posterior, Rows
from whereshot.posterior.place_shape import circle_share, half_square
from whereshot.posterior.support import Spots

_KEPT = 100_000
"""Answers about the background that are kept."""


class Ground(Spots):
    """Own places (p, 2) with extents (p,), and behind them the places of a background, a posterior of one row."""

    def __init__(self, places: ArrayLike, spread_km: ArrayLike, background: Posterior) -> None:
        if len(background) != 1 or not background.shared:
            raise InputError(f"a background is a posterior of one row; got {background}")
        spread = np.maximum(np.asarray(spread_km, np.float64), MIN_SPREAD_KM)
        super().__init__(
            np.concatenate([sphere.points(places), background.places]), np.concatenate([spread, background.spread_km])
        )
        self.background, self.own = background, len(spread)
        self.log_mass, self.mass = background.log_mass[0], background.mass[0]
        self._within: dict[tuple[float, float, float], float] = {}
        self._gains: dict[candidates.Gain, dict[int, tuple[NDArray[np.int64], NDArray[np.float64], float]]] = {}
        self._near: dict[tuple[float, float, float], NDArray[np.int64]] = {}

    @functools.cached_property
    def _by_mass(self) -> NDArray[np.int64]:
        return np.argsort(-self.mass, kind="stable")

    def likely(self, k: int) -> NDArray[np.int64]:
        """Numbers of the k heaviest places of the background, in order of their numbers."""
        return self.kept(f"likely {k}", lambda: np.sort(self._by_mass[:k]) + self.own)

    def background_within(self, centers: NDArray[np.float64], km: float) -> NDArray[np.float64]:
        """The background's mass (m,) within a distance of each center (m, 2)."""
        keys = [(*center, km) for center in centers.tolist()]
        if len(self._within) > _KEPT:
            self._within.clear()
        edge = half_square(min(km, sphere.HALF_CIRCUMFERENCE_KM))
        for key in {key for key in keys if key not in self._within}:
            offset = self.offsets(sphere.xyz(key[:2]), slice(self.own, None))
            self._within[key] = float(self.mass @ circle_share(offset, self.scale[self.own :], edge))
        return np.array([self._within[key] for key in keys])

    def near(self, center: NDArray[np.float64], km: float) -> NDArray[np.int64]:
        """Numbers of the places at most so far from one of them (2,)."""
        key = (*center.tolist(), km)
        if len(self._near) > _KEPT // 10:
            self._near.clear()
        if key not in self._near:
            self._near[key] = candidates.within(self, center, km)
        return self._near[key]

    def gains(
        self, chosen: NDArray[np.int64], gain: candidates.Gain
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float64], float]]:
        """For each candidate the own places in its reach, what it gains by them, and what by the whole background."""
        known = self._gains.setdefault(gain, {})
        missing = np.array(sorted({number for number in chosen.tolist() if number not in known}), np.int64)
        if len(missing):
            candidate, place, gained = candidates.judges(self, missing, gain)
            behind = place >= self.own
            mass = self.mass[place[behind] - self.own]
            totals = np.bincount(candidate[behind], gained[behind] * mass, len(missing)).tolist()
            candidate, place, gained = candidate[~behind], place[~behind], gained[~behind]
            ends = np.searchsorted(candidate, np.arange(len(missing) + 1)).tolist()
            for at, number in enumerate(missing.tolist()):
                part = slice(ends[at], ends[at + 1])
                known[number] = place[part], gained[part], totals[at]
        return [known[number] for number in chosen.tolist()]

    @functools.cached_property
    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Cells that may be among a row's heaviest: each own place's (p,); the background's mass in each; its heaviest
        place there, or -1."""
        cell, own = candidates.cells_of(self), self.own
        behind = np.asarray(np.bincount(cell[own:], self.mass), np.float64)
        behind = np.pad(behind, (0, cell.max() + 1 - len(behind)))
        heaviest = np.full(len(behind), -1)
        heaviest[cell[own:][self._by_mass[::-1]]] = self._by_mass[::-1] + own  # of several the last one stays
        kept = np.unique(np.concatenate([cell[:own], candidates.heaviest(behind[None], candidates.CANDIDATES)[0]]))
        return np.searchsorted(kept, cell[:own]), behind[kept], heaviest[kept]


class Foreground(Posterior):
    """Rows of masses of a ground's own places, the rest of each spread as its background.

    ``log_mass`` of all places is written out when it is asked for; the common questions do not need it.
    """

    def __init__(self, ground: Ground, log_mass: ArrayLike, log_rest: ArrayLike) -> None:
        own, rest = np.atleast_2d(np.asarray(log_mass, np.float64)), np.asarray(log_rest, np.float64)
        if own.shape != (len(rest), ground.own):
            raise InputError(f"{len(rest)} rows of {ground.own} places need as many masses; got {own.shape}")
        both = np.concatenate([own, rest[:, None]], axis=1)
        if np.isnan(both).any():
            raise InputError("a posterior must not hold NaN")
        if not (both.max(axis=1, initial=-np.inf) > -np.inf).all():
            raise InputError("a posterior needs at least one place with mass in every row")
        both -= log_sum_exp(both)[:, None]
        self._of(ground, both[:, :-1], both[:, -1])

    def _of(self, ground: Ground, own: NDArray[np.float64], rest: NDArray[np.float64]) -> Foreground:
        self.ground, self.own, self.rest = ground, own, rest
        self._ranking: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self.places, self.spread_km, self._spots = ground.places, ground.spread_km, ground
        return self

    @functools.cached_property
    def log_mass(self) -> NDArray[np.float64]:  # type: ignore[override]  # made when it is first asked for
        """Log masses (n, k) of all places."""
        return np.concatenate([self.own, self.rest[:, None] + self.ground.log_mass], axis=1)

    def __len__(self) -> int:
        return len(self.own)

    def __repr__(self) -> str:
        return f"Posterior({len(self)} rows on {len(self.ground)} places)"

    def __getitem__(self, rows: Rows) -> Foreground:
        if isinstance(rows, (int, np.integer)):
            rows = [int(rows)]
        return object.__new__(Foreground)._of(self.ground, self.own[rows], self.rest[rows])

    @classmethod
    def concat(cls, parts: Sequence[Posterior]) -> Posterior:
        return Posterior.concat(list(parts))

    def top(self, k: int) -> Posterior:
        ground, likely = self.ground, self.ground.likely(k)
        numbers = np.concatenate([np.arange(ground.own), likely])
        log_mass = np.concatenate([self.own, self.rest[:, None] + ground.log_mass[likely - ground.own]], axis=1)
        best = candidates.heaviest(log_mass, k)
        return Posterior(
            self.places[numbers[best]], np.take_along_axis(log_mass, best, 1), self.spread_km[numbers[best]]
        )

    def ranked(self, number: int, k: int) -> tuple[Spots, NDArray[np.float64], NDArray[np.int64]]:
        ground, (heavy, _) = self.ground, self._heaviest(number, k)
        return ground, np.concatenate([np.exp(self.own[number]), np.exp(self.rest[number]) * ground.mass]), heavy

    def weigh(
        self, number: int, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if not np.isfinite(gain.reach_km):
            return super().weigh(number, gain, near, near_km)
        ground = self.ground
        heavy, mass = self._heaviest(number, candidates.CANDIDATES)
        if mass.sum() >= candidates.FOCUSED:
            return candidates.among(ground, heavy, mass, gain, near, near_km)
        own, rest = np.exp(self.own[number]), np.exp(self.rest[number])
        half = candidates.CANDIDATES // 2
        if near is None:
            chosen = np.concatenate([heavy[:half], self._heaviest_of_cells(own, rest, candidates.CANDIDATES - half)])
        else:
            allowed = ground.near(near, near_km)
            mine = np.searchsorted(allowed, ground.own)
            held = np.concatenate([own[allowed[:mine]], rest * ground.mass[allowed[mine:] - ground.own]])
            chosen = allowed[candidates.heaviest(held[None], half)[0]]
        gains = ground.gains(chosen, gain)
        candidate = np.repeat(np.arange(len(chosen)), [len(place) for place, _, _ in gains])
        place, gained = (np.concatenate([part[at] for part in gains]) for at in (0, 1))
        expected = np.bincount(candidate, gained * own[place], len(chosen))
        return chosen, expected + rest * np.array([behind for _, _, behind in gains])

    def mass_within(self, center: ArrayLike, km: ArrayLike) -> NDArray[np.float64]:
        center = np.broadcast_to(sphere.points(center), (len(self), 2))
        km = np.broadcast_to(np.asarray(km, np.float64), (len(self),))
        ground, mine = self.ground, slice(self.ground.own)
        out = np.empty(len(self))
        for radius in np.unique(km):
            rows = np.flatnonzero(km == radius)
            edge = half_square(min(radius, sphere.HALF_CIRCUMFERENCE_KM))
            offset = ground.offsets(sphere.xyz(center[rows])[:, None], mine)
            own = (np.exp(self.own[rows]) * circle_share(offset, ground.scale[mine], edge)).sum(axis=1)
            out[rows] = own + np.exp(self.rest[rows]) * ground.background_within(center[rows], float(radius))
        return np.clip(out, 0.0, 1.0)

    def totals(self, group: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        own, ground = self.ground.own, self.ground
        behind = np.bincount(group[own:], ground.mass, count)
        mine = np.stack([np.bincount(group[:own], mass, count) for mass in np.exp(self.own)])
        return mine + np.exp(self.rest)[:, None] * behind

    def _heaviest(self, number: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers and masses of the heaviest places of a row, the heaviest first; of equal ones by number."""
        if number not in self._ranking:
            ground, likely = self.ground, self.ground.likely(EXACT_PLACES)
            mass = np.exp(np.concatenate([self.own[number], self.rest[number] + ground.log_mass[likely - ground.own]]))
            best = np.argsort(-mass, kind="stable")[:EXACT_PLACES]
            self._ranking[number] = np.concatenate([np.arange(ground.own), likely])[best], mass[best]
        numbers, mass = self._ranking[number]
        return numbers[:k], mass[:k]

    def _heaviest_of_cells(self, own: NDArray[np.float64], rest: float, count: int) -> NDArray[np.int64]:
        """The heaviest place of each of the heaviest cells of a row."""
        cell, behind, heaviest = self.ground.cells
        cells = candidates.heaviest((np.bincount(cell, own, len(behind)) + rest * behind)[None], count)[0]
        best = np.full(len(behind), -1)
        order = np.argsort(own)
        best[cell[order]] = order  # of several places of a cell the last one, the heaviest, stays
        mine, theirs = best[cells], heaviest[cells]
        by_own = np.where(mine >= 0, own[mine], -1.0)
        by_rest = np.where(theirs >= 0, rest * self.ground.mass[np.maximum(theirs - self.ground.own, 0)], -1.0)
        result: NDArray[np.int64] = np.where(by_own >= by_rest, mine, theirs)
        return result
