"""Batches: every row once, in crops or in errors, in order, whatever the threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whereshot.foundation.errors import InputError
from whereshot.photos import preprocess
from whereshot.photos.augment import AugmentSettings, RandAugmentSettings
from whereshot.photos.batches import Batch, Processes, batches, content_digest
from whereshot.photos.images import Source
from whereshot.photos.preprocess import Preprocess, RandomCrop
from whereshot.photos.reject_reasons import NO_FILE_DETAIL

SETTINGS = Preprocess(size=32, resize=32, crops=3)


@pytest.fixture
def sources(tmp_path: Path) -> list[Source | None]:
    """Wide, square and tall pictures, a record without a file, a broken file and a missing one."""
    rng = np.random.default_rng(4)
    found: list[Source | None] = []
    for row in range(11):
        shape = [(40, 90), (50, 50), (90, 40)][row % 3]
        path = tmp_path / f"{row}.png"
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(path)
        found.append(path)
    (tmp_path / "broken.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    found[2] = None
    found[5] = tmp_path / "broken.png"
    found[8] = tmp_path / "missing.png"
    return found


BAD = {2, 5, 8}


def collect(made: list[Batch]) -> tuple[list[int], dict[int, np.ndarray], dict[int, str]]:
    """Rows in order, each row's crops, and the errors."""
    rows, crops, errors = [], {}, {}
    for batch in made:
        assert batch.crops.shape[1:] == (3, 32, 32) and batch.crops.dtype == np.float32
        assert len(batch.owner) == len(batch.crops)
        assert (np.diff(batch.owner) >= 0).all()
        assert set(batch.owner.tolist()) == set(range(len(batch.rows)))
        assert not set(batch.rows.tolist()) & set(batch.errors)
        rows += batch.rows.tolist()
        for number, row in enumerate(batch.rows.tolist()):
            assert row not in crops
            crops[row] = batch.crops[batch.owner == number]
        assert not set(errors) & set(batch.errors)
        errors |= batch.errors
    return rows, crops, errors


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 11, 100])
def test_every_row_is_once_in_rows_or_errors(sources: list, batch_size: int, threads: int, tmp_path: Path) -> None:
    made = list(batches(sources, SETTINGS, batch_size=batch_size, threads=threads))
    assert len(made) == -(-len(sources) // batch_size)
    assert all(len(batch.rows) + len(batch.errors) == batch_size for batch in made[:-1])
    rows, crops, errors = collect(made)
    assert rows == [row for row in range(11) if row not in BAD]
    assert set(errors) == BAD
    assert errors[2] == NO_FILE_DETAIL == "the record names no image file"
    assert errors[5].startswith(f"{tmp_path / 'broken.png'}: the picture is damaged (")
    assert errors[8] == f"{tmp_path / 'missing.png'}: no such file"
    for row, array in crops.items():
        np.testing.assert_array_equal(array, preprocess.load(sources[row], SETTINGS))
        assert len(array) == (1 if row % 3 == 1 else 3)


def test_an_order_is_kept_and_may_leave_rows_out(sources: list) -> None:
    order = np.array([10, 5, 0, 7, 3])
    made = list(batches(sources, SETTINGS, batch_size=2, threads=2, order=order))
    rows, crops, errors = collect(made)
    assert rows == [10, 0, 7, 3] and set(errors) == {5}
    assert [batch.rows.tolist() for batch in made] == [[10], [0, 7], [3]]
    for row in rows:
        np.testing.assert_array_equal(crops[row], preprocess.load(sources[row], SETTINGS))


def test_no_photos_make_no_batch() -> None:
    assert list(batches([], SETTINGS)) == []
    assert list(batches([None], SETTINGS, order=np.array([], int))) == []


def test_a_batch_of_bad_photos_has_empty_arrays(sources: list) -> None:
    (batch,) = batches([None, sources[8]], SETTINGS)
    assert batch.rows.shape == (0,) and batch.rows.dtype == np.int64
    assert batch.crops.shape == (0, 3, 32, 32) and batch.crops.dtype == np.float32
    assert batch.owner.shape == (0,)
    assert list(batch.errors) == [0, 1]


def test_random_crops_depend_on_seed_epoch_and_row_only(sources: list) -> None:
    settings = [
        {"batch_size": 3, "threads": 1},
        {"batch_size": 4, "threads": 3},
        {"batch_size": 2, "threads": 2, "order": np.arange(11)[::-1]},
    ]
    found = [collect(list(batches(sources, SETTINGS, random_crops=(7, 1), **given)))[1] for given in settings]  # type: ignore[arg-type]
    (other,) = [collect(list(batches(sources, SETTINGS, random_crops=(7, 2))))[1]]
    for row in set(range(11)) - BAD:
        expected = preprocess.normalised(
            preprocess.random_pixels(sources[row], SETTINGS, np.random.default_rng([7, 1, row])), SETTINGS
        )
        assert expected.shape == (1, 3, 32, 32)
        for crops in found:
            np.testing.assert_array_equal(crops[row], expected)
        assert np.abs(other[row] - expected).max() > 0.1


def test_augmentation_depends_on_seed_epoch_and_row_only(sources: list) -> None:
    given = [{"batch_size": 3}, {"batch_size": 2, "threads": 2, "order": np.arange(11)[::-1]}]
    one, same = (collect(list(batches(sources, SETTINGS, random_crops=(7, 1), augment=CHANGED, **g)))[1] for g in given)  # type: ignore[arg-type]
    plain = collect(list(batches(sources, SETTINGS, random_crops=(7, 1))))[1]
    off = collect(list(batches(sources, SETTINGS, random_crops=(7, 1), augment=AugmentSettings())))[1]
    for row in set(range(11)) - BAD:
        np.testing.assert_array_equal(one[row], same[row])
        np.testing.assert_array_equal(off[row], plain[row])
        assert np.abs(one[row] - plain[row]).max() > 0.1


@pytest.fixture(scope="module")
def two_processes() -> Iterator[Processes]:
    with Processes(2) as loader:
        yield loader


CHANGED = AugmentSettings(crop=RandomCrop(area=(0.3, 0.9)), rand_augment=RandAugmentSettings(), hue=0.1)


@pytest.mark.parametrize(("random_crops", "augment"), [(None, None), ((7, 1), None), ((7, 1), CHANGED)])
def test_processes_give_the_same_batches_epoch_after_epoch(
    sources: list, two_processes: Processes, random_crops: tuple[int, int] | None, augment: AugmentSettings | None
) -> None:
    for order in (None, np.array([10, 5, 0, 7, 3, 1, 8])):
        given = {"batch_size": 2, "order": order, "random_crops": random_crops, "augment": augment}
        made, expected = (list(load(sources, SETTINGS, **given)) for load in (two_processes, batches))  # type: ignore[operator]
        assert len(made) == len(expected)
        for one, other in zip(made, expected, strict=True):
            np.testing.assert_array_equal(one.rows, other.rows)
            np.testing.assert_array_equal(one.crops, other.crops)
            np.testing.assert_array_equal(one.owner, other.owner)
            assert one.errors == other.errors


def test_processes_stop_early_and_go_on(sources: list, two_processes: Processes) -> None:
    made = two_processes(sources, SETTINGS, batch_size=1)
    assert next(made).rows.tolist() == [0]
    made.close()  # type: ignore[attr-defined]
    assert next(two_processes(sources, SETTINGS, batch_size=1)).rows.tolist() == [0]


def test_there_is_at_least_one_process() -> None:
    with pytest.raises(InputError, match="workers must be at least 1; got 0"):
        Processes(0)


def test_a_loop_may_stop_early(sources: list) -> None:
    made = batches(sources, SETTINGS, batch_size=1, threads=2)
    assert next(made).rows.tolist() == [0]
    made.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(made)


def test_pictures_in_memory_are_sources_too() -> None:
    picture = Image.new("RGB", (40, 40), "white")
    (batch,) = batches([picture, b"nothing"], SETTINGS)
    assert batch.rows.tolist() == [0]
    assert batch.errors == {1: "picture of 7 bytes: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"}


def test_content_digest_names_the_content(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two"), ("d", b"")):
        (tmp_path / name).write_bytes(content)
    a, b, c, d = (content_digest(tmp_path / name) for name in "abcd")
    assert a == b and len({a, c, d}) == 3 and len(a or b"") == 16
    assert content_digest(tmp_path / "missing") is None
    assert content_digest(tmp_path) is None
    assert content_digest(str(tmp_path / "a")) == a


def test_photos_of_one_shape_are_a_batch(tmp_path: Path) -> None:
    """Whole pictures differ in shape; every readable row comes once, every unreadable one once among the errors."""
    wide, tall = Image.new("RGB", (120, 60)), Image.new("RGB", (60, 120))
    settings = SETTINGS.model_copy(update={"whole": True, "crops": 1})
    made = list(batches([wide, tall, b"nothing", wide], settings, batch_size=4))
    assert [batch.rows.tolist() for batch in made] == [[0, 3], [1]]
    assert made[0].crops.shape[2] < made[0].crops.shape[3] and made[1].crops.shape[2] > made[1].crops.shape[3]
    assert [sorted(batch.errors) for batch in made] == [[2], []]
    (none,) = batches([b"nothing"], settings)
    assert len(none.rows) == len(none.crops) == 0 and list(none.errors) == [0]
