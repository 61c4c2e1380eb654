"""Check uploaded files, and remove metadata from pictures.

Only the formats that cameras, phones and browsers write are opened. A file is refused where a second file is hidden in
the picture, or where it is a document that begins like a picture.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator

from PIL import ExifTags, Image

from whereshot.foundation.errors import ImageError
from whereshot.photos import images
from whereshot.photos.photo import Photo

_STARTS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|II\*\0|MM\0\*|BM|....ftyp(?:avi|he[ivm]|mif|msf)",
    re.DOTALL,
)
_SNIFFED = 1024
"""Number of first bytes in which programs search for the beginning of a document."""
_DOCUMENTS = re.compile(rb"%PDF-|<script|<html|<svg|<\?php|<!doctype", re.IGNORECASE)
_ARCHIVES = re.compile(
    rb"\0*(?:PK\x03\x04|PK\x05\x06|Rar!\x1a|7z\xbc\xaf|\x7fELF|MZ|\xca\xfe\xba\xbe|\x1f\x8b\x08)", re.DOTALL
)
_ZIP_END = b"PK\x05\x06"
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_KEPT = frozenset([0xE0, 0xEE])
"""Markers of the application segments of a JPEG that are kept: JFIF and Adobe state how colours are stored."""


def admit(content: bytes, most_pixels: int, name: str | None = None) -> str:
    """Return the format of a picture that may be decoded. Raises ImageError for any other file.

    The header is read for the size: ``most_pixels`` is the limit. ``name`` stands in errors.
    """
    name = images.describe(content) if name is None else name
    if not _STARTS.match(content):
        raise ImageError("not a picture in a known format (JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP)", name)
    try:
        with warnings.catch_warnings():
            # Pillow's limit is off, because our own limit is checked below
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=images.FORMATS) as image:
                form, (width, height) = image.format or "", image.size
    except Image.DecompressionBombError as error:
        limit = f"more than {most_pixels / 1e6:.0f} megapixels, the limit; make a smaller copy"
        raise ImageError(limit, name) from error
    except Exception as error:  # decoders raise anything from OSError to struct.error
        raise ImageError("the picture is damaged or in no known format", name) from error
    if width * height > most_pixels:
        size = f"{width} x {height} is more than {most_pixels / 1e6:.0f} megapixels"
        raise ImageError(f"{size}, the limit; make a smaller copy", name)
    if _DOCUMENTS.search(content[:_SNIFFED]) or _is_followed(content, form):
        raise ImageError("there is another file in this picture; save the picture without it", name)
    return form


def _is_followed(content: bytes, form: str) -> bool:
    """Return whether an archive, a program or a document follows the picture.

    A video or a second view, which phones append, may follow.
    """
    rest = content[_end_of(content, form) :]
    if _DOCUMENTS.search(rest[:_SNIFFED]) or _ARCHIVES.match(rest):
        return True
    at = content.rfind(_ZIP_END, -65_557)  # a ZIP is read from its end, where the length of its comment stands
    return at >= 0 and at + 22 + int.from_bytes(content[at + 20 : at + 22], "little") == len(content)


def _end_of(content: bytes, form: str) -> int:
    """Return the offset at which a picture ends; the end of the file where the format does not state it."""
    if form in images.JPEG:
        return _parts(content)[1]
    if form == "PNG":
        found = content.find(b"IEND\xaeB`\x82")
        return len(content) if found < 0 else found + 8
    if form == "WEBP":
        return 8 + int.from_bytes(content[4:8], "little")
    if form == "BMP":
        return max(int.from_bytes(content[2:6], "little"), 14)
    return len(content)


def without_metadata(content: bytes, form: str, most_pixels: int, name: str | None = None) -> Photo:
    """Return the picture without EXIF, XMP, comments, previews and bytes after its end. Its orientation is kept.

    For a JPEG the result is a shorter JPEG with the same coded pixels. For other formats it is the decoded picture.
    ``name`` stands in errors. Raises ImageError.
    """
    name = images.describe(content) if name is None else name
    if form in images.JPEG:
        try:
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as opened:
                turned = opened.getexif().get(ExifTags.Base.Orientation, 1)
        except Exception:  # damaged EXIF: leave the picture as it is
            turned = 1
        return Photo(b"".join([content[:2], _orientation(turned), *_parts(content)[0]]), name)
    with images.opened(content, most_pixels, name=name) as opened:
        image = images.decoded(opened, name, None, None)
    image.info.clear()
    return Photo(image, name)


def _orientation(turned: object) -> bytes:
    """Return an EXIF segment with the orientation alone; no bytes for an upright picture."""
    if not isinstance(turned, int) or not 2 <= turned <= 8:
        return b""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    content = exif.tobytes()
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def _parts(content: bytes) -> tuple[list[bytes], int]:
    """Return the segments of a JPEG that its pixels need, without the first two bytes, and the offset of its end."""
    kept: list[bytes] = []
    end = len(content)
    for marker, start, stop in _segments(content):
        if marker in _KEPT or (marker != 0xFE and marker not in range(0xE0, 0xF0)):
            kept.append(content[start:stop])
        if marker == 0xD9:
            end = stop
    return kept, end


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, stop) of each segment of a JPEG. A segment of pixels ends at the next marker."""
    at = 2
    while found := _MARKER.search(content, at):
        marker, start = found[1][0], found.start()
        if marker == 0xD9:
            yield marker, start, start + 2
            return
        stop = start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
        if marker == 0xDA:
            after = _MARKER.search(content, stop)
            stop = after.start() if after else len(content)
        stop = min(max(stop, start + 2), len(content))
        yield marker, start, stop
        at = stop
