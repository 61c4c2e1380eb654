"""Posterior: where a photo may have been taken, as weighted places of the sphere, each with an extent.

Every model ends here and every consumer starts here: fuse, decide, measure, draw. A place is a spherical Cauchy
distribution (``cauchy``) around a position, half of whose mass lies within ``spread_km``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_sum_exp
from whereshot.foundation.tables import write_parquet
from whereshot.posterior import candidates
from whereshot.posterior.place_shape import circle_mass, circle_share, half_square, log_kernel, quantile_km
from whereshot.posterior.support import Cumulated, Spots, bins

MIN_SPREAD_KM = 0.01
EXACT_PLACES = 256
"""Radii count the heaviest places by their exact share of a circle, the many light ones as points."""

_BLOCK = 2_000_000  # numbers worked on at a time


Rows = int | np.integer | slice | Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]
"""Which rows of a posterior: a number, a slice, numbers or a mask (n,)."""


class Posterior:
    """n probability distributions, each on k weighted places.

    ``places`` (k, 2) shared by all rows, or (n, k, 2) own; ``log_mass`` (n, k), normalised here;
    ``spread_km`` (k,) or (n, k). Raises InputError for shapes that do not fit, NaN, or a row without mass.
    """

    def __init__(self, places: ArrayLike, log_mass: ArrayLike, spread_km: ArrayLike) -> None:
        places = np.asarray(places, np.float64)
        log_mass = np.atleast_2d(np.asarray(log_mass, np.float64))
        n, k = log_mass.shape
        if places.shape not in ((k, 2), (n, k, 2)):
            raise InputError(f"places must have the shape ({k}, 2) or ({n}, {k}, 2); got {places.shape}")
        spread = np.maximum(np.asarray(spread_km, np.float64), MIN_SPREAD_KM)
        if spread.ndim == 0:
            spread = np.full(k, float(spread))
        if spread.shape not in ((k,), (n, k)):
            raise InputError(f"spread_km must have the shape ({k},) or ({n}, {k}); got {spread.shape}")
        if np.isnan(log_mass).any() or np.isnan(places).any() or np.isnan(spread).any():
            raise InputError("a posterior must not hold NaN")
        if k == 0 or not (log_mass.max(axis=1, initial=-np.inf) > -np.inf).all():
            raise InputError("a posterior needs at least one place with mass in every row")
        self.places = places
        self.log_mass = log_mass - log_sum_exp(log_mass)[:, None]
        self.spread_km = spread
        self._spots: Spots | None = None

    @classmethod
    def from_mass(cls, places: ArrayLike, mass: ArrayLike, spread_km: ArrayLike) -> Posterior:
        """From non-negative masses (n, k) of any sum; raises InputError for a negative one."""
        mass = np.atleast_2d(np.asarray(mass, np.float64))
        if (mass < 0).any():
            raise InputError(f"masses must not be negative; the least is {mass.min():g}")
        with np.errstate(divide="ignore"):
            return cls(places, np.log(mass), spread_km)

    def __len__(self) -> int:
        return len(self.log_mass)

    def __repr__(self) -> str:
        return f"Posterior({len(self)} rows on {self.log_mass.shape[1]} places)"

    @property
    def shared(self) -> bool:
        """Whether all rows have the same places and spreads."""
        return self.places.ndim == 2 and self.spread_km.ndim == 1

    @property
    def mass(self) -> NDArray[np.float64]:
        """Masses (n, k), each row summing to one."""
        return np.exp(self.log_mass)

    def __getitem__(self, rows: Rows) -> Posterior:
        """Some of the rows; an integer gives a posterior of one row."""
        if isinstance(rows, (int, np.integer)):
            rows = [int(rows)]
        found = object.__new__(Posterior)  # its rows are normalised already
        found.places = self.places if self.places.ndim == 2 else self.places[rows]
        found.spread_km = self.spread_km if self.spread_km.ndim == 1 else self.spread_km[rows]
        found.log_mass, found._spots = self.log_mass[rows], self._spots
        return found

    def repeat(self, n: int) -> Posterior:
        """A posterior of one row, n times."""
        return self[np.zeros(n, dtype=int)]

    @classmethod
    def concat(cls, parts: list[Posterior]) -> Posterior:
        """The rows of several posteriors, in order. Rows with fewer places are filled with empty ones."""
        first = parts[0]
        if all(p.places is first.places and p.shared and np.array_equal(p.spread_km, first.spread_km) for p in parts):
            return cls(first.places, np.concatenate([p.log_mass for p in parts]), first.spread_km)
        width = max(part.log_mass.shape[1] for part in parts)
        places, log_mass, spread = [], [], []
        for part in parts:
            n, k = part.log_mass.shape
            fill = ((0, 0), (0, width - k))
            places.append(np.pad(np.broadcast_to(part.places, (n, k, 2)), (*fill, (0, 0)), mode="edge"))
            spread.append(np.pad(np.broadcast_to(part.spread_km, (n, k)), fill, mode="edge"))
            log_mass.append(np.pad(part.log_mass, fill, constant_values=-np.inf))
        return cls(np.concatenate(places), np.concatenate(log_mass), np.concatenate(spread))

    # ---- fuse

    def times(self, log_likelihood: ArrayLike) -> Posterior:
        """Bayes: multiply by a likelihood over the places, (k,) or (n, k) in logs, and normalise."""
        return Posterior(self.places, self.log_mass + np.asarray(log_likelihood, np.float64), self.spread_km)

    def mix(self, other: Posterior, weight: ArrayLike) -> Posterior:
        """The mixture (1 - weight) self + weight other, on both sets of places; weight in [0, 1], scalar or (n,)."""
        w = np.broadcast_to(np.asarray(weight, np.float64), (len(self),))
        if ((w < 0) | (w > 1)).any():
            raise InputError(f"a mixture's weight lies between 0 and 1; got {w[(w < 0) | (w > 1)][0]:g}")
        if len(other) == 1 and len(self) > 1:
            other = other.repeat(len(self))
        if len(other) != len(self):
            raise InputError(f"cannot mix posteriors of {len(self)} and {len(other)} rows")
        with np.errstate(divide="ignore"):
            log_mass = np.concatenate(
                [self.log_mass + np.log1p(-w)[:, None], other.log_mass + np.log(w)[:, None]], axis=1
            )
        if self.places.ndim == other.places.ndim == 2:
            places = np.concatenate([self.places, other.places])
        else:
            places = np.concatenate([self._own(self.places, 3), other._own(other.places, 3)], axis=1)
        if self.spread_km.ndim == other.spread_km.ndim == 1:
            spread = np.concatenate([self.spread_km, other.spread_km])
        else:
            spread = np.concatenate([self._own(self.spread_km, 2), other._own(other.spread_km, 2)], axis=1)
        return Posterior(places, log_mass, spread)

    def _own(self, values: NDArray[np.float64], ndim: int) -> NDArray[np.float64]:
        return values if values.ndim == ndim else np.broadcast_to(values, (len(self), *values.shape))

    def pool(self, groups: ArrayLike, *, prior: Posterior | None = None) -> tuple[NDArray[np.float64], Posterior]:
        """One posterior per group of photos known to be from one place: the product of their rows.

        Needs shared places. With a ``prior`` on the same places it counts once, not once per photo. Returns the
        sorted group names and the posterior of one row each.
        """
        if not self.shared:
            raise InputError("pooling needs posteriors on the same places")
        names, inverse = np.unique(np.asarray(groups), return_inverse=True)
        if len(inverse) != len(self):
            raise InputError(f"{len(inverse)} group names for {len(self)} rows")
        pooled = np.zeros((len(names), self.log_mass.shape[1]))
        np.add.at(pooled, inverse, self.log_mass)
        if prior is not None:
            if prior.log_mass.shape != (1, pooled.shape[1]):
                raise InputError(f"the prior has {prior}; pooling needs 1 row on {pooled.shape[1]} places")
            # what the prior excludes every photo excludes already
            log_prior = np.where(np.isfinite(prior.log_mass), prior.log_mass, 0.0)
            pooled -= (np.bincount(inverse)[:, None] - 1) * log_prior
        return names, Posterior(self.places, pooled, self.spread_km)

    def temper(self, temperature: float) -> Posterior:
        """Flatten (temperature > 1) or sharpen (< 1) the masses."""
        if not temperature > 0:
            raise InputError(f"a temperature must be positive; got {temperature:g}")
        return Posterior(self.places, self.log_mass / temperature, self.spread_km)

    def top(self, k: int) -> Posterior:
        """The k heaviest places of each row, heaviest first, renormalised."""
        k = min(k, self.log_mass.shape[1])
        best = candidates.heaviest(self.log_mass, k)
        places = self.places[best] if self.places.ndim == 2 else np.take_along_axis(self.places, best[..., None], 1)
        spread = self.spread_km[best] if self.spread_km.ndim == 1 else np.take_along_axis(self.spread_km, best, 1)
        return Posterior(places, np.take_along_axis(self.log_mass, best, 1), spread)

    # ---- decide

    def row(self, number: int) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64]]:
        """The places (k, 2) of one row, their masses (k,) and spreads in km (k,)."""
        places = self.places if self.places.ndim == 2 else self.places[number]
        spread = self.spread_km if self.spread_km.ndim == 1 else self.spread_km[number]
        return places, np.exp(self.log_mass[number]), spread

    def spots(self, number: int) -> Spots:
        """The places of one row, ready for many questions; the same ones where they are shared."""
        if not self.shared:
            places, _, spread = self.row(number)
            return Spots(places, spread)
        if self._spots is None:
            self._spots = Spots(self.places, self.spread_km)
        return self._spots

    def ranked(self, number: int, k: int) -> tuple[Spots, NDArray[np.float64], NDArray[np.int64]]:
        """The places of one row, its masses to be changed, and the numbers of the k heaviest."""
        mass = np.exp(self.log_mass[number])
        return self.spots(number), mass, candidates.heaviest(mass[None], k)[0]

    def weigh(
        self, number: int, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The places of one row that are worth answering with, and what is expected of each: see ``choice.weigh``."""
        return candidates.weigh(self.spots(number), np.exp(self.log_mass[number]), gain, near, near_km)

    def totals(self, group: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Mass (n, count) of each group of the shared places, whose numbers are given (k,)."""
        return np.stack([np.bincount(group, mass, count) for mass in self.mass])

    def mode(self) -> sphere.Points:
        """The heaviest place of each row, (n, 2)."""
        best = self.log_mass.argmax(axis=1)
        result: sphere.Points = self.places[best] if self.places.ndim == 2 else self.places[np.arange(len(self)), best]
        return result

    def mean(self) -> sphere.Points:
        """The mass-weighted mean direction of each row, (n, 2)."""
        unit = sphere.xyz(self.places)
        total = self.mass @ unit if unit.ndim == 2 else np.einsum("nk,nkd->nd", self.mass, unit)
        return np.where((np.linalg.norm(total, axis=1) > 1e-9)[:, None], sphere.latlon(total), self.mode())

    def best(self, within_km: float, then_km: float | None = None) -> sphere.Points:
        """The place (n, 2) of each row with the most mass within ``within_km``: most likely right to that distance.

        With ``then_km``, smaller, the place with the most mass within that distance among those at most
        ``within_km`` from the first choice: right to the larger distance first, then as exact as can be.
        """
        for km in (within_km, *(() if then_km is None else (then_km,))):
            if not km > 0:
                raise InputError(f"within must be a positive number of km; got {km:g}")
        first = self._decide(candidates.right_within(within_km))
        if then_km is None:
            return first
        return self._decide(candidates.right_within(then_km), first, within_km)

    def best_geoscore(self) -> sphere.Points:
        """The place (n, 2) of each row with the highest expected GeoScore."""
        return self._decide(candidates.GEOSCORE)

    def _decide(self, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0) -> sphere.Points:
        """The candidate (n, 2) of the highest expected gain; with ``near`` (n, 2) at most ``near_km`` from it."""
        chosen = np.empty((len(self), 2))
        for row in range(len(self)):
            index, expected = self.weigh(row, gain, None if near is None else near[row], near_km)
            chosen[row] = (self.places if self.places.ndim == 2 else self.places[row])[index[expected.argmax()]]
        return chosen

    # ---- know

    def mass_within(self, center: ArrayLike, km: ArrayLike) -> NDArray[np.float64]:
        """Probability (n,) that the truth lies within ``km`` (scalar or (n,)) of ``center`` (n, 2)."""
        center = np.broadcast_to(sphere.points(center), (len(self), 2))
        km = np.broadcast_to(np.asarray(km, np.float64), (len(self),))
        out = np.empty(len(self))
        for rows in _blocks(len(self), self.log_mass.shape[1]):
            distance, spread = self._distances(rows, center[rows])
            out[rows] = (np.exp(self.log_mass[rows]) * circle_mass(distance, spread, km[rows, None])).sum(1)
        return np.clip(out, 0.0, 1.0)

    def radius_km(self, center: ArrayLike, level: float) -> NDArray[np.float64]:
        """Radius (n,) of the circle round ``center`` (n, 2) that holds ``level`` of each row's mass."""
        return self.around(center).radius_km(level)

    def around(self, center: ArrayLike) -> Rings:
        """How each row's mass lies around its ``center`` (n, 2): prepared once for many distances and levels."""
        return Rings(self, np.broadcast_to(sphere.points(center), (len(self), 2)))

    def _distances(self, rows: slice, center: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        places = self.places if self.places.ndim == 2 else self.places[rows]
        spread = self.spread_km if self.spread_km.ndim == 1 else self.spread_km[rows]
        return sphere.distance_km(center[:, None], places), spread

    def log_density(self, points: ArrayLike) -> NDArray[np.float64]:
        """Natural log of the density, per steradian, of each row at its own point: points (n, 2) -> (n,)."""
        p = np.broadcast_to(sphere.points(points), (len(self), 2))
        out = np.empty(len(self))
        for rows in _blocks(len(self), self.log_mass.shape[1]):
            distance, spread = self._distances(rows, p[rows])
            out[rows] = log_sum_exp(self.log_mass[rows] + log_kernel(distance, spread))
        return out

    def log_density_at(self, points: ArrayLike) -> NDArray[np.float64]:
        """Natural log of the density, per steradian, of a posterior of one row at many points: (m, 2) -> (m,)."""
        if len(self) != 1:
            raise InputError(f"only one row is asked at many points; this posterior has {len(self)}")
        spots, unit = self.spots(0), sphere.xyz(sphere.points(points))
        e = 2 * spots.scale / (1 - spots.scale)
        peak, out = self.mass[0] * e * (2 + e) / (4 * np.pi), np.empty(len(unit))
        for rows in _blocks(len(unit), len(spots)):
            out[rows] = np.log((peak / np.square(2 * spots.offsets(unit[rows, None]) + e)).sum(axis=1))
        return out

    def density(self, points: ArrayLike) -> NDArray[np.float64]:
        """Density, per steradian, of each row at its own point: points (n, 2) -> (n,)."""
        return np.exp(self.log_density(points))

    def map_density(self, points: ArrayLike) -> NDArray[np.float64]:
        """Density, per steradian, of a posterior of one row at many points: (m, 2) -> (m,), for drawing."""
        if len(self) != 1:
            raise InputError(f"a map is drawn of one row; this posterior has {len(self)}")
        p = sphere.points(points)
        heavy = self.top(4096)
        out = np.empty(len(p))
        for rows in _blocks(len(p), heavy.log_mass.shape[1]):
            distance = sphere.distance_km(p[rows, None], heavy.places[0] if heavy.places.ndim == 3 else heavy.places)
            out[rows] = np.exp(heavy.log_mass[0] + log_kernel(distance, np.ravel(heavy.spread_km))).sum(1)
        return out

    def region(self, level: float) -> NDArray[np.bool_]:
        """Which places (n, k) make up the smallest region that holds ``level`` of the mass: densest first."""
        if not 0 < level <= 1:
            raise InputError(f"a level lies between 0 and 1; got {level:g}")
        peak = self.log_mass + log_kernel(np.zeros_like(self.log_mass), self.spread_km)
        order = np.argsort(-peak, axis=1, kind="stable")
        cumulated = np.cumsum(np.take_along_axis(self.mass, order, 1), axis=1)
        chosen = np.empty(self.log_mass.shape, dtype=bool)
        before = np.concatenate([np.zeros((len(self), 1)), cumulated[:, :-1]], axis=1)
        np.put_along_axis(chosen, order, before < level - 1e-12, axis=1)
        return chosen

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Positions (n, count, 2) drawn from each row."""
        out = np.empty((len(self), count, 2))
        for row in range(len(self)):
            one = self[row]
            index = rng.choice(one.log_mass.shape[1], size=count, p=one.mass[0] / one.mass[0].sum())
            places = np.broadcast_to(one.places, (1, *one.places.shape[-2:]))[0][index]
            spread = np.ravel(one.spread_km)[index]
            out[row] = sphere.move(places, rng.uniform(0, 360, count), quantile_km(rng.uniform(size=count), spread))
        return out

    def to_table(self, ids: list[str]) -> pa.Table:
        """Long form: a row per photo and place with mass, heaviest first; id, latitude, longitude, mass, spread_km."""
        if len(ids) != len(self):
            raise InputError(f"{len(ids)} ids for {len(self)} rows")
        columns: dict[str, list[Any]] = {"id": [], "latitude": [], "longitude": [], "mass": [], "spread_km": []}
        for row, name in enumerate(ids):
            one = self[row].top(self.log_mass.shape[1])
            mass = one.mass[0]
            kept = mass > 0
            places = np.broadcast_to(one.places, (1, len(mass), 2))[0][kept]
            columns["id"] += [name] * int(kept.sum())
            columns["latitude"].append(places[:, 0])
            columns["longitude"].append(places[:, 1])
            columns["mass"].append(mass[kept])
            columns["spread_km"].append(np.ravel(one.spread_km)[kept])
        return pa.table(
            {
                "id": pa.array(columns["id"], pa.string()),
                **{name: np.concatenate(columns[name] or [[]]) for name in list(columns)[1:]},
            }
        )

    def write(self, path: str | Path, ids: list[str]) -> None:
        """Write the long form as one Parquet file."""
        write_parquet(self.to_table(ids), Path(path))


class Rings:
    """Mass by distance from one centre per row.

    The heaviest places count by their exact share of a circle; each of the many light ones as one point of its
    extent, drawn so evenly that together they stand for the whole; and very wide ones as uniform.
    """

    def __init__(self, posterior: Posterior, center: NDArray[np.float64]) -> None:
        n, k = len(posterior), min(EXACT_PLACES, posterior.places.shape[-2])
        self._mass, self._offset, self._scale = (np.empty((n, k)) for _ in range(3))
        self._uniform = np.zeros(n)
        self._light: list[Cumulated] = []
        for row, unit in enumerate(sphere.xyz(center)):
            spots, light, heavy = posterior.ranked(row, k)
            self._mass[row], self._offset[row], self._scale[row] = (
                light[heavy],
                spots.offsets(unit, heavy),
                spots.scale[heavy],
            )
            if k < len(spots):
                light[heavy] = 0.0
                self._uniform[row] = light[spots.wide].sum()
                light[spots.wide] = 0.0
                self._light.append(Cumulated(spots.drawn(unit), light))

    def mass_within(self, km: ArrayLike) -> NDArray[np.float64]:
        """Probability (n,) of the truth within ``km`` (scalar or (n,)) of each row's centre."""
        edge = _edges(np.broadcast_to(np.asarray(km, np.float64), (len(self._mass),)))
        inside = self._without_light(edge)
        for row, (light, number) in enumerate(zip(self._light, bins(edge).tolist(), strict=False)):
            inside[row] += light.within(edge[row], number)
        return np.clip(inside, 0.0, 1.0)

    def radius_km(self, level: float) -> NDArray[np.float64]:
        """Radius (n,) that holds ``level``: bisection in logarithms, to a relative error below one in a million."""
        if not 0 < level < 1:
            raise InputError(f"a level lies between 0 and 1; got {level:g}")
        low = np.full(len(self._mass), MIN_SPREAD_KM / 10)
        high = np.full(len(self._mass), sphere.HALF_CIRCUMFERENCE_KM)
        for _ in range(26):
            middle = np.sqrt(low * high)
            edge = _edges(middle)
            wanted = level - self._without_light(edge)
            inside = wanted <= 0
            for row, number in enumerate(bins(edge).tolist() if self._light else ()):
                inside[row] = inside[row] or self._light[row].reaches(wanted[row], edge[row], number)
            low, high = np.where(inside, low, middle), np.where(inside, middle, high)
        return high

    def _without_light(self, edge: NDArray[np.float64]) -> NDArray[np.float64]:
        exact = (self._mass * circle_share(self._offset, self._scale, edge[:, None])).sum(axis=1)
        result: NDArray[np.float64] = exact + self._uniform * edge
        return result


def _edges(km: NDArray[np.float64]) -> NDArray[np.float64]:
    return half_square(np.minimum(km, sphere.HALF_CIRCUMFERENCE_KM))


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(width, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
