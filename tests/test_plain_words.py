"""What people see has plain words: nats, posteriors and steradians stay in expert views and in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from whereshot.cli import app

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "whereshot"
JARGON = re.compile(
    r"\bnats?\b|posterior|steradian|log[- ](?:mass|odds|likelihood)|\blogits?\b|\bpriors?\b", re.IGNORECASE
)
EVERYDAY_COMMANDS = ("locate", "check", "query", "explain", "serve", "gallery", "learn", "hours", "models")
EVERYDAY_DISTRICTS = ("photos", "evidence", "locate", "report", "server")
EXPERT = ("evidence/refiners/", "report/scorecard/", "locate/explain/occlusion.py")
"""What experts see: refiners, scores of models, and the unit of heat in the JSON document of explain."""


def hits(text: str) -> list[str]:
    """The words of a text that only experts know; names of options and of files are allowed."""
    return JARGON.findall(re.sub(r"--\w[\w-]*|`[^`]*`|\bprior_\w+", "", text))


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of several words in a module, without docstrings: errors, remarks, labels."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(first.value)
        for node in ast.walk(tree)
        for first in (getattr(node, "body", None) if isinstance(getattr(node, "body", None), list) else ())
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        if is_text and " " in node.value.strip():
            yield node.lineno, node.value


@pytest.mark.parametrize("district", EVERYDAY_DISTRICTS)
def test_sentences_of_the_package(district: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in sorted((PACKAGE / district).rglob("*.py"))
        if not str(path.relative_to(PACKAGE)).startswith(EXPERT)
        for line, text in sentences(path)
        if hits(text)
    ]
    assert found == []


@pytest.mark.parametrize("command", EVERYDAY_COMMANDS)
def test_help_of_everyday_commands(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert (result.exit_code, hits(result.stdout)) == (0, [])


def test_words_of_html_pages() -> None:
    pages = [path for path in (PACKAGE / "report" / "static").iterdir() if path.suffix in (".html", ".js")]
    assert len(pages) > 3
    assert {path.name: found for path in pages if (found := hits(path.read_text("utf-8")))} == {}


def test_words_of_the_web_page() -> None:
    found = []
    for path in sorted((ROOT / "web" / "src").rglob("*.ts*")):
        code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
        texts = re.findall(r'"([^"\n]*)"|`([^`]*)`|>([^<>{}]+)<', code)
        seen = [part for parts in texts for part in parts if " " in part.strip()]
        found += [f"{path.name}: {part}" for part in seen if hits(re.sub(r"\$\{[^}]*\}", "", part))]
    assert found == []
