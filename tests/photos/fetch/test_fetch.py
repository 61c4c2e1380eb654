"""Downloading: every good picture once, every bad one a reject with a reason; polite, resumable, never half a file."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curating import rejects_of
from faulty_server import GOOD, REASONS, FaultyServer, kind_of, picture
from fetching import HASTY, write
from killing import run_killed
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, OutputError
from whereshot.photos import fetch as fetching
from whereshot.photos import images
from whereshot.photos.fetch import Manners, fetch
from whereshot.photos.records import Records


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(delay_s=0.02, drops=0.05) as running:
        yield running


def test_every_good_picture_arrives_once_and_every_bad_one_is_a_reject(server: FaultyServer, tmp_path: Path) -> None:
    numbers = range(300)
    records = write(tmp_path / "in", [f"{server.url}/p/{number}.jpg" for number in numbers])
    before = server.delivered.copy()  # other tests ask the same server
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
    assert [server.delivered[path] - before[path] for path in paths] == [1] * len(good)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "parquet" not in path.name]
    files.remove(tmp_path / "out" / "_manifest.jsonl")
    assert sorted(map(str, files)) == sorted(kept.strings("image"))  # type: ignore[type-var]
    assert server.most_at_a_time <= HASTY.connections_per_host

    before = sum(server.asked.values())
    again = fetch(records, tmp_path / "out", HASTY)
    assert again | {"seconds": 0} == found | {"seconds": 0}
    assert sum(server.asked.values()) == before  # done is done


def test_pictures_wait_for_the_disk_once_for_a_portion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture waits alone; each is on the disk, once, before the shard and the manifest name it."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    order: list[str] = []
    fsync, sync_files = os.fsync, output_files.sync_files

    def note(handle: int) -> None:
        order.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def note_all(paths: list[str]) -> None:
        order.append(f"sync of {len(paths)}")
        sync_files(paths)

    numbers = [number for number in range(200) if kind_of(number) in GOOD]
    with FaultyServer() as own_server:
        records = write(tmp_path / "in", [f"{own_server.url}/p/{number}.jpg" for number in numbers])
        monkeypatch.setattr(os, "fsync", note)
        monkeypatch.setattr(output_files, "sync_files", note_all)
        assert fetch(records, tmp_path / "out", HASTY)["kept"] == len(numbers)
    out = tmp_path / "out"
    all_at_once = order.index(f"sync of {len(numbers)}")
    shard = next(place for place, path in enumerate(order) if ".parquet" in path)
    counted = len(order) - 1 - order[::-1].index(str(out / "_manifest.jsonl"))
    pictures = [str(path) for path in (out / "images").glob("*/*")]
    assert len(pictures) == len(numbers)
    assert all(order.count(path) == 1 and order.index(path) > all_at_once for path in pictures)
    assert all_at_once < shard and max(map(order.index, pictures)) < counted
    folders = [str(path) for path in (out / "images").iterdir()]
    assert all(order.count(path) == 1 for path in folders)


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


SCRIPT = """
import sys
import whereshot.photos.fetch as fetching
fetching.PORTION_ROWS = 40
fetching.fetch(sys.argv[1], sys.argv[2], fetching.Manners(allow_private=True, back_off_s=0.01))
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
        command = [sys.executable, "-c", SCRIPT, str(records), str(out)]
        for number in range(10):
            run_killed(command, out, at=1 + 4 * number)
        subprocess.run(command, check=True)
    assert outcome(out) == outcome(tmp_path / "expected")
