"""Raw photos and videos in folders: they are not read, and a folder's summary names them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
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
NAMED = 3
"""So many files of a kind are named; the rest are counted."""


def walk(folder: Path) -> Iterator[Path]:
    """Every file under a folder, sorted within its folder. Hidden files and folders are left out."""
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent) / name


def describe_unread(folders: Sequence[Path]) -> str | None:
    """How many raw photos and videos lie in folders, with names, in one line; None where there are none.

    Paths that are no folders are left out: a file that is given by its name has an error of its own.
    """
    files = [path for folder in folders if folder.is_dir() for path in walk(folder)]
    kinds = (("raw photo", RAW_SUFFIXES), ("video", VIDEO_SUFFIXES))
    parts = [_count(kind, [path.name for path in files if path.suffix.lower() in known]) for kind, known in kinds]
    found = [part for part in parts if part]
    return f"skipped {' and '.join(found)}; give a JPEG of them" if found else None


def _count(kind: str, names: list[str]) -> str:
    if not names:
        return ""
    more = len(names) - NAMED
    named = ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(names)} {kind}{'' if len(names) == 1 else 's'} ({named})"
