"""The examples of the OpenAPI document are like the real answers and options."""

from __future__ import annotations

from dataclasses import fields

import pytest

from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Prediction
from whereshot.server import examples
from whereshot.server.options import READERS, Options, read_options

FORM = examples.LOCATE["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]


def test_the_example_has_the_members_of_a_prediction() -> None:
    members = set(Prediction(id="a", error="none").to_document())
    assert members <= set(examples.PREDICTION) | {"taken_at"}
    assert set(examples.PREDICTION) - {"map"} <= members


def test_every_option_is_described_with_its_default() -> None:
    options = {name: described for name, described in FORM.items() if name != "photos"}
    assert set(options) == set(READERS)
    defaults = LocateOptions().plain() | {option.name: getattr(Options(), option.name) for option in fields(Options)}
    for name, described in options.items():
        assert described["description"].endswith(".")
        if "default" in described:
            assert described["default"] == defaults[name]


@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_the_bounds_of_top_are_those_that_are_checked(bound: str) -> None:
    assert read_options({"top": str(FORM["top"][bound])}).locate.top == FORM["top"][bound]


def test_every_status_has_a_problem_as_its_example() -> None:
    for status, described in examples.LOCATED.items():
        if status != 200:
            (content,) = described["content"].values()
            assert content["example"]["status"] == status
