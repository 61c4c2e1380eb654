"""The media types of answers, and the choice among them by the Accept header of a request."""

from __future__ import annotations

from whereshot.server.problems import ProblemError

JSON = "application/json"
GEOJSON = "application/geo+json"
LINES = "application/x-ndjson"
"""One JSON document per line: one line for each photo as soon as it is answered, then the album."""


def answer_form(accept: str | None) -> str:
    """Return the media type of the answer that a client prefers, by its Accept header (RFC 9110, 12.5.1).

    Raises ProblemError (406) where the client accepts none of them.
    """
    wanted: list[tuple[float, int, str]] = []
    for part in (accept or "*/*").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            wanted.append((-float(quality), len(wanted), kind))
        except ValueError:
            continue
    for negative, _, kind in sorted(wanted):
        if negative < 0 and kind in (GEOJSON, JSON, LINES):
            return kind
        if negative < 0 and kind in ("*/*", "application/*"):
            return JSON
    raise ProblemError(406, f"answers are {JSON}, {GEOJSON} or {LINES}; ask for one of them in Accept")
