"""Outputs are whole or not there: on a full disk, after a kill, through links, for every writer and every command."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import typer

from full_disk import Disk
from whereshot import (
    checkpoint,
    cli,
    config,
    encoded,
    features,
    output_files,
    partition,
    places,
    records,
    training_state,
)
from whereshot.cli import base, main
from whereshot.engine import Shards
from whereshot.errors import OutputError
from whereshot.records import Records
from whereshot.sources.purse import Purse

PACKAGE = Path(__file__).parents[1] / "src" / "whereshot"

FULL = r": cannot be written \((No space left on device|File too large)\); "


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    made = Disk(tmp_path_factory.mktemp("disk") / "mount")
    yield made
    made.remove()


@pytest.fixture
def place(disk: Disk) -> Iterator[Path]:
    """An empty folder on the disk."""
    folder = disk.folder / "place"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder, at any depth, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- every writer


def some_records(count: int = 40) -> Records:
    columns = {
        "id": [f"photo-{number}" for number in range(count)],
        "latitude": np.linspace(-60, 60, count),
        "longitude": np.linspace(-170, 170, count),
    }
    return Records(pa.table(columns))


def rejects() -> pa.Table:
    return records.rejects_table([("a", "a.jpg", "no position", "")] * 9)


class Settings(config.Settings):
    """Any settings."""

    name: str = "a name that is long enough to need a place on the disk"


def a_file(path: Path) -> None:
    output_files.write_text(path, "text " * 2000)


def a_folder(path: Path) -> None:
    with output_files.new_folder(path) as beside:
        output_files.write_text(beside / "a.txt", "text " * 2000)


def some_files(path: Path) -> None:
    with output_files.new_files(path) as beside:
        output_files.write_text(beside / "a.txt", "small")
        output_files.write_text(beside / "b.txt", "text " * 2000)


def a_shard(path: Path) -> None:
    with Shards(path, "test", {}) as shards:
        shards.write("00000", some_records().table, rejects())


def a_training_state(path: Path) -> None:
    module = torch.nn.Linear(50, 50)
    optimizer = torch.optim.AdamW(module.parameters())
    training_state.save(path, training_state.TrainingState(), module, optimizer, None)


def some_encodings(path: Path) -> None:
    points = np.random.default_rng(len(list(path.parent.glob("*")))).uniform(-60, 60, (20, 2))
    encoded.kept_encodings({}, points, lambda positions: np.ones((len(positions), 48), np.float32), path)


def some_features(path: Path) -> None:
    features._flush(path, {bytes(16): np.ones(9, np.float32)})


def money(path: Path) -> None:
    path.mkdir(exist_ok=True)
    Purse(path, 1.0, 99.0).take("x" * 5000)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a text": a_file,
    "a folder": a_folder,
    "files of a folder": some_files,
    "a line of a log": lambda path: output_files.append_line(path, "x" * 5000),
    "settings.toml": lambda path: config.save(Settings(), path),
    "table.parquet": lambda path: records.write_parquet(some_records().table, path),
    "records.parquet": lambda path: some_records().write(path),
    "records": lambda path: some_records().write(path),
    "rejects": lambda path: records.write_rejects(rejects(), path),
    "posterior.parquet": lambda path: places.density_prior().top(50).write(path, ["a"]),
    "features": some_features,
    "encodings": some_encodings,
    "job": a_shard,
    "training state": a_training_state,
    "money spent": money,
}
"""Everything that the package writes by itself: add a new writer, and it is tested on a full disk."""


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_what_was_there(name: str, disk: Disk, place: Path) -> None:
    path = place / name.replace(" ", "-")
    WRITERS[name](path)
    before = contents(place)
    assert before
    with disk.full(), pytest.raises(OutputError, match=FULL) as caught:
        WRITERS[name](path)
    assert "\n" not in str(caught.value) and output_files.PARTIAL not in str(caught.value)
    after = contents(place)
    manifest = "job/_manifest.jsonl"  # half a line is dropped when it is opened again
    assert after.pop(manifest, b"").startswith(before.pop(manifest, b""))
    assert after == before
    WRITERS[name](path)  # there is room again
    assert not [found for found in contents(place) if output_files.PARTIAL in found]


# --- every command


@pytest.fixture(scope="module")
def inputs(tiny: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the commands below read, by the name that stands for it in their arguments."""
    folder = tmp_path_factory.mktemp("inputs")
    rows = ["path,latitude,longitude,taken_at,user"]
    rows += [f"{tiny}/lima-{n % 8}.png,-12.05,-77.0{n % 9},2024-05-01T{n % 24:02}:00:00Z,ann" for n in range(240)]
    (folder / "hours.csv").write_text("\n".join(rows) + "\n")
    (folder / "few").mkdir()
    for name in ("lima-0.png", "paris-0.png"):
        shutil.copy(tiny / name, folder / "few" / name)
    photos = base.read_records(tiny / "photos.csv", None)
    photos.write(folder / "photos")
    partition.build("s2", photos.points, {"max": 8}).save(folder / "cells.parquet")
    return {
        "PHOTO": tiny / "lima-0.png",
        "TABLE": tiny / "photos.csv",
        "RUN": tiny / "run.toml",
        "MODEL": tiny_model,
        "HOURS": folder / "hours.csv",
        "FEW": folder / "few",
        "RECORDS": folder / "photos",
        "CELLS": folder / "cells.parquet",
    }


def an_old_file(out: Path) -> None:
    out.write_bytes(b"good")


def an_old_folder(out: Path, *files: str) -> None:
    out.mkdir()
    for file in files:
        (out / file).write_text("good")


def an_old_model(out: Path) -> None:
    checkpoint.write_files(out, lambda beside: output_files.write_text(beside / "model.toml", "good"))


def nothing(out: Path) -> None:
    """Jobs that go on where they stopped refuse a folder of anything else."""


COMMANDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "locate": (an_old_file, "locate PHOTO --model prior --no-text --format html --out OUT"),
    "locate --posterior": (an_old_file, "locate PHOTO --model prior --no-text --posterior OUT.parquet"),
    "explain": (an_old_file, "explain PHOTO --model MODEL --no-text --out OUT.png"),
    "query": (an_old_file, "query PHOTO --gallery FEW --model MODEL --out OUT"),
    "batch": (nothing, "batch FEW --model prior --no-text --out OUT"),
    "gallery": (
        lambda out: an_old_folder(out, "gallery.json"),
        "gallery TABLE --model prior --no-text --overwrite --out OUT",
    ),
    "ingest, one file": (an_old_file, "ingest table TABLE --out OUT.parquet"),
    "ingest": (lambda out: an_old_folder(out, "part-00000.parquet"), "ingest table TABLE --out OUT"),
    "curate": (nothing, "curate RECORDS --duplicates --out OUT"),
    "audit": (lambda out: an_old_folder(out, "part-00000.parquet"), "audit TABLE TABLE --no-pictures --out OUT"),
    "audit --report": (
        lambda out: an_old_folder(out, "audit.md", "audit.json"),
        "audit TABLE TABLE --no-pictures --report OUT",
    ),
    "pack": (nothing, "pack RECORDS --workers 1 --out OUT"),
    "cells build": (an_old_file, "cells build TABLE --set max=8 --out OUT.parquet"),
    "cells build --preset": (
        lambda out: an_old_folder(out, "level-0.parquet"),
        "cells build TABLE --preset deep-locations --out OUT",
    ),
    "cells show, a map": (an_old_file, "cells show CELLS --out OUT.png"),
    "cells show, a page": (an_old_file, "cells show CELLS --out OUT.html"),
    "cells show": (lambda out: an_old_folder(out, "world.png", "cells.html"), "cells show CELLS --out OUT"),
    "cells export": (an_old_file, "cells export CELLS --out OUT.geojson"),
    "cells export, GeoParquet": (an_old_file, "cells export CELLS --out OUT.parquet"),
    "hours fit": (an_old_file, "hours fit HOURS --out OUT.toml"),
    "refine tracks": (an_old_file, "refine tracks HOURS --by user --out OUT.toml"),
    "train": (an_old_model, "train RUN --overwrite --set out=OUT"),
    "learn": (an_old_model, "learn FEW --model compact --overwrite --one-crop --workers 1 --out OUT"),
    "export": (an_old_model, "export MODEL --onnx --overwrite --out OUT"),
    "evaluate --report": (
        lambda out: an_old_folder(out, "report.md", "report.json", "report.html"),
        "evaluate prior TABLE --report OUT",
    ),
    "evaluate --problems": (an_old_file, "evaluate prior TABLE --problems OUT"),
    "calibrate": (an_old_file, "calibrate prior TABLE --out OUT"),
}
"""Every command that writes: what is there before, and its arguments."""

ELSEWHERE = {
    "fetch": "needs a server; it writes by Shards and write_bytes: test_fetch",
    "models get": "needs a server; it writes by checkpoint.write_files: test_hub, test_download",
    "refine fit": "writes by checkpoint.write_files, as train: test_refinement",
    "refine apply": "writes by Posterior.write, as locate --posterior: test_refinement",
    "refine switch": "writes by Posterior.write, as locate --posterior: test_refinement",
}
"""Commands whose writers are tested above and elsewhere, with the reason."""


def test_every_command_that_writes_is_listed() -> None:
    group = typer.main.get_command(cli.app)
    found = set()
    for name, command in group.commands.items():
        for inner, one in getattr(command, "commands", {None: command}).items():
            options = {parameter.name for parameter in one.params}
            if options & {"out", "report", "posterior", "problems"} or name == "train":
                found.add(name if inner is None else f"{name} {inner}")
    assert {"locate", "train", "cells build", "models get"} <= found
    listed = {name.split(" --")[0].split(",")[0] for name in COMMANDS} | set(ELSEWHERE)
    assert found == listed


def ran(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["whereshot", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_full_disk_leaves_what_was_there(
    name: str,
    disk: Disk,
    place: Path,
    inputs: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare, text = COMMANDS[name]
    words = [word.replace("OUT", str(place / "out")) for word in text.split()]
    arguments = [str(inputs.get(word, word)) for word in words]
    out = Path(next(word for word in words if str(place) in word).removeprefix("out="))
    prepare(out)
    before = contents(place)
    with disk.full():
        code = ran(arguments, monkeypatch)
        said = capsys.readouterr().err
    assert code == 2
    last = said.splitlines()[-1]
    assert last.startswith("whereshot: ") and "cannot be written (" in last and "Traceback" not in said
    after = contents(place)
    assert not [file for file in after if output_files.PARTIAL in file]
    assert {file: after.get(file) for file in before} == before
