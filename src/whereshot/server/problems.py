"""Problem documents (RFC 9457, application/problem+json): the form of every error of the server."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

PROBLEM_JSON = "application/problem+json"


class ProblemError(Exception):
    """The error that answers a request: an HTTP status, one sentence, headers, and further members of the document."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, dict(headers or {}), more


def title_of(status: int) -> str:
    """Return the standard phrase of an HTTP status, such as "Not Found"."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def document(status: int, detail: str, more: Mapping[str, Any] | None = None) -> bytes:
    """Return a problem document as JSON: ``type``, ``title``, ``status``, ``detail`` and further members."""
    described = {"type": "about:blank", "title": title_of(status), "status": status, "detail": detail, **(more or {})}
    return json.dumps(described, ensure_ascii=False).encode("utf-8", "backslashreplace")
