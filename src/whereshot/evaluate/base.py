"""The types that metrics work on: the answers of a method, the truth, the protocol, and what a metric is.

A score is a function of sums over photos (``Metric``), so the bootstrap can draw all scores at once.

A photo without an answer stays in every score: it is a miss at every distance, its error is half the circumference of
the Earth, its GeoScore is 0, its likelihood is the likelihood of the uniform distribution, and it lies in no region.
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
from whereshot.photos.scenes import SCENES
from whereshot.posterior.candidates import GEOSCORE_KM

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities that circles and regions are meant to hold."""
UNIFORM_NLL = math.log(4 * math.pi)
"""Negative log-likelihood of the uniform distribution on the sphere: 2.53 nats per steradian."""
RADII_KM = {
    "6371.0088": "mean radius of the Earth (IUGG)",
    "6371": "OSV-5M, PLONK, scikit-learn's examples",
    "6372.795": "Delaunay cells and the first scripts of YFCC and IM2GPS",
    "6378.137": "PIGEON: the equator's (WGS84)",
}
"""Radii of the Earth in km that published scores were computed with, and who used each."""
ADMINISTRATIVE = ("country", "region", "sub-region", "city")
"""Levels of the place names that a table of truth may state."""
MAX_CELL_LEVEL = 5
"""The finest S2 level of ``Protocol.cell_level``."""

Cached = TypeVar("Cached")


@dataclass(frozen=True)
class Protocol:
    """How scores are computed: distances, thresholds and intervals. Every report prints it.

    ``radius_km`` is the radius of the sphere; ``distance`` is the great circle on it, or the geodesic on the ellipsoid
    WGS84. A photo exactly at a threshold counts as within it for "le" and not for "lt". ``draws`` and ``seed``
    belong to the bootstrap; ``interval`` is the probability that an interval covers. ``cell_level`` is the level of the
    S2 cells for macro averages and frequencies. Raises ConfigError for values out of range.
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
        """Return half the circumference in km: the error of a photo without an answer."""
        return math.pi * self.radius_km

    def within(self, error_km: NDArray[np.float64], km: float | NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which errors (n,) in km are within a distance."""
        return error_km <= km if self.threshold == "le" else error_km < km

    def describe(self, **more: object) -> dict[str, object]:
        """Return the protocol as a document for a report; ``more`` is added to it."""
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
    """Where n photos were taken, ``points`` (n, 2), and what else is known about them: arrays (n,) or None.

    ``cluster`` is the cluster of each photo, which the bootstrap draws as a whole; ``cluster_by`` says what a cluster
    is ("user"). ``scenes`` holds the probabilities of "indoor", "natural" and "urban". ``labels`` holds the stored
    names by country, region, sub-region and city, "" or None where missing. ``images`` are paths of the pictures.
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
    _cached: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def known_ids(self) -> NDArray[np.str_]:
        """Return the ids (n,) of the photos. Raises InputError where they have none."""
        if self.ids is None:
            raise InputError("the truth has no ids, so predictions in a file cannot be matched; give it ids")
        return self.ids

    @classmethod
    def of_records(cls, records: Records, cluster: str | None = None) -> Truth:
        """Take the truth from records.

        Clusters come from the column ``cluster``; by default from "group" or "user", if there is such a column. Raises
        InputError where a position is missing, or where the column does not exist.
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
        """Return the cluster number (n,) of each photo, None where every photo is its own cluster, and their count."""
        if self.cluster is None:
            return None, len(self)
        names, code = self.once("clusters", lambda: np.unique(np.asarray(self.cluster), return_inverse=True))
        return code, len(names)

    def once(self, name: str, make: Callable[[], Cached]) -> Cached:
        """Return the result of ``make``; it is called the first time only. All methods share it."""
        if name not in self._cached:
            self._cached[name] = make()
        result: Cached = self._cached[name]
        return result


def _times(records: Records, name: str) -> NDArray[np.datetime64] | None:
    column = records.table[name]
    return None if column.null_count == len(column) else column.to_numpy()


@dataclass(frozen=True)
class Answers:
    """What one method answers for n photos. Only ``points`` is required; the rest may be None or empty.

    ``points`` (n, 2): the positions, NaN where the method failed. ``log_density`` (n,): at the truth, in nats per
    steradian. ``radius_km``: by level, the radius (n,) of the circle around the point. ``within``: by distance in km,
    the stated P(error <= km) (n,). ``confidence`` (n,): by which photos are ranked for abstention.

    About regions of highest density: ``region_level`` (n,) is the level of the smallest region that holds the truth,
    ``region_area_km2`` the area (n,) by level, ``searched_km2`` (n,) the area that is denser than the truth. ``drawn``
    (n, 2) is one position drawn from each distribution.
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
        """Return the answers for some of the photos: ``rows`` (m,)."""
        return self._mapped(lambda values: values[rows])

    def scatter(self, rows: NDArray[np.int64], total: int) -> Answers:
        """Return answers for ``total`` photos, where these are the answers for ``rows`` (n,) and the others failed."""

        def spread(values: NDArray[np.floating]) -> NDArray[np.float64]:
            out = np.full((total, *values.shape[1:]), np.nan)
            out[rows] = values
            return out

        return self._mapped(spread)

    @staticmethod
    def concat(parts: list[Answers]) -> Answers:
        """Return the answers for several groups of photos as one, in order. The name is the first part's."""

        def concatenated(values: list[Any]) -> Any:
            if isinstance(values[0], dict):
                return {key: np.concatenate([value[key] for value in values]) for key in values[0]}
            return None if values[0] is None else np.concatenate(values)

        fields = [key for key in vars(parts[0]) if key != "name"]
        return Answers(parts[0].name, **{key: concatenated([getattr(part, key) for part in parts]) for key in fields})


@dataclass(frozen=True)
class Scored:
    """The answers of a method, the truth, ``error_km`` (n,) and ``failed`` (n,).

    ``once`` keeps intermediate results that several scores need.
    """

    answers: Answers
    truth: Truth
    error_km: NDArray[np.float64]
    failed: NDArray[np.bool_]
    protocol: Protocol = Protocol()
    _cached: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.error_km)

    def once(self, name: str, make: Callable[[], Cached]) -> Cached:
        """Return the result of ``make``; it is called the first time only."""
        if name not in self._cached:
            self._cached[name] = make()
        result: Cached = self._cached[name]
        return result

    def hit(self, km: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 1.0 for each photo (n,) whose error is within a distance, else 0.0."""
        return (~self.failed & self.protocol.within(self.error_km, km)).astype(np.float64)

    def geoscore(self) -> NDArray[np.float64]:
        """Return the GeoScore (n,) of each photo: 5000 exp(-error / 1492.7 km), 0 without an answer."""
        points: NDArray[np.float64] = np.where(self.failed, 0.0, 5000 * np.exp(-self.error_km / GEOSCORE_KM))
        return np.round(points) if self.protocol.geoscore_rounded else points

    def confidence(self) -> NDArray[np.float64] | None:
        """Return the confidence (n,) by which photos are ranked, None where nothing states it.

        It is the stated confidence, else P(error <= 200 km), else the negative radius of the 90 % circle. Photos
        without an answer have minus infinity.
        """
        given, within, radius = self.answers.confidence, self.answers.within.get(200), self.answers.radius_km.get(0.9)
        found = given if given is not None else within if within is not None else None if radius is None else -radius
        return None if found is None else np.where(self.failed | np.isnan(found), -np.inf, found)


class Column(NamedTuple):
    """One value per photo (n,), which is summed over all photos.

    With ``code`` (n,), the sum is taken for each of ``width`` codes separately.
    """

    values: NDArray[np.float64]
    code: NDArray[np.int64] | None = None
    width: int = 1


Sums = Mapping[str, NDArray[np.float64]]
"""Sums of columns by name, each (draws, width); "photos" is the number of photos."""


class Metric(NamedTuple):
    """A score: the columns whose sums it needs, and its value (draws,) from these sums.

    Columns with the same name are shared by all metrics. ``columns`` returns None where the method cannot be scored by
    this metric. A score that is not a ratio of two sums is ``curved``: its bootstrap draws are biased, so they are
    moved to centre on its value.
    """

    columns: Callable[[Scored], dict[str, Column] | None]
    value: Callable[[Scored, Sums], NDArray[np.float64]]
    curved: bool = False


def mean_of(name: str, per_photo: Callable[[Scored], NDArray[np.float64] | None]) -> Metric:
    """Return the metric that is the mean over all photos of a value per photo (n,)."""

    def columns(scored: Scored) -> dict[str, Column] | None:
        values = scored.once(name, lambda: per_photo(scored))
        return None if values is None else {name: Column(values)}

    return Metric(columns, lambda scored, sums: sums[name][:, 0] / sums["photos"][:, 0])


DEFAULT = Protocol()
"""Great circles on the mean radius; a photo exactly at a threshold counts."""
