"""Check that bytes from a server are a complete and usable picture, and find the suffix of its file."""

from __future__ import annotations

import re

from whereshot.foundation.errors import ImageError, UnknownFormatError
from whereshot.photos import picture_bytes
from whereshot.photos.fetch import base
from whereshot.photos.photo import Photo
from whereshot.photos.reject_reasons import TOO_SMALL

_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "TIFF": ".tif"}
_SUFFIXES |= {"BMP": ".bmp", "HEIF": ".heic", "AVIF": ".avif"}
SUFFIXES = tuple(sorted(set(_SUFFIXES.values())))
"""The possible endings of the name of a downloaded picture."""

_PLACEHOLDER = re.compile(
    r"photo_(unavailable|not_available)|image[-_]?(unavailable|not[-_]?(found|available))|/removed\.\w+$|no[-_]?image",
    re.IGNORECASE,
)
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded")
_LONGEST_TEXT = 80


def check_place(url: str, asked: str) -> None:
    """Refuse the picture that a service shows in place of one that was deleted, by where it redirects to."""
    found = _PLACEHOLDER.search(url)
    if found and not (_PLACEHOLDER.search(asked) and url == asked):
        raise base.RefusedError(base.PLACEHOLDER, f"{asked} leads to {url}")


def check_type(content_type: str, url: str) -> None:
    """Refuse content whose declared type is not a picture. Content without a type is checked by its bytes later."""
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind not in _UNTOLD:
        raise base.RefusedError(base.NO_PICTURE, f"{url}: the server sends {kind[:_LONGEST_TEXT]!r}")


def check_picture(data: bytes, url: str) -> str:
    """Decode a picture to its end and return the suffix for its file. Raises RefusedError."""
    if len(data) < picture_bytes.LEAST_BYTES:
        raise base.RefusedError(TOO_SMALL, f"{url}: {len(data)} bytes; photos have more than 1,024")
    try:
        photo = Photo(data)
        photo.rgb(min_side=64)
        kind = photo.format
    except UnknownFormatError as error:
        raise base.RefusedError(base.NO_PICTURE, f"{url}: {error.reason}") from None
    except ImageError as error:
        raise base.RefusedError(base.DAMAGED, f"{url}: {error.reason}") from None
    if kind not in _SUFFIXES:
        raise base.RefusedError(base.NO_PICTURE, f"{url}: {kind} is not a format of photos")
    return _SUFFIXES[kind]
