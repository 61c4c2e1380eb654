"""A trial scores every photo: the ones that cannot be read are misses, and every method stands in its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from whereshot.earth import sphere
from whereshot.evaluate import UNIFORM_NLL, Protocol, Report
from whereshot.evaluate.known_photos import score_model
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES

ROWS = [
    "tiny, radii for known places",
    "tiny, radii for other places",
    "classifier alone",
    "gallery alone",
    "best possible of the cells",
    "nearest neighbour",
    "prior alone",
    "random training photo",
]


@pytest.fixture(scope="module")
def photos(tiny: Path) -> Records:
    """Twelve photos of the tiny set."""
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    return records[np.arange(0, 48, 4)]


@pytest.fixture(scope="module")
def report(tiny_model: Path, photos: Records) -> Report:
    return score_model(Geolocator.load(tiny_model, "cpu"), photos, protocol=Protocol(draws=50))


def with_broken(photos: Records, tmp_path: Path) -> Records:
    """The photos and as many that cannot be read, for three reasons."""
    (tmp_path / "text.jpg").write_text("no picture")
    images = [str(tmp_path / "text.jpg"), str(tmp_path / "gone.jpg"), None] * 4
    broken = photos.with_column("image", pa.array(images)).with_column("id", [f"broken {row}" for row in range(12)])
    return Records.concat([photos, broken])[np.random.default_rng(1).permutation(24)]


def test_a_model_is_held_to_all_that_it_states(report: Report) -> None:
    """The factor of circles changes nothing else of the answers."""
    known, other, *_ = report.rows
    stated = {"ece_200", "brier_25", "region_coverage_90", "recall_10000_km2", "aurc_200"}
    assert stated <= known.scores.keys() and "reliability_25" in known.curves
    assert known.scores["region_coverage_90"] == other.scores["region_coverage_90"]


def test_every_method_has_its_row(report: Report) -> None:
    assert [row.name for row in report.rows] == ROWS
    assert {row.photos for row in report.rows} == {12}
    assert {row.failed for row in report.rows} == {0}
    document = report.to_json()
    assert document["name"] == ROWS[0]
    assert [baseline["name"] for baseline in document["baselines"]] == ROWS[1:]
    kept = [
        "photos",
        "failed",
        "accuracy",
        "geoscore",
        "mean_km",
        "median_km",
        "nll",
        "coverage",
        "intervals",
        "protocol",
    ]
    assert {*kept} <= document.keys()
    assert [*document["accuracy"]] == ["1", "25", "200", "750", "2500"]


def test_the_model_beats_what_it_is_compared_with(report: Report) -> None:
    scores = {row.name: row.scores for row in report.rows}
    for name in (ROWS[0], "classifier alone", "gallery alone", "nearest neighbour"):
        assert scores[name]["accuracy_25"].value == 1.0, name
    assert scores["prior alone"]["accuracy_25"].value == 0.0
    assert scores["random training photo"]["accuracy_25"].value < 0.7
    assert scores[ROWS[0]]["nll"].value < scores["prior alone"]["nll"].value - 5
    assert scores[ROWS[0]]["coverage_90"].value >= 0.9
    assert "nll" not in scores["nearest neighbour"]
    assert "coverage_90" not in scores["random training photo"]
    for name, one in scores.items():
        for _, low, high in one.values():
            assert low <= high, name


def test_circles_are_those_of_the_answers(report: Report, tiny_model: Path, photos: Records) -> None:
    """The share of true places inside the very circles that the photos' predictions draw."""
    locator = Geolocator.load(tiny_model, "cpu")
    used, seen, unseen = (locator.model.widening(kind).factor for kind in (None, "seen", "unseen"))
    assert used == max(seen, unseen)  # nobody knows whether a stranger's photo shows a known place
    for level in (0.5, 0.8, 0.9):
        answers = locator.locate(photos.strings("image"), text=False, level=level)
        off = sphere.distance_km(np.array([[p.latitude, p.longitude] for p in answers]), photos.points)
        radius = np.array([p.radius_km for p in answers])
        name = f"coverage_{round(100 * level)}"
        assert report.rows[0].scores[name].value == pytest.approx((off <= radius / used * seen).mean())
        assert report.rows[1].scores[name].value == pytest.approx((off <= radius / used * unseen).mean())


def test_protocol_says_how(report: Report) -> None:
    told = report.protocol
    expected = {
        "model": "tiny",
        "photos": 12,
        "failed": 0,
        "decided": "25 km, then 1 km",
        "bootstrap_by": "group",
        "nearest_training_photo_within_1_km": 1.0,
        "radius_km": sphere.EARTH_KM,
    }
    assert {key: told[key] for key in expected} == expected


def test_photos_that_cannot_be_read_are_misses(
    report: Report, tiny_model: Path, photos: Records, tmp_path: Path
) -> None:
    halved = score_model(Geolocator.load(tiny_model, "cpu"), with_broken(photos, tmp_path), protocol=Protocol(draws=50))
    assert [row.name for row in halved.rows] == ROWS
    assert halved.protocol["failed"] == 12
    for whole, half in zip(report.rows, halved.rows, strict=True):
        assert (half.photos, half.failed) == (24, 12)
        if half.name == "random training photo":  # others are drawn
            assert half.scores["mean_km"].value > sphere.HALF_CIRCUMFERENCE_KM / 2
            continue
        for km in (1, 25, 2500):
            name = f"accuracy_{km}"
            assert half.scores[name].value == pytest.approx(whole.scores[name].value / 2)
        assert half.scores["geoscore"].value == pytest.approx(whole.scores["geoscore"].value / 2)
        lost = sphere.HALF_CIRCUMFERENCE_KM
        assert half.scores["mean_km"].value == pytest.approx((whole.scores["mean_km"].value + lost) / 2)
        if "nll" in whole.scores:
            assert half.scores["nll"].value == pytest.approx((whole.scores["nll"].value + UNIFORM_NLL) / 2)
        for level in (50, 80, 90):
            if f"coverage_{level}" in whole.scores:
                name = f"coverage_{level}"
                assert half.scores[name].value == pytest.approx(whole.scores[name].value / 2)


def test_prior_alone(photos: Records, tmp_path: Path) -> None:
    prior = Geolocator.load()
    (row,) = score_model(prior, photos, protocol=Protocol(draws=50)).rows
    assert (row.name, row.photos, row.failed) == ("prior alone", 12, 0)
    broken = score_model(prior, with_broken(photos, tmp_path), protocol=Protocol(draws=50))
    assert (broken.rows[0].photos, broken.rows[0].failed) == (24, 12)
    assert broken.rows[0].scores["nll"].value == pytest.approx((row.scores["nll"].value + UNIFORM_NLL) / 2)
    assert "nearest_training_photo_within_1_km" not in {k for k, v in broken.protocol.items() if v is not None}

    nothing = photos.with_column("image", pa.nulls(12, pa.string()))
    (row,) = score_model(prior, nothing, protocol=Protocol(draws=50)).rows
    assert (row.photos, row.failed, row.scores["accuracy_2500"].value) == (12, 12, 0.0)


def test_another_decision(tiny_model: Path, photos: Records) -> None:
    told = score_model(Geolocator.load(tiny_model, "cpu"), photos, within_km=200, protocol=Protocol(draws=10))
    assert told.protocol["decided"] == "200 km"
    assert told.rows[0].scores["accuracy_200"].value == 1.0


def test_nothing_to_try(tiny_model: Path, photos: Records) -> None:
    locator = Geolocator.load(tiny_model, "cpu")
    with pytest.raises(InputError, match=r"^there is no photo to evaluate$"):
        score_model(locator, photos[:0])
    nothing = photos.with_column("image", pa.nulls(12, pa.string()))
    said = r"^none of 12 pictures could be read; first: the record names no image file$"
    with pytest.raises(InputError, match=said):
        score_model(locator, nothing)
    without = photos.with_column("latitude", pa.nulls(12, pa.float64()))
    with pytest.raises(InputError, match=r"^12 of 12 records have no position; first: "):
        score_model(locator, without)
