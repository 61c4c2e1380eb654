"""Make self-contained HTML files: they hold page, data, script, style and borders, and need no network.

The pages of ``report/static/`` share one map: ``map.js`` draws borders and names, pans and zooms; ``map.css`` has its
colours.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import re
from importlib import resources
from typing import Any

import numpy as np
import shapely

from whereshot.earth.countries import countries
from whereshot.foundation.errors import ImageError
from whereshot.photos import images

THUMBNAIL_PIXELS = 360

_BORDER_DEGREES = 0.03
_PART = re.compile(r"/\*([A-Z_]+\.(?:CSS|JS))\*/")
"""Stands in a page for a file of the folder, by its name in capitals."""


def whole(name: str, data: dict[str, Any]) -> str:
    """Return the page ``name`` with the script and style of the map. ``data`` is JSON with all HTML escaped."""
    folder = resources.files("whereshot") / "report" / "static"
    page = (folder / name).read_text("utf-8")
    page = _PART.sub(lambda found: (folder / found[1].lower()).read_text("utf-8").rstrip("\n"), page)
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return page.replace("/*DATA*/", text.replace("<", "\\u003c"))


@functools.cache
def borders() -> tuple[list[int], ...]:
    """Return the rings of all country borders, simplified and packed in hundredths of a degree."""
    rings = (
        pack(shapely.get_coordinates(part.exterior), 100)
        for country in countries().all
        for part in shapely.get_parts(shapely.simplify(country.geometry, _BORDER_DEGREES))
    )
    return tuple(ring for ring in rings if len(ring) >= 8)


def pack(ring: np.ndarray, unit: int) -> list[int]:
    """Return a ring of longitudes and latitudes (m, 2) as integers, each the step from the point before."""
    whole = np.round(ring * unit).astype(np.int64)
    whole = whole[np.concatenate([[True], (np.diff(whole, axis=0) != 0).any(axis=1)])]
    result: list[int] = np.diff(whole, axis=0, prepend=[[0, 0]]).ravel().tolist()
    return result


def thumbnail(source: Any, pixels: int = THUMBNAIL_PIXELS) -> str | None:
    """Return a JPEG without metadata as a data URL; None where the picture cannot be read.

    ``pixels`` is the length of its longer side.
    """
    if source is None:
        return None
    try:
        image = images.open_rgb(source, min_side=pixels)
    except ImageError:
        return None
    image.thumbnail((pixels, pixels))
    image.info.clear()  # Pillow would write a JPEG's comment again
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
