"""The interface of refiners, the fixed places that they work on, and the inputs that they compute from records.

A refiner takes the posteriors of a base model and the records of the same photos, and returns posteriors on the same
places. This module needs NumPy only; networks are in ``networks``.
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
"""The most places of a refiner. The first layer of a network has a weight for each pair of places."""


class Phase(Settings):
    """A phase of training: an optimiser, its constant learning rate, and the most epochs."""

    optimizer: Literal["adagrad", "adam"]
    learning_rate: float = Field(gt=0)
    epochs: int = Field(50, ge=1)


PUBLISHED_PHASES = (
    Phase(optimizer="adagrad", learning_rate=0.01),
    Phase(optimizer="adam", learning_rate=0.005),
    Phase(optimizer="adam", learning_rate=0.001),
)
"""First Adagrad, then Adam (Johns, Rounds and Henry 2017).

The paper prints "Adaboost" and does not give its learning rate; 0.01 is our choice."""


class NetworkSettings(Settings):
    """The settings of all refiners with a network.

    The network sees the ``top`` likeliest cells of the base model. ``validation`` is the share of users that are kept
    for early stopping.
    """

    top: int = Field(10, ge=1)
    dropout: float = Field(0.5, ge=0, lt=1)
    outdoor: bool = False
    """Whether the probability of being outdoors is a further input (the columns of scenes)."""
    validation: float = Field(0.1, gt=0, lt=1)
    phases: tuple[Phase, ...] = Field(PUBLISHED_PHASES, min_length=1)
    patience: int = Field(5, ge=1)
    """Epochs without a better validation loss after which a phase ends; the next phase begins with the best weights."""


@dataclass(frozen=True)
class FixedPlaces:
    """A fixed set of places (k, 2) with their spreads (k,), on which a refiner was fitted."""

    places: NDArray[np.float64]
    spread_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.places)

    @classmethod
    def of(cls, posterior: Posterior) -> FixedPlaces:
        """Return the places of a posterior. Raises InputError where its rows do not share their places."""
        if not posterior.shared:
            raise InputError("a refiner works on a fixed set of cells; here every photo has places of its own")
        return cls(posterior.places, posterior.spread_km)

    @classmethod
    def of_parts(cls, parts: Iterable[Posterior]) -> FixedPlaces:
        """Return all places with mass in the posteriors, sorted by latitude and longitude. Raises InputError."""
        rows = np.concatenate([np.unique(_rows_of(part)[part.log_mass.ravel() > -np.inf], axis=0) for part in parts])
        rows = np.unique(rows, axis=0)
        if len(rows) > MAX_PLACES:
            raise InputError(
                f"the posteriors have {len(rows)} different places; a refiner works on a fixed set of at most "
                f"{MAX_PLACES} cells: give the model instead, whose cells answer alone"
            )
        return cls(np.ascontiguousarray(rows[:, :2]), np.ascontiguousarray(rows[:, 2]))

    def gather(self, part: Posterior) -> Posterior:
        """Return the same distributions on these places. Raises InputError where one has mass on another place."""
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
        """Raise InputError unless a posterior is on exactly these places."""
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
        """Return the number (n,) of the place nearest to each position (n, 2)."""
        return sphere.Nearest(self.places).query(points)[1].astype(np.int64)


def _rows_of(posterior: Posterior) -> NDArray[np.float64]:
    """Return latitude, longitude and spread of every place of every row, (photos * places, 3)."""
    n, k = posterior.log_mass.shape
    places = np.broadcast_to(posterior.places, (n, k, 2))
    spread = np.broadcast_to(posterior.spread_km, (n, k))
    return np.concatenate([places, spread[..., None]], axis=2).reshape(-1, 3)


@dataclass(frozen=True)
class Examples:
    """Photos to fit a refiner on; the base model must not have been trained on them.

    ``posterior`` is from the base model, ``cell`` (n,) are the true cells, -1 for none. Raises InputError where the
    counts differ, or no photo has a cell.
    """

    posterior: Posterior
    records: Records
    cell: NDArray[np.int64]

    def kept_apart(self, validation: float, seed: int) -> NDArray[np.bool_]:
        """Return which photos (n,) belong to users that are kept for validation.

        Raises InputError where no photo is left for training or for validation.
        """
        # The prefix makes this split independent of the base model's split, in which all these users are on one side.
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
    """Return the cells that a refiner needs. Raises InputError where they are None."""
    if support is None:
        raise InputError("this refiner works on the cells that it was fitted on, and its folder has none; fit it again")
    return support


class Refiner(ABC):
    """Turns the posteriors and records of photos into better posteriors. Create it by ``fit`` or ``from_tensors``.

    ``support`` are the places that it was fitted on; None for a refiner that works on any places.
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
        """Fit a refiner on examples.

        ``state`` is a folder from which an interrupted fit continues. Raises InputError.
        """

    @abstractmethod
    def refine(self, posterior: Posterior, records: Records) -> Posterior:
        """Return the refined posterior, with the same rows and places."""

    @abstractmethod
    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays by name."""

    @classmethod
    @abstractmethod
    def from_tensors(cls, support: FixedPlaces | None, settings: Any, tensors: dict[str, NDArray[Any]]) -> Self:
        """Return a refiner from the arrays of ``tensors``. Raises InputError where they do not fit."""

    def __call__(self, posterior: Posterior, records: Records) -> Posterior:
        """Refine the posteriors of n records. Raises InputError where the cells differ from the fitted ones."""
        if len(posterior) != len(records):
            raise InputError(f"{len(posterior)} posteriors for {len(records)} records")
        if self.support is not None:
            self.support.check(posterior)
        return self.refine(posterior, records)


# ---- what is looked at in records


def posting_inputs(records: Records) -> NDArray[np.float32]:
    """Return hour, weekday and month (n, 3) of posting in UTC, scaled as in the published network; 0 where unknown.

    The values are (h - 11.5) / 24 with h from 0 to 23, (d - 3.5) / 7 with d from 1 (Sunday) to 7, and (m - 6.5) / 12.
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
    """Return the inputs (n, 3 or 4) besides the posterior: of the time of posting and, if asked, of outdoors."""
    parts = [posting_inputs(records), *([outdoor_inputs(records)] if outdoor else [])]
    return np.concatenate(parts, axis=1)


def outdoor_inputs(records: Records) -> NDArray[np.float32]:
    """Return the probability (n, 1) of being outdoors, 0.5 where unknown.

    Raises InputError where no scenes are known.
    """
    return np.nan_to_num(1 - scene_shares(records)[:, :1], nan=0.5).astype(np.float32)


def users_in_time(records: Records) -> list[NDArray[np.int64]]:
    """Return the rows of each user in the order of time: of taking, else of posting, else in their order.

    A photo without a user is a group of its own.
    """
    taken, posted = (_floats(records.table[name].cast("int64")) for name in ("taken_at", "posted_at"))
    seconds = np.where(np.isfinite(taken), taken, posted)
    user = np.unique(records.groups("user"), return_inverse=True)[1]
    order = np.lexsort((np.nan_to_num(seconds, nan=np.inf), user))
    return np.split(order, np.flatnonzero(np.diff(user[order])) + 1) if len(order) else []


def _floats(column: Any) -> NDArray[np.float64]:
    result: NDArray[np.float64] = column.cast("float64").to_numpy(zero_copy_only=False)
    return result
