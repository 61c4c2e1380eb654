"""What ``from whereshot import ...`` offers: exactly these names, typed, each loaded when it is first used."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import whereshot

PUBLIC = [
    "AlbumModel",
    "Candidate",
    "ConfigError",
    "Evidence",
    "Geolocator",
    "HourModel",
    "ImageError",
    "InputError",
    "LocateOptions",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "Partition",
    "Place",
    "Posterior",
    "Prediction",
    "Records",
    "Region",
    "WhereshotError",
    "__version__",
    "score",
]
"""The promise to users. A name leaves this list only with a new major version and a line in CHANGELOG.md."""

FACE = Path(whereshot.__file__)
MOST_CPU_SECONDS = 0.1
"""Processor time that ``import whereshot`` may take; it takes about 0.01 s."""


def test_the_public_names_are_these() -> None:
    assert whereshot.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(whereshot, name)
    assert name in dir(whereshot)
    assert isinstance(value, str) or inspect.getdoc(value)


def test_a_public_name_is_the_object_of_its_module() -> None:
    homes = [name for name in PUBLIC if name != "__version__"]
    for name in homes:
        assert getattr(whereshot, name) is getattr(importlib.import_module(whereshot._HOMES[name]), name)


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'whereshot' has no attribute 'Geolocater'"):
        whereshot.Geolocater  # noqa: B018
    with pytest.raises(ImportError, match="Geolocater"):
        exec("from whereshot import Geolocater")


def test_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from whereshot import *", names)
    assert set(PUBLIC) <= set(names)


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    """mypy and pyright read the imports under TYPE_CHECKING, and Python reads ``_HOMES``."""
    tree = ast.parse(FACE.read_text("utf-8"))
    typed = {
        alias.asname or alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == whereshot._HOMES
    assert sorted([*typed, "__version__"]) == sorted(PUBLIC)
    assert (FACE.parent / "py.typed").is_file()


@pytest.mark.slow
def test_mypy_knows_the_types_of_the_public_names(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import whereshot\n"
        "from whereshot import Geolocator, Posterior, Prediction, score\n"
        "locator = Geolocator.load()\n"
        "posterior: Posterior\n"
        "prediction: Prediction\n"
        "version: int = whereshot.__version__\n"
        "reveal_type(locator)\n"
        "whereshot.Geolocater\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    lines = [line.removeprefix("program.py:") for line in done.stdout.splitlines() if line.startswith("program.py")]
    assert [line.partition(":")[0] for line in lines] == ["6", "7", "8"], done.stdout + done.stderr
    assert "whereshot.locate.geolocator.Geolocator" in lines[1]


def measured_import() -> tuple[float, set[str], str]:
    """Return processor seconds of ``import whereshot`` in a fresh process, the modules loaded, and what was printed."""
    code = (
        "import sys, time; before = set(sys.modules); start = time.process_time(); import whereshot; "
        "print(time.process_time() - start, *sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *modules = done.stdout.split()
    return float(seconds), set(modules), done.stderr


def test_import_is_light() -> None:
    runs = [measured_import() for _ in range(3)]
    _, modules, printed = runs[0]
    ours = {"whereshot", "whereshot.foundation", "whereshot.foundation.version"}
    assert {name for name in modules if name.partition(".")[0] == "whereshot"} == ours
    assert {name.partition(".")[0] for name in modules} <= {"whereshot", *sys.stdlib_module_names}
    assert printed == ""
    assert min(seconds for seconds, _, _ in runs) < MOST_CPU_SECONDS
