"""What went wrong -> a problem document (RFC 9457) as every error of the server is told: application/problem+json."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

PROBLEM_JSON = "application/problem+json"


class ProblemError(Exception):
    """A request that is answered with an error: its status, one clear sentence, and what else belongs to it."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, dict(headers or {}), more


def title_of(status: int) -> str:
    """The phrase of a status."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def document(status: int, detail: str, more: Mapping[str, Any] | None = None) -> bytes:
    """The problem document: ``type``, ``title``, ``status``, ``detail`` and further members, as JSON."""
    described = {"type": "about:blank", "title": title_of(status), "status": status, "detail": detail, **(more or {})}
    return json.dumps(described, ensure_ascii=False).encode("utf-8", "backslashreplace")
