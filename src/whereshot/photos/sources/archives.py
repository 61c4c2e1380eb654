"""Find the path of each picture in folders, zips and tars by its id, which is the name of its file.

Nothing is unpacked: the path of a picture in a zip or tar names its place there (see ``picture_bytes``). About 26 bytes
are kept in memory for each picture.
"""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError
from whereshot.photos import picture_bytes
from whereshot.photos.sources.seen_ids import hashed

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class ArchivePart(NamedTuple):
    """Pictures (n,) of one folder or archive: hashes of their names, the number of the archive, and their places in it,
    in bytes.
    """

    hashes: NDArray[np.uint64]
    holder: NDArray[np.integer]
    start: NDArray[np.integer]
    packed: NDArray[np.integer]
    length: NDArray[np.integer]


class Pictures:
    """The places of the pictures in some folders, zips and tars, by the hashes of their names."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._holders: list[str] = []
        parts = [part for place in places for part in self._walk(place)]
        none = np.empty(0, np.int64)
        empty = ArchivePart(np.empty(0, np.uint64), none, none, none, none)
        whole = ArchivePart(*(np.concatenate(column) for column in zip(*(parts or [empty]), strict=True)))
        order = np.argsort(whole.hashes, kind="stable")
        self._hashes, self._holder = whole.hashes[order], whole.holder[order]
        self._start, self._packed, self._length = whole.start[order], whole.packed[order], whole.length[order]

    def __len__(self) -> int:
        return len(self._hashes)

    def places(self, ids: Sequence[str]) -> list[str | None]:
        """Return the path of each picture, None where there is no such picture."""
        if not len(self):
            return [None] * len(ids)
        wanted = hashed(ids)
        rows = np.minimum(np.searchsorted(self._hashes, wanted), len(self) - 1)
        known = self._hashes[rows] == wanted
        found = zip(rows, ids, known, strict=True)
        return [self._path(row, name) if is_known else None for row, name, is_known in found]

    def _path(self, row: int, name: str) -> str:
        holder, start = self._holders[self._holder[row]], int(self._start[row])
        packed, length = int(self._packed[row]), int(self._length[row])
        if start < 0:
            return f"{holder}{os.sep}{name}{SUFFIXES[-start - 1]}"
        if holder.lower().endswith(".zip"):
            return picture_bytes.zip_member(holder, start, packed, None if length < 0 else length)
        return picture_bytes.member(holder, start, packed)

    def _walk(self, place: Path) -> Iterator[ArchivePart]:
        if place.is_file():
            yield self._part(place, _tarred(place))
            return
        for parent, folders, names in os.walk(place):
            folders.sort()
            loose = []
            for name in sorted(names):
                stem, suffix = os.path.splitext(name)
                if suffix.lower() == ".zip":
                    yield self._part(Path(parent, name), _zipped(Path(parent, name)))
                elif suffix in SUFFIXES:
                    loose.append((stem, -SUFFIXES.index(suffix) - 1, 0, -1))
            if loose:
                yield self._part(Path(parent), loose)

    def _part(self, holder: Path, found: list[tuple[str, int, int, int]]) -> ArchivePart:
        self._holders.append(str(holder.absolute()))
        return ArchivePart(
            hashed([name for name, _, _, _ in found]),
            np.full(len(found), len(self._holders) - 1, np.int16),
            np.array([start for _, start, _, _ in found], np.int64),
            np.array([packed for _, _, packed, _ in found], np.int32),
            np.array([length for _, _, _, length in found], np.int32),
        )


def _zipped(path: Path) -> list[tuple[str, int, int, int]]:
    """Yield (id, place of the header, size in bytes, size once inflated or -1) of each picture in a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a readable zip ({error}); download it again") from error
    found = []
    for member in members:
        stem, suffix = os.path.splitext(os.path.basename(member.filename))
        is_plain = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not member.flag_bits & 1
        is_small = max(member.file_size, member.compress_size) <= picture_bytes.MAX_BYTES
        if suffix.lower() in SUFFIXES and is_plain and is_small:
            length = -1 if member.compress_type == zipfile.ZIP_STORED else member.file_size
            found.append((stem, member.header_offset, member.compress_size, length))
    return found


def _tarred(path: Path) -> list[tuple[str, int, int, int]]:
    return [
        (stem, member.offset_data, member.size, -1)
        for stem, suffix, member, _ in members(path)
        if suffix in SUFFIXES and member.size <= picture_bytes.MAX_BYTES
    ]


def members(path: Path) -> Iterator[tuple[str, str, tarfile.TarInfo, tarfile.TarFile]]:
    """Yield (id, suffix, member, the open tar) of each file in a tar. Raises InputError."""
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.isfile():
                    stem, suffix = os.path.splitext(os.path.basename(member.name))
                    yield stem, suffix.lower(), member, tar
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path}: not a readable tar ({error}); download it again") from error
