"""Street View at sampled addresses: as many for each cell as asked for, no logo, and never a cent too much."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from api_server import ApiServer
from street_picture_apis import HASTY, SMALL, STREETVIEW_KEY, Streets, address, write_csv, write_features
from whereshot.earth import partition
from whereshot.foundation.errors import ConfigError, InputError, OutputError, WhereshotError
from whereshot.foundation.progress import silent
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import addresses, streetview
from whereshot.photos.sources.base import Collected, Order


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(streetview.KEY, STREETVIEW_KEY)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "addresses.csv", [address(number) for number in range(400)])


def collect(server: ApiServer, inputs: Path, out: Path, *settings: str, **given: Any) -> Collected:
    paid = {"confirmed": True, "budget_usd": 100.0} | given
    made = [*SMALL, *settings]
    return streetview.collect(
        Order([inputs], out, settings=made, endpoint=f"{server.url}/streetview", manners=HASTY, **paid)
    )


def rejects(out: Path) -> Counter[str]:
    return Counter(
        row["reason"] for path in (out / "rejects").glob("*.parquet") for row in pq.read_table(path).to_pylist()
    )


def spent(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "paid.jsonl").read_text().splitlines()]


# --- the sample


def test_units_share_in_proportion() -> None:
    assert addresses.allot({"a": 600, "b": 300, "c": 100}, 330) == {"a": 198, "b": 99, "c": 33}
    assert addresses.allot({"a": 5, "b": 2}, 330) == {"a": 5, "b": 2}
    for counts in ({"a": 1, "b": 1, "c": 1}, {"a": 997, "b": 2, "c": 1}, {str(n): n + 1 for n in range(50)}):
        total = sum(counts.values()) * 2 // 3
        given = addresses.allot(counts, total)
        assert sum(given.values()) == total
        for name, count in counts.items():
            assert abs(given[name] - count * total / sum(counts.values())) < 1
            assert given[name] <= count


@pytest.mark.parametrize("write", [write_csv, write_features])
def test_a_sample_of_either_format(write: Any, tmp_path: Path) -> None:
    rows = [address(number) for number in range(400)]
    sampling = addresses.Sampling(cells="region", units="city", per_cell=60)
    drawn = addresses.draw(
        [write(tmp_path / "a.geojson.gz" if write is write_features else tmp_path / "a.csv", rows)], sampling, silent
    )
    counted = {cell: {unit.name: unit.wanted for unit in units} for cell, units in drawn.cells.items()}
    assert counted == {"east": {"Ober": 60}, "west": {"Ober": 30, "Unter": 30}}
    (ober,) = drawn.cells["east"]
    assert len(ober.addresses) == 200 and len({one.id for one in ober.addresses}) == 200  # all, though 300 are held
    numbers = [int(one.id, 16) for one in ober.addresses]
    assert numbers != sorted(numbers)
    assert {(one.latitude, one.longitude) for one in ober.addresses} == {
        (48.2, round(16 + n / 1000, 6)) for n in numbers
    }
    other = addresses.draw([write_csv(tmp_path / "b.csv", rows[::-1])], sampling, silent)
    assert other.cells == drawn.cells  # the order of the file does not matter
    seeded = addresses.draw([tmp_path / "b.csv"], addresses.Sampling(**{**sampling.model_dump(), "seed": 1}), silent)
    assert seeded.cells != drawn.cells


def test_the_preset_is_330_for_each_cell(tmp_path: Path) -> None:
    rows = [address(n, LON=f"{16 + n % 50 / 500:.6f}", LAT=f"{48 + n // 50 / 500:.6f}") for n in range(1500)]
    drawn = addresses.draw([write_csv(tmp_path / "a.csv", rows)], addresses.Sampling(cells="s2:4"), silent)
    assert [sum(unit.wanted for unit in units) for units in drawn.cells.values()] == [330] * len(drawn.cells)
    assert all(len(units) > 1 for units in drawn.cells.values())


def test_cells_of_a_file(tmp_path: Path) -> None:
    """The cells that a model is to have are those in which pictures are counted; addresses outside are told."""
    rows = [address(n, LON=f"{10 + 20 * (n % 2)}.{n:04d}", LAT="48.2") for n in range(60)]
    path = write_csv(tmp_path / "a.csv", [*rows, address(99, LON="-100", LAT="-48.2")])
    points = np.array([[float(row["LAT"]), float(row["LON"])] for row in rows])
    partition.build("s2", points, {"max": 40}).save(tmp_path / "cells.parquet")
    cells = partition.load(tmp_path / "cells.parquet")
    sampling = addresses.Sampling(cells=str(tmp_path / "cells.parquet"), units="s2:12", per_cell=20)
    drawn = addresses.draw([path], sampling, silent)
    assert list(drawn.cells) == [f"{cell:06d}" for cell in sorted(set(cells.assign(points).tolist()))]
    assert len(drawn.cells) == 2 and drawn.outside == 1
    for name, units in drawn.cells.items():
        assert sum(unit.wanted for unit in units) == 20
        places = [[one.latitude, one.longitude] for unit in units for one in unit.addresses]
        assert set(cells.assign(places).tolist()) == {int(name)}


def test_addresses_that_tell_no_place(tmp_path: Path) -> None:
    rows = [address(1), address(2, LAT=""), address(3, LON="x"), address(4, LAT="95"), address(5, LAT="0", LON="0")]
    path = write_csv(tmp_path / "a.csv", [*rows, address(6, REGION="")])
    with path.open("a") as file:
        file.write("1,2\n")
    drawn = addresses.draw([path], addresses.Sampling(cells="region", units="city"), silent)
    assert (drawn.addresses, drawn.without_place, drawn.outside) == (1, 5, 1)
    features = tmp_path / "b.geojson"
    features.write_text('{"type": "Feature", "geometry": null}\nnot json\n')
    assert addresses.draw([features], addresses.Sampling(), silent).without_place == 2


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


# --- panoramas and pictures


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


def test_other_cells_are_another_job(places: Path, tmp_path: Path) -> None:
    cells = tmp_path / "cells.parquet"
    points = np.array([[48.2, 16 + number / 1000] for number in range(400)])
    given = [f"cells={cells}", "units=city", "per_cell=1"]
    partition.build("s2", points, {"max": 400}).save(cells)
    with ApiServer(Streets()) as server:
        collect(server, places, tmp_path / "out", *given)
        partition.build("s2", points, {"max": 50}).save(cells)
        with pytest.raises(OutputError, match=r"begun by another job \(input .*cells\.parquet has changed\)"):
            collect(server, places, tmp_path / "out", *given)


def test_nothing_is_paid_for_unasked(places: Path, tmp_path: Path) -> None:
    streets = Streets()
    with ApiServer(streets) as server:
        for given, lacking in (
            ({"confirmed": False, "budget_usd": None}, "--yes and --budget USD"),
            ({"confirmed": True, "budget_usd": None}, "--budget USD"),
        ):
            with pytest.raises(InputError) as caught:
                collect(server, places, tmp_path / "out", **given)
            assert str(caught.value) == (
                f"20 pictures cost about 0.14 USD (7.00 USD for 1,000); none was asked for yet: go on with {lacking}"
            )
        assert not streets.pictures
        looked = server.paths["/streetview/metadata"]
        collect(server, places, tmp_path / "out")
        assert server.paths["/streetview/metadata"] == looked  # what was found is kept
    assert len(streets.pictures) == 20


def test_the_budget_is_hard(places: Path, tmp_path: Path) -> None:
    streets = Streets()
    with ApiServer(streets) as server:
        collected = collect(server, places, tmp_path / "out", budget_usd=0.05)
        assert streets.pictures.total() == len(spent(tmp_path / "out")) == 7  # 7 x 0.007 = 0.049
        assert collected.summary["kept"] == 7 and collected.summary["rejected"]["over the budget"] == 13
        assert "the budget ends before 13 pictures; a larger --budget goes on from here" in collected.notes
        collect(server, places, tmp_path / "out", budget_usd=0.05)
        assert streets.pictures.total() == 7
        more = collect(server, places, tmp_path / "out", budget_usd=0.14)
        assert (more.summary["kept"], more.summary["rejected"].get("over the budget")) == (20, None)
    assert max(streets.pictures.values()) == 1 and len(spent(tmp_path / "out")) == 20


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


def test_an_api_that_is_down_ends_the_run(places: Path, tmp_path: Path) -> None:
    with ApiServer(Streets(), ["error"] * 200) as server, pytest.raises(WhereshotError) as caught:
        collect(server, places, tmp_path / "out")
    assert "the API failed for 20 addresses in a row (" in str(caught.value)
    assert str(caught.value).endswith("the same command goes on from here")
    assert "AIza" not in str(caught.value)


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


def test_cells_with_too_few(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [address(number) for number in range(0, 40, 2)])
    with ApiServer(Streets(nothing=0.5)) as server:
        collected = collect(server, path, tmp_path / "out")
    kept = collected.summary["kept"]
    assert 0 < kept < 20
    if kept < 10:
        assert collected.notes[0] == f"1 of 1 cells have fewer panoramas than wanted, {10 - kept} in all"


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from street_picture_apis import HASTY, SMALL
from whereshot.photos.sources import streetview
from whereshot.photos.sources.base import Order
given = dict(settings=SMALL, endpoint=sys.argv[3] + "/streetview", manners=HASTY, confirmed=True, budget_usd=100.0)
streetview.collect(Order([Path(sys.argv[1])], Path(sys.argv[2]), **given))
"""


@pytest.mark.parametrize("questions", [15, 33])
def test_a_run_that_was_killed_pays_nothing_twice(places: Path, tmp_path: Path, questions: int) -> None:
    streets = Streets()
    with ApiServer(streets) as server:
        given = [str(places), str(tmp_path / "out"), server.url, str(Path(__file__).parents[2])]
        child = subprocess.Popen([sys.executable, "-c", CHILD, *given])
        server.after[questions] = lambda: os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        collected = collect(server, places, tmp_path / "out")
        assert collected.summary["kept"] == 20
        pictures = streets.pictures.total()
        assert 20 <= pictures <= 20 + 16  # what was on its way
        assert len(spent(tmp_path / "out")) >= pictures
        collect(server, places, tmp_path / "undisturbed")
    there = Records.read(tmp_path / "undisturbed").table.drop_columns("image")
    assert Records.read(tmp_path / "out").table.drop_columns("image").equals(there)
