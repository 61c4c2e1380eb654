"""Documents name files that exist: paths in README, CONTRIBUTING, NOTICE, docs and comments of scripts."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "whereshot"
DOCUMENTS = sorted(
    [ROOT / "NOTICE", *(path for name in (".", "docs", "findings") for path in (ROOT / name).glob("*.md"))]
)
FOLDERS = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__")
IN_THE_TREE = re.compile(r"(?<![\w./-])(?:src|tests|scripts|benchmarks|runs|findings|docs|examples|web)/[\w./+-]+\w")
IN_THE_PACKAGE = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./-]+\w")
MADE = (
    "docs/results-training.md",
    "photos/ID.jpg",
    "runs/landmarks",
    "src/whereshot/server/static",
    "web/node_modules",
    "web/screenshots",
)
"""What builds and commands make, and git does not hold."""


def missing(text: str) -> set[str]:
    """Return the paths in a text that name no file: from the root of the tree, or from the package."""
    found = {path for path in IN_THE_TREE.findall(text) if not path.startswith(MADE) and not (ROOT / path).exists()}
    for path in IN_THE_PACKAGE.findall(text):
        place = PACKAGE / path
        if path.startswith(MADE):
            continue
        if not place.exists() and not place.with_suffix(".py").exists() and not path.startswith("server/static"):
            found.add(path)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_paths_exist(document: Path) -> None:
    assert missing(document.read_text("utf-8")) == set()


def test_the_check_of_paths_sees() -> None:
    text = (
        "`src/whereshot/oracle.py`, `posterior/same_place.py`, `evidence/fusion`, models/readout/hills, tests/test_x.py"
    )
    assert missing(text) == {"src/whereshot/oracle.py", "models/readout/hills", "tests/test_x.py"}


def test_links_between_documents_lead_somewhere() -> None:
    broken = {
        f"{document.name}: {target}"
        for document in DOCUMENTS
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    }
    assert broken == set()


def test_the_build_scripts_write_the_tables_that_are_read() -> None:
    spec = importlib.util.spec_from_file_location("shipped_table", ROOT / "scripts" / "shipped_table.py")
    assert spec is not None and spec.loader is not None
    shipped_table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shipped_table)
    shipped = set(PACKAGE.glob("*/data/*.parquet"))
    assert {shipped_table.path_of(name) for name in shipped_table.DISTRICTS} == shipped


def test_the_notice_names_the_source_of_every_shipped_table_and_network() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    shipped = [
        path for path in PACKAGE.glob("*/data/*") if path.suffix in (".parquet", ".bin", ".onnx", ".safetensors")
    ]
    assert len(shipped) > 15
    names = {path.relative_to(PACKAGE).with_suffix("").as_posix() for path in shipped}
    assert {name for name in names if name not in notice} == set()


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "findings").iterdir() if path.suffix != ".md"))
def test_a_finding_can_be_run_and_is_in_the_table(script: str) -> None:
    path = ROOT / "findings" / script
    assert path.stat().st_mode & 0o111, f"chmod +x findings/{script}"
    assert path.read_text("utf-8").startswith("#!")
    assert f"| `{script}` |" in (ROOT / "findings" / "README.md").read_text("utf-8")
