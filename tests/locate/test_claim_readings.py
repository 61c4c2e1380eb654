"""What claimed names mean: regions before hamlets, former countries, disputed areas, and names as lists write them."""

from __future__ import annotations

import pytest

from whereshot.earth import country_shapes
from whereshot.foundation.errors import InputError
from whereshot.locate.claim_readings import other_meanings, read_name
from whereshot.locate.claimed_place import Claim
from whereshot.posterior.base import Posterior

READ = {
    "Africa": "Africa",
    "Asia": "Asia",
    "EU": "European Union",
    "Oceania": "Oceania",
    "Middle East": "Middle East",
    "Siberia": "Siberia, Russia",
    "Patagonia": "Patagonia",
    "Normandy": "Normandy, France",
    "Yorkshire": "Yorkshire, United Kingdom",
    "Java": "Java, Indonesia",
    "Sumatra": "Sumatra, Indonesia",
    "Borneo": "Borneo",
    "Honshu": "Honshu, Japan",
    "Cornwall, England": "Cornwall, United Kingdom",
    "Cornwall, Ontario": "Cornwall, Ontario, Canada",
    "Normandy, Missouri": "Normandy, Missouri, United States",
    "Kent, Washington": "Kent, Washington, United States",
    "Kent": "Kent, United Kingdom (also Kent, Washington, United States)",
    "Ontario": "Ontario, Canada (also Ontario, California, United States)",
    "Ontario, California": "Ontario, California, United States",
    "Victoria, Australia": "Victoria, Australia",
    "Victoria, BC": "Victoria, British Columbia, Canada",
    "Tex.": "Texas, United States",
    "Wash.": "Washington, United States",
    "Calif.": "California, United States",
    "Granada, Spain": "Granada, Andalusia, Spain",
    "USSR": "Soviet Union (today Armenia, Azerbaijan, Belarus, Estonia, Georgia, Kazakhstan, Kyrgyzstan, Latvia, "
    "Lithuania, Moldova, Russia, Tajikistan, Turkmenistan, Ukraine, Uzbekistan)",
    "Czechoslovakia": "Czechoslovakia (today Czechia, Slovakia)",
    "GDR": "East Germany (today a part of Germany)",
    "DDR": "East Germany (today a part of Germany)",
    "Golan Heights": "Golan Heights, Syria (disputed)",
    "Northern Cyprus": "Northern Cyprus, Cyprus (disputed)",
    "South Ossetia": "South Ossetia, Georgia (disputed)",
    "Transnistria": "Transnistria, Moldova (disputed)",
    "Nagorno-Karabakh": "Nagorno-Karabakh, Azerbaijan (disputed)",
    "Somaliland": "Somaliland, Somalia (disputed)",
    "Donbas": "Donbas, Ukraine (disputed)",
    "Aksai Chin": "Aksai Chin, China (disputed)",
    "Iraqi Kurdistan": "Iraqi Kurdistan, Iraq",
    "Kurdistan": "Kurdistan",
    "Georgia (country)": "Georgia",
    "Georgia (US state)": "Georgia, United States",
    "New York (state)": "New York, United States",
    "Korea, South": "South Korea",
    "Gambia, The": "Gambia",
    "Samoa, American": "American Samoa",
    "Congo (Brazzaville)": "Congo - Brazzaville",
    "NYC": "New York City, New York, United States",
    "-48 S, 2 E": "-48.0000, 2.0000 (the minus sign and the letter mean the same side)",
    "48.8566N2.3522E": "48.8566, 2.3522",
    "٤٨٫٨٥٦٦، ٢٫٣٥٢٢": "48.8566, 2.3522",
}


@pytest.mark.parametrize("text", READ)
def test_what_a_claim_means(text: str) -> None:
    assert Claim.parse(text).name == READ[text]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Victoria", "Victoria, Australia (also Victoria, "),
        ("Bali", "Bali, Indonesia (also "),
        ("Cornwall", "Cornwall, United Kingdom"),
        ("Granada", "Granada, Andalusia, Spain (the largest of "),
        ("Buenos Aires", "Buenos Aires, Buenos Aires F.D., Argentina"),
        ("Valencia", "Valencia, Valencia, Spain (also Valencia, "),
        ("Madrid", "Madrid, Madrid, Spain"),
        ("New York (city)", "New York City, New York, United States"),
    ],
)
def test_ambiguous_names_have_a_remark(text: str, start: str) -> None:
    assert Claim.parse(text).name.startswith(start)


@pytest.mark.parametrize("text", ["nan,nan", "None, None", "null null", "48,16,37", "12", "91°"])
def test_numbers_that_are_no_position_are_refused_with_the_forms(text: str) -> None:
    told = "48.8566, 2.3522 or 48°51'24\"N 2°21'8\"E, or paste the link of a map"
    with pytest.raises(InputError) as error:
        read_name(text)
    assert str(error.value) == f"{text!r} is no position; write latitude and longitude as {told}"
    with pytest.raises(InputError) as error:
        Claim.parse("https://maps.app.goo.gl/x")
    assert str(error.value) == f"the link 'https://maps.app.goo.gl/x' has no position; write it as {told}"


@pytest.mark.parametrize(
    ("text", "near"), [("Sibera", "Siberia"), ("Transnistra", "Transnistria"), ("Yugoslavja", "Yugoslavia")]
)
def test_regions_are_suggested(text: str, near: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {near!r}"):
        read_name(text)


def test_a_disputed_area_has_the_country_of_the_chosen_borders(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_name("Crimea").name == "Crimea, Ukraine (disputed)"
    monkeypatch.setenv(country_shapes.VARIABLE, "control")
    assert read_name("Crimea").name == "Crimea, Russia (disputed)"
    assert read_name("Golan Heights").name == "Golan Heights, Israel (disputed)"


def test_what_else_an_area_is_called() -> None:
    assert other_meanings("LA") == "Louisiana, United States"
    assert other_meanings("Georgia") == "Georgia, United States"
    assert other_meanings("Spain") == other_meanings("Siberia") == other_meanings("Xyzzyplugh") == ""


def test_a_claim_of_a_wide_region_beside_the_rest_of_its_country() -> None:
    """Novosibirsk, Moscow and Tokyo."""
    towns = Posterior.from_mass([[55.03, 82.92], [55.75, 37.62], [35.69, 139.69]], [[0.3, 0.5, 0.2]], 1.0)
    siberia, union = Claim.parse("Siberia"), Claim.parse("USSR")
    assert siberia.mass(towns) == pytest.approx(0.3)
    assert siberia.rank(towns) == 2
    others = siberia.others(towns, towns, towns)
    assert (others.best, others.probability) == ("the rest of Russia", pytest.approx(0.5))
    assert siberia.off_km((55.03, 82.92)) == 0
    assert 1000 < siberia.off_km((55.75, 37.62)) < 2500
    assert union.mass(towns) == pytest.approx(0.8)
    assert union.others(towns, towns, towns).best == "Japan"
