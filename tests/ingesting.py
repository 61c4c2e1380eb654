"""Rejects of an ingested source by their ids, for the tests of sources."""

from __future__ import annotations

from whereshot.photos.sources import Ingested


def rejected(result: Ingested) -> dict[str | None, tuple[str, str]]:
    """Rejects by their id: (reason, detail)."""
    return {row["id"]: (row["reason"], row["detail"]) for row in result.rejects.to_pylist()}
