"""The hour at which a photo was taken, as weak evidence on the longitude: most photos are taken in daylight.

The user fits the model from Records with positions and times in UTC. Without a model this evidence is off.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.evidence.base import Cue, PhotoFacts
from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.photos.records import Records

HOURS = 24
LEAST_PHOTOS = 200
"""Photos that a fit needs."""
SMOOTHING = 1.0
"""Photos that are added to the count of each hour, so that no hour is impossible."""


class HourModel(Settings):
    """The share of photos in each local solar hour (24 values), and the number of photos that it was fitted on.

    ``skipped_local`` is the number of photos with a local time only, which carries no information on the longitude.
    """

    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=HOURS, max_length=HOURS)
    photos: int
    skipped_local: int = 0

    @classmethod
    def fit(cls, records: Records | Sequence[Records]) -> HourModel:
        """Fit the shares to records with positions and times in UTC. Raises InputError for fewer than 200 photos."""
        hours, skipped = [], 0
        for part in [records] if isinstance(records, Records) else records:
            for time, longitude, is_local in _times(part):
                if is_local:
                    skipped += 1
                else:
                    hours.append(_solar_hour(time, longitude))
        if len(hours) < LEAST_PHOTOS:
            note = f" ({skipped} more have a local time, which cannot be used)" if skipped else ""
            raise InputError(
                f"{len(hours)} photos with a position and a UTC time; at least {LEAST_PHOTOS} are needed{note}"
            )
        counts = np.bincount(np.floor(hours).astype(int) % HOURS, minlength=HOURS) + SMOOTHING
        return cls(shares=(counts / counts.sum()).tolist(), photos=len(hours), skipped_local=skipped)

    def save(self, path: Path) -> None:
        """Write one TOML file."""
        settings_file.save(self, path)

    @classmethod
    def load(cls, path: Path) -> HourModel:
        """Read one TOML file. Raises ConfigError."""
        return settings_file.load(path, cls)

    def log_likelihood(self, utc_hour: float, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log likelihood (k,) of places (k, 2) for an hour in UTC (0 to 24).

        It is the log of the interpolated share of photos at the place's solar hour, relative to an equal share for
        each hour.
        """
        hour = (utc_hour + places[:, 1] / 15 - 0.5) % HOURS
        centers = np.arange(-1, HOURS + 1)
        padded = np.array([self.shares[-1], *self.shares, self.shares[0]])
        result: NDArray[np.float64] = np.log(np.interp(hour, centers, padded) * HOURS)
        return result

    def cues_of(self, seen: PhotoFacts) -> list[Cue]:
        """Return one cue where the camera recorded a time in UTC, else an empty list."""
        time = seen.recorded.taken_at
        if time is None or seen.recorded.taken_at_is_local:
            return []
        hour = time.hour + time.minute / 60
        likelihood = functools.partial(self.log_likelihood, hour)
        return [Cue("time", f"{time:%H:%M} UTC", "the hour of the photo", "time", log_likelihood=likelihood)]


def _times(records: Records) -> Iterator[tuple[datetime.datetime, float, bool]]:
    """Yield (time, longitude, whether the time is local) for each record that has a position and a time."""
    table = records[records.has_position].table
    names = table.column_names
    local = table["taken_at_is_local"].to_pylist() if "taken_at_is_local" in names else [None] * len(table)
    for time, longitude, is_local in zip(
        table["taken_at"].to_pylist(), table["longitude"].to_pylist(), local, strict=True
    ):
        if time is not None:
            yield time, longitude, bool(is_local)


def remark_on(seen: PhotoFacts) -> str | None:
    """Return why the recorded time cannot be used; None where it can, or where there is none."""
    if seen.recorded.taken_at is not None and seen.recorded.taken_at_is_local:
        return f"the recorded time {seen.recorded.taken_at:%H:%M} is local and its time zone is unknown: it is not used"
    return None


def _solar_hour(time: datetime.datetime, longitude: float) -> float:
    return (time.hour + time.minute / 60 + longitude / 15) % HOURS
