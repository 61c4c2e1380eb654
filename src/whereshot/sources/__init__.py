"""Where photos come from. SOURCES names every source; adding one is one file and one line."""

from __future__ import annotations

from whereshot.engine import RowJob
from whereshot.sources import folder, table, yfcc
from whereshot.sources.base import Ingested, Source
from whereshot.sources.folder import find_pictures

SOURCES: dict[str, Source] = {
    "folder": folder.read,
    "table": table.read,
    "yfcc": yfcc.read,
}

JOBS: dict[str, RowJob] = {
    "yfcc": yfcc.JOB,
}
"""Sources of which an engine reads any amount, unit by unit: by name, the job that does it."""

__all__ = ["JOBS", "SOURCES", "Ingested", "Source", "find_pictures"]
