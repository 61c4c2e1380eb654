"""ingest of every source that collects, as a person calls it: numbers on stdout, remarks on stderr, one line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_flickr import SECRET, Search, ask_for, photo
from test_mapillary import Graph
from test_osv5m import row, write_csv
from test_streetview import SECRET as STREET_SECRET
from test_streetview import Streets, address
from test_streetview import write_csv as write_addresses
from test_yfcc import line

from api_server import Answer, ApiServer
from faulty_server import FaultyServer, kind_of
from whereshot.cli import main
from whereshot.photos import fetch as fetching
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import COLLECTORS, flickr, mapillary, streetview

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
    for variable, secret in ((flickr.KEY, SECRET), (streetview.KEY, STREET_SECRET), (mapillary.TOKEN, "MLY|x")):
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
        told = f"{estimate}; none was asked for yet: go on with --yes and --budget USD"
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
