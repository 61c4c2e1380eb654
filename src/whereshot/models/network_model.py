"""Models with a network, which look at pictures: ``TrainedModel`` and ``LearnedModel``."""

from __future__ import annotations

import functools
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation import processes
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track, silent
from whereshot.models import runtime
from whereshot.models.base import Block, Posteriors
from whereshot.models.learned_photos import LearnedPhotos
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout import mixture
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.memory import Memory
from whereshot.models.readout.mixture import empty_rows
from whereshot.photos.photo import PhotoLike
from whereshot.posterior.prior import density_prior
from whereshot.posterior.widening import Widening

Photos = Sequence[PhotoLike | None]
"""Photos by their numbers. None stands for a photo that has no file."""
Kind = Literal["seen", "unseen"]
"""Photos of places that the model knows, or of other places."""


class NetworkModel(ABC):
    """A model folder whose network looks at pictures. Subclasses turn the network's outputs into posteriors."""

    looks_at_pictures: ClassVar[bool] = True

    def __init__(self, folder: ModelFolder, device: str | None = None) -> None:
        self.folder, self.prior = folder, density_prior()
        self._device = device
        self._workers: runtime.Workers | None = None

    @property
    def name(self) -> str:
        """The name in model.toml."""
        return self.folder.description.name

    @property
    def network_model(self) -> NetworkModel:
        """The model itself: it has a network."""
        return self

    @property
    def described_by(self) -> ModelFolder:
        """The folder with the card and the files of the model."""
        return self.folder

    @property
    def learned(self) -> LearnedPhotos | None:
        """The photos that it learned from; None where that is not known."""
        return self.folder.learned

    @property
    def hashes(self) -> Mapping[str, str]:
        """The hash of every file of the model by the file's name."""
        return self.folder.hashes

    @functools.cached_property
    def device(self) -> str:
        """Where the network runs. Without a choice of the user it is the CPU, by ONNX Runtime if the model can."""
        if self.folder.onnx is not None and self._device in (None, "cpu"):
            return "cpu"
        return runtime.pick_device(self._device)

    @functools.cached_property
    def _compute(self) -> runtime.Compute:
        return make_network(str(self.folder.path), self.device)

    @property
    def _make(self) -> Callable[[], runtime.Compute]:
        """Make the network in a worker process. With ONNX Runtime the process needs nothing but this."""
        if self.device == "cpu" and self.folder.onnx is not None:
            return functools.partial(runtime.OnnxCompute, str(self.folder.onnx))
        return functools.partial(make_network, str(self.folder.path), self.device)

    def outputs(
        self, photos: Photos, *, workers: int | None = None, track: Track = silent
    ) -> tuple[Outputs, NDArray[np.int64], dict[int, str]]:
        """Return the network's outputs of the readable photos, their numbers (n,), and the errors of the others."""
        rows, outputs, errors = runtime.join_parts(list(self._parts(photos, workers, track)))
        return outputs, rows, errors

    def _parts(self, photos: Photos, workers: int | None = None, track: Track = silent) -> Iterator[runtime.Part]:
        """Yield the outputs of a few photos at a time, in order, while processes look at the next photos."""
        settings = self.folder.description.preprocess
        if workers is not None and workers > 1:
            yield from runtime.compute_outputs(photos, settings, self._make, workers=workers, track=track)
            return
        if workers is None and self._workers is None and runtime.default_workers(len(photos), self.device) > 1:
            self._workers = runtime.Workers(self._make, settings, processes.cores())
            self._closing = weakref.finalize(self, self._workers.close)  # the processes end with Python at the latest
        pool = None if workers is not None or len(photos) < runtime.WORTH_A_PROCESS else self._workers
        try:
            yield from runtime.compute_outputs(photos, settings, lambda: self._compute, pool=pool, track=track)
        except processes.LostProcessError:
            self.close()
            raise

    def close(self) -> None:
        """End the processes that were started for many photos; they start again when they are needed."""
        if self._workers is not None:
            self._closing()
            self._workers = None

    @abstractmethod
    def readout(self, name: str | None = None) -> Readout:
        """Return a calibrated readout, by default the readout of the whole model.

        Raises ModelError for an unknown name.
        """

    @functools.cached_property
    def _readout(self) -> Readout:
        return self.readout()

    def posterior(self, photos: Photos, *, track: Track = silent) -> Posteriors:
        """Return the posteriors of the readable photos, their numbers, and the errors of the others."""
        outputs, rows, errors = self.outputs(photos, track=track)
        return Posteriors(self._readout(outputs) if len(rows) else None, rows, errors)

    def blocks(self, photos: Photos, size: int, *, track: Track = silent) -> Iterator[Block]:
        """Yield the posteriors of about ``size`` photos at a time, in order."""
        start, held = 0, []
        for part in self._parts(photos, track=track):
            held.append(part)
            stop = start + sum(len(rows) + len(errors) for rows, _, errors in held)
            if stop - start >= size or stop == len(photos):
                rows, outputs, errors = runtime.join_parts(held)
                found = Posteriors(self._readout(outputs) if len(rows) else None, rows, errors)
                yield Block(start, stop, found, empty_rows(outputs, len(rows)))
                start, held = stop, []

    def widening(self, kind: Kind | None = None, readout: str = "mixture") -> Widening:
        """Return the factor on all radii, for photos of known places or of others; 1 where none was fitted.

        Without ``kind`` it is the larger of both, because it is not known whether a photo shows a known place.
        """
        factors = self.folder.radius_factors(readout)
        return Widening(factors.get(kind or "", max(factors.values(), default=1.0)))

    def known_points(self) -> NDArray[np.float64]:
        """Return the positions (m, 2) of the photos that the model learned from."""
        return self.folder.training_points()

    @abstractmethod
    def nearest(self, outputs: Outputs) -> NDArray[np.int64]:
        """Return the number (n,) of the most similar known photo of each photo, by the features in ``outputs``."""

    @property
    @abstractmethod
    def floor_km(self) -> float:
        """The smallest extent of a known photo's place in km."""


class TrainedModel(NetworkModel):
    """A network with cells and a gallery, made by ``whereshot train`` or ``whereshot models get``."""

    def readout(self, name: str | None = None) -> Readout:
        """Return a calibrated readout: "mixture" (the default), "cells", "gallery" or "places"."""
        folder = self.folder
        settings = folder.mixtures[name or folder.description.readouts[0]]
        return mixture.mixture_of(folder.hierarchy, folder.gallery, settings, self.prior, folder.places)

    def nearest(self, outputs: Outputs) -> NDArray[np.int64]:
        """Return the number (n,) of the most similar photo of the gallery."""
        return self.folder.gallery.nearest(outputs)[0]

    @property
    def floor_km(self) -> float:
        """The smallest extent of a place of the gallery in km."""
        return self.folder.mixtures["gallery"].gallery.floor_km


class LearnedModel(NetworkModel):
    """A library of the user's own photos, made by ``whereshot learn``. It runs on the CPU only.

    Raises InputError for another device.
    """

    def __init__(self, folder: ModelFolder, device: str | None = None) -> None:
        if device not in (None, "cpu"):
            raise InputError(f"{folder.description.name} runs on the CPU only; got device {device!r}")
        super().__init__(folder, device)

    def readout(self, name: str | None = None) -> Memory:
        """Return the readout of the library. It has only one."""
        return self.folder.memory(self.prior)

    def nearest(self, outputs: Outputs) -> NDArray[np.int64]:
        """Return the number (n,) of the most similar photo of the library."""
        return self.readout().nearest(outputs)[0]

    @property
    def floor_km(self) -> float:
        """The smallest extent of a place of the library in km."""
        return self.readout().settings.floor_km


MODELS: dict[str, type[NetworkModel]] = {"memory": LearnedModel, "mixture": TrainedModel}
"""The class of a model folder by the readout of its whole model, the first in model.toml."""


def make_network(folder: str, device: str) -> runtime.Compute:
    """Return the network of a model folder, for this process or another. Raises ModelError."""
    model = ModelFolder(folder)
    if model.onnx is not None and device == "cpu":
        return runtime.OnnxCompute(str(model.onnx))
    return runtime.TorchCompute(model.network().to(device), device)
