"""The built page's files, as they lie in the package; where they are missing, a plain page that says so."""

from __future__ import annotations

import mimetypes
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

HOW = "The page is not built. In a source tree, build it with: make web. The API answers without it."
_MISSING = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>whereshot</title>'
    f'<h1>whereshot</h1><p>{HOW}</p><p>The API is described in <a href="openapi.json">openapi.json</a>.</p></html>'
)
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".geojson": "application/geo+json",
}
_FOREVER = "public, max-age=31536000, immutable"


def folder() -> Path:
    """Where the built page's files are, if they are."""
    return Path(str(resources.files("whereshot"))) / "server" / "static" / "site"


def is_built(place: Path) -> bool:
    """Whether there is a page."""
    return (place / "index.html").is_file()


def missing_page() -> str:
    """What a browser is shown where the page is not built."""
    return _MISSING


class Site(StaticFiles):
    """The page's files. Those whose name holds a hash of their content may be kept for good."""

    def __init__(self, place: Path) -> None:
        super().__init__(directory=place, html=True)
        for suffix, kind in _TYPES.items():  # what a system calls them differs
            mimetypes.add_type(kind, suffix)

    async def get_response(self, path: str, scope: Any) -> Any:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = _FOREVER if path.startswith("assets/") else "no-cache"
        return response
