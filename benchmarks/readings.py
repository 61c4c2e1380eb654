"""The photos of the shared development tables with what was read in them, kept in a folder for later runs.

A kept reading stays until the folder is deleted: delete it when the reader has changed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.base import Line
from whereshot.evidence.ocr import shared_reader
from whereshot.evidence.read_photos import Reading, read_photo
from whereshot.foundation.progress import bar

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos"


class ReadPhoto(NamedTuple):
    """One row of a table of photos, and what was read in its photo."""

    table: str
    row: dict[str, str]
    reading: Reading

    @property
    def position(self) -> NDArray[np.float64] | None:
        """Latitude and longitude in degrees (2,), None where only the country is known."""
        return position_of(self.row)


def position_of(row: dict[str, str]) -> NDArray[np.float64] | None:
    """Latitude and longitude (2,) of a row of a table of photos, None where only the country is known."""
    return np.array([float(row["latitude"]), float(row["longitude"])]) if row["latitude"] else None


def rows_of(table: str) -> list[dict[str, str]]:
    """The rows of one shared table of photos."""
    with (PHOTOS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class KeptEntries:
    """JSON objects by name, in a file with one object a line; without a folder they are kept in memory alone."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self._file = None if folder is None else folder / f"{name}.jsonl"
        self._entries: dict[str, dict[str, Any]] = {}
        if self._file is not None and self._file.is_file():
            lines = map(json.loads, self._file.read_text("utf-8").splitlines())
            self._entries = {entry["name"]: entry for entry in lines}

    def get(self, name: str) -> dict[str, Any] | None:
        """The object of this name, None where there is none yet."""
        return self._entries.get(name)

    def keep(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Write an object at once, so that a run that is stopped can continue; return it as it will be read."""
        line = json.dumps({**entry, "name": name}, ensure_ascii=False)
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(line + "\n")
        self._entries[name] = json.loads(line)
        return self._entries[name]


def read_table(table: str, folder: Path | None, every: int = 1) -> Iterator[ReadPhoto]:
    """The photos of a table in their order, or every so many of them; those that ``folder`` does not hold are read."""
    kept, rows = KeptEntries(folder, table), rows_of(table)[::every]
    for row in bar(rows, total=len(rows), what=f"reading {table}"):
        entry = kept.get(row["path"])
        if entry is None:
            entry = kept.keep(row["path"], asdict(read_photo(str(PHOTOS / row["path"]), shared_reader())))
        yield ReadPhoto(table, row, reading_of(entry))


def reading_of(entry: dict[str, Any]) -> Reading:
    """A reading from its JSON object, as ``dataclasses.asdict`` makes it of a reading."""
    lines, unread = (tuple(line_of(line) for line in entry[kind]) for kind in ("lines", "unread"))
    return Reading(lines, None if entry["size"] is None else tuple(entry["size"]), entry["not_a_photo"], unread)


def line_of(entry: dict[str, Any]) -> Line:
    """A line from its JSON object, as ``dataclasses.asdict`` makes it of a line."""
    corners = entry["corners"]
    return Line(
        **{
            **entry,
            "box": tuple(entry["box"]),
            "corners": None if corners is None else tuple(tuple(corner) for corner in corners),
        }
    )
