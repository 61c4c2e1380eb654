"""Read the text in photos. Many photos are read by several processes, each with its own reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from whereshot.evidence import is_photo, surfaces
from whereshot.evidence.base import Line
from whereshot.evidence.foreign_lines import BUILTIN
from whereshot.evidence.ocr import LARGEST_SIDE, Reader, shared_reader, tiles_of
from whereshot.foundation import processes
from whereshot.foundation.errors import ImageError
from whereshot.foundation.progress import Track, silent
from whereshot.photos.photo import Photo, PhotoLike

WORTH_A_PROCESS = 6
"""Least photos per process for a further process to save more time than loading its reader takes."""


@dataclass(frozen=True)
class Reading:
    """The lines of text in one picture, its size, and why it is not a photo (None where it is a photo).

    ``unread`` are lines in scripts that were not read.
    """

    lines: tuple[Line, ...] = ()
    size: tuple[int, int] | None = None
    not_a_photo: str | None = None
    unread: tuple[Line, ...] = ()


def read_photo(photo: PhotoLike | None, reader: Reader) -> Reading:
    """Read the text in one picture.

    A picture that cannot be opened gives an empty Reading; the geolocator reports the error.
    """
    if photo is None:
        return Reading()
    try:
        photo = Photo.of(photo)
        image = photo.rgb(min_side=LARGEST_SIDE)
        size = photo.size
    except ImageError:
        return Reading()
    factor = size[0] / image.width  # the picture may have been decoded at a reduced scale
    surface, tiles, small, width = is_photo.surface_of(image), tiles_of(image), surfaces.shrunk(image), image.width
    del image  # the large picture is released here; it would double the memory for reading
    seen = reader.see_tiles(tiles)
    found = [*seen.lines, *seen.unread]
    judged = [line.scaled(factor) for line in surfaces.judge_lines(small, found, small.width / width)]
    read, unread = tuple(judged[: len(seen.lines)]), tuple(judged[len(seen.lines) :])
    return Reading(read, size, is_photo.not_a_photo(surface, found), unread)


def read_photos(photos: Sequence[PhotoLike | None], reader: str = BUILTIN, *, track: Track = silent) -> list[Reading]:
    """Read the text in many pictures and return the readings in the same order.

    ``reader`` is one of ``foreign_lines.READERS``.
    """
    workers = min(processes.cores(), len(photos) // WORTH_A_PROCESS)
    if workers > 1 and not any(photo is not None and Photo.of(photo).in_memory for photo in photos):
        found: Iterator[Reading] = processes.spread(photos, _start, (reader,), _read, workers)
    else:
        found = (read_photo(photo, shared_reader(reader)) for photo in photos)
    return list(track(found, total=len(photos), what="reading text"))


_reader_name = BUILTIN


def _start(reader: str) -> None:
    global _reader_name
    _reader_name = reader


def _read(photo: PhotoLike | None) -> Reading:
    return read_photo(photo, shared_reader(_reader_name))
