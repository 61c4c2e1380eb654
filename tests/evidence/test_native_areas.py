"""Countries, states and provinces in native scripts."""

import pytest

from whereshot.evidence.area_names import area_cues
from whereshot.evidence.base import Line
from whereshot.evidence.native_areas import native_areas
from whereshot.evidence.writing import fold_writing


def line(text: str) -> Line:
    return Line(fold_writing(text), 0.9, (0, 0, 200, 30))


@pytest.mark.parametrize(
    ("text", "area", "country"),
    [
        ("საქართველო", "Georgia", "GE"),
        ("Республика Беларусь", "Belarus", "BY"),
        ("대한민국", "South Korea", "KR"),
        ("جمهوری اسلامی ایران", "Iran", "IR"),
        ("उत्तर प्रदेश सरकार", "Uttar Pradesh", "IN"),
        ("จังหวัดอำนาจเจริญ", "Amnat Charoen", "TH"),
        ("افغلنستان", "Afghanistan", "AF"),  # one letter is wrong
        ("ΕΛΛΑΔΑ", "Greece", "GR"),
    ],
)
def test_areas_are_found_in_their_own_writing(text: str, area: str, country: str) -> None:
    (found,) = native_areas(line(text))
    assert (found.area.name, found.area.country_code) == (area, country)


@pytest.mark.parametrize("text", ["продукты", "Hotel Georgia", "ร้านอาหาร", "12", "странa"])
def test_other_words_are_no_areas(text: str) -> None:
    assert list(native_areas(line(text))) == []


def test_the_cue_of_an_area_has_its_name_in_latin_letters() -> None:
    (cue,) = area_cues([line("საქართველო")], [])
    assert cue.means == "sakartvelo, the country Georgia"
    assert (cue.trust, cue.countries["GE"]) == ("text/area/country", 1.0)
