"""Every source: usable rows become records, all others rejects with a reason; none vanishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import MakePicture
from whereshot.foundation import tables
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.photos.sources import SOURCES, Ingested

Made = tuple[list[Path], int, int]
"""Inputs of a source, how many rows they hold, how many of these can be used."""


def make_folder(tmp_path: Path, picture: MakePicture) -> Made:
    picture(tmp_path / "in" / "a.jpg", 48.2, 16.4)
    picture(tmp_path / "in" / "b.jpg")
    picture(tmp_path / "in" / "c.jpg", -33.9, 151.2)
    return [tmp_path / "in"], 3, 2


def make_table(tmp_path: Path, picture: MakePicture) -> Made:
    path = tmp_path / "in.csv"
    path.write_text("id,lat,lon\na,48.2,16.4\nb,,\nc,95,0\nd,-33.9,151.2\n")
    return [path], 4, 2


def make_yfcc(tmp_path: Path, picture: MakePicture) -> Made:
    path = tmp_path / "in.tsv"
    before, after = "{}\t1@N00\tu\t\t\t\t\t\t\t\t", "\t16\tp\thttp://x/{}.jpg\tl\tu\t1\t1\ts\to\tjpg\t0\n"
    positions = ["16.4\t48.2", "\t", "0\t95", "151.2\t-33.9"]
    path.write_text("".join((before + place + after).format(n, n) for n, place in enumerate(positions, 1000)))
    return [path], 4, 2


MAKERS: dict[str, Callable[[Path, MakePicture], Made]] = {
    "folder": make_folder,
    "table": make_table,
    "yfcc": make_yfcc,
}
"""A source that is listed in SOURCES needs an input here: that is what puts it under test."""


class Counted:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, str]] = []

    def __call__(self, items: Iterable, total: int, what: str) -> Iterator:
        passed = list(items)
        self.calls.append((len(passed), total, what))
        yield from passed


def made(kind: str, tmp_path: Path, picture: MakePicture) -> Made:
    if kind not in MAKERS:
        pytest.fail(f"the source {kind!r} is listed in SOURCES and has no test input in MAKERS")
    return MAKERS[kind](tmp_path, picture)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_row_is_kept_or_rejected(kind: str, tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    inputs, rows, kept = made(kind, tmp_path, jpeg_with_position)
    result = SOURCES[kind](inputs, {}, silent)
    assert isinstance(result, Ingested)
    assert (result.rows, len(result.records), len(result.rejects)) == (rows, kept, rows - kept)
    assert result.records.has_position.all()
    assert len(set(result.records.strings("id"))) == kept
    assert np.abs(result.records.table["longitude"].to_numpy()).max() <= 180
    assert set(result.records.strings("source")) == {kind}
    assert result.rejects.schema == tables.REJECTS
    assert all(row["reason"] and row["detail"] for row in result.rejects.to_pylist())
    again = SOURCES[kind](inputs, {}, silent)
    assert again.records.table.equals(result.records.table)  # the same order every time


@pytest.mark.parametrize("kind", SOURCES)
def test_progress_counts_to_its_total(kind: str, tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    inputs, *_ = made(kind, tmp_path, jpeg_with_position)
    track = Counted()
    SOURCES[kind](inputs, {}, track)
    assert track.calls
    assert all(passed == total for passed, total, _ in track.calls)


@pytest.mark.parametrize("kind", SOURCES)
def test_an_input_that_is_not_there(kind: str, tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    with pytest.raises(InputError) as caught:
        SOURCES[kind]([missing], {}, silent)
    assert str(caught.value) in (f"{missing}: no such file", f"{missing}: no such file or folder")


def test_no_source_is_tested_that_is_not_listed() -> None:
    assert set(MAKERS) == set(SOURCES)
