"""Problem documents (RFC 9457), and the errors that become them."""

from __future__ import annotations

import json

import pytest

from whereshot.server import problems


def test_a_document_has_the_members_of_the_standard_and_more() -> None:
    content = problems.document(422, "none of 2 photos can be answered", {"errors": [{"id": "é"}]})
    assert json.loads(content) == {
        "type": "about:blank",
        "title": problems.title_of(422),
        "status": 422,
        "detail": "none of 2 photos can be answered",
        "errors": [{"id": "é"}],
    }


def test_a_name_that_is_not_text_can_be_written() -> None:
    assert b"\\udcff" in problems.document(400, "photo-\udcff.jpg: damaged")


@pytest.mark.parametrize(("status", "title"), [(404, "Not Found"), (499, "Error")])
def test_every_status_has_a_title(status: int, title: str) -> None:
    assert problems.title_of(status) == title


def test_an_error_carries_its_headers_and_members() -> None:
    error = problems.ProblemError(429, "try again", {"Retry-After": "5"}, waiting=3)
    assert (str(error), error.status, error.headers, error.more) == (
        "try again",
        429,
        {"Retry-After": "5"},
        {"waiting": 3},
    )
