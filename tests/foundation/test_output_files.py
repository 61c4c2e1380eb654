"""Outputs are whole or not there: on a full disk, after a kill, through links, for every writer and every command."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import typer

from full_disk import Disk
from interrupting import listen_to_control_c
from whereshot import cli
from whereshot.cli import base, main
from whereshot.earth import partition
from whereshot.foundation import output_files, settings_file, tables
from whereshot.foundation.errors import OutputError
from whereshot.foundation.jobs import Shards
from whereshot.models import features, manifest
from whereshot.models.optimize import training_state
from whereshot.models.readout import encoded_places
from whereshot.photos.records import Records
from whereshot.photos.sources.budget import Budget
from whereshot.posterior.prior import density_prior

PACKAGE = Path(__file__).parents[2] / "src" / "whereshot"

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
    return tables.rejects_table([("a", "a.jpg", "no position", "")] * 9)


class Settings(settings_file.Settings):
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
    training_state.save(path, training_state.TrainingState(best=module.state_dict()), module, optimizer, None)


def some_encodings(path: Path) -> None:
    points = np.random.default_rng(len(list(path.parent.glob("*")))).uniform(-60, 60, (20, 2))
    encoded_places.kept_encodings({}, points, lambda positions: np.ones((len(positions), 48), np.float32), path)


def some_features(path: Path) -> None:
    features._flush(path, {bytes(16): np.ones(9, np.float32)})


def money(path: Path) -> None:
    path.mkdir(exist_ok=True)
    Budget(path, 1.0, 99.0).take("x" * 5000)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a text": a_file,
    "a folder": a_folder,
    "files of a folder": some_files,
    "a line of a log": lambda path: output_files.append_line(path, "x" * 5000),
    "settings.toml": lambda path: settings_file.save(Settings(), path),
    "table.parquet": lambda path: tables.write_parquet(some_records().table, path),
    "records.parquet": lambda path: some_records().write(path),
    "records": lambda path: some_records().write(path),
    "rejects": lambda path: tables.write_rejects(rejects(), path),
    "posterior.parquet": lambda path: density_prior().top(50).write(path, ["a"]),
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
    last = said.splitlines()[-1]
    assert last.startswith("whereshot: ") and re.search(FULL, last) and "Traceback" not in said
    after = contents(place)
    assert not [file for file in after if output_files.PARTIAL in file]
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
    expected = f"interrupted; what is done is kept; go on with: whereshot {said.format(out=out)}"
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
    a_folder(other)
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
        server.settimeout(60)
        asked, _ = server.accept()
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
        asked.close()
    assert (process.returncode, out) == (130, "")
    line = (
        f"whereshot: interrupted; what is done is kept; go on with: whereshot models get hf:a/b --out {tmp_path / 'b'}"
    )
    assert said.strip().splitlines()[-1] == line
    assert "Traceback" not in said


# --- one file, one folder


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        a_file(path)
        a_folder(tmp_path / "folder")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750
    path.chmod(0o604)
    a_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "file", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    output_files.write_text(link, "new")
    assert (target.read_text(), link.is_symlink()) == ("new", True)
    (tmp_path / "later").symlink_to("real/later")  # to a file that is not there yet
    output_files.write_text(tmp_path / "later", "made")
    assert (tmp_path / "real" / "later").read_text() == "made"
    (tmp_path / "linked folder").symlink_to("real", target_is_directory=True)
    a_folder(tmp_path / "linked folder")
    assert (tmp_path / "linked folder").is_symlink() and [p.name for p in (tmp_path / "real").iterdir()] == ["a.txt"]


def test_the_longest_name_there_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127 + "x")
    a_file(path)
    a_file(path)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_folder_is_replaced_and_files_are_added(tmp_path: Path) -> None:
    out = tmp_path / "out"
    an_old_folder(out, "kept.txt", "b.txt")
    some_files(out)
    assert contents(out) == {"kept.txt": b"good", "a.txt": b"small", "b.txt": b"text " * 2000}
    a_folder(out)
    assert contents(out) == {"a.txt": b"text " * 2000}
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    output_files.write_text(tmp_path / "file", "old")
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error), output_files.new_file(tmp_path / "file") as beside:
            beside.write_text("half")
            raise error
    assert contents(tmp_path) == {"file": b"old"}


KILLED = """
import os, signal, sys
from whereshot.foundation import output_files
with getattr(output_files, sys.argv[1])(sys.argv[2]) as beside:
    (beside / "half" if beside.is_dir() else beside).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("writer", ["new_file", "new_folder", "new_files"])
def test_a_kill_leaves_the_old_and_the_next_run_clears_up(writer: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    an_old_file(out) if writer == "new_file" else an_old_folder(out, "half")
    before = contents(tmp_path)
    assert subprocess.run([sys.executable, "-c", KILLED, writer, str(out)]).returncode == -signal.SIGKILL
    after = contents(tmp_path)
    assert {name: after.pop(name) for name in before} == before
    assert len(after) == 1 and output_files.PARTIAL in next(iter(after))
    output_files.check_file(out) if writer == "new_file" else output_files.check_folder(out)
    assert contents(tmp_path) == before


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with output_files.new_file(tmp_path / "out") as beside:
        output_files.check_file(tmp_path / "out")
        assert beside.is_file()
        beside.write_text("whole")
    assert (tmp_path / "out").read_text() == "whole"


def test_a_place_that_only_looks_writable(tmp_path: Path) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    denied = "/proc/out: cannot be written (Permission denied); choose a place that you may write to"
    for check in (output_files.check_file, output_files.check_folder):
        with pytest.raises(OutputError) as caught:
            check("/proc/out")
        assert str(caught.value) == denied


def test_a_read_only_disk_is_refused_before_the_work(disk: Disk, tmp_path: Path) -> None:
    if not disk.is_mounted:
        pytest.skip("needs to mount a disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "whereshot-test", str(tmp_path)], check=True)
    try:
        for check in (output_files.check_file, output_files.check_folder, a_file, a_folder):
            with pytest.raises(OutputError, match=r"out: cannot be written \(Read-only file system\); choose a place"):
                check(tmp_path / "out")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


# --- nobody else writes

WRITES_BY_ITSELF = {
    "foundation.output_files": "is the one module that does",
    "foundation.output_streams": "sends the bytes to pipes and devices",
    "foundation.jobs.base": "its manifest grows line by line under a lock, and half a line is dropped when it is read",
    "foundation.download": "a part grows over several runs under a lock, and is checked and renamed when it is whole",
    "foundation.own_stderr": "sends what libraries write to stderr to the null device",
    "models.learned_photos": "makes the bytes of a file, which its caller writes",
    "cli": "closes standard output whose reader left",
}
FORBIDDEN = {
    "": {"write_text", "write_bytes", "mkdir", "makedirs", "rename", "fsync", "touch", "mkstemp", "NamedTemporaryFile"},
    "os": {"replace", "open", "link", "symlink", "truncate"},
    "shutil": {"copyfile", "copy", "copy2", "move"},
}
"""Calls that make or change files, under any owner or under one."""
INTO_A_PATH = {"write_table", "save_file", "save", "savefig", "copytree", "savez", "tofile", "write_csv", "to_file"}
"""Calls that write to the path or buffer that they are given."""
OWN_SAVES = {"settings_file", "training_state", "refiners", "level", "fitted", "levels", "writer"}
"""Objects of ours whose ``save`` is one of the writers that are tested above."""


def writes(tree: ast.Module) -> Iterator[str]:
    """Calls that write to a path that output_files did not hand out: those are named ``beside``, buffers ``buffer``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        names = {found.id for argument in node.args for found in ast.walk(argument) if isinstance(found, ast.Name)}
        if owner == "output_files" or names & {"beside", "buffer"}:
            continue
        if name == "open" and owner in ("", *_paths(node)):
            is_writer = _writing_mode(node)
        else:
            is_writer = name in FORBIDDEN[""] | FORBIDDEN.get(owner, set())
            is_writer |= name in INTO_A_PATH and owner.split("[")[0] not in OWN_SAVES
        if is_writer or (owner, name) == ("os", "open"):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def _paths(node: ast.Call) -> list[str]:
    """The owner of an ``open`` that is a path, and no module that opens pictures, archives or Arrow files."""
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    is_buffer = any(keyword.arg == "fileobj" for keyword in node.keywords)
    return [] if owner in ("Image", "pa.ipc", "os") or is_buffer else [owner]


def _writing_mode(node: ast.Call) -> bool:
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    modes = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return any(set(mode) & set("wax+") and set(mode) <= set("rwaxbt+") for mode in modes)


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(WRITES_BY_ITSELF)))
def test_no_other_module_writes_by_itself(module: str) -> None:
    assert list(writes(ast.parse(MODULES[module].read_text("utf-8")))) == [], "use whereshot.output_files"


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')", "path.open('ab')", "path.write_text('x')", "path.write_bytes(b'')", "os.replace(a, b)",
        "folder.mkdir(parents=True)", "pq.write_table(table, path)", "save_file(arrays, path)", "image.save(path)",
        "figure.savefig(path)", "shutil.copyfile(a, b)", "open(path, mode='wb')", "os.open(path, os.O_WRONLY)",
    ],
)  # fmt: skip
def test_the_check_of_writers_sees(code: str) -> None:
    assert len(list(writes(ast.parse(code)))) == 1


def test_the_check_of_writers_lets_the_rest_through() -> None:
    code = "open(path)\nopen(path, 'rb')\ntext.replace('a', 'b')\nsave_file(x, beside)\nimage.save(buffer, 'JPEG')"
    assert list(writes(ast.parse(code))) == []
