"""The version has one home: the installed package, the command line and the face of the package agree with it."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import whereshot
from whereshot.foundation.version import VERSION

ROOT = Path(__file__).parents[2]


def test_the_version_is_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_the_face_and_the_installed_package_have_the_same_version() -> None:
    assert whereshot.__version__ == VERSION
    assert importlib.metadata.version("whereshot") == VERSION


def test_the_command_line_prints_the_version_alone() -> None:
    done = subprocess.run([sys.executable, "-m", "whereshot.cli", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"whereshot {VERSION}\n", "")


def test_no_other_file_names_a_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    assert (ROOT / project["tool"]["hatch"]["version"]["path"]).is_file()
    page = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))
    assert page["private"] and "version" not in page


def test_the_changelog_has_the_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased" and headings[1] == VERSION
