"""Where photos come from. SOURCES names every source; adding one is one file and one line."""

from __future__ import annotations

from whereshot.sources import folder, table
from whereshot.sources.base import Ingested, Source
from whereshot.sources.folder import find_pictures

SOURCES: dict[str, Source] = {
    "folder": folder.read,
    "table": table.read,
}

__all__ = ["SOURCES", "Ingested", "Source", "find_pictures"]
