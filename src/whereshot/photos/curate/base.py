"""What a step of curation is: a photo in, why it goes out; or all photos that are left in, which of them go out.

A step may do either or both. The first runs in the engine's workers, the second once, on a few columns of all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation.errors import ImageError
from whereshot.photos import images, picture_bytes

NO_FILE = "no image file"
UNREADABLE = "unreadable picture"
NO_POSITION = "no position"

Settings = Mapping[str, Any]
"""Of one step: JSON values, so that workers get them and a folder's manifest holds them."""


@dataclass(frozen=True)
class Reject:
    """Why a photo goes: ``reason`` is a short kind to count by, ``detail`` the whole sentence."""

    reason: str
    detail: str


class Photo:
    """One record; its bytes and its picture are read once, when a step asks for them.

    ``columns`` is what steps have found out, which becomes columns of the record. ``folder`` is where a step may
    write pictures of its own.
    """

    def __init__(self, record: Mapping[str, Any], folder: Path | None = None) -> None:
        self.record, self.folder = record, folder
        self.columns: dict[str, Any] = {}
        self._data: bytes | None = None
        self._pictures: dict[int | None, Image.Image] = {}

    @property
    def data(self) -> bytes:
        """The picture's file. Raises ImageError."""
        if self._data is None:
            if self.record.get("image") is None:
                raise ImageError("the record names no image file")
            self._data = picture_bytes.contents(self.record["image"])
        return self._data

    def picture(self, min_side: int | None) -> Image.Image:
        """The picture as ``images.open_rgb`` gives it. Raises ImageError."""
        if min_side not in self._pictures:
            try:
                self._pictures[min_side] = images.open_rgb(self.data, min_side=min_side)
            except ImageError as error:
                raise ImageError(self.named(str(error))) from error
        return self._pictures[min_side]

    def forget(self) -> None:
        """Let bytes and pictures go."""
        self._data = None
        self._pictures.clear()

    def named(self, text: str) -> str:
        """An error's text on bytes as one on the file that they are of."""
        told = images.describe(self._data) if self._data is not None else ""
        return text.replace(told, str(self.record["image"]), 1) if told and text.startswith(told) else text


@dataclass(frozen=True)
class Dropped:
    """Rows of the table that ``choose`` was given which go, in ascending order, for one reason.

    ``sentence(k)`` is the detail of the k-th of them.
    """

    rows: NDArray[np.int64]
    reason: str
    sentence: Callable[[int], str]


@dataclass(frozen=True)
class Step:
    """How a step judges one photo, how it chooses among all that are left, and what it needs for it.

    ``adds`` are the columns that ``judge`` fills; ``reads(settings)`` those that it looks at, ``chooses_by(settings)``
    those that ``choose`` does. ``check(settings, columns)`` raises InputError where it cannot work on records that
    have these columns.
    """

    judge: Callable[[Photo, Settings], Reject | None] | None = None
    choose: Callable[[pa.Table, Settings], Sequence[Dropped]] | None = None
    check: Callable[[Settings, Callable[[str], bool]], None] | None = None
    adds: pa.Schema = field(default_factory=lambda: pa.schema([]))
    reads: tuple[str, ...] = ()
    chooses_by: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    needs_picture: Callable[[Settings], bool] = lambda settings: False
    files: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    """Files that its verdicts depend on."""
