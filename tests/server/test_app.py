"""The server as its clients meet it: a real one on this machine, asked over HTTP, in good and in bad faith."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image

from serving_process import Server, served
from whereshot.locate.geolocator import Geolocator

SIGN = Path(__file__).parents[2] / "examples" / "village-sign.jpg"
PROBLEM = "application/problem+json"
IMPATIENT = {"header_s": 2.0, "idle_s": 2.0, "upload_s": 5.0, "queue": 6, "photos": 5, "pixels": 5_000_000}


def picture(form: str = "JPEG", size: tuple[int, int] = (320, 240), seed: int = 0) -> bytes:
    """A picture of coloured noise."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize(size).save(out, form)
    return out.getvalue()


JPEG = picture()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    temporary = tmp_path_factory.mktemp("spool")
    with served(limits=IMPATIENT, environment={"TMPDIR": str(temporary)}) as running:
        running.temporary = temporary
        yield running


def ask(server: Server, *photos: bytes, accept: str = "application/json", **fields: str) -> httpx.Response:
    files = [("photos", (f"photo-{number}.jpg", photo)) for number, photo in enumerate(photos)]
    fields.setdefault("text", "false")
    return httpx.post(
        f"{server.url}/v1/locate", files=files, data=fields, headers={"accept": accept}, timeout=60, trust_env=False
    )


def get(server: Server, path: str, **named: Any) -> httpx.Response:
    return httpx.get(server.url + path, timeout=30, trust_env=False, **named)


def is_problem(response: httpx.Response, status: int, *words: str) -> None:
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM), response.text
    told = response.json()
    assert told["status"] == status and told["title"]
    for word in words:
        assert word in told["detail"]


def metric(server: Server, name: str) -> float:
    lines = get(server, "/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_an_answer_is_that_of_the_geolocator(server: Server) -> None:
    (expected,) = Geolocator.load("compact").locate(SIGN.read_bytes(), text=False, top=3)
    told = ask(server, SIGN.read_bytes(), top="3").json()
    (prediction,) = told["predictions"]
    drawn = prediction.pop("map")
    assert prediction == json.loads(json.dumps(expected.to_json())) | {"id": "photo-0.jpg", "path": "photo-0.jpg"}
    assert told["model"] == "compact" and told["album"] is None
    assert drawn["drawn"] == pytest.approx(1)
    assert sum(cell["properties"]["probability"] for cell in drawn["features"]) == pytest.approx(1, abs=1e-4)
    assert 100 < len(drawn["features"]) <= 1500


def small_sign() -> bytes:
    """The picture of a sign, small enough to be read in a second or so."""
    out = io.BytesIO()
    with Image.open(SIGN) as sign:
        sign.thumbnail((640, 640))
        sign.save(out, "JPEG")
    return out.getvalue()


def test_signs_are_read(server: Server) -> None:
    (prediction,) = ask(server, small_sign(), text="true", map="false").json()["predictions"]
    assert any(item["kind"].startswith("text/") and item["box"] for item in prediction["evidence"])
    assert prediction["map"] is None


def test_one_photo_of_several_may_fail_and_the_others_make_an_album(server: Server) -> None:
    told = ask(server, JPEG, b"no picture", picture("PNG", seed=1), top="2").json()
    good, bad, other = told["predictions"]
    assert good["error"] is None and other["error"] is None and len(good["candidates"]) == 2
    assert bad["error"] == (
        "photo-1.jpg: not a picture in a known format (JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP)"
    )
    assert bad["map"] is None and bad["latitude"] is None
    assert (told["album"]["id"], told["album"]["photos"]) == ("album", 2)
    assert told["album"]["map"]["features"]


def test_geojson_where_it_is_asked_for(server: Server) -> None:
    response = ask(server, JPEG, JPEG, accept="application/geo+json;q=0.9, text/html")
    assert response.headers["content-type"] == "application/geo+json"
    kinds = [feature["properties"]["kind"] for feature in response.json()["features"]]
    assert kinds == ["answer", "region"] * 3
    is_problem(ask(server, JPEG, accept="text/html"), 406, "application/geo+json")


def test_exif_is_dropped_unless_asked_for(server: Server, jpeg_with_position: Any, tmp_path: Path) -> None:
    photo = jpeg_with_position(tmp_path / "a.jpg", 45.08, 13.64, orientation=6).read_bytes()
    dropped = ask(server, photo).json()["predictions"][0]
    assert dropped["recorded"] is None
    told = ask(server, photo, recorded="true").json()["predictions"][0]
    assert told["recorded"] == pytest.approx({"latitude": 45.08, "longitude": 13.64}, abs=1e-4)
    assert told["latitude"] == dropped["latitude"], "told, not used"
    used = ask(server, photo, use_exif="true").json()["predictions"][0]
    assert (used["latitude"], used["longitude"]) == pytest.approx((45.08, 13.64), abs=0.01)


def test_a_coarse_answer_tells_no_more_than_its_grid(server: Server, jpeg_with_position: Any, tmp_path: Path) -> None:
    near = [
        jpeg_with_position(tmp_path / f"{number}.jpg", 48.85 + number / 500, 2.35).read_bytes() for number in range(3)
    ]
    told = [
        ask(server, photo, use_exif="true", recorded="true", coarse_km="100").json()["predictions"][0] for photo in near
    ]
    assert len({(one["latitude"], one["longitude"]) for one in told}) == 1
    assert all(one["recorded"] is None for one in told)
    assert all(item["kind"] != "exif" for one in told for item in one["evidence"])
    spots = {(c["latitude"], c["longitude"]) for one in told for c in one["candidates"]}
    assert all(round(value, 2) == value for spot in spots for value in spot)
    smallest = min(len(cell["properties"]["cell"]) for cell in told[0]["map"]["features"])
    longest = max(len(cell["properties"]["cell"]) for cell in told[0]["map"]["features"])
    assert smallest and longest <= 4, "an S2 cell of 100 km has a token of at most four letters"
    assert told[0]["radius_km"] > 50
    albums = [
        ask(server, near[0], probe, use_exif="true", coarse_km="100", map="false").json()["album"] for probe in near[1:]
    ]
    assert albums[0] == albums[1], (
        "nor does a second photo, placed here or there, tell where in the cell the first lies"
    )


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"tops": "3"}, 400, "no option 'tops'; did you mean 'top'?"),
        ({"top": "0"}, 400, "top is a whole number from 1 to 50; got '0'"),
        ({"top": "²"}, 400, "top is a whole number"),
        ({"level": "1"}, 400, "level lies between 0 and 1; got '1'"),
        ({"level": "nan"}, 400, "level lies between 0 and 1; got 'nan'"),
        ({"within_km": "-1"}, 400, "within_km is a number above 0"),
        ({"within_km": "inf"}, 400, "within_km is a number above 0"),
        ({"text": "maybe"}, 400, "text is true or false; got 'maybe'"),
        ({"region": "/etc/hosts.json"}, 400, "region is the name of a country"),
        ({"region": "Atlantis"}, 400, "no country or region 'Atlantis'; did you mean"),
        ({"coarse_km": "1e9"}, 400, "coarse_km is a number above 0, at most 2000"),
    ],
)
def test_wrong_options_are_named(server: Server, fields: dict[str, str], status: int, said: str) -> None:
    is_problem(ask(server, JPEG, **fields), status, said)


def test_a_region_holds_the_answer(server: Server) -> None:
    told = ask(server, JPEG, region="Portugal").json()["predictions"][0]
    assert told["place"]["country_code"] == "PT"


def test_what_else_is_told(server: Server) -> None:
    page = get(server, "/v1/page").json()
    assert page["limits"] == {
        "files": 5,
        "bytes": 20_000_000,
        "request_bytes": 100_000_000,
        "pixels": 5_000_000,
        "seconds": 5.0,
    }
    assert (page["model"], page["gallery"], page["needs_token"]) == ("compact", False, False)
    (model,) = get(server, "/v1/models").json()["models"]
    assert model["name"] == "compact" and model["bytes"] > 1e6 and "photos" in model["card"]
    assert get(server, "/healthz").json() == {"status": "ok"}
    assert get(server, "/readyz").json() == {"status": "ready"}
    document = get(server, "/openapi.json").json()
    post = document["paths"]["/v1/locate"]["post"]
    assert post["responses"]["200"]["content"]["application/json"]["example"]["predictions"]
    assert "photos" in post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert metric(server, "whereshot_workers_ready") == 1
    assert 'whereshot_requests_total{route="/v1/page",status="200"}' in get(server, "/metrics").text


def test_the_page_where_it_is_not_built_says_how(server: Server) -> None:
    response = get(server, "/")
    assert response.status_code == 200 and "make web" in response.text
    is_problem(get(server, "/nothing"), 404, "nothing under this address")
    is_problem(get(server, "/v1/locate"), 405, "does not take that method")
    is_problem(get(server, "/v1/gallery"), 404, "serve --gallery DIR")


@pytest.mark.parametrize("path", ["/", "/v1/page", "/nothing", "/metrics"])
def test_every_answer_is_safe_in_a_browser(server: Server, path: str) -> None:
    headers = get(server, path, headers={"origin": "https://elsewhere.example"}).headers
    rules = dict(rule.partition(" ")[::2] for rule in headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'" and rules["frame-ancestors"] == "'none'"
    assert (rules["script-src"], rules["worker-src"], rules["connect-src"]) == ("'self'", "blob:", "'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_other_names_and_other_sites_are_refused(server: Server) -> None:
    is_problem(get(server, "/v1/page", headers={"host": "evil.example"}), 421, "evil.example")
    form = {"files": {"photos": ("a.jpg", JPEG)}, "headers": {"sec-fetch-site": "cross-site"}}
    is_problem(httpx.post(server.url + "/v1/locate", trust_env=False, **form), 403, "another site")


def test_a_page_of_another_origin_is_refused_where_sec_fetch_site_is_absent(server: Server) -> None:
    """Older browsers send Origin alone."""

    def posted(origin: str | None) -> httpx.Response:
        headers = {} if origin is None else {"origin": origin}
        form = {"files": {"photos": ("a.jpg", JPEG)}, "data": {"text": "false", "map": "false"}}
        return httpx.post(server.url + "/v1/locate", trust_env=False, headers=headers, timeout=60, **form)

    for own in (None, server.url):
        assert posted(own).status_code == 200
    for other in ("https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"):
        is_problem(posted(other), 403, f"a page of another site ({other}) may not send photos here")


# ---- line by line


@contextlib.contextmanager
def lines_of(server: Server, *photos: bytes, **fields: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The documents of an answer that comes line by line, each when it has come."""
    files = [("photos", (f"photo-{number}.jpg", photo)) for number, photo in enumerate(photos)]
    asked = {"files": files, "data": {"text": "false", **fields}, "headers": {"accept": LINES}}
    client = httpx.Client(trust_env=False, timeout=60)
    with client, client.stream("POST", f"{server.url}/v1/locate", **asked) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, LINES)
        yield (json.loads(line) for line in response.iter_lines())


LINES = "application/x-ndjson"


def test_each_photo_is_answered_when_it_is_ready(server: Server) -> None:
    photos = [small_sign()] * 5
    before = metric(server, "whereshot_photos_total")
    with lines_of(server, *photos, text="true", map="false") as lines:
        first = next(lines)
        assert metric(server, "whereshot_photos_total") == before, "the others are not answered yet"
        others = list(lines)
    assert [line.get("index") for line in [first, *others]] == [0, 1, 2, 3, 4, None]
    assert {line["of"] for line in [first, *others[:-1]]} == {5}
    assert metric(server, "whereshot_photos_total") == before + 5


def test_lines_say_what_the_whole_document_says(server: Server) -> None:
    photos = [JPEG, b"no picture", SIGN.read_bytes(), picture("PNG", seed=1)]
    whole = ask(server, *photos, top="2").json()
    with lines_of(server, *photos, top="2") as lines:
        *each, last = lines
    assert [line["prediction"] for line in each] == whole["predictions"]
    assert last == {"model": "compact", "album": whole["album"]}
    with lines_of(server, JPEG) as lines:
        assert [set(line) for line in lines] == [{"index", "of", "prediction"}, {"model", "album"}]


def test_what_is_refused_before_its_first_line_has_its_status(server: Server) -> None:
    is_problem(ask(server, JPEG, accept=LINES, top="0"), 400, "top is a whole number")
    is_problem(ask(server, JPEG, accept=LINES, region="Atlantis"), 400, "no country or region 'Atlantis'")
    is_problem(ask(server, *[JPEG] * 6, accept=LINES), 413, "at most 5 photos")
    assert metric(server, "whereshot_held_bytes") == 0


def test_a_later_problem_is_the_last_line(server: Server) -> None:
    with lines_of(server, b"no picture", b"") as lines:
        *each, last = lines
    assert [line["prediction"]["error"].partition(":")[0] for line in each] == ["photo-0.jpg", "photo-1.jpg"]
    assert (last["problem"]["status"], last["problem"]["detail"]) == (422, "none of 2 photos can be answered")
    assert [error["id"] for error in last["problem"]["errors"]] == ["photo-0.jpg", "photo-1.jpg"]


@pytest.mark.slow
def test_who_leaves_between_two_lines_leaves_nothing_behind(server: Server) -> None:
    with lines_of(server, *[small_sign()] * 4, text="true", map="false") as lines:
        next(lines)
        assert metric(server, "whereshot_held_bytes") > 0
    deadline = time.monotonic() + 10
    while metric(server, "whereshot_held_bytes") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert metric(server, "whereshot_held_bytes") == metric(server, "whereshot_queue_photos") == 0
    assert ask(server, JPEG).status_code == 200


@pytest.mark.slow
def test_no_line_comes_twice_where_a_process_dies(server: Server) -> None:
    with lines_of(server, *[small_sign()] * 4, text="true", map="false") as lines:
        first = next(lines)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        others = list(lines)
    assert [line.get("index") for line in [first, *others]] == [0, 1, 2, 3, None]
    assert others[-1]["album"]["photos"] == 4


# ---- in bad faith


def sent(server: Server, data: bytes, patience: float = 10.0) -> tuple[int, dict[str, Any], float]:
    """The status and the problem that answer raw bytes, and after how many seconds."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience) as connection:
        answer = b""
        with contextlib.suppress(OSError):  # the server has heard enough
            connection.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body), time.monotonic() - began


def raw_form(parts: list[tuple[str, bytes]], complete: bool = True) -> bytes:
    body = b"".join(
        b'--X\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    body += b"--X--\r\n"
    head = "POST /v1/locate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += f"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {len(body) + (not complete)}\r\n\r\n"
    return head.encode() + body


def bomb(width: int, height: int) -> bytes:
    """A small PNG of very many black pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = zlib.compressobj(9)
    pixels = b"".join(row.compress(bytes(3 * width + 1)) for _ in range(height)) + row.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.class", "x" * 100)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bomb(5000, 4000), "5000 x 4000 is more than 5 megapixels, the limit"),
        (bomb(40_000, 8000), "megapixels, the limit"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a picture in a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run", "not a picture in a known format"),
        (JPEG + zipped(), "there is another file in this picture"),
        (picture("PNG") + zipped(), "there is another file in this picture"),
        (picture("GIF") + zipped(), "there is another file in this picture"),
        (JPEG[:2] + b"\xff\xfe\x00\x12<script>alert(1)" + JPEG[2:], "there is another file in this picture"),
        (picture("BMP") + b"%PDF-1.7", "there is another file in this picture"),
        (JPEG[:400], "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (b"", "not a picture"),
    ],
    ids=[
        "bomb",
        "big bomb",
        "svg",
        "eps",
        "jpeg+zip",
        "png+zip",
        "gif+zip",
        "comment",
        "bmp+pdf",
        "cut",
        "stub",
        "empty",
    ],
)
def test_what_is_no_plain_picture_is_refused(server: Server, content: bytes, said: str) -> None:
    response = ask(server, content)
    is_problem(response, 422, said)
    assert response.elapsed.total_seconds() < 5


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "TIFF", "BMP", "MPO"])
def test_every_format_is_answered(server: Server, form: str) -> None:
    assert ask(server, picture(form)).json()["predictions"][0]["error"] is None


def test_ten_thousand_parts_are_refused(server: Server) -> None:
    for name in ("photos", "x"):
        status, problem, seconds = sent(
            server, raw_form([(f"{name}{'' if name == 'photos' else n}", b"1") for n in range(10_000)])
        )
        assert status == 413 and seconds < 5
    assert "option fields" in problem["detail"]


HEADERS_ARE_LONG = "the headers of the request have more than 16,384 bytes, the limit"


def test_a_header_of_a_megabyte_is_refused(server: Server) -> None:
    status, problem, seconds = sent(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000)
    assert (status, problem["status"]) == (400, 400) and seconds < 5
    assert problem["detail"] == HEADERS_ARE_LONG


def test_headers_have_16_kb_also_when_they_come_at_once(server: Server) -> None:
    """All of them may arrive in one packet, and be complete before anyone counts what is missing."""
    start, end = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", b"\r\n\r\n"

    def headers_of(size: int) -> bytes:
        return start + b"X: " + b"a" * (size - len(start) - len(b"X: ") - len(end)) + end

    status, problem, _ = sent(server, headers_of(16_384))
    assert (status, problem) == (200, {"status": "ok"})
    for size in (16_400, 60_000):
        status, problem, _ = sent(server, headers_of(size))
        assert (status, problem["detail"]) == (400, HEADERS_ARE_LONG)


def test_what_is_no_http_is_said_to_be_none(server: Server) -> None:
    status, problem, _ = sent(server, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, problem["detail"]) == (400, "this is no HTTP request")


def test_the_slow_are_cut_off_and_forgotten(server: Server) -> None:
    def drip() -> tuple[int, dict[str, Any], float]:
        """An upload that never stops and never ends."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(raw_form([("photos", JPEG)])[:300])
            connection.settimeout(0.4)
            while time.monotonic() < began + 20:
                try:
                    answer = connection.recv(65536)
                    connection.settimeout(10)
                    while not answer.endswith(b"}") and (more := connection.recv(65536)):  # the body may come later
                        answer += more
                    head, _, body = answer.partition(b"\r\n\r\n")
                    return int(head.split()[1]), json.loads(body), time.monotonic() - began
                except TimeoutError:
                    connection.sendall(b"x")
        raise AssertionError("it was never cut off")

    def never_read() -> float:
        """Who asks for large answers and takes none of them."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            many = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000
            with contextlib.suppress(OSError):
                while time.monotonic() < began + 20:
                    connection.sendall(many)
        return time.monotonic() - began

    with ThreadPoolExecutor(4) as pool:
        deaf = pool.submit(never_read)
        headers = pool.submit(sent, server, b"GET / HTTP/1.1\r\nHost: loc", 20)
        stalled = pool.submit(sent, server, raw_form([("photos", JPEG)], complete=False)[:-600], 20)
        dripping = pool.submit(drip)
    status, problem, seconds = headers.result()
    assert status == 408 and "headers" in problem["detail"] and seconds < 8
    status, problem, seconds = stalled.result()
    assert status == 408 and "too slow" in problem["detail"] and seconds < 8
    status, problem, seconds = dripping.result()
    assert status == 408 and "too slow" in problem["detail"] and 4 < seconds < 15
    assert deaf.result() < 15
    assert metric(server, "whereshot_held_bytes") == 0


def test_too_much_is_refused_and_nothing_is_spooled(server: Server) -> None:
    before = set(server.temporary.iterdir())
    is_problem(ask(server, b"\xff\xd8\xff" + bytes(21_000_000)), 413, "a photo has more than 20 MB")
    is_problem(ask(server, *[JPEG] * 6), 413, "at most 5 photos")
    head = raw_form([("photos", JPEG)]).split(b"Content-Length")[0]
    status, problem, _ = sent(server, head + b"Content-Length: 200000000\r\nExpect: 100-continue\r\n\r\n")
    assert status == 413 and "more than 100 MB" in problem["detail"], "refused before a byte of it is sent"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head + b"Content-Length: 9000000\r\n\r\n--X\r\n")
        connection.sendall(b'Content-Disposition: form-data; name="photos"\r\n\r\n' + bytes(8_000_000))
        time.sleep(0.3)
        assert metric(server, "whereshot_held_bytes") > 7e6, "it is in memory"
        assert set(server.temporary.iterdir()) == before
        files = [
            os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{server.process.pid}/fd")
        ]
        assert not [name for name in files if "deleted" in name or name.startswith("/tmp")]
    time.sleep(0.3)
    assert metric(server, "whereshot_held_bytes") == 0, "and forgotten when its sender leaves"


@pytest.mark.parametrize(
    ("head", "body", "status", "said"),
    [
        ("application/json", b"{}", 415, "multipart/form-data"),
        ("multipart/form-data", b"--X--\r\n", 400, "names no boundary"),
        ("multipart/form-data; boundary=X", b"--Y\r\n", 400, "cannot be read"),
        ("multipart/form-data; boundary=X", b"--X--\r\n", 400, "no photo in the form"),
        ("multipart/form-data; boundary=X", b"--X\r\nA: b\r\n\r\n1\r\n--X--\r\n", 400, "has no name"),
        (
            "multipart/form-data; boundary=X",
            b'--X\r\nContent-Disposition: form-data; name="photos"\r\n\r\nabc',
            400,
            "ends before its last boundary",
        ),
        (
            "multipart/form-data; boundary=X",
            b'--X\r\nContent-Disposition: form-data; name="top"\r\n\r\n1\r\n' * 2 + b"--X--\r\n",
            400,
            "given twice",
        ),
    ],
)
def test_forms_that_are_none(server: Server, head: str, body: bytes, status: int, said: str) -> None:
    response = httpx.post(f"{server.url}/v1/locate", content=body, headers={"content-type": head}, trust_env=False)
    is_problem(response, status, said)


# ---- under load


def test_a_full_queue_says_when_to_come_back(server: Server) -> None:
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: ask(server, JPEG, JPEG, JPEG), range(24)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    is_problem(refused, 429, "photos wait already")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert metric(server, "whereshot_queue_photos") == 0


def test_memory_goes_back_to_its_level(server: Server) -> None:
    def resident_mb() -> float:
        return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def overfill(_: int) -> int:
        return ask(server, b"\xff\xd8\xff" + bytes(19_000_000), bytes(21_000_000)).status_code

    level = resident_mb()
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(overfill, range(4))) == {413}
    assert resident_mb() < level + 40


@pytest.mark.slow
def test_who_leaves_frees_the_place(server: Server) -> None:
    left = metric(server, "whereshot_clients_left_total")
    workers = server.workers()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        connections = []
        for _ in range(len(workers) + 2):  # the first keep the processes busy, the others wait
            connections.append(socket.create_connection(("127.0.0.1", server.port)))
            connections[-1].sendall(raw_form([("photos", JPEG)] * 3))
            time.sleep(0.3)
        assert metric(server, "whereshot_queue_photos") > 0
        for connection in connections:
            connection.close()
        deadline = time.monotonic() + 5
        while metric(server, "whereshot_clients_left_total") < left + len(connections) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert metric(server, "whereshot_clients_left_total") >= left + len(connections)
        assert metric(server, "whereshot_queue_photos") == 0
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    assert ask(server, JPEG).status_code == 200


def test_a_process_that_dies_is_replaced_and_who_waited_is_answered(server: Server) -> None:
    for worker in server.workers():  # while nobody asks
        os.kill(worker, signal.SIGKILL)
    assert ask(server, JPEG).status_code == 200
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask, server, JPEG, JPEG) for _ in range(2)]
        time.sleep(0.1)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        assert {answer.result().status_code for answer in answers} == {200}
    assert metric(server, "whereshot_worker_restarts_total") >= 2


def test_a_photo_that_takes_too_long_is_refused() -> None:
    with served(limits={"photo_s": 0.02}) as hasty:
        is_problem(ask(hasty, JPEG), 422, "took more than 0.02 s")
        assert get(hasty, "/healthz").status_code == 200


# ---- by a machine that reads the description

BOUNDED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_nothing_that_is_described_breaks_the_server(server: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {"/v1/locate", "/v1/gallery/{name}", "/metrics"}
    for operation in operations:

        @settings(BOUNDED)
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            response = case.call(timeout=30)
            assert response.status_code < 500, response.text
            if response.status_code >= 400:
                assert response.headers["content-type"] == [PROBLEM]

        holds()


# ---- the end


def test_the_server_finishes_what_it_took() -> None:
    with served() as server:
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask, server, *[JPEG] * 12)
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            assert answer.result().status_code == 200
        assert server.process.wait(10) == 0
        with pytest.raises(httpx.ConnectError):
            get(server, "/healthz")
