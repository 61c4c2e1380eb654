"""The run files of published work: each parses, tells of its work, and goes from photos to a model that answers."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from conftest import TOWNS
from whereshot.earth import sphere
from whereshot.evidence import refiners
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout.cells import PositionSettings
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.training import refine_run
from whereshot.training.refine_run import RefineRun
from whereshot.training.train import Run, train

RUNS = Path(__file__).parents[2] / "runs"
OWN_FORMAT = {"compact"}
"""Run files of scripts, which are no Run."""
REFINED = sorted(path.stem for path in RUNS.glob("*+*.toml"))
"""Run files of refiners: the base model's name, and what is known besides."""
NAMES = sorted({path.stem for path in RUNS.glob("*.toml")} - OWN_FORMAT - {*REFINED})

TOY = {
    "denmark-vit": "[{{file='{borders}',cells=6}}]",
    "california-binary": "[{{file='{borders}',cells=3,only=['paris','tokyo','lima']}}]",
    "osv5m-hybrid": "[{{max=10,extent='photos'}}]",
    "pigeon-like": "[{{file='{borders}',max=40,min=1}}]",
    "deep-locations": "[{{max=20}},{{max=16}},{{max=8}}]",
    "planet-im2gps": "[{{max=8}}]",
    "delaunay-coarse": "[{{max=12,min=4,nodes=9}}]",
    "delaunay-fine": "[{{max=8,min=2,nodes=9}}]",
    "delaunay-fineP": "[{{max=10,min=1,nodes=15}}]",
}
"""Cells for six towns instead of the world."""

SHORTER = {
    "deep-locations": [
        "sampling.per_cell=8",
        "sampling.anneal_epochs=4",
        "optimizer.then=[{kind='sgd',momentum=0.9,epochs=2,learning_rate=0.001,schedule='exponential',warmup=0.0}]",
    ],
}
"""Epochs of some dozen photos, and few of them."""


@pytest.fixture(scope="module")
def borders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A square around each town."""
    features = []
    for town, (latitude, longitude, _) in TOWNS.items():
        west, east, south, north = longitude - 2, longitude + 2, latitude - 2, latitude + 2
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        own = {"name": town, "country": "one" if latitude > 0 else "two"}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": own, "geometry": geometry})
    path = tmp_path_factory.mktemp("borders") / "towns.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_run_parses_and_tells_where_it_comes_from(name: str) -> None:
    path = RUNS / f"{name}.toml"
    run = settings_file.load(path, Run)
    assert run.name.startswith(name)
    text = path.read_text("utf-8")
    header = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    assert f"whereshot train runs/{name}.toml" in header
    if name != "landmarks":
        assert "# Data: " in header and "# Published" in header
    for level in run.partition.levels:
        assert "file" not in level or Path(level["file"]).is_absolute()  # beside the run file, wherever one stands


@pytest.mark.parametrize("name", REFINED)
def test_run_of_a_refiner_parses_and_tells_where_it_comes_from(name: str) -> None:
    path = RUNS / f"{name}.toml"
    run = settings_file.load(path, RefineRun)
    base = settings_file.load(RUNS / f"{name.partition('+')[0]}.toml", Run)
    assert (run.name, run.model) == (name, base.out)
    assert base.data.validation > 0 and base.data.split_by == "user"  # what a refiner learns from, users whole
    settings = refiners.kind_of(run.refiner.kind).settings_type.model_validate(run.refiner.settings)
    published = [("adagrad", 0.01), ("adam", 0.005), ("adam", 0.001)]
    assert [(phase.optimizer, phase.learning_rate) for phase in settings.phases] == published
    header = "\n".join(line for line in path.read_text("utf-8").splitlines() if line.startswith("#"))
    assert f"whereshot refine fit runs/{name}.toml" in header
    assert "# Data: " in header and "# Published" in header


def test_landmarks_is_what_it_was() -> None:
    """Keys that were added since have defaults that leave it alone."""
    run = settings_file.load(RUNS / "landmarks.toml", Run)
    assert PositionSettings(position=run.calibration.position, best=run.calibration.best) == PositionSettings()
    assert run.head.settings == {"dropout": 0.6, "scale": 20.0}


def shrunk(out: Path, levels: str) -> list[str]:
    """What makes a run a toy: a small network with random weights, few epochs, other cells."""
    return [
        f"out={out}",
        "backbone.name=test_efficientnet",
        "backbone.weights=random",
        "preprocess={size=64}",
        "scaling_power=0.5",
        "optimizer.epochs=4",
        "optimizer.batch_size=16",
        "optimizer.learning_rate=0.003",
        "calibration.folds=2",
        f"partition.levels={levels}",
    ]


QUICK = ("planet-im2gps", "osv5m-hybrid")
"""Runs that `make test` executes, beside the coarse mesh below; `make test-all` executes all."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in TOY]
)
def test_run_from_end_to_end(name: str, tiny: Path, borders: Path, tmp_path: Path) -> None:
    changes = [
        f"data.train={tiny / 'photos.csv'}",
        "data.columns={}",
        "data.validation=0.3",
        "data.split_by=group",
        *shrunk(tmp_path / "model", TOY[name].format(borders=borders)),
        *SHORTER.get(name, []),
    ]
    path = RUNS / f"{name}.toml"
    run = settings_file.load(path, Run, changes)
    published = tomllib.loads(path.read_text("utf-8"))
    assert run.head.settings == published["head"].get("settings", {})  # the toy differs in size alone
    folder = train(run)
    model = ModelFolder(folder)
    losses = [json.loads(line)["train_loss"] for line in (folder / "train.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    position = published.get("calibration", {}).get("position", "centroid")
    assert {mixture.cells.position for mixture in model.calibration.mixtures.values()} == {position}
    prediction = Geolocator.load(folder).locate([tiny / "paris-0.png"], text=False)[0]
    assert prediction.error is None
    if not run.backbone.trained:  # a head on frozen features learns the towns in no time
        place = np.array([prediction.latitude, prediction.longitude])
        assert sphere.distance_km(place, np.array(TOWNS["paris"][:2])) < 25


def test_published_procedures_are_in_the_run_files() -> None:
    """Each as its header tells it: optimisers, schedules, how photos are drawn and changed."""
    runs = {name: settings_file.load(RUNS / f"{name}.toml", Run) for name in NAMES}
    denmark = runs["denmark-vit"]
    procedure = denmark.optimizer
    assert (procedure.kind, procedure.schedule, procedure.warmup) == ("adamw", "polynomial", 0.0)
    assert (procedure.learning_rate, procedure.weight_decay) == (6e-5, 0.1)
    assert (procedure.batch_size, procedure.epochs) == (32, 20)
    assert denmark.preprocess == {"size": 224, "resize": 336}
    assert (denmark.augment.rand_augment.operations, denmark.augment.rand_augment.magnitude) == (2, 0.15)
    deep = runs["deep-locations"]
    assert [(phase.kind, phase.schedule) for phase in deep.optimizer.phases] == [
        ("adagrad", "constant"),
        ("sgd", "exponential"),
    ]
    assert deep.optimizer.then[0].decay == 0.04
    assert (deep.sampling.per_cell, deep.sampling.growth, deep.sampling.balance) == (200, 0.06, 1.0)
    assert runs["planet-im2gps"].optimizer.kind == "adagrad"
    assert runs["california-binary"].sampling.balance == 1.0
    assert not any(run.augment.flip for run in runs.values())  # places are not mirrored


@pytest.fixture(scope="module")
def users(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny photos as Records with users of four photos each, posted an hour apart."""
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    count = len(records)
    times = pa.array((1.7e15 + np.arange(count) * 3.6e9).astype(np.int64), pa.timestamp("us", tz="UTC"))
    records = records.with_column("user", pa.array([f"user {row // 4}" for row in range(count)]))
    path = tmp_path_factory.mktemp("users") / "records.parquet"
    records.with_column("posted_at", times).write(path)
    return path


@pytest.fixture(scope="module")
def mesh(users: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The coarse mesh's model at toy size."""
    out = tmp_path_factory.mktemp("mesh") / "model"
    changes = [*shrunk(out, TOY["delaunay-coarse"].format()), f"data.train={users}", "data.validation=0.5"]
    return train(settings_file.load(RUNS / "delaunay-coarse.toml", Run, changes))


@pytest.mark.parametrize("name", REFINED)
def test_run_of_a_refiner_from_end_to_end(name: str, mesh: Path, users: Path, tmp_path: Path) -> None:
    phases = "[{optimizer='adagrad',learning_rate=0.01,epochs=1},{optimizer='adam',learning_rate=0.005,epochs=1}]"
    changes = [f"out={tmp_path / 'refiner'}", f"model={mesh}", f"refiner.settings.phases={phases}"]
    changes += ["refiner.settings.validation=0.4", "refiner.settings.width=16"]
    folder = refine_run.fit(settings_file.load(RUNS / f"{name}.toml", RefineRun, changes))
    records = Records.read(users)
    assert 0 < refiners.load(folder)[1].training["photos"] < len(records)  # the base model's validation half
    said = refine_run.apply(folder, records)
    assert len(said.posterior) == len(records)
    assert said.posterior.log_mass.shape[1] == len(ModelFolder(mesh).hierarchy.finest)


@pytest.mark.parametrize("loss", ["expected-distance", "log-distance"])
def test_denmark_with_a_distance_loss(loss: str) -> None:
    """As its header says: one --set, and half the batch."""
    run = settings_file.load(RUNS / "denmark-vit.toml", Run, [f"head.settings.loss={loss}", "optimizer.batch_size=16"])
    assert (run.head.settings["loss"], run.optimizer.batch_size) == (loss, 16)


def test_an_offset_that_nobody_learns_is_refused(tiny: Path, tmp_path: Path) -> None:
    run = settings_file.load(tiny / "run.toml", Run, [f"out={tmp_path / 'model'}", "calibration.position=offset"])
    with pytest.raises(ConfigError) as caught:
        train(run)
    assert str(caught.value) == 'calibration.position "offset" needs head.settings.offset = true'
