"""Features are computed once per picture, by what is in the file, and survive a kill."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation.errors import OutputError
from whereshot.models import features
from whereshot.photos.batches import Batch
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.reject_reasons import NO_FILE_DETAIL

SETTINGS = Preprocess(size=16, resize=16)


class Counting:
    """A backbone's stand-in that counts the photos it is shown; can be its own ``make``."""

    def __init__(self) -> None:
        self.photos = 0

    def __call__(self, batch: Batch) -> dict[str, NDArray]:
        self.photos += len(batch.rows)
        return {"pooled": batch.crops.mean(axis=(2, 3))}


def paint(path: Path, number: int) -> str:
    Image.new("RGB", (20, 20), (number, 255 - number, 7)).save(path)
    return str(path)


@pytest.fixture
def photos(tmp_path: Path) -> list[str | None]:
    (tmp_path / "photos").mkdir()
    return [paint(tmp_path / "photos" / f"{number}.png", number) for number in range(12)]


def computed(
    paths: list[str | None], cache: Path, identity: str = "weights", settings: Preprocess = SETTINGS
) -> tuple[NDArray, dict[int, str], int]:
    """Features, errors, and how many photos the network saw."""
    network = Counting()
    vectors, errors = features.cached_features(paths, settings, identity, lambda: network, cache=cache)
    return vectors, errors, network.photos


def expected(number: int) -> NDArray:
    return (np.array([number, 255 - number, 7]) / 255 - SETTINGS.mean) / SETTINGS.std


def test_a_second_time_asks_no_network(photos: list[str | None], tmp_path: Path) -> None:
    first, errors, seen = computed(photos, tmp_path / "cache")
    assert (errors, seen) == ({}, 12)
    np.testing.assert_allclose(first, [expected(number) for number in range(12)], atol=1e-4)
    again, errors, seen = computed(photos[::-1], tmp_path / "cache")
    assert (errors, seen) == ({}, 0)
    assert np.array_equal(again[::-1], first)


def test_the_picture_counts_and_not_its_name(photos: list[str | None], tmp_path: Path) -> None:
    first, _, _ = computed(photos, tmp_path / "cache")
    moved = shutil.move(photos[3], tmp_path / "other name.png")
    vectors, errors, seen = computed([moved, photos[4]], tmp_path / "cache")
    assert (errors, seen) == ({}, 0)
    assert np.array_equal(vectors, first[3:5])

    paint(Path(photos[5]), 200)  # another picture under an old name
    vectors, errors, seen = computed(photos[4:6], tmp_path / "cache")
    assert (errors, seen) == ({}, 1)
    np.testing.assert_allclose(vectors, [expected(4), expected(200)], atol=1e-4)


def test_the_same_picture_twice_is_computed_once(photos: list[str | None], tmp_path: Path) -> None:
    copy = shutil.copy(photos[0], tmp_path / "copy.png")
    vectors, errors, seen = computed([photos[0], copy, photos[0]], tmp_path / "cache")
    assert (errors, seen) == ({}, 1)
    assert (vectors == vectors[0]).all()


def test_other_weights_and_settings_have_their_own(photos: list[str | None], tmp_path: Path) -> None:
    computed(photos, tmp_path / "cache")
    assert computed(photos, tmp_path / "cache", "other weights")[2] == 12
    assert computed(photos, tmp_path / "cache", settings=Preprocess(size=16, resize=20))[2] == 12
    assert computed(photos, tmp_path / "cache")[2] == 0


def test_unreadable_pictures_are_named_and_tried_again(photos: list[str | None], tmp_path: Path) -> None:
    Path(photos[1]).write_text("no picture")
    twin = shutil.copy(photos[1], tmp_path / "twin.png")
    missing = str(tmp_path / "missing.png")
    paths = [photos[0], photos[1], missing, None, twin]
    for seen_expected in (1, 0):
        vectors, errors, seen = computed(paths, tmp_path / "cache")
        assert seen == seen_expected
        unknown = "not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
        assert errors == {
            1: f"{photos[1]}: {unknown}",
            2: f"{missing}: no such file",
            3: NO_FILE_DETAIL,
            4: f"{photos[1]}: {unknown}",
        }
        np.testing.assert_allclose(vectors[0], expected(0), atol=1e-4)
        assert (vectors[1:] == 0).all()
    paint(Path(photos[1]), 1)
    assert computed(paths, tmp_path / "cache")[2] == 1


def test_nothing_readable(tmp_path: Path) -> None:
    vectors, errors, seen = computed([None, None], tmp_path / "cache")
    assert vectors.shape == (2, 0)
    assert (errors, seen) == ({0: NO_FILE_DETAIL, 1: NO_FILE_DETAIL}, 0)


def test_a_broken_shard_is_computed_again(photos: list[str | None], tmp_path: Path) -> None:
    first, _, _ = computed(photos, tmp_path / "cache")
    (shard,) = (tmp_path / "cache").rglob("*.parquet")
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    again, errors, seen = computed(photos, tmp_path / "cache")
    assert (errors, seen) == ({}, 12)
    assert np.array_equal(again, first)
    assert not shard.exists()
    assert computed(photos, tmp_path / "cache")[2] == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from whereshot.models import features
from whereshot.photos.preprocess import Preprocess

features.SHARD_PHOTOS = 16
shown = 0

def compute(batch):
    global shown
    shown += len(batch.rows)
    if shown > 40:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"pooled": batch.crops.mean(axis=(2, 3))}

paths = sorted(map(str, Path(sys.argv[1]).glob("*.png")))
features.cached_features(paths, Preprocess(size=16, resize=16), "weights", lambda: compute, cache=Path(sys.argv[2]))
"""


def test_a_killed_run_keeps_its_finished_shards(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    paths = sorted(paint(tmp_path / "photos" / f"{number}.png", number) for number in range(60))
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "photos"), str(tmp_path / "cache")]
    killed = subprocess.run(arguments, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    shards = [pq.read_table(shard) for shard in (tmp_path / "cache").rglob("*.parquet")]
    assert [len(shard) for shard in shards] == [16, 16]
    vectors, errors, seen = computed(paths, tmp_path / "cache")
    assert (errors, seen) == ({}, 60 - 32)
    numbers = [int(Path(path).stem) for path in paths]
    np.testing.assert_allclose(vectors, [expected(number) for number in numbers], atol=1e-4)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, photos: list[str | None], tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert features.default_cache() == tmp_path / "home" / "whereshot" / "features"
    features.cached_features(photos, SETTINGS, "weights", Counting)
    assert len([*features.default_cache().rglob("*.parquet")]) == 1
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    assert features.default_cache() == tmp_path / "user" / ".cache" / "whereshot" / "features"


def test_a_cache_that_cannot_be_written(photos: list[str | None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=rf"^{tmp_path}/file/.*: cannot be written \({tmp_path}/file is a file\); ch"):
        computed(photos, tmp_path / "file")
