"""Names of towns in native scripts, in lines as readers give them."""

import random
from pathlib import Path

import numpy as np
import pytest

from whereshot.evidence.base import Box, Line
from whereshot.evidence.fusion import fuse
from whereshot.evidence.native_names import native_names
from whereshot.evidence.place_names import place_cues
from whereshot.evidence.text import cues_of
from whereshot.evidence.writing import fold_writing
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

SIGNS = [
    row.split("\t") for row in (Path(__file__).parent / "data" / "native_signs.tsv").read_text("utf-8").splitlines()
]


def lines(*texts: str) -> list[Line]:
    return [Line(fold_writing(text), 0.9, (0, 40 * row, 200, 40 * row + 30)) for row, text in enumerate(texts)]


def first_countries(read: list[Line]) -> list[str]:
    cues = cues_of(read)
    return [code for code, _ in country_masses(fuse(density_prior(), cues).posterior)[0]] if cues else []


@pytest.mark.parametrize(
    ("text", "town", "is_named"),
    [
        ("г. Тверь", "Tver", True),
        ("Қарағанды қаласы", "Karagandy", True),
        ("თბილისი", "Tbilisi", False),
        ("จังหวัดสุรินทร์", "Surin", True),
        ("حلب", "Aleppo", False),
        ("नाशिक", "Nashik", False),
        ("수원시", "Suwon", False),
    ],
)
def test_a_town_that_stands_alone_or_beside_its_kind_is_named(text: str, town: str, is_named: bool) -> None:
    (name,) = native_names(lines(text))
    (cue,) = place_cues(lines(text))
    assert max(cue.proposals, key=lambda proposal: proposal.weight).name == town
    assert name.is_named == is_named
    assert cue.trust == ("text/place/named" if is_named else "text/place/plain")


@pytest.mark.parametrize(
    "text", ["продукты", "хлеб", "аптека", "остановка", "мир", "صيدلية", "داروخانه", "약국", "ร้านอาหาร", "दुकान", "პური"]
)
def test_ordinary_words_are_no_towns(text: str) -> None:
    assert native_names(lines(text)) == []


@pytest.mark.parametrize("text", ["стари град", "เวลาทำการ จันทร์ - ศุกร์", "خوش آمدید", "स्वागत आहे"])
def test_phrases_of_ordinary_words_are_no_towns(text: str) -> None:
    assert native_names(lines(text)) == []


def test_a_street_or_a_shop_that_is_named_after_a_town_is_weaker_evidence() -> None:
    (alone,) = native_names(lines("بغداد"))
    (street,) = native_names(lines("شارع بغداد"))
    assert street.probability < 0.3 * alone.probability


def test_a_misread_name_is_weaker_evidence_than_an_exact_one() -> None:
    (exact,) = native_names(lines("кременчук"))
    (misread,) = native_names(lines("кремекчук"))
    assert (exact.errors, misread.errors) == (0, 1)
    assert misread.probability < exact.probability


def test_a_town_in_two_scripts_is_one_cue_of_two_names_that_support_each_other() -> None:
    (cue,) = place_cues([*lines("ลำปาง"), Line("Lampang", 0.9, (0, 50, 200, 80))])
    assert cue.what == "ลำปาง / Lampang"
    assert cue.trust == "text/place/named"
    assert cue.box == (0, 0, 200, 80)


def test_a_name_in_another_script_of_another_town_stays_a_cue_of_its_own() -> None:
    cues = place_cues([*lines("ลำปาง"), Line("Rotterdam", 0.9, (0, 50, 200, 80))])
    assert len(cues) == 2


@pytest.mark.parametrize(("country", "text"), SIGNS, ids=[f"{country}-{text[:12]}" for country, text in SIGNS])
def test_signs_give_their_country(country: str, text: str) -> None:
    assert first_countries(lines(*text.split(" / ")))[:1] == [country]


def test_signs_give_their_country_also_with_wrong_letters() -> None:
    rng, right = random.Random(18), 0
    for country, text in SIGNS:
        letters = [char for char in fold_writing(text) if char.isalpha()]
        texts = [
            "".join(rng.choice(letters) if c.isalpha() and rng.random() < 0.1 else c for c in fold_writing(part))
            for part in text.split(" / ")
        ]
        right += first_countries(lines(*texts))[:1] == [country]
    assert right >= 0.9 * len(SIGNS)


@pytest.mark.parametrize("place", [(230, 0, 400, 32), (0, 40, 180, 72)], ids=["beside", "below"])
def test_a_market_is_no_town_of_its_name_where_its_second_word_is_a_line_of_its_own(place: Box) -> None:
    name, market = Line(fold_writing("चावड़ी"), 0.95, (0, 0, 200, 30)), fold_writing("बाजार")
    (alone,) = native_names([name])
    assert alone.text == fold_writing("चावड़ी")
    assert native_names([name, Line(market, 0.95, place)]) == []
    (far,) = native_names([name, Line(market, 0.95, (0, 300, 180, 330))])
    assert far.probability == alone.probability


def test_a_name_that_may_be_misread_is_not_sure_because_its_script_names_the_country() -> None:
    answer = fuse(density_prior(), cues_of(lines("चावड़ी", "घूमना मना है"))).posterior
    assert country_masses(answer)[0][0][0] == "IN"
    assert answer.mass_within(np.array([[32.43, 76.01]]), 25.0)[0] < 0.6
