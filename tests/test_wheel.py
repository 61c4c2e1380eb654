"""The wheel: it holds the package, its data, its types and the page, and nothing else; its commands run from it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from waiting import PATIENCE_S
from whereshot.foundation.version import VERSION

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "whereshot"
SITE = "whereshot/server/static/site"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built in a temporary folder without the network."""
    if find_spec("hatchling") is None:
        pytest.skip("needs hatchling, which builds the wheel (extra dev)")
    if not (ROOT / "src" / SITE / "index.html").is_file():
        pytest.skip("needs the page: make web")
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", *offline, "-w", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.iterdir()
    assert path.name == f"whereshot-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        yield archive


def files_of_the_package() -> set[str]:
    """Return the files of the package in the source tree, as a wheel names them, without what Python makes."""
    found = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(PACKAGE.parent).as_posix() for path in found}


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_page(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if not name.startswith(f"whereshot-{VERSION}.dist-info/")}
    assert names == files_of_the_package()
    assert {f"{SITE}/index.html", f"{SITE}/responsible-use.html", "whereshot/py.typed"} <= names
    assert any(name.endswith(".wasm") for name in names)
    assert {f"whereshot/{name}/data" for name in ("earth", "evidence", "posterior", "models")} <= {
        "/".join(name.split("/")[:3]) for name in names
    }
    assert len([name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]) == 1


@pytest.mark.slow
def test_the_wheel_describes_itself(wheel: zipfile.ZipFile) -> None:
    metadata = HeaderParser().parsestr(wheel.read(f"whereshot-{VERSION}.dist-info/METADATA").decode())
    assert metadata["Version"] == VERSION and metadata["Requires-Python"] == ">=3.11"
    assert {"torch", "serve", "spark"} <= set(metadata.get_all("Provides-Extra") or [])
    commands = wheel.read(f"whereshot-{VERSION}.dist-info/entry_points.txt").decode()
    assert "whereshot = whereshot.cli:main" in commands


@pytest.mark.slow
def test_the_commands_run_from_the_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    code = "import whereshot, pathlib; print(pathlib.Path(whereshot.__file__).parents[1])"
    home = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(home.stdout.strip()) == tmp_path
    command = [sys.executable, "-m", "whereshot.cli", "locate", "--no-text", "--format", "csv"]
    photo = ROOT / "examples" / "village-sign.jpg"
    done = subprocess.run([*command, photo], env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert "village-sign" in done.stdout
