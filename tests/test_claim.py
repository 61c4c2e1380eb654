"""Claims: what may be claimed, and the verdict on pictures whose sign says where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

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
        ("Denmark", "Denmark"),
        ("Altafulla", "Altafulla, Catalonia, Spain"),
        ("Paris, Texas", "Paris, Texas, United States"),
    ],
)
def test_claims_are_understood(text: str, name: str) -> None:
    assert Claim.parse(text).name == name


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(InputError) as error:
        Claim.parse("Xyzzyplugh")
    assert str(error.value) == "no place 'Xyzzyplugh' is known; give a town, a country, or LAT,LON"
    with pytest.raises(InputError, match="latitude must lie between"):
        Claim.parse("95, 10")


@pytest.mark.parametrize(
    ("claim", "word"),
    [("Altafulla", "plausible"), ("Spain", "plausible"), ("Japan", "unlikely"), ("Tokyo", "unlikely")],
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
