"""Reasons stand in files of users and have one home."""

from __future__ import annotations

import ast
from pathlib import Path

import whereshot
from whereshot.photos import reject_reasons

PACKAGE = Path(whereshot.__file__).parent
REASONS = {name: value for name, value in vars(reject_reasons).items() if name.isupper()}


def test_the_words_are_those_of_files_written_before() -> None:
    assert REASONS == {
        "NO_FILE": "no image file",
        "NO_FILE_DETAIL": "the record names no image file",
        "UNREADABLE": "unreadable picture",
        "TOO_SMALL": "too small",
        "NO_POSITION": "no position",
        "IMPOSSIBLE_POSITION": "impossible position",
        "NULL_ISLAND": "position (0, 0)",
        "DUPLICATE_ID": "duplicate id",
        "BROKEN_ROW": "broken row",
        "NOT_SELECTED": "not selected",
        "API_ERROR": "api error",
        "OVER_BUDGET": "over the budget",
    }


def test_no_other_module_writes_these_words_again() -> None:
    again = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "reject_reasons.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value in REASONS.values()
    }
    assert not again


def test_scene_names_have_one_home() -> None:
    """The three kinds of scene are listed in photos/scenes.py alone."""
    again = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Tuple)
        and [item.value for item in node.elts if isinstance(item, ast.Constant)] == ["indoor", "natural", "urban"]
    }
    assert again == {"photos/scenes.py"}
