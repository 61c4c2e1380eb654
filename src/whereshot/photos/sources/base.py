"""What a source of photos returns: the records that can be used, and the rejects with their reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation import tables
from whereshot.foundation.progress import Track, silent
from whereshot.photos import records
from whereshot.photos.fetch.base import Manners
from whereshot.photos.reject_reasons import DUPLICATE_ID, IMPOSSIBLE_POSITION, NO_POSITION, NULL_ISLAND


@dataclass(frozen=True)
class Ingested:
    """Every input row is in exactly one of ``records`` and ``rejects``; ``notes`` are remarks for a person."""

    records: records.Records
    rejects: pa.Table
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows that were read."""
        return len(self.records) + len(self.rejects)


Source = Callable[[Sequence[Path], Mapping[str, str], Track], Ingested]
"""(inputs, column names given by the user, progress) -> Ingested. Raises InputError when nothing can be read."""


@dataclass(frozen=True)
class Order:
    """What a source is to collect, and where to: everything a person may say about it on the command line.

    ``settings`` are texts "key=value" for the source's own settings; ``where`` are texts like "country=US,CA";
    ``endpoint`` replaces the address of an API; nothing is paid for before ``confirmed``, nor beyond ``budget_usd``.
    """

    inputs: Sequence[Path]
    out: Path
    settings: Sequence[str] = ()
    where: Sequence[str] = ()
    endpoint: str | None = None
    manners: Manners | None = None
    budget_usd: float | None = None
    confirmed: bool = False
    overwrite: bool = False
    track: Track = silent
    tell: Callable[[str], None] = lambda _: None
    """Takes what a person is to know before it happens."""

    def manners_of(self, usual: Manners) -> Manners:
        """How to ask: as the API's terms have it, and also in one's own network where that is where it is."""
        return self.manners or (usual if self.endpoint is None else replace(usual, allow_private=True))


@dataclass(frozen=True)
class Collected:
    """What became of an order: {"rows", "kept", "rejected", "seconds"} of all runs, and remarks for a person."""

    summary: dict[str, Any]
    notes: tuple[str, ...] = ()


Collector = Callable[[Order], Collected]
"""Fills a folder with Records unit by unit, going on where it stopped. Raises InputError, OutputError."""


def judge_positions(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> tuple[list[str], list[str]]:
    """Reason and detail (n each) for every position that cannot be used, "" where it can."""
    reasons, details = [""] * len(latitude), [""] * len(latitude)
    problems = sphere.position_problems(latitude, longitude)
    null_island = sphere.is_null_island(latitude, longitude)
    for row in np.flatnonzero((problems != "") | null_island).tolist():
        shown = sphere.shown_position(latitude[row], longitude[row])
        if np.isnan(latitude[row]) or np.isnan(longitude[row]):
            reasons[row], details[row] = NO_POSITION, "latitude or longitude is missing"
        elif problems[row]:
            reasons[row], details[row] = IMPOSSIBLE_POSITION, f"{shown}: {problems[row]}"
        else:
            near = "" if latitude[row] == longitude[row] == 0 else "within 11 m of (0, 0), "
            reasons[row], details[row] = NULL_ISLAND, f"{shown} is {near}where devices without a fix put their photos"
    return reasons, details


def repeats(rows: pa.Table) -> pa.Table:
    """Rejects for rows whose ids have been before."""
    ids, images = rows["id"].to_pylist(), rows["image"].to_pylist()
    return tables.rejects_table(
        (name, image, DUPLICATE_ID, f"id {name!r} stands in an earlier row")
        for name, image in zip(ids, images, strict=True)
    )
