"""The list of commands: all have a help, and the same option has the same words in every command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from command_line import Run
from conftest import MakePicture
from whereshot.cli.commands import app
from whereshot.earth import country_shapes

SHARED = (
    "--model",
    "--device",
    "--column",
    "--level",
    "--top",
    "--within",
    "--use-exif",
    "--text",
    "--reader",
    "--engine",
)


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    for name, command in typer.main.get_command(app).commands.items():
        for inner, found in getattr(command, "commands", {"": command}).items():
            yield f"{name} {inner}".strip(), found


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_and_option_has_a_help(name: str, command: typer.core.TyperCommand) -> None:
    assert command.help
    without = [option.name for option in command.params if not getattr(option, "help", None)]
    assert without == []


@pytest.mark.parametrize("option", SHARED)
def test_an_option_has_one_meaning(option: str) -> None:
    words = defaultdict(list)
    for name, command in commands():
        for parameter in command.params:
            if option in parameter.opts:
                words[parameter.help].append(name)
    allowed = 1 if option != "--model" and option != "--top" else 5  # of query, learn and evaluate: another model
    assert 1 <= len(words) <= allowed, dict(words)


@pytest.mark.parametrize(("borders", "code"), [("united-nations", "UA"), ("control", "RU")])
def test_borders_follow_the_chosen_point_of_view(
    run: Run, tmp_path: Path, jpeg_with_position: MakePicture, monkeypatch: pytest.MonkeyPatch, borders: str, code: str
) -> None:
    """A photo whose EXIF says Crimea."""
    monkeypatch.setenv(country_shapes.VARIABLE, "")  # what the option sets is undone after the test
    photo = jpeg_with_position(tmp_path / "a.jpg", 44.95, 34.1)
    told = run("--borders", borders, "locate", "--no-text", "--use-exif", "--format", "json", photo)
    assert told.document["predictions"][0]["place"]["country_code"] == code


def test_an_unknown_point_of_view_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(country_shapes.VARIABLE, "")
    assert run("--borders", "un", "cells", "kinds").mistake == "no borders 'un'; known: control, united-nations"
