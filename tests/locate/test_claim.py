"""Claims: the verdict on pictures whose sign says where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from conftest import MakePicture, exif
from whereshot.evidence import Cue, WeighedCue
from whereshot.evidence.local_writing import Writing
from whereshot.foundation.errors import ImageError
from whereshot.locate.claim import Claim, check
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions

EXAMPLE = Path(__file__).parents[2] / "examples" / "village-sign.jpg"


@pytest.fixture(scope="module")
def locator() -> Geolocator:
    return Geolocator.load()


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


GOODS = {
    "sweets": (
        "Hustenbonbons mit Honig",
        "Zutaten: Zucker, Honig, Menthol",
        "Energie 1655 kJ / 390 kcal",
        "Fett 0,1 g  Salz 0,02 g",
        "Bonbon GmbH",
        "75 g",
    ),
    "oil": (
        "Olio extra vergine di oliva",
        "Ingredienti: olio di oliva 100 %",
        "Conservare in luogo fresco e asciutto",
        "Valori nutrizionali per 100 ml",
        "Grassi 91 g  Sale 0 g",
        "500 ml  Prodotto in Italia",
    ),
    "oat drink": (
        "Havredryck med kalcium",
        "Ingredienser: vatten, havre 10 %",
        "Energi 190 kJ / 46 kcal",
        "Fett 1,5 g  Salt 0,1 g",
        "1 liter  Omskakas",
    ),
}
"""What stands on goods that are sold all over the world."""
MENU = (
    "Dear guest, this is our own wine",
    "you already know our word for welcome",
    "these wines are made with love",
    "try them with our bread and cheese",
)
SIGN = ("Hunde sind an der Leine", "zu halten. Betreten der", "Wiese ist verboten")


def draw_label(lines: tuple[str, ...], size: int, rng: np.random.Generator) -> Image.Image:
    """A label with lines of text before an uneven background, with a camera's noise."""
    coarse = Image.fromarray(rng.integers(70, 190, (64, 96, 3), np.uint8))
    picture = coarse.resize((960, 640), Image.Resampling.BICUBIC)
    drawing, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    drawing.rectangle((60, 50, 900, 590), fill="#f4efe0")
    for number, text in enumerate(lines):
        drawing.text((85, 70 + 1.4 * size * number), text, font=font, fill="black")
    noisy = np.asarray(picture, np.float64) + rng.normal(0, 7, (640, 960, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("claim", ["South Korea", "Seoul", "-33.45, -70.66"])
@pytest.mark.parametrize("goods", list(GOODS))
def test_what_stands_on_goods_does_not_make_a_claim_unlikely(
    locator: Geolocator, rng: np.random.Generator, goods: str, claim: str
) -> None:
    label, claimed = draw_label(GOODS[goods], 38, rng), Claim.parse(claim)
    taken_for_a_sign = check(locator, label, claimed, LocateOptions(surface_shares={"sign": 1.0}))
    assert taken_for_a_sign.against_prior < -1
    for verdict in (check(locator, label, claimed), taken_for_a_sign):
        assert verdict.evidence
        assert verdict.word == "can't tell"
        assert verdict.decided_by.startswith(
            "what was read speaks against the claim, but may be misread, or stand on goods or guests' menus: "
            "it belongs to the place with a probability of "
        )


@pytest.mark.parametrize(("goods", "claim"), [("sweets", "Germany"), ("oil", "Italy")])
def test_what_stands_on_goods_does_not_make_a_claim_plausible(
    locator: Geolocator, rng: np.random.Generator, goods: str, claim: str
) -> None:
    verdict = check(locator, draw_label(GOODS[goods], 38, rng), Claim.parse(claim))
    assert verdict.against_prior > 2
    assert verdict.word == "can't tell"
    assert verdict.decided_by.startswith(
        "what was read speaks for the claim, but may be misread, or stand on goods or guests' menus: "
    )


def test_english_alone_speaks_against_no_place(locator: Geolocator, rng: np.random.Generator) -> None:
    menu = draw_label(MENU, 42, rng)
    taken_for_a_sign = check(locator, menu, Claim.parse("Tbilisi"), LocateOptions(surface_shares={"sign": 1.0}))
    assert taken_for_a_sign.against_prior < -0.1
    assert taken_for_a_sign.word == "can't tell"
    verdict = check(locator, menu, Claim.parse("Tbilisi"))
    assert verdict.against_prior < 0
    assert verdict.word == "can't tell"
    assert verdict.to_json()["local_writing"]["only_english"] is True


def test_a_sign_in_the_language_of_another_country_still_makes_a_claim_unlikely(
    locator: Geolocator, rng: np.random.Generator
) -> None:
    picture = draw_label(SIGN, 58, rng)
    far = check(locator, picture, Claim.parse("Nairobi"))
    assert far.word == "unlikely"
    assert far.decided_by.startswith("what was read decides; it belongs to the place with a probability of ")
    assert far.to_json()["local_writing"]["probability"] > 0.8
    assert far.against_prior < far.surely_against_prior < 0
    assert check(locator, picture, Claim.parse("Germany")).word == "plausible"


@pytest.mark.parametrize("claim", ["Tokyo", "Portugal", "42.7, 1.37"])
def test_goods_do_not_weaken_a_recorded_position(
    locator: Geolocator, rng: np.random.Generator, tmp_path: Path, claim: str
) -> None:
    path = tmp_path / "goods.jpg"
    draw_label(GOODS["sweets"], 38, rng).save(path, exif=exif(41.14, 1.37), quality=92)
    verdict = check(locator, path, Claim.parse(claim), LocateOptions(use_exif=True))
    assert verdict.word == "unlikely"
    assert verdict.decided_by == "the recorded position decides"
    assert check(locator, path, Claim.parse("Altafulla"), LocateOptions(use_exif=True)).word == "plausible"


def test_writing_does_not_outweigh_a_recorded_position(
    locator: Geolocator, rng: np.random.Generator, tmp_path: Path
) -> None:
    path = tmp_path / "goods.jpg"
    draw_label(GOODS["sweets"], 38, rng).save(path, exif=exif(41.14, 1.37), quality=92)
    verdict = check(locator, path, Claim.parse("Bavaria"), LocateOptions(use_exif=True))
    assert (verdict.word, verdict.decided_by) == ("unlikely", "the recorded position decides")
    assert verdict.probability > 10 * verdict.unread, "German writing speaks for Bavaria"
    believed = replace(verdict, probability=0.5, writing=Writing(local=1.0))
    assert believed.word == "can't tell", "even writing that is believed more than the recorded position"
    assert believed.decided_by == "the recorded position speaks against the claim, and what was read speaks for it"


@pytest.mark.parametrize(("probability", "decides"), [(0.011, "the recorded position"), (0.9, "what was read")])
def test_the_evidence_with_more_nats_decides(locator: Geolocator, probability: float, decides: str) -> None:
    verdict = check(locator, EXAMPLE, Claim.parse("Altafulla"), LocateOptions(text=False))
    recorded = WeighedCue(Cue("exif", "41.1, 1.4", "taken there", "exif", countries={"ES": 1.0}), nats=3.0)
    changed = replace(verdict, probability=probability, unread=0.01, evidence=(recorded,), used_exif=True)
    assert changed.word == "plausible"
    assert changed.decided_by.startswith(decides)


def test_without_evidence_nobody_can_tell(locator: Geolocator) -> None:
    verdict = check(locator, EXAMPLE, Claim.parse("Altafulla"), LocateOptions(text=False))
    assert verdict.word == "can't tell"
    assert verdict.against_prior == pytest.approx(0)
    assert verdict.decided_by == "nothing speaks clearly for the claim or against it"


def test_a_picture_that_cannot_be_read_is_an_error(locator: Geolocator, tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(ImageError, match=r"damaged|cannot be read|not a picture"):
        check(locator, tmp_path / "a.png", Claim.parse("Spain"))


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
    used = check(locator, photo, claim, LocateOptions(use_exif=True))
    assert (used.word, used.used_exif) == ("plausible", True)
    assert check(locator, photo, Claim.parse("Tokyo"), LocateOptions(use_exif=True)).word == "unlikely"
    assert check(locator, photo, Claim.parse("Spain")).recorded_off_km == 0
    assert 400 < check(locator, photo, Claim.parse("Portugal")).recorded_off_km < 1000


def test_what_is_no_photo_is_told(locator: Geolocator, tmp_path: Path) -> None:
    drawing = Image.new("RGB", (800, 600), "#3366cc")
    drawing.paste("#ffcc00", (100, 100, 500, 400))
    drawing.save(tmp_path / "drawing.png")
    verdict = check(locator, tmp_path / "drawing.png", Claim.parse("Spain"))
    assert verdict.word == "can't tell"
    assert verdict.to_json()["not_a_photo"] == "this looks like a screenshot or a drawing, not a photo"


def test_a_verdict_in_words(locator: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    lines = check(locator, EXAMPLE, Claim.parse("Japan")).in_words()
    assert lines[0] == "Japan: unlikely"
    assert " times less likely than it was before." in lines[1]
    assert lines[2].startswith("  The best other place, Spain, has ")
    assert lines[2].endswith(" times as much for it as for the claim.")
    assert any(line.endswith("less likely.") and line.startswith('  Read "Ajuntament"') for line in lines)
    assert any('Read "Altafulla": the place Altafulla (Spain)' in line for line in lines)
    lines += check(locator, EXAMPLE, Claim.parse("Altafulla")).in_words()
    photo = jpeg_with_position(tmp_path / "a.jpg", 41.14, 1.37)
    lines += check(locator, photo, Claim.parse("Spain")).in_words()
    assert lines[-2] == "  Nothing was read in the picture."
    assert (
        lines[-1] == "  The camera recorded 41.14000, 1.37000, inside it; it was not used (--use-exif lets it speak)."
    )
    for word in ("nats", "-0.0", "+-", "1 others"):
        assert word not in "\n".join(lines)
