"""Evidence: cues that were seen in or with a photo, as factors on its posterior.

A cue says what was noticed, what it was taken to mean, and how likely that makes each country or some places. A cue
can be wrong, so each is a mixture with the prior: with probability ``reliability`` it speaks true, otherwise it says
nothing. With p the posterior before, r the reliability and q what the cue proposes,

    p(x) [(1 - r) + r q(x) / p(x)]    for places,    p(x) [(1 - r) + r L(country(x)) / mean L]    for countries.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whereshot import sphere
from whereshot.cauchy import log_kernel
from whereshot.images import Recorded
from whereshot.places import countries
from whereshot.posterior import Posterior
from whereshot.shipped import read_toml

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels of the upright picture."""

MAX_TOWNS = 64
"""Places by which a posterior's support is extended; the heaviest ones."""


@dataclass(frozen=True)
class Line:
    """A line of text as it was read, how sure the reader is (0 to 1), and where it stands in the picture."""

    text: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class Town:
    """A place that a cue proposes, with its weight among the cue's places."""

    name: str
    latitude: float
    longitude: float
    country_code: str
    spread_km: float
    weight: float


@dataclass(frozen=True)
class Cue:
    """One thing noticed, which speaks of countries, of some places, or of every place.

    ``trust`` names its reliability in ``reliability.toml``, of which ``discount`` is the share that is left.
    ``countries`` are relative likelihoods by country code, zero where missing; ``towns`` the places it proposes;
    ``log_likelihood`` gives the log likelihood (k,) of places (k, 2) and needs no reliability.
    """

    kind: str
    what: str
    means: str
    trust: str
    discount: float = 1.0
    countries: Mapping[str, float] | None = None
    towns: tuple[Town, ...] = ()
    log_likelihood: Callable[[NDArray], NDArray] | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Seen:
    """What evidence may look at: the lines read in the picture, and what the camera recorded."""

    lines: tuple[Line, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)


Evidence = Callable[[Seen], list[Cue]]
"""One kind of evidence: everything it notices about one photo."""


@dataclass(frozen=True)
class Weighed:
    """A cue and by how many nats it moved the answer: the log of the answer's probability with it and without it."""

    cue: Cue
    nats: float


@dataclass(frozen=True)
class Fused:
    """A posterior of one row after its cues, and each cue's log factor (cues, places) on it."""

    posterior: Posterior
    country_index: NDArray[np.int64]
    """Number of each place's country, as ``places.Countries.index_of``."""
    log_factors: NDArray[np.float64]
    cues: tuple[Cue, ...]

    def weigh(self, answer: NDArray, within_km: float) -> list[Weighed]:
        """How each cue moved the probability of being within ``within_km`` of the answer (2,), strongest first."""
        near = sphere.distance_km(np.asarray(answer), self.posterior.places) <= within_km
        log_mass = self.posterior.log_mass[0]
        weighed = []
        for cue, log_factor in zip(self.cues, self.log_factors, strict=True):
            without = log_mass - log_factor
            before = _log_sum(without[near]) - _log_sum(without)
            weighed.append(Weighed(cue, float(_log_sum(log_mass[near]) - before)))
        return sorted(weighed, key=lambda one: -abs(one.nats))


@functools.cache
def fitted_reliabilities() -> dict[str, float]:
    """The probability that a cue of each trust speaks true, as ``benchmarks/signs.py --fit`` found it."""
    return read_toml("evidence/reliability.toml")["reliability"]


def fuse(
    posterior: Posterior,
    country_index: NDArray[np.int64],
    cues: Sequence[Cue],
    reliabilities: Mapping[str, float] | None = None,
) -> Fused:
    """Apply cues to a posterior of one row; ``country_index`` (k,) numbers its places' countries, -1 at sea.

    The support grows by the places that cues propose: they start with the mass that the posterior's density gives
    their own extent, so a proposal that is believed names the place itself and not the nearest old one.
    """
    trusted = fitted_reliabilities() if reliabilities is None else reliabilities
    reliability = [0.0 if cue.log_likelihood is not None else trusted[cue.trust] * cue.discount for cue in cues]
    places = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
    spread = np.ravel(posterior.spread_km)
    log_mass = posterior.log_mass[0]
    known = countries()
    share = np.bincount(country_index + 1, np.exp(log_mass), minlength=len(known.all) + 1)
    towns = _heaviest_towns(cues, reliability)
    old = len(places)
    if towns:
        spots = np.array([(town.latitude, town.longitude) for town in towns])
        widths = np.array([town.spread_km for town in towns])
        log_density = _log_density(places, log_mass, spread, spots)
        log_area = np.log(np.pi * (widths / sphere.EARTH_KM) ** 2)
        places = np.concatenate([places, spots])
        spread = np.concatenate([spread, widths])
        log_mass = np.concatenate([log_mass, log_density + log_area])
        country_index = np.concatenate([country_index, known.index_of(spots)])
    factors = np.zeros((len(cues), len(places)))
    for row, (cue, r) in enumerate(zip(cues, reliability, strict=True)):
        if cue.log_likelihood is not None:
            factors[row] = cue.log_likelihood(places)
        elif cue.countries is not None:
            likelihood = np.array([0.0, *(cue.countries.get(country.code, 0.0) for country in known.all)])
            relative = likelihood / max(float(share @ likelihood), 1e-12)
            factors[row] = np.log1p(r * (relative - 1))[country_index + 1]
        else:
            factors[row, :old] = np.log1p(-r)
            if towns:
                proposed = np.array([(town.latitude, town.longitude) for town in cue.towns])
                weights = np.array([town.weight for town in cue.towns])
                widths = np.array([town.spread_km for town in cue.towns])
                density = _log_density(proposed, np.log(weights / weights.sum()), widths, places[old:])
                factors[row, old:] = np.logaddexp(np.log1p(-r), np.log(r) + density - log_density)
    if towns:
        # the old places carry the towns' mass where no cue speaks true: what they add is only the rest
        silent = np.array([0.0 if cue.towns == () else np.log1p(-r) for cue, r in zip(cues, reliability, strict=True)])
        silent = factors[:, old:].sum(axis=0) - sum(
            factors[row, old:] - silent[row] for row, cue in enumerate(cues) if cue.towns
        )
        with np.errstate(divide="ignore"):
            log_mass[old:] += np.log(-np.expm1(np.minimum(silent - factors[:, old:].sum(axis=0), 0.0)))
    fused = Posterior(places, (log_mass + factors.sum(axis=0))[None], spread)
    return Fused(fused, country_index, factors, tuple(cues))


def _heaviest_towns(cues: Sequence[Cue], reliability: Sequence[float]) -> list[Town]:
    """The places that the cues propose, each once, the best supported first."""
    support: dict[tuple[str, float, float], tuple[float, Town]] = {}
    for cue, r in zip(cues, reliability, strict=True):
        total = sum(town.weight for town in cue.towns)
        for town in cue.towns:
            key = (town.name, town.latitude, town.longitude)
            weight, _ = support.get(key, (0.0, town))
            support[key] = (weight + r * town.weight / total, town)
    ranked = sorted(support.values(), key=lambda pair: -pair[0])
    return [town for _, town in ranked[:MAX_TOWNS]]


def _log_density(places: NDArray, log_mass: NDArray, spread: NDArray, points: NDArray) -> NDArray[np.float64]:
    """Log density (m,) per steradian at points (m, 2) of weighted places (k, 2)."""
    terms = log_mass + log_kernel(sphere.distance_km(points[:, None], places), spread)
    peak = terms.max(axis=1, keepdims=True)
    return peak[:, 0] + np.log(np.exp(terms - peak).sum(axis=1))


def _log_sum(values: NDArray) -> float:
    if len(values) == 0:
        return -np.inf
    peak = float(values.max())
    return peak + float(np.log(np.exp(values - peak).sum()))
