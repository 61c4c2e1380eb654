"""Raw photos and videos in folders: they are not read, and every command that walks a folder names them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

RAW_SUFFIXES = frozenset(
    [
        ".dng",
        ".nef",
        ".nrw",
        ".cr2",
        ".cr3",
        ".crw",
        ".arw",
        ".srf",
        ".sr2",
        ".raf",
        ".orf",
        ".rw2",
        ".pef",
        ".srw",
        ".rwl",
        ".3fr",
        ".iiq",
    ]
)
VIDEO_SUFFIXES = frozenset(
    [".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".mpg", ".mpeg", ".3gp", ".wmv", ".insv"]
)
MOST_NAMED = 3
"""The largest number of files of a kind that are named; the others are counted."""


def walk(folder: Path) -> Iterator[Path]:
    """Yield every file under a folder, sorted within its folder. Hidden files and folders are left out."""
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent) / name


class UnreadFiles:
    """The raw photos and videos that were met in folders while pictures were looked for."""

    def __init__(self) -> None:
        self._raw_photos: list[str] = []
        self._videos: list[str] = []

    def note(self, path: Path) -> None:
        """Count a file if it is a raw photo or a video."""
        suffix = path.suffix.lower()
        if suffix in RAW_SUFFIXES:
            self._raw_photos.append(path.name)
        elif suffix in VIDEO_SUFFIXES:
            self._videos.append(path.name)

    def add(self, other: UnreadFiles) -> None:
        """Add the files that were counted in another folder."""
        self._raw_photos += other._raw_photos
        self._videos += other._videos

    def describe(self) -> str | None:
        """Return in one line how many there are, with the names of a few; None where there are none."""
        parts = (_count("raw photo", self._raw_photos), _count("video", self._videos))
        found = [part for part in parts if part]
        return f"skipped {' and '.join(found)}; give a JPEG of them" if found else None


def _count(kind: str, names: list[str]) -> str:
    if not names:
        return ""
    more = len(names) - MOST_NAMED
    named = ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(names)} {kind}{'' if len(names) == 1 else 's'} ({named})"
