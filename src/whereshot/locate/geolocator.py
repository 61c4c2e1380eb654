"""Geolocator: takes photos and returns Predictions. Python, the commands, batches and the server all use it."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.neighbours import AlbumModel
from whereshot.evidence.time import HourModel
from whereshot.foundation import processes
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.progress import Track, silent
from whereshot.locate.options import LocateOptions
from whereshot.locate.photo_evidence import AskedEvidence, Explained, album_of, explained, readings_of, recorded_of
from whereshot.locate.prediction import Prediction, answer_rows
from whereshot.models import model_folder, runtime
from whereshot.models.learned_photos import LearnedPhotos
from whereshot.models.readout import mixture
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.mixture import empty_rows
from whereshot.photos import images
from whereshot.photos.emptiness import NOTHING, is_empty
from whereshot.photos.reject_reasons import NO_FILE_DETAIL
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import restricted
from whereshot.posterior.prior import density_prior

if TYPE_CHECKING:
    from whereshot.earth import areas

PRIOR = "prior"
WITHOUT_PICTURES = (PRIOR, model_folder.COMPACT)
"""Models that give every photo the same posterior before its evidence."""
ROWS_AT_ONCE = 256
"""Photos whose posteriors are in memory at the same time."""
ROWS_WITHOUT_TEXT = 64
"""The same where no text is read: then small blocks cost nothing, because no processes for reading are started."""

Photos = images.Source | Sequence[images.Source | None]


@dataclass(frozen=True)
class Located:
    """The prediction of a photo, and its posterior of one row; None where the photo has no answer."""

    prediction: Prediction
    posterior: Posterior | None


class Geolocator:
    """Locates photos with a model, or with the prior (the density of photos) alone.

    Create it by ``Geolocator.load``.
    """

    def __init__(
        self, folder: model_folder.ModelFolder | None, device: str | None = None, name: str = model_folder.COMPACT
    ) -> None:
        """Take a model folder; None for a model that is only the prior, whose name is ``name``."""
        self.folder, self._name = folder, name
        self.prior = density_prior()
        self._device = device
        self._workers: runtime.Workers | None = None

    @classmethod
    def load(cls, name_or_folder: str | Path | None = None, device: str | None = None) -> Geolocator:
        """Load a model by its folder or its name. None means "compact", which comes with the package.

        "compact" and "prior" give every photo the same posterior before its evidence: the density of photos. Raises
        ModelError where the folder is missing, damaged or of another version, and InputError for a ``device`` that this
        machine does not have.
        """
        runtime.check_device(device)
        if name_or_folder in (None, PRIOR, model_folder.COMPACT):
            return cls(None, device, PRIOR if name_or_folder == PRIOR else model_folder.COMPACT)
        folder = model_folder.ModelFolder(name_or_folder)
        if folder.is_memory and device not in (None, "cpu"):
            raise InputError(f"{folder.description.name} runs on the CPU only; got device {device!r}")
        return cls(folder if folder.description.readouts else None, device, folder.description.name)

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._name if self.folder is None else self.folder.description.name

    @property
    def trained(self) -> model_folder.ModelFolder:
        """The folder of the model. Raises InputError for the prior, which has no folder."""
        if self.folder is None:
            raise InputError(f"{self.name} has no network; load a model that was trained")
        return self.folder

    @property
    def learned(self) -> LearnedPhotos | None:
        """The photos that the model learned from, which can be empty; None where they are not known."""
        return LearnedPhotos.of([]) if self.folder is None else self.folder.learned

    @functools.cached_property
    def device(self) -> str:
        """The device of the network. Without a request it is the CPU for a model with an ONNX file (ONNX Runtime)."""
        if self.trained.onnx is not None and self._device in (None, "cpu"):
            return "cpu"
        return runtime.pick_device(self._device)

    @functools.cached_property
    def _compute(self) -> runtime.Compute:
        return make_network(str(self.trained.path), self.device)

    def outputs(
        self, photos: Sequence[images.Source | None], *, workers: int | None = None, track: Track = silent
    ) -> tuple[Outputs, NDArray[np.int64], dict[int, str]]:
        """Return the network's outputs for the readable photos, the rows of these, and the errors of the others."""
        rows, outputs, errors = runtime.join_parts(list(self._parts(photos, workers, track)))
        return outputs, rows, errors

    def _parts(
        self, photos: Sequence[images.Source | None], workers: int | None = None, track: Track = silent
    ) -> Iterator[runtime.Part]:
        """Yield the outputs of a few photos at a time, in order; meanwhile other processes work on the next photos."""
        settings = self.trained.description.preprocess
        if workers is not None and workers > 1:
            yield from runtime.compute_outputs(photos, settings, self._make, workers=workers, track=track)
            return
        if workers is None and self._workers is None and runtime.default_workers(len(photos), self.device) > 1:
            self._workers = runtime.Workers(self._make, settings, processes.cores())
            self._closing = weakref.finalize(self, self._workers.close)  # at the latest when Python ends
        pool = None if workers is not None or len(photos) < runtime.WORTH_A_PROCESS else self._workers
        try:
            yield from runtime.compute_outputs(photos, settings, lambda: self._compute, pool=pool, track=track)
        except processes.LostProcessError:
            self.close()
            raise

    @property
    def _make(self) -> Callable[[], runtime.Compute]:
        """A function that loads the network in another process. For ONNX Runtime it needs only the path of the file."""
        if self.device == "cpu" and self.trained.onnx is not None:
            return functools.partial(runtime.OnnxCompute, str(self.trained.onnx))
        return functools.partial(make_network, str(self.trained.path), self.device)

    def close(self) -> None:
        """Stop the processes that were started for many photos. They start again when they are needed."""
        if self._workers is not None:
            self._closing()
            self._workers = None

    def __enter__(self) -> Geolocator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def readout(self, name: str | None = None) -> Readout:
        """Return a calibrated readout of the model by its name; by default the readout that uses the whole model."""
        folder = self.trained
        name = name or folder.description.readouts[0]
        if name == "memory":
            return folder.memory(self.prior)
        settings = folder.mixtures[name]
        return mixture.mixture_of(folder.hierarchy, folder.gallery, settings, self.prior, folder.places)

    @functools.cached_property
    def _readout(self) -> Readout:
        return self.readout()

    def radius_factor(self, kind: Literal["seen", "unseen"] | None = None, readout: str = "mixture") -> float:
        """Return the fitted factor for radii of photos of seen or unseen places; 1 where none was fitted.

        Without ``kind`` it is the larger of both, because it is not known whether a new photo shows a seen place.
        """
        if self.folder is None:
            return 1.0
        factors = self.folder.radius_factors(readout)
        return factors.get(kind or "", max(factors.values(), default=1.0))

    def posterior(
        self, photos: Photos, *, track: Track = silent
    ) -> tuple[Posterior | None, NDArray[np.int64], dict[int, str]]:
        """Return the posterior of the readable photos, the rows of these photos, and the errors of the others."""
        sources = _as_list(photos)
        if self.folder is None:
            block = self._prior_block(0, sources, track)
            return block.posterior, block.rows, block.errors
        outputs, rows, errors = self.outputs(sources, track=track)
        return (self._readout(outputs) if len(rows) else None), rows, errors

    def _prior_block(self, start: int, sources: Sequence[images.Source | None], track: Track) -> _Block:
        """Return the prior for each readable photo of a block; the first photo of the block has the row ``start``."""
        empty: dict[int, bool] = {}
        errors: dict[int, str] = {}
        for row, source in enumerate(track(sources, total=len(sources), what="reading photos"), start):
            try:
                if source is None:
                    raise ImageError(NO_FILE_DETAIL)
                empty[row] = is_empty(images.open_rgb(source, min_side=64))
            except ImageError as error:
                errors[row] = str(error)
        rows, blank = np.array(list(empty), np.int64), np.array(list(empty.values()), bool)
        posterior = self.prior.repeat(len(rows)) if len(rows) else None
        return _Block(start, start + len(sources), posterior, rows, blank, errors)

    def _posteriors(self, sources: Sequence[images.Source | None], size: int, track: Track) -> Iterator[_Block]:
        """Yield the posteriors of about ``size`` photos at a time, in order."""
        if self.folder is None:
            for start in range(0, len(sources), size):
                yield self._prior_block(start, sources[start : start + size], track)
            return
        start, held = 0, []
        for part in self._parts(sources, track=track):
            held.append(part)
            stop = start + sum(len(rows) + len(errors) for rows, _, errors in held)
            if stop - start >= size or stop == len(sources):
                rows, outputs, errors = runtime.join_parts(held)
                posterior = self._readout(outputs) if len(rows) else None
                yield _Block(start, stop, posterior, rows, empty_rows(outputs, len(rows)), errors)
                start, held = stop, []

    def locate(
        self,
        photos: Photos,
        options: LocateOptions | None = None,
        *,
        within_km: float | None = None,
        level: float = 0.9,
        top: int = 5,
        region: areas.Region | None = None,
        text: bool = True,
        use_exif: bool = False,
        hours: HourModel | None = None,
        album: AlbumModel | None = None,
        track: Track = silent,
    ) -> list[Prediction]:
        """Return where each photo was taken: one Prediction per photo, in order.

        A photo that cannot be read has a Prediction with its ``error``. Give ``options``, or single settings with the
        names of ``LocateOptions``. Raises InputError for settings out of range.
        """
        single = LocateOptions(top, level, within_km, region, text, use_exif, hours, album)
        each = self.locate_each(photos, _either(options, single), track=track)
        return [located.prediction for located in each]

    def locate_each(
        self,
        photos: Photos,
        options: LocateOptions | None = None,
        *,
        within_km: float | None = None,
        level: float = 0.9,
        top: int = 5,
        region: areas.Region | None = None,
        text: bool = True,
        use_exif: bool = False,
        hours: HourModel | None = None,
        album: AlbumModel | None = None,
        track: Track = silent,
    ) -> Iterator[Located]:
        """Return the predictions of ``locate`` as an iterator, each with its posterior."""
        single = LocateOptions(top, level, within_km, region, text, use_exif, hours, album)
        return self._each(_as_list(photos), _either(options, single), track)

    def _each(self, sources: list[images.Source | None], options: LocateOptions, track: Track) -> Iterator[Located]:
        within_km, level, top = options.within_km, options.level, options.top
        region, text, album = options.region, options.text, options.album
        decide = functools.partial(answer_rows, within_km=within_km, level=level, top=top)
        asked = AskedEvidence(text, options.use_exif, options.hours)
        library = None if album is None else album_of(sources, album)
        for block in self._posteriors(sources, ROWS_AT_ONCE if text else ROWS_WITHOUT_TEXT, track):
            posterior, number_of = block.posterior, {int(row): number for number, row in enumerate(block.rows)}
            readings = readings_of([sources[row] for row in block.rows], text, track)
            plain = None
            for row in range(block.start, block.stop):
                source = sources[row]
                path = images.printable(str(source)) if isinstance(source, (str, Path)) else None
                name = path or f"photo-{row}"
                if row in block.errors or posterior is None:
                    yield Located(Prediction(id=name, path=path, error=block.errors[row]), None)
                    continue
                number = number_of[row]
                recorded = recorded_of(source)
                if library is not None:
                    asked = replace(asked, neighbours=library.evidence_of(row))
                reading = replace(readings[number], not_a_photo=NOTHING) if block.empty[number] else readings[number]
                weighed = explained(posterior[number], reading, recorded, asked, self.radius_factor(), self.prior)
                one = weighed.posterior
                if region is not None:
                    one = restricted(one, region)
                if not weighed.changed and region is None:
                    if plain is None:
                        plain = decide(posterior, radius_factor=self.radius_factor())
                    answer = plain[number]
                else:
                    answer = decide(one, radius_factor=weighed.radius_factor)[0]
                at = recorded.latitude, recorded.longitude
                position = None if at[0] is None or at[1] is None else (at[0], at[1])
                told = weighed.tell(np.array([answer["latitude"], answer["longitude"]]), region)
                yield Located(Prediction(id=name, path=path, recorded=position, evidence=told, **answer), one)

    def explain(self, photo: images.Source, *, text: bool = True, use_exif: bool = False) -> Explained:
        """Return the posterior of one photo with its evidence. Raises ImageError where it cannot be read."""
        (block,) = self._posteriors([photo], 1, silent)
        if block.posterior is None:
            raise ImageError(block.errors[0])
        reading = readings_of([photo], text, silent)[0]
        if block.empty[0]:
            reading = replace(reading, not_a_photo=NOTHING)
        asked = AskedEvidence(text, use_exif)
        return explained(block.posterior, reading, recorded_of(photo), asked, self.radius_factor(), self.prior)


class _Block(NamedTuple):
    """Photos ``start`` to ``stop``: the posterior of the readable ``rows``, which of them show nothing (``empty``), and
    the errors of the other photos by row."""

    start: int
    stop: int
    posterior: Posterior | None
    rows: NDArray[np.int64]
    empty: NDArray[np.bool_]
    errors: dict[int, str]


def _either(options: LocateOptions | None, single: LocateOptions) -> LocateOptions:
    """Return the options that were given, as a whole or as single settings. Raises InputError for both."""
    if options is not None and single != LocateOptions():
        raise InputError("give either options or single settings, not both")
    return single if options is None else options


def _as_list(photos: Photos) -> list[images.Source | None]:
    if isinstance(photos, Sequence) and not isinstance(photos, (str, bytes)):
        return list(photos)
    return [photos]


def make_network(folder: str, device: str) -> runtime.Compute:
    """Load the network of a model folder; other processes call this too."""
    model = model_folder.ModelFolder(folder)
    if model.onnx is not None and device == "cpu":
        return runtime.OnnxCompute(str(model.onnx))
    network = model.network().to(device)
    return runtime.TorchCompute(network, device)
