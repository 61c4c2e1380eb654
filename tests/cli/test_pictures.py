"""The commands fetch and pack: counts on stdout, one line and exit 2 where nothing comes of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from command_line import Run
from faulty_server import FaultyServer
from whereshot.photos import images
from whereshot.photos.records import Records


def test_from_urls_to_packed_pictures(run: Run, tmp_path: Path) -> None:
    with FaultyServer() as server:
        urls = [f"{server.url}/q/{number}.jpg" for number in range(3)] + [None]
        table = pa.table({"id": ["a", "b", "c", "d"], "url": urls})
        Records(table).write(tmp_path / "records")
        result = run("fetch", tmp_path / "records", "--out", tmp_path / "got", "--allow-private", "--format", "json")
    assert result.code == 0, result.err
    document = result.document
    assert set(document) == {"rows", "kept", "rejected", "seconds"}
    assert (document["rows"], document["kept"], document["rejected"]) == (4, 3, {"no url": 1})
    result = run("pack", tmp_path / "got", "--out", tmp_path / "packed", "--size", 32)
    assert result.code == 0, result.err
    assert result.out.startswith(f"3 of 3 kept in {tmp_path / 'packed'} (")
    packed = Records.read(tmp_path / "packed")
    assert packed.strings("id") == ["a", "b", "c"] and packed.strings("url") == urls[:3]
    assert images.open_rgb(packed[2]["image"]).size == (32, 32)


def test_what_comes_to_nothing_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"id": ["a", "b"], "url": ["http://127.0.0.1:9/a.jpg", "x"], "image": [None, "/none.jpg"]})
    Records(table).write(tmp_path / "records")
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (("fetch", "--out", "got"), "none of 2 pictures can be used: 1 broken url, 1 private address; see got/rejects"),
        (("fetch", "--out", "file"), "file: a file is in the way; name a folder"),
        (("fetch", "--out", "x", "--rate", "-1"), "rate_per_host must not be negative; got -1.0"),
        (
            ("pack", "--out", "p"),
            "none of 2 pictures can be used: 1 no image file, 1 unreadable picture; see p/rejects",
        ),
        (("pack", "--out", "x", "--size", "0"), "size must be 16 to 4096 pixels; got 0"),
        (("pack", "--out", "x", "--workers", "0"), "--workers must be at least 1; got 0"),
    ):
        assert run(arguments[0], "records", *arguments[1:]).mistake == message
