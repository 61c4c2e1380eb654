"""Photos taken shortly before and after, with positions, as evidence: of one library, they are taken near one another.

Recorded positions and times of a library in; per photo the nearest ones in time, and a cue on the place, out. A photo's
own recorded position is never used. Off unless asked for (``locate --album``).
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
from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.photos.recorded import Recorded
from whereshot.photos.records import Records
from whereshot.posterior.place_shape import log_kernel

KIND = "album"
LEAST_PAIRS = 100
TYPICAL_ACCURACY_KM = 0.05
_HOUR_S = 3600.0


class AlbumModel(Settings):
    """How far apart photos of one library lie, by the hours between them, and how often that holds.

    Half of those ``gap`` hours apart lie within ``base_km + km_per_hour * gap ** power``, with the heavy tail of a
    spherical Cauchy distribution; with probability 1 - ``reliability`` a photo has nothing to do with its neighbours (a
    wrong clock, a picture somebody sent). ``window_h`` is the longest gap. The defaults are assumed, not measured:
    160 m after a minute, 770 m after ten, 3 km after an hour, 22 km after twelve. ``fit`` measures them.
    """

    base_km: float = Field(0.05, gt=0)
    km_per_hour: float = Field(3.0, gt=0)
    power: float = Field(0.8, gt=0, le=2)
    reliability: float = Field(0.9, gt=0, lt=1)
    window_h: float = Field(12.0, gt=0)
    pairs: int = Field(0, ge=0)
    """Neighbours in time that it was fitted on; 0 where it is assumed."""

    def spread_km(self, gap_h: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Distances (n,) within which half of the photos lie that are so many hours apart (n,)."""
        return self.base_km + self.km_per_hour * np.asarray(gap_h, np.float64) ** self.power

    @classmethod
    def fit(cls, records: Records, by: str | None = None, window_h: float = 12.0) -> AlbumModel:
        """The most likely model of records with positions and times, by neighbours in time.

        Neighbours share the value of the column ``by``; without one all records are of one library. Raises InputError
        where fewer than 100 photos have such a neighbour.
        """
        from scipy.optimize import minimize

        group = (
            np.zeros(len(records), np.int64) if by is None else np.unique(records.groups(by), return_inverse=True)[1]
        )
        seconds, known = times_of(records), records.has_position
        before, _ = beside(seconds, known, group, window_h * _HOUR_S)
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
    """When photos were taken (n,), in seconds, NaN where unknown; local times are left out where any is in UTC."""
    table = records.table
    seconds: NDArray[np.float64] = (
        table["taken_at"].cast("int64").to_numpy(zero_copy_only=False).astype(np.float64) / 1e6
    )
    if "taken_at_is_local" in table.column_names:
        is_local = table["taken_at_is_local"].fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
        if (np.isfinite(seconds) & ~is_local).any():
            seconds[is_local] = np.nan
    return seconds


def beside(
    seconds: NDArray[np.float64], known: NDArray[np.bool_], group: NDArray[np.number], window_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nearest known photo of the same group before and after each (n,), (n,): its row, or -1 within the window.

    Never the photo itself; of photos of one second the order of the rows decides which is before.

    >>> beside(np.array([0.0, 60.0, 9e9]), np.array([True, False, True]), np.zeros(3), 3600.0)
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
    """How far around the neighbour before and after (n, 2) a photo may be, NaN where there is none.

    ``gap_h`` (n, 2) are the hours to each, ``apart_km`` (n,) how far these two lie from one another, NaN where one is
    missing. Whoever moved fast between them was, at an even pace, at least that far from either.
    """
    spread = np.hypot(model.spread_km(gap_h), accuracy_km)
    total = np.maximum(gap_h.sum(axis=1, keepdims=True), 1e-12)
    result: NDArray[np.float64] = np.fmax(spread, apart_km[:, None] * gap_h / total)
    return result


@dataclass(frozen=True)
class Beside:
    """What a photo's neighbours in time say of its place, or why they say nothing."""

    cues: tuple[Cue, ...] = ()
    remark: str | None = None


class Album:
    """Photos of one library: what was recorded of each, and what each may learn of the others.

    Times are compared in UTC where both are known in it, else by the cameras' own clocks. A photo given twice is one.
    """

    def __init__(self, model: AlbumModel, recorded: Sequence[Recorded], names: Sequence[str]) -> None:
        self._model, self._recorded, self._names = model, recorded, names
        first: dict[str, int] = {}
        self._first = [first.setdefault(name, row) for row, name in enumerate(names)]
        is_first = np.array([row == own for row, own in enumerate(self._first)], bool)
        known = is_first & np.array([_has_position(one) for one in recorded], bool)
        utc = np.array([math.nan if one.taken_at_is_local else _seconds(one.taken_at) for one in recorded])
        clock = np.array([_seconds(one.clock) for one in recorded])
        group, window_s = np.zeros(len(names)), model.window_h * _HOUR_S
        self._nearest: list[dict[int, float]] = [{} for _ in names]
        """Of each photo, its neighbours' rows and how many hours they are away, before it below zero."""
        for seconds in (clock, utc):
            for other in beside(np.where(is_first, seconds, math.nan), known, group, window_s):
                for row in np.flatnonzero(other >= 0).tolist():
                    if seconds is utc or not np.isfinite(utc[[row, other[row]]]).all():
                        self._nearest[row][int(other[row])] = (seconds[other[row]] - seconds[row]) / _HOUR_S
        self._has_time = np.isfinite(utc) | np.isfinite(clock)
        self._known = int(known.sum())

    def beside(self, row: int) -> Beside:
        """What the neighbours of one photo say."""
        row = self._first[row]
        found = self._nearest[row]
        if not self._has_time[row]:
            return Beside(remark="the photo has no recorded time: photos beside it cannot be found")
        sides = [other for other in found if found[other] < 0], [other for other in found if found[other] >= 0]
        rows = [min(side, key=lambda other: abs(found[other])) for side in sides if side]
        if not rows:
            if not self._known - _has_position(self._recorded[row]):
                return Beside(remark="no other photo here has a recorded position and time")
            return Beside(remark=f"no photo with a position was taken within {self._model.window_h:g} h of it")
        places = np.array([[self._recorded[other].latitude, self._recorded[other].longitude] for other in rows])
        gap_h = np.array([[abs(found[other]) for other in rows]])
        apart = sphere.distance_km(places[:1], places[1:]) if len(rows) == 2 else np.array([math.nan])
        accuracy = np.array([[self._recorded[other].accuracy_km or TYPICAL_ACCURACY_KM for other in rows]])
        spread = spreads_km(self._model, gap_h, apart, accuracy)[0]
        proposals = tuple(
            Proposal("a photo beside it", latitude, longitude, "", km, 1 / km)
            for (latitude, longitude), km in zip(places.tolist(), spread.tolist(), strict=True)
        )
        what = ", ".join(f"{Path(self._names[other]).name} {_told(found[other])}" for other in rows)
        means = f"taken beside it: half of such photos lie within {_km(float(spread.min()))}"
        return Beside((Cue(KIND, what, means, KIND, self._model.reliability, proposals=proposals),))


def _has_position(recorded: Recorded) -> bool:
    if recorded.latitude is None or recorded.longitude is None or recorded.problem is not None:
        return False
    return not recorded.latitude == recorded.longitude == 0  # where devices without a fix put their photos


def _seconds(time: datetime.datetime | None) -> float:
    if time is None:
        return math.nan
    return (time.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)).total_seconds()  # of one kind: UTC, or clocks


def _told(hours: float) -> str:
    minutes = round(abs(hours) * 60)
    size = f"{minutes} min" if minutes < 100 else f"{abs(hours):.1f} h"
    return f"{size} {'before' if hours < 0 else 'after'}"


def _km(km: float) -> str:
    return f"{km * 1000:.0f} m" if km < 1 else f"{km:.3g} km"
