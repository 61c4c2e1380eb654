"""The result of a calibration: what was fitted on held-out photos, as a document and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whereshot.evaluate import conformal
from whereshot.evaluate.conformal import Temperature
from whereshot.models.learned_photos import SeparatedPhotos


@dataclass(frozen=True)
class ConformalSets:
    """Conformal sets at one level of coverage: ``limits`` by group, and the mean size for the held-out photos."""

    limits: Mapping[Any, float]
    mean_area_km2: float
    mean_cells: float | None = None


@dataclass(frozen=True)
class Recalibration:
    """A calibration from ``photos`` held-out photos; ``failed`` of them had no answer and were left out.

    ``by`` is the grouping and ``groups`` the number of photos in each group. ``temperatures`` are by level of cells,
    ``circles`` are the factors of radii by level and group, ``sets`` the conformal sets by level, and ``edges`` the
    confidences between the groups of confidence.
    """

    photos: int
    failed: int
    by: str | None
    groups: dict[Any, int]
    temperatures: dict[str, Temperature]
    circles: dict[float, dict[Any, float]]
    cells: str
    sets: dict[float, ConformalSets]
    edges: tuple[float, ...] = field(default=())
    remarks: tuple[str, ...] = ()
    """Further sentences about the model."""
    learned: SeparatedPhotos | None = None
    """How many of the photos the model had learned from; None where no model was used."""

    def to_json(self) -> dict[str, Any]:
        """Return a document of plain values; a factor is null where there were too few photos for it."""

        def plain(values: Mapping[Any, float]) -> dict[str, float | None]:
            return {str(key): value if math.isfinite(value) else None for key, value in values.items()}

        return {
            "photos": self.photos,
            "failed": self.failed,
            "by": self.by,
            "groups": {str(name): count for name, count in self.groups.items()},
            "confidence_edges": list(self.edges),
            "temperature": {name: vars(one) for name, one in self.temperatures.items()},
            "circles": {f"{100 * level:g}": plain(factors) for level, factors in self.circles.items()},
            "cell_sets": {
                "cells": self.cells,
                **{
                    f"{100 * level:g}": {
                        "threshold": plain(one.limits),
                        "mean_area_km2": one.mean_area_km2,
                        "mean_cells": one.mean_cells,
                    }
                    for level, one in self.sets.items()
                },
            },
            "guarantee": conformal.GUARANTEE,
            "assumption": conformal.ASSUMPTION,
            "remarks": list(self.remarks),
            **({} if self.learned is None else {"learned_photos": self.learned.to_json()}),
        }

    def in_words(self) -> list[str]:
        """Return lines of text: what was fitted, and what it guarantees."""
        lines = [f"{self.photos} held-out photos" + (f", {self.failed} without an answer left out" * bool(self.failed))]
        for name, one in self.temperatures.items():
            lines.append(f"temperature of {name}: {one.temperature:.3f} (NLL {one.before:.3f} -> {one.after:.3f} nats)")
        for level, factors in self.circles.items():
            listed = ", ".join(f"{name} {_number(factor)}" for name, factor in factors.items())
            lines.append(f"{100 * level:g} % circles: radius times {listed}")
        for level, held in self.sets.items():
            cells = "" if held.mean_cells is None else f"{held.mean_cells:.1f} cells, "
            lines.append(f"{100 * level:g} % sets of {self.cells}: {cells}{held.mean_area_km2:,.0f} km² on average")
        learned = [] if self.learned is None else [self.learned.in_words()]
        return [
            *lines,
            *learned,
            *self.remarks,
            f"Guarantee: {conformal.GUARANTEE}.",
            f"Assumption: {conformal.ASSUMPTION}.",
        ]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "unknown (too few photos)"
