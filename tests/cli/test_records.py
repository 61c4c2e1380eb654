"""ingest of every source that collects, as a person calls it: numbers on stdout, remarks on stderr, one line each."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import ExifTags
from PIL.TiffImagePlugin import IFDRational

from api_server import Answer, ApiServer
from command_line import Run
from conftest import MakePicture
from faulty_server import FaultyServer, kind_of
from flickr_api import SECRET, Search, ask_for, photo
from osv5m_files import row, write_csv
from street_picture_apis import STREETVIEW_KEY, Graph, Streets, address
from street_picture_apis import write_csv as write_addresses
from whereshot.cli import main
from whereshot.photos import fetch as fetching
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import COLLECTORS, flickr, mapillary, streetview
from yfcc_lines import line

Call = Callable[..., "Said"]


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def mistake(self) -> str:
        assert (self.code, self.out) == (2, "")
        return self.err.splitlines()[-1].removeprefix("whereshot: ")


@pytest.fixture
def ingest(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """whereshot ingest, with the keys of all APIs in the environment."""
    for variable, secret in ((flickr.KEY, SECRET), (streetview.KEY, STREETVIEW_KEY), (mapillary.TOKEN, "MLY|x")):
        monkeypatch.setenv(variable, secret)

    def run(*arguments: Any) -> Said:
        monkeypatch.setattr(sys, "argv", ["whereshot", "ingest", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return Said(int(exit.value.code or 0), *capsys.readouterr())

    return run


def test_from_queries_to_pictures(ingest: Call, tmp_path: Path) -> None:
    """Flickr's search gives urls, and fetch the pictures there: those that are gone are rejects."""
    with FaultyServer() as pictures:
        gone = next(number for number in range(5000) if kind_of(number) == "unavailable")
        found = [photo(number, url_l=f"{pictures.url}/q/{number}.jpg") for number in range(3)]
        found.append(photo(3, url_l=f"{pictures.url}/p/{gone}.jpg"))
        with ApiServer(Search({"vienna": found})) as server:
            queries = ask_for(tmp_path / "queries.toml", 'keywords = ["vienna"]')
            said = ingest("flickr", queries, "--out", tmp_path / "found", "--endpoint", server.url, "--format", "json")
        assert (said.code, said.document["kept"]) == (0, 4), said.err
        manners = fetching.Manners(allow_private=True)
        fetched = fetching.fetch(tmp_path / "found", tmp_path / "got", manners)
    assert (fetched["kept"], fetched["rejected"]) == (3, {"photo no longer available": 1})
    kept = Records.read(tmp_path / "got")
    assert images.open_rgb(kept[0]["image"]).size == (64, 64)
    assert (kept[0]["user"], kept[0]["query"]) == ("0@N00", "vienna")
    assert SECRET not in said.err + said.out


def test_street_view_asks_before_it_spends(ingest: Call, tmp_path: Path) -> None:
    places = write_addresses(tmp_path / "addresses.csv", [address(number) for number in range(40)])
    given = ["streetview", places, "--out", tmp_path / "out", "--set", "cells=region", "--set", "per_cell=2"]
    with ApiServer(Streets()) as server:
        given += ["--endpoint", server.url]
        estimate = "4 pictures cost about 0.03 USD (7.00 USD for 1,000)"
        told = f"{estimate}; none was requested yet: to continue, add --yes and --budget USD"
        assert ingest(*given).mistake == told
        said = ingest(*given, "--yes", "--budget", "1", "--format", "json")
    assert (said.code, said.document["kept"]) == (0, 4), said.err
    assert f"{estimate}; the budget is 1.00 USD" in said.err.splitlines()
    assert said.err.splitlines()[-1] == "0.03 USD spent in all runs"


def test_mapillary_refuses_a_wrong_token_without_telling_it(ingest: Call, tmp_path: Path) -> None:
    places = write_addresses(tmp_path / "addresses.csv", [address(number) for number in range(4)])
    with ApiServer(Graph()) as server:
        said = ingest("mapillary", places, "--out", tmp_path / "out", "--endpoint", server.url)
    assert said.mistake.endswith("the API refuses the key in WHERESHOT_MAPILLARY_TOKEN")
    assert "MLY" not in said.err


def test_a_subset_of_every_kind_of_source(ingest: Call, tmp_path: Path) -> None:
    osv5m = write_csv(tmp_path / "train.csv", [row(number) for number in range(8)])
    table = tmp_path / "table.csv"
    table.write_text("id,lat,lon,country\na,1,2,US\nb,3,4,CA\nc,5,6,\nd,95,0,US\n")
    dump = tmp_path / "dump"
    dump.write_bytes(b"\n".join([line(photo_id="1001", user="ann"), line(photo_id="1002", user="bob"), b""]))
    for given, ids, rejected in (
        (["osv5m", osv5m, "--where", "country=US"], [str(row(0)["id"]), str(row(4)["id"])], {"not selected": 6}),
        (["table", table, "--where", "country!=CA,"], ["a"], {"not selected": 2, "impossible position": 1}),
        (["yfcc", dump, "--where", "user=bob"], ["1002"], {"not selected": 1}),
    ):
        out = tmp_path / f"out-{given[0]}"
        said = ingest(*given, "--out", out, "--format", "json")
        assert said.code == 0, said.err
        assert (Records.read(out).strings("id"), said.document["rejected"]) == (ids, rejected)
    said = ingest("table", table, "--out", tmp_path / "x", "--where", "land=US")
    assert said.mistake.startswith("--where land=US: no column 'land'; ")


def test_options_of_other_sources_are_refused(ingest: Call, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "train.csv", [row(1)])
    listed = ", ".join(COLLECTORS)
    for given, message in (
        (["table", table, "--out", "x", "--yes"], f"--yes is for {listed}; leave it out"),
        (["folder", table, "--out", "x", "--budget", "0"], f"--budget is for {listed}; leave it out"),
        (["osv5m", table, "--out", "x", "--column", "a=b"], "--column is not for osv5m; leave it out"),
        (["osv5m", table, "--out", "x", "--engine", "spark"], "--engine is not for osv5m; leave it out"),
        (["osv5m", table, "--out", "x.parquet"], "x.parquet: osv5m fills a folder; name one without .parquet"),
        (["osv5m", table, "--out", "x", "--set", "a=b"], "osv5m has no settings; got 'a=b'"),
        (["streetvew", table, "--out", "x"], "no source 'streetvew'; did you mean 'streetview'?"),
    ):
        assert ingest(*given).mistake == message


def test_a_search_that_finds_nothing(ingest: Call, tmp_path: Path) -> None:
    def nothing(path: str, asked: dict[str, str], headers: dict[str, str]) -> Answer:
        return Search({})(path, asked, headers)

    queries = ask_for(tmp_path / "queries.toml")
    with ApiServer(nothing) as server:
        said = ingest("flickr", queries, "--out", tmp_path / "out", "--endpoint", server.url)
    assert said.mistake == f"none of 0 rows can be used: there is none; see {tmp_path / 'out' / 'rejects'}"


def rejects(path: Path) -> dict[str, str]:
    return {row["id"]: f"{row['reason']}: {row['detail']}" for row in pq.read_table(path).to_pylist()}


def test_ingest_a_folder(run: Run, odd_photos: Path, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_photos, tmp_path / "in"))
    unset = {ExifTags.GPS.GPSLatitude: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))}
    jpeg_with_position(folder / "unset.jpg", 10.0, 20.0, gps=unset)
    jpeg_with_position(folder / "zero.jpg", 0.0, 0.0)
    result = run("ingest", "folder", folder, "--out", tmp_path / "records", "--format", "json")
    document = result.document
    assert result.code == 0
    assert [*document] == ["rows", "kept", "rejected", "seconds"]
    assert (document["rows"], document["kept"]) == (12, 1)
    assert document["rejected"] == {
        "no position": 8,
        "unreadable picture": 2,
        "position (0, 0)": 1,
    }
    records = Records.read(tmp_path / "records")
    assert records.strings("id") == ["rotated.heic"]
    np.testing.assert_allclose(records.points, [[10, 20]], atol=1e-4)
    told = rejects(tmp_path / "records" / "rejects" / "part-00000.parquet")
    assert len(told) == 11
    assert told["unset.jpg"] == "no position: EXIF has no position"
    assert told["text.jpg"].startswith(f"unreadable picture: {folder / 'text.jpg'}: not a picture in a known format")
    assert told["huge.png"].startswith(f"unreadable picture: {folder / 'huge.png'}: more than 179 megapixels")
    assert told["plain.jpg"] == "no position: EXIF has no position"


def test_ingest_a_table(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,LAT,LON\nok,48,2\nturned,10,200\npole,95,2\nfar,10,540\nnan,nan,2\nzero,0,0\ntext,north,2\n")
    columns = ["--column", "latitude=LAT", "--column", "longitude=LON"]
    result = run("ingest", "table", table, "--out", tmp_path / "records.parquet", *columns)
    assert result.code == 0
    lines = result.out.splitlines()
    assert re.fullmatch(rf"2 of 7 kept in {tmp_path}/records\.parquet \(\d+\.\d s\)", lines[0])
    out = tmp_path / "rejects" / "records.parquet"
    assert lines[1:] == [
        "  rejected: 3 impossible position",
        "  rejected: 1 no position",
        "  rejected: 1 position (0, 0)",
        f"  listed in {out}",
    ]
    assert Records.read(tmp_path / "records.parquet").points.tolist() == [[48, 2], [10, -160]]
    told = rejects(out)
    assert told["pole"] == "impossible position: row 3: (95, 2): latitude must lie between -90 and 90 degrees"
    assert told["far"].startswith("impossible position: row 4: (10, 540): longitude must lie between ")
    assert told["nan"] == "no position: row 5: latitude or longitude is missing"
    assert told["zero"].startswith("position (0, 0): row 6: ")
    assert told["text"] == "impossible position: row 7: latitude is not a number: 'north'"

    table.write_text("id,lat,lon\nok,48,2\n")
    result = run("ingest", "table", table, "--out", tmp_path / "records.parquet", "--format", "json")
    assert result.document["rejected"] == {}
    assert not out.exists()  # those of the earlier run


def test_ingest_without_a_usable_row(run: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        shutil.copy(tiny / f"lima-{number}.png", tmp_path / "in")
    said = run("ingest", "folder", tmp_path / "in", "--out", tmp_path / "out", "--format", "json").mistake.split("; ")
    listed = tmp_path / "out" / "rejects" / "part-00000.parquet"
    assert said[0] == "none of 3 rows can be used: 3 no position"
    assert said[1] == f"see {listed}"
    assert len(rejects(listed)) == 3


def test_ingest_refuses(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,latitude,where\na,1,2\n")
    out = ["--out", tmp_path / "out"]
    assert run("ingest", "tabel", table, *out).mistake == "no source 'tabel'; did you mean 'table'?"
    missing = f"{table}: no longitude column among id, latitude, where; name it with --column longitude=NAME"
    assert run("ingest", "table", table, *out).mistake == missing
    said = run("ingest", "table", table, *out, "--column", "longitude=LON").mistake
    assert said == f"{table}: no column 'LON'; known: id, latitude, where"
    said = run("ingest", "table", table, *out, "--column", "longitude").mistake
    assert said == "--column takes name=value; got 'longitude'"
    assert run("ingest", "table", tmp_path / "no.csv", *out).mistake == f"{tmp_path / 'no.csv'}: no such file"
    assert not (tmp_path / "out").exists()
