"""The media type of an answer, by what a client accepts."""

from __future__ import annotations

import pytest

from whereshot.server.media_types import answer_form
from whereshot.server.problems import ProblemError


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/geo+json", "application/geo+json"),
        ("application/json;q=0.2, application/geo+json;q=0.8", "application/geo+json"),
        ("application/geo+json;q=0, */*", "application/json"),
        ("application/*;q=x, application/json", "application/json"),
    ],
)
def test_the_form_of_an_answer(accept: str | None, form: str) -> None:
    assert answer_form(accept) == form


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", ";;"])
def test_other_forms_are_refused_with_those_there_are(accept: str) -> None:
    with pytest.raises(ProblemError, match="ask for one of them in Accept") as refused:
        answer_form(accept)
    assert refused.value.status == 406
