"""Apply cues to a posterior, and measure how much each cue changed the probability of an answer.

A cue can be wrong. With probability ``reliability`` it is right, otherwise it carries no information. So the result is
a mixture. With p the posterior before the cue, r the reliability, q the distribution that the cue proposes, and L its
likelihood of a country:

    p(x) [(1 - r) + r q(x) / p(x)]    for places,    p(x) [(1 - r) + r L(country(x)) / mean L]    for countries.

The surface of a text decides which cues may be right (``reliability``): the cues of one package are wrong together if
the package comes from elsewhere. So the result is a mean over the sets of cues that may be right. The probability of a
set does not depend on how well its cues agree, because the language of a product fits its company everywhere.

The proposed places are added to the support of the posterior. So a reliable proposal yields the proposed place itself,
and not the nearest place that the model knows. Proposals can overlap (a town under two names, a hamlet in a city); the
common area is then divided among them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.evidence.base import Cue, Proposal
from whereshot.evidence.reliability import Reliabilities, fitted_reliabilities
from whereshot.foundation.log_space import log_sum_exp
from whereshot.posterior.base import MIN_SPREAD_KM, Posterior
from whereshot.posterior.place_shape import circle_mass, log_kernel
from whereshot.posterior.support import PlainSupport

MAX_PROPOSALS = 64
"""The most places that are added to a posterior's support; those with the largest weights are kept."""
LEAST_PROBABILITY = 1e-12
"""Smaller probabilities are treated as equal to this."""


@dataclass(frozen=True)
class WeighedCue:
    """A cue and the part of the change of a probability, in nats, that it made; the parts sum to the whole change.

    ``alone`` is the change that it makes without all other cues.
    """

    cue: Cue
    nats: float
    alone: float = 0.0


@dataclass(frozen=True)
class Fused:
    """A posterior of one row after its cues. It keeps the effect of each cue, so that cues can be left out again."""

    posterior: Posterior
    effects: CueEffects

    @property
    def cues(self) -> tuple[Cue, ...]:
        """The cues that were applied."""
        return self.effects.cues

    def only(self, kept: Callable[[Cue], bool]) -> Fused:
        """Return the result with only the cues for which ``kept`` is true."""
        return self.effects.before.fuse([cue for cue in self.cues if kept(cue)], self.effects.reliabilities)

    def weigh(self, probability: Callable[[Posterior], float]) -> list[WeighedCue]:
        """Return which part of the change of ``probability`` each cue made, the largest first.

        ``probability`` is asked twice for each cue: with this cue alone, and with all others.
        """
        rows = tuple(range(len(self.cues)))

        @functools.cache
        def log_with(some: tuple[int, ...]) -> float:
            posterior = self.posterior if some == rows else self.effects.posterior(some)
            return math.log(max(probability(posterior), LEAST_PROBABILITY))

        nothing, everything = log_with(()), log_with(rows)
        alone = np.array([log_with((row,)) - nothing for row in rows])
        last = np.array([everything - log_with(rows[:row] + rows[row + 1 :]) for row in rows])
        nats = parts_of_change(alone, last, everything - nothing)
        weighed = map(WeighedCue, self.cues, nats.tolist(), alone.tolist())
        return sorted(weighed, key=lambda cue: -abs(cue.nats))

    def weigh_near(
        self, answer: ArrayLike, within_km: float, restrict: Callable[[Posterior], Posterior] | None = None
    ) -> list[WeighedCue]:
        """Return how each cue changed the probability within ``within_km`` of the answer (2,), largest part first.

        ``restrict`` is applied to the posterior first; it is given where the answer is restricted to an area.
        """
        spot = np.asarray(answer, float)
        if restrict is not None:
            return self.weigh(lambda one: float(restrict(one).mass_within(spot[None], within_km)[0]))
        support = self.effects.support
        away = sphere.distance_km(spot, support.places)
        inside = circle_mass(away, support.spread_km, np.float64(within_km))
        return self.weigh(lambda one: float(one.mass[0] @ inside))


def parts_of_change(alone: NDArray[np.float64], last: NDArray[np.float64], whole: float) -> NDArray[np.float64]:
    """Return the parts (n,) of a whole change that n causes made; the parts sum to the whole.

    ``alone`` is the change by each cause before all others, ``last`` the change by it after all others. A part is the
    mean of both. What then lacks to the whole, or is too much, is divided by how far ``alone`` and ``last`` differ: as
    far as causes agree or depend on each other. For two causes this is the mean over all orders (the Shapley value).

    >>> parts_of_change(np.array([3.0, 3.0, 3.0, -1.0]), np.array([0.0, 0.0, 0.0, -1.0]), 2.0)
    array([ 1.,  1.,  1., -1.])
    """
    mean, apart = (alone + last) / 2, np.abs(alone - last)
    total = apart.sum()
    share = apart / total if total > 0 else np.full(len(mean), 1 / max(len(mean), 1))
    return np.asarray(mean + (whole - mean.sum()) * share, np.float64)


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

    def fuse(self, cues: Sequence[Cue], reliabilities: Reliabilities | None = None) -> Fused:
        """Apply cues. The fitted reliabilities are used where None are given."""
        effects = CueEffects(self, cues, reliabilities or fitted_reliabilities())
        return Fused(effects.posterior(range(len(cues))), effects)

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


def fuse(posterior: Posterior, cues: Sequence[Cue], reliabilities: Reliabilities | None = None) -> Fused:
    """Apply cues to a posterior of one row. The fitted reliabilities are used where None are given."""
    return PosteriorBeforeCues.of(posterior).fuse(cues, reliabilities)


class CueEffects:
    """The effect of each of some cues on the places of a posterior and on the places that the cues propose."""

    def __init__(self, before: PosteriorBeforeCues, cues: Sequence[Cue], reliabilities: Reliabilities) -> None:
        self.before, self.cues, self.reliabilities = before, tuple(cues), reliabilities
        reliability = [0.0 if cue.log_likelihood is not None else reliabilities.best(cue) for cue in cues]
        self._proposed = ProposedPlaces.of(before, cues, reliability)
        index = np.concatenate([before.country_index, self._proposed.country_index])
        places = np.concatenate([before.places, self._proposed.places])
        spread_km = np.concatenate([before.spread_km, np.maximum(self._proposed.spread_km, MIN_SPREAD_KM)])
        self.support = PlainSupport(places, spread_km, lambda: index)
        self._each = [
            _effect(before, self._proposed, cue, r, places, index) for cue, r in zip(cues, reliability, strict=True)
        ]
        self._nothing = Effect(np.zeros(len(places)), np.zeros(len(self._proposed.places)))
        self._known: dict[tuple[int, ...], Effect] = {}

    def posterior(self, rows: Sequence[int]) -> Posterior:
        """Return the posterior of one row after the cues with these numbers."""
        whole = self._nothing
        for group in self.reliabilities.together([self.cues[row] for row in rows]):
            sets = {tuple(rows[place] for place in one): weight for one, weight in group.sets.items()}
            whole += _mean([self._together(one) for one in sets], np.log(list(sets.values())))
        return Posterior.on(self.support, _log_mass(self.before, self._proposed, whole)[None])

    def _together(self, rows: tuple[int, ...]) -> Effect:
        """Return the effect of cues that are right together, for a posterior that is normalised."""
        if rows not in self._known:
            effect = sum((self._each[row] for row in rows), self._nothing)
            evidence = log_sum_exp(_log_mass(self.before, self._proposed, effect))
            self._known[rows] = Effect(effect.factor - evidence, effect.all_wrong - evidence)
        return self._known[rows]


class Effect(NamedTuple):
    """The factors by which cues change a posterior, as logarithms.

    ``factor`` has every place, the proposed ones last. ``all_wrong`` has the proposed places only: their factors if
    every proposal is wrong.
    """

    factor: NDArray[np.float64]
    all_wrong: NDArray[np.float64]

    def __add__(self, other: object) -> Effect:
        """Return the effect of independent cues together."""
        if not isinstance(other, Effect):
            return NotImplemented
        return Effect(self.factor + other.factor, self.all_wrong + other.all_wrong)


def _effect(
    before: PosteriorBeforeCues,
    proposed: ProposedPlaces,
    cue: Cue,
    reliability: float,
    places: NDArray[np.float64],
    country_index: NDArray[np.int64],
) -> Effect:
    """Return the effect of one cue, which may be right, on all places."""
    old = len(before.places)
    if cue.log_likelihood is not None:
        factor = cue.log_likelihood(places)
    elif cue.countries is not None:
        likelihood = np.array([0.0, *(cue.countries.get(country.code, 0.0) for country in countries().all)])
        relative = likelihood / max(float(before.country_share @ likelihood), 1e-12)
        factor = np.log1p(reliability * (relative - 1))[country_index + 1]
    else:
        share, kept = proposed.share_of(cue)
        r = reliability * kept  # the cue's weight on places that were not kept counts as no information
        factor = np.full(len(places), np.log1p(-r))
        if r > 0:
            with np.errstate(divide="ignore"):
                log_ratio = np.log(share) - proposed.log_area - proposed.log_density
            factor[old:] = np.logaddexp(np.log1p(-r), np.log(r) + log_ratio)
        return Effect(factor, np.full(len(proposed.places), np.log1p(-r)))
    return Effect(factor, factor[old:])


def _mean(effects: Sequence[Effect], log_weights: NDArray[np.float64]) -> Effect:
    """Return the mean of effects, by the logarithms of their weights."""
    factor = log_sum_exp(np.stack([effect.factor for effect in effects], axis=-1) + log_weights)
    all_wrong = log_sum_exp(np.stack([effect.all_wrong for effect in effects], axis=-1) + log_weights)
    return Effect(factor, all_wrong)


def _log_mass(before: PosteriorBeforeCues, proposed: ProposedPlaces, effect: Effect) -> NDArray[np.float64]:
    """Return the logarithm of the mass of all places after an effect; it is not normalised."""
    with np.errstate(divide="ignore"):
        # The old places already hold the mass for the case that every proposal is wrong. New places get only the rest.
        rest = np.log(-np.expm1(np.minimum(effect.all_wrong - effect.factor[len(before.places) :], 0.0)))
    return np.concatenate([before.log_mass, proposed.log_density + proposed.log_area + rest]) + effect.factor


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
