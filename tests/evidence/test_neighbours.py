"""Photos taken shortly before and after as evidence: the neighbours of each photo, their cue, and locate --album."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import Run
from conftest import MakePicture
from whereshot.earth import sphere
from whereshot.evidence.neighbours import Album, AlbumModel, nearest_in_time, times_of
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.locate.geolocator import Geolocator
from whereshot.photos.recorded import Recorded
from whereshot.photos.records import Records
from whereshot.posterior.place_shape import quantile_km

MODEL = AlbumModel()
LYON = (45.76, 4.84)


def taken(minutes: float | None, place: tuple[float, float] | None = None, *, clock_h: float | None = None) -> Recorded:
    """A photo so many minutes after noon in UTC; ``clock_h`` is how far its own clock is ahead, alone if UTC is not."""
    latitude, longitude = place or (None, None)
    noon = datetime.datetime(2024, 5, 1, 12)
    utc = None if minutes is None else (noon + datetime.timedelta(minutes=minutes)).replace(tzinfo=datetime.UTC)
    clock = None if clock_h is None else noon + datetime.timedelta(hours=clock_h, minutes=minutes or 0)
    return Recorded(latitude=latitude, longitude=longitude, taken_at=utc, clock=clock)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 2)), max_size=30), st.integers(1, 20))
def test_nearest_in_time_is_what_a_search_finds(photos: list[tuple[int, bool, int]], window: int) -> None:
    seconds = np.array([float(second) for second, _, _ in photos])
    known, group = np.array([k for _, k, _ in photos], bool), np.array([g for _, _, g in photos])
    before, after = nearest_in_time(seconds, known, group, float(window))
    for row, second in enumerate(seconds):
        others = [o for o in range(len(photos)) if o != row and known[o] and group[o] == group[row]]
        near = [o for o in others if abs(seconds[o] - second) <= window]
        for found, allowed in (
            (before[row], [o for o in near if (seconds[o], o) < (second, row)]),
            (after[row], [o for o in near if (seconds[o], o) > (second, row)]),
        ):
            best = min((abs(seconds[o] - second) for o in allowed), default=None)
            assert (found == -1) if best is None else (found in allowed and abs(seconds[found] - second) == best)


def test_a_photo_learns_from_the_nearest_on_both_sides_and_never_from_itself() -> None:
    far = (10.0, 10.0)
    library = [taken(0, (45.75, 4.83)), taken(4, far), taken(9, (45.77, 4.85)), taken(200, far)]
    (cue,) = Album(MODEL, library, ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]).evidence_of(1).cues
    assert [(p.latitude, p.longitude) for p in cue.proposals] == [(45.75, 4.83), (45.77, 4.85)]
    assert cue.kind == "album"
    assert cue.what == "a.jpg 4 min before, c.jpg 5 min after"
    assert cue.proposals[0].weight > cue.proposals[1].weight  # nearer in time


def test_the_spread_grows_with_the_gap_and_with_the_speed() -> None:
    def spread(*library: Recorded) -> float:
        (cue,) = Album(MODEL, [taken(0), *library], [str(n) for n in range(len(library) + 1)]).evidence_of(0).cues
        return cue.proposals[0].spread_km

    assert spread(taken(-1, LYON)) < spread(taken(-10, LYON)) < spread(taken(-100, LYON)) < spread(taken(-700, LYON))
    paris = (48.85, 2.35)
    by_train = spread(taken(-60, LYON), taken(60, paris))
    assert by_train == pytest.approx(sphere.distance_km(np.array(LYON), np.array(paris)) / 2, rel=1e-6)


@pytest.mark.parametrize(
    ("own", "others", "remark"),
    [
        (
            Recorded(),
            [taken(0, LYON)],
            "the photo has no recorded time: photos taken before and after it cannot be found",
        ),
        (taken(0), [taken(0)], "no other photo here has a recorded position and time"),
        (taken(0, LYON), [taken(0)], "no other photo here has a recorded position and time"),
        (taken(0), [taken(721, LYON)], "no photo with a position was taken within 12 h of it"),
        (taken(0), [taken(1, (0.0, 0.0))], "no other photo here has a recorded position and time"),
        (taken(0), [taken(1, (0.00005, 0.0))], "no other photo here has a recorded position and time"),
    ],
)
def test_why_nothing_is_said(own: Recorded, others: list[Recorded], remark: str) -> None:
    said = Album(MODEL, [own, *others], [f"{n}.jpg" for n in range(len(others) + 1)]).evidence_of(0)
    assert (said.cues, said.remark) == ((), remark)


def test_a_photo_given_twice_does_not_tell_itself_its_place() -> None:
    album = Album(MODEL, [taken(0, LYON), taken(0, LYON)], ["a.jpg", "a.jpg"])
    assert album.evidence_of(0).cues == album.evidence_of(1).cues == ()


def test_a_camera_without_a_zone_is_compared_by_its_clock() -> None:
    phone, camera = taken(0, LYON, clock_h=2), Recorded(clock=datetime.datetime(2024, 5, 1, 14, 7))
    (cue,) = Album(MODEL, [camera, phone], ["camera.jpg", "phone.jpg"]).evidence_of(0).cues
    assert cue.what == "phone.jpg 7 min before"


def test_clocks_say_nothing_where_both_are_known_in_utc() -> None:
    """The same clock in two zones is an hour apart."""
    library = [taken(0, clock_h=2), taken(-60, LYON, clock_h=3)]
    (cue,) = Album(MODEL, library, ["a.jpg", "b.jpg"]).evidence_of(0).cues
    assert cue.what == "b.jpg 60 min before"


def walks(rng: np.random.Generator, model: AlbumModel, photos: int) -> Records:
    """Pairs of photos, one user each, as the model says; one in ten has nothing to do with the other."""
    start = np.stack([rng.uniform(-60, 60, photos), rng.uniform(-180, 180, photos)], axis=1)
    gap_h = 10 ** rng.uniform(-2, 1, photos)
    km = quantile_km(rng.uniform(size=photos), model.spread_km(gap_h))
    end = sphere.move(start, rng.uniform(0, 360, photos), km)
    lost = rng.uniform(size=photos) > model.reliability
    end[lost] = sphere.latlon(rng.normal(size=(int(lost.sum()), 3)))
    points = np.concatenate([start, end])
    seconds = np.concatenate([np.zeros(photos), gap_h * 3600]) + 1.7e9
    return Records(
        pa.table(
            {
                "id": [str(n) for n in range(2 * photos)],
                "latitude": points[:, 0],
                "longitude": points[:, 1],
                "user": [str(n % photos) for n in range(2 * photos)],
                "taken_at": pa.array((seconds * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC")),
            }
        )
    )


def test_fit_finds_the_model_that_made_the_tracks(rng: np.random.Generator, tmp_path: Path) -> None:
    made = AlbumModel(base_km=0.2, km_per_hour=8.0, power=0.6, reliability=0.8)
    fitted = AlbumModel.fit(walks(rng, made, 4000), by="user")
    assert fitted.pairs == 4000
    assert fitted.reliability == pytest.approx(0.8, abs=0.03)
    for hours in (0.02, 0.3, 3.0):
        assert float(fitted.spread_km(hours)) == pytest.approx(float(made.spread_km(hours)), rel=0.15)
    fitted.save(tmp_path / "album.toml")
    assert AlbumModel.load(tmp_path / "album.toml") == fitted


def test_too_few_tracks_and_wrong_files_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        AlbumModel.fit(walks(rng, MODEL, 5), by="user")
    assert str(caught.value) == (
        "5 photos have another photo of the same user up to 12 h before them, both with a position and a time; "
        "at least 100 are needed"
    )
    (tmp_path / "album.toml").write_text("base_km = -1\n")
    with pytest.raises(ConfigError, match="base_km"):
        AlbumModel.load(tmp_path / "album.toml")


def test_local_times_are_not_mixed_with_utc() -> None:
    times = [datetime.datetime(2024, 5, 1, 12), datetime.datetime(2024, 5, 1, 12), None]
    table = pa.table({"id": ["a", "b", "c"], "taken_at": pa.array(times, pa.timestamp("us"))})
    seconds = times_of(Records(table.append_column("taken_at_is_local", pa.array([True, False, None]))))
    assert np.isnan(seconds).tolist() == [True, False, True]
    assert np.isfinite(times_of(Records(table))).tolist() == [True, True, False]


@pytest.fixture
def library(jpeg_with_position: MakePicture, tmp_path: Path) -> Path:
    """Four photos: two close in time, of which one has a position; one of another year; one without a time."""
    folder = tmp_path / "library"
    jpeg_with_position(folder / "known.jpg", *LYON, taken_at="2024:05:01 12:00:00", offset="+02:00")
    jpeg_with_position(folder / "lost.jpg", taken_at="2024:05:01 12:05:00", offset="+02:00")
    jpeg_with_position(folder / "old.jpg", taken_at="2019:05:01 12:05:00", offset="+02:00")
    jpeg_with_position(folder / "timeless.jpg")
    return folder


def enlarge(folder: Path) -> None:
    from PIL import Image

    for path in folder.iterdir():
        with Image.open(path) as image:
            exif = image.getexif().tobytes()
            image.resize((96, 96)).save(path, exif=exif)


def test_locate_places_a_photo_beside_the_others(library: Path) -> None:
    enlarge(library)
    photos = sorted(map(str, library.iterdir()))
    locator = Geolocator.load("prior")
    known, lost, old, timeless = locator.locate(photos, text=False, album=MODEL)
    at = np.array([lost.latitude, lost.longitude])
    assert sphere.distance_km(at, np.array(LYON)) < 1
    assert lost.evidence[0].kind == "album"
    assert lost.evidence[0].what == "known.jpg 5 min before"
    assert lost.evidence[0].nats > 2
    assert lost.within[25] > 0.8
    plain = locator.locate(photos, text=False)
    for prediction, before in zip((known, old, timeless), (plain[0], plain[2], plain[3]), strict=True):
        assert (prediction.latitude, prediction.longitude) == (before.latitude, before.longitude)
        assert prediction.evidence[0].nats == 0
    assert all(prediction.evidence == () for prediction in plain)


def test_locate_album_from_the_command_line(run: Run, library: Path) -> None:
    enlarge(library)
    asked = ["locate", str(library), "--album", "--no-text", "--model", "prior"]
    done = run(*asked)
    assert done.code == 0, done.err
    assert "known.jpg 5 min before" in done.out
    wrong = run(*asked, "--album-model", library / "none.toml")
    assert wrong == (2, "", f"whereshot: {library / 'none.toml'}: no such file\n")
