"""From a posterior to what a Prediction says: the place, its circle, the probabilities and the other candidates."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.locate.answers import CANDIDATE_KM, answer_rows
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import CONFIDENT_TO, WITHIN_KM, Place
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.posterior.widening import Widening

PARIS, LYON, BERLIN = [48.8566, 2.3522], [45.764, 4.8357], [52.52, 13.405]


def posterior(mass: list[float], spread_km: float = 2.0) -> Posterior:
    return Posterior.from_mass([PARIS, LYON, BERLIN], [mass], spread_km)


def test_the_answer_names_its_place_and_the_candidates_theirs() -> None:
    (answer,) = answer_rows(posterior([0.6, 0.3, 0.1]), LocateOptions(top=3))
    assert (answer.latitude, answer.longitude) == (PARIS[0], PARIS[1])
    assert (answer.place.name, answer.place.country_code) == ("Paris", "FR")
    assert [candidate.place.name for candidate in answer.candidates] == ["Paris", "Lyon", "Berlin"]
    assert [round(candidate.probability, 1) for candidate in answer.candidates] == [0.6, 0.3, 0.1]
    countries = dict(answer.countries)
    assert countries == pytest.approx({"FR": 0.9, "DE": 0.1}, abs=1e-3)


@pytest.mark.parametrize(
    ("mass", "spread_km", "level"),
    [
        ([0.999, 0.0005, 0.0005], 0.05, "street"),
        ([0.97, 0.02, 0.01], 3.0, "city"),
        ([0.5, 0.45, 0.05], 3.0, "country"),
        ([0.4, 0.3, 0.3], 3.0, "continent"),
        ([0.4, 0.3, 0.3], 9000.0, None),
    ],
)
def test_confident_to_is_the_finest_level_with_nine_tenths(
    mass: list[float], spread_km: float, level: str | None
) -> None:
    (answer,) = answer_rows(posterior(mass, spread_km))
    assert answer.confident_to == level
    shares = [answer.within[km] for km in WITHIN_KM]
    assert shares == sorted(shares)
    if level is not None:
        km = next(km for km, name in CONFIDENT_TO.items() if name == level)
        assert answer.within[km] >= 0.9


def test_a_radius_factor_corrects_radius_and_probabilities_alike() -> None:
    wide, narrow = (answer_rows(posterior([0.6, 0.3, 0.1], 20.0), widening=Widening(f))[0] for f in (2.0, 1.0))
    assert wide.radius_km == pytest.approx(2 * narrow.radius_km, rel=1e-3)
    assert wide.within[25] < narrow.within[25]


def test_candidates_keep_their_distance() -> None:
    (answer,) = answer_rows(density_prior(), LocateOptions(top=12))
    spots = np.array([[candidate.latitude, candidate.longitude] for candidate in answer.candidates])
    distance = sphere.distance_km(spots[:, None], spots[None])
    assert len(spots) == 12
    assert distance[~np.eye(12, dtype=bool)].min() > 2 * CANDIDATE_KM


def test_a_place_at_sea_says_so() -> None:
    (answer,) = answer_rows(Posterior.from_mass([[0.0, -30.0]], [[1.0]], 5.0))
    assert str(answer.place) == "at sea"
    assert str(Place("Altafulla", "Catalonia", "Spain", "ES")) == "Altafulla, Catalonia, Spain"
