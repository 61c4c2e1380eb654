"""The files of the built page over HTTP: their types, how long browsers keep them, and what lies outside."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from whereshot.server import page_files

MAPS = ("countries-50m-*", "base_map-*")
"""Files of the map, which are loaded when they are needed."""


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """The files of a page, beside a file that is not part of it."""
    page = tmp_path / "site"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><p>the page</p>")
    (page / "assets" / "a-1234.mjs").write_text("export {}")
    (page / "assets" / "b-1234.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("SECRET")
    app = Starlette()
    app.router.default = page_files.PageFiles(page)
    return TestClient(app)


def test_types_do_not_depend_on_the_system(client: TestClient) -> None:
    assert client.get("/assets/a-1234.mjs").headers["content-type"].startswith("text/javascript")
    assert client.get("/assets/b-1234.wasm").headers["content-type"] == "application/wasm"


def test_only_files_with_a_hash_in_their_name_are_kept_for_good(client: TestClient) -> None:
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert "immutable" in client.get("/assets/a-1234.mjs").headers["cache-control"]


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"])
def test_nothing_outside_the_folder_is_served(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404 and "SECRET" not in response.text


def test_other_methods_are_refused(client: TestClient) -> None:
    response = client.post("/assets/a-1234.mjs")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    assert not page_files.is_built(tmp_path)
    assert "make web" in page_files.missing_page() and "openapi.json" in page_files.missing_page()
    assert page_files.folder().parts[-3:] == ("server", "static", "site")


@pytest.mark.skipif(not page_files.is_built(page_files.folder()), reason="needs the page: make web")
def test_a_visitor_loads_little_before_the_map_and_the_map_is_small() -> None:
    assets = page_files.folder() / "assets"
    first = ("index-*", "globe-*", "maplibre-gl-worker-*", "inter-latin-wght-*")
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 6)) for kind in first for path in assets.glob(kind)}
    assert sum(sizes.values()) < 1.2e6, sizes
    maps = {path.name: len(gzip.compress(path.read_bytes(), 6)) for kind in MAPS for path in assets.glob(kind)}
    assert len(maps) == len(MAPS)
    assert sum(maps.values()) < 6e6, maps
