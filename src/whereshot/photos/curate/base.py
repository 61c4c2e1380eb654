"""The interface of a curation step: it judges photos one by one, or chooses among all photos that are left.

A step can do one or both. Judging runs in the workers of the engine. Choosing runs once, on a few columns of all rows.
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
from whereshot.photos import picture_bytes
from whereshot.photos.photo import Photo

Settings = Mapping[str, Any]
"""The settings of one step as JSON values, which can be sent to workers and written to the manifest of a folder."""


@dataclass(frozen=True)
class Reject:
    """Why a photo is rejected: ``reason`` is a short text for counting, ``detail`` the whole sentence."""

    reason: str
    detail: str


class CuratedPhoto:
    """The record of one photo and its picture, whose file is read once, when a step asks for it.

    Attributes:
        record: the columns that the steps read.
        folder: where a step may write pictures of its own.
        columns: what the steps find out; it becomes columns of the record.
    """

    def __init__(self, record: Mapping[str, Any], folder: Path | None = None) -> None:
        self.record, self.folder = record, folder
        self.columns: dict[str, Any] = {}
        self._photo: Photo | None = None
        self._data = b""

    @property
    def data(self) -> bytes:
        """The bytes of the picture's file. Raises ImageError."""
        self._open()
        return self._data

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the upright picture. Raises ImageError."""
        return self._open().size

    def picture(self, min_side: int | None) -> Image.Image:
        """Return the picture as ``images.open_rgb`` decodes it, from memory where it was decoded before.

        Raises ImageError.
        """
        return self._open().rgb(min_side, keep=True)

    def forget(self) -> None:
        """Free the memory of the bytes and the pixels."""
        self._photo, self._data = None, b""

    def _open(self) -> Photo:
        if self._photo is None:
            place = self.record.get("image")
            if place is None:
                raise ImageError("the record names no image file")
            self._data = picture_bytes.contents(place)
            self._photo = Photo(self._data, str(place))
        return self._photo


@dataclass(frozen=True)
class Dropped:
    """Rows of the table of ``choose`` that are rejected for one reason, in ascending order.

    ``sentence(k)`` returns the detail of the k-th row.
    """

    rows: NDArray[np.int64]
    reason: str
    sentence: Callable[[int], str]


@dataclass(frozen=True)
class Step:
    """A curation step: how it judges one photo, how it chooses among all that are left, and the columns it needs.

    ``adds`` are the columns that ``judge`` fills. ``reads(settings)`` are the columns that ``judge`` reads, and
    ``chooses_by(settings)`` the columns that ``choose`` reads. ``check(settings, columns)`` raises InputError where the
    step cannot work on records with these columns.
    """

    judge: Callable[[CuratedPhoto, Settings], Reject | None] | None = None
    choose: Callable[[pa.Table, Settings], Sequence[Dropped]] | None = None
    check: Callable[[Settings, Callable[[str], bool]], None] | None = None
    adds: pa.Schema = field(default_factory=lambda: pa.schema([]))
    reads: tuple[str, ...] = ()
    chooses_by: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    needs_picture: Callable[[Settings], bool] = lambda settings: False
    files: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    """Files that the decisions of the step depend on."""
