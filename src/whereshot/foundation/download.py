"""Download a file with a known hash, or a JSON document, with the standard library alone.

A download that broke off continues where it stopped. Nothing is downloaded unless the user asked for it by its name,
and WHERESHOT_OFFLINE forbids every download.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import math
import os
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar
from urllib.parse import urlsplit

from whereshot.foundation import output_files
from whereshot.foundation.errors import ModelError, OutputError
from whereshot.foundation.output_failures import cannot_write
from whereshot.foundation.progress import Track, silent

OFFLINE = "WHERESHOT_OFFLINE"
"""Name of an environment variable. Any value but "" and "0" forbids every download."""

PATIENCE_S = 5.0
"""Seconds that a first answer may take, the look-up of the host name included."""

STALL_S = 30.0
"""Seconds without a byte after which a download stops."""

CHUNK = 1 << 20
"""Bytes that are read at a time."""

MOST_JSON = 16 * CHUNK
"""Bytes of a JSON document that are read at most."""

FRUITLESS = 3
"""Attempts without a byte, one after the other, after which a download fails."""

PAUSE_S = 1.0
"""Seconds before the second attempt; the third waits twice as long, and so on."""

Result = TypeVar("Result")


class Wanted(NamedTuple):
    """A file to download: its url, its size in bytes and its hash (SHA-256, or the SHA-1 of a git blob)."""

    url: str
    size: int | None = None
    sha256: str | None = None
    git_blob: str | None = None


def is_offline() -> bool:
    """Return whether WHERESHOT_OFFLINE forbids the network."""
    return os.environ.get(OFFLINE, "") not in ("", "0")


def forbid() -> None:
    """Forbid the network from now on, in this process and in the processes that it starts."""
    os.environ[OFFLINE] = "1"


def check_online(what: str, hint: str = "") -> None:
    """Raise ModelError where the network is forbidden; ``hint`` names what the user can do instead."""
    if is_offline():
        raise ModelError(f"{what}: {OFFLINE} or --offline forbids downloads; leave it out{hint}")


def ask_json(url: str, what: str, hint: str = "") -> Any:
    """Return the JSON document at a url, after one attempt of at most PATIENCE_S. Raises ModelError."""
    check_online(what, hint)

    def ask() -> bytes:
        with _open(url, PATIENCE_S) as response:
            return response.read(MOST_JSON)

    try:
        return json.loads(_at_once(ask))
    except ValueError:
        raise ModelError(f"{what}: {_host(url)} gave an answer that is not JSON") from None
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(f"{what}: {_reason(error, url)}{hint}") from error


def fetch(wanted: Wanted, path: Path, *, what: str, hint: str = "", track: Track = silent) -> Path:
    """Download a file to ``path`` and return ``path``; the file appears when it is complete and its hash is right.

    After a break or a kill its first part stays beside it as ``NAME.part``, and the next call goes on with it. Raises
    ModelError, OutputError.
    """
    if path.is_file() and _fault(path, wanted) is None:
        return path
    check_online(what, hint)
    part = path.with_name(f"{path.name}.part")
    try:
        output_files.make_folder(path.parent)
        with _alone(part, what):
            had = part.stat().st_size
            if wanted.size is not None:
                _check_space(part.parent, wanted.size - had)
            total = max(1, math.ceil(((wanted.size or 0) - had) / CHUNK))
            for _ in track(_chunks(wanted, part, what, hint), total=total, what=f"fetching {path.name} (MiB)"):
                pass
            fault = _fault(part, wanted)
            if fault is not None:
                part.unlink()
                raise ModelError(f"{what}: {path.name} {fault}; the file was deleted; run the command again")
            output_files.rename(part, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def _chunks(wanted: Wanted, part: Path, what: str, hint: str) -> Iterator[None]:
    """Append to the partial file until it is complete; yield after each piece of at most a MiB."""
    fruitless, asked = 0, False
    while True:
        have = part.stat().st_size
        whole, reason = wanted.size, "it ended early"
        if whole is not None and have >= whole:
            return
        try:
            with _reading(wanted.url, have, first=not asked) as response, part.open("ab") as file:
                asked = True
                if have and _starts_at(response) != have:  # the whole file, or another piece of it
                    file.truncate(0)
                    have = 0
                length = response.headers.get("Content-Length", "")
                whole = whole or (have + int(length) if length.isdigit() else None)
                for data in _pieces(response):
                    _write(file, data)
                    fruitless = 0
                    yield
                    if wanted.size is not None and file.tell() > wanted.size:
                        return
        except OutputError:
            raise
        except urllib.error.HTTPError as error:
            if error.code == 416 and have:  # the partial file is not the beginning of this file
                os.truncate(part, 0)
            elif error.code < 500 and error.code != 429:
                raise ModelError(f"{what}: {_reason(error, wanted.url)}{hint}") from error
            reason = f"status {error.code}"
        except (OSError, http.client.HTTPException) as error:
            if not asked:
                raise ModelError(f"{what}: {_reason(error, wanted.url)}{hint}") from error
            reason = why_no_answer(error, STALL_S)
        else:
            if whole is None or part.stat().st_size >= whole:
                return
        fruitless += 1
        if fruitless > FRUITLESS:
            raise ModelError(f"{what}: the download broke off ({reason}); run the command again to continue")
        time.sleep(PAUSE_S * fruitless)


@contextmanager
def _reading(url: str, start: int, *, first: bool) -> Iterator[http.client.HTTPResponse]:
    headers = {"Range": f"bytes={start}-"} if start else {}
    response = _at_once(lambda: _open(url, STALL_S, headers)) if first else _open(url, STALL_S, headers)
    with response:
        yield response


def _starts_at(response: http.client.HTTPResponse) -> int:
    """Return the position in the file at which an answer begins."""
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    start = span.partition("-")[0]
    return int(start) if response.status == 206 and unit == "bytes" and start.isdigit() else 0


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while data := response.read(CHUNK):
        yield data


def _write(file: BinaryIO, data: bytes) -> None:
    """Write data to a file. Raises OutputError: a full disk is not a failure of the network."""
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        raise cannot_write(file.name, error) from error


def _fault(path: Path, wanted: Wanted) -> str | None:
    """Return what is wrong with a downloaded file, or None."""
    size = path.stat().st_size
    if wanted.size is not None and size != wanted.size:
        return f"has {size} bytes instead of {wanted.size}"
    with path.open("rb") as file:
        if wanted.sha256 is not None and hashlib.file_digest(file, "sha256").hexdigest() != wanted.sha256:
            return f"is not what was published (its SHA-256 is not {wanted.sha256[:12]}...)"
        if wanted.sha256 is None and wanted.git_blob is not None:
            known = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
            known.update(file.read())
            if known.hexdigest() != wanted.git_blob:
                return f"is not what was published (its hash is not {wanted.git_blob[:12]}...)"
    return None


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(f"{folder}: {needed / 1e6:,.0f} MB are needed there and {free / 1e6:,.0f} MB are free")


@contextmanager
def _alone(part: Path, what: str) -> Iterator[None]:
    """Create the partial file and lock it, so that no other process writes it. Raises ModelError where it is locked."""
    with part.open("ab") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # not on Windows
        except BlockingIOError:
            raise ModelError(f"{what}: another process is downloading it; wait until that process ends") from None
        yield


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https addresses, but not from https to http."""

    max_repeats, max_redirections = 2, 8

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (scheme == "http" and urlsplit(req.full_url).scheme == "https"):
            raise urllib.error.URLError(f"it redirects to {newurl[:100]}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str, timeout_s: float, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    if urlsplit(url).scheme not in ("http", "https"):
        raise urllib.error.URLError(f"{url[:100]} is not a web address (http or https)")
    request = urllib.request.Request(url, headers={"User-Agent": "whereshot", **(headers or {})})
    answer: http.client.HTTPResponse = urllib.request.build_opener(_Redirects()).open(request, timeout=timeout_s)
    return answer


def _at_once(ask: Callable[[], Result]) -> Result:
    """Return the result of ``ask``, or raise TimeoutError after PATIENCE_S.

    It limits the look-up of a host name, which has no limit of its own.
    """
    found: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(ask())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    began = time.monotonic()
    thread.start()
    thread.join(PATIENCE_S)
    if found:
        return found[0]
    if not failed:
        raise TimeoutError
    if is_timeout(failed[0], took_s=time.monotonic() - began):
        raise TimeoutError from failed[0]
    raise failed[0]


def is_timeout(error: BaseException, took_s: float = 0.0) -> bool:
    """Return whether an error means that no answer came in time.

    If a connection is not made or becomes silent, the error is a TimeoutError, which urllib may wrap. If the host name
    cannot be looked up, it is a gaierror: after more than half of PATIENCE_S (``took_s``) the look-up had no answer in
    time; if it comes sooner, there is no network.
    """
    cause = getattr(error, "reason", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN and took_s > PATIENCE_S / 2
    return isinstance(cause, TimeoutError) or isinstance(error, TimeoutError)


def why_no_answer(error: BaseException, patience_s: float) -> str:
    """Return in one line why there was no answer: the words of the system, and the same text for every time-out."""
    return f"no answer in {patience_s:g} s" if is_timeout(error) else _line(error)


def _reason(error: Exception, url: str) -> str:
    """Return why there was no answer, and what to do."""
    host = _host(url)
    if isinstance(error, urllib.error.HTTPError):
        if 300 <= error.code < 400:
            return f"{host} redirects without end"
        if error.code in (401, 403):
            return f"{host} refuses access (status {error.code}): it is private, gated or missing"
        if error.code in (404, 410):
            return f"{host} does not have it (status {error.code})"
        return f"{host} cannot answer now (status {error.code}); try again later"
    return f"{host} cannot be reached ({why_no_answer(error, PATIENCE_S)})"


def _line(error: BaseException) -> str:
    cause = getattr(error, "reason", None) or error
    cause = getattr(cause, "strerror", None) or cause
    return (" ".join(str(cause).split()) or type(error).__name__)[:200]


def _host(url: str) -> str:
    return urlsplit(url).netloc
