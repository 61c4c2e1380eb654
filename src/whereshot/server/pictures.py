"""An uploaded file -> a picture that may be looked at, without what a camera or a program wrote into it.

Only the formats that cameras, phones and browsers write are opened at all. What is no picture to its end, a second
file hidden in it or a document that begins like a picture, is refused.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator

from PIL import ExifTags, Image

from whereshot.foundation.errors import ImageError
from whereshot.photos import images

_STARTS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|II\*\0|MM\0\*|BM|....ftyp(?:avi|he[ivm]|mif|msf)",
    re.DOTALL,
)
_SNIFFED = 1024
"""Readers of documents look for their beginning in so many first bytes."""
_DOCUMENTS = re.compile(rb"%PDF-|<script|<html|<svg|<\?php|<!doctype", re.IGNORECASE)
_ARCHIVES = re.compile(
    rb"\0*(?:PK\x03\x04|PK\x05\x06|Rar!\x1a|7z\xbc\xaf|\x7fELF|MZ|\xca\xfe\xba\xbe|\x1f\x8b\x08)", re.DOTALL
)
_ZIP_END = b"PK\x05\x06"
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_KEPT = frozenset([0xE0, 0xEE])
"""Of what programs write into a JPEG, JFIF's and Adobe's segments, which tell how colours are stored."""


def admit(content: bytes, most_pixels: int) -> str:
    """The format of a picture that may be looked at, its size checked by its header. Raises ImageError."""
    name = images.describe(content)
    if not _STARTS.match(content):
        raise ImageError(f"{name}: not a picture in a known format (JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
            with Image.open(io.BytesIO(content), formats=images.FORMATS) as image:
                form, (width, height) = image.format or "", image.size
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name}: more than {most_pixels / 1e6:.0f} megapixels, the limit; make a smaller copy"
        ) from error
    except Exception as error:  # decoders raise anything from OSError to struct.error
        raise ImageError(f"{name}: the picture is damaged or in no known format") from error
    if width * height > most_pixels:
        size = f"{width} x {height} is more than {most_pixels / 1e6:.0f} megapixels"
        raise ImageError(f"{name}: {size}, the limit; make a smaller copy")
    if _DOCUMENTS.search(content[:_SNIFFED]) or _is_followed(content, form):
        raise ImageError(f"{name}: there is another file in this picture; save the picture alone")
    return form


def _is_followed(content: bytes, form: str) -> bool:
    """Whether an archive, a program or a document comes after the picture's end; a phone's video or second view may."""
    rest = content[_end_of(content, form) :]
    if _DOCUMENTS.search(rest[:_SNIFFED]) or _ARCHIVES.match(rest):
        return True
    at = content.rfind(_ZIP_END, -65_557)  # a ZIP is read from its end, which says how long its comment is
    return at >= 0 and at + 22 + int.from_bytes(content[at + 20 : at + 22], "little") == len(content)


def _end_of(content: bytes, form: str) -> int:
    """Where a picture ends, as its format tells; the file's end where it does not."""
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


def without_metadata(content: bytes, form: str, most_pixels: int) -> images.Source:
    """The picture without EXIF, XMP, comments, previews and what follows it; how it is to be turned is kept.

    A JPEG keeps its own bytes, so that it is decoded as ever; of other formats only the pixels go on.
    """
    if form in images.JPEG:
        try:
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as opened:
                turned = opened.getexif().get(ExifTags.Base.Orientation, 1)
        except Exception:  # damaged EXIF turns nothing
            turned = 1
        return b"".join([content[:2], _orientation(turned), *_parts(content)[0]])
    image = images.open_rgb(content, max_pixels=most_pixels)
    image.info.clear()
    return image


def _orientation(turned: object) -> bytes:
    """An EXIF segment that tells only how a picture is to be turned; none for one that stands upright."""
    if not isinstance(turned, int) or not 2 <= turned <= 8:
        return b""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    content = exif.tobytes()
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def _parts(content: bytes) -> tuple[list[bytes], int]:
    """The segments of a JPEG that make its picture, from behind its first two bytes, and where it ends."""
    kept: list[bytes] = []
    end = len(content)
    for marker, start, stop in _segments(content):
        if marker in _KEPT or (marker != 0xFE and marker not in range(0xE0, 0xF0)):
            kept.append(content[start:stop])
        if marker == 0xD9:
            end = stop
    return kept, end


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, stop) of a JPEG's segments up to its end; those of pixels reach to the next marker."""
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
