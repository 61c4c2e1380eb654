"""Claims: what may be claimed, and the verdict on pictures whose sign says where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from conftest import MakePicture
from whereshot import report
from whereshot.claim import Claim, check
from whereshot.errors import ImageError, InputError
from whereshot.geolocator import Geolocator

EXAMPLE = Path(__file__).parents[1] / "examples" / "village-sign.jpg"


@pytest.fixture(scope="module")
def locator() -> Geolocator:
    return Geolocator.load()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("48.86, 2.35", "48.8600, 2.3500"),
        ("-33.9 18.4", "-33.9000, 18.4000"),
        ("48.2083° N, 16.3700° E", "48.2083, 16.3700"),
        ("48°12'30\"N 16°22'12\"E", "48.2083, 16.3700"),
        ("48,2083; 16,37", "48.2083, 16.3700"),
        ("33.85S 151.2E", "-33.8500, 151.2000"),
        ("Denmark", "Denmark"),
        ("Altafulla", "Altafulla, Catalonia, Spain"),
        ("Paris, Texas", "Paris, Texas, United States"),
        ("Deutschland", "Germany"),
        ("España", "Spain"),
        ("England", "England, United Kingdom"),
        ("northern ireland", "Northern Ireland, United Kingdom"),
        ("Bavaria", "Bavaria, Germany"),
        ("Catalonia", "Catalonia, Spain"),
        ("Punjab, Pakistan", "Punjab, Pakistan"),
    ],
)
def test_claims_are_understood(text: str, name: str) -> None:
    assert Claim.parse(text).name == name


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(InputError) as error:
        Claim.parse("Xyzzyplugh")
    assert str(error.value) == "no place 'Xyzzyplugh' is known; give a town, a region, a country, or LAT,LON"
    with pytest.raises(InputError, match="latitude must lie between"):
        Claim.parse("95, 10")
    with pytest.raises(InputError) as error:
        Claim.parse("-91,0")
    assert str(error.value) == "the position (-91, 0) is impossible: latitude must lie between -90 and 90 degrees"
    with pytest.raises(InputError, match=r"^latitude -33\.85 has a minus sign, but its hemisphere is N$"):
        Claim.parse("-33.85 N, 151.2 E")


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        *(("Altafulla", "plausible"), ("Spain", "plausible"), ("Catalonia", "plausible")),
        *(("Japan", "unlikely"), ("Tokyo", "unlikely"), ("Scotland", "unlikely")),
    ],
)
def test_a_sign_speaks_for_its_town_and_against_others(locator: Geolocator, claim: str, word: str) -> None:
    verdict = check(locator, EXAMPLE, Claim.parse(claim))
    assert verdict.word == word
    assert verdict.evidence
    assert (verdict.against_prior > 0) == (word == "plausible")
    assert verdict.to_json()["rank"] >= 1


def test_without_evidence_nobody_can_tell(locator: Geolocator) -> None:
    verdict = check(locator, EXAMPLE, Claim.parse("Altafulla"), text=False)
    assert verdict.word == "can't tell"
    assert verdict.against_prior == pytest.approx(0)


def test_a_picture_that_cannot_be_read_is_an_error(locator: Geolocator, tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(ImageError, match=r"damaged|cannot be read|not a picture"):
        check(locator, tmp_path / "a.png", Claim.parse("Spain"))


def test_a_town_of_a_regions_name_is_meant_where_it_is_large() -> None:
    assert Claim.parse("Madrid").point is not None
    assert Claim.parse("Galicia").region is not None


def test_a_recorded_position_is_told_and_used_only_if_asked(
    locator: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path
) -> None:
    photo = jpeg_with_position(tmp_path / "a.jpg", 41.14, 1.37)
    claim = Claim.parse("Altafulla")
    told = check(locator, photo, claim)
    assert (told.word, told.used_exif) == ("can't tell", False)
    assert told.recorded == pytest.approx((41.14, 1.37), abs=1e-4)
    assert told.recorded_off_km < 1
    assert told.to_json()["recorded"]["used"] is False
    used = check(locator, photo, claim, use_exif=True)
    assert (used.word, used.used_exif) == ("plausible", True)
    assert check(locator, photo, Claim.parse("Tokyo"), use_exif=True).word == "unlikely"
    assert check(locator, photo, Claim.parse("Spain")).recorded_off_km == 0
    assert 400 < check(locator, photo, Claim.parse("Portugal")).recorded_off_km < 1000


def test_what_is_no_photo_is_told(locator: Geolocator, tmp_path: Path) -> None:
    Image.new("RGB", (800, 600), "#3366cc").save(tmp_path / "drawing.png")
    verdict = check(locator, tmp_path / "drawing.png", Claim.parse("Spain"))
    assert verdict.word == "can't tell"
    assert verdict.to_json()["not_a_photo"] == "this looks like a screenshot or a drawing, not a photo"


def test_a_verdict_in_words(locator: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    lines = report.verdict_words(check(locator, EXAMPLE, Claim.parse("Japan")))
    assert lines[0] == "Japan: unlikely"
    assert " times less likely than it was before." in lines[1]
    assert lines[2].startswith("  The best other place, Spain, has ")
    assert lines[2].endswith(" times as much for it as for the claim.")
    assert any(line.endswith("less likely.") and line.startswith('  Read "Altafulla"') for line in lines)
    lines += report.verdict_words(check(locator, EXAMPLE, Claim.parse("Altafulla")))
    photo = jpeg_with_position(tmp_path / "a.jpg", 41.14, 1.37)
    lines += report.verdict_words(check(locator, photo, Claim.parse("Spain")))
    assert lines[-2] == "  Nothing was read in the picture."
    assert (
        lines[-1] == "  The camera recorded 41.14000, 1.37000, inside it; it was not used (--use-exif lets it speak)."
    )
    for word in ("nats", "-0.0", "+-", "1 others"):
        assert word not in "\n".join(lines)
