"""A photo that is opened once: its pixels, its upright size, its format, and what the camera recorded in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias, Union

from PIL import Image

from whereshot.foundation.errors import ImageError
from whereshot.photos import images
from whereshot.photos.picture_bytes import contents
from whereshot.photos.recorded import Recorded, read_exif

PhotoLike: TypeAlias = Union[images.Source, "Photo"]
"""What ``Photo.of`` takes: a path, a place inside a tar or zip, the bytes of a file, a PIL image, or a Photo."""


class Photo:
    """One photo, made from a path, a place inside a tar or zip, the bytes of a file, or a PIL image.

    Nothing is read when a Photo is made. The first use opens the file; size, format and what the camera recorded are
    read together from its header and kept, so that later uses cost nothing. A file that cannot be opened is not tried
    again: every later use raises the same ImageError. Pixels are decoded anew for each call of ``rgb``, unless the
    caller asks to keep them.

    Errors begin with ``name``: by default the path as it was given, "picture of N bytes", or "picture". A Photo that
    goes to another process takes only its source and its name with it.

    >>> photo = Photo(Image.new("RGB", (640, 480)))
    >>> photo.size, photo.recorded.position, photo.rgb(min_side=64).mode
    ((640, 480), None, 'RGB')
    """

    __slots__ = ("_data", "_error", "_header", "_holds", "_pictures", "name", "source")

    def __init__(self, source: images.Source, name: str | None = None) -> None:
        self.source = source
        self.name = images.describe(source) if name is None else name
        self._header: _Header | None = None
        self._error: ImageError | None = None
        self._pictures: dict[int | None, Image.Image] = {}
        self._holds = False
        self._data: bytes | None = None

    @classmethod
    def of(cls, photo: PhotoLike) -> Photo:
        """Return the same Photo, or a new one made from a path, bytes or a PIL image."""
        return photo if isinstance(photo, Photo) else cls(photo)

    def __repr__(self) -> str:
        return f"Photo({self.name!r})"

    def __reduce__(self) -> tuple[type[Photo], tuple[images.Source, str]]:
        return Photo, (self.source, self.name)

    @property
    def path(self) -> str | None:
        """The path as text that can be written anywhere (see ``images.printable``); None for bytes and PIL images."""
        return images.printable(str(self.source)) if isinstance(self.source, (str, Path)) else None

    @property
    def in_memory(self) -> bool:
        """Whether it is a PIL image, which is too large to send to another process."""
        return isinstance(self.source, Image.Image)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the whole picture when it stands upright. Raises ImageError."""
        size = self._read_header().size
        if isinstance(size, str):
            raise ImageError(size)
        return size

    @property
    def format(self) -> str | None:
        """How the picture is stored, as Pillow names it: "JPEG", "PNG", ...; None for a PIL image made in memory.

        Raises ImageError.
        """
        return self._read_header().format

    @property
    def recorded(self) -> Recorded:
        """What the camera recorded: position, time, accuracy, camera. Raises ImageError."""
        return self._read_header().recorded

    def rgb(self, min_side: int | None = None, *, keep: bool = False) -> Image.Image:
        """Decode the picture upright, as 8-bit RGB; see ``images.open_rgb`` for ``min_side`` (pixels).

        With ``keep`` the pixels stay for later calls with the same ``min_side``, until ``drop_pixels``; the caller
        must not change such a picture. Raises ImageError.
        """
        if min_side in self._pictures:
            return self._pictures[min_side]
        with self._opened(min_side) as (image, data):
            picture = images.decoded(image, self.name, min_side, data)
        if keep:
            self._pictures[min_side] = picture
        return picture

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the bytes of the file inside the ``with`` block, so that the file is opened once."""
        self._holds = True
        try:
            yield
        finally:
            self._holds, self._data = False, None

    def drop_pixels(self) -> None:
        """Free the memory of the pixels that are kept. Size, format and recorded metadata stay."""
        self._pictures.clear()

    def _read_header(self) -> _Header:
        """Return the header, which is read at the first call. Raises ImageError where the file cannot be opened."""
        if self._header is not None:
            return self._header
        with self._opened() as (image, _):
            return self._note_header(image)

    @contextlib.contextmanager
    def _opened(self, min_side: int | None = None) -> Iterator[tuple[Image.Image, bytes | None]]:
        """Open the file, note its header, and give the picture, and its bytes if they were read. Raises ImageError."""
        if self._error is not None:
            raise type(self._error)(self._error.reason, self._error.name)
        try:
            data = images.bytes_to_scale(self.source, min_side) if self._data is None else self._data
            if data is None and self._holds and not isinstance(self.source, Image.Image):
                data = contents(self.source)
            if self._holds:
                self._data = data
            image = images.opened(self.source, data=data, name=self.name)
        except ImageError as error:
            self._error = error
            raise
        with image:
            self._note_header(image)
            yield image, data

    def _note_header(self, image: Image.Image) -> _Header:
        if self._header is None:
            self._header = _header_of(image, self.name)
        return self._header


class _Header(NamedTuple):
    """What is known of a picture before its pixels are decoded."""

    size: tuple[int, int] | str
    """Width and height, or why they cannot be read."""
    format: str | None
    recorded: Recorded


def _header_of(image: Image.Image, name: str) -> _Header:
    """Return the header of an opened picture. Damaged EXIF spoils only the answers that need it."""
    size: tuple[int, int] | str
    try:
        size = images.upright_size(image)
    except Exception as error:  # Pillow raises anything from OSError to struct.error
        size = str(images.damaged(name, error))
    return _Header(size, image.format, read_exif(image))
