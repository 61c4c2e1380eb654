"""Running a command: exit codes, help, one line for every mistake, Ctrl-C, and readers that leave."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import COMMAND, Run
from interrupting import listen_to_control_c
from waiting import PATIENCE_S


def test_help_lists_the_commands() -> None:
    script = Path(sys.executable).with_name("whereshot")
    result = subprocess.run([str(script), "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    listed = set(re.findall(r"^  (\w+) ", result.stdout, flags=re.MULTILINE))
    assert {"locate", "ingest", "cells", "train", "evaluate", "models"} <= listed


def test_without_a_command_help_goes_to_stderr(run: Run) -> None:
    for group in ((), ("cells",), ("models",)):
        result = run(*group)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("Usage: ")
        assert len(result.err.splitlines()) > 5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["locat"], "locat"),
        (["locate"], "photos"),
        (["locate", "--colour", "red", "x.jpg"], "--colour"),
        (["locate", "x.jpg", "--top", "0"], "--top"),
        (["locate", "x.jpg", "--top", "many"], "--top"),
        (["locate", "x.jpg", "--level", "high"], "--level"),
        (["locate", "x.jpg", "--format", "xml"], "--format"),
        (["ingest", "folder", "x"], "--out"),
        (["cells", "build", "x.csv"], "--out"),
        (["train", "x.toml", "--workers", "0"], "--workers"),
        (["models", "show"], "model"),
        (["models", "get"], "name"),
    ],
)
def test_usage_errors_are_one_line(run: Run, arguments: list[str], named: str) -> None:
    result = run(*arguments)
    assert named in result.mistake
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "formats"),
    [
        (["locate", "x.jpg"], "'table', 'json', 'geojson', 'csv', 'html'"),
        (["query", "x.jpg"], "'table', 'json', 'html'"),
        (["check", "x.jpg", "--claim", "Spain"], "'table', 'json'"),
        (["models", "list"], "'table', 'json'"),
    ],
)
def test_an_unknown_format_names_the_known_ones(run: Run, command: list[str], formats: str) -> None:
    said = run(*command, "--format", "xml").mistake.rstrip(".")
    assert said == f"Invalid value for '--format': 'xml' is not one of {formats}"


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_that_leaves_is_no_error(tiny: Path, form: str) -> None:
    """As with ``| head -1``: the pipe is closed before anything is written, or in the midst of it."""
    command = [*COMMAND, "locate", "--no-text", str(tiny / "lima-0.png"), str(tiny / "lima-1.png"), "--format", form]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_control_c_stops_quietly(tiny: Path, tmp_path: Path) -> None:
    region = tmp_path / "region.geojson"
    os.mkfifo(region)  # the command waits for what is in it
    command = [*COMMAND, "locate", str(tiny / "lima-0.png"), "--region", str(region)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen_to_control_c
    )
    with region.open("w"):  # opens when the command has
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_outputs_that_cannot_be_written(run: Run, locate: Run, tiny: Path, file_in_the_way: Path) -> None:
    inside = file_in_the_way / "out"
    photo = tiny / "lima-0.png"

    def not_written(path: Path) -> str:
        return f"{path}: cannot be written ({file_in_the_way} is a file); choose another place"

    assert locate(photo, "--out", inside).mistake == not_written(inside)
    assert locate(photo, "--out", file_in_the_way.parent).mistake == f"{file_in_the_way.parent}: a folder; name a file"
    parquet = file_in_the_way / "out.parquet"
    assert locate(photo, "--posterior", parquet).mistake == not_written(parquet)
    assert run("cells", "build", tiny / "photos.csv", "--set", "max=8", "--out", parquet).mistake == not_written(
        parquet
    )
    assert run("ingest", "table", tiny / "photos.csv", "--out", parquet).mistake == not_written(parquet)
    assert run("ingest", "table", tiny / "photos.csv", "--out", inside).mistake == not_written(inside)
    in_the_way = f"{file_in_the_way}: a file is in the way; name a folder"
    assert run("ingest", "table", tiny / "photos.csv", "--out", file_in_the_way).mistake == in_the_way
    assert run("evaluate", "prior", tiny / "photos.csv", "--report", file_in_the_way).mistake == in_the_way
    said = run("train", tiny / "run.toml", "--set", f"out={inside}").mistake
    assert said == not_written(inside)
    assert file_in_the_way.read_text() == "in the way"


@pytest.mark.parametrize(
    "command",
    [
        "locate photo.jpg",
        "locate photo.jpg --model prior",
        "check photo.jpg --claim Paris",
        "explain photo.jpg",
        "query photo.jpg --gallery folder",
        "batch folder --out out",
        "serve",
        "gallery table.csv --out out",
        "learn folder --out out",
        "train run.toml",
        "evaluate prior table.csv",
        "calibrate model table.csv",
        "refine fit run.toml",
    ],
)
def test_a_device_that_is_not_here_is_refused_by_every_command(run: Run, command: str) -> None:
    said = run(*command.split(), "--device", "cuda:99").mistake
    assert said.startswith("device 'cuda:99' cannot be used here (") and "\n" not in said
