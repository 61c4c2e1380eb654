"""Comparing two recordings of builds: what must be found, what may vary, and how each is listed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import save_file

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "compare_builds.py"
ANSWER = {
    "model": "compact",
    "predictions": [{"id": "a.jpg", "latitude": 41.1429, "place": "Altafulla", "error": None}],
}
HELP = """Usage: whereshot locate [OPTIONS]

Options:
  --top <int range>      How many likely places to list.  [default: 5; x>=1]
  --format <table|json>  [default: table]
  --help                 Show this message and exit.
"""

Change = Callable[[Path], None]


def record(folder: Path, package: str = "/one/src/whereshot", day: str = "2024-05-01") -> Path:
    """A recording as ``record`` writes it, of one build whose package and day of recording are named."""
    files = folder / "steps" / "locate" / "files"
    (folder / "steps" / "help-locate").mkdir(parents=True)
    files.mkdir(parents=True)
    (folder / "steps" / "help-locate" / "stdout.txt").write_text(HELP)
    (folder / "steps" / "help-locate" / "stderr.txt").write_text("")
    (folder / "steps" / "locate" / "stdout.json").write_text(json.dumps({**ANSWER, "seconds": len(package)}))
    said = f"Reading {package}/data on {day}.\nreading photos ━━━ 12/12 0:00:0{len(day) % 7}\n3 photos failed (0.5 s)\n"
    (folder / "steps" / "locate" / "stderr.txt").write_text(said)
    pq.write_table(pa.table({"id": ["a", "b"], "mass": [0.25, 0.75]}), files / "posterior.parquet")
    save_file({"weights": np.arange(4, dtype=np.float32)}, files / "weights.safetensors")
    (files / "run.toml").write_text(f'out = "{package}/out"\nepochs = 3\n')
    (files / "answers.csv").write_text("id,km,country_code\na,1.5,ES\n")
    (files / "unknown.bin").write_bytes(b"\xff\x00\x01")
    Image.new("RGB", (3, 2), (9, 8, 7)).save(files / "map.png")
    steps = [{"name": "help-locate", "arguments": ["locate", "--help"], "exit": 0}]
    steps.append({"name": "locate", "arguments": ["locate", "few"], "exit": 0})
    told = {"format": 1, "roots": {"package": package}, "days": [day], "steps": steps}
    (folder / "recording.json").write_text(json.dumps(told))
    return folder


def compare(*arguments: Any) -> tuple[int, list[str]]:
    """Exit code and lines of the command."""
    command = [sys.executable, str(SCRIPT), "compare", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording that all are compared with; not to be changed."""
    return record(tmp_path_factory.mktemp("recordings") / "before")


def test_the_same_answers_of_another_folder_on_another_day_are_equal(before: Path, tmp_path: Path) -> None:
    code, lines = compare(before, record(tmp_path / "after", "/the/other/whereshot", "2024-06-30"))
    assert lines == [
        "compared: 2 commands, 10 files, 29 fields, 34 numbers, 1 varying",
        "differences: 0 number, 0 value, 0 missing, 0 added, 0 words",
    ]
    assert code == 0


def write_answer(**changed: Any) -> Change:
    def change(folder: Path) -> None:
        document = {**ANSWER, "seconds": 1, **changed}
        (folder / "steps/locate/stdout.json").write_text(json.dumps(document))

    return change


def replace(path: str, old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))

    return change


def moved(**changed: Any) -> Change:
    return write_answer(predictions=[{**ANSWER["predictions"][0], **changed}])


FILES = "steps/locate/files"
FAULTS: dict[str, tuple[Change, str]] = {
    "a number in the last digit": (
        moved(latitude=41.14290000000001),
        "number: locate/stdout.json:predictions[0].latitude: '41.1429' -> '41.14290000000001'",
    ),
    "a whole number for a decimal one": (
        replace("steps/locate/stdout.json", "41.1429", "41"),
        "number: locate/stdout.json:predictions[0].latitude: '41.1429' -> '41'",
    ),
    "a text of the data": (
        moved(place="Tarragona"),
        "value: locate/stdout.json:predictions[0].place: 'Altafulla' -> 'Tarragona'",
    ),
    "null": (moved(place=None), "value: locate/stdout.json:predictions[0].place: 'Altafulla' -> 'None'"),
    "a lost field": (
        replace("steps/locate/stdout.json", '"model": "compact", ', ""),
        "missing: locate/stdout.json:model: 'compact' -> 'no such field'",
    ),
    "a lost row": (write_answer(predictions=[]), "number: locate/stdout.json:predictions.length: '1' -> '0'"),
    "a column": (
        lambda folder: pq.write_table(
            pa.table({"id": ["a", "b"], "mass": [0.25, 0.5]}), folder / FILES / "posterior.parquet"
        ),
        "number: locate/files/posterior.parquet:columns.mass[1] and 0 more: '0.75' -> '0.5'",
    ),
    "a column's type": (
        lambda folder: pq.write_table(
            pa.table({"id": ["a", "b"], "mass": pa.array([0.25, 0.75], pa.float32())}),
            folder / FILES / "posterior.parquet",
        ),
        "value: locate/files/posterior.parquet:types.mass: 'double' -> 'float'",
    ),
    "weights": (
        lambda folder: save_file(
            {"weights": np.array([0, 1, 2, 3.5], np.float32)}, folder / FILES / "weights.safetensors"
        ),
        "number: locate/files/weights.safetensors:arrays.weights.values[3] and 0 more: '3.0' -> '3.5'",
    ),
    "a setting": (
        replace(f"{FILES}/run.toml", "epochs = 3", "epochs = 4"),
        "number: locate/files/run.toml:epochs: '3' -> '4'",
    ),
    "a cell": (
        replace(f"{FILES}/answers.csv", "1.5", "1.25"),
        "number: locate/files/answers.csv:km[0]: '1.5' -> '1.25'",
    ),
    "a header": (
        replace(f"{FILES}/answers.csv", "country_code", "country"),
        "missing: locate/files/answers.csv:country_code: \"['ES']\" -> 'no such field'",
    ),
    "a pixel": (
        lambda folder: Image.new("RGB", (3, 2), (9, 8, 6)).save(folder / FILES / "map.png"),
        "number: locate/files/map.png:pixels[2] and 5 more: '7' -> '6'",
    ),
    "bytes": (
        lambda folder: (folder / FILES / "unknown.bin").write_bytes(b"\xff\x00\x01\x02"),
        "value: locate/files/unknown.bin: '3 bytes' -> '4 bytes'",
    ),
    "a lost file": (
        lambda folder: (folder / FILES / "run.toml").unlink(),
        "missing: locate/files/run.toml: 'a file' -> ''",
    ),
    "an exit code": (
        replace("recording.json", '"arguments": ["locate", "few"], "exit": 0', '"arguments": ["locate"], "exit": 1'),
        "number: locate/exit: '0' -> '1'",
    ),
    "a number in a message": (
        replace("steps/locate/stderr.txt", "3 photos failed", "4 photos failed"),
        "number: locate/stderr.txt: '3 photos failed (<seconds> s)' -> '4 photos failed (<seconds> s)'",
    ),
    "a lost option": (
        replace("steps/help-locate/stdout.txt", "--top", "--most"),
        "missing: help-locate/stdout.txt:--top: 'an option or command' -> ''",
    ),
    "a default": (
        replace("steps/help-locate/stdout.txt", "default: 5", "default: 6"),
        "value: help-locate/stdout.txt:--top: 'default 5; x>=1' -> 'default 6; x>=1'",
    ),
    "a lost choice": (
        replace("steps/help-locate/stdout.txt", "<table|json>", "<table|yaml>"),
        "missing: help-locate/stdout.txt:--format json: 'a choice' -> ''",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_must_not_change_is_found(name: str, before: Path, tmp_path: Path) -> None:
    """Also where changed words and added fields are allowed."""
    change, line = FAULTS[name]
    after = tmp_path / "after"
    shutil.copytree(before, after)
    change(after)
    code, lines = compare(before, after, "--allow-words", "--allow-added")
    assert line in lines
    assert code == 1


WORDS: dict[str, tuple[Change, str]] = {
    "a message": (
        replace("steps/locate/stderr.txt", "3 photos failed", "3 photos could not be read"),
        "words: locate/stderr.txt: '3 photos failed (<seconds> s)' -> '3 photos could not be read (<seconds> s)'",
    ),
    "a help page": (
        replace("steps/help-locate/stdout.txt", "How many", "The number of"),
        "words: help-locate/stdout.txt: '  --top <int range>      How many likely places to list.  [default: 5; x>=1]' "
        "-> '  --top <int range>      The number of likely places to list.  [default: 5; x>=1]'",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_changed_words_are_listed_apart(name: str, before: Path, tmp_path: Path) -> None:
    change, line = WORDS[name]
    after = tmp_path / "after"
    shutil.copytree(before, after)
    change(after)
    for allowed, expected in (((), 1), (("--allow-words",), 0)):
        code, lines = compare(before, after, *allowed)
        assert line in lines
        assert lines[-1] == "differences: 0 number, 0 value, 0 missing, 0 added, 1 words"
        assert code == expected


def test_the_error_of_a_photo_is_words(before: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, error in ((one, "cannot be read"), (other, "is no picture")):
        shutil.copytree(before, folder)
        moved(error=error)(folder)
    code, lines = compare(one, other, "--allow-words")
    assert lines[0] == "words: locate/stdout.json:predictions[0].error: 'cannot be read' -> 'is no picture'"
    assert code == 0


def test_a_new_field_and_a_new_option_fail_unless_allowed(before: Path, tmp_path: Path) -> None:
    after = tmp_path / "after"
    shutil.copytree(before, after)
    write_answer(sure_of="city")(after)
    replace("steps/help-locate/stdout.txt", "  --help", "  --track <path>         A track.\n  --help")(after)
    code, lines = compare(before, after, "--allow-words")
    assert "added: locate/stdout.json:sure_of: 'no such field' -> 'city'" in lines
    assert "added: help-locate/stdout.txt:--track: '' -> 'an option or command'" in lines
    assert code == 1
    assert compare(before, after, "--allow-words", "--allow-added")[0] == 0


def test_a_folder_without_a_recording_is_refused(before: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "compare", str(before), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path}: no recording (")
    assert done.stderr.endswith("make one with: compare_builds.py record\n")
