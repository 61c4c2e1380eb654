"""Posterior: where photos may have been taken, as weighted places on the sphere, each with an extent.

Every model gives posteriors, and everything else starts from them. A place is a spherical Cauchy distribution
(``place_shape``) around a position; half of its mass lies within ``spread_km``. A posterior can be fused with evidence,
restricted and asked for masses and densities. Decisions (``decision``), circles (``circles``), samples (``samples``),
densities for maps (``density``) and tables (``parquet``) are functions over it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_sum_exp
from whereshot.posterior import notebook_map
from whereshot.posterior.place_shape import log_kernel
from whereshot.posterior.support import (
    OwnPlaces,
    PlainSupport,
    PosteriorRow,
    Rows,
    Support,
    blocks,
    distances_of_rows,
)

MIN_SPREAD_KM = 0.01


class Posterior:
    """n probability distributions, each on k weighted places.

    ``places`` is (k, 2) where all rows share the places, or (n, k, 2). ``log_mass`` (n, k) are natural logarithms of
    masses and are normalised here. ``spread_km`` is a number, (k,) or (n, k). Raises InputError for shapes that do not
    fit, for NaN, and for a row without mass.
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
        if np.isnan(places).any() or np.isnan(spread).any():
            raise InputError("a posterior must not hold NaN")
        shared = places.ndim == 2 and spread.ndim == 1
        self._hold(PlainSupport(places, spread) if shared else OwnPlaces(places, spread), _normalised(log_mass))

    def _hold(self, support: Support, weights: NDArray[np.float64]) -> Posterior:
        self.support, self.weights = support, weights
        self._rows: dict[int, PosteriorRow] = {}
        return self

    @classmethod
    def on(cls, support: Support, weights: ArrayLike) -> Posterior:
        """Return the posterior with weights (n, w) in logarithms, of any sum, on a support.

        Raises InputError for NaN and for a row without mass.
        """
        return cls.__new__(cls)._hold(support, _normalised(np.atleast_2d(np.asarray(weights, np.float64))))

    @classmethod
    def from_mass(cls, places: ArrayLike, mass: ArrayLike, spread_km: ArrayLike) -> Posterior:
        """Return the posterior with non-negative masses (n, k) of any sum; raises InputError for a negative mass."""
        mass = np.atleast_2d(np.asarray(mass, np.float64))
        if (mass < 0).any():
            raise InputError(f"masses must not be negative; the least is {mass.min():g}")
        with np.errstate(divide="ignore"):
            return cls(places, np.log(mass), spread_km)

    @classmethod
    def concat(cls, parts: Sequence[Posterior]) -> Posterior:
        """Return the rows of several posteriors, in order. Rows with fewer places get places without mass."""
        first = parts[0]
        if all(p.places is first.places and p.shared and np.array_equal(p.spread_km, first.spread_km) for p in parts):
            return cls.on(first.support.plain(), np.concatenate([p.log_mass for p in parts]))
        width = max(part.log_mass.shape[1] for part in parts)
        places, log_mass, spread = [], [], []
        for part in parts:
            n, k = part.log_mass.shape
            fill = ((0, 0), (0, width - k))
            places.append(np.pad(np.broadcast_to(part.places, (n, k, 2)), (*fill, (0, 0)), mode="edge"))
            spread.append(np.pad(np.broadcast_to(part.spread_km, (n, k)), fill, mode="edge"))
            log_mass.append(np.pad(part.log_mass, fill, constant_values=-np.inf))
        return cls(np.concatenate(places), np.concatenate(log_mass), np.concatenate(spread))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.weights)

    def __repr__(self) -> str:
        """Return the numbers of rows and places."""
        return f"Posterior({len(self)} rows on {self.places.shape[-2]} places)"

    def _repr_html_(self) -> str:
        """Return small maps of the first rows, which notebooks show."""
        shown = range(min(len(self), notebook_map.MOST_ROWS))
        places = [self.places if self.places.ndim == 2 else self.places[row] for row in shown]
        rows = [(places[row], self[row].mass[0]) for row in shown]
        return notebook_map.posterior_html(rows, len(self), repr(self))

    def __getitem__(self, rows: Rows) -> Posterior:
        """Return some of the rows; an integer gives a posterior of one row."""
        if isinstance(rows, (int, np.integer)):
            rows = [int(rows)]
        found = Posterior.__new__(Posterior)  # the rows are normalised already
        return found._hold(self.support.take(rows), self.weights[rows])

    # ---- what it holds

    @property
    def places(self) -> sphere.Points:
        """Positions in degrees, (k, 2) shared by all rows, or (n, k, 2)."""
        return self.support.places

    @property
    def spread_km(self) -> NDArray[np.float64]:
        """Spreads in km, (k,) or (n, k): half of a place's mass lies within its spread."""
        return self.support.spread_km

    @functools.cached_property
    def log_mass(self) -> NDArray[np.float64]:
        """Natural logarithms (n, k) of the masses; the masses of each row sum to 1."""
        return self.support.log_mass(self.weights)

    @property
    def mass(self) -> NDArray[np.float64]:
        """Masses (n, k); each row sums to 1."""
        return np.exp(self.log_mass)

    @property
    def shared(self) -> bool:
        """Whether all rows have the same places and spreads."""
        return self.support.shared

    def row(self, number: int) -> PosteriorRow:
        """Return one row, prepared for several questions; it is kept where rows share their places."""
        if not self.shared:
            return self.support.row(self.weights, number)
        if number not in self._rows:
            self._rows[number] = self.support.row(self.weights, number)
        return self._rows[number]

    # ---- fuse and condition

    def repeat(self, n: int) -> Posterior:
        """Return a posterior of one row n times."""
        return self[np.zeros(n, dtype=int)]

    def times(self, log_likelihood: ArrayLike) -> Posterior:
        """Return the posterior after Bayes' rule; ``log_likelihood`` of the places is (k,) or (n, k)."""
        return Posterior.on(self.support.plain(), self.log_mass + np.asarray(log_likelihood, np.float64))

    def mix(self, other: Posterior, weight: ArrayLike) -> Posterior:
        """Return the mixture (1 - weight) self + weight other, on the places of both.

        ``weight`` is a number or (n,). ``other`` has as many rows, or one row that counts for all. Raises InputError
        for a weight outside of 0 to 1 and for numbers of rows that do not fit.
        """
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
        places = _side_by_side(self.places, other.places, 3, len(self))
        return Posterior(places, log_mass, _side_by_side(self.spread_km, other.spread_km, 2, len(self)))

    def pool(self, groups: ArrayLike, *, prior: Posterior | None = None) -> tuple[NDArray[np.float64], Posterior]:
        """Return one posterior per group of photos that are known to be from one place: the product of their rows.

        ``groups`` (n,) names the group of each row. A ``prior`` on the same places counts once, not once per photo.
        Returns the sorted group names and the posterior with one row for each. Raises InputError for rows that do not
        share their places, and for shapes that do not fit.
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
            # every photo already excludes what the prior excludes
            log_prior = np.where(np.isfinite(prior.log_mass), prior.log_mass, 0.0)
            pooled -= (np.bincount(inverse)[:, None] - 1) * log_prior
        return names, Posterior.on(self.support.plain(), pooled)

    def temper(self, temperature: float) -> Posterior:
        """Return the posterior with masses flattened (temperature above 1) or sharpened (below 1).

        Raises InputError for a temperature that is not positive.
        """
        if not temperature > 0:
            raise InputError(f"a temperature must be positive; got {temperature:g}")
        return Posterior.on(self.support.plain(), self.log_mass / temperature)

    def top(self, k: int) -> Posterior:
        """Return the k heaviest places of each row, heaviest first, with their masses normalised again."""
        return Posterior(*self.support.top(self.weights, k))

    # ---- know

    def mode(self) -> sphere.Points:
        """Return the heaviest place of each row, (n, 2)."""
        best = self.log_mass.argmax(axis=1)
        result: sphere.Points = self.places[best] if self.places.ndim == 2 else self.places[np.arange(len(self)), best]
        return result

    def mean(self) -> sphere.Points:
        """Return the mass-weighted mean direction of each row, (n, 2); the mode where there is no mean direction."""
        unit = sphere.xyz(self.places)
        total = self.mass @ unit if unit.ndim == 2 else np.einsum("nk,nkd->nd", self.mass, unit)
        return np.where((np.linalg.norm(total, axis=1) > 1e-9)[:, None], sphere.latlon(total), self.mode())

    def mass_within(self, center: ArrayLike, km: ArrayLike) -> NDArray[np.float64]:
        """Return the probability (n,) that the truth lies within ``km``, a number or (n,), of ``center`` (n, 2)."""
        center = np.broadcast_to(sphere.points(center), (len(self), 2))
        km = np.broadcast_to(np.asarray(km, np.float64), (len(self),))
        return np.clip(self.support.mass_within(self.weights, center, km), 0.0, 1.0)

    def log_density(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return the natural log of the density (n,), per steradian, of each row at its own point: points (n, 2)."""
        p = np.broadcast_to(sphere.points(points), (len(self), 2))
        out = np.empty(len(self))
        for rows in blocks(len(self), self.log_mass.shape[1]):
            distance, spread = distances_of_rows(self.support, rows, p[rows])
            out[rows] = log_sum_exp(self.log_mass[rows] + log_kernel(distance, spread))
        return out


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    if np.isnan(weights).any():
        raise InputError("a posterior must not hold NaN")
    if weights.shape[1] == 0 or not (weights.max(axis=1, initial=-np.inf) > -np.inf).all():
        raise InputError("a posterior needs at least one place with mass in every row")
    return weights - log_sum_exp(weights)[:, None]


def _side_by_side(first: NDArray[np.float64], second: NDArray[np.float64], ndim: int, rows: int) -> NDArray[np.float64]:
    """Return the values of two sets of places together; ``ndim`` is the number of dimensions of values per row."""
    if first.ndim == second.ndim == ndim - 1:
        return np.concatenate([first, second])
    own = [v if v.ndim == ndim else np.broadcast_to(v, (rows, *v.shape)) for v in (first, second)]
    return np.concatenate(own, axis=1)
