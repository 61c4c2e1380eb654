"""What is scored and what comes out: Answers and Truth in, Rows of Values, curves and groups out.

A score is a function of sums over photos (``Metric``), so that the bootstrap draws all scores at once. A photo without
an answer is a miss at every distance, is half the Earth's circumference away, scores zero, has the likelihood of the
uniform distribution and lies in no region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.photos.records import Records
from whereshot.posterior.candidates import GEOSCORE_KM

LEVELS = (0.5, 0.8, 0.9, 0.95)
UNIFORM_NLL = math.log(4 * math.pi)
"""Negative log-likelihood of knowing nothing, in nats per steradian: 2.53."""
RADII_KM = {
    "6371.0088": "mean radius of the Earth (IUGG)",
    "6371": "OSV-5M, PLONK, scikit-learn's examples",
    "6372.795": "Delaunay cells and the first scripts of YFCC and IM2GPS",
    "6378.137": "PIGEON: the equator's (WGS84)",
}
"""Radii that published scores were computed with."""
ADMINISTRATIVE = ("country", "region", "sub-region", "city")
SCENES = ("indoor", "natural", "urban")
MAX_CELL_LEVEL = 5

Made = TypeVar("Made")


@dataclass(frozen=True)
class Protocol:
    """How distances are measured, thresholds held and intervals drawn; every report prints it.

    ``radius_km`` of the sphere; ``distance`` on it, or the WGS84 geodesic; a photo exactly at a threshold counts for
    "le" and not for "lt"; ``cell_level`` of the S2 cells that macro averages and frequencies are taken over.
    """

    radius_km: float = sphere.EARTH_KM
    distance: Literal["haversine", "geodesic"] = "haversine"
    threshold: Literal["le", "lt"] = "le"
    geoscore_rounded: bool = False
    draws: int = 1000
    interval: float = 0.95
    seed: int = 0
    cell_level: int = 4

    def __post_init__(self) -> None:
        if not 6300 < self.radius_km < 6400:
            raise ConfigError(f"radius {self.radius_km:g} km is not the Earth's; known: {', '.join(RADII_KM)}")
        if not (self.draws >= 1 and 0 < self.interval < 1):
            raise ConfigError(f"{self.draws} draws and an interval of {self.interval:g} cannot be drawn")
        if not 0 <= self.cell_level <= MAX_CELL_LEVEL:
            raise ConfigError(f"the level of S2 cells lies between 0 and {MAX_CELL_LEVEL}; got {self.cell_level}")

    @property
    def farthest_km(self) -> float:
        """Half the circumference: how far away a photo without an answer is."""
        return math.pi * self.radius_km

    def within(self, error_km: NDArray[np.float64], km: float | NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which errors (n,) are within a distance."""
        return error_km <= km if self.threshold == "le" else error_km < km

    def describe(self, **more: Any) -> dict[str, Any]:
        """How everything is counted, to print in every report."""
        geodesic = self.distance == "geodesic"
        return {
            "distance": "geodesic on the ellipsoid WGS84" if geodesic else "great circle (haversine)",
            "radius_km": None if geodesic else self.radius_km,
            "threshold": "<=" if self.threshold == "le" else "<",
            "geoscore": f"mean of 5000 exp(-km / {GEOSCORE_KM}), "
            + ("each rounded" if self.geoscore_rounded else "not rounded"),
            "failed_photos": "counted as misses, half the circumference away, GeoScore 0, uniform likelihood",
            "nll": "nats per steradian; knowing nothing is 2.531",
            "intervals": f"{100 * self.interval:g} %, bootstrap, {self.draws} draws, seed {self.seed}",
            "cells": f"S2 level {self.cell_level}",
            **more,
        }


@dataclass(frozen=True)
class Truth:
    """Where n photos were taken, and what else is known of them; each array (n,) or None.

    ``cluster`` names what is drawn whole in the bootstrap, ``cluster_by`` what that is. ``scenes`` are probabilities of
    "indoor", "natural" and "urban"; ``labels`` the stored names by country, region, sub-region and city, "" or None
    where missing.
    """

    points: sphere.Points
    ids: NDArray[np.str_] | None = None
    cluster: NDArray[Any] | None = None
    cluster_by: str = "photo"
    user: NDArray[Any] | None = None
    scenes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    labels: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    posted_at: NDArray[np.datetime64] | None = None
    taken_at: NDArray[np.datetime64] | None = None
    images: NDArray[Any] | None = None
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def known_ids(self) -> NDArray[np.str_]:
        """The ids (n,) of the photos. Raises InputError where they have none."""
        if self.ids is None:
            raise InputError("the truth has no ids, so predictions in a file cannot be matched; give it ids")
        return self.ids

    @classmethod
    def of_records(cls, records: Records, cluster: str | None = None) -> Truth:
        """What records tell; clusters are those of the column ``cluster``, else of "group" or "user" if known.

        Raises InputError where a position is missing, or for a column that there is not.
        """
        names = records.table.column_names
        users = records.groups("user") if records.table["user"].null_count < len(records) else None
        if cluster is None:
            cluster = "group" if "group" in names else "user" if users is not None else None
        scenes = {scene: f"scene_{scene}" for scene in SCENES}
        labels = {level: name for level in ADMINISTRATIVE for name in (level, level.replace("-", "_")) if name in names}
        images = records.table["image"]
        return cls(
            records.points,
            ids=records.table["id"].to_numpy(),
            cluster=None if cluster is None else records.groups(cluster),
            cluster_by=cluster or "photo",
            user=users,
            scenes={scene: records.numbers(name) for scene, name in scenes.items() if name in names},
            labels={level: np.array(records.strings(name), dtype=object) for level, name in labels.items()},
            posted_at=_times(records, "posted_at"),
            taken_at=_times(records, "taken_at"),
            images=None if images.null_count == len(images) else images.to_numpy(),
        )

    def __len__(self) -> int:
        return len(self.points)

    def clusters(self) -> tuple[NDArray[np.int64] | None, int]:
        """The number (n,) of each photo's cluster, None where every photo is drawn alone, and how many there are."""
        if self.cluster is None:
            return None, len(self)
        names, code = self.once("clusters", lambda: np.unique(np.asarray(self.cluster), return_inverse=True))
        return code, len(names)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What ``make`` gives, made at the first call: what all methods are scored by."""
        if name not in self._made:
            self._made[name] = make()
        result: Made = self._made[name]
        return result


def _times(records: Records, name: str) -> NDArray[np.datetime64] | None:
    column = records.table[name]
    return None if column.null_count == len(column) else column.to_numpy()


@dataclass(frozen=True)
class Answers:
    """What one method says of n photos; all but ``points`` may be None or empty.

    ``points`` (n, 2) with NaN where it failed; ``log_density`` (n,) of the truth in nats per steradian; ``radius_km``
    by level, each (n,); ``within`` by distance in km, the stated P(error <= km), each (n,); ``confidence`` (n,) by
    which photos would be answered or not. Of the regions of highest density: ``region_level`` (n,), the level of the
    smallest one that holds the truth, ``region_area_km2`` by level, and ``searched_km2`` (n,), the area that is denser
    than the truth. ``drawn`` (n, 2) is one position drawn from each distribution.
    """

    name: str
    points: NDArray[np.float64]
    log_density: NDArray[np.float64] | None = None
    radius_km: dict[float, NDArray[np.float64]] = field(default_factory=dict)
    within: dict[float, NDArray[np.float64]] = field(default_factory=dict)
    confidence: NDArray[np.float64] | None = None
    region_level: NDArray[np.float64] | None = None
    region_area_km2: dict[float, NDArray[np.float64]] = field(default_factory=dict)
    searched_km2: NDArray[np.float64] | None = None
    drawn: NDArray[np.float64] | None = None

    def _mapped(self, change: Callable[[NDArray[np.float64]], NDArray[np.float64]], name: str | None = None) -> Answers:
        def of(values: Any) -> Any:
            if isinstance(values, dict):
                return {key: change(inner) for key, inner in values.items()}
            return None if values is None else change(values)

        parts = {key: of(values) for key, values in vars(self).items() if key != "name"}
        return Answers(self.name if name is None else name, **parts)

    def take(self, rows: NDArray[np.int64]) -> Answers:
        """The answers to some of the photos."""
        return self._mapped(lambda values: values[rows])

    def scatter(self, rows: NDArray[np.int64], total: int) -> Answers:
        """The same among ``total`` photos, of which only ``rows`` were answered."""

        def spread(values: NDArray[np.floating]) -> NDArray[np.float64]:
            out = np.full((total, *values.shape[1:]), np.nan)
            out[rows] = values
            return out

        return self._mapped(spread)

    @staticmethod
    def concat(parts: list[Answers]) -> Answers:
        """The answers to several lots of photos, in order."""

        def joined(values: list[Any]) -> Any:
            if isinstance(values[0], dict):
                return {key: np.concatenate([value[key] for value in values]) for key in values[0]}
            return None if values[0] is None else np.concatenate(values)

        fields = [key for key in vars(parts[0]) if key != "name"]
        return Answers(parts[0].name, **{key: joined([getattr(part, key) for part in parts]) for key in fields})


@dataclass(frozen=True)
class Scored:
    """Answers beside the truth: ``error_km`` (n,), ``failed`` (n,), and what several scores need, made once."""

    answers: Answers
    truth: Truth
    error_km: NDArray[np.float64]
    failed: NDArray[np.bool_]
    protocol: Protocol = Protocol()
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.error_km)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What ``make`` gives, made at the first call."""
        if name not in self._made:
            self._made[name] = make()
        result: Made = self._made[name]
        return result

    def hit(self, km: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """1 for each photo (n,) within a distance of the truth, else 0."""
        return (~self.failed & self.protocol.within(self.error_km, km)).astype(np.float64)

    def geoscore(self) -> NDArray[np.float64]:
        """GeoScore (n,) of each photo."""
        points: NDArray[np.float64] = np.where(self.failed, 0.0, 5000 * np.exp(-self.error_km / GEOSCORE_KM))
        return np.round(points) if self.protocol.geoscore_rounded else points

    def confidence(self) -> NDArray[np.float64] | None:
        """By what each photo (n,) would be answered or not: as given, else P(error <= 200 km), else the 90 % radius."""
        given, within, radius = self.answers.confidence, self.answers.within.get(200), self.answers.radius_km.get(0.9)
        found = given if given is not None else within if within is not None else None if radius is None else -radius
        return None if found is None else np.where(self.failed | np.isnan(found), -np.inf, found)


class Column(NamedTuple):
    """One value per photo (n,), summed over all photos or, with ``code`` (n,), apart for each of ``width`` codes."""

    values: NDArray[np.float64]
    code: NDArray[np.int64] | None = None
    width: int = 1


Sums = Mapping[str, NDArray[np.float64]]
"""Sums of columns by name, each (draws, width); "photos" counts photos."""


class Metric(NamedTuple):
    """A score: the columns that it sums, by names that all metrics share, and its value (draws,) from the sums.

    ``columns`` gives None where the method cannot be scored so. A ``curved`` score (no ratio of two sums) is biased by
    being drawn again, so that its draws are moved back to centre on its value.
    """

    columns: Callable[[Scored], dict[str, Column] | None]
    value: Callable[[Scored, Sums], NDArray[np.float64]]
    curved: bool = False


def mean_of(name: str, per_photo: Callable[[Scored], NDArray[np.float64] | None]) -> Metric:
    """The mean over all photos of a value per photo."""

    def columns(scored: Scored) -> dict[str, Column] | None:
        values = scored.once(name, lambda: per_photo(scored))
        return None if values is None else {name: Column(values)}

    return Metric(columns, lambda scored, sums: sums[name][:, 0] / sums["photos"][:, 0])


class Value(NamedTuple):
    """A score and its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A score along an axis: ``y`` (m,) at ``x`` (m,), with the bootstrap interval where there is one."""

    name: str
    x_label: str
    y_label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    @property
    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``low`` and ``high``; ``y`` twice where no interval was drawn."""
        return self.y if self.low is None else self.low, self.y if self.high is None else self.high

    def to_json(self) -> dict[str, Any]:
        """As plain lists."""
        parts = {key: getattr(self, key) for key in ("x", "y", "low", "high")}
        lists = {key: None if values is None else values.tolist() for key, values in parts.items()}
        return {"x_label": self.x_label, "y_label": self.y_label, **lists}


@dataclass(frozen=True)
class Group:
    """The scores of the photos of one country, continent, cell or scene: ``by`` names the kind, ``name`` which one."""

    by: str
    name: str
    photos: int
    scores: dict[str, Value]

    def to_json(self) -> dict[str, Any]:
        """As a plain document."""
        return {"name": self.name, "photos": self.photos, "scores": {key: [*v] for key, v in self.scores.items()}}


@dataclass(frozen=True)
class Row:
    """One method's scores by metric name; its curves by name; its groups by what they are grouped by.

    ``scored`` keeps the errors of all photos, for figures, and ``draws`` each score's bootstrap, for comparisons.
    """

    name: str
    photos: int
    failed: int
    scores: dict[str, Value]
    curves: dict[str, Curve] = field(default_factory=dict)
    groups: dict[str, list[Group]] = field(default_factory=dict)
    scored: Scored | None = field(default=None, repr=False, compare=False)
    draws: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def kept(self) -> Scored:
        """``scored``, which figures need. Raises InputError for scores that were read without their photos."""
        if self.scored is None:
            raise InputError(f"{self.name}: only its scores are kept, and figures need every photo; score it again")
        return self.scored

    def to_json(self) -> dict[str, Any]:
        """The document of the command contract."""

        def group(prefix: str) -> dict[str, float]:
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
            "accuracy": group("accuracy_"),
            **single,
            "coverage": group("coverage_"),
            "intervals": {key: [score.low, score.high] for key, score in self.scores.items()},
            "scores": {key: score.value for key, score in self.scores.items()},
            "curves": {key: curve.to_json() for key, curve in self.curves.items()},
            "groups": {by: [one.to_json() for one in groups] for by, groups in self.groups.items()},
        }


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same photos: ``differences`` of every score (first less second) with paired intervals.

    ``wilcoxon`` is the two-sided p-value that the errors do not differ; win, tie and loss count the photos whose error
    is smaller, the same and larger in the first, over all and ``by_country``.
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
        """As a plain document."""
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
    """The scores of a model and of what it is compared with, and how they were computed.

    ``notes`` are warnings on the data, such as rows that were counted as misses.
    """

    rows: list[Row]
    protocol: dict[str, Any]
    comparisons: list[Comparison] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The first row's scores at the top, all others under "baselines"."""
        return {
            **self.rows[0].to_json(),
            "baselines": [row.to_json() for row in self.rows[1:]],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "notes": self.notes,
            "protocol": self.protocol,
        }
