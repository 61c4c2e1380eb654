"""What an answer is sure of: one named place with at least 90 %, never a mere distance."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth.countries import countries
from whereshot.earth.place_names import place_names
from whereshot.locate.answers import answer_rows
from whereshot.locate.prediction import Prediction, SureOf
from whereshot.posterior.background import PlacesOverBackground
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.posterior.widening import Widening

PARIS, VERSAILLES, LYON, BERLIN = [48.8566, 2.3522], [48.8049, 2.1204], [45.764, 4.8357], [52.52, 13.405]
MALMO, COPENHAGEN, DUBAI = [55.605, 13.0038], [55.6761, 12.5683], [25.0772, 55.3093]


def answer(places: list[list[float]], mass: list[float], spread_km: float = 1.0, factor: float = 1.0) -> Prediction:
    (found,) = answer_rows(Posterior.from_mass(places, [mass], spread_km), widening=Widening(factor))
    return found


def test_a_city_holds_the_mass_near_its_centre() -> None:
    found = answer([DUBAI, BERLIN], [0.95, 0.05])
    assert found.sure_of is not None
    assert (found.sure_of.level, found.sure_of.name, found.sure_of.country_code) == ("city", "Dubai", "AE")
    assert 0.93 < found.sure_of.probability <= 0.95
    assert found.in_words()[1] == "Sure of the city: Dubai, United Arab Emirates (95 %)."


@pytest.mark.parametrize(
    ("places", "mass", "spread_km", "expected"),
    [
        ([PARIS, BERLIN], [0.999, 0.001], 0.05, ("street", "Paris")),
        ([PARIS, BERLIN], [0.97, 0.03], 2.0, ("city", "Paris")),
        ([PARIS, VERSAILLES, BERLIN], [0.55, 0.40, 0.05], 2.0, ("region", "Île-de-France")),
        ([PARIS, BERLIN], [0.99, 0.01], 60.0, ("country", "France")),
        ([PARIS, LYON, BERLIN], [0.5, 0.45, 0.05], 2.0, ("country", "France")),
        ([PARIS, BERLIN], [0.85, 0.15], 2.0, None),
    ],
)
def test_the_finest_level_with_nine_tenths(
    places: list[list[float]], mass: list[float], spread_km: float, expected: tuple[str, str] | None
) -> None:
    found = answer(places, mass, spread_km).sure_of
    assert (None if found is None else (found.level, found.name)) == expected
    assert found is None or found.probability >= 0.9


def test_a_circle_over_a_border_is_no_country() -> None:
    found = answer([MALMO, COPENHAGEN], [0.55, 0.45])
    assert found.confident_to == "region" and found.sure_of is None
    assert (
        found.in_words()[1]
        == "Probably Malmö, Sweden (56 %). Over 99 % within 200 km. By country: Sweden 55 %, Denmark 45 %."
    )


def test_a_street_is_not_sure_where_its_country_is_not() -> None:
    across = [[48.573, 7.75 + step / 1000] for step in range(150)]  # from Strasbourg to Kehl, 75 m a step
    codes = [name.country_code for name in place_names(across)]
    first = codes.index("DE")
    assert codes[first - 1] == "FR"
    found = answer(across[first - 1 : first + 1], [0.5, 0.5], 0.02)
    assert found.confident_to == "street" and found.sure_of is None


def test_at_sea_nothing_is_sure_though_a_circle_is() -> None:
    found = answer([[0.0, -30.0]], [1.0], 5.0)
    assert found.sure_of is None
    assert found.in_words()[1] == "At sea. 96 % within 25 km."


def test_a_radius_factor_widens_the_extents() -> None:
    narrow, wide = (answer([PARIS, BERLIN], [0.99, 0.01], 2.0, factor).sure_of for factor in (1.0, 4.0))
    assert narrow is not None and wide is not None
    assert (narrow.level, wide.level) == ("city", "region")


def test_every_kind_of_support_gives_the_same() -> None:
    own = Posterior.from_mass([PARIS, VERSAILLES], [[0.6, 0.4]], 1.0)
    prior = density_prior()
    mixed = own.mix(prior, 0.03)
    behind = PlacesOverBackground([PARIS, VERSAILLES], [1.0, 1.0], prior)
    over = behind.posterior(np.log([[0.6 * 0.97, 0.4 * 0.97]]), np.log([0.03]))
    separate = Posterior(np.array([mixed.places]), mixed.log_mass, mixed.spread_km)
    found = [answer_rows(posterior)[0].sure_of for posterior in (mixed, over, separate)]
    assert found[0] == found[1] == found[2]
    assert found[0] is not None and (found[0].level, found[0].name) == ("region", "Île-de-France")


def test_each_row_has_its_own() -> None:
    rows = Posterior.from_mass([PARIS, BERLIN], [[0.99, 0.01], [0.01, 0.99], [0.5, 0.5]], 1.0)
    assert [one.sure_of and one.sure_of.name for one in answer_rows(rows)] == ["Paris", "Berlin", None]


def test_no_level_is_sure_without_its_country() -> None:
    rng = np.random.default_rng(5)
    prior = density_prior()
    for _ in range(30):
        some = rng.choice(len(prior.places), 5, replace=False)
        mass = rng.dirichlet(np.full(5, 0.15))
        found = answer_rows(Posterior.from_mass(prior.places[some], mass[None], 5.0))[0]
        shares = dict(found.countries)
        if found.sure_of is None:
            assert max(shares.values(), default=0.0) < 0.9001
        else:
            assert shares[found.sure_of.country_code] >= 0.9
            assert found.sure_of.country_code in countries().by_code


def test_the_sentence_names_the_country_once() -> None:
    assert SureOf("country", "Sweden", "SE", 0.94).in_words() == "Sure of the country: Sweden (94 %)."
    assert SureOf("region", "Skåne", "SE", 0.999).in_words() == "Sure of the region: Skåne, Sweden (over 99 %)."
    assert SureOf("street", "Malmö", "SE", 0.9).in_words() == "Sure to within 1 km, in Malmö, Sweden (90 %)."
