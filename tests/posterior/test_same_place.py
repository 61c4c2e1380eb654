"""Photos of one place: what they say together is more than one says, and less than if they had nothing in common."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.posterior.same_place import pool

PARIS, LIMA, TOKYO = (48.85, 2.35), (-12.05, -77.04), (35.68, 139.76)


def photo(*spots: tuple[float, float, float], left: float = 0.3) -> Posterior:
    """A posterior: some places with their masses, and what is left of it to the prior."""
    prior = density_prior()
    return Posterior.from_mass(
        np.concatenate([prior.places, [spot[:2] for spot in spots]]),
        np.concatenate([left * prior.mass[0], [spot[2] for spot in spots]])[None],
        np.concatenate([prior.spread_km, np.full(len(spots), 1.0)]),
    )


def near(posterior: Posterior, spot: tuple[float, float], km: float = 25) -> float:
    return float(posterior.mass_within([spot], km)[0])


def test_two_that_doubt_agree_on_what_both_hold() -> None:
    prior = density_prior()
    first, second = photo((*PARIS, 0.3), (*LIMA, 0.4)), photo((*PARIS, 0.3), (*TOKYO, 0.4))
    pooled = pool([first, second], prior)
    assert near(pooled.posterior, PARIS) > 0.8 > near(first, PARIS)
    assert pooled.agreement_nats > 2


def test_photos_of_different_places_speak_against_each_other() -> None:
    pooled = pool([photo((*PARIS, 0.97), left=0.03), photo((*LIMA, 0.97), left=0.03)], density_prior())
    assert pooled.agreement_nats < -1
    assert max(near(pooled.posterior, PARIS), near(pooled.posterior, LIMA)) < 0.95, "and neither is believed"


def test_one_photo_is_what_it_was() -> None:
    own = photo((*PARIS, 0.7))
    pooled = pool([own], density_prior())
    assert near(pooled.posterior, PARIS) == pytest.approx(near(own, PARIS), abs=0.12)
    assert pooled.agreement_nats == pytest.approx(0, abs=0.3)


def test_many_alike_are_worth_two() -> None:
    prior, own = density_prior(), photo((*PARIS, 0.3), (*LIMA, 0.1), left=0.6)

    def log_odds(count: int, correlation: float) -> float:
        pooled = pool([own] * count, prior, correlation).posterior
        return float(np.log(near(pooled, PARIS, 2) / near(pooled, LIMA, 2)))

    one, two = log_odds(1, 0.0), log_odds(2, 0.0)
    assert log_odds(20, 1.0) == pytest.approx(one, abs=0.01), "copies of one photo are one photo"
    assert (log_odds(20, 0.5) - one) / (two - one) == pytest.approx(0.905, abs=0.02)


def test_the_prior_counts_once() -> None:
    prior = density_prior()
    pooled = pool([prior] * 6, prior)
    assert pooled.agreement_nats == pytest.approx(0, abs=1.5)
    for spot, km in ((PARIS, 25), (PARIS, 1000), (TOKYO, 3000), (LIMA, 5000)):
        assert near(pooled.posterior, spot, km) == pytest.approx(near(prior, spot, km), abs=0.02)


def test_a_place_that_only_one_photo_knows_by_name() -> None:
    """A village read on a sign extends one photo's places; the others speak there too."""
    prior = density_prior()
    village = (46.9, 10.5)
    pooled = pool([photo((*village, 0.6), left=0.4), prior, prior], prior)
    assert near(pooled.posterior, village) == pytest.approx(0.6, abs=0.1), "who knows nothing takes nothing away"


def test_what_cannot_be_pooled() -> None:
    prior = density_prior()
    with pytest.raises(InputError, match="at least one"):
        pool([], prior)
    with pytest.raises(InputError, match="of one row each"):
        pool([prior.repeat(2)], prior)
    with pytest.raises(InputError, match="a correlation lies between 0 and 1; got 2"):
        pool([prior], prior, 2)
