"""Places over a background: a library's own places, and behind them the prior with 24,000 places for every photo.

Each row of a posterior stores the masses of its own places and one mass for the whole background. What the background
contributes is computed once for all rows. The answers equal the answers of a posterior with all places written out.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.foundation.errors import InputError
from whereshot.posterior import candidates
from whereshot.posterior.base import MIN_SPREAD_KM, Posterior
from whereshot.posterior.circles import EXACT_PLACES
from whereshot.posterior.place_set import PlaceSet
from whereshot.posterior.support import PlainSupport, Rows

_KEPT = 100_000
"""Results about the background that are kept."""

Gains = tuple[NDArray[np.int64], NDArray[np.float64], float]
"""The gain of one candidate: the own places in its reach, its gain from each, and its gain from the background."""


class PlacesOverBackground(PlaceSet):
    """A ``Support``: own places (p, 2) with extents (p,), and behind them the places of a background.

    A row has p weights of own places and, last, one weight of the whole background. ``background`` is a posterior of
    one row. Raises InputError for a background with several rows.
    """

    shared = True

    def __init__(self, places: ArrayLike, spread_km: ArrayLike, background: Posterior) -> None:
        if len(background) != 1 or not background.shared:
            raise InputError(f"a background is a posterior of one row; got {background}")
        spread = np.maximum(np.asarray(spread_km, np.float64), MIN_SPREAD_KM)
        super().__init__(
            np.concatenate([sphere.points(places), background.places]), np.concatenate([spread, background.spread_km])
        )
        self.background, self.own = background, len(spread)
        self.background_log_mass, self.background_mass = background.log_mass[0], background.mass[0]
        self._within: dict[tuple[float, float, float], float] = {}
        self._gains: dict[candidates.Gain, dict[int, Gains]] = {}
        self._near: dict[tuple[float, float, float], NDArray[np.int64]] = {}

    def posterior(self, log_mass: ArrayLike, log_rest: ArrayLike) -> Posterior:
        """Return the posterior with log masses (n, p) of the own places and ``log_rest`` (n,) of the background.

        Raises InputError for shapes that do not fit, for NaN, and for a row without mass.
        """
        own, rest = np.atleast_2d(np.asarray(log_mass, np.float64)), np.asarray(log_rest, np.float64)
        if own.shape != (len(rest), self.own):
            raise InputError(f"{len(rest)} rows of {self.own} places need as many masses; got {own.shape}")
        return Posterior.on(self, np.concatenate([own, rest[:, None]], axis=1))

    # ---- what a support does

    @functools.cached_property
    def country_index(self) -> NDArray[np.int64]:
        """Numbers (k,) of the countries of all places; only the own places are looked up."""
        own = countries().index_of(self.places[: self.own])
        return np.concatenate([own, self.background.support.country_index])

    def take(self, rows: Rows) -> PlacesOverBackground:
        """Return this support, which all rows share."""
        return self

    def plain(self) -> PlainSupport:
        """Return a support on the same places that has one weight per place."""
        return self._plain

    @functools.cached_property
    def _plain(self) -> PlainSupport:
        return PlainSupport(self.places, self.spread_km, lambda: self.country_index)

    def log_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log masses (n, k) of all places, written out."""
        return np.concatenate([weights[:, :-1], weights[:, -1:] + self.background_log_mass], axis=1)

    def row(self, weights: NDArray[np.float64], number: int) -> RowOverBackground:
        """Return one row, prepared for several questions."""
        return RowOverBackground(self, weights[number, :-1], weights[number, -1])

    def top(
        self, weights: NDArray[np.float64], k: int
    ) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64]]:
        """Return the k heaviest places of each row, heaviest first: places (n, k, 2), log masses and spreads (n, k)."""
        likely = self.likely(k)
        numbers = np.concatenate([np.arange(self.own), likely])
        behind = weights[:, -1:] + self.background_log_mass[likely - self.own]
        log_mass = np.concatenate([weights[:, :-1], behind], axis=1)
        best = candidates.heaviest(log_mass, k)
        return self.places[numbers[best]], np.take_along_axis(log_mass, best, 1), self.spread_km[numbers[best]]

    def mass_within(
        self, weights: NDArray[np.float64], center: NDArray[np.float64], km: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mass (n,) within ``km`` (n,) of ``center`` (n, 2)."""
        out, mine = np.empty(len(weights)), slice(self.own)
        for radius in np.unique(km):
            rows = np.flatnonzero(km == radius)
            shares = self.circle_shares(sphere.xyz(center[rows])[:, None], radius, mine)
            own = (np.exp(weights[:, :-1][rows]) * shares).sum(axis=1)
            out[rows] = own + np.exp(weights[rows, -1]) * self.background_within(center[rows], float(radius))
        return out

    def country_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mass (n, countries + 1) at sea, which comes first, and in every country by its number plus 1."""
        group, count = self.country_index + 1, len(countries().all) + 1
        behind = np.bincount(group[self.own :], self.background_mass, count)
        own = [np.bincount(group[: self.own], mass, count) for mass in np.exp(weights[:, :-1])]
        mine = np.array(own, np.float64).reshape(len(weights), count)
        return mine + np.exp(weights[:, -1:]) * behind

    # ---- what is computed once for all rows

    @functools.cached_property
    def _by_mass(self) -> NDArray[np.int64]:
        return np.argsort(-self.background_mass, kind="stable")

    def likely(self, k: int) -> NDArray[np.int64]:
        """Return the numbers of the k heaviest places of the background, in the order of their numbers."""
        return self.kept(f"likely {k}", lambda: np.sort(self._by_mass[:k]) + self.own)

    def background_within(self, centers: NDArray[np.float64], km: float) -> NDArray[np.float64]:
        """Return the background's mass (m,) within a distance of each of the centers (m, 2)."""
        keys = [(*center, km) for center in centers.tolist()]
        if len(self._within) > _KEPT:
            self._within.clear()
        for key in {key for key in keys if key not in self._within}:
            shares = self.circle_shares(sphere.xyz(key[:2]), km, slice(self.own, None))
            self._within[key] = float(self.background_mass @ shares)
        return np.array([self._within[key] for key in keys])

    def near(self, center: NDArray[np.float64], km: float) -> NDArray[np.int64]:
        """Return the numbers of the places that are at most ``km`` from a center (2,), which is one of the places."""
        key = (*center.tolist(), km)
        if len(self._near) > _KEPT // 10:
            self._near.clear()
        if key not in self._near:
            self._near[key] = candidates.within(self, center, km)
        return self._near[key]

    def gains(self, chosen: NDArray[np.int64], gain: candidates.Gain) -> list[Gains]:
        """Return what each chosen candidate gains from own places and from the whole background."""
        known = self._gains.setdefault(gain, {})
        missing = np.array(sorted({number for number in chosen.tolist() if number not in known}), np.int64)
        if len(missing):
            candidate, place, gained = candidates.judges(self, missing, gain)
            behind = place >= self.own
            mass = self.background_mass[place[behind] - self.own]
            totals = np.bincount(candidate[behind], gained[behind] * mass, len(missing)).tolist()
            candidate, place, gained = candidate[~behind], place[~behind], gained[~behind]
            ends = np.searchsorted(candidate, np.arange(len(missing) + 1)).tolist()
            for at, number in enumerate(missing.tolist()):
                part = slice(ends[at], ends[at + 1])
                known[number] = place[part], gained[part], totals[at]
        return [known[number] for number in chosen.tolist()]

    @functools.cached_property
    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Cells that may be among the heaviest of a row.

        The cell of each own place (p,); the background's mass in each cell; the number of the background's heaviest
        place in each cell, or -1.
        """
        cell, own = candidates.cells_of(self), self.own
        behind = np.asarray(np.bincount(cell[own:], self.background_mass), np.float64)
        behind = np.pad(behind, (0, cell.max() + 1 - len(behind)))
        heaviest = np.full(len(behind), -1)
        heaviest[cell[own:][self._by_mass[::-1]]] = self._by_mass[::-1] + own  # the last is the heaviest
        kept = np.unique(np.concatenate([cell[:own], candidates.heaviest(behind[None], candidates.CANDIDATES)[0]]))
        return np.searchsorted(kept, cell[:own]), behind[kept], heaviest[kept]


class RowOverBackground:
    """One row: log masses (p,) of own places, and the log mass of the background."""

    def __init__(self, support: PlacesOverBackground, own: NDArray[np.float64], rest: np.float64) -> None:
        self.places, self._log_own, self._log_rest = support, own, rest

    @property
    def mass(self) -> NDArray[np.float64]:
        """The masses (k,) of all places, in a new array."""
        return np.concatenate([np.exp(self._log_own), np.exp(self._log_rest) * self.places.background_mass])

    def ranked(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the masses (k,) and the numbers of the k heaviest places, at most 256, heaviest first."""
        return self.mass, self._heaviest[0][:k]

    def weigh(
        self, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the numbers (c,) of places that may be the best answer, and their expected gains (c,)."""
        support = self.places
        if not np.isfinite(gain.reach_km):
            return candidates.weigh(support, np.exp(self._log_mass), gain, near, near_km)
        heavy, mass = self._heaviest
        heavy, mass = heavy[: candidates.CANDIDATES], mass[: candidates.CANDIDATES]
        if mass.sum() >= candidates.FOCUSED:
            return candidates.among(support, heavy, mass, gain, near, near_km)
        own, rest = np.exp(self._log_own), float(np.exp(self._log_rest))
        half = candidates.CANDIDATES // 2
        if near is None:
            chosen = np.concatenate([heavy[:half], self._heaviest_of_cells(own, rest, candidates.CANDIDATES - half)])
        else:
            allowed = support.near(near, near_km)
            mine = np.searchsorted(allowed, support.own)
            behind = rest * support.background_mass[allowed[mine:] - support.own]
            held = np.concatenate([own[allowed[:mine]], behind])
            chosen = allowed[candidates.heaviest(held[None], half)[0]]
        gains = support.gains(chosen, gain)
        candidate = np.repeat(np.arange(len(chosen)), [len(place) for place, _, _ in gains])
        place = np.concatenate([place for place, _, _ in gains])
        gained = np.concatenate([gained for _, gained, _ in gains])
        expected = np.bincount(candidate, gained * own[place], len(chosen))
        return chosen, expected + rest * np.array([behind for _, _, behind in gains])

    @property
    def _log_mass(self) -> NDArray[np.float64]:
        return np.concatenate([self._log_own, self._log_rest + self.places.background_log_mass])

    @functools.cached_property
    def _heaviest(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers and masses of the heaviest places, heaviest first; places of equal mass in the order of numbers."""
        support, likely = self.places, self.places.likely(EXACT_PLACES)
        behind = self._log_rest + support.background_log_mass[likely - support.own]
        mass = np.exp(np.concatenate([self._log_own, behind]))
        best = np.argsort(-mass, kind="stable")[:EXACT_PLACES]
        return np.concatenate([np.arange(support.own), likely])[best], mass[best]

    def _heaviest_of_cells(self, own: NDArray[np.float64], rest: float, count: int) -> NDArray[np.int64]:
        """Return the heaviest place of each of the heaviest cells."""
        support = self.places
        cell, behind, heaviest = support.cells
        cells = candidates.heaviest((np.bincount(cell, own, len(behind)) + rest * behind)[None], count)[0]
        best = np.full(len(behind), -1)
        order = np.argsort(own)
        best[cell[order]] = order  # of several places in a cell the last stays, which is the heaviest
        mine, theirs = best[cells], heaviest[cells]
        by_own = np.where(mine >= 0, own[mine], -1.0)
        by_rest = np.where(theirs >= 0, rest * support.background_mass[np.maximum(theirs - support.own, 0)], -1.0)
        result: NDArray[np.int64] = np.where(by_own >= by_rest, mine, theirs)
        return result
