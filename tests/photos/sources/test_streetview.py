"""Street View at sampled addresses: as many for each cell as asked for, no logo, and never a cent too much."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from api_server import ApiServer
from street_picture_apis import Streets
from street_view_runs import collect, spent
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import streetview

pytestmark = pytest.mark.usefixtures("streetview_key")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("cells=s2:31", "cells=s2:31: s2:LEVEL needs a level from 0 to 30"),
        ("units=citty", "units=citty: s2:LEVEL, a .parquet file of cells, or a field; did you mean 'city'?"),
    ],
)
def test_cells_that_are_none(setting: str, message: str, places: Path, tmp_path: Path) -> None:
    with ApiServer(Streets()) as server, pytest.raises(InputError) as caught:
        collect(server, places, tmp_path / "out", setting)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("size=600", "size + 2 * margin must be at most 640, which is all that Street View gives"),
        ("margin=10", "'margin': input should be greater than or equal to 24; got 10"),
        ("sizes=64", "unknown key 'sizes'; did you mean 'size'?"),
    ],
)
def test_settings_that_cannot_be(setting: str, message: str, places: Path, tmp_path: Path) -> None:
    with ApiServer(Streets()) as server, pytest.raises(ConfigError) as caught:
        collect(server, places, tmp_path / "out", setting)
    assert message in str(caught.value)


def test_as_many_as_wanted_and_no_logo(places: Path, tmp_path: Path) -> None:
    streets = Streets(nothing=0.3)
    with ApiServer(streets) as server:
        collected = collect(server, places, tmp_path / "out")
    kept = Records.read(tmp_path / "out")
    assert Counter(kept.strings("cell")) == {"east": 10, "west": 10}
    assert Counter(one["unit"] for one in kept if one["cell"] == "west") == {"Ober": 5, "Unter": 5}
    assert len(set(kept.strings("panorama"))) == 20
    assert max(streets.pictures.values()) == 1 and len(streets.pictures) == 20
    for one in kept:
        pixels = np.asarray(images.open_rgb(one["image"]))
        assert pixels.shape == (128, 128, 3)
        assert np.abs(pixels.astype(int) - (40, 120, 60)).max() < 20, "the frame is in the picture"
        assert abs(one["longitude"] - round(one["longitude"] / 0.002) * 0.002) < 1e-9  # of the panorama
        assert (one["captured"], one["source"], one["taken_at"]) == ("2019-08", "streetview", None)
        assert 0 <= one["heading"] < 360 and one["url"] is None
    assert len({round(one["heading"]) for one in kept}) > 10
    assert {"no panorama", "duplicate panorama"} >= set(collected.summary["rejected"]) and collected.summary["rejected"]
    assert collected.notes[-1] == "0.14 USD spent in all runs"
    assert b"street" not in b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("paid.jsonl"))


def test_what_is_asked_for(places: Path, tmp_path: Path) -> None:
    with ApiServer(Streets()) as server:
        collect(server, places, tmp_path / "out", "headings=4", "fov=90", "per_cell=1")
        asked = [parameters for path, parameters, _ in server.asked if not path.endswith("/metadata")]
    one = asked[0]
    assert (one["size"], one["return_error_code"], one["pitch"]) == ("176x176", "true", "0")
    assert float(one["fov"]) == pytest.approx(2 * math.degrees(math.atan(176 / 128)), abs=0.01)
    by_panorama: dict[str, list[float]] = {}
    for parameters in asked:
        by_panorama.setdefault(parameters["pano"], []).append(float(parameters["heading"]))
    assert [len(set(headings)) for headings in by_panorama.values()] == [4, 4]
    for headings in by_panorama.values():
        assert np.allclose(np.diff(sorted(headings)), 90)
    kept = Records.read(tmp_path / "out")
    assert len(set(kept.strings("id"))) == 8 and len(set(kept.strings("album"))) == 2


def test_faults_are_paid_for_at_most_once_each(places: Path, tmp_path: Path) -> None:
    """Every question that may have a price is written down first, also the second attempt."""
    streets = Streets()
    with ApiServer(streets) as server:
        with pytest.raises(InputError):
            collect(server, places, tmp_path / "out", confirmed=False)
        server.faults.extend(["busy", "error", "cut", "html", "slow", "hung up"])
        before = len(server.asked)
        collected = collect(server, places, tmp_path / "out")
        assert collected.summary["kept"] == 20
        assert len(server.asked) - before == len(spent(tmp_path / "out")) == 25


def test_faults_while_looking(places: Path, tmp_path: Path) -> None:
    with ApiServer(Streets(), ["busy", "error", "cut", "html", "slow", "hung up", "not found"]) as server:
        assert collect(server, places, tmp_path / "out").summary["kept"] == 20


def test_a_wrong_key_is_told_and_hidden(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(streetview.KEY, "wrong key")
    with ApiServer(Streets()) as server, pytest.raises(InputError) as caught:
        collect(server, places, tmp_path / "out")
    assert str(caught.value) == (
        "Street View does not accept the key in WHERESHOT_STREETVIEW_KEY (The key *** is invalid.)"
    )
    monkeypatch.delenv(streetview.KEY)
    with ApiServer(Streets()) as server, pytest.raises(InputError, match="WHERESHOT_STREETVIEW_KEY is not set"):
        collect(server, places, tmp_path / "out")
