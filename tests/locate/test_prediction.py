"""From a posterior to what a Prediction says: the place, its circle, the probabilities and the other candidates."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.locate.prediction import CANDIDATE_KM, CONFIDENT_TO, WITHIN_KM, Candidate, Place, Prediction, answer_rows
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior

PARIS, LYON, BERLIN = [48.8566, 2.3522], [45.764, 4.8357], [52.52, 13.405]


def posterior(mass: list[float], spread_km: float = 2.0) -> Posterior:
    return Posterior.from_mass([PARIS, LYON, BERLIN], [mass], spread_km)


def test_the_answer_names_its_place_and_the_candidates_theirs() -> None:
    (answer,) = answer_rows(posterior([0.6, 0.3, 0.1]), top=3)
    assert (answer["latitude"], answer["longitude"]) == (PARIS[0], PARIS[1])
    assert (answer["place"].name, answer["place"].country_code) == ("Paris", "FR")
    assert [candidate.place.name for candidate in answer["candidates"]] == ["Paris", "Lyon", "Berlin"]
    assert [round(candidate.probability, 1) for candidate in answer["candidates"]] == [0.6, 0.3, 0.1]
    countries = dict(answer["countries"])
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
    assert answer["confident_to"] == level
    shares = [answer["within"][str(km)] for km in WITHIN_KM]
    assert shares == sorted(shares)
    if level is not None:
        km = next(km for km, name in CONFIDENT_TO.items() if name == level)
        assert answer["within"][str(km)] >= 0.9


def test_a_radius_factor_corrects_radius_and_probabilities_alike() -> None:
    wide, narrow = (answer_rows(posterior([0.6, 0.3, 0.1], 20.0), radius_factor=f)[0] for f in (2.0, 1.0))
    assert wide["radius_km"] == pytest.approx(2 * narrow["radius_km"], rel=1e-3)
    assert wide["within"]["25"] < narrow["within"]["25"]


def test_candidates_keep_their_distance() -> None:
    (answer,) = answer_rows(density_prior(), top=12)
    spots = np.array([[candidate.latitude, candidate.longitude] for candidate in answer["candidates"]])
    distance = sphere.distance_km(spots[:, None], spots[None])
    assert len(spots) == 12
    assert distance[~np.eye(12, dtype=bool)].min() > 2 * CANDIDATE_KM


def test_a_place_at_sea_says_so() -> None:
    (answer,) = answer_rows(Posterior.from_mass([[0.0, -30.0]], [[1.0]], 5.0))
    assert str(answer["place"]) == "at sea"
    assert str(Place("Altafulla", "Catalonia", "Spain", "ES")) == "Altafulla, Catalonia, Spain"


def test_a_notebook_shows_the_words_and_a_map() -> None:
    hostile = '<img src=x onerror="alert(1)">&.jpg'
    spot = Candidate(48.85, 2.35, 0.8, Place("Paris", "Île-de-France", "France", "FR"))
    shares = {str(km): 0.9 for km in WITHIN_KM}
    found = Prediction(
        hostile, hostile, 48.85, 2.35, 20.0, 0.9, shares, "city", spot.place, (("FR", 0.9),), candidates=(spot,)
    )
    page = found._repr_html_()
    tree = ElementTree.fromstring(page)
    texts = ["".join(element.itertext()) for element in tree.iter("p")]
    assert texts == [hostile, "48.8500, 2.3500 (Paris, Île-de-France, France)", "90 % within 20 km."]
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}circle"))) == 1
    assert "<img" not in page and len(page.encode()) < 200_000
    failed = Prediction(hostile, hostile, error="it is <empty>")._repr_html_()
    assert ["".join(element.itertext()) for element in ElementTree.fromstring(failed)] == [hostile, "it is <empty>"]
