"""Photos of a table into Records, all at once and refused where it cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import MANIFEST
from whereshot.photos.ingest import Units, at_once, by_units, collect
from whereshot.photos.records import Records
from whereshot.photos.sources import Order


def table(folder: Path) -> Path:
    path = folder / "photos.csv"
    path.write_text("id,latitude,longitude,country\na,1.5,2.5,DE\nb,95,2,DE\nc,3,4,FR\n")
    return path


def test_a_table_at_once(tmp_path: Path) -> None:
    summary = at_once("table", [table(tmp_path)], tmp_path / "out", {})
    assert (summary["rows"], summary["kept"], sum(summary["rejected"].values())) == (3, 2, 1)
    assert Records.read(tmp_path / "out").ids == ["a", "c"]
    chosen = at_once("table", [table(tmp_path)], tmp_path / "de", {}, where=["country=DE"])
    assert chosen["kept"] == 1 and Records.read(tmp_path / "de").ids == ["a"]


def test_what_cannot_be_done_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"^no engine 'locla'; did you mean 'local'\?$"):
        by_units("yfcc", [], out, Units(engine="locla"))
    with pytest.raises(InputError, match=r"^--unit-mb must be more than 0; got 0$"):
        by_units("yfcc", [], out, Units(unit_mb=0))
    with pytest.raises(InputError, match=r"out.parquet: flickr fills a folder; name one without .parquet$"):
        collect("flickr", Order([], tmp_path / "out.parquet"))
    out.mkdir()
    (out / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match="holds the shards of a job that can continue"):
        at_once("table", [table(tmp_path)], out, {})
