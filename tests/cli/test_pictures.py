"""The commands fetch and pack: counts on stdout, one line and exit 2 where nothing comes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from faulty_server import FaultyServer
from waiting import PATIENCE_S
from whereshot.photos import images
from whereshot.photos.records import Records


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "whereshot.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)


def test_from_urls_to_packed_pictures(tmp_path: Path) -> None:
    with FaultyServer() as server:
        urls = [f"{server.url}/q/{number}.jpg" for number in range(3)] + [None]
        table = pa.table({"id": ["a", "b", "c", "d"], "url": urls})
        Records(table).write(tmp_path / "records")
        result = run("fetch", tmp_path / "records", "--out", tmp_path / "got", "--allow-private", "--format", "json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert set(document) == {"rows", "kept", "rejected", "seconds"}
    assert (document["rows"], document["kept"], document["rejected"]) == (4, 3, {"no url": 1})
    result = run("pack", tmp_path / "got", "--out", tmp_path / "packed", "--size", 32)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"3 of 3 kept in {tmp_path / 'packed'} (")
    packed = Records.read(tmp_path / "packed")
    assert packed.strings("id") == ["a", "b", "c"] and packed.strings("url") == urls[:3]
    assert images.open_rgb(packed[2]["image"]).size == (32, 32)


def test_what_comes_to_nothing_is_one_line(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b"], "url": ["http://127.0.0.1:9/a.jpg", "x"], "image": [None, "/none.jpg"]})
    Records(table).write(tmp_path / "records")
    (tmp_path / "file").touch()
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
        command = [sys.executable, "-m", "whereshot.cli", arguments[0], "records", *arguments[1:]]
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.splitlines()[-1] == f"whereshot: {message}"
