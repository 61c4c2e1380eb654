"""Where photos come from. SOURCES names every source; adding one is one file and one line."""

from __future__ import annotations

from whereshot.foundation.jobs import RowJob
from whereshot.photos.sources import flickr, folder, mapillary, osv5m, streetview, table, yfcc
from whereshot.photos.sources.base import Collected, Collector, Ingested, Order, Source
from whereshot.photos.sources.folder import find_pictures
from whereshot.photos.unread_files import UnreadFiles

SOURCES: dict[str, Source] = {
    "folder": folder.read,
    "table": table.read,
    "yfcc": yfcc.read,
}

JOBS: dict[str, RowJob] = {
    "yfcc": yfcc.JOB,
}
"""Jobs by source: an engine reads any amount of these sources, unit by unit."""

COLLECTORS: dict[str, Collector] = {
    "flickr": flickr.collect,
    "mapillary": mapillary.collect,
    "osv5m": osv5m.collect,
    "streetview": streetview.collect,
}
"""Sources that fill a folder themselves, unit by unit, from an API or from archives."""

__all__ = [
    "COLLECTORS",
    "JOBS",
    "SOURCES",
    "Collected",
    "Collector",
    "Ingested",
    "Order",
    "Source",
    "UnreadFiles",
    "find_pictures",
]
