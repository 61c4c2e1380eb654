"""Photos to answers: whatever a photo is given as, in order, each with its own error, and honest about what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from conftest import TOWNS, MakePicture, exif
from whereshot.earth import areas, sphere
from whereshot.evidence import read_photos
from whereshot.evidence.neighbours import AlbumModel
from whereshot.evidence.time import HourModel
from whereshot.foundation.errors import InputError, ModelError
from whereshot.locate import answers, geolocator
from whereshot.locate import prediction as prediction_module
from whereshot.locate.geolocator import Geolocator, Prediction
from whereshot.locate.options import LocateOptions
from whereshot.photos import photo as photo_module
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import best
from whereshot.posterior.prior import prior_widening

KEYS = [
    *("id", "path", "latitude", "longitude", "radius_km", "level", "within", "confident_to", "place", "countries"),
    *("candidates", "evidence", "unread_scripts", "writing", "recorded", "sure_of", "error"),
]


@pytest.fixture(scope="module")
def prior() -> Geolocator:
    return Geolocator.load()


@pytest.fixture(scope="module")
def trained(tiny_model: Path) -> Geolocator:
    return Geolocator.load(tiny_model, "cpu")


@pytest.fixture(params=["prior", "trained"])
def locator(request: pytest.FixtureRequest) -> Geolocator:
    return request.getfixturevalue(request.param)


def locate(locator: Geolocator, photos: Any, **settings: Any) -> list[Prediction]:
    """Without the reading of signs, which has its own tests."""
    return locator.locate(photos, text=False, **settings)


def without_name(prediction: Prediction) -> dict[str, Any]:
    document = prediction.to_document()
    return {key: document[key] for key in KEYS if key not in ("id", "path")}


def off_km(prediction: Prediction, latitude: float, longitude: float) -> float:
    return float(
        sphere.distance_km(np.array([prediction.latitude, prediction.longitude]), np.array([latitude, longitude]))
    )


# --- loading


def test_prior_is_there_without_a_model(prior: Geolocator) -> None:
    names = [prior.name, Geolocator.load("prior").name, Geolocator.load("compact").name]
    assert names == ["compact", "prior", "compact"]
    assert not prior.model.looks_at_pictures
    assert prior.model.widening() == prior.model.widening("seen") == prior_widening()


def test_model_by_folder(trained: Geolocator, tiny_model: Path, tmp_path: Path) -> None:
    assert trained.name == "tiny"
    with pytest.raises(ModelError, match=r"^nowhere: no such model folder$"):
        Geolocator.load("nowhere")
    with pytest.raises(InputError, match=r"^device 'toaster' cannot be used here \("):
        locate(Geolocator.load(tiny_model, "toaster"), "x.jpg")


def test_radius_factors(trained: Geolocator) -> None:
    mixtures = trained.model.network_model.folder.mixtures
    assert trained.model.widening("seen").factor == mixtures["mixture"].radius_factor["seen"]
    assert trained.model.widening("unseen", "cells").factor == mixtures["cells"].radius_factor["unseen"]


def test_light_without_a_model(tiny: Path) -> None:
    """Neither the import nor an answer of the prior loads torch."""
    code = (
        "import sys, whereshot\n"
        f"p, = whereshot.Geolocator.load().locate({str(tiny / 'lima-0.png')!r}, text=False)\n"
        "print(p.place.country, *sorted({'torch', 'torchvision', 'timm', 'matplotlib'} & {*sys.modules}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "United Kingdom\n"


# --- photos in, predictions out


def test_prior_says_the_same_of_every_photo(prior: Geolocator, tiny: Path) -> None:
    first, second = locate(prior, [tiny / "lima-0.png", tiny / "tokyo-0.png"])
    assert without_name(first) == without_name(second)
    assert first.confident_to is None
    assert first.radius_km > 5000


def test_order_is_kept_and_ids_are_paths(trained: Geolocator, tiny: Path) -> None:
    photos = [str(tiny / f"{town}-{number}.png") for number in (3, 0) for town in reversed(TOWNS)]
    predictions = locate(trained, photos)
    assert [p.id for p in predictions] == [p.path for p in predictions] == photos
    for prediction in predictions:
        latitude, longitude, _ = TOWNS[Path(prediction.id).stem.split("-")[0]]
        assert off_km(prediction, latitude, longitude) < 25
        assert prediction.confident_to in ("street", "city")


def test_more_photos_than_are_held_at_a_time(prior: Geolocator, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geolocator, "ROWS_AT_ONCE", 3)
    photos = [tiny / f"{name}.png" for name in ("lima-0", "gone", "lima-1", "lima-2", "lost", "lima-3", "missing")]
    predictions = locate(prior, photos)
    assert [p.id for p in predictions] == [str(photo) for photo in photos]
    assert [row for row, p in enumerate(predictions) if p.error] == [1, 4, 6]
    assert len({json.dumps(without_name(p)) for p in predictions if not p.error}) == 1
    with Image.open(photos[0]) as image:
        assert [p.id for p in locate(prior, [image] * 5)] == [f"photo-{row}" for row in range(5)]


def test_a_path_bytes_and_a_picture_are_the_same_photo(locator: Geolocator, tiny: Path) -> None:
    path = tiny / "paris-1.png"
    with Image.open(path) as image:
        predictions = locate(locator, [str(path), path, path.read_bytes(), image])
    assert [p.id for p in predictions] == [str(path), str(path), "photo-2", "photo-3"]
    assert [p.path for p in predictions] == [str(path), str(path), None, None]
    assert len({json.dumps(without_name(p)) for p in predictions}) == 1
    (alone,) = locate(locator, path)  # one photo needs no list
    assert without_name(alone) == without_name(predictions[0])


def test_an_unreadable_photo_leaves_the_others_alone(locator: Geolocator, tiny: Path, tmp_path: Path) -> None:
    text, half = tmp_path / "text.jpg", tmp_path / "half.png"
    text.write_text("no picture")
    half.write_bytes((tiny / "lima-0.png").read_bytes()[:3000])
    good, gone = tiny / "sydney-0.png", tmp_path / "gone.jpg"
    mixed = locate(locator, [text, good, half, gone, b"", good])
    assert [p.error is None for p in mixed] == [False, True, False, False, False, True]
    assert mixed[0].error == f"{text}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
    assert mixed[2].error.startswith(f"{half}: the picture is damaged (")
    assert mixed[3].error == f"{gone}: no such file"
    assert mixed[4].error == "picture of 0 bytes: the file is empty"
    assert without_name(mixed[1]) == without_name(mixed[5]) == without_name(locate(locator, good)[0])
    failed = mixed[0].to_document()
    assert {key for key, value in failed.items() if value not in (None, {}, (), [])} == {"id", "path", "error"}


def test_only_unreadable_photos(locator: Geolocator, tmp_path: Path) -> None:
    predictions = locate(locator, [tmp_path / "a.jpg", tmp_path / "b.jpg"], region=areas.read_region("France"))
    assert [p.error for p in predictions] == [f"{tmp_path / name}: no such file" for name in ("a.jpg", "b.jpg")]
    assert locate(locator, []) == []


# --- settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"top": 0}, "top must be at least 1; got 0"),
        ({"level": 0}, "level lies between 0 and 1; got 0"),
        ({"level": 1.0}, "level lies between 0 and 1; got 1"),
        ({"level": float("nan")}, "level lies between 0 and 1; got nan"),
        ({"within_km": 0}, "within must be a positive number of km; got 0"),
        ({"within_km": -5}, "within must be a positive number of km; got -5"),
        ({"within_km": float("nan")}, "within must be a positive number of km; got nan"),
    ],
)
def test_settings_out_of_range(prior: Geolocator, tiny: Path, settings: dict, said: str) -> None:
    with pytest.raises(InputError) as caught:
        locate(prior, tiny / "lima-0.png", **settings)
    assert str(caught.value) == said


def test_level_widens_the_circle(prior: Geolocator, tiny: Path) -> None:
    half, most = (locate(prior, tiny / "lima-0.png", level=level)[0] for level in (0.5, 0.9))
    assert (half.level, most.level) == (0.5, 0.9)
    assert half.radius_km < most.radius_km


def test_within_moves_the_answer(prior: Geolocator, tiny: Path) -> None:
    decided = [locate(prior, tiny / "lima-0.png", within_km=km)[0] for km in (1, 2500)]
    for prediction, km in zip(decided, (1, 2500), strict=True):
        expected = best(prior.prior, km)[0]
        assert (prediction.latitude, prediction.longitude) == pytest.approx(tuple(expected), abs=1e-6)
    assert off_km(decided[0], decided[1].latitude, decided[1].longitude) > 100


@pytest.mark.parametrize("top", [1, 3, 12])
def test_candidates_are_distinct_and_begin_with_the_answer(locator: Geolocator, tiny: Path, top: int) -> None:
    (prediction,) = locate(locator, tiny / "nairobi-2.png", top=top)
    found = prediction.candidates
    assert 1 <= len(found) <= top
    assert (found[0].latitude, found[0].longitude) == (prediction.latitude, prediction.longitude)
    assert found[0].probability == pytest.approx(prediction.within[25], abs=0.002)
    spots = np.array([[c.latitude, c.longitude] for c in found])
    distance = sphere.distance_km(spots[:, None], spots[None])
    assert (distance[~np.eye(len(found), dtype=bool)] > 2 * answers.CANDIDATE_KM).all()
    shares = [c.probability for c in found[1:]]
    assert shares == sorted(shares, reverse=True)
    assert sum(c.probability for c in found) <= 1.001  # circles that do not overlap


def test_number_of_candidates(prior: Geolocator, tiny: Path) -> None:
    assert len(locate(prior, tiny / "nairobi-2.png", top=12)[0].candidates) == 12
    assert len(locate(prior, tiny / "nairobi-2.png")[0].candidates) == 5


def test_probabilities_grow_with_the_distance(locator: Geolocator, tiny: Path) -> None:
    for prediction in locate(locator, [tiny / "nairobi-2.png", tiny / "lima-5.png"]):
        assert [*prediction.within] == [1, 25, 200, 750, 2500]
        shares = [*prediction.within.values()]
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= 1
        certain = [name for km, name in prediction_module.CONFIDENT_TO.items() if prediction.within[km] >= 0.9]
        assert prediction.confident_to == (certain[0] if certain else None)
        named = [share for _, share in prediction.countries]
        assert named == sorted(named, reverse=True)
        assert sum(named) <= 1.001
        assert prediction.countries[0][1] >= prediction.countries[-1][1] >= 0.001


def test_the_circle_holds_its_level(trained: Geolocator, tiny: Path) -> None:
    """The radius is that of the posterior, corrected by the factor that was fitted."""
    (located,) = trained.locate_each(tiny / "york-0.png", LocateOptions(text=False, level=0.8))
    answer = np.array([located.prediction.latitude, located.prediction.longitude])
    radius = radius_km(located.posterior, answer, 0.8)[0] * trained.model.widening().factor
    assert located.prediction.radius_km == pytest.approx(radius, abs=0.01)
    assert located.posterior.mass.sum() == pytest.approx(1)


# --- regions


def test_a_region_holds_every_candidate(locator: Geolocator, tiny: Path) -> None:
    region = areas.read_region("Portugal")
    (free,) = locate(locator, tiny / "tokyo-0.png")
    (held,) = locate(locator, tiny / "tokyo-0.png", region=region, top=8)
    spots = [[held.latitude, held.longitude], *([c.latitude, c.longitude] for c in held.candidates)]
    assert region.holds(spots).all()
    assert not region.holds([[free.latitude, free.longitude]]).any()
    assert held.place.country_code == "PT"
    assert held.countries[0][0] == "PT"
    assert held.countries[0][1] > 0.9


def test_a_small_region_is_answered_too(prior: Geolocator, tiny: Path) -> None:
    island = areas.Region("island", shapely.box(-30.4, 10.0, -30.2, 10.1))  # open sea, with no place of the prior
    (held,) = locate(prior, tiny / "tokyo-0.png", region=island)
    assert island.holds([[held.latitude, held.longitude]]).all()
    assert held.within[25] > 0.5
    assert str(held.place) == "at sea"


# --- what a camera wrote


def test_a_recorded_position_is_told_and_not_used(
    locator: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path
) -> None:
    bare = jpeg_with_position(tmp_path / "bare.jpg")
    tagged = jpeg_with_position(tmp_path / "tagged.jpg", 61.5, -150.25)
    without, having, of_bytes = locate(locator, [bare, tagged, tagged.read_bytes()])
    assert without.recorded is None
    assert having.recorded == of_bytes.recorded == pytest.approx((61.5, -150.25), abs=1e-4)
    assert having.to_document()["recorded"] == pytest.approx({"latitude": 61.5, "longitude": -150.25}, abs=1e-4)
    same = [{key: value for key, value in without_name(p).items() if key != "recorded"} for p in (without, having)]
    assert same[0] == same[1]
    assert off_km(having, 61.5, -150.25) > 1000


# --- the document


def test_document_is_that_of_the_contract(trained: Geolocator, tiny: Path) -> None:
    (prediction,) = locate(trained, tiny / "york-0.png")
    document = json.loads(json.dumps(prediction.to_document(), allow_nan=False))
    assert [*document] == KEYS
    assert [*document["within"]] == ["1", "25", "200", "750", "2500"]
    assert [*document["place"]] == ["name", "region", "country", "country_code"]
    assert (document["place"]["country"], document["place"]["country_code"]) == ("United States", "US")
    assert {tuple(country) for country in document["countries"]} == {("country_code", "probability")}
    assert {tuple(candidate) for candidate in document["candidates"]} == {
        ("latitude", "longitude", "probability", "place")
    }
    assert (document["evidence"], document["recorded"], document["error"]) == ([], None, None)
    assert document["level"] == 0.9


def test_three_real_photos(prior: Geolocator, shared: Path) -> None:
    photos = sorted((shared / "data" / "photos" / "test_a").rglob("*.jpg"))[:3]
    assert len(photos) == 3
    for prediction in locate(prior, photos):
        assert prediction.error is None
        assert prediction.place.country_code
        assert prediction.within[2500] > 0.2


# --- evidence


@pytest.fixture(scope="module")
def sign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example picture with a broken position in its EXIF."""
    path = tmp_path_factory.mktemp("sign") / "sign.jpg"
    with Image.open(Path(__file__).parents[2] / "examples" / "village-sign.jpg") as image:
        broken = {ExifTags.GPS.GPSLatitude: (IFDRational(48), IFDRational(0, 0), IFDRational(12))}
        image.save(path, exif=exif(10.0, 20.0, gps=broken).tobytes())
    return path


def test_a_photo_without_text_does_not_change(locator: Geolocator, tiny: Path) -> None:
    """Reading finds nothing in these: the whole document is the same, and so is the distribution."""
    for photo in (tiny / "lima-0.png", tiny / "tokyo-3.png"):
        (read,), (unread,) = locator.locate_each(photo), locator.locate_each(photo, LocateOptions(text=False))
        assert read.prediction == unread.prediction
        np.testing.assert_array_equal(read.posterior.log_mass, unread.posterior.log_mass)


def test_photos_without_text_do_not_change(prior: Geolocator, shared: Path) -> None:
    photos = [str(path) for path in sorted((shared / "data" / "photos" / "sunsets").iterdir())[:4]]
    readings = read_photos(photos)
    assert [len(reading.lines) for reading in readings].count(0) >= 2
    for photo, reading in zip(photos, readings, strict=True):
        if not reading.lines and reading.not_a_photo is None:
            assert prior.locate(photo) == prior.locate(photo, text=False)


def test_evidence_inside_a_region_is_numbers(prior: Geolocator, sign: Path) -> None:
    for name in ("Spain", "New Zealand", "Fiji"):
        (prediction,) = prior.locate(sign, region=areas.read_region(name))
        assert prediction.evidence
        assert np.isfinite([item.nats for item in prediction.evidence]).all()


def test_broken_exif_is_told_where_it_was_asked_for(prior: Geolocator, sign: Path) -> None:
    (asked,), (unasked,) = prior.locate(sign, text=False, use_exif=True), prior.locate(sign, text=False)
    (item,) = asked.evidence
    assert (item.kind, item.what, item.nats) == ("exif", "", 0.0)
    assert item.means.startswith("the recorded position cannot be used: EXIF latitude is not a number: ")
    assert unasked.evidence == ()
    assert any(line.startswith("The recorded position cannot be used: ") for line in asked.in_words())


def test_a_recorded_position_answers_where_it_may(
    prior: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path
) -> None:
    photo = jpeg_with_position(tmp_path / "a.jpg", 61.5, -150.25)
    (prediction,) = prior.locate(photo, text=False, use_exif=True)
    assert off_km(prediction, 61.5, -150.25) < 0.1
    assert prediction.evidence[0].nats > 5


def test_the_hour_of_taking_is_weighed(prior: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    night_and_day = [0.001] * 6 + [0.0815] * 12 + [0.001] * 6
    hours = HourModel(shares=[share / sum(night_and_day) for share in night_and_day], photos=1000)
    noon = {"taken_at": "2024:05:01 12:00:00"}
    utc = jpeg_with_position(tmp_path / "utc.jpg", **noon, offset="+00:00")
    local = jpeg_with_position(tmp_path / "local.jpg", **noon)
    by_utc, by_local, without = (
        prior.locate(photo, text=False, hours=model)[0] for photo, model in ((utc, hours), (local, hours), (utc, None))
    )
    assert [item.kind for item in by_utc.evidence] == ["time"]
    assert dict(by_utc.countries).get("JP", 0) < 0.2 * dict(without.countries)["JP"]  # it is night there
    assert [(item.what, item.nats) for item in by_local.evidence] == [("", 0.0)]
    assert by_local.countries == without.countries


@pytest.mark.parametrize("name", [None, "compact", "prior"])
def test_a_device_that_is_not_here_is_refused(name: str | None) -> None:
    with pytest.raises(InputError, match=r"^device 'cuda:99' cannot be used here \("):
        Geolocator.load(name, "cuda:99")


# --- each file is opened once


OPENS = """
import json, sys
opened = {}
folder = sys.argv[1]

def count(event, arguments):
    if event == "open" and str(arguments[0]).startswith(folder):
        opened[arguments[0]] = opened.get(arguments[0], 0) + 1

import whereshot
from whereshot.evidence.neighbours import AlbumModel
from whereshot.locate.geolocator import Geolocator
locator = Geolocator.load(sys.argv[2])
photos = sys.argv[4:]
sys.addaudithook(count)
predictions = locator.locate(photos, album=AlbumModel(), use_exif=True, text=sys.argv[3] == "text")
print(json.dumps([list(opened.values()), [prediction.recorded for prediction in predictions]]))
"""


@pytest.mark.parametrize(("model", "text"), [("trained", "text"), ("compact", "no text")])
def test_a_file_is_opened_once_for_pixels_text_and_exif(
    model: str, text: str, tiny_model: Path, jpeg_with_position: MakePicture, tmp_path: Path
) -> None:
    photos = [str(jpeg_with_position(tmp_path / f"{number}.jpg", 45.0, 13.0 + number)) for number in range(3)]
    code = [sys.executable, "-c", OPENS, str(tmp_path), str(tiny_model) if model == "trained" else model, text, *photos]
    result = subprocess.run(code, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    opened, recorded = json.loads(result.stdout)
    assert opened == [1, 1, 1]
    assert [spot[1] for spot in recorded] == pytest.approx([13.0, 14.0, 15.0], abs=1e-4)


def test_exif_of_a_large_album_is_read_once(
    prior: Geolocator, jpeg_with_position: MakePicture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [str(jpeg_with_position(tmp_path / f"{number}.jpg", 45.0, 13.0)) for number in range(20)]
    read: list[int] = []
    original = photo_module.read_exif
    monkeypatch.setattr(photo_module, "read_exif", lambda image: read.append(1) or original(image))
    locate(prior, photos, album=AlbumModel(), use_exif=True)
    assert len(photos) > geolocator.HELD_PHOTOS and len(read) == len(photos)
