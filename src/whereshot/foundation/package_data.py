"""Read the data files of the package: the files in its ``data`` folders.

They are read through ``importlib.resources``, which also works in a zipped package.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def read_table(path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet table, or some of its columns, by its path inside the package: "earth/data/towns.parquet"."""
    with resources.as_file(resources.files("whereshot") / path) as file:
        return pq.ParquetFile(file).read(columns)  # pq.read_table would import pandas, where it is installed


def read_toml(path: str) -> dict[str, Any]:
    """Read a TOML file by its path inside the package: "evidence/data/language.toml"."""
    return tomllib.loads(resources.files("whereshot").joinpath(path).read_text("utf-8"))


def read_bytes(path: str) -> bytes:
    """Read a file by its path inside the package: "evidence/data/surfaces.safetensors"."""
    return resources.files("whereshot").joinpath(path).read_bytes()
