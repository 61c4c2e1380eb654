"""Photos through a network: each exactly once, in one process or several, and the unreadable ones named."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track, silent
from whereshot.models import runtime
from whereshot.photos.batches import Batch
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.reject_reasons import NO_FILE_DETAIL

SETTINGS = Preprocess(size=16, resize=16, crops=2)


class MeanColour:
    """A network's stand-in: the mean colour of a photo's crops; notes in a file every photo that it sees."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def __call__(self, batch: Batch) -> dict[str, NDArray]:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {len(batch.rows)}\n")
        means = batch.crops.mean(axis=(2, 3))
        return {"colour": np.stack([means[batch.owner == row].mean(axis=0) for row in range(len(batch.rows))])}


def seen(log: Path) -> tuple[set[str], int]:
    """The processes that worked, and how many photos they saw."""
    lines = [line.split() for line in log.read_text().splitlines()]
    return {process for process, _ in lines}, sum(int(count) for _, count in lines)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[str | None]:
    """40 photos of distinct colours; one is no picture, one is damaged, one is missing, one has no file at all."""
    folder = tmp_path_factory.mktemp("photos")
    paths: list[str | None] = []
    for number in range(40):
        path = folder / f"{number}.png"
        Image.new("RGB", (40 if number % 3 else 20, 20), (6 * number, 255 - 6 * number, 100)).save(path)
        paths.append(str(path))
    Path(paths[7]).write_text("no picture")
    Path(paths[20]).write_bytes(Path(paths[21]).read_bytes()[:60])
    Path(paths[33]).unlink()
    return [*paths[:39], None]


BROKEN = {7, 20, 33, 39}


def collected(
    sources: Sequence, log: Path, *, workers: int = 1, track: Track = silent
) -> tuple[dict[int, NDArray], dict[int, str]]:
    """Outputs and errors by row; fails where a row comes twice."""
    outputs: dict[int, NDArray] = {}
    errors: dict[int, str] = {}
    make = functools.partial(MeanColour, log)
    for rows, block, failed in runtime.compute_outputs(sources, SETTINGS, make, workers=workers, track=track):
        for row, colour in zip(rows.tolist(), block.get("colour", []), strict=True):
            assert row not in outputs
            outputs[row] = colour
        assert errors.keys().isdisjoint(failed)
        errors.update(failed)
    return outputs, errors


def test_every_photo_once_and_the_broken_ones_named(photos: list[str | None], tmp_path: Path) -> None:
    outputs, errors = collected(photos, tmp_path / "log")
    assert outputs.keys() == set(range(40)) - BROKEN
    assert errors.keys() == BROKEN
    assert errors[7] == f"{photos[7]}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
    assert errors[20].startswith(f"{photos[20]}: the picture is damaged (")
    assert errors[33] == f"{photos[33]}: no such file"
    assert errors[39] == NO_FILE_DETAIL
    for row, colour in outputs.items():
        expected = (np.array([6 * row, 255 - 6 * row, 100]) / 255 - SETTINGS.mean) / SETTINGS.std
        np.testing.assert_allclose(colour, expected, atol=1e-4)
    assert seen(tmp_path / "log") == ({str(os.getpid())}, 36)


def test_two_processes_say_the_same(photos: list[str | None], tmp_path: Path) -> None:
    alone, alone_errors = collected(photos, tmp_path / "alone")
    spread, spread_errors = collected(photos, tmp_path / "spread", workers=2)
    assert spread_errors == alone_errors
    assert spread.keys() == alone.keys()
    for row, colour in alone.items():
        assert np.array_equal(spread[row], colour)
    processes, count = seen(tmp_path / "spread")
    assert count == 36
    assert processes
    assert str(os.getpid()) not in processes


def test_pictures_in_memory_stay_in_this_process(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (20, 20), (number, 0, 0)) for number in range(20)]
    outputs, errors = collected(pictures, tmp_path / "log", workers=2)
    assert (len(outputs), errors) == (20, {})
    assert seen(tmp_path / "log") == ({str(os.getpid())}, 20)


def test_progress_counts_photos(photos: list[str | None], tmp_path: Path) -> None:
    counted = []

    def track(items: Iterable, total: int, what: str) -> Iterator:
        passed = 0
        for item in items:
            passed += 1
            yield item
        counted.append((passed, total, what))

    collected(photos, tmp_path / "log", track=track)
    assert counted == [(40, 40, "looking at photos")]


def test_no_photos_at_all(tmp_path: Path) -> None:
    assert collected([], tmp_path / "log") == ({}, {})


def test_a_batch_without_a_readable_photo_does_not_reach_the_network(tmp_path: Path) -> None:
    outputs, errors = collected([None] * 20, tmp_path / "log")
    assert outputs == {}
    assert errors == dict.fromkeys(range(20), NO_FILE_DETAIL)
    assert not (tmp_path / "log").exists()


def test_torch_compute_gives_arrays() -> None:
    def apply(crops: torch.Tensor, owner: torch.Tensor, count: int) -> dict[str, torch.Tensor]:
        assert not torch.is_grad_enabled()
        return {"half": crops.sum(dim=(1, 2, 3))[:count].half(), "owner": owner}

    batch = Batch(np.arange(2), np.ones((3, 3, 2, 2), np.float32), np.array([0, 0, 1]), {}, np.zeros(2, bool))
    outputs = runtime.TorchCompute(apply)(batch)
    assert {name: (values.dtype, values.tolist()) for name, values in outputs.items()} == {
        "half": (np.float32, [12.0, 12.0]),
        "owner": (np.float32, [0.0, 0.0, 1.0]),
    }


def test_devices() -> None:
    assert runtime.pick_device("cpu") == "cpu"
    assert runtime.pick_device(None) == ("cuda" if torch.cuda.is_available() else "cpu")
    for wrong in ("toaster", "cuda:99", ""):
        with pytest.raises(InputError) as caught:
            runtime.pick_device(wrong)
        assert str(caught.value).startswith(f"device {wrong!r} cannot be used here (")
        assert "\n" not in str(caught.value)


def test_processes_only_where_they_are_worth_it() -> None:
    cores = len(os.sched_getaffinity(0))
    assert runtime.default_workers(10) == 1
    assert runtime.default_workers(2 * runtime.WORTH_A_PROCESS) == min(cores, 2)
    assert runtime.default_workers(10**6) == cores
    assert runtime.default_workers(10**6, "cuda") == 1
