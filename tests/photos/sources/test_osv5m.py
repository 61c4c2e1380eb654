"""OSV-5M: every layout gives the same records, with the pictures' places, its labels and its split."""

from __future__ import annotations

import datetime
import io
import json
import random
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from faulty_server import picture
from killing import run_killed
from osv5m_files import row, write_csv
from whereshot.foundation import csv_tables
from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import MANIFEST
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import osv5m
from whereshot.photos.sources.base import Collected, Order


def jpeg(number: int) -> bytes:
    return picture(number, 32)


Lay = Callable[[Path, list[dict[str, Any]]], None]
"""Puts the pictures of a split's rows under a folder such as images/train."""


def in_folders(folder: Path, rows: list[dict[str, Any]]) -> None:
    for number, one in enumerate(rows):
        place = folder / f"{number % 3:02d}" / f"{one['id']}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(jpeg(one["id"]))


def flat(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    for one in rows:
        (folder / f"{one['id']}.jpg").write_bytes(jpeg(one["id"]))


def in_zips(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Some stored, some deflated, under a folder or not."""
    folder.mkdir(parents=True)
    for shard in range(3):
        with zipfile.ZipFile(folder / f"{shard:02d}.zip", "w") as archive:
            for one in rows[shard::3]:
                kind = zipfile.ZIP_DEFLATED if one["id"] % 2 else zipfile.ZIP_STORED
                archive.writestr(f"{shard:02d}/{one['id']}.jpg" if shard else f"{one['id']}.jpg", jpeg(one["id"]), kind)


LAYOUTS: dict[str, Lay] = {"folders": in_folders, "flat": flat, "zips": in_zips}


def write_osv5m(root: Path, lay: Lay, train: list[dict[str, Any]], test: list[dict[str, Any]]) -> Path:
    for split, rows in (("train", train), ("test", test)):
        write_csv(root / f"{split}.csv", rows)
        lay(root / "images" / split, rows)
    return root


def write_wds(root: Path, **splits: list[dict[str, Any]]) -> Path:
    for split, rows in splits.items():
        (root / split).mkdir(parents=True)
        for shard in range(2):
            with tarfile.open(root / split / f"{shard:04d}.tar", "w") as tar:
                for one in rows[shard::2]:
                    document = {name: value for name, value in one.items() if value != ""}
                    for name, data in (
                        (f"{one['id']}.jpg", jpeg(one["id"])),
                        (f"{one['id']}.json", json.dumps(document).encode()),
                    ):
                        info = tarfile.TarInfo(name)
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
    return root


def collect(root: Path, out: Path, **given: Any) -> Collected:
    return osv5m.collect(Order([root], out, **given))


def rejects(out: Path) -> list[tuple[str | None, str, str]]:
    rows = [one for path in sorted((out / "rejects").glob("*.parquet")) for one in pq.read_table(path).to_pylist()]
    return [(one["id"], one["reason"], one["detail"]) for one in rows]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_folders_and_zips(layout: str, tmp_path: Path) -> None:
    train, test = [row(number) for number in range(12)], [row(number) for number in range(100, 105)]
    root = write_osv5m(tmp_path / "osv5m", LAYOUTS[layout], train, test)
    collected = collect(root, tmp_path / "out")
    kept = Records.read(tmp_path / "out")
    assert kept.strings("id") == [str(one["id"]) for one in [*train, *test]]
    assert kept.strings("split") == ["train"] * 12 + ["test"] * 5
    for name, path in zip(kept.strings("id"), kept.strings("image"), strict=True):
        assert path is not None and images.open_rgb(path).size == (32, 32)
        assert images.open_rgb(path).tobytes() == images.open_rgb(jpeg(int(name))).tobytes()
    assert collected.notes == () and collected.summary["rejected"] == {}


def test_webdataset_layout(tmp_path: Path) -> None:
    rows = {"train": range(6), "val": range(10, 14), "test": range(20, 23)}
    root = write_wds(
        tmp_path / "wds", **{split: [row(number) for number in numbers] for split, numbers in rows.items()}
    )
    collect(root, tmp_path / "out")
    kept = Records.read(tmp_path / "out")
    assert {(one["id"], one["split"]) for one in kept} == {
        (str(row(number)["id"]), split) for split, numbers in rows.items() for number in numbers
    }
    for one in kept:
        assert images.open_rgb(one["image"]).tobytes() == images.open_rgb(jpeg(int(one["id"]))).tobytes()

    table = write_csv(tmp_path / "csv" / "train.csv", [row(number) for number in range(6)])
    collect(table, tmp_path / "same")
    there = sorted((one for one in kept if one["split"] == "train"), key=lambda one: one["id"])
    for one, other in zip(there, Records.read(tmp_path / "same"), strict=True):
        assert one | {"image": None} == other


def test_what_a_record_says(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "train.csv", [row(1), row(3, captured_at=""), row(4, captured_at=12, region="A;B")])
    collect(table, tmp_path / "out")
    first, second, third = Records.read(tmp_path / "out")
    assert (first["album"], first["user"], second["user"]) == ("seq0", "roadroid", "11133622109171")
    assert first["taken_at"] == datetime.datetime(2017, 10, 9, 14, 54, 41, 1000, datetime.UTC)
    assert (second["taken_at"], third["taken_at"]) == (None, None)
    assert (first["country"], first["region"], first["sub-region"]) == ("CA", "Chatham Islands", None)
    assert (first["city"], first["cell"], first["quadtree_10_1000"]) == ('Waitangi, "old"', "(0, 8)", 1)
    assert (first["quadtree_10_500"], first["land_cover"], first["climate"]) == (None, 4.0, None)
    assert (first["source"], first["license"], first["url"]) == ("osv5m", "CC BY-SA 4.0", row(1)["thumb_original_url"])
    assert first["latitude"] == row(1)["latitude"] and first["image"] is None


@pytest.mark.parametrize(
    ("condition", "countries"),
    [
        ("country=US", {"US"}),
        ("country=US, CA", {"US", "CA"}),
        ("country!=US,CA", {"NZ", "HR"}),
        ("creator=none", None),
    ],
)
def test_country_subsets(condition: str, countries: set[str] | None, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "train.csv", [row(number) for number in range(40)])
    if countries is None:
        with pytest.raises(InputError) as caught:
            collect(table, tmp_path / "out", where=[condition])
        assert str(caught.value).startswith("--where creator=none: no column 'creator'; did you mean 'creator_id'?")
        return
    collected = collect(table, tmp_path / "out", where=[condition])
    kept = Records.read(tmp_path / "out")
    assert set(kept.strings("country")) == countries
    assert collected.summary["rejected"] == {"not selected": 40 - len(kept)}
    assert len(kept) == 10 * len(countries)


@pytest.mark.parametrize("condition", ["country", "=US", "!=US"])
def test_conditions_that_are_none(condition: str, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "train.csv", [row(1)])
    with pytest.raises(InputError) as caught:
        collect(table, tmp_path / "out", where=[condition])
    expected = "--where takes column=value, column!=value or column=value,value; got "
    assert str(caught.value) == f"{expected}{condition!r}"


def test_rows_that_cannot_be_used(tmp_path: Path) -> None:
    rows = [
        row(1),
        row(2, latitude=95),
        row(3, longitude=""),
        row(4, latitude="north"),
        row(1, latitude=1),
        row(5, id=""),
        row(6, latitude=0, longitude=0),
    ]
    table = write_csv(tmp_path / "train.csv", rows)
    with table.open("a") as file:
        file.write("7,8,9\n")
    collected = collect(table, tmp_path / "out")
    assert Records.read(tmp_path / "out").strings("id") == [str(row(1)["id"])]
    assert collected.summary["rows"] == 8
    assert sorted((name or "", reason) for name, reason, _ in rejects(tmp_path / "out")) == sorted(
        [
            (str(row(2)["id"]), "impossible position"),
            (str(row(3)["id"]), "no position"),
            (str(row(4)["id"]), "no position"),
            (str(row(1)["id"]), "duplicate id"),
            ("", "broken row"),
            (str(row(6)["id"]), "position (0, 0)"),
            ("", "broken row"),
        ]
    )


def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    rows = [row(number) for number in range(5)]
    write_csv(tmp_path / "in" / "train.csv", rows)
    flat(tmp_path / "in" / "images" / "train", rows[:3])
    collected = collect(tmp_path / "in", tmp_path / "out")
    assert Records.read(tmp_path / "out").table["image"].null_count == 2
    assert collected.notes == ("2 records have no picture among those that are there",)


CHILD = """
import sys
from pathlib import Path
from whereshot.foundation import csv_tables
from whereshot.photos.sources import osv5m
from whereshot.photos.sources.base import Order
csv_tables.BLOCK_BYTES = 60_000
osv5m.collect(Order([Path(sys.argv[1])], Path(sys.argv[2])))
"""


def test_a_run_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_tables, "BLOCK_BYTES", 60_000)
    rng = random.Random(3)
    rows = [row(rng.randrange(5000)) for _ in range(6000)]  # many repeat an id, across portions
    table = write_csv(tmp_path / "train.csv", rows)
    with table.open("a") as file:
        file.write("1,2\n")
    undisturbed = collect(table, tmp_path / "undisturbed")
    out = tmp_path / "out"
    run_killed([sys.executable, "-c", CHILD, str(table), str(out)], out, at=40)
    assert (out / MANIFEST).read_bytes().count(b"\n") > 1
    resumed = collect(table, tmp_path / "out")
    assert resumed.summary | {"seconds": 0} == undisturbed.summary | {"seconds": 0}
    assert Records.read(tmp_path / "out").table.equals(Records.read(tmp_path / "undisturbed").table)
    assert rejects(tmp_path / "out") == rejects(tmp_path / "undisturbed")
    assert undisturbed.summary["kept"] == len({one["id"] for one in rows})


def test_inputs_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    other = tmp_path / "other.csv"
    other.write_text("photo,lat,lon\n1,2,3\n")
    for given, message in (
        (tmp_path / "none", f"{tmp_path / 'none'}: no such file or folder"),
        (
            tmp_path / "empty",
            f"{tmp_path / 'empty'}: neither train.csv or test.csv nor train/*.tar is there; name OSV-5M's folder",
        ),
        (other, f"{other}: no column 'id', as OSV-5M has; other tables: whereshot ingest table"),
    ):
        with pytest.raises(InputError) as caught:
            collect(given, tmp_path / "out", overwrite=True)
        assert str(caught.value) == message
    broken = tmp_path / "in" / "images" / "train" / "00.zip"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no zip")
    write_csv(tmp_path / "in" / "train.csv", [row(1)])
    with pytest.raises(InputError, match=r"00\.zip: not a readable zip"):
        collect(tmp_path / "in", tmp_path / "out", overwrite=True)
