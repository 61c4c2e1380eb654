"""The types that hold scores: values with intervals, curves, groups, one row per method, comparisons and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evaluate.base import Scored
from whereshot.foundation.errors import InputError


class Value(NamedTuple):
    """A score and the two ends of its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A score along an axis: ``y`` (m,) at ``x`` (m,).

    ``low`` and ``high`` (m,) are the ends of the bootstrap interval, None where none was drawn. ``photos`` (m,) are the
    numbers of photos at each point, None where each point is about all photos.
    """

    name: str
    x_label: str
    y_label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    photos: NDArray[np.int64] | None = None

    @property
    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``low`` and ``high``; both are ``y`` where no interval was drawn."""
        return self.y if self.low is None else self.low, self.y if self.high is None else self.high

    def to_json(self) -> dict[str, Any]:
        """Return the labels and the numbers as plain lists."""
        parts = {key: getattr(self, key) for key in ("x", "y", "low", "high")}
        lists = {key: None if values is None else values.tolist() for key, values in parts.items()}
        counts = {} if self.photos is None else {"photos": self.photos.tolist()}
        return {"x_label": self.x_label, "y_label": self.y_label, **lists, **counts}


@dataclass(frozen=True)
class GroupScores:
    """The scores of the photos in one country, continent, cell or scene.

    ``by`` is the kind of group ("country"), ``name`` the group ("FR"), ``photos`` the number of its photos.
    """

    by: str
    name: str
    photos: int
    scores: dict[str, Value]

    def to_json(self) -> dict[str, Any]:
        """Return a document of plain values."""
        return {"name": self.name, "photos": self.photos, "scores": {key: [*v] for key, v in self.scores.items()}}


@dataclass(frozen=True)
class Row:
    """All scores of one method: ``scores`` by metric, ``curves`` by name, ``groups`` by kind of group.

    ``scored`` keeps the errors of all photos, which figures need. ``draws`` keeps the bootstrap draws of each score,
    which comparisons need.
    """

    name: str
    photos: int
    failed: int
    scores: dict[str, Value]
    curves: dict[str, Curve] = field(default_factory=dict)
    groups: dict[str, list[GroupScores]] = field(default_factory=dict)
    scored: Scored | None = field(default=None, repr=False, compare=False)
    draws: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def kept(self) -> Scored:
        """Return ``scored``. Raises InputError where only the scores were kept."""
        if self.scored is None:
            raise InputError(f"{self.name}: only its scores are kept, and figures need every photo; score it again")
        return self.scored

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``whereshot evaluate --format json`` prints for one method."""

        def numbered(prefix: str) -> dict[str, float]:
            return {
                key.removeprefix(prefix): score.value
                for key, score in self.scores.items()
                if key.startswith(prefix) and key.removeprefix(prefix).isdigit()
            }

        single = {
            key: self.scores[key].value if key in self.scores else None
            for key in ("geoscore", "mean_km", "median_km", "nll")
        }
        return {
            "name": self.name,
            "photos": self.photos,
            "failed": self.failed,
            "accuracy": numbered("accuracy_"),
            **single,
            "coverage": numbered("coverage_"),
            "intervals": {key: [score.low, score.high] for key, score in self.scores.items()},
            "scores": {key: score.value for key, score in self.scores.items()},
            "curves": {key: curve.to_json() for key, curve in self.curves.items()},
            "groups": {by: [group.to_json() for group in groups] for by, groups in self.groups.items()},
        }


@dataclass(frozen=True)
class Comparison:
    """Two methods compared on the same photos.

    ``differences`` holds every score of the first minus that score of the second, with paired intervals. ``wilcoxon``
    is the two-sided p-value of the hypothesis that the errors do not differ. ``win``, ``tie`` and ``loss`` count the
    photos whose error is smaller, equal and larger with the first method; ``by_country`` holds the same three counts
    for each country code.
    """

    first: str
    second: str
    differences: dict[str, Value]
    wilcoxon: float
    win: int
    tie: int
    loss: int
    by_country: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return a document of plain values."""
        return {
            "first": self.first,
            "second": self.second,
            "differences": {key: [*value] for key, value in self.differences.items()},
            "wilcoxon_p": self.wilcoxon,
            "win_tie_loss": [self.win, self.tie, self.loss],
            "win_tie_loss_by_country": {code: [*counts] for code, counts in self.by_country.items()},
        }


@dataclass(frozen=True)
class Report:
    """The scores of a method and of its baselines, and the ``protocol`` by which they were computed.

    The first row is the method; the others are its baselines. ``notes`` are warnings about the data, for example rows
    that count as misses.
    """

    rows: list[Row]
    protocol: dict[str, Any]
    comparisons: list[Comparison] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``--format json``: the first row at the top, the others under "baselines"."""
        return {
            **self.rows[0].to_json(),
            "baselines": [row.to_json() for row in self.rows[1:]],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "notes": self.notes,
            "protocol": self.protocol,
        }
