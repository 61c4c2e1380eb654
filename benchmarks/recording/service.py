"""Two servers: one for the pictures and search pages that commands fetch, and the server of the build itself."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

READY_S = 120
UPLOADED_S = 1_262_304_000
"""2010-01-01, when the first of Flickr's made-up photos was posted."""

Part = tuple[str, str | None, bytes]
"""A part of a form: its name, the name of its file or None, its content."""


def flickr_page(asked: dict[str, list[str]]) -> dict[str, Any]:
    """A page of made-up photos, as flickr.photos.search answers."""
    word = asked.get("text", ["vienna"])[0].split(" ")[0]
    low, high = (int(asked[f"{name}_upload_date"][0]) for name in ("min", "max"))
    step = 1 if word == "vienna" else 3
    photos = [
        {
            "id": str(50_000_000_000 + number), "owner": f"{number % 7}@N00", "secret": f"s{number}",
            "server": "65535", "title": f"Photo {number}", "dateupload": str(UPLOADED_S + number * 600),
            "datetaken": "2009-12-24 18:30:00", "datetakengranularity": "0", "datetakenunknown": "0",
            "latitude": f"{48 + number % 100 / 1000}", "longitude": 16.4, "accuracy": "16" if number % 9 else "5",
            "license": "4", "tags": f"{word} sunset", "media": "video" if number % 17 == 3 else "photo",
        }
        for number in range(0, 120, step)
    ]  # fmt: skip
    found = [photo for photo in photos if low <= int(photo["dateupload"]) <= high]
    return {"stat": "ok", "photos": {"page": 1, "pages": 1, "total": len(found), "photo": found}}


@contextmanager
def pictures(folder: Path, port: int) -> Iterator[str]:
    """Serve the files of a folder, and search pages, on a port of this machine; its address.

    The port is fixed, since addresses stand in records and so in what is written about them.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            path = folder / asked.path.lstrip("/")
            if "method" in parse_qs(asked.query):
                self._answer(200, "application/json", json.dumps(flickr_page(parse_qs(asked.query))).encode())
            elif path.is_file():
                self._answer(200, "image/jpeg", path.read_bytes())
            else:
                self._answer(404, "text/plain", b"not here\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def served(command: list[str], folder: Path, variables: dict[str, str], log: Path) -> Iterator[str]:
    """Start a build's server, wait until it can answer, give its host and port, end it. Raises RuntimeError."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stderr=stderr)
    try:
        yield _address(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=READY_S)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(READY_S * 10):
        found = re.search(r"http://(127\.0\.0\.1:\d+)", log.read_text("utf-8", "replace"))
        if found and ask(found[1], "GET", "/readyz")[0] == 200:
            return found[1]
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"the server did not start: {log.read_text('utf-8', 'replace')[-500:]}")


def ask(
    host: str, method: str, path: str, parts: list[Part] | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request: status, headers, body."""
    body, sent = None, dict(headers or {})
    if parts is not None:
        body, sent["Content-Type"] = form(parts)
    connection = http.client.HTTPConnection(host, timeout=READY_S)
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def form(parts: list[Part]) -> tuple[bytes, str]:
    """The body of a form and its content type."""
    boundary = "recorded-answers"
    pieces = []
    for name, file, content in parts:
        named = f'Content-Disposition: form-data; name="{name}"'
        named += "" if file is None else f'; filename="{file}"\r\nContent-Type: image/jpeg'
        pieces.append(f"--{boundary}\r\n{named}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def questions(folder: Path) -> Iterator[tuple[str, str, str, list[Part] | None, dict[str, str]]]:
    """Name, method, path, form and headers of every request that is recorded."""
    library = [("photos", path.name, path.read_bytes()) for path in sorted((folder / "library").glob("0[0-2].jpg"))]
    sign = [("photos", "sign.jpg", path.read_bytes()) for path in (folder / "sign.jpg",)]
    broken = [("photos", path.name, path.read_bytes()) for path in sorted((folder / "broken").iterdir())]

    def options(**values: str) -> list[Part]:
        return [(name, None, value.encode()) for name, value in values.items()]

    geojson = {"Accept": "application/geo+json"}
    for name in ("healthz", "readyz", "openapi.json", "v1/models", "v1/page", "v1/gallery", "v1/gallery/scores"):
        yield name.replace("/", "-"), "GET", f"/{name}", None, {}
    first = json.loads((folder / "gallery" / "gallery.json").read_text("utf-8"))["photos"][0]
    first = first["id"] if isinstance(first, dict) else first
    yield "gallery-entry", "GET", f"/v1/gallery/{first}", None, {}
    yield "gallery-photo", "GET", f"/v1/gallery/{first}/photo", None, {}
    yield "gallery-unknown", "GET", "/v1/gallery/none", None, {}
    yield "gallery-random", "GET", "/v1/gallery?random=0", None, {}
    yield "gallery-random-word", "GET", "/v1/gallery?random=many", None, {}
    yield "page", "GET", "/", None, {}
    yield "unknown", "GET", "/v1/nothing", None, {}
    yield "method", "PUT", "/v1/locate", None, {}
    yield "locate", "POST", "/v1/locate", library, {}
    yield "locate-geojson", "POST", "/v1/locate", library + options(text="false"), geojson
    some = options(top="2", within_km="100", level="0.5", map="false", region="Japan", text="false")
    yield "locate-options", "POST", "/v1/locate", library + some, {}
    yield "locate-recorded", "POST", "/v1/locate", library[:1] + options(recorded="true", use_exif="true"), {}
    yield "locate-coarse", "POST", "/v1/locate", library[:1] + options(coarse_km="100"), {}
    yield "locate-sign", "POST", "/v1/locate", sign, {}
    yield "locate-broken", "POST", "/v1/locate", broken + options(text="false", map="false"), {}
    yield "locate-none-readable", "POST", "/v1/locate", [broken[1]], {}
    yield "locate-no-photo", "POST", "/v1/locate", options(top="2"), {}
    yield "locate-no-form", "POST", "/v1/locate", None, {}
    yield "locate-accept", "POST", "/v1/locate", library[:1], {"Accept": "image/png"}
    yield "locate-host", "GET", "/v1/page", None, {"Host": "elsewhere.example"}
    for option, value in (("top", "many"), ("level", "2"), ("region", "Atlantis"), ("colour", "red"), ("map", "maybe")):
        yield f"locate-wrong-{option}", "POST", "/v1/locate", library[:1] + options(**{option: value}), {}
    yield "metrics", "GET", "/metrics", None, {}


KEPT_HEADERS = (
    "content-type", "content-security-policy", "cache-control", "allow", "x-content-type-options", "referrer-policy",
    "content-disposition",
)  # fmt: skip


def record(host: str, folder: Path, out: Path) -> int:
    """Send all requests, write status, headers and body of each answer into a folder, and return their number."""
    out.mkdir(parents=True)
    count = 0
    for name, method, path, parts, headers in questions(folder):
        status, answered, body = ask(host, method, path, parts, headers)
        kept = {header: answered[header] for header in KEPT_HEADERS if header in answered}
        (out / f"{name}.answer.json").write_text(json.dumps({"status": status, "headers": kept}))
        kind = answered.get("content-type", "")
        ending = "json" if "json" in kind else "jpg" if "jpeg" in kind else "html" if "html" in kind else "txt"
        (out / f"{name}.{'prom' if name == 'metrics' else ending}").write_bytes(body)
        count += 1
    return count


def environment_keys() -> dict[str, str]:
    """Keys of APIs that are asked at an address of this machine only."""
    return {"WHERESHOT_FLICKR_KEY": "recorded-key", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
