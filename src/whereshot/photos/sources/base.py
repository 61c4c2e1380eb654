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
    """What a source collects, and into which folder: all options of the command line for it.

    ``settings`` are texts "key=value" for the source's own settings; ``where`` are texts like "country=US,CA".
    ``endpoint`` replaces the address of an API. Nothing is paid unless ``confirmed``, and never more than
    ``budget_usd``.
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
    notify: Callable[[str], None] = lambda _: None
    """Shows the user a message before an action, such as its cost."""

    def manners_of(self, usual: Manners) -> Manners:
        """Return how requests are sent: as the terms of the API state, and also to a private network if it is there."""
        return self.manners or (usual if self.endpoint is None else replace(usual, allow_private=True))


@dataclass(frozen=True)
class Collected:
    """The result of an order: {"rows", "kept", "rejected", "seconds"} of all runs, and notes for the user."""

    summary: dict[str, Any]
    notes: tuple[str, ...] = ()


Collector = Callable[[Order], Collected]
"""A function that fills a folder with Records, unit by unit, and continues an interrupted run.

It raises InputError and OutputError."""


def judge_positions(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> tuple[list[str], list[str]]:
    """Return the reason and the detail (n each) why each position cannot be used; "" where it can be used."""
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
    """Return the rejects for rows whose ids occurred before."""
    ids, images = rows["id"].to_pylist(), rows["image"].to_pylist()
    return tables.rejects_table(
        (name, image, DUPLICATE_ID, f"id {name!r} stands in an earlier row")
        for name, image in zip(ids, images, strict=True)
    )
