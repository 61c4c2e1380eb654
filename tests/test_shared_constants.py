"""What Python and the web page share has one home: web/src/shared.ts is made from Python, and both word alike."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from waiting import PATIENCE_S
from whereshot.locate import words

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
SCRIPT = ROOT / "scripts" / "write_shared_constants.py"
ESBUILD = WEB / "node_modules" / ".bin" / "esbuild"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("write_shared_constants", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_fresh(script: ModuleType) -> None:
    assert script.FILE.read_text("utf-8") == script.shared_file(), f"run: {script.RUN}"


def test_an_old_file_is_one_line_that_says_what_to_run(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "shared.ts"
    old.write_text("export const EARTH_KM = 6371;\n")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "FILE", old)
    assert script.main(["--check"]) == 1
    assert capsys.readouterr().err == f"shared.ts is not what Python says; run: {script.RUN}\n"
    assert old.read_text() == "export const EARTH_KM = 6371;\n"
    assert script.main([]) == 0 and script.main(["--check"]) == 0
    assert "EARTH_KM = 6371.0088;" in old.read_text()


def test_the_page_has_no_second_home_for_a_shared_name(script: ModuleType) -> None:
    shared = set(re.findall(r"^export const (\w+)", script.FILE.read_text("utf-8"), re.MULTILINE))
    assert {"EARTH_KM", "CANDIDATES", "ALBUM_CORRELATION", "MAP_POINTS", "SURE"} <= shared
    others = [path for path in (WEB / "src").rglob("*.ts*") if path != script.FILE]
    again = {
        f"{path.relative_to(WEB)}: {name}"
        for path in others
        for name in re.findall(r"\bconst (\w+)\b", path.read_text("utf-8"))
        if name in shared
    }
    assert again == set()


def test_every_shared_name_is_used_by_the_page(script: ModuleType) -> None:
    names = {name for module in script.SHARED.values() for name in module.values()}
    text = "\n".join(path.read_text("utf-8") for path in (WEB / "src").rglob("*.ts*") if path != script.FILE)
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_values_that_typescript_cannot_hold_are_refused(script: ModuleType) -> None:
    assert script.literal({1: "street", 25: (0.5, 2.0)}) == '{ "1": "street", "25": [0.5, 2] as const } as const'
    with pytest.raises(TypeError, match="cannot be written as TypeScript"):
        script.literal(None)


SHARES = (0.0, 0.0099, 0.01, 0.014, 0.5, 0.9, 0.9949, 0.995, 1.0)
DISTANCES_KM = (0.0004, 0.35, 0.9996, 1.0, 5.65, 9.94, 10.0, 31.4, 99.6, 1234.5, 9730.0, 20015.0)
NATS = (-20.0, -math.log(2), 0.0, 0.3, 2.31, 4.59, math.log(160), 16.0)


@pytest.mark.skipif(
    shutil.which("node") is None or not ESBUILD.is_file(), reason="needs Node.js and web/node_modules (make web)"
)
def test_python_and_the_page_word_numbers_alike(tmp_path: Path) -> None:
    """The page keeps a number and its unit on one line; nothing else differs."""
    program = tmp_path / "words.ts"
    program.write_text(
        f'import {{ distanceWords, percent, times }} from "{(WEB / "src" / "words").as_posix()}";\n'
        f"console.log(JSON.stringify([{list(SHARES)}.map(percent), {list(DISTANCES_KM)}.map(distanceWords), "
        f"{list(NATS)}.map(times)]));\n"
    )
    bundle = tmp_path / "words.mjs"
    command = [ESBUILD, program, "--bundle", "--format=esm", "--platform=node", f"--outfile={bundle}"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    done = subprocess.run(["node", bundle], check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    found = json.loads(done.stdout.replace("\u00a0", " "))
    assert found == [
        [words.percent(share) for share in SHARES],
        [words.distance_words(km) for km in DISTANCES_KM],
        [words.times(nats) for nats in NATS],
    ]


def test_the_script_checks_the_file_that_is_there() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
