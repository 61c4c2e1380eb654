"""Training: the same twice, the same after a kill, refused early and in one line, and no photo lost on the way."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import TOWNS
from killing import run_killed
from whereshot.earth import sphere
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, InputError, OutputError, WhereshotError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models import networks
from whereshot.models.model_folder import ModelFolder
from whereshot.models.networks import backbone
from whereshot.models.optimize.processes import ALONE
from whereshot.photos.batches import content_digest
from whereshot.photos.sources import SOURCES
from whereshot.training.train import Run, TrainingJob, train

FAST = ["optimizer.epochs=1", "calibration.folds=2"]
TRAINED = [
    "backbone.trained=true",
    "data.validation=0.3",
    "data.split_by=group",
    "optimizer.epochs=10",
    "optimizer.learning_rate=0.003",
    "optimizer.precision=float32",
    "scaling_power=0.5",
]

PROCEDURE = [
    *TRAINED,
    "optimizer.epochs=6",
    "optimizer.then=[{kind='sgd', momentum=0.9, epochs=4, learning_rate=0.003, schedule='exponential'}]",
    "optimizer.ema=0.9",
    "optimizer.accumulate=2",
    "optimizer.layer_decay=0.9",
    "augment={flip=0.5, rand_augment={}, crop={area=[0.3, 1.0]}}",
    "sampling={balance=1.0, anneal_epochs=5}",
]
"""All that a training may have in its state, in ten epochs."""


def run_of(tiny: Path, out: Path, *changes: str) -> Run:
    """The tiny run, with another output folder and some changes."""
    return settings_file.load(tiny / "run.toml", Run, [f"out={out}", *changes])


def refused(run: Run, error: type[WhereshotError], **options: Any) -> str:
    with pytest.raises(error) as caught:
        train(run, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def log(folder: Path) -> list[dict[str, float]]:
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


# --- what comes out


def test_the_model_knows_its_towns(tiny_model: Path, tiny: Path, tmp_path: Path) -> None:
    """New photos of the same colours: each town is found, and its circle holds it."""
    rng = np.random.default_rng(77)
    sky = np.linspace(20, -20, 80)[:, None, None]  # as the photos that were learned have it
    photos = []
    for town, (_, _, colour) in TOWNS.items():
        pixels = np.clip(rng.normal(colour, 25, (80, 64, 3)) + sky, 0, 255).astype(np.uint8)
        photos.append(tmp_path / f"{town}.png")
        Image.fromarray(pixels).save(photos[-1])
    for prediction, (latitude, longitude, _) in zip(
        Geolocator.load(tiny_model).locate(photos, text=False), TOWNS.values(), strict=True
    ):
        error = sphere.distance_km(
            np.array([prediction.latitude, prediction.longitude]), np.array([latitude, longitude])
        )
        assert error < 5, prediction.id
        assert prediction.within[25] > 0.5


def test_the_folder_tells_how_it_was_made(tiny_model: Path, tiny: Path) -> None:
    folder = ModelFolder(tiny_model)
    told = folder.description.training
    assert {key: told[key] for key in ("photos", "gallery", "places", "rejected", "epochs", "seed")} == {
        "photos": 48,
        "gallery": 48,
        "places": 48,
        "rejected": 0,
        "epochs": 6,
        "seed": 0,
    }
    assert settings_file.load(tiny_model / "run.toml", Run) == settings_file.load(tiny / "run.toml", Run)
    assert [row["epoch"] for row in log(tiny_model)] == [1, 2, 3, 4, 5, 6]
    assert log(tiny_model)[-1]["train_loss"] < log(tiny_model)[0]["train_loss"] / 2
    assert folder.calibration.photos.keys() == {"seen", "unseen"}
    assert sum(folder.calibration.photos.values()) == 2 * 48  # held out by group, and again by place
    card = (tiny_model / "README.md").read_text()
    assert card.startswith("# tiny\n")
    assert "Backbone: test_efficientnet (frozen); head: classify over 4 / 6 cells." in card
    assert "48 photos of 48 places; 0 were rejected" in card
    assert not tiny_model.with_name("model.training").exists()


def test_twice_is_the_same_to_the_byte(tiny_model: Path, tiny: Path, tmp_path: Path) -> None:
    again = train(run_of(tiny, tmp_path / "again"), cache=tmp_path / "cache")  # features computed anew
    for name in ("weights.safetensors", "gallery.safetensors", "calibration.toml", "cells-1.parquet"):
        assert (again / name).read_bytes() == (tiny_model / name).read_bytes(), name
    assert log(again) == log(tiny_model)


def test_validation_stops_early_and_keeps_the_best(tiny: Path, tmp_path: Path) -> None:
    changes = ["data.validation=0.3", "optimizer.epochs=40", "optimizer.patience=2", "optimizer.learning_rate=3.0"]
    folder = train(run_of(tiny, tmp_path / "model", *changes))
    rows = log(folder)
    losses = [row["validation_loss"] for row in rows]
    best = int(np.argmin(losses)) + 1
    assert len(rows) == best + 2 < 40
    told = ModelFolder(folder).description.training
    assert told["epochs"] == best
    assert told["photos"] < told["gallery"] == 48


# --- kills


@pytest.fixture(scope="module")
def undisturbed(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a trained backbone, made without a kill."""
    return train(run_of(tiny, tmp_path_factory.mktemp("undisturbed") / "model", *PROCEDURE))


def test_backbone_is_trained_too(undisturbed: Path, tiny: Path) -> None:
    folder = ModelFolder(undisturbed)
    assert folder.description.backbone.trained
    network, run = folder.network(), settings_file.load(tiny / "run.toml", Run)
    started = networks.create(run.backbone)
    assert started.identity == folder.description.backbone.identity
    assert backbone._state_digest(network.backbone.network) != started.identity
    rows = log(undisturbed)
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    assert all(row["validation_loss"] > 0 for row in rows)
    told = folder.description.training
    assert told["photos"] == told["gallery"] < 48  # the rest is what it is calibrated on
    assert sum(folder.calibration.photos.values()) == 48 - told["photos"]
    predictions = Geolocator.load(undisturbed).locate([tiny / "lima-0.png"], text=False)
    assert predictions[0].error is None


def test_a_kill_leaves_no_trace(undisturbed: Path, tiny: Path, tmp_path: Path) -> None:
    """kill -9 in the midst of training; resumed, it ends with the same bits as if nothing had been."""
    out = tmp_path / "model"
    changes = [part for change in (f"out={out}", *PROCEDURE) for part in ("--set", change)]
    command = [sys.executable, "-m", "whereshot.cli", "train", str(tiny / "run.toml"), *changes]
    state = tmp_path / "model.training" / "network" / "state.json"
    run_killed(command, state, at=3)
    assert not out.exists()
    assert json.loads(state.read_text())["epoch"] == 2

    resumed = train(run_of(tiny, out, *PROCEDURE), resume=True)
    assert weights(resumed) == weights(undisturbed)
    assert log(resumed) == log(undisturbed)
    assert (resumed / "calibration.toml").read_bytes() == (undisturbed / "calibration.toml").read_bytes()
    assert not state.exists()


def test_a_loss_that_is_no_number_and_settings_that_changed(tiny: Path, tmp_path: Path) -> None:
    wild = run_of(tiny, tmp_path / "model", "optimizer.learning_rate=1e30")
    said = refused(wild, InputError)
    assert said.startswith(("the loss became nan in epoch ", "the loss became inf in epoch "))
    assert said.endswith("; lower optimizer.learning_rate")
    known = tmp_path / "model.training" / "run.toml"
    assert known.is_file()
    assert refused(run_of(tiny, tmp_path / "model", *FAST), ConfigError, resume=True) == (
        f"{known}: the run was started with other settings; start again without --resume"
    )
    assert train(run_of(tiny, tmp_path / "model", *FAST)) == tmp_path / "model"  # not resumed: from the start
    assert len(log(tmp_path / "model")) == 1


# --- what stands in the way


def test_a_model_is_not_replaced_unasked(tiny_model: Path, tiny: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    run = run_of(tiny, out, "name=second", *FAST)
    assert refused(run, OutputError) == f"{out}: holds a model already; choose another out, or give --overwrite"
    said: list[str] = []
    assert train(run, resume=True, say=said.append) == out
    assert said == [f"{out} is finished already"]
    assert ModelFolder(out).description.name == "tiny"
    train(run, overwrite=True)
    assert ModelFolder(out).description.name == "second"


def test_what_is_no_model_is_left_alone(tiny: Path, tmp_path: Path) -> None:
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "letters.txt").write_text("dear")
    file.write_text("dear")
    for out in (full, file):
        for overwrite in (False, True):
            said = refused(run_of(tiny, out), OutputError, overwrite=overwrite)
            assert said == f"{out}: exists and is not a model folder; choose another out"
    assert (full / "letters.txt").read_text() == file.read_text() == "dear"
    inside = file / "deeper"
    assert refused(run_of(tiny, inside), OutputError) == (
        f"{inside}.training: cannot be written ({file} is a file); choose another place"
    )


# --- rows


@pytest.fixture
def flawed(tiny: Path, tmp_path: Path) -> Path:
    """The photos of four towns, and rows that cannot be used, under column names of their own."""
    rows = (tiny / "photos.csv").read_text().splitlines()
    for name in [row.split(",")[0] for row in rows[1:33]]:
        shutil.copy(tiny / name, tmp_path / name)
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "half.png").write_bytes((tiny / "lima-0.png").read_bytes()[:2000])
    rows[33:] = ["text.jpg,1,2,x", "half.png,1,2,y", "gone.jpg,1,2,z", ",3,4,w", "lima-0.png,95,0,v", "lima-1.png,,,u"]
    rows[0] = "shot,north,east,scene"
    table = tmp_path / "flawed.csv"
    table.write_text("\n".join(rows) + "\n")
    return table


@pytest.mark.parametrize("trained", [False, True])
def test_no_row_vanishes(tiny: Path, flawed: Path, tmp_path: Path, trained: bool) -> None:
    columns = 'data.columns={image="shot", latitude="north", longitude="east", group="scene"}'
    changes = [f"data.train={flawed}", columns, *(TRAINED if trained else []), *FAST]
    said: list[str] = []
    folder = train(run_of(tiny, tmp_path / "model", *changes), say=said.append)
    rejects = pq.read_table(folder / "rejects.parquet").to_pylist()
    reasons = {(Path(row["image"]).name if row["image"] else None): row["reason"] for row in rejects}
    assert len(rejects) == 6
    assert reasons == {
        "text.jpg": "unreadable picture",
        "half.png": "unreadable picture",
        "gone.jpg": "unreadable picture",
        None: "unreadable picture",
        "lima-0.png": "impossible position",
        "lima-1.png": "no position",
    }
    details = {row["detail"] for row in rejects}
    assert f"{tmp_path / 'gone.jpg'}: no such file" in details
    assert "the record names no image file" in details
    assert f"{tmp_path / 'text.jpg'}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)" in details
    assert said[:2] == [
        "2 rows have no usable position; see rejects.parquet in the model folder",
        "4 of 36 pictures could not be read; see rejects.parquet in the model folder",
    ]
    assert ModelFolder(folder).description.training["rejected"] == 6


def test_records_and_another_seed(tiny_model: Path, tiny: Path, tmp_path: Path) -> None:
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    lost = [None, *records.numbers("latitude")[1:]]
    records.with_column("latitude", lost).write(tmp_path / "records")
    said: list[str] = []
    run = run_of(tiny, tmp_path / "model", f"data.train={tmp_path / 'records'}", "seed=1", *FAST)
    folder = train(run, say=said.append)
    (row,) = pq.read_table(folder / "rejects.parquet").to_pylist()
    expected = (records[0]["id"], records[0]["image"], "no position", "latitude or longitude is missing")
    assert tuple(row.values()) == expected
    assert said == [
        "1 rows have no usable position; see rejects.parquet in the model folder",
        "47 photos; 4 / 6 cells",
        "calibrating on held-out photos",
    ]
    assert ModelFolder(folder).description.backbone.identity != ModelFolder(tiny_model).description.backbone.identity


# --- refused before any work


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.split_by=groop", "data.split_by: no column 'groop'; did you mean 'group'?"),
        ("head.kind=clasify", "head.kind: no head 'clasify'; did you mean 'classify'?"),
        ("head.settings={drop_out=0.5}", "head.settings: unknown key 'drop_out'; did you mean 'dropout'?"),
        ("partition.kind=s3", "partition.kind: no partition kind 's3'; did you mean 's2'?"),
        ("partition.levels=[{max=9}, {maxi=9}]", "partition.levels.1: 'max' is missing; "),
        (
            "backbone.trained=true",
            "data.validation must be above 0 for a trained backbone: its photos are for the calibration",
        ),
        ("preprocess.sise=64", "preprocess: unknown key 'sise'; did you mean 'size'?"),
        ("backbone.name=test_efficientnett", "no backbone 'test_efficientnett' in timm; did you mean "),
        ("partition.levels=[{max=8}, {max=16}]", "the levels of a hierarchy go from coarse to fine; got [6, 4] cells"),
        ("data.validation=1e-9", "data.validation = 1e-09 leaves 48 photos and 0"),
    ],
)
def test_wrong_settings(tiny: Path, tmp_path: Path, change: str, said: str) -> None:
    told = refused(run_of(tiny, tmp_path / "model", change), InputError)
    assert told.startswith(said)
    assert said.endswith(("; ", "mean ")) or told == said
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("optimiser.epochs=3", "unknown key 'optimiser'; did you mean 'optimizer'?"),
        ("optimizer.learning_rat=3", "unknown key 'optimizer.learning_rat'; did you mean 'learning_rate'?"),
        ("calibration.folds=1", "'calibration.folds': input should be greater than or equal to 2; got 1"),
    ],
)
def test_wrong_keys(tiny: Path, change: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_file.load(tiny / "run.toml", Run, [change])
    assert str(caught.value) == f"{tiny / 'run.toml'}: {said}"


def test_nothing_to_learn_from(tiny: Path, tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("path,latitude,longitude,group\nlima-0.png,,,x\n")
    run = run_of(tiny, tmp_path / "model", f"data.train={table}")
    assert refused(run, InputError) == f"{table}: no photo with a position to train on"
    table.write_text("path,latitude,longitude,group\ngone.png,1,2,x\n,1,2,y\n")
    said = refused(run, InputError)
    assert said == f"none of 2 pictures could be read; first: {tmp_path / 'gone.png'}: no such file"
    assert not (tmp_path / "model").exists()


def test_a_resumed_run_reads_no_photo_for_its_digest_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(shutil.copy(path, tmp_path)) for path in sorted(tiny.rglob("*.png"))[:3]] + [None]
    counted: list[tuple[int, str]] = []

    def track(items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
        counted.append((total, what))
        yield from items

    def job() -> TrainingJob:
        return TrainingJob(run_of(tiny, tmp_path / "out"), tmp_path, ALONE, None, None, track, print)

    first = job().photo_digests(paths)
    assert counted == [(4, "reading photos")]
    assert first.file_digests() == [*map(content_digest, paths[:3]), None]
    again = job().photo_digests(paths)
    np.testing.assert_array_equal(again.pictures, first.pictures)
    assert len(counted) == 1
    Path(paths[0]).write_bytes(Path(paths[1]).read_bytes())
    assert job().photo_digests(paths).file_digests()[0] == content_digest(paths[1])
    (tmp_path / "digests.safetensors").write_bytes(b"cut short")
    assert job().photo_digests(paths).file_digests()[0] == content_digest(paths[1])
    assert len(counted) == 3
