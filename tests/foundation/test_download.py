"""Downloads: whole or not there, gone on with after a break or a kill, and one line at once for what cannot be had."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import subprocess
import sys
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from file_server import FileServer
from waiting import PATIENCE_S, wait_until
from whereshot.foundation import download
from whereshot.foundation.download import Wanted, ask_json, fetch
from whereshot.foundation.errors import ModelError, OutputError

DATA = np.random.default_rng(3).bytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    monkeypatch.delenv(download.OFFLINE, raising=False)


def wanted(server: FileServer, path: str = "/big") -> Wanted:
    return Wanted(server.url + path, len(DATA), SHA256)


def said(server: FileServer, path: Path, one: Wanted | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        fetch(one or wanted(server), path, what="big")
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(server.url.removeprefix("http://"), "HOST")


def test_a_file_comes_whole_and_is_not_fetched_twice(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []

    def track(items, total, what):
        told.append((total, what))
        yield from items

    with FileServer({"/big": DATA}) as server:
        path = fetch(wanted(server), tmp_path / "new" / "big", what="big", track=track)
        assert path.read_bytes() == DATA
        assert told == [(3, "fetching big (MiB)")]
        assert fetch(wanted(server), path, what="big") == path
        assert len(server.asked) == 1
    assert [found.name for found in path.parent.iterdir()] == ["big"]


def test_a_broken_transfer_is_gone_on_with(tmp_path: Path) -> None:
    with FileServer({"/big": DATA}, ["cut", "cut", 503, "cut"]) as server:
        assert fetch(wanted(server), tmp_path / "big", what="big").read_bytes() == DATA
        starts = [int(asked.removeprefix("bytes=").rstrip("-") or 0) for _, asked in server.asked]
    assert starts[0] == 0 and starts[1] == len(DATA) // 3 and starts == sorted(starts)


def test_after_a_kill_only_the_rest_comes(tmp_path: Path) -> None:
    """A process that is killed in the middle; the next one asks for what is missing."""
    code = "import sys; from whereshot.foundation.download import *; from pathlib import Path\n"
    code += "fetch(Wanted(sys.argv[1], int(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]), what='big')"
    with FileServer({"/big": DATA}, ["cut", *[503] * 50]) as server:
        given = [server.url + "/big", str(len(DATA)), SHA256, str(tmp_path / "big")]
        running = subprocess.Popen([sys.executable, "-c", code, *given], stderr=subprocess.DEVNULL)
        wait_until(lambda: len(server.asked) >= 2 or running.poll() is not None, "it asks for the rest")
        running.kill()
        running.wait()
        assert not (tmp_path / "big").exists() and (tmp_path / "big.part").stat().st_size == len(DATA) // 3
        server.faults.clear()
        server.asked.clear()
        assert fetch(wanted(server), tmp_path / "big", what="big").read_bytes() == DATA
        assert server.asked == [("/big", f"bytes={len(DATA) // 3}-")]


def test_servers_that_know_no_pieces(tmp_path: Path) -> None:
    (tmp_path / "big.part").write_bytes(DATA[:1000])
    with FileServer({"/big": DATA}, ["whole"]) as server:
        assert fetch(wanted(server), tmp_path / "big", what="big").read_bytes() == DATA
    (tmp_path / "other.part").write_bytes(b"x" * 50)  # longer than what is there, whose length is not known
    with FileServer({"/small": b"abc"}) as server:
        small = Wanted(server.url + "/small", None, hashlib.sha256(b"abc").hexdigest())
        assert fetch(small, tmp_path / "other", what="small").read_bytes() == b"abc"


def test_what_was_not_published_is_thrown_away(tmp_path: Path) -> None:
    with FileServer({"/big": DATA}, ["wrong"]) as server:
        line = said(server, tmp_path / "big")
        wrong = f"big: big is not what was published (its SHA-256 is not {SHA256[:12]}...)"
        assert line == f"{wrong}; the file was deleted; run the command again"
        assert not list(tmp_path.iterdir())
        assert fetch(wanted(server), tmp_path / "big", what="big").read_bytes() == DATA
        git = Wanted(server.url + "/big", len(DATA), None, "0" * 40)
        assert "its hash is not 000000000000..." in said(server, tmp_path / "again", git)
        blob = hashlib.sha1(f"blob {len(DATA)}\0".encode() + DATA).hexdigest()
        assert fetch(git._replace(git_blob=blob), tmp_path / "again", what="big").is_file()
        longer = Wanted(server.url + "/big", 100, SHA256)
        assert "instead of 100" in said(server, tmp_path / "longer", longer)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (404, "big: HOST does not have it (status 404)"),
        (401, "big: HOST refuses access (status 401): it is private, gated or missing"),
        ("circle", "big: HOST redirects without end"),
        ("ftp", "big: HOST cannot be reached (it redirects to ftp://127.0.0.1/file, which is not https)"),
        (503, "big: the download broke off (status 503); run the command again to continue"),
    ],
)
def test_faults_are_one_line(tmp_path: Path, fault: str | int, line: str) -> None:
    with FileServer({"/big": DATA}, [fault] * 20) as server:
        assert said(server, tmp_path / "big") == line


def test_without_a_network_one_line_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = "http://127.0.0.1:9/big"
    monkeypatch.setattr(download, "PAUSE_S", 2 * PATIENCE_S)  # before another attempt, of which there is none
    with pytest.raises(ModelError, match=r"^big: 127\.0\.0\.1:9 cannot be reached \(Connection refused\); or else$"):
        fetch(Wanted(nobody, 5, SHA256), tmp_path / "big", what="big", hint="; or else")
    with pytest.raises(ModelError, match=r"^big: 127\.0\.0\.1:9 cannot be reached \(Connection refused\)$"):
        ask_json(nobody, "big")
    monkeypatch.setattr(download, "PATIENCE_S", 0.2)
    silent = pytest.raises(ModelError, match=r"cannot be reached \(no answer in 0.2 s\)$")
    with socket.create_server(("127.0.0.1", 0)) as deaf, silent:  # takes the connection and says nothing
        ask_json(f"http://127.0.0.1:{deaf.getsockname()[1]}/", "big")


def test_every_time_out_has_one_text() -> None:
    """Which of them comes first is chance: the look-up, the connection, TLS, the first byte, or our own patience."""
    timeouts: list[Exception] = [
        TimeoutError(),
        TimeoutError("timed out"),
        TimeoutError("_ssl.c:989: The handshake operation timed out"),
        TimeoutError("The read operation timed out"),
        TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
        OSError(errno.ETIMEDOUT, "Connection timed out"),
    ]
    timeouts += [urllib.error.URLError(error) for error in timeouts]
    assert {download.why_no_answer(error, 5.0) for error in timeouts} == {"no answer in 5 s"}
    others = [ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), urllib.error.URLError("not secured")]
    assert [download.why_no_answer(error, 5.0) for error in others] == ["Connection refused", "not secured"]


def test_a_slow_look_up_is_a_time_out_and_a_fast_one_says_that_there_is_no_network() -> None:
    error = urllib.error.URLError(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    assert download.is_timeout(error, took_s=0.9 * download.PATIENCE_S)
    assert not download.is_timeout(error, took_s=0.01)
    assert download.why_no_answer(error, 5.0) == "Temporary failure in name resolution"
    unknown = urllib.error.URLError(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert not download.is_timeout(unknown, took_s=0.9 * download.PATIENCE_S)


def test_a_silent_server_has_one_text_whoever_loses_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket and the one who waits for it have the same patience: either may end first."""
    monkeypatch.setattr(download, "PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the connection and says nothing
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        asks = [lambda: ask_json(url, "big")] * 5 + [lambda: fetch(Wanted(url), tmp_path / "big", what="big")]
        for ask in asks:
            with pytest.raises(ModelError, match=r"cannot be reached \(no answer in 0\.2 s\)$"):
                ask()


def test_offline_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FileServer({"/big": DATA, "/json": b"{}"}) as server:
        monkeypatch.setenv(download.OFFLINE, "1")
        assert said(server, tmp_path / "big") == ("big: WHERESHOT_OFFLINE or --offline forbids downloads; leave it out")
        with pytest.raises(ModelError, match="forbids"):
            ask_json(server.url + "/json", "big")
        assert server.asked == []
        monkeypatch.setenv(download.OFFLINE, "0")
        assert ask_json(server.url + "/json", "big") == {}


def test_an_answer_that_is_no_json(tmp_path: Path) -> None:
    with (
        FileServer({"/page": b"<html>"}) as server,
        pytest.raises(ModelError, match=r"gave an answer that is not JSON$"),
    ):
        ask_json(server.url + "/page", "big")


def test_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    with FileServer({"/big": DATA}) as server:
        with pytest.raises(OutputError, match=r"file: a file is in the way; name a folder$"):
            fetch(wanted(server), tmp_path / "file" / "big", what="big")
        with pytest.raises(OutputError, match=r": 10,000,000,000 MB are needed there and [\d,]+ MB are free$"):
            fetch(Wanted(server.url + "/big", 10**16, SHA256), tmp_path / "big", what="big")
        assert server.asked == []
        if os.geteuid():  # root may write anywhere
            (tmp_path / "shut").mkdir(mode=0o500)
            with pytest.raises(OutputError, match=r"big: cannot be written \(Permission denied\); choose a"):
                fetch(wanted(server), tmp_path / "shut" / "big", what="big")
    if os.path.exists("/dev/full"):  # a disk that is full
        with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OutputError, match="No space left on device"):
            download._write(full, b"x")


def test_two_at_once_do_not_write_the_same_file(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="needs fcntl, which Windows lacks")
    with FileServer({"/big": DATA}) as server, download._alone(tmp_path / "big.part", "big"):
        assert said(server, tmp_path / "big") == "big: another process is downloading it; wait until that process ends"
