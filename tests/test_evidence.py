"""Evidence: the arithmetic of cues, what is read in lines of text, and what must not be read into them."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFont

from whereshot import images, places, sphere
from whereshot.errors import InputError
from whereshot.evidence import EVIDENCE, Cue, Line, Seen, fuse, nature, read_photos
from whereshot.evidence.base import Town, fitted_reliabilities
from whereshot.evidence.cues import host_words, pattern_cues, patterns
from whereshot.evidence.names import TRUSTS
from whereshot.evidence.reader import LARGEST_SIDE, MOST_TILES, Reader, _tiles
from whereshot.evidence.text import cues_of
from whereshot.evidence.time import HourModel
from whereshot.posterior import Posterior
from whereshot.records import Records

DATA = Path(__file__).parent / "data"
EXAMPLE = Path(__file__).parents[1] / "examples" / "village-sign.jpg"


def line(text: str) -> Line:
    return Line(text, 0.95, (0, 0, 100, 20))


@pytest.fixture(scope="module")
def index() -> np.ndarray:
    return places.countries().index_of(places.density_prior().places)


def ranked(cues: list[Cue], index: np.ndarray) -> list[tuple[str, float]]:
    fused = fuse(places.density_prior(), index, cues)
    return places.country_masses(fused.posterior, fused.country_index)[0]


# ---- the arithmetic

WORLD = Posterior.from_mass([[48.85, 2.35], [52.5, 13.4], [0.0, -30.0]], [[0.5, 0.3, 0.2]], [10.0, 10.0, 50.0])
WORLD_INDEX = np.array([places.countries().number_of["FR"], places.countries().number_of["DE"], -1])


def test_a_country_cue_is_a_mixture_with_the_prior() -> None:
    cue = Cue("text/word", "x", "y", "t", countries={"DE": 1.0})
    fused = fuse(WORLD, WORLD_INDEX, [cue], {"t": 0.8})
    # 0.2 of the time it says nothing; else all mass is in Germany
    np.testing.assert_allclose(fused.posterior.mass[0], [0.2 * 0.5, 0.2 * 0.3 + 0.8, 0.2 * 0.2], rtol=1e-9)


def test_a_place_cue_puts_its_reliability_at_the_place() -> None:
    town = Town("Munich", 48.14, 11.58, "DE", 5.0, 1.0)
    fused = fuse(WORLD, WORLD_INDEX, [Cue("text/place", "x", "y", "t", towns=(town,))], {"t": 0.6})
    assert fused.posterior.mass[0, 3] == pytest.approx(0.6, abs=0.02)
    np.testing.assert_allclose(fused.posterior.mass[0, :3].sum(), 0.4, atol=0.02)
    assert fused.country_index[3] == places.countries().number_of["DE"]


def test_a_cue_that_is_never_true_changes_nothing() -> None:
    town = Town("Munich", 48.14, 11.58, "DE", 5.0, 1.0)
    cues = [Cue("a", "", "", "t", countries={"DE": 1.0}), Cue("b", "", "", "t", towns=(town,))]
    fused = fuse(WORLD, WORLD_INDEX, cues, {"t": 1e-12})
    np.testing.assert_allclose(fused.posterior.mass[0, :3], [0.5, 0.3, 0.2], atol=1e-6)


def test_cues_that_agree_strengthen_each_other_and_nats_add_up() -> None:
    town = Town("Berlin", 52.52, 13.40, "DE", 8.0, 1.0)
    cues = [Cue("a", "", "", "t", countries={"DE": 1.0}), Cue("b", "", "", "t", towns=(town,))]
    alone = [fuse(WORLD, WORLD_INDEX, [cue], {"t": 0.7}).posterior.mass_within([[52.52, 13.4]], 50)[0] for cue in cues]
    both = fuse(WORLD, WORLD_INDEX, cues, {"t": 0.7})
    assert both.posterior.mass_within([[52.52, 13.4]], 50)[0] > max(alone)
    weighed = both.weigh(np.array([52.52, 13.4]), 50)
    assert all(one.nats > 0 for one in weighed)
    against = both.weigh(np.array([48.85, 2.35]), 50)
    assert all(one.nats < 0 for one in against)


def test_the_posterior_stays_a_probability_with_many_cues(index: np.ndarray) -> None:
    cues = cues_of([line("Ajuntament d'Altafulla"), line("Tarragona"), line("www.barcelona.cat"), line("Multa 300 €")])
    fused = fuse(places.density_prior(), index, cues)
    assert fused.posterior.mass.sum() == pytest.approx(1.0)
    assert len(fused.country_index) == fused.posterior.mass.shape[1]


# ---- reading lines


def test_every_kind_of_evidence_answers_to_nothing_with_nothing() -> None:
    for kind, evidence in EVIDENCE.items():
        assert evidence(Seen()) == [], kind


def test_every_trust_has_a_reliability() -> None:
    trusted = fitted_reliabilities()
    assert {pattern.kind for pattern in patterns()} | set(TRUSTS) | {"exif", "text/language"} <= trusted.keys()
    assert all(0 < value < 1 for value in trusted.values())


def test_every_pattern_names_real_countries() -> None:
    known = set(places.countries().by_code) | {"GI", "GP", "MQ", "RE", "BS", "BB"}
    for pattern in patterns():
        assert pattern.countries and set(pattern.countries) <= known, pattern.means


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("www.southwark.gov.uk/dogs", "GB"),
        ("info@gemeente.example visit www.amersfoort.nl", "NL"),
        ("Tel +45 33 12 34 56", "DK"),
        ("0049 30 901820", "DE"),
        ("Fine £1000", "GB"),
        ("SE1 7PB", "GB"),
        ("1012 JS", "NL"),
        ("San Francisco, CA 94110", "US"),
        ("Sp. z o.o.", "PL"),
        ("Bäckerei GmbH", "DE"),
        ("Ajuntament", "ES"),
        ("25 Kč", "CZ"),
        ("駐車場です", "JP"),
    ],
)
def test_patterns_mean_the_country(text: str, country: str) -> None:
    cues = pattern_cues([line(text)])
    assert any(max(cue.countries, key=lambda code: cue.countries[code]) == country for cue in cues), cues


@pytest.mark.parametrize("text", ["www.example.com", "youtu.be.com", "twitch.tv", "3.14", "e.g. this", "12.05.2024"])
def test_worldwide_addresses_and_numbers_mean_no_country(text: str) -> None:
    assert [cue for cue in pattern_cues([line(text)]) if cue.kind == "text/domain"] == []


def test_addresses_name_places() -> None:
    assert host_words("see www.stockholm.se/felanmalan") == ["stockholm"]


def test_sign_lines_lead_to_their_country(index: np.ndarray) -> None:
    """200 hand-written lines in many languages, with misread letters: at least 85 % right first."""
    rows = [row.split("\t") for row in (DATA / "sign_lines.tsv").read_text("utf-8").splitlines()]
    assert len(rows) >= 200
    wrong = [(country, text) for country, text in rows if ranked(cues_of([line(text)]), index)[0][0] != country]
    assert len(wrong) <= 0.15 * len(rows), wrong


def test_no_trap_moves_the_first_country_by_a_nat(index: np.ndarray) -> None:
    before = dict(places.country_masses(places.density_prior(), index)[0])
    first = max(before, key=lambda code: before[code])
    for text in (DATA / "trap_lines.tsv").read_text("utf-8").splitlines():
        after = ranked(cues_of([line(text)]), index)
        leader = after[0][0]
        assert abs(np.log(dict(after)[first] / before[first])) <= 1, text
        assert abs(np.log(after[0][1] / before[leader])) <= 1, text


def test_a_town_hall_names_its_town(index: np.ndarray) -> None:
    fused = fuse(places.density_prior(), index, cues_of([line("Ajuntament d'Altafulla")]))
    decided = fused.posterior.best(25, 1)
    assert sphere.distance_km(decided[0], np.array([41.143, 1.373])) < 5


@pytest.mark.parametrize("text", ["© Amit Kohli 2008", "shutterstock", "Photo by Jane Doe"])
def test_the_photographers_credit_is_no_evidence(text: str) -> None:
    assert cues_of([line(text)]) == []


def test_a_misread_scrap_is_no_language() -> None:
    assert [cue.kind for cue in cues_of([line("DANTT")])] == []


def test_a_year_is_no_postcode() -> None:
    assert not [cue for cue in cues_of([line("Est. 1998 Nice"), line("2023 March")]) if cue.trust == "text/place/named"]


def test_a_recorded_position_has_its_country(index: np.ndarray) -> None:
    (cue,) = EVIDENCE["exif"](Seen(recorded=images.Recorded(latitude=48.86, longitude=2.35)))
    assert ranked([cue], index)[0][0] == "FR"


# ---- other kinds


def test_exif_answers_with_the_recorded_position() -> None:
    recorded = images.Recorded(latitude=41.0, longitude=2.0)
    (cue,) = EVIDENCE["exif"](Seen(recorded=recorded))
    fused = fuse(WORLD, WORLD_INDEX, [cue])
    assert fused.posterior.mass_within([[41.0, 2.0]], 1)[0] > 0.98


def test_the_hour_says_something_of_the_longitude(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    longitude = rng.uniform(-180, 180, 3000)
    solar = rng.normal(14, 3, 3000) % 24
    utc = (solar - longitude / 15) % 24
    taken = [datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=float(h)) for h in utc]
    records = Records(
        pa.table(
            {
                "id": [str(number) for number in range(3000)],
                "latitude": np.zeros(3000),
                "longitude": longitude,
                "taken_at": pa.array(taken, pa.timestamp("us", tz="UTC")),
            }
        )
    )
    model = HourModel.fit(records)
    model.save(tmp_path / "hours.toml")
    model = HourModel.load(tmp_path / "hours.toml")
    likelihood = model.log_likelihood(14.0, np.array([[0.0, 0.0], [0.0, 179.0]]))
    assert likelihood[0] > 1 > -1 > likelihood[1]
    seen = Seen(recorded=images.Recorded(taken_at=datetime.datetime(2024, 5, 1, 14, tzinfo=datetime.UTC)))
    assert len(model.cues_of(seen)) == 1
    local = images.Recorded(taken_at=datetime.datetime(2024, 5, 1, 14), taken_at_is_local=True)
    assert model.cues_of(Seen(recorded=local)) == []


def test_the_hour_needs_photos() -> None:
    with pytest.raises(InputError, match="0 photos with a position and a UTC time; at least 200 are needed"):
        HourModel.fit(Records(pa.table({"id": ["a"], "latitude": [1.0], "longitude": [1.0]})))


# ---- pictures


def test_the_example_picture_is_read() -> None:
    (reading,) = read_photos([EXAMPLE])
    assert "ALTAFULLA" in {one.text for one in reading.lines}
    left, top, right, bottom = next(one.box for one in reading.lines if one.text == "ALTAFULLA")
    assert 240 < left < right < 790 and 320 < top < bottom < 460
    assert reading.size == (1024, 768) and reading.not_a_photo is None


def test_an_unreadable_picture_gives_an_empty_reading(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    (reading,) = read_photos([tmp_path / "a.jpg"])
    assert reading.lines == () and reading.size is None


def test_a_panorama_is_read_in_a_bounded_number_of_bounded_tiles() -> None:
    tiles = _tiles(Image.new("RGB", (12_000, 2_000)))
    assert 1 < len(tiles) <= MOST_TILES
    assert all(max(tile.size) <= LARGEST_SIDE for tile, *_ in tiles)
    (whole,) = _tiles(Image.new("RGB", (8000, 6000)))
    assert max(whole[0].size) == LARGEST_SIDE


def test_boxes_of_a_large_picture_are_in_its_own_pixels() -> None:
    image = Image.new("RGB", (3200, 2400), "white")
    ImageDraw.Draw(image).text((2000, 1800), "KOMMUNE", font=ImageFont.load_default(160), fill="black")
    (found,) = Reader().read(image)
    assert found.text == "KOMMUNE"
    assert 1950 < found.box[0] < 2060 and 1750 < found.box[1] < 1900


def test_drawings_and_pages_are_no_photos(shared: Path) -> None:
    drawing = Image.new("RGB", (800, 600), "#3366cc")
    ImageDraw.Draw(drawing).rectangle((100, 100, 500, 400), fill="#ffcc00")
    assert nature.not_a_photo(drawing, []) == "this looks like a screenshot or a drawing, not a photo"
    page = Image.new("RGB", (800, 1000), "white")
    lines = [Line("text", 0.9, (50, 50 + 40 * row, 750, 75 + 40 * row)) for row in range(20)]
    assert nature.not_a_photo(page, lines) == "this looks like a document, not a photo of a place"
    photos = sorted((shared / "data" / "photos" / "test_a").iterdir())
    wrong = [path.name for path in photos if nature.not_a_photo(images.open_rgb(path), [])]
    assert len(wrong) <= 1, wrong
