"""A posterior and cues in, the posterior after the cues out, and by how much each of them moved an answer.

A cue can be wrong, so each is a mixture with the posterior before: with probability ``reliability`` it speaks true,
otherwise it says nothing. With p the posterior before, r the reliability and q what the cue proposes,

    p(x) [(1 - r) + r q(x) / p(x)]    for places,    p(x) [(1 - r) + r L(country(x)) / mean L]    for countries.

The support grows by the places that cues propose, so a proposal that is believed names the place itself and not the
nearest old one. Proposals that cover the same ground (one town under two names, a hamlet in a city) share it.
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
"""Places by which a posterior's support is extended; the heaviest ones."""
LEAST_PROBABILITY = 1e-12
"""What is less likely than this is not told apart."""


@functools.cache
def fitted_reliabilities() -> dict[str, float]:
    """The probability that a cue of each trust speaks true, as ``benchmarks/signs.py --fit`` found it."""
    result: dict[str, float] = read_toml("evidence/data/reliability.toml")["reliability"]
    return result


@dataclass(frozen=True)
class Weighed:
    """A cue and by how many nats it moved a probability: the log of the probability with it over that without it."""

    cue: Cue
    nats: float


@dataclass(frozen=True)
class Fused:
    """A posterior of one row after its cues; what it was before is kept, so that each cue can be left out again."""

    posterior: Posterior
    cues: tuple[Cue, ...]
    reliability: tuple[float, ...]
    before: Before

    def without(self, number: int) -> Fused:
        """The same, had the cue of this number not been noticed."""
        kept = [row for row in range(len(self.cues)) if row != number]
        return _apply(self.before, [self.cues[row] for row in kept], [self.reliability[row] for row in kept])

    def only(self, kept: Callable[[Cue], bool]) -> Fused:
        """The same, had only the cues been noticed for which ``kept`` holds."""
        rows = [row for row, cue in enumerate(self.cues) if kept(cue)]
        return _apply(self.before, [self.cues[row] for row in rows], [self.reliability[row] for row in rows])

    def moved(self, probability: Callable[[Fused], float]) -> list[Weighed]:
        """How each cue moved a probability, the strongest first."""
        log_with = math.log(max(probability(self), LEAST_PROBABILITY))
        weighed = [
            Weighed(cue, log_with - math.log(max(probability(self.without(number)), LEAST_PROBABILITY)))
            for number, cue in enumerate(self.cues)
        ]
        return sorted(weighed, key=lambda one: -abs(one.nats))

    def weigh(
        self, answer: ArrayLike, within_km: float, restrict: Callable[[Posterior], Posterior] | None = None
    ) -> list[Weighed]:
        """How each cue moved the probability of being within ``within_km`` of the answer (2,), strongest first.

        ``restrict`` is done to the posterior first, where the answer was restricted to an area.
        """

        def probability(fused: Fused) -> float:
            one = fused.posterior if restrict is None else restrict(fused.posterior)
            return float(one.mass_within(np.asarray(answer)[None], within_km)[0])

        return self.moved(probability)


@dataclass(frozen=True)
class Before:
    """A posterior of one row before its cues, and what it says of the places that they propose, asked once each."""

    places: NDArray[np.float64]
    log_mass: NDArray[np.float64]
    spread_km: NDArray[np.float64]
    country_index: NDArray[np.int64]
    _asked: dict[tuple[float, float], tuple[float, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, posterior: Posterior) -> Before:
        """Return what a posterior of one row was before its cues."""
        places = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
        country_index = np.ravel(posterior.support.country_index)
        return cls(places, posterior.log_mass[0], np.ravel(posterior.spread_km), country_index)

    def after(self, cues: Sequence[Cue], reliabilities: Mapping[str, float] | None = None) -> Fused:
        """The posterior after cues, by the fitted reliabilities unless others are given."""
        trusted = fitted_reliabilities() if reliabilities is None else reliabilities
        reliability = [0.0 if cue.log_likelihood is not None else trusted[cue.trust] * cue.discount for cue in cues]
        return _apply(self, cues, reliability)

    @functools.cached_property
    def country_share(self) -> NDArray[np.float64]:
        """Probability of the sea, and of every country by its number plus one."""
        shares = np.bincount(self.country_index + 1, np.exp(self.log_mass), minlength=len(countries().all) + 1)
        return np.asarray(shares, np.float64)

    def at(self, spots: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Log density (m,) per steradian and number of the country (m,), at positions (m, 2)."""
        keys = [(float(latitude), float(longitude)) for latitude, longitude in spots]
        new = np.array([key for key in dict.fromkeys(keys) if key not in self._asked]).reshape(-1, 2)
        if len(new):
            found = zip(self._log_density(new).tolist(), countries().index_of(new).tolist(), strict=True)
            self._asked.update(zip(map(tuple, new.tolist()), found, strict=True))
        density, country = zip(*(self._asked[key] for key in keys), strict=True)
        return np.array(density), np.array(country, dtype=np.int64)

    def _log_density(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        terms = self.log_mass + log_kernel(sphere.distance_km(points[:, None], self.places), self.spread_km)
        peak = terms.max(axis=1, keepdims=True)
        result: NDArray[np.float64] = peak[:, 0] + np.log(np.exp(terms - peak).sum(axis=1))
        return result


def fuse(posterior: Posterior, cues: Sequence[Cue], reliabilities: Mapping[str, float] | None = None) -> Fused:
    """Apply cues to a posterior of one row, by the fitted reliabilities unless others are given."""
    return Before.of(posterior).after(cues, reliabilities)


def _apply(before: Before, cues: Sequence[Cue], reliability: Sequence[float]) -> Fused:
    ground = ProposedGround.of(before, cues, reliability)
    old, new = len(before.places), len(ground.spots)
    index = np.concatenate([before.country_index, ground.country_index])
    places = np.concatenate([before.places, ground.spots])
    factors, silent = np.zeros(old + new), np.zeros(new)
    for cue, r in zip(cues, reliability, strict=True):
        if cue.log_likelihood is not None:
            factor = cue.log_likelihood(places)
        elif cue.countries is not None:
            likelihood = np.array([0.0, *(cue.countries.get(country.code, 0.0) for country in countries().all)])
            relative = likelihood / max(float(before.country_share @ likelihood), 1e-12)
            factor = np.log1p(r * (relative - 1))[index + 1]
        else:
            share, kept = ground.share_of(cue)
            r *= kept  # what the cue said of places that were cut is left unsaid
            factor = np.full(old + new, np.log1p(-r))
            if r > 0:
                with np.errstate(divide="ignore"):
                    log_ratio = np.log(share) - ground.log_area - ground.log_density
                factor[old:] = np.logaddexp(np.log1p(-r), np.log(r) + log_ratio)
        factors += factor
        silent += np.log1p(-r) if cue.proposals else factor[old:]
    with np.errstate(divide="ignore"):
        # the old places carry the new ones' mass where no cue speaks true: what they add is only the rest
        added = ground.log_density + ground.log_area + np.log(-np.expm1(np.minimum(silent - factors[old:], 0.0)))
    log_mass = np.concatenate([before.log_mass, added]) + factors
    spread_km = np.concatenate([before.spread_km, np.maximum(ground.spread_km, MIN_SPREAD_KM)])
    fused = Posterior.on(PlainSupport(places, spread_km, lambda: index), log_mass[None])
    return Fused(fused, tuple(cues), tuple(reliability), before)


@dataclass(frozen=True)
class ProposedGround:
    """The places that cues propose, each once, and the ground that each stands for.

    With K_ij the kernel of the wider of places i and j at their distance and a_i = 1 / K_ii, the ground that two
    places have in common is K_ij min(a_i, a_j): all of it for one town under two names, next to nothing for towns far
    apart. A place shares its ground with all that have it in common, so that none is counted twice.
    """

    proposals: tuple[Proposal, ...]
    spots: NDArray[np.float64]
    spread_km: NDArray[np.float64]
    log_area: NDArray[np.float64]
    """Log steradians of each place's own share of its ground."""
    common: NDArray[np.float64]
    """(m, m), rows summing to one: how the mass proposed for one place is shared among all."""
    log_density: NDArray[np.float64]
    """Of the posterior before, at each place."""
    country_index: NDArray[np.int64]

    @classmethod
    def of(cls, before: Before, cues: Sequence[Cue], reliability: Sequence[float]) -> ProposedGround:
        """The heaviest of the places that the cues propose."""
        support: dict[Proposal, float] = {}
        for cue, r in zip(cues, reliability, strict=True):
            total = sum(proposal.weight for proposal in cue.proposals)
            for proposal in cue.proposals:
                key = _place_of(proposal)
                support[key] = support.get(key, 0.0) + r * proposal.weight / total
        heaviest = tuple(sorted(support, key=lambda one: -support[one])[:MAX_PROPOSALS])
        if not heaviest:
            nothing = np.empty(0)
            return cls((), np.empty((0, 2)), nothing, nothing, np.empty((0, 0)), nothing, np.empty(0, np.int64))
        spots = np.array([(one.latitude, one.longitude) for one in heaviest])
        spread = np.array([one.spread_km for one in heaviest])
        area = np.exp(-log_kernel(np.zeros(len(spread)), spread))
        wider = np.maximum(spread[:, None], spread)
        kernel = np.exp(log_kernel(sphere.distance_km(spots[:, None], spots), wider))
        common = kernel * np.minimum(area[:, None], area)
        density, country = before.at(spots)
        covered = common.sum(axis=1)
        return cls(heaviest, spots, spread, np.log(area / covered), common / covered[:, None], density, country)

    def share_of(self, cue: Cue) -> tuple[NDArray[np.float64], float]:
        """A cue's proposed mass (m,) on these places, summing to one, and the share of its weight that is not cut."""
        weight = np.zeros(len(self.proposals))
        number_of = {proposal: number for number, proposal in enumerate(self.proposals)}
        for proposal in cue.proposals:
            number = number_of.get(_place_of(proposal))
            if number is not None:
                weight[number] += proposal.weight
        total = sum(proposal.weight for proposal in cue.proposals)
        kept = float(weight.sum())
        return (weight @ self.common / kept, kept / total) if kept > 0 else (weight, 0.0)


def _place_of(proposal: Proposal) -> Proposal:
    """The place alone, whichever cue proposes it."""
    return replace(proposal, weight=0.0)
