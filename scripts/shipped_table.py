"""Write the tables that the package ships, as small as Parquet makes them. The build scripts share this module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whereshot.foundation import output_files

PACKAGE = Path(__file__).parents[1] / "src" / "whereshot"
DISTRICTS = {
    "airports": "evidence",
    "ambiguous_names": "evidence",
    "countries": "earth",
    "country_grid": "earth",
    "country_names": "earth",
    "disputed": "earth",
    "regions": "earth",
    "region_parts": "earth",
    "towns": "earth",
    "phone_forms": "evidence",
    "photo_density": "posterior",
    "public_words": "evidence",
    "speakers": "evidence",
    "words": "evidence",
}
"""The district that reads each table; its folder ``data`` holds the file."""
ONE_PAGE = 1 << 26
"""Bytes of a page that holds a whole column, which compresses best."""


def path_of(name: str) -> Path:
    """Return the path of a table by its name. Raises KeyError for a table that is not shipped."""
    return PACKAGE / DISTRICTS[name] / "data" / f"{name}.parquet"


def write(name: str, table: pa.Table, **options: Any) -> None:
    """Write a table by its name. ``options`` go to Parquet's writer: dictionaries, encodings, size of pages."""
    path = path_of(name)
    output_files.make_folder(path.parent)
    with output_files.new_file(path) as beside:
        pq.write_table(table, beside, compression="brotli", compression_level=11, **options)
    print(f"{path.name}: {len(table)} rows, {path.stat().st_size / 1024:.0f} KiB")
