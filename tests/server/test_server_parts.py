"""The server's parts by themselves: forms cut anywhere, metadata that must go, tokens, policies, grids, refusals."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from starlette.testclient import TestClient

from conftest import MakePicture
from whereshot.earth import s2, sphere
from whereshot.foundation.errors import ImageError, InputError
from whereshot.photos import images
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.server import coarsen, pictures, security
from whereshot.server.app import Service, make_app
from whereshot.server.batching import Batcher
from whereshot.server.limits import Limits
from whereshot.server.metrics import Metrics
from whereshot.server.multipart import FormReader, Held
from whereshot.server.options import Options, read_options
from whereshot.server.origins import foreign_page
from whereshot.server.problems import ProblemError
from whereshot.server.tokens import Tokens

TOKEN = "d4c74594d841139328695756648b6bd6"

# ---- forms


def form(parts: list[tuple[str, bytes]]) -> bytes:
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    return body + b"--B--\r\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_a_form_is_the_same_wherever_it_is_cut(photos: list[bytes], step: int) -> None:
    photos = [photo.replace(b"\r\n--B", b"") for photo in photos]
    held = Held(10**6)
    reader = FormReader("multipart/form-data; boundary=B", Limits(), held)
    body = form([("photos", photo) for photo in photos] + [("top", b"3")])
    for start in range(0, len(body), step):
        reader.write(body[start : start + step])
    found = reader.finish()
    assert [bytes(photo.content) for photo in found.photos] == photos
    assert found.fields == {"top": "3"}
    assert held.bytes == reader.taken == len(body)


def test_memory_is_bounded_over_all_clients() -> None:
    held = Held(1000)
    first, second = (FormReader("multipart/form-data; boundary=B", Limits(), held) for _ in range(2))
    first.write(form([("photos", bytes(700))]))
    with pytest.raises(ProblemError, match="the server holds 0 MB of uploads already") as refused:
        second.write(form([("photos", bytes(700))]))
    assert refused.value.status == 429 and second.taken == 0
    held.give_back(first.taken)
    second.write(form([("photos", bytes(700))]))


# ---- pictures


def secret_jpeg(make: MakePicture, folder: Path) -> bytes:
    """A JPEG with everything that programs write into one, each part holding the word SECRET."""
    path = make(folder / "a.jpg", 45.08, 13.64, orientation=6, make="SECRET")
    with Image.open(path) as image:
        out = io.BytesIO()
        image.save(
            out, "JPEG", exif=image.getexif().tobytes(), comment=b"SECRET", xmp=b"<x>SECRET</x>", icc_profile=b"SECRET"
        )
    return out.getvalue()


def test_a_jpeg_keeps_its_pixels_and_nothing_else(jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    content = secret_jpeg(jpeg_with_position, tmp_path)
    assert content.count(b"SECRET") == 4
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert b"SECRET" not in plain
    recorded = Photo(plain).recorded
    assert recorded == Recorded(), "neither position, nor time, nor camera"
    assert np.array_equal(np.asarray(images.open_rgb(plain)), np.asarray(images.open_rgb(content))), (
        "as upright as before"
    )
    assert images.open_rgb(plain).size == (32, 48)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "MPO"])
@pytest.mark.parametrize("progressive", [False, True])
def test_no_pixel_changes(form: str, progressive: bool, rng: np.random.Generator) -> None:
    out = io.BytesIO()
    pixels = Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8))
    pixels.save(out, form, **({"progressive": progressive} if form == "JPEG" else {}))
    content = out.getvalue()
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert np.array_equal(np.asarray(images.open_rgb(plain)), np.asarray(images.open_rgb(content)))


def test_text_in_a_png_goes(tmp_path: Path) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "SECRET")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png", pnginfo=told)
    content = (tmp_path / "a.png").read_bytes()
    assert pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6).info == {}


def test_what_phones_append_is_no_second_file() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG")
    video = b"\0\0\0\x18ftypmp42" + np.random.default_rng(0).bytes(200_000)
    content = out.getvalue() + video
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert len(plain) <= len(out.getvalue()), "and it goes, too"


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on them
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_way(content: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"):
        try:
            form = pictures.admit(start + content, 10**6)
            pictures.without_metadata(start + content, form, 10**6)
        except ImageError as error:
            assert "\n" not in str(error)


# ---- options, forms of answers


def test_options_are_read() -> None:
    given_ = {
        "top": "3",
        "within_km": "25",
        "level": "0.5",
        "text": "FALSE",
        "region": " Bavaria ",
        "map": "",
        "use_exif": "true",
    }
    assert read_options(given_) == Options(
        top=3, within_km=25.0, level=0.5, text=False, region="Bavaria", use_exif=True
    )
    assert read_options({}) == Options()


def test_a_client_may_ask_for_coarser_answers_only() -> None:
    assert read_options({"coarse_km": "5"}, 20.0).coarse_km == 20.0
    assert read_options({"coarse_km": "50"}, 20.0).coarse_km == 50.0
    assert read_options({}, 20.0).coarse_km == 20.0


@pytest.mark.parametrize("region", ["../secret", "a.geojson", "a\\b", "~root", "x" * 101, "a\nb"])
def test_a_region_is_never_a_file(region: str) -> None:
    with pytest.raises(InputError, match="region is the name of a country"):
        read_options({"region": region})


# ---- who may ask


def test_tokens_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"{TOKEN}\n{TOKEN[::-1]}\n")
    tokens = Tokens.read(path)
    assert tokens.allow(f"Bearer {TOKEN}".encode()) and tokens.allow(f"bearer {TOKEN[::-1]}".encode())
    for wrong in (None, b"", b"Bearer", f"Basic {TOKEN}".encode(), f"Bearer {TOKEN[:-1]}".encode(), TOKEN.encode()):
        assert not tokens.allow(wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "no token in this file"), ("short\n", "at least 16 letters"), ("é" * 20, "not plain text")],
)
def test_token_files_that_would_not_protect(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "tokens").write_text(content, "utf-8")
    with pytest.raises(InputError, match=said):
        Tokens.read(tmp_path / "tokens")
    with pytest.raises(InputError, match="the tokens cannot be read"):
        Tokens.read(tmp_path / "nothing")


@pytest.fixture
def guarded(tmp_path: Path) -> TestClient:
    """The application with a token, a page and tiles, without a process behind it."""
    (tmp_path / "tokens").write_text(TOKEN)
    (tmp_path / "site" / "assets").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("<!doctype html><p>the page</p>")
    (tmp_path / "site" / "assets" / "a-1234.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("SECRET")
    metrics = Metrics()
    service = Service(
        model={"name": "compact"},
        tokens=Tokens.read(tmp_path / "tokens"),
        tiles="https://tiles.example:8443/{z}/{x}/{y}.png",
        geocoder="https://where.example/reverse?lat={latitude}&lon={longitude}",
        site=tmp_path / "site",
    )
    return TestClient(make_app(service, Batcher([], service.limits, metrics), metrics), base_url="http://any.example")


def test_a_token_is_asked_for_before_anything_is_sent(guarded: TestClient) -> None:
    for path in ("/v1/locate", "/v1/models", "/v1/gallery", "/v1/gallery/00000/photo", "/metrics"):
        response = guarded.request("POST" if path == "/v1/locate" else "GET", path)
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
    allowed = guarded.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"})
    assert allowed.json() == {"models": [{"name": "compact"}]}
    for path in ("/", "/assets/a-1234.js", "/v1/page", "/healthz", "/openapi.json"):
        assert guarded.get(path).status_code == 200, path
    assert guarded.get("/v1/page").json()["needs_token"] is True


def test_the_page_is_served_and_nothing_beside_it(guarded: TestClient) -> None:
    page = guarded.get("/")
    assert "the page" in page.text and page.headers["cache-control"] == "no-cache"
    script = guarded.get("/assets/a-1234.js")
    assert (
        script.headers["content-type"].startswith("text/javascript") and "immutable" in script.headers["cache-control"]
    )
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/nothing"):
        response = guarded.get(path)
        assert response.status_code == 404 and "SECRET" not in response.text
        assert response.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_405_and_says_which_are_right(guarded: TestClient) -> None:
    """Also where the page is built, whose files are looked for under every other address."""
    token = {"authorization": f"Bearer {TOKEN}"}
    for method, path, right in (
        ("GET", "/v1/locate", "POST"),
        ("DELETE", "/v1/locate", "POST"),
        ("POST", "/v1/models", "GET"),
        ("POST", "/healthz", "GET"),
        ("PUT", "/", "GET, HEAD"),
        ("POST", "/assets/a-1234.js", "GET, HEAD"),
    ):
        response = guarded.request(method, path, headers=token)
        assert (response.status_code, response.headers.get("allow")) == (405, right), (method, path)
        assert response.json()["detail"] == "this address does not take that method"
    assert guarded.get("/v1/nothing", headers=token).status_code == 404


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("HTTP://LocalHost:8000", "localhost:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://photos.example", "photos.example", True),  # a proxy with TLS that passes on Host
        ("https://photos.example", "photos.example:443", True),
        ("http://photos.example", "photos.example:80", True),
        ("https://public.example", "127.0.0.1:8000", True),  # a proxy that does not, with --allow-host
        ("https://public.example:8443", "127.0.0.1:8000", True),
        ("https://[2001:db8::1]:8443", "127.0.0.1:8000", True),
        ("null", "127.0.0.1:8000", False),
        ("", "127.0.0.1:8000", False),
        ("http://127.0.0.1:3000", "127.0.0.1:8000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("https://evil.example", "photos.example", False),
        ("https://photos.example.evil.example", "photos.example", False),
        ("https://public.example.evil.example", "127.0.0.1:8000", False),
        ("https://photos.example@evil.example", "photos.example", False),
        ("https://photos.example/", "photos.example", False),  # an Origin has no path
        ("https://photos.example:80", "photos.example", False),
        ("ftp://photos.example", "photos.example", False),
        ("chrome-extension://public.example", "127.0.0.1:8000", False),
    ],
)
def test_whose_page_may_send_photos(origin: str, host: str, own: bool) -> None:
    headers = [(b"origin", origin.encode())]
    allowed = ("public.example", "[2001:db8::1]")
    refused = f"a page of another site ({origin}) may not send photos here"
    assert foreign_page("POST", headers, host, allowed) == (None if own else refused)
    assert foreign_page("GET", headers, host, allowed) is None
    both = [*headers, (b"sec-fetch-site", b"cross-site")]
    assert foreign_page("POST", both, host, allowed) is not None
    twice = [(b"origin", f"http://{host}".encode()), *headers]
    assert (foreign_page("POST", twice, host, allowed) is None) == own


def test_the_policy_is_widened_for_the_named_hosts_only(guarded: TestClient) -> None:
    rules = dict(rule.partition(" ")[::2] for rule in guarded.get("/").headers["content-security-policy"].split("; "))
    assert rules["connect-src"] == "'self' https://tiles.example:8443 https://where.example"
    assert rules["img-src"] == "'self' data: blob: https://tiles.example:8443"
    assert rules["script-src"] == "'self'"


def test_not_ready_without_a_process(guarded: TestClient) -> None:
    response = guarded.get("/readyz")
    assert response.status_code == 503 and response.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://tiles.example/",
        "tiles.example",
        "https://",
        "https://a.example;script-src *",
        "https://user@a.example/",
        "https://a.example:99999/",
        "https://*.example/",
        "javascript:alert(1)",
        "https://a.example/\n",
    ],
)
def test_addresses_that_would_open_the_policy(address: str) -> None:
    with pytest.raises(InputError, match="tiles is an address that begins with https"):
        security.policy(address, None)


# ---- coarse answers


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 1000), st.floats(-80, 80), st.floats(-180, 180))
def test_all_photos_of_a_cell_get_one_position(km: float, latitude: float, longitude: float) -> None:
    level = coarsen.grid_level(km)
    cell = s2.encode([[latitude, longitude]], level)
    inside = np.concatenate([s2.center(cell), s2.center(s2.children(s2.children(cell)[0])[:, 1])])
    told = [coarsen.coarsened(Posterior.from_mass([spot], [[1.0]], [0.1]), km) for spot in inside]
    assert np.array_equal(told[0].places, told[1].places) and np.array_equal(told[0].spread_km, told[1].spread_km)
    assert s2.area_sr(cell)[0] * sphere.EARTH_KM**2 > (0.6 * km) ** 2


def test_a_coarse_posterior_has_the_same_countries() -> None:
    prior = density_prior()
    rough = coarsen.coarsened(prior, 50)
    assert len(rough.places) < len(prior.places) / 2
    for spot, km in (((48.85, 2.35), 500), ((-12.05, -77.04), 1000)):
        assert rough.mass_within([spot], km)[0] == pytest.approx(prior.mass_within([spot], km)[0], abs=0.01)


def test_evidence_that_names_a_place_is_not_told() -> None:
    kinds = ("text/language", "text/place", "exif", "text/phone")
    assert [item["kind"] for item in coarsen.told(tuple({"kind": kind} for kind in kinds))] == [
        "text/language",
        "text/phone",
    ]


# ---- the command


def refused(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "whereshot.cli", "serve", *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


def test_others_are_not_let_in_without_a_token() -> None:
    assert refused("--host", "0.0.0.0") == (
        "whereshot: 0.0.0.0 can be reached by others, so requests need a token: "
        "give --token-file FILE, or keep 127.0.0.1"
    )


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"coarse": -3.0}, "--coarse is a number of km above 0"),
        ({"max_mb": 0.0}, "--max-mb is a positive number"),
        ({"tiles": "nothing"}, "tiles is an address"),
        ({"gallery": Path("nothing")}, "nothing: not a gallery .gallery.json is missing or damaged."),
        ({"model": "nothing"}, "nothing"),
        ({"host": "192.0.2.1", "token_file": Path(security.__file__)}, "a token has at least 16 letters"),
        ({"host": "::", "token_file": None}, ":: can be reached by others"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_served(given_: dict[str, Any], said: str) -> None:
    from whereshot.cli.serve import serve

    with pytest.raises(Exception, match=said) as raised:
        serve(**{"host": "127.0.0.1", "port": 0, **given_})
    assert "\n" not in str(raised.value)


def test_a_taken_port_is_told() -> None:
    from whereshot.server import running

    with running.bind("127.0.0.1", 0) as listener, pytest.raises(InputError, match="give another --port"):
        running.bind("127.0.0.1", listener.getsockname()[1])


def test_the_description_is_whole() -> None:
    metrics = Metrics()
    service = Service(model={"name": "compact"}, site=Path("nowhere"))
    app = TestClient(make_app(service, Batcher([], service.limits, metrics), metrics), base_url="http://any.example")
    document = app.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert described["summary"], (path, method)
    assert "/v1/gallery/scores" in document["paths"]
    assert json.dumps(document).count("example") > 10
