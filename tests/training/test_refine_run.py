"""From a run file to a refiner's folder to refined posteriors, of a model's cells and of a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from whereshot.cli import app
from whereshot.evidence import refiners
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, InputError, ModelError, OutputError
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.posterior import parquet
from whereshot.posterior.base import Posterior
from whereshot.training import refine_run
from whereshot.training.refine_run import RefineRun

QUICK = "{phases=[{optimizer='adam',learning_rate=0.01,epochs=2}],width=8,validation=0.3}"


@pytest.fixture(scope="module")
def photos(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of the tiny photos: two of each town are one user's, posted a minute apart."""
    table = SOURCES["table"]([tiny / "photos.csv"], {}, lambda items, **_: items).records.table
    count = len(table)
    times = pa.array((1.7e15 + np.arange(count) * 6e7).astype(np.int64), pa.timestamp("us", tz="UTC"))
    records = Records(table).with_column("posted_at", times).with_column("taken_at", times)
    path = tmp_path_factory.mktemp("photos") / "records.parquet"
    records.with_column("user", pa.array([f"user {row // 2}" for row in range(count)])).write(path)
    return path


@pytest.fixture(scope="module")
def posteriors(photos: Path) -> Path:
    """What some base model said of them, on four places."""
    rng = np.random.default_rng(1)
    places = np.array([[-12.05, -77.04], [48.85, 2.35], [35.68, 139.76], [40.71, -74.0]])
    ids = Records.read(photos).strings("id")
    path = photos.with_name("posterior.parquet")
    parquet.write(Posterior.from_mass(places, rng.dirichlet(np.ones(4), len(ids)), np.full(4, 25.0)), path, ids)
    return path


def run_of(tmp_path: Path, **keys: Any) -> RefineRun:
    made = {"name": "mine", "out": str(tmp_path / "refiner"), "refiner": {"kind": "user-mean"}} | keys
    return settings_file.parse(made, RefineRun, name="run.toml", base=tmp_path)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["refine", *arguments], standalone_mode=False)


@pytest.mark.parametrize("kind", refiners.REFINERS)
def test_the_cells_of_a_model_are_refined(kind: str, tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    settings = settings_file.toml_value(QUICK) if kind in ("posting-time", "user-album") else {}
    keys = {"model": str(tiny_model), "records": str(photos), "refiner": {"kind": kind, "settings": settings}}
    run, records = run_of(tmp_path, **keys), Records.read(photos)
    if kind == "album-neighbours":  # 24 pairs are too few to fit on
        with pytest.raises(InputError, match="at least 100 are needed"):
            refine_run.fit(run)
        return
    folder = refine_run.fit(run)
    assert not (tmp_path / "refiner.fitting").exists()
    said = refine_run.apply(folder, records)
    assert len(said.posterior) == len(records) == 48
    assert said.errors == {}
    assert refiners.load(folder)[1].training["photos"] == 48


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_refined(
    tiny_model: Path, photos: Path, tmp_path: Path
) -> None:
    records = Records.read(photos)
    folder = refine_run.fit(run_of(tmp_path, model=str(tiny_model), records=str(photos)))
    images = records.strings("image")
    images[3] = "/nowhere.png"
    said = refine_run.apply(folder, records.with_column("image", pa.array(images)))
    assert list(said.errors) == [3]
    assert said.rows.tolist() == [row for row in range(48) if row != 3]


@pytest.mark.slow
def test_without_records_a_refiner_learns_from_the_model_s_validation_half(tiny: Path, tmp_path: Path) -> None:
    from whereshot.training.run_file import Run
    from whereshot.training.train import train

    base = settings_file.load(
        tiny / "run.toml", Run, [f"out={tmp_path / 'model'}", "data.validation=0.4", "calibration.folds=2"]
    )
    train(base)
    folder = refine_run.fit(run_of(tmp_path, model=str(tmp_path / "model")))
    used = refiners.load(folder)[1].training["photos"]
    assert 0 < used < 48


def test_a_model_that_learned_from_everything_needs_other_photos(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="learned from all its photos; set records to photos it has never seen"):
        refine_run.fit(run_of(tmp_path, model=str(tiny_model)))


def test_posteriors_in_a_file_are_refined(photos: Path, posteriors: Path, tmp_path: Path) -> None:
    run = tmp_path / "run.toml"
    run.write_text(
        f'name = "mine"\nout = "refiner"\nposterior = "{posteriors}"\nrecords = "{photos}"\n'
        '[refiner]\nkind = "user-mean"\nsettings = { rule = "mean" }\n'
    )
    done = command("fit", str(run))
    assert done.exception is None
    out = tmp_path / "refined.parquet"
    arguments = ["apply", str(tmp_path / "refiner"), str(photos), "--out", str(out), "--format", "json"]
    done = command(*arguments, "--posterior", str(posteriors))
    assert done.exception is None
    assert json.loads(done.stdout) == {"photos": 48, "refined": 48, "failed": 0, "out": str(out)}
    refined, before = (refine_run.of_file(path, Records.read(photos), None).posterior for path in (out, posteriors))
    np.testing.assert_allclose(refined.mass[0], before.mass[:2].mean(axis=0))
    assert str(command(*arguments).exception) == (
        f"{tmp_path / 'refiner'}: was fitted on a file of posteriors; give --posterior with these photos"
    )


def test_a_photo_without_a_posterior_fails_alone(photos: Path, posteriors: Path, tmp_path: Path) -> None:
    table = pq.read_table(posteriors)
    first = Records.read(photos).strings("id")[0]
    pq.write_table(table.filter(pa.compute.not_equal(table["id"], first)), tmp_path / "less.parquet")
    folder = refine_run.fit(run_of(tmp_path, posterior=str(posteriors), records=str(photos)))
    said = refine_run.apply(folder, Records.read(photos), posterior=tmp_path / "less.parquet")
    assert said.errors == {0: f"{tmp_path / 'less.parquet'}: no posterior of {first}"}
    assert len(said.posterior) == 47


def test_no_photo_is_no_work(posteriors: Path, photos: Path) -> None:
    with pytest.raises(InputError, match="there is no photo in the records"):
        refine_run.of_file(posteriors, Records.read(photos)[:0], None)


def test_posteriors_on_other_cells_are_refused(photos: Path, posteriors: Path, tmp_path: Path) -> None:
    folder = refine_run.fit(run_of(tmp_path, posterior=str(posteriors), records=str(photos)))
    table = pq.read_table(posteriors)
    moved = pa.array(table["latitude"].to_numpy() + 1)
    pq.write_table(table.set_column(1, "latitude", moved), tmp_path / "other.parquet")
    with pytest.raises(InputError) as caught:
        refine_run.apply(folder, Records.read(photos), posterior=tmp_path / "other.parquet")
    assert re.fullmatch(
        "the posterior has mass on 4 places that the refiner was not fitted on; first: .* of 25 km; "
        "it belongs to the cells of another model",
        str(caught.value),
    )


def test_experts_are_switched_by_scene_from_the_command_line(photos: Path, posteriors: Path, tmp_path: Path) -> None:
    records = Records.read(photos)
    shares = np.where(np.arange(48)[:, None] % 3 == np.arange(3), 0.8, 0.1)
    for column, kind in enumerate(("indoor", "natural", "urban")):
        records = records.with_column(f"scene_{kind}", shares[:, column])
    records.write(tmp_path / "scenes.parquet")
    base = refine_run.of_file(posteriors, records, None).posterior
    flat = Posterior(base.places + 1, np.zeros((47, 4)), base.spread_km)
    parquet.write(flat, tmp_path / "flat.parquet", records.strings("id")[1:])
    out = tmp_path / "out.parquet"
    experts = ["--expert", f"indoor={tmp_path / 'flat.parquet'}", "--expert", f"outdoor={posteriors}"]
    done = command("switch", str(tmp_path / "scenes.parquet"), *experts, "--out", str(out), "--format", "json")
    assert done.exception is None
    assert json.loads(done.stdout) == {"photos": 48, "refined": 47, "failed": 1, "out": str(out)}
    said = refine_run.combine_experts(records, {"indoor": tmp_path / "flat.parquet", "outdoor": posteriors})
    assert said.rows.tolist() == list(range(1, 48))
    np.testing.assert_allclose(
        said.posterior.log_density(base.places[[0] * 47])[0], base.log_density(base.places[[0] * 48])[1]
    )
    np.testing.assert_allclose(said.posterior.mode()[2] % 1, base.places[0] % 1)
    missing = command("switch", str(tmp_path / "scenes.parquet"), *experts[:2], "--out", str(out))
    assert str(missing.exception) == "the scene 'natural' needs one expert; it has none"


def test_what_contradicts_itself_is_refused(tiny_model: Path, posteriors: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give either model or posterior"):
        run_of(tmp_path)
    with pytest.raises(ConfigError, match="posterior needs records"):
        run_of(tmp_path, posterior=str(posteriors))
    with pytest.raises(ConfigError, match="no refiner 'album'; "):
        refine_run.fit(run_of(tmp_path, model=str(tiny_model), refiner={"kind": "album"}))
    with pytest.raises(ConfigError, match="unknown key 'rul'; did you mean 'rule'"):
        wrong = {"kind": "user-mean", "settings": {"rul": "mean"}}
        refine_run.fit(run_of(tmp_path, model=str(tiny_model), refiner=wrong))
    with pytest.raises(ModelError, match="no such model"):
        refine_run.fit(run_of(tmp_path, model=str(tmp_path / "nothing")))
    (tmp_path / "refiner").mkdir()
    (tmp_path / "refiner" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists and is not the folder of a refiner"):
        refine_run.fit(run_of(tmp_path, model=str(tiny_model)))


def test_a_finished_refiner_is_not_overwritten_unasked(photos: Path, posteriors: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path, posterior=str(posteriors), records=str(photos))
    refine_run.fit(run)
    with pytest.raises(OutputError, match="holds a model already"):
        refine_run.fit(run)
    refine_run.fit(run, overwrite=True)


def test_resume_needs_the_same_settings(photos: Path, posteriors: Path, tmp_path: Path) -> None:
    keys = {"posterior": str(posteriors), "records": str(photos)}
    state = tmp_path / "refiner.fitting"
    state.mkdir()
    (state / "run.toml").write_text(settings_file.dump(run_of(tmp_path, **keys)))
    with pytest.raises(ConfigError, match="started with other settings"):
        refine_run.fit(run_of(tmp_path, **keys, seed=1), resume=True)
    refine_run.fit(run_of(tmp_path, **keys), resume=True)


def test_tracks_from_the_command_line(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "album.toml"
    done = command("tracks", str(photos), "--by", "user", "--out", str(out))
    assert isinstance(done.exception, InputError)
    assert "at least 100 are needed" in str(done.exception)
    records = Records.read(photos)
    many = Records.concat([records] * 10)  # ten at each time and place
    many.with_column("id", pa.array([str(number) for number in range(480)])).write(tmp_path / "many.parquet")
    done = command("tracks", str(tmp_path / "many.parquet"), "--out", str(out), "--format", "json")
    assert done.exception is None
    assert json.loads(done.stdout)["pairs"] == 479
    wrong = command("tracks", str(photos), "--out", str(tmp_path / "album.txt"))
    assert str(wrong.exception) == f"--out names a .toml file; got {tmp_path / 'album.txt'}"
