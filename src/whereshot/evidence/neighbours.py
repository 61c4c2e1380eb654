"""Evidence from the photos of the same library that were taken shortly before and after: they are often close by.

Takes the recorded positions and times of a library. For each photo, finds its neighbours (the nearest photos in time
that have a position) and returns a cue on its place. The photo's own recorded position is never used. This evidence is
off unless the user asks for it (``locate --album``).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.earth import sphere
from whereshot.evidence.base import Cue, Proposal
from whereshot.evidence.exif import TYPICAL_ACCURACY_KM, is_no_fix
from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.photos.recorded import Recorded
from whereshot.photos.records import Records
from whereshot.posterior.place_shape import log_kernel

KIND = "album"
LEAST_PAIRS = 100
"""Pairs of neighbours that a fit needs."""
_HOUR_S = 3600.0


class AlbumModel(Settings):
    """The distance between two photos of one library, as a function of the hours between them.

    Of all photos that are ``gap`` hours apart, half lie within ``base_km + km_per_hour * gap ** power`` of each other.
    Distances follow a spherical Cauchy distribution, which allows far outliers. With probability 1 - ``reliability`` a
    photo has nothing to do with its neighbours: a clock is wrong, or somebody else took the picture. ``window_h`` is
    the longest gap. The defaults are assumed, not measured: 160 m after a minute, 770 m after ten minutes, 3 km after
    an hour, 22 km after twelve hours. ``fit`` measures them.
    """

    base_km: float = Field(0.05, gt=0)
    km_per_hour: float = Field(3.0, gt=0)
    power: float = Field(0.8, gt=0, le=2)
    reliability: float = Field(0.9, gt=0, lt=1)
    window_h: float = Field(12.0, gt=0)
    pairs: int = Field(0, ge=0)
    """Number of pairs of neighbours that the model was fitted on; 0 for the assumed defaults."""

    def spread_km(self, gap_h: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the distances (n,) in km within which half of the photos lie that are ``gap_h`` hours (n,) apart."""
        return self.base_km + self.km_per_hour * np.asarray(gap_h, np.float64) ** self.power

    @classmethod
    def fit(cls, records: Records, by: str | None = None, window_h: float = 12.0) -> AlbumModel:
        """Fit the model by maximum likelihood to records with positions and times.

        The column ``by`` names the library of each record; with None all records are one library. ``window_h`` is the
        longest gap in hours. Raises InputError where fewer than 100 photos have a neighbour before them.
        """
        from scipy.optimize import minimize

        group = (
            np.zeros(len(records), np.int64) if by is None else np.unique(records.groups(by), return_inverse=True)[1]
        )
        seconds, known = times_of(records), records.has_position
        before, _ = nearest_in_time(seconds, known, group, window_h * _HOUR_S)
        rows = np.flatnonzero((before >= 0) & known)
        if len(rows) < LEAST_PAIRS:
            what = f"another photo of the same {by or 'library'} up to {window_h:g} h before them"
            raise InputError(
                f"{len(rows)} photos have {what}, both with a position and a time; at least {LEAST_PAIRS} are needed"
            )
        gap_h = (seconds[rows] - seconds[before[rows]]) / _HOUR_S
        there, here = records[rows].points, records[before[rows]].points
        distance = sphere.distance_km(here, there)
        uniform = -math.log(4 * math.pi)

        def model(theta: NDArray[np.float64]) -> AlbumModel:
            base, rate, power, odds = np.clip(theta, -12, 12)
            return cls(
                base_km=float(np.exp(base)),
                km_per_hour=float(np.exp(rate)),
                power=float(2 / (1 + np.exp(-power))),
                reliability=float(1 / (1 + np.exp(-odds))),
                window_h=window_h,
                pairs=len(rows),
            )

        def loss(theta: NDArray[np.float64]) -> float:
            tried = model(theta)
            near = np.log(tried.reliability) + log_kernel(distance, tried.spread_km(gap_h))
            return -float(np.logaddexp(near, np.log1p(-tried.reliability) + uniform).mean())

        start = np.array([np.log(0.05), np.log(3.0), np.log(0.8 / 1.2), np.log(9.0)])
        found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-7})
        return model(found.x)

    def save(self, path: Path) -> None:
        """Write one TOML file."""
        settings_file.save(self, path)

    @classmethod
    def load(cls, path: Path) -> AlbumModel:
        """Read one TOML file. Raises ConfigError."""
        return settings_file.load(path, cls)


def times_of(records: Records) -> NDArray[np.float64]:
    """Return when the photos were taken (n,), in seconds since 1970; NaN where unknown.

    Local times are compared with each other only: they become NaN where any record has a time in UTC.
    """
    table = records.table
    seconds: NDArray[np.float64] = (
        table["taken_at"].cast("int64").to_numpy(zero_copy_only=False).astype(np.float64) / 1e6
    )
    if "taken_at_is_local" in table.column_names:
        is_local = table["taken_at_is_local"].fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
        if (np.isfinite(seconds) & ~is_local).any():
            seconds[is_local] = np.nan
    return seconds


def nearest_in_time(
    seconds: NDArray[np.float64], known: NDArray[np.bool_], group: NDArray[np.number], window_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the neighbours of each photo: the nearest photos in time before and after it.

    ``seconds`` (n,) are the times, ``known`` (n,) is whether a photo has a position, and ``group`` (n,) is its library.
    Returns the rows of the neighbours before (n,) and after (n,); -1 where the library has no other photo with a
    position within ``window_s`` seconds. Photos of the same second follow each other in the order of their rows.

    >>> nearest_in_time(np.array([0.0, 60.0, 9e9]), np.array([True, False, True]), np.zeros(3), 3600.0)
    (array([-1,  0, -1]), array([-1, -1, -1]))
    """
    n = len(seconds)
    before, after = np.full(n, -1), np.full(n, -1)
    order = np.lexsort((seconds, group))
    order = order[np.isfinite(seconds[order])]
    steps = np.arange(len(order))
    for found, rows in ((before, order), (after, order[::-1])):
        last = np.maximum.accumulate(np.where(known[rows], steps, -1))
        last = np.concatenate([[-1], last[:-1]])[: len(rows)].astype(np.int64)
        other = rows[last]
        near = (last >= 0) & (group[other] == group[rows]) & (np.abs(seconds[other] - seconds[rows]) <= window_s)
        found[rows[near]] = other[near]
    return before, after


def spreads_km(
    model: AlbumModel, gap_h: NDArray[np.float64], apart_km: NDArray[np.float64], accuracy_km: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the spread in km (n, 2) of a photo around its neighbours before and after; NaN where one is missing.

    ``gap_h`` (n, 2) are the hours to each neighbour, ``accuracy_km`` (n, 2) the accuracies of their positions, and
    ``apart_km`` (n,) the distance between the two neighbours, NaN where one is missing. Somebody who travels between
    the two at a constant speed is at a distance from each that is proportional to the hours. The spread is at least
    that distance.
    """
    spread = np.hypot(model.spread_km(gap_h), accuracy_km)
    total = np.maximum(gap_h.sum(axis=1, keepdims=True), 1e-12)
    result: NDArray[np.float64] = np.fmax(spread, apart_km[:, None] * gap_h / total)
    return result


@dataclass(frozen=True)
class NeighbourEvidence:
    """The cue from a photo's neighbours, or a remark why there is none."""

    cues: tuple[Cue, ...] = ()
    remark: str | None = None


class Album:
    """The photos of one library: finds the neighbours of each photo, and makes its cue from them.

    Two times are compared in UTC where both are known in UTC, else by the cameras' clocks. A photo that is given twice
    counts as one photo.
    """

    def __init__(self, model: AlbumModel, recorded: Sequence[Recorded], names: Sequence[str]) -> None:
        self._model, self._recorded, self._names = model, recorded, names
        first: dict[str, int] = {}
        self._first = [first.setdefault(name, row) for row, name in enumerate(names)]
        is_first = np.array([row == own for row, own in enumerate(self._first)], bool)
        known = is_first & np.array([_has_position(photo) for photo in recorded], bool)
        utc = np.array([math.nan if photo.taken_at_is_local else _seconds(photo.taken_at) for photo in recorded])
        clock = np.array([_seconds(photo.clock) for photo in recorded])
        group, window_s = np.zeros(len(names)), model.window_h * _HOUR_S
        self._nearest: list[dict[int, float]] = [{} for _ in names]
        """For each photo: the hours to each neighbour, by the neighbour's row. Hours are negative before the photo."""
        for seconds in (clock, utc):
            for other in nearest_in_time(np.where(is_first, seconds, math.nan), known, group, window_s):
                for row in np.flatnonzero(other >= 0).tolist():
                    if seconds is utc or not np.isfinite(utc[[row, other[row]]]).all():
                        self._nearest[row][int(other[row])] = (seconds[other[row]] - seconds[row]) / _HOUR_S
        self._has_time = np.isfinite(utc) | np.isfinite(clock)
        self._known = int(known.sum())

    def evidence_of(self, row: int) -> NeighbourEvidence:
        """Return the evidence for the photo in this row."""
        row = self._first[row]
        found = self._nearest[row]
        if not self._has_time[row]:
            return NeighbourEvidence(
                remark="the photo has no recorded time: photos taken before and after it cannot be found"
            )
        sides = [other for other in found if found[other] < 0], [other for other in found if found[other] >= 0]
        rows = [min(side, key=lambda other: abs(found[other])) for side in sides if side]
        if not rows:
            if not self._known - _has_position(self._recorded[row]):
                return NeighbourEvidence(remark="no other photo here has a recorded position and time")
            return NeighbourEvidence(
                remark=f"no photo with a position was taken within {self._model.window_h:g} h of it"
            )
        places = np.array([[self._recorded[other].latitude, self._recorded[other].longitude] for other in rows])
        gap_h = np.array([[abs(found[other]) for other in rows]])
        apart = sphere.distance_km(places[:1], places[1:]) if len(rows) == 2 else np.array([math.nan])
        accuracy = np.array([[self._recorded[other].accuracy_km or TYPICAL_ACCURACY_KM for other in rows]])
        spread = spreads_km(self._model, gap_h, apart, accuracy)[0]
        proposals = tuple(
            Proposal("a photo taken before or after", latitude, longitude, "", km, 1 / km)
            for (latitude, longitude), km in zip(places.tolist(), spread.tolist(), strict=True)
        )
        what = ", ".join(f"{Path(self._names[other]).name} {_format_gap(found[other])}" for other in rows)
        means = f"taken shortly before or after: half of such photos lie within {_format_km(float(spread.min()))}"
        return NeighbourEvidence((Cue(KIND, what, means, KIND, self._model.reliability, proposals=proposals),))


def _has_position(recorded: Recorded) -> bool:
    is_given = recorded.latitude is not None and recorded.longitude is not None
    return is_given and recorded.problem is None and not is_no_fix(recorded)


def _seconds(time: datetime.datetime | None) -> float:
    if time is None:
        return math.nan
    return (
        time.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)
    ).total_seconds()  # callers never mix UTC and local


def _format_gap(hours: float) -> str:
    minutes = round(abs(hours) * 60)
    size = f"{minutes} min" if minutes < 100 else f"{abs(hours):.1f} h"
    return f"{size} {'before' if hours < 0 else 'after'}"


def _format_km(km: float) -> str:
    return f"{km * 1000:.0f} m" if km < 1 else f"{km:.3g} km"
