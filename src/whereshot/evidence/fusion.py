"""Apply cues to a posterior, and measure how much each cue changed the probability of an answer.

A cue can be wrong. With probability ``reliability`` it is right, otherwise it carries no information. So the result is
a mixture. With p the posterior before the cue, r the reliability, q the distribution that the cue proposes, and L its
likelihood of a country:

    p(x) [(1 - r) + r q(x) / p(x)]    for places,    p(x) [(1 - r) + r L(country(x)) / mean L]    for countries.

The proposed places are added to the support of the posterior. So a reliable proposal yields the proposed place itself,
and not the nearest place that the model knows. Proposals can overlap (a town under two names, a hamlet in a city); the
common area is then divided among them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.evidence.base import Cue, Proposal
from whereshot.foundation.package_data import read_toml
from whereshot.posterior.base import MIN_SPREAD_KM, Posterior
from whereshot.posterior.place_shape import log_kernel
from whereshot.posterior.support import PlainSupport

MAX_PROPOSALS = 64
"""The most places that are added to a posterior's support; those with the largest weights are kept."""
LEAST_PROBABILITY = 1e-12
"""Smaller probabilities are treated as equal to this."""


@functools.cache
def fitted_reliabilities() -> dict[str, float]:
    """Return the probability that a cue is right, by its trust. ``benchmarks/signs.py --fit`` fits these values."""
    result: dict[str, float] = read_toml("evidence/data/reliability.toml")["reliability"]
    return result


@dataclass(frozen=True)
class WeighedCue:
    """A cue, and by how many nats it changed a probability: log(probability with the cue / probability without it)."""

    cue: Cue
    nats: float


@dataclass(frozen=True)
class Fused:
    """A posterior of one row after its cues. It keeps the posterior before them, so that a cue can be removed again."""

    posterior: Posterior
    cues: tuple[Cue, ...]
    reliability: tuple[float, ...]
    before: PosteriorBeforeCues

    def without(self, number: int) -> Fused:
        """Return the result without the cue of this number."""
        kept = [row for row in range(len(self.cues)) if row != number]
        return _apply(self.before, [self.cues[row] for row in kept], [self.reliability[row] for row in kept])

    def only(self, kept: Callable[[Cue], bool]) -> Fused:
        """Return the result with only the cues for which ``kept`` is true."""
        rows = [row for row, cue in enumerate(self.cues) if kept(cue)]
        return _apply(self.before, [self.cues[row] for row in rows], [self.reliability[row] for row in rows])

    def weigh(self, probability: Callable[[Fused], float]) -> list[WeighedCue]:
        """Return how much each cue changed ``probability``, the largest change first."""
        log_with = math.log(max(probability(self), LEAST_PROBABILITY))
        weighed = [
            WeighedCue(cue, log_with - math.log(max(probability(self.without(number)), LEAST_PROBABILITY)))
            for number, cue in enumerate(self.cues)
        ]
        return sorted(weighed, key=lambda cue: -abs(cue.nats))

    def weigh_near(
        self, answer: ArrayLike, within_km: float, restrict: Callable[[Posterior], Posterior] | None = None
    ) -> list[WeighedCue]:
        """Return how much each cue changed the probability within ``within_km`` of the answer (2,), largest first.

        ``restrict`` is applied to the posterior first; it is given where the answer is restricted to an area.
        """

        def probability(fused: Fused) -> float:
            posterior = fused.posterior if restrict is None else restrict(fused.posterior)
            return float(posterior.mass_within(np.asarray(answer)[None], within_km)[0])

        return self.weigh(probability)


@dataclass(frozen=True)
class PosteriorBeforeCues:
    """A posterior of one row before its cues. It computes its density at each proposed place once and remembers it."""

    places: NDArray[np.float64]
    log_mass: NDArray[np.float64]
    spread_km: NDArray[np.float64]
    country_index: NDArray[np.int64]
    _known: dict[tuple[float, float], tuple[float, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, posterior: Posterior) -> PosteriorBeforeCues:
        """Take a posterior of one row."""
        places = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
        country_index = np.ravel(posterior.support.country_index)
        return cls(places, posterior.log_mass[0], np.ravel(posterior.spread_km), country_index)

    def fuse(self, cues: Sequence[Cue], reliabilities: Mapping[str, float] | None = None) -> Fused:
        """Apply cues. ``reliabilities`` are by trust; the fitted ones are used where None is given."""
        by_trust = fitted_reliabilities() if reliabilities is None else reliabilities
        reliability = [0.0 if cue.log_likelihood is not None else by_trust[cue.trust] * cue.discount for cue in cues]
        return _apply(self, cues, reliability)

    @functools.cached_property
    def country_share(self) -> NDArray[np.float64]:
        """Probabilities (countries + 1,): first of the sea, then of each country in the order of their numbers."""
        shares = np.bincount(self.country_index + 1, np.exp(self.log_mass), minlength=len(countries().all) + 1)
        return np.asarray(shares, np.float64)

    def density_and_country(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the log density (m,) per steradian and the number of the country (m,) at positions (m, 2)."""
        keys = [(float(latitude), float(longitude)) for latitude, longitude in points]
        new = np.array([key for key in dict.fromkeys(keys) if key not in self._known]).reshape(-1, 2)
        if len(new):
            found = zip(self._log_density(new).tolist(), countries().index_of(new).tolist(), strict=True)
            self._known.update(zip(map(tuple, new.tolist()), found, strict=True))
        density, country = zip(*(self._known[key] for key in keys), strict=True)
        return np.array(density), np.array(country, dtype=np.int64)

    def _log_density(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        terms = self.log_mass + log_kernel(sphere.distance_km(points[:, None], self.places), self.spread_km)
        peak = terms.max(axis=1, keepdims=True)
        result: NDArray[np.float64] = peak[:, 0] + np.log(np.exp(terms - peak).sum(axis=1))
        return result


def fuse(posterior: Posterior, cues: Sequence[Cue], reliabilities: Mapping[str, float] | None = None) -> Fused:
    """Apply cues to a posterior of one row. The fitted reliabilities are used where None are given."""
    return PosteriorBeforeCues.of(posterior).fuse(cues, reliabilities)


def _apply(before: PosteriorBeforeCues, cues: Sequence[Cue], reliability: Sequence[float]) -> Fused:
    proposed = ProposedPlaces.of(before, cues, reliability)
    old, new = len(before.places), len(proposed.places)
    index = np.concatenate([before.country_index, proposed.country_index])
    places = np.concatenate([before.places, proposed.places])
    factors, all_wrong = np.zeros(old + new), np.zeros(new)
    for cue, r in zip(cues, reliability, strict=True):
        if cue.log_likelihood is not None:
            factor = cue.log_likelihood(places)
        elif cue.countries is not None:
            likelihood = np.array([0.0, *(cue.countries.get(country.code, 0.0) for country in countries().all)])
            relative = likelihood / max(float(before.country_share @ likelihood), 1e-12)
            factor = np.log1p(r * (relative - 1))[index + 1]
        else:
            share, kept = proposed.share_of(cue)
            r *= kept  # the cue's weight on places that were not kept counts as no information
            factor = np.full(old + new, np.log1p(-r))
            if r > 0:
                with np.errstate(divide="ignore"):
                    log_ratio = np.log(share) - proposed.log_area - proposed.log_density
                factor[old:] = np.logaddexp(np.log1p(-r), np.log(r) + log_ratio)
        factors += factor
        all_wrong += np.log1p(-r) if cue.proposals else factor[old:]
    with np.errstate(divide="ignore"):
        # The old places already hold the mass for the case that every proposal is wrong. New places get only the rest.
        rest = np.log(-np.expm1(np.minimum(all_wrong - factors[old:], 0.0)))
        added = proposed.log_density + proposed.log_area + rest
    log_mass = np.concatenate([before.log_mass, added]) + factors
    spread_km = np.concatenate([before.spread_km, np.maximum(proposed.spread_km, MIN_SPREAD_KM)])
    fused = Posterior.on(PlainSupport(places, spread_km, lambda: index), log_mass[None])
    return Fused(fused, tuple(cues), tuple(reliability), before)


@dataclass(frozen=True)
class ProposedPlaces:
    """The m different places that cues propose, and the area that each of them covers.

    Let K_ij be the kernel of the wider of places i and j at their distance, and a_i = 1 / K_ii the area of place i. The
    overlap of two places is K_ij min(a_i, a_j): the whole area for a town under two names, nearly 0 for towns far
    apart. An area that several places cover is divided among them, so that it counts once.
    """

    proposals: tuple[Proposal, ...]
    places: NDArray[np.float64]
    spread_km: NDArray[np.float64]
    log_area: NDArray[np.float64]
    """Natural log of each place's own part of its area in steradians."""
    overlap: NDArray[np.float64]
    """(m, m): how the mass that is proposed for one place (a row) is divided among all. Each row sums to 1."""
    log_density: NDArray[np.float64]
    """Log density of the posterior before the cues, at each place."""
    country_index: NDArray[np.int64]

    @classmethod
    def of(cls, before: PosteriorBeforeCues, cues: Sequence[Cue], reliability: Sequence[float]) -> ProposedPlaces:
        """Collect the places that the cues propose; at most ``MAX_PROPOSALS``, those with the largest weights."""
        support: dict[Proposal, float] = {}
        for cue, r in zip(cues, reliability, strict=True):
            total = sum(proposal.weight for proposal in cue.proposals)
            for proposal in cue.proposals:
                key = _place_of(proposal)
                support[key] = support.get(key, 0.0) + r * proposal.weight / total
        heaviest = tuple(sorted(support, key=lambda proposal: -support[proposal])[:MAX_PROPOSALS])
        if not heaviest:
            nothing = np.empty(0)
            return cls((), np.empty((0, 2)), nothing, nothing, np.empty((0, 0)), nothing, np.empty(0, np.int64))
        places = np.array([(proposal.latitude, proposal.longitude) for proposal in heaviest])
        spread = np.array([proposal.spread_km for proposal in heaviest])
        area = np.exp(-log_kernel(np.zeros(len(spread)), spread))
        wider = np.maximum(spread[:, None], spread)
        kernel = np.exp(log_kernel(sphere.distance_km(places[:, None], places), wider))
        overlap = kernel * np.minimum(area[:, None], area)
        density, country = before.density_and_country(places)
        covered = overlap.sum(axis=1)
        return cls(heaviest, places, spread, np.log(area / covered), overlap / covered[:, None], density, country)

    def share_of(self, cue: Cue) -> tuple[NDArray[np.float64], float]:
        """Return the mass (m,) that a cue proposes for these places, and the share of its weight that was kept.

        The mass sums to 1; it is 0 everywhere where no place of the cue was kept.
        """
        weight = np.zeros(len(self.proposals))
        number_of = {proposal: number for number, proposal in enumerate(self.proposals)}
        for proposal in cue.proposals:
            number = number_of.get(_place_of(proposal))
            if number is not None:
                weight[number] += proposal.weight
        total = sum(proposal.weight for proposal in cue.proposals)
        kept = float(weight.sum())
        return (weight @ self.overlap / kept, kept / total) if kept > 0 else (weight, 0.0)


def _place_of(proposal: Proposal) -> Proposal:
    """Return the proposal without its weight, so that the same place of two cues compares equal."""
    return replace(proposal, weight=0.0)
