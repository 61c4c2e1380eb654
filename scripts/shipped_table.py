"""A table that the package ships -> src/whereshot/data, as small as Parquet makes it; what the build scripts share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whereshot.foundation import output_files

OUT = Path(__file__).parents[1] / "src" / "whereshot" / "data"
ONE_PAGE = 1 << 26
"""A column in one page has more to compress with."""


def write(name: str, table: pa.Table, **options: Any) -> None:
    """Write a table by its name; ``options`` are those of Parquet: dictionaries, encodings, size of pages."""
    output_files.make_folder(OUT)
    path = OUT / f"{name}.parquet"
    with output_files.new_file(path) as beside:
        pq.write_table(table, beside, compression="brotli", compression_level=11, **options)
    print(f"{path.name}: {len(table)} rows, {path.stat().st_size / 1024:.0f} KiB")
