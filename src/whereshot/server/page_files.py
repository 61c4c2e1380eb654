"""The files of the built page, which lie in the package, and a plain page for where they are missing."""

from __future__ import annotations

import mimetypes
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

NOT_BUILT = "The page is not built. In a source tree, build it with: make web. The API answers without it."
_MISSING = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>whereshot</title>'
    f"<h1>whereshot</h1><p>{NOT_BUILT}</p>"
    '<p>The API is described in <a href="openapi.json">openapi.json</a>.</p></html>'
)
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".geojson": "application/geo+json",
}
_FOREVER = "public, max-age=31536000, immutable"


def folder() -> Path:
    """Return the folder of the built page. It exists only after ``make web``."""
    return Path(str(resources.files("whereshot"))) / "server" / "static" / "site"


def is_built(place: Path) -> bool:
    """Return whether a folder holds a built page."""
    return (place / "index.html").is_file()


def missing_page() -> str:
    """Return the HTML that a browser gets where the page is not built."""
    return _MISSING


class PageFiles(StaticFiles):
    """The files of the page (ASGI). Browsers may keep files under ``assets/`` forever: their names hold a hash."""

    def __init__(self, place: Path) -> None:
        """Serve the files of the folder ``place``."""
        super().__init__(directory=place, html=True)
        for suffix, kind in _TYPES.items():  # systems know different media types
            mimetypes.add_type(kind, suffix)

    async def get_response(self, path: str, scope: Any) -> Any:
        """Return the file of a path. Raises HTTPException (405) for other methods than GET and HEAD."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = _FOREVER if path.startswith("assets/") else "no-cache"
        return response
