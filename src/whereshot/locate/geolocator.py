"""Geolocator: take photos and return Predictions. Python, the commands, batches and the server all use it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whereshot.evidence import Reading
from whereshot.evidence.neighbours import Album, AlbumModel
from whereshot.evidence.time import HourModel
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.progress import Track, late, silent
from whereshot.locate import region_limit
from whereshot.locate.answers import answer_rows
from whereshot.locate.options import LocateOptions
from whereshot.locate.photo_evidence import AskedEvidence, Explained, album_of, explained, readings_of, recorded_of
from whereshot.locate.prediction import Prediction
from whereshot.models.base import Block, Posteriors
from whereshot.models.model import Model, load_model
from whereshot.photos.emptiness import NOTHING
from whereshot.photos.photo import Photo, PhotoLike
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import restricted

if TYPE_CHECKING:
    from whereshot.earth import areas

ROWS_AT_ONCE = 256
"""Photos whose posteriors are in memory at the same time."""
ROWS_WITHOUT_TEXT = 64
"""The same number where text is read without processes that must start for each block: then the work overlaps."""
HELD_PHOTOS = 12
"""Up to this number of photos are answered in this process. Their files stay in memory, so that each is opened once.
"""

Photos = PhotoLike | Sequence[PhotoLike | None]
"""One photo, or several; None stands for a photo that has no file."""


@dataclass(frozen=True)
class Located:
    """The prediction of a photo, and its posterior of one row; None where the photo has no answer."""

    prediction: Prediction
    posterior: Posterior | None


class Geolocator:
    """A model that is ready to answer. Make one with ``Geolocator.load``.

    >>> locator = Geolocator.load("prior")
    >>> locator.name, locator.model.looks_at_pictures
    ('prior', False)
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, name_or_folder: str | Path | None = None, device: str | None = None) -> Geolocator:
        """Return a geolocator with the model of a folder or of a name; for None "compact", which is in the package.

        "compact" and "prior" give every photo the same posterior before its evidence: the density of photos. Raises
        ModelError where the folder is missing, damaged or of another version, and InputError for a ``device`` that this
        machine does not have.
        """
        return cls(load_model(name_or_folder, device))

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.model.name

    @property
    def prior(self) -> Posterior:
        """The photo density: where photos are usually taken."""
        return self.model.prior

    def close(self) -> None:
        """Stop the processes that were started for many photos. They start again when they are needed."""
        self.model.close()

    def __enter__(self) -> Geolocator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def posterior(self, photos: Photos, *, track: Track = silent) -> Posteriors:
        """Return the posteriors of the readable photos, their numbers, and the errors of the others."""
        return self.model.posterior(_opened(photos), track=track)

    def locate(
        self,
        photos: Photos,
        options: LocateOptions | None = None,
        *,
        within_km: float | None = None,
        level: float = LocateOptions.level,
        top: int = LocateOptions.top,
        region: areas.Region | None = None,
        text: bool = LocateOptions.text,
        use_exif: bool = LocateOptions.use_exif,
        hours: HourModel | None = None,
        album: AlbumModel | None = None,
        surface_shares: Mapping[str, float] | None = None,
        reader: str = LocateOptions.reader,
        track: Track = silent,
    ) -> list[Prediction]:
        """Return where each photo was taken: one Prediction per photo, in order.

        A photo that cannot be read has a Prediction with its ``error``. Give ``options``, or single settings with the
        names of ``LocateOptions``. Raises InputError for settings out of range.
        """
        single = LocateOptions(top, level, within_km, region, text, use_exif, hours, album, surface_shares, reader)
        if options is not None and single != LocateOptions():
            raise InputError("give either options or single settings, not both")
        each = self.locate_each(photos, single if options is None else options, track=track)
        return [located.prediction for located in each]

    def locate_each(
        self, photos: Photos, options: LocateOptions | None = None, *, track: Track = silent
    ) -> Iterator[Located]:
        """Return the predictions of ``locate`` as an iterator, each with its posterior."""
        opened = _opened(photos)
        return self._each(opened, options or LocateOptions(), track)

    def _each(self, photos: list[Photo | None], options: LocateOptions, track: Track) -> Iterator[Located]:
        with contextlib.ExitStack() as held:
            for photo in photos if len(photos) <= HELD_PHOTOS else ():
                if photo is not None:
                    held.enter_context(photo.held())
            library = None if options.album is None else album_of(photos, options.album)
            size = ROWS_AT_ONCE if options.text else ROWS_WITHOUT_TEXT
            for block in self.model.blocks(photos, size, track=track):
                yield from self._located(photos, block, options, library, track)

    def _located(
        self, photos: list[Photo | None], block: Block, options: LocateOptions, library: Album | None, track: Track
    ) -> Iterator[Located]:
        """Yield the answers of one block of photos."""
        (posterior, rows, errors), widening = block.found, self.model.widening()
        number_of = {int(row): number for number, row in enumerate(rows)}
        readings = self._readings(photos, block, options, track)
        plain = None
        for row in late(range(block.start, block.stop), block.stop - block.start, "weighing evidence", track):
            photo = photos[row]
            path = None if photo is None else photo.path
            name = path or f"photo-{row}"
            if row in errors or posterior is None:
                yield Located(Prediction(id=name, path=path, error=errors[row]), None)
                continue
            number, recorded = number_of[row], recorded_of(photo)
            asked = AskedEvidence(options) if library is None else AskedEvidence(options, library.evidence_of(row))
            weighed = explained(posterior[number], readings[number], recorded, asked, widening, self.prior)
            one = weighed.posterior if options.region is None else restricted(weighed.posterior, options.region)
            if not weighed.changed and options.region is None:
                if plain is None:
                    plain = answer_rows(posterior, options, widening=widening)
                answer = plain[number]
            else:
                answer = answer_rows(one, options, widening=weighed.widening)[0]
            evidence = weighed.evidence(np.array(answer.answered[:2]), options.region)
            if options.region is not None:
                answer = region_limit.limited(answer, options.region)
                evidence = (*region_limit.remarks(weighed, posterior[number], options.region), *evidence)
            answer = replace(answer, evidence=evidence, unread_scripts=weighed.unread_scripts, writing=weighed.writing)
            yield Located(replace(answer, id=name, path=path, recorded=recorded.position), one)

    def _readings(
        self, photos: list[Photo | None], block: Block, options: LocateOptions, track: Track
    ) -> list[Reading]:
        """Return what is read in each readable photo of a block. An empty picture has no reading."""
        readings = readings_of([photos[row] for row in block.found.rows], options, track)
        return [
            replace(reading, not_a_photo=NOTHING) if is_empty else reading
            for reading, is_empty in zip(readings, block.empty, strict=True)
        ]

    def explain(self, photo: PhotoLike, options: LocateOptions | None = None) -> Explained:
        """Return what is known of one photo, with its evidence.

        Raises ImageError where it cannot be read. Only the options about evidence are used; an album needs more than
        one photo.
        """
        options = options or LocateOptions()
        opened = Photo.of(photo)
        with opened.held():
            (block,) = self.model.blocks([opened], 1)
            if block.found.posterior is None:
                raise ImageError(block.found.errors[0])
            (reading,) = self._readings([opened], block, options, silent)
            recorded, asked = recorded_of(opened), AskedEvidence(options)
            return explained(block.found.posterior, reading, recorded, asked, self.model.widening(), self.prior)


def _opened(photos: Photos) -> list[Photo | None]:
    """Return the photos as a list. Nothing is read yet."""
    if isinstance(photos, Sequence) and not isinstance(photos, (str, bytes)):
        return [None if photo is None else Photo.of(photo) for photo in photos]
    return [Photo.of(photos)]
