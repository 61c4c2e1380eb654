"""Flickr's search: every photo once, however many there are, whatever the API does; nothing is asked for twice."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from api_server import ApiServer
from flickr_api import HASTY, SECRET, START, Search, ask_for, photo
from whereshot.foundation.errors import ConfigError, InputError, OutputError
from whereshot.foundation.jobs import MANIFEST
from whereshot.photos.fetch import Manners
from whereshot.photos.records import Records
from whereshot.photos.sources import flickr
from whereshot.photos.sources.base import Collected, Order


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(flickr.KEY, SECRET)


@pytest.fixture(scope="module")
def many() -> Iterator[ApiServer]:
    """10,000 photos of Vienna, a tenth of which are of Austria, too, and a video."""
    vienna = [photo(number) for number in range(10_000)]
    austria = [*vienna[::10], photo(20_000), photo(20_001, media="video")]
    with ApiServer(Search({"vienna": vienna, "austria": austria})) as server:
        yield server


def collect(server: ApiServer, tmp_path: Path, text: str | None = None, **given: Any) -> Collected:
    asked = ask_for(tmp_path / "queries.toml", *([text] if text else []))
    out = given.pop("out", tmp_path / "out")
    manners = given.pop("manners", HASTY)
    return flickr.collect(Order([asked], out, endpoint=server.url, manners=manners, **given))


def rejects(out: Path) -> list[tuple[str | None, str, str]]:
    rows = [row for path in sorted((out / "rejects").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return [(row["id"], row["reason"], row["detail"]) for row in rows]


def texts_below(folder: Path) -> bytes:
    """All that was written, Parquet's texts in the clear."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    tables = [str(pq.read_table(path).to_pylist()).encode() for path in files if path.suffix == ".parquet"]
    return b"".join([*tables, *(path.read_bytes() for path in files)])


@pytest.mark.usefixtures("key")
def test_more_than_the_api_shows(many: ApiServer, tmp_path: Path) -> None:
    asked = len(many.asked)
    collected = collect(many, tmp_path)
    kept = Records.read(tmp_path / "out")
    assert set(kept.strings("id")) == {photo(number)["id"] for number in [*range(10_000), 20_000]}
    assert len(kept) == 10_001
    found = collected.summary["rejected"]
    assert found == {"duplicate id": 1000, "not a photo": 1}
    assert collected.summary["kept"] == 10_001 and collected.notes == ()
    questions = [parameters for _, parameters, _ in many.asked[asked:]]
    assert all(int(one["page"]) * int(one["per_page"]) <= 4000 for one in questions)
    blocks = [(one["text"], one["min_upload_date"], one["max_upload_date"], one["page"]) for one in questions]
    assert len(blocks) == len(set(blocks)), "a page was asked for twice"
    assert len(blocks) < 10_000 / 250 * 1.6 + 10  # what halving costs beside the pages themselves

    before = len(many.asked)
    again = collect(many, tmp_path)
    assert len(many.asked) == before  # done is done
    assert again.summary | {"seconds": 0} == collected.summary | {"seconds": 0}


@pytest.mark.usefixtures("key")
def test_what_a_record_says(tmp_path: Path) -> None:
    large = photo(1, url_l="https://live.staticflickr.com/1/2_3_b.jpg", title={"_content": "Prater"})
    plain = photo(2, datetakenunknown="1", tags="", license="77")
    month = photo(3, datetakengranularity="4", server="0")
    with ApiServer(Search({"vienna": [large, plain, month]})) as server:
        collect(server, tmp_path)
    first, second, third = Records.read(tmp_path / "out")
    assert (first["url"], first["title"], first["user"]) == (large["url_l"], "Prater", "1@N00")
    assert first["taken_at"].replace(tzinfo=None) == datetime.datetime(2009, 12, 24, 18, 30)
    assert first["taken_at_is_local"] is True
    assert first["posted_at"] == datetime.datetime.fromtimestamp(START + 60, datetime.UTC)
    assert (first["tags"], first["license"], first["source"]) == (["vienna", "sunset"], "CC BY 2.0", "flickr")
    assert (first["accuracy"], first["query"], first["latitude"]) == (16, "vienna", 48.001)
    assert second["url"] == "https://live.staticflickr.com/65535/50000000002_s2_b.jpg"
    assert (second["taken_at"], second["taken_at_is_local"], second["tags"], second["license"]) == (None,) * 4
    assert (third["taken_at"], third["url"]) == (None, None)


@pytest.mark.usefixtures("key")
def test_rows_that_cannot_be_used(tmp_path: Path) -> None:
    found = [
        photo(1, latitude=0, longitude=0),
        photo(2, latitude="x"),
        photo(3, accuracy="6"),
        photo(4),
        photo(5, latitude=95),
        {"no": "id", "dateupload": str(START)},
    ]
    with ApiServer(Search({"vienna": found})) as server:
        collected = collect(server, tmp_path)
    assert Records.read(tmp_path / "out").strings("id") == ["50000000004"]
    assert collected.summary["rows"] == 6
    assert {(name, reason) for name, reason, _ in rejects(tmp_path / "out")} == {
        ("50000000001", "position (0, 0)"),
        ("50000000002", "no position"),
        ("50000000003", "coarse position"),
        ("50000000005", "impossible position"),
        (None, "broken row"),
    }


@pytest.mark.usefixtures("key")
def test_faults_that_pass(tmp_path: Path) -> None:
    """Each is met with a second attempt, and ends with the photos of an undisturbed run."""
    search = Search({"vienna": [photo(number) for number in range(600)]})
    faults = ["busy", "error", "cut", "fine", "html", "not found", "hung up", "slow", "patience"]
    with ApiServer(search, faults) as server:
        collected = collect(server, tmp_path)
        assert not server.faults
    assert collected.summary["kept"] == 600 and collected.summary["rejected"] == {}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("html", "no JSON but text/html with status 200; tried 4 times"),
        ("not found", "Flickr says: Photo not found (code 1); tried 4 times"),
        ("error", "/?has_geo=1&accuracy=11&media=photos&text=vienna&"),
    ],
)
def test_faults_that_stay_are_recorded_and_asked_again(fault: str, detail: str, tmp_path: Path) -> None:
    search = Search({"vienna": [photo(number) for number in range(300)], "austria": [photo(500)]})
    with ApiServer(search, [fault] * 4) as server:
        collected = collect(server, tmp_path)
        (name, reason, told), *_ = rejects(tmp_path / "out")
        assert (name, reason) == (None, "api error")
        assert told.startswith("'vienna', uploads of 2010-01-01T00:00:00+00:00 to 2010-01-31T23:59:59+00:00, page 1: ")
        assert detail in told and "tried 4 times" in told
        assert collected.notes == ("1 blocks are incomplete; the same command requests them again",)
        assert collected.summary["kept"] == 1
        assert b"k3y" not in texts_below(tmp_path / "out")
        again = collect(server, tmp_path)
    assert (again.summary["kept"], again.summary["rejected"], again.notes) == (301, {}, ())


@pytest.mark.usefixtures("key")
def test_a_redirect_does_not_take_the_key_elsewhere(tmp_path: Path) -> None:
    with ApiServer(Search({"vienna": [photo(1)]}), ["moved"]) as server:
        collect(server, tmp_path, 'keywords = ["vienna"]')
    ((_, reason, detail),) = rejects(tmp_path / "out")
    assert reason == "api error" and detail.endswith("more than 0 redirects")
    assert "&api_key=***&" in detail


@pytest.mark.usefixtures("key")
def test_a_page_that_fails_costs_no_other(tmp_path: Path) -> None:
    search = Search({"vienna": [photo(number) for number in range(700)]})
    serial = Manners(**{**vars(HASTY), "connections": 1, "attempts": 1})
    with ApiServer(search, ["fine", "error"]) as server:
        collected = collect(server, tmp_path, manners=serial)
        assert (collected.summary["kept"], collected.summary["rejected"]) in (
            (450, {"api error": 1}),
            (500, {"api error": 1}),
        )
        search.photos["vienna"] = [photo(number, dateupload=str(START + number)) for number in range(4500)]
        again = collect(server, tmp_path)  # by now it has too many for one block
    assert (again.summary["kept"], again.summary["rejected"]) == (4500, {})
    assert len(set(Records.read(tmp_path / "out").strings("id"))) == 4500


@pytest.mark.usefixtures("key")
def test_more_in_one_second_than_the_api_shows(tmp_path: Path) -> None:
    crowd = [photo(number, dateupload=str(START + 5)) for number in range(4100)]
    with ApiServer(Search({"vienna": crowd})) as server:
        collected = collect(server, tmp_path, 'keywords = ["vienna"]')
    assert collected.summary["kept"] == 4000
    assert rejects(tmp_path / "out") == [
        (
            None,
            "beyond the results that are shown",
            "'vienna': 4100 photos of one second, of which the API shows 4000",
        )
    ]


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from flickr_api import HASTY
from whereshot.photos.sources import flickr
from whereshot.photos.sources.base import Order
flickr.collect(Order([Path(sys.argv[1])], Path(sys.argv[2]), endpoint=sys.argv[3], manners=HASTY))
"""


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("questions", [24, 39])
def test_a_run_that_was_killed_goes_on(many: ApiServer, tmp_path: Path, questions: int) -> None:
    asked, out = ask_for(tmp_path / "queries.toml"), tmp_path / "out"
    given = [str(asked), str(out), many.url, str(Path(__file__).parents[2])]
    started = len(many.asked)
    child = subprocess.Popen([sys.executable, "-c", CHILD, *given])
    many.after[started + questions] = lambda: os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    done = len((out / MANIFEST).read_text().splitlines()) - 1
    killed = len(many.asked)
    collected = collect(many, tmp_path)
    assert collected.summary["kept"] == 10_001
    resumed = len(many.asked)
    kept = Records.read(out)
    collect(many, tmp_path, out=tmp_path / "undisturbed")
    assert kept.table.equals(Records.read(tmp_path / "undisturbed").table)
    pages = [one[1] for one in many.asked[started:killed] if one[1]["page"] != "1"]
    again = [one[1] for one in many.asked[killed:resumed] if one[1]["page"] != "1"]
    lost = {(one["text"], one["min_upload_date"]) for one in pages if one in again}
    assert done >= 1 and len(lost) <= 1


@pytest.mark.usefixtures("key")
def test_places_keywords_and_words_that_no_photo_may_have(tmp_path: Path) -> None:
    text = """keywords = ["vienna"]
without = ["birthday", "concert"]
accuracy = 14
places = [{ name = "old town", bbox = [48.1, 16.3, 48.3, 16.5] }, { name = "Prater", woe_id = 551801 }]"""
    with ApiServer(Search({"16.3,48.1,16.5,48.3": [photo(1)]})) as server:
        collect(server, tmp_path, text)
        word, box, place = (parameters for _, parameters, _ in server.asked)
    assert (word["text"], word["accuracy"], word["has_geo"]) == ("vienna -birthday -concert", "14", "1")
    assert (box["bbox"], box["text"]) == ("16.3,48.1,16.5,48.3", "-birthday -concert")
    assert place["woe_id"] == "551801" and "bbox" not in place
    assert Records.read(tmp_path / "out")[0]["query"] == "old town"


@pytest.mark.usefixtures("key")
def test_a_selection(tmp_path: Path) -> None:
    found = [photo(1), photo(2, license="0"), photo(3, license="5")]
    with ApiServer(Search({"vienna": found})) as server:
        collected = collect(server, tmp_path, where=["license=CC BY 2.0,CC BY-SA 2.0", "user!=3@N00"])
    assert Records.read(tmp_path / "out").strings("id") == [found[0]["id"]]
    assert collected.summary["rejected"] == {"not selected": 2}


def test_the_pace_is_that_of_the_terms() -> None:
    assert flickr.MANNERS.rate_per_host * 3600 == 3600


@pytest.mark.usefixtures("key")
def test_questions_keep_the_pace(tmp_path: Path) -> None:
    paced = Manners(**{**vars(HASTY), "rate_per_host": 20.0})
    with ApiServer(Search({"vienna": [photo(number) for number in range(2000)]})) as server:
        collected = collect(server, tmp_path, manners=paced)
        assert collected.summary["seconds"] > (len(server.asked) - 1) / 20 * 0.9


def test_no_key_and_a_wrong_key(many: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(flickr.KEY, raising=False)
    with pytest.raises(InputError) as caught:
        collect(many, tmp_path)
    assert str(caught.value).startswith("WHERESHOT_FLICKR_KEY is not set; it holds a key of Flickr's API (")
    monkeypatch.setenv(flickr.KEY, "wrong-key")
    before = len(many.asked)
    with pytest.raises(InputError) as caught:
        collect(many, tmp_path)
    assert str(caught.value) == "Flickr does not accept the key in WHERESHOT_FLICKR_KEY (Invalid API Key ***)"
    assert len(many.asked) == before + 1
    assert b"wrong-key" not in texts_below(tmp_path / "out")


@pytest.mark.usefixtures("key")
def test_another_search_does_not_mix_with_it(many: ApiServer, tmp_path: Path) -> None:
    text = 'keywords = ["nowhere"]'
    collect(many, tmp_path, text)
    with pytest.raises(OutputError, match="begun by another job"):
        collect(many, tmp_path, text, settings=["accuracy=16"])


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy = 16", "keywords or places are needed"),
        ('keywords = ["a"]\naccuracy = 17', "'accuracy': input should be less than or equal to 16; got 17"),
        ('keywords = ["a"]\nwithot = ["b"]', "unknown key 'withot'; did you mean 'without'?"),
        ('places = [{ name = "a" }]', "a place needs one of bbox, place_id and woe_id"),
        ('places = [{ name = "a", bbox = [16, 48, 15, 49] }]', "bbox is [south, west, north, east] in degrees"),
    ],
)
def test_queries_that_cannot_be_asked(many: ApiServer, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        collect(many, tmp_path, text)
    assert message in str(caught.value)
