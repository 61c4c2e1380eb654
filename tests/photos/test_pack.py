"""Packed folders: every photo once, at its size, where the index says; the same bytes after any number of kills."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import exif
from killing import run_killed
from whereshot.foundation.errors import InputError, OutputError
from whereshot.photos import images, pack, picture_bytes
from whereshot.photos.batches import batches, content_digest
from whereshot.photos.pack import key_of
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.records import Records

SIZES = [(90, 60), (60, 90), (40, 30), (30, 300), (64, 64), (200, 150)]


def write(folder: Path, count: int, ids: list[str] | None = None) -> Path:
    """Records of photos of several sizes; of the numbers that end in 7 there is no file, in 8 a broken one."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    rows = []
    for number in range(count):
        width, height = SIZES[number % len(SIZES)]
        path: Path | None = folder / f"{number}.jpg"
        coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        coarse.resize((width, height)).save(path, exif=exif(1.0, 2.0, orientation=6 if number % 2 else 1).tobytes())
        if number % 10 == 7:
            path = None
        elif number % 10 == 8:
            (folder / f"{number}.jpg").write_bytes(b"no picture")
        name = f"photo {number}" if ids is None else ids[number]
        rows.append({"id": name, "image": str(path) if path else None, "latitude": float(number), "tags": ["a", "é"]})
    Records(pa.Table.from_pylist(rows)).write(folder / "records.parquet")
    return folder / "records.parquet"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 photos, packed 16 to a shard."""
    folder = tmp_path_factory.mktemp("pack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "SHARD_PHOTOS", 16)
        found = pack.pack(write(folder / "in", 40), folder / "out", size=48, workers=1)
    assert found | {"seconds": 0} == {
        "rows": 40,
        "kept": 32,
        "rejected": {"no image file": 4, "unreadable picture": 4},
        "seconds": 0,
    }
    return folder / "out"


def test_the_index_says_where_every_photo_is(packed: Path) -> None:
    records = Records.read(packed)
    expected = [number for number in range(40) if number % 10 not in (7, 8)]
    assert records.strings("id") == [f"photo {number}" for number in expected]
    assert records.numbers("latitude").tolist() == expected
    for row in records.table.to_pylist():
        number = int(row["id"].split()[1])
        data = (packed / row["shard"]).read_bytes()[row["offset"] : row["offset"] + row["length"]]
        assert row["image"] == picture_bytes.member(packed / row["shard"], row["offset"], row["length"])
        assert picture_bytes.contents(row["image"]) == data
        width, height = SIZES[number % len(SIZES)]
        width, height = (height, width) if number % 2 else (width, height)  # upright
        scale = min(1.0, 48 / min(width, height))
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG" and image.mode == "RGB" and not image.getexif()
            assert image.size == (round(width * scale), round(height * scale))
    shards = records.strings("shard")
    assert sorted(set(shards)) == ["shard-00000.tar", "shard-00001.tar", "shard-00002.tar"]
    for shard in set(shards):
        rows = [row for row, name in enumerate(shards) if name == shard]
        assert records[rows].numbers("position").tolist() == list(range(len(rows)))
        assert (np.diff(records[rows].numbers("offset")) > 0).all()


def test_a_tar_is_what_webdataset_reads(packed: Path) -> None:
    """Pairs of .jpg and .json with one key each, in order; the whole record but its place on the packer's disk."""
    told = []
    for shard in sorted(packed.glob("*.tar")):
        with tarfile.open(shard) as tar:
            names = tar.getnames()
            assert names[::2] == [name.removesuffix(".json") + ".jpg" for name in names[1::2]]
            assert all(name.count(".") == 1 and "/" not in name for name in names)
            told += [json.load(tar.extractfile(name)) for name in names[1::2]]  # type: ignore[arg-type]
    assert [row["id"] for row in told] == Records.read(packed).strings("id")
    assert told[3] == {"id": "photo 3", "latitude": 3.0, "tags": ["a", "é"]}


def test_rejects_say_why(packed: Path) -> None:
    tables = [pq.read_table(path) for path in sorted((packed / "rejects").glob("*.parquet"))]
    rejects = {row["id"]: row for table in tables for row in table.to_pylist()}
    assert rejects["photo 7"]["detail"] == "the record names no image file"
    image = rejects["photo 8"]["image"]
    assert rejects["photo 8"]["detail"] == f"{image}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"


def test_a_packed_folder_loads_like_files_in_any_order(packed: Path, tmp_path: Path) -> None:
    records = Records.read(packed)
    files = []
    for row, source in enumerate(records.strings("image")):
        files.append(tmp_path / f"{row}.jpg")
        files[-1].write_bytes(picture_bytes.contents(source))  # type: ignore[arg-type]
    settings = Preprocess(size=32, resize=32)
    order = np.random.default_rng(0).permutation(len(records))
    for given in ({}, {"order": order}, {"order": order, "random_crops": (1, 2)}):
        one = list(batches(records.strings("image"), settings, batch_size=8, **given))  # type: ignore[arg-type]
        other = list(batches(files, settings, batch_size=8, **given))  # type: ignore[arg-type]
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left.crops, right.crops)
            np.testing.assert_array_equal(left.rows, right.rows)
    digests = [content_digest(source) for source in records.strings("image")]  # type: ignore[arg-type]
    assert digests == [content_digest(path) for path in files] and len(set(digests)) == len(files)


def test_a_packed_folder_may_be_moved(packed: Path, tmp_path: Path) -> None:
    shutil.copytree(packed, tmp_path / "moved")
    moved = Records.read(tmp_path / "moved")
    assert moved[0]["image"].startswith(str(tmp_path / "moved" / "shard-00000.tar#"))
    assert images.open_rgb(moved[5]["image"]).size == (48, 64)
    moved[[1, 2]].write(tmp_path / "selection.parquet")
    selection = Records.read(tmp_path / "selection.parquet")
    assert selection.strings("image") == moved[[1, 2]].strings("image")


def test_processes_pack_the_same_bytes_and_done_is_done(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "SHARD_PHOTOS", 16)
    source = packed.parent / "in" / "records.parquet"
    pack.pack(source, tmp_path / "out", size=48, workers=2)
    assert outcome(tmp_path / "out") == outcome(packed)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.tar")}
    found = pack.pack(source, tmp_path / "out", size=48, workers=1)
    assert (found["rows"], found["kept"]) == (40, 32)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.tar")} == times
    with pytest.raises(OutputError, match="begun by another job \\(size was 48, is 32\\)"):
        pack.pack(source, tmp_path / "out", size=32)
    pack.pack(source, tmp_path / "out", size=32, workers=1, overwrite=True)
    assert min(images.open_rgb(Records.read(tmp_path / "out")[0]["image"]).size) == 32


def test_ids_of_any_kind(tmp_path: Path) -> None:
    ids = ["a/b", "a-b", "../../etc", "日本/東京", "A", "a", "", "x" * 70, "..", "nul\0", "a/b"]
    keys = [key_of(name) for name in ids[:10]]
    assert len({key.lower() for key in keys if key != "A"}) == 9
    assert all(len(key) <= 64 and key.isascii() and "/" not in key and "." not in key for key in keys)
    found = pack.pack(write(tmp_path / "in", 11, ids), tmp_path / "out", size=20)
    assert found["rejected"] == {"no image file": 1, "unreadable picture": 1, "duplicate id": 1}
    kept = Records.read(tmp_path / "out")
    assert kept.strings("id") == [*ids[:7], ids[9]]
    with tarfile.open(tmp_path / "out" / "shard-00000.tar") as tar:
        assert [json.load(tar.extractfile(name))["id"] for name in tar.getnames()[1::2]] == kept.strings("id")  # type: ignore[arg-type]


def test_settings_and_places_that_cannot_be(tmp_path: Path) -> None:
    source = write(tmp_path / "in", 3)
    for settings, message in (
        ({"size": 0}, "size must be 16 to 4096 pixels; got 0"),
        ({"size": 5000}, "size must be 16 to 4096 pixels; got 5000"),
        ({"quality": 0}, "quality must be 1 to 100; got 0"),
        ({"quality": 101}, "quality must be 1 to 100; got 101"),
    ):
        with pytest.raises(InputError) as caught:
            pack.pack(source, tmp_path / "out", **settings)
        assert str(caught.value) == message
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: a file is in the way; name a folder"):
        pack.pack(source, tmp_path / "file")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "bare.parquet")
    with pytest.raises(InputError, match="no column 'image' that names files; download them with: whereshot fetch"):
        pack.pack(tmp_path / "bare.parquet", tmp_path / "out")
    with pytest.raises(OutputError, match="the records themselves are there"):
        pack.pack(source, tmp_path / "in")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_takes_no_more_is_one_line(tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "SHARD_PHOTOS", 2)
    source = write(tmp_path / "in", 4)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "shard-00000.tar").mkdir()  # nothing can be renamed onto it
    with pytest.raises(OutputError, match=r"shard-00000\.tar: a folder; name a file") as caught:
        pack.pack(source, tmp_path / "out", workers=workers)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").glob(".shard-00000*"))


SCRIPT = """
import sys
from whereshot.photos import pack
pack.SHARD_PHOTOS = 25
pack.pack(sys.argv[1], sys.argv[2], size=48, workers=1)
"""


def outcome(out: Path) -> list[tuple]:
    """Every file of a folder but its own notes: tars by their bytes, shards by their rows less the folder's name."""
    found = []
    for path in sorted(out.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found.append((path.relative_to(out), table.drop_columns("image").to_pylist()))
        elif path.is_file() and path.name != "_manifest.jsonl":
            found.append((path.relative_to(out), hashlib.sha256(path.read_bytes()).hexdigest()))
    return found


@pytest.mark.slow
def test_killed_at_ten_moments_it_ends_as_if_undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "SHARD_PHOTOS", 25)
    source = write(tmp_path / "in", 300)
    pack.pack(source, tmp_path / "expected", size=48, workers=1)
    out = tmp_path / "out"
    command = [sys.executable, "-c", SCRIPT, str(source), str(out)]
    for number in range(1, 11):
        run_killed(command, out, at=number)
    subprocess.run(command, check=True)
    assert outcome(out) == outcome(tmp_path / "expected")
