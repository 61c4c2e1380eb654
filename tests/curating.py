"""Pictures and records for the tests of curation and audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from whereshot.foundation.jobs.local import Local
from whereshot.photos.curate import curate
from whereshot.photos.records import Records


def picture(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A picture of its own: coarse noise, enlarged."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def write_records(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = dict.fromkeys(name for row in rows for name in row)
    path.parent.mkdir(parents=True, exist_ok=True)
    Records(pa.table({name: [row.get(name) for row in rows] for name in names})).write(path)
    return path


def clean(records: Path | Sequence[Path], out: Path, **steps: dict[str, Any]) -> dict[str, Any]:
    given = [records] if isinstance(records, Path) else records
    return curate(given, out, steps, Local(1))


def rejects_of(out: Path) -> dict[str, tuple[str, str]]:
    """Reason and detail of every reject, by its id."""
    tables = [pq.read_table(path) for path in sorted((out / "rejects").glob("*.parquet"))]
    return {row["id"]: (row["reason"], row["detail"]) for table in tables for row in table.to_pylist()}


def saved(path: Path, shown: Image.Image, **options: object) -> dict[str, str]:
    shown.save(path, **options)
    return {"id": path.stem, "image": str(path)}


def crowd(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"p{number}",
            "user": [None, "a", "b"][number % 3],
            "latitude": [10.0, 50.0][number % 2],
            "longitude": 5.0,
        }
        for number in range(60)
    ]
    return write_records(tmp_path / "crowd.parquet", [*rows, {"id": "nowhere", "user": "a"}])
