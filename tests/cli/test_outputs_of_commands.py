"""Outputs of every command are complete or not there; Ctrl-C names what was written and how to go on."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from full_disk import FULL, Disk, contents
from interrupting import listen_to_control_c
from waiting import PATIENCE_S
from whereshot import cli
from whereshot.cli import base, main
from whereshot.earth import partition
from whereshot.foundation import output_files
from whereshot.foundation.output_temporary import PARTIAL
from whereshot.models import manifest


@pytest.fixture(scope="module")
def inputs(tiny: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the commands below read, by the name that stands for it in their arguments."""
    folder = tmp_path_factory.mktemp("inputs")
    rows = ["path,latitude,longitude,taken_at,user"]
    rows += [f"{n}.png,-12.05,-77.0{n % 9},2024-05-01T{n % 24:02}:00:00Z,ann" for n in range(240)]
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
    manifest.write_files(out, lambda beside: output_files.write_text(beside / "model.toml", "good"))


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
    "learn": (an_old_model, "learn TABLE --model compact --overwrite --one-crop --workers 1 --out OUT"),
    "export": (an_old_model, "export MODEL --onnx --overwrite --out OUT"),
    "evaluate --report": (
        lambda out: an_old_folder(out, "report.md", "report.json", "report.html"),
        "evaluate prior TABLE --report OUT",
    ),
    "evaluate --problems": (an_old_file, "evaluate prior TABLE --problems OUT"),
    "calibrate": (an_old_file, "calibrate MODEL TABLE --include-learned --out OUT"),
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
            if options & {"out", "report", "posterior", "problems"} or one.name in ("train", "fit"):
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
    gc.collect()
    assert capsys.readouterr().err == "", "a bar that is drawn after the error"
    last = said.splitlines()[-1]
    assert last.startswith("whereshot: ") and re.search(FULL, last) and "Traceback" not in said
    after = contents(place)
    assert not [file for file in after if PARTIAL in file]
    assert {file: after.get(file) for file in before} == before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_looks_at_its_output_before_its_input(
    name: str,
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An hour of work is not lost to a place that cannot be written: no input is there, and it is not missed."""
    file = tmp_path / "file"
    file.write_text("dear")
    gone = dict.fromkeys(inputs, tmp_path / "gone") | {"RUN": inputs["RUN"]}
    words = [word.replace("OUT", str(file / "out")) for word in COMMANDS[name][1].split()]
    out = next(word for word in words if str(file) in word).removeprefix("out=")
    assert ran([str(gone.get(word, word)) for word in words], monkeypatch) == 2
    said = capsys.readouterr().err
    assert said == f"whereshot: {out}: cannot be written ({file} is a file); choose another place\n"


@pytest.mark.parametrize("name", [name for name, (prepare, _) in COMMANDS.items() if prepare is an_old_file])
def test_no_folder_is_made_for_a_file(
    name: str,
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "gone"
    words = [word.replace("OUT", str(folder / "out")) for word in COMMANDS[name][1].split()]
    out = next(word for word in words if str(folder) in word)
    assert ran([str(inputs.get(word, word)) for word in words], monkeypatch) == 2
    assert capsys.readouterr().err == (
        f"whereshot: {out}: cannot be written (the folder {folder} does not exist); "
        "make it first, or choose another place\n"
    )
    assert not folder.exists()


# --- Ctrl-C


@pytest.mark.parametrize(
    ("add", "drop", "is_begun", "said"),
    [
        ((), ("--overwrite",), False, "batch 'my photos' --out {out} --overwrite"),
        ((), ("--overwrite",), True, "batch 'my photos' --out {out}"),
        (("--resume",), (), True, "batch 'my photos' --out {out} --overwrite --resume"),
    ],
)
def test_control_c_says_how_to_go_on(
    add: tuple[str, ...], drop: tuple[str, ...], is_begun: bool, said: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    base.begin()
    base.check_folder(out)
    base.resumable(add=add, drop=drop)
    if is_begun:
        out.mkdir()
        (out / "_manifest.jsonl").write_text("begun")
    expected = f"interrupted; finished work is kept; to continue, run: whereshot {said.format(out=out)}"
    assert base.interrupted(["batch", "my photos", "--out", str(out), "--overwrite"]) == expected


def test_control_c_says_what_was_written(tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    out.write_text("old")
    base.begin()
    base.check_file(out)
    base.check_folder(other)
    assert base.interrupted([]) == "interrupted; nothing was written"
    output_files.write_text(out, "new")
    assert base.interrupted([]) == f"interrupted; written before that: {out}"
    with output_files.new_folder(other) as beside:
        (beside / "a.txt").write_text("new")
    assert base.interrupted([]) == f"interrupted; written before that: {out}, {other}"


def test_control_c_on_the_way(tmp_path: Path) -> None:
    """A download that waits for an answer: nothing of it is lost, and the exit code is 130."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        command = [sys.executable, "-m", "whereshot.cli", "models", "get", "hf:a/b", "--out", str(tmp_path / "b")]
        environment = os.environ | {"HF_ENDPOINT": address}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=listen_to_control_c,
        )
        server.settimeout(PATIENCE_S)
        asked, _ = server.accept()
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=PATIENCE_S)
        asked.close()
    assert (process.returncode, out) == (130, "")
    command = f"whereshot models get hf:a/b --out {tmp_path / 'b'}"
    line = f"whereshot: interrupted; finished work is kept; to continue, run: {command}"
    assert said.strip().splitlines()[-1] == line
    assert "Traceback" not in said
