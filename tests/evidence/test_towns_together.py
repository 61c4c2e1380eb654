"""Which towns are meant by names that stand together."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth.towns import gazetteer
from whereshot.evidence.town_spans import largest_towns
from whereshot.evidence.towns_together import NamedTowns, TownsTogether, towns_together


def named(text: str) -> list[NamedTowns]:
    """Return the names of a board: "Concepción 500 | Santiago"."""
    found = []
    for part in text.split(" | "):
        name, _, number = part.rpartition(" ")
        name, distance = (name, float(number)) if number.isdigit() else (part, None)
        found.append(NamedTowns(largest_towns(gazetteer().named(name)), distance))
    return found


def countries(together: TownsTogether) -> dict[str, float]:
    codes = gazetteer().country_codes[together.towns]
    return {str(code): float(together.weights[codes == code].sum()) for code in set(codes)}


@pytest.mark.parametrize(
    ("board", "country", "town"),
    [
        ("Concepción 500 | Valparaíso 120 | Santiago 10", "CL", "Santiago"),
        ("Córdoba 700 | Rosario 300 | Buenos Aires 8", "AR", "Buenos Aires"),
        ("Córdoba 400 | Mérida 340 | Toledo 70", "ES", "Toledo"),
        ("San Juan 170 | San Luis 260 | Mendoza 10", "AR", "Mendoza"),
        ("Kingston 260 | London 190 | Hamilton 70", "CA", "Hamilton"),
        ("Encarnación 365 | Concepción 420 | Asunción 12", "PY", "Asunción"),
        ("Cuenca 440 | Ambato 130 | Quito 20", "EC", "Quito"),
        ("Berlin | Hamburg", "DE", None),
        ("Altafulla | Torredembarra", "ES", None),
    ],
)
def test_large_towns_with_the_right_distances_win_over_namesakes_close_together(
    board: str, country: str, town: str | None
) -> None:
    together = towns_together(named(board))
    assert together is not None
    assert countries(together)[country] > 0.9
    assert set(gazetteer().country_codes[list(together.meant)]) == {country}
    if town is not None:
        assert gazetteer().name(int(together.towns[0])) == town


@pytest.mark.parametrize("names", ["La Paz | Trinidad", "San Antonio | Santa Rosa | San Miguel", "Windsor | Cambridge"])
def test_names_with_namesakes_in_several_countries_are_of_none_for_sure(names: str) -> None:
    together = towns_together(named(names))
    assert together is None or max(countries(together).values()) < 0.9


@pytest.mark.parametrize("names", ["Paris | Tokyo", "Montreux | Sydney", "Milano | New York"])
def test_towns_far_from_each_other_have_nothing_to_do_with_each_other(names: str) -> None:
    assert towns_together(named(names)) is None


def test_a_name_that_has_nothing_to_do_with_the_others_is_left_out() -> None:
    together = towns_together(named("Montreux | Tokyo | Vevey"))
    assert together is not None
    assert [town >= 0 for town in together.meant] == [True, False, True]


def test_the_photo_is_as_far_from_the_nearest_town_as_its_distance_says() -> None:
    near, far = (towns_together(named(board)) for board in ("Sevilla 530 | Córdoba 390", "Sevilla 145 | Córdoba 5"))
    assert near is not None and far is not None
    assert near.spread_km[0] == pytest.approx(0.8 * 390)
    assert far.spread_km[0] == pytest.approx(0.8 * 5)


def test_shares_of_the_towns_sum_to_one_and_the_likeliest_is_first() -> None:
    together = towns_together(named("San Pedro | Santa Cruz"))
    assert together is not None
    assert together.weights.sum() == pytest.approx(1)
    assert (np.diff(together.weights) <= 0).all()
    assert len(together.towns) == len(together.spread_km) <= 40


def test_where_words_say_that_the_photo_is_there_it_is_there() -> None:
    sevilla, madrid = named("Sevilla | Madrid")
    together = towns_together([sevilla._replace(is_here=True), madrid])
    assert together is not None
    assert gazetteer().name(int(together.towns[0])) == "Sevilla"
