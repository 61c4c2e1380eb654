"""The steps that Street View and Mapillary share: nothing is paid for unasked or twice, and runs go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from api_server import ApiServer
from street_picture_apis import Streets, address, write_csv
from street_view_runs import collect, spent
from whereshot.earth import partition
from whereshot.foundation.errors import InputError, OutputError, WhereshotError
from whereshot.photos.records import Records

pytestmark = pytest.mark.usefixtures("streetview_key")


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
                "20 pictures cost about 0.14 USD (7.00 USD for 1,000); "
                f"none was requested yet: to continue, add {lacking}"
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
        assert "the budget ends before 13 pictures; a larger --budget continues from here" in collected.notes
        collect(server, places, tmp_path / "out", budget_usd=0.05)
        assert streets.pictures.total() == 7
        more = collect(server, places, tmp_path / "out", budget_usd=0.14)
        assert (more.summary["kept"], more.summary["rejected"].get("over the budget")) == (20, None)
    assert max(streets.pictures.values()) == 1 and len(spent(tmp_path / "out")) == 20


def test_an_api_that_is_down_ends_the_run(places: Path, tmp_path: Path) -> None:
    with ApiServer(Streets(), ["error"] * 200) as server, pytest.raises(WhereshotError) as caught:
        collect(server, places, tmp_path / "out")
    assert "the API failed for 20 addresses in a row (" in str(caught.value)
    assert str(caught.value).endswith("the same command continues from here")
    assert "AIza" not in str(caught.value)


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
