"""What refiners share: the places they work on, what they look at in records, and their one face.

Posteriors of a base model and Records in, Posteriors on the same places out. NumPy; networks are in ``networks``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.tables import hashed_share
from whereshot.photos.records import Records
from whereshot.photos.scenes import scene_shares
from whereshot.posterior.base import Posterior

MAX_PLACES = 20_000
"""More places than this are no set of cells: a network's first layer alone would have a weight for each pair."""


class Phase(Settings):
    """A phase of training: an optimiser, its constant learning rate, and how many epochs it may last."""

    optimizer: Literal["adagrad", "adam"]
    learning_rate: float = Field(gt=0)
    epochs: int = Field(50, ge=1)


PUBLISHED_PHASES = (
    Phase(optimizer="adagrad", learning_rate=0.01),
    Phase(optimizer="adam", learning_rate=0.005),
    Phase(optimizer="adam", learning_rate=0.001),
)
"""Adagrad (the paper prints Adaboost; its rate is not told, 0.01 is ours), then Adam (Johns, Rounds and Henry 2017)."""


class NetworkSettings(Settings):
    """What every refiner with a network is told.

    ``top`` cells of the base model are seen, ``validation`` is the share of users kept for early stopping.
    """

    top: int = Field(10, ge=1)
    dropout: float = Field(0.5, ge=0, lt=1)
    outdoor: bool = False
    """Whether the probability of being outdoors is a further input (the columns of scenes)."""
    validation: float = Field(0.1, gt=0, lt=1)
    phases: tuple[Phase, ...] = Field(PUBLISHED_PHASES, min_length=1)
    patience: int = Field(5, ge=1)
    """Epochs without a better validation loss after which a phase ends; the next goes on with the best weights."""


@dataclass(frozen=True)
class FixedPlaces:
    """A fixed set of places (k, 2) with their spreads (k,), on which a refiner was fitted."""

    places: NDArray[np.float64]
    spread_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.places)

    @classmethod
    def of(cls, posterior: Posterior) -> FixedPlaces:
        """The places of a posterior whose rows share them. Raises InputError for one whose rows have their own."""
        if not posterior.shared:
            raise InputError("a refiner works on a fixed set of cells; here every photo has places of its own")
        return cls(posterior.places, posterior.spread_km)

    @classmethod
    def of_parts(cls, parts: Iterable[Posterior]) -> FixedPlaces:
        """All places that occur in posteriors, in the order of latitude and longitude. Raises InputError."""
        rows = np.concatenate([np.unique(_rows_of(part)[part.log_mass.ravel() > -np.inf], axis=0) for part in parts])
        rows = np.unique(rows, axis=0)
        if len(rows) > MAX_PLACES:
            raise InputError(
                f"the posteriors have {len(rows)} different places; a refiner works on a fixed set of at most "
                f"{MAX_PLACES} cells: give the model instead, whose cells answer alone"
            )
        return cls(np.ascontiguousarray(rows[:, :2]), np.ascontiguousarray(rows[:, 2]))

    def gather(self, part: Posterior) -> Posterior:
        """The same distributions on these places. Raises InputError where one has mass on another place."""
        own = np.concatenate([self.places, self.spread_km[:, None]], axis=1)
        wanted = _rows_of(part)
        every, number = np.unique(np.concatenate([own, wanted]), axis=0, return_inverse=True)
        at = np.full(len(every), -1)
        at[number[: len(own)]] = np.arange(len(own))
        column = at[number[len(own) :]].reshape(part.log_mass.shape)
        strange = (column < 0) & (part.log_mass > -np.inf)
        if strange.any():
            row = int(np.flatnonzero(strange.ravel())[0])
            latitude, longitude, spread = wanted[row]
            raise InputError(
                f"the posterior has mass on {len(np.unique(wanted[strange.ravel()], axis=0))} places that the refiner "
                f"was not fitted on; first: {latitude:g}, {longitude:g} of {spread:g} km; "
                "it belongs to the cells of another model"
            )
        mass = np.zeros((len(part), len(self)))
        np.add.at(mass, (np.arange(len(part))[:, None], np.maximum(column, 0)), part.mass)
        return Posterior.from_mass(self.places, mass, self.spread_km)

    def check(self, posterior: Posterior) -> None:
        """Raises InputError unless a posterior is on just these places."""
        if not (
            posterior.shared
            and np.array_equal(posterior.places, self.places)
            and np.allclose(posterior.spread_km, self.spread_km, rtol=1e-9)
        ):
            raise InputError(
                f"the refiner was fitted on {len(self)} other cells than these {posterior.log_mass.shape[1]}; "
                "fit one for this model"
            )

    def nearest(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """The number (n,) of the place nearest to each position (n, 2)."""
        return sphere.Nearest(self.places).query(points)[1].astype(np.int64)


def _rows_of(posterior: Posterior) -> NDArray[np.float64]:
    """(photos * places, 3): latitude, longitude and spread of every place of every row."""
    n, k = posterior.log_mass.shape
    places = np.broadcast_to(posterior.places, (n, k, 2))
    spread = np.broadcast_to(posterior.spread_km, (n, k))
    return np.concatenate([places, spread[..., None]], axis=2).reshape(-1, 3)


@dataclass(frozen=True)
class Examples:
    """Photos to fit on, that the base model never saw: its posteriors, the records, and the true cells (n,), -1: none.

    Raises InputError where the counts differ, or no photo has a cell.
    """

    posterior: Posterior
    records: Records
    cell: NDArray[np.int64]

    def kept_apart(self, validation: float, seed: int) -> NDArray[np.bool_]:
        """Which photos (n,) are of users that training leaves aside. Raises InputError where that leaves none."""
        # not the share by which the base model's photos were split: of these users all would fall on one side
        users = np.char.add("refined ", self.records.groups("user"))
        held = hashed_share(users, seed) < validation
        counted = self.cell >= 0
        if not (held & counted).any() or not (~held & counted).any():
            raise InputError(
                f"validation = {validation:g} leaves {(~held & counted).sum()} photos to learn from and "
                f"{(held & counted).sum()} to stop by; both are needed: give photos of more users"
            )
        return held

    def __post_init__(self) -> None:
        if not len(self.posterior) == len(self.records) == len(self.cell):
            raise InputError(
                f"{len(self.posterior)} posteriors, {len(self.records)} records and {len(self.cell)} cells: as many "
                "of each are needed"
            )
        if not (self.cell >= 0).any():
            raise InputError(f"none of {len(self.cell)} photos lies in a cell: there is nothing to learn from")


def needed(support: FixedPlaces | None) -> FixedPlaces:
    """The cells of a refiner that works on no others. Raises InputError where there are none."""
    if support is None:
        raise InputError("this refiner works on the cells that it was fitted on, and its folder has none; fit it again")
    return support


class Refiner(ABC):
    """Posteriors and records of the same photos -> better posteriors. Made by ``fit`` or ``from_tensors``.

    ``support`` are the places it was fitted on, None for one that works on any.
    """

    kind: ClassVar[str]
    settings_type: ClassVar[type[Settings]]

    def __init__(self, support: FixedPlaces | None, settings: Settings) -> None:
        self.support, self.settings = support, settings

    @classmethod
    @abstractmethod
    def fit(
        cls, examples: Examples, settings: Any, *, state: Path | None = None, seed: int = 0, track: Track = silent
    ) -> Self:
        """Fitted on examples. ``state`` is a folder in which a fit that was killed goes on. Raises InputError."""

    @abstractmethod
    def refine(self, posterior: Posterior, records: Records) -> Posterior:
        """The refined posterior, of the same rows and places."""

    @abstractmethod
    def tensors(self) -> dict[str, NDArray[Any]]:
        """What was fitted, by name."""

    @classmethod
    @abstractmethod
    def from_tensors(cls, support: FixedPlaces | None, settings: Any, tensors: dict[str, NDArray[Any]]) -> Self:
        """What ``tensors`` gave. Raises InputError where it does not fit."""

    def __call__(self, posterior: Posterior, records: Records) -> Posterior:
        """Refine posteriors (n rows) of these n records. Raises InputError for other cells than it was fitted on."""
        if len(posterior) != len(records):
            raise InputError(f"{len(posterior)} posteriors for {len(records)} records")
        if self.support is not None:
            self.support.check(posterior)
        return self.refine(posterior, records)


# ---- what is looked at in records


def posting_inputs(records: Records) -> NDArray[np.float32]:
    """Hour, weekday and month (n, 3) of posting in UTC as the published network takes them; zero where unknown.

    (h - 11.5) / 24 with h from 0 to 23, (d - 3.5) / 7 with d from 1, Sunday, to 7, and (m - 6.5) / 12.
    """
    posted = records.table["posted_at"]
    parts = (
        (pc.hour(posted), 11.5, 24),
        (pc.day_of_week(posted, count_from_zero=False, week_start=7), 3.5, 7),
        (pc.month(posted), 6.5, 12),
    )
    scaled = [(_floats(part) - middle) / width for part, middle, width in parts]
    return np.nan_to_num(np.stack(scaled, axis=1)).astype(np.float32)


def more_inputs(records: Records, outdoor: bool) -> NDArray[np.float32]:
    """All numbers (n, 3 or 4) besides the base model's: those of posting and, where asked for, of being outdoors."""
    parts = [posting_inputs(records), *([outdoor_inputs(records)] if outdoor else [])]
    return np.concatenate(parts, axis=1)


def outdoor_inputs(records: Records) -> NDArray[np.float32]:
    """Probability (n, 1) of being outdoors, a half where unknown. Raises InputError where there are no scenes."""
    return np.nan_to_num(1 - scene_shares(records)[:, :1], nan=0.5).astype(np.float32)


def users_in_time(records: Records) -> list[NDArray[np.int64]]:
    """The rows of each user in the order of taking, else of posting, else as they stand; without a user, alone."""
    taken, posted = (_floats(records.table[name].cast("int64")) for name in ("taken_at", "posted_at"))
    seconds = np.where(np.isfinite(taken), taken, posted)
    user = np.unique(records.groups("user"), return_inverse=True)[1]
    order = np.lexsort((np.nan_to_num(seconds, nan=np.inf), user))
    return np.split(order, np.flatnonzero(np.diff(user[order])) + 1) if len(order) else []


def _floats(column: Any) -> NDArray[np.float64]:
    result: NDArray[np.float64] = column.cast("float64").to_numpy(zero_copy_only=False)
    return result
