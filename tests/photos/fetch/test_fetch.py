"""Downloading: every good picture once, every bad one a reject with a reason; polite, resumable, never half a file."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faulty_server import GOOD, REASONS, FaultyServer, kind_of, picture
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, OutputError
from whereshot.photos import fetch as fetching
from whereshot.photos import images
from whereshot.photos.fetch import Manners, RefusedError, fetch
from whereshot.photos.fetch.hosts import is_public
from whereshot.photos.fetch.robots import Rules
from whereshot.photos.records import Records

HASTY = Manners(allow_private=True, back_off_s=0.01, timeout_s=5, connections_per_host=16)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(delay_s=0.02, drops=0.05) as running:
        yield running


def write(path: Path, urls: list[str | None], ids: list[str] | None = None) -> Path:
    ids = [f"photo {number}" for number in range(len(urls))] if ids is None else ids
    table = pa.table({"id": ids, "url": pa.array(urls, pa.string()), "latitude": [float(n) for n in range(len(urls))]})
    Records(table).write(path)
    return path


def rejects_of(out: Path) -> dict[str, tuple[str, str]]:
    tables = [pq.read_table(path) for path in sorted((out / "rejects").glob("*.parquet"))]
    return {row["id"]: (row["reason"], row["detail"]) for table in tables for row in table.to_pylist()}


def refused(url: str, manners: Manners = HASTY) -> RefusedError:
    from whereshot.photos.fetch.client import Client

    async def ask() -> None:
        async with Client(manners) as client:
            await client.picture(url)

    with pytest.raises(RefusedError) as caught:
        asyncio.run(ask())
    return caught.value


def test_the_disk_is_waited_for_once_for_many_pictures(
    server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are on the disk before the shard that names them is counted, without a wait for each of them."""
    events: list[str] = []
    fsync, sync_files = os.fsync, output_files.sync_files

    def note(handle: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def note_all(paths: list[str]) -> None:
        events.append(f"sync of {len(paths)}")
        sync_files(paths)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(output_files, "sync_files", note_all)
    numbers = [number for number in range(80) if kind_of(number) in GOOD]
    records = write(tmp_path / "in", [f"{server.url}/p/{number}.jpg" for number in numbers])
    events.clear()
    assert fetch(records, tmp_path / "out", HASTY)["kept"] == len(numbers)
    start = events.index(f"sync of {len(numbers)}")
    assert not [name for name in events[:start] if "/images/" in name], "no wait while pictures arrive"
    assert start < next(place for place, name in enumerate(events) if ".parquet" in name)
    pictures = [name for name in events if "/images/" in name and name.endswith(".jpg")]
    assert len(pictures) == len(set(pictures)) == len(numbers), "each picture once"


def test_every_good_picture_arrives_once_and_every_bad_one_is_a_reject(server: FaultyServer, tmp_path: Path) -> None:
    numbers = range(300)
    records = write(tmp_path / "in", [f"{server.url}/p/{number}.jpg" for number in numbers])
    found = fetch(records, tmp_path / "out", HASTY)
    good = [number for number in numbers if kind_of(number) in GOOD]
    kept, rejects = Records.read(tmp_path / "out"), rejects_of(tmp_path / "out")
    assert kept.strings("id") == [f"photo {number}" for number in good]
    assert kept.numbers("latitude").tolist() == good
    for number, path in zip(good, kept.strings("image"), strict=True):
        assert path is not None and Path(path).read_bytes() == picture(number)
    assert {name: reason for name, (reason, _) in rejects.items()} == {
        f"photo {number}": REASONS[kind_of(number)] for number in numbers if number not in good
    }
    assert (found["rows"], found["kept"]) == (300, len(good))
    assert found["rejected"] == Counter(reason for reason, _ in rejects.values())
    paths = [f"/moved/{n}.jpg" if kind_of(n) == "moved" else f"/p/{n}.jpg" for n in good]
    assert [server.delivered[path] for path in paths] == [1] * len(good)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "parquet" not in path.name]
    files.remove(tmp_path / "out" / "_manifest.jsonl")
    assert sorted(map(str, files)) == sorted(kept.strings("image"))  # type: ignore[type-var]
    assert server.most_at_a_time <= HASTY.connections_per_host

    before = sum(server.asked.values())
    again = fetch(records, tmp_path / "out", HASTY)
    assert again | {"seconds": 0} == found | {"seconds": 0}
    assert sum(server.asked.values()) == before  # done is done


def test_pictures_wait_for_the_disk_once_for_a_portion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is on the disk before the manifest counts it, and every folder of pictures is synced once."""
    order: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        order.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", noted)
    numbers = [number for number in range(200) if kind_of(number) in GOOD]
    with FaultyServer() as own_server:
        records = write(tmp_path / "in", [f"{own_server.url}/p/{number}.jpg" for number in numbers])
        fetch(records, tmp_path / "out", HASTY)
    out = tmp_path / "out"
    counted = len(order) - 1 - order[::-1].index(str(out / "_manifest.jsonl"))
    pictures = [str(path) for path in (out / "images").glob("*/*")]
    assert len(pictures) == len(numbers)
    assert all(order.count(path) == 1 and order.index(path) < counted for path in pictures)
    folders = [str(path) for path in (out / "images").iterdir()]
    assert all(order.count(path) == 1 for path in folders)


def test_reasons_say_what_happened(server: FaultyServer) -> None:
    def url_of(kind: str) -> str:
        return f"{server.url}/p/{next(number for number in range(5000) if kind_of(number) == kind)}.jpg"

    for kind, detail in (
        ("html", "{}: the server sends 'text/html'"),
        ("missing", "{}: status 404"),
        ("tiny", "{}: 900 bytes; photos have more than 1,024"),
        ("error always", "{}: status 503; tried 5 times"),
    ):
        error = refused(url_of(kind))
        assert (error.reason, error.detail) == (REASONS[kind], detail.format(url_of(kind)))
    assert "the picture is damaged (" in refused(url_of("broken")).detail
    assert refused(url_of("unavailable")).detail.endswith(f"leads to {server.url}/photo_unavailable.png")
    announced = refused(url_of("says more")).detail
    assert " bytes came of " in announced and announced.endswith(" announced; tried 5 times")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/a.jpg", "broken url"),
        ("file:///etc/passwd", "broken url"),
        ("not a url", "broken url"),
        ("http://", "broken url"),
        ("http://[::1", "broken url"),
        ("http://127.0.0.1:1/a.jpg", "private address"),
        ("http://localhost:1/a.jpg", "private address"),
        ("http://2130706433:1/a.jpg", "broken url"),  # 127.0.0.1 as one number
        ("http://0x7f.1:1/a.jpg", "private address"),
        ("http://[::ffff:127.0.0.1]:1/a.jpg", "private address"),
        ("http://169.254.169.254/latest/meta-data", "private address"),
        ("http://10.0.0.8/a.jpg", "private address"),
    ],
)
def test_urls_that_are_never_asked(url: str, reason: str) -> None:
    assert refused(url, Manners(attempts=1)).reason == reason


def test_addresses_that_are_public() -> None:
    assert is_public("8.8.8.8") and is_public("2606:4700::1111")
    for address in (
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "fe80::1%eth0",
        "224.0.0.1",
        "0.0.0.0",
        "100.64.0.1",
        "fd00::1",
    ):
        assert not is_public(address), address


def test_a_redirect_into_the_own_network_is_not_followed(server: FaultyServer) -> None:
    """A public server must not make us ask a private one."""
    from yarl import URL

    from whereshot.photos.fetch.client import Client

    async def follow() -> None:
        async with Client(Manners()) as client:
            client._moved(URL("http://example.org/a.jpg"), URL("http://example.org/a.jpg"), f"{server.url}/p/1.jpg")

    with pytest.raises(RefusedError, match="an address of a private network; allow it with --allow-private"):
        asyncio.run(follow())


def test_a_server_that_is_not_there() -> None:
    error = refused("http://127.0.0.1:9/a.jpg", Manners(allow_private=True, attempts=2, back_off_s=0))
    assert error.reason == "no connection"
    assert "tried 2 times" in error.detail


def test_robots_are_obeyed_and_the_user_agent_is_told(tmp_path: Path) -> None:
    rules = "User-agent: whereshot\nDisallow: /p/\n\nUser-agent: *\nAllow: /\nCrawl-delay: 0\n"
    with FaultyServer(robots=rules) as server:
        error = refused(f"{server.url}/p/1.jpg")
        assert error.reason == "robots.txt"
        assert error.detail == f"{server.url}/robots.txt forbids {server.url}/p/1.jpg to 'whereshot'"
        assert dict(server.asked) == {"/robots.txt": 1}
        urls = [f"{server.url}/q/{number}.jpg" for number in range(5)]
        named = Manners(allow_private=True, user_agent="mapper/2 (mail@example.org)")
        assert fetch(write(tmp_path / "in", urls), tmp_path / "out", named)["kept"] == 5
        assert server.asked["/robots.txt"] == 2
        assert server.agents == {"whereshot", "mapper/2 (mail@example.org)"}


def test_the_rules_of_robots() -> None:
    assert Rules("User-agent: *\nCrawl-delay: 3", "whereshot").delay_s == 3
    Rules("", "whereshot").check("http://a.org/x", "http://a.org")
    with pytest.raises(RefusedError, match=r"http://a.org/robots.txt forbids http://a.org/x to 'whereshot'"):
        Rules("User-agent: *\nDisallow: /", "whereshot").check("http://a.org/x", "http://a.org")


def test_a_host_is_asked_at_its_rate(tmp_path: Path) -> None:
    with FaultyServer() as server:
        urls = [f"{server.url}/q/{number}.jpg" for number in range(7)]
        started = time.monotonic()
        fetch(write(tmp_path / "in", urls), tmp_path / "out", Manners(allow_private=True, rate_per_host=20))
        assert time.monotonic() - started > 6 / 20
        assert server.most_at_a_time <= 6


def test_ids_of_any_kind_have_files_of_their_own(tmp_path: Path) -> None:
    ids = ["a/b", "a_b", "../../etc", "日本/東京", "A", "a", "", "x" * 400, "..", "nul\0", "a/b"]
    with FaultyServer() as server:
        records = write(tmp_path / "in", [f"{server.url}/q/{number}.jpg" for number in range(11)], ids)
        found = fetch(records, tmp_path / "out", HASTY)
    assert (found["kept"], found["rejected"]) == (10, {"duplicate id": 1})
    kept = Records.read(tmp_path / "out")
    assert kept.strings("id") == ids[:10]
    for number, path in enumerate(kept.strings("image")):
        assert path is not None and Path(path).read_bytes() == picture(number)
        assert (tmp_path / "out" / "images") in Path(path).parents
        assert images.open_rgb(path).size == (64, 64)
    assert rejects_of(tmp_path / "out") == {"a/b": ("duplicate id", "id 'a/b' stands in an earlier row")}


def test_a_retry_asks_for_the_rejects_alone(tmp_path: Path) -> None:
    number = next(number for number in range(5000) if kind_of(number) == "error once")
    with FaultyServer() as server:
        urls = [f"{server.url}/p/{number}.jpg", f"{server.url}/q/1.jpg"]
        records, once = write(tmp_path / "in", urls), Manners(allow_private=True, attempts=1)
        assert fetch(records, tmp_path / "out", once)["rejected"] == {"server error": 1}
        assert fetch(records, tmp_path / "out", once)["rejected"] == {"server error": 1}
        assert server.asked[f"/p/{number}.jpg"] == 1
        assert fetch(records, tmp_path / "out", once, retry=True)["kept"] == 2
        assert server.asked[f"/p/{number}.jpg"] == 2 and server.asked["/q/1.jpg"] == 1
        assert rejects_of(tmp_path / "out") == {}
        assert fetch(records, tmp_path / "out", once, overwrite=True)["kept"] == 2
        assert server.asked["/q/1.jpg"] == 2
        with pytest.raises(OutputError, match="begun by another job"):
            fetch(write(tmp_path / "other", urls), tmp_path / "out", once, retry=True)


def test_nothing_that_can_be_fetched(tmp_path: Path) -> None:
    records = write(tmp_path / "in", [None, "", "nonsense"])
    found = fetch(records, tmp_path / "out", HASTY)
    assert (found["rows"], found["kept"]) == (3, 0)
    assert found["rejected"] == {"no url": 2, "broken url": 1}
    assert len(Records.read(tmp_path / "out")) == 0
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "bare.parquet")
    with pytest.raises(InputError, match="no column 'url' that says where the pictures are"):
        fetch(tmp_path / "bare.parquet", tmp_path / "out2")


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    records = write(tmp_path / "in", ["http://example.org/a.jpg"])
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file: a file is in the way; name a folder"):
        fetch(records, tmp_path / "file")
    with pytest.raises(OutputError, match="the records themselves are there; name another folder"):
        fetch(records, tmp_path / "in")
    with pytest.raises(InputError, match="none: no such file or folder"):
        fetch(tmp_path / "none", tmp_path / "out")


def test_a_disk_that_is_full_stops_the_run_in_one_line(tmp_path: Path) -> None:
    with FaultyServer() as server:
        records = write(tmp_path / "in", [f"{server.url}/q/{number}.jpg" for number in range(50)])
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "images").touch()  # no folder can be made there
        with pytest.raises(OutputError, match="cannot be written") as caught:
            fetch(records, tmp_path / "out", HASTY)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"connections": 0}, "connections must be at least 1; got 0"),
        ({"attempts": 0}, "attempts must be at least 1; got 0"),
        ({"rate_per_host": -1}, "rate_per_host must not be negative; got -1"),
        ({"timeout_s": 0}, "timeout_s must be above 0; got 0"),
        ({"user_agent": "a\r\nHost: b"}, "the user agent must be plain text; got 'a\\r\\nHost: b'"),
    ],
)
def test_manners_that_are_none(settings: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Manners(**settings)
    assert str(caught.value) == message


SCRIPT = """
import sys
import whereshot.photos.fetch as fetching
fetching.PORTION_ROWS = 40
fetching.fetch(sys.argv[1], sys.argv[2], fetching.Manners(allow_private=True, back_off_s=0.01, timeout_s=5))
"""


def outcome(out: Path) -> list[tuple]:
    """Every file below a folder but what it may hold for itself: shards by their rows, pictures by their bytes."""
    found = []
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(out).parts):
            if path.suffix == ".parquet":
                table = pq.read_table(path)
                changing = {"image", "detail"} & set(table.column_names)  # the folder's name, the bytes that came
                table = table.drop_columns(list(changing))
                found.append((name, table.to_pylist()))
            elif path.name != "_manifest.jsonl":
                found.append((name, hashlib.sha256(path.read_bytes()).hexdigest()))
    return found


@pytest.mark.slow
def test_killed_at_ten_moments_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    with FaultyServer(delay_s=0.05, drops=0.05) as server:
        records = write(tmp_path / "in", [f"{server.url}/p/{number}.jpg" for number in range(200)])
        fetch(records, tmp_path / "undisturbed", HASTY)
        fetching_rows = fetching.PORTION_ROWS
        fetching.PORTION_ROWS = 40
        try:
            fetch(records, tmp_path / "expected", HASTY)
        finally:
            fetching.PORTION_ROWS = fetching_rows
        out = tmp_path / "out"
        for number in range(10):
            command = [sys.executable, "-c", SCRIPT, str(records), str(out)]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
                moment = time.monotonic() + 0.05 * (number + 1)
                while not out.exists() and process.poll() is None:
                    moment = time.monotonic() + 0.05 * (number + 1)
                    time.sleep(0.01)
                while time.monotonic() < moment and process.poll() is None:
                    time.sleep(0.005)
                os.kill(process.pid, signal.SIGKILL)
        subprocess.run([sys.executable, "-c", SCRIPT, str(records), str(out)], check=True)
    assert outcome(out) == outcome(tmp_path / "expected")


def test_retry_after_is_seconds_or_a_date() -> None:
    from email.utils import format_datetime

    from whereshot.photos.fetch.client import _seconds

    assert (_seconds("17"), _seconds("0"), _seconds("-3"), _seconds(None), _seconds("soon")) == (17, 0, 0, 0, 0)
    now = datetime.datetime.now(datetime.UTC)
    assert _seconds(format_datetime(now + datetime.timedelta(seconds=40), usegmt=True)) == pytest.approx(40, abs=3)
    assert _seconds(format_datetime(now - datetime.timedelta(seconds=40), usegmt=True)) == 0


def test_a_site_whose_robots_cannot_be_read_is_left_alone() -> None:
    for reason, told in (("server error", "robots.txt"), ("no connection", "no connection")):
        rules = Rules("", "whereshot", RefusedError(reason, "http://a.org/robots.txt: status 503"))
        with pytest.raises(RefusedError, match="status 503") as caught:
            rules.check("http://a.org/x", "http://a.org")
        assert caught.value.reason == told
