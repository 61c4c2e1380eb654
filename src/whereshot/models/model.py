"""``Model``: what every model can do, and ``load_model``, which makes a model from a name or a folder.

The kinds of models are ``PriorModel`` here, and ``TrainedModel`` and ``LearnedModel`` in ``network_model``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import ImageError, InputError, ModelError, nearest_name
from whereshot.foundation.progress import Track, silent
from whereshot.models import model_folder, runtime
from whereshot.models.base import Block, Posteriors
from whereshot.models.learned_photos import LearnedPhotos
from whereshot.models.model_folder import ModelFolder
from whereshot.models.network_model import MODELS, Kind, NetworkModel, Photos
from whereshot.photos.emptiness import is_empty
from whereshot.photos.photo import Photo
from whereshot.photos.reject_reasons import NO_FILE_DETAIL
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior, prior_widening
from whereshot.posterior.widening import Widening

PRIOR = "prior"
"""The name of the model that knows only where photos are usually taken."""


class Model(Protocol):
    """What every model can do: return for each photo the places where it may have been taken."""

    looks_at_pictures: ClassVar[bool]
    """Whether the posterior depends on what the picture shows."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def prior(self) -> Posterior:
        """The photo density: one row, the answer where a picture says nothing."""
        ...

    @property
    def network_model(self) -> NetworkModel:
        """The model with its network, folder and readouts. Raises InputError for a model without a network."""
        ...

    @property
    def described_by(self) -> ModelFolder | None:
        """The folder with the card and the files of the model; None where there is none."""
        ...

    @property
    def learned(self) -> LearnedPhotos | None:
        """The photos that it learned from, which may be none; None where that is not known."""
        ...

    @property
    def hashes(self) -> Mapping[str, str]:
        """The hash of every file that the answers come from, by the file's name."""
        ...

    def posterior(self, photos: Photos, *, track: Track = silent) -> Posteriors:
        """Return the posteriors of the readable photos, their numbers, and the errors of the others."""
        ...

    def blocks(self, photos: Photos, size: int, *, track: Track = silent) -> Iterator[Block]:
        """Yield the posteriors of about ``size`` photos at a time, in order."""
        ...

    def widening(self, kind: Kind | None = None, readout: str = "mixture") -> Widening:
        """Return how radii are corrected: for photos of known places or of others, or for any stranger's photos."""
        ...

    def known_points(self) -> NDArray[np.float64]:
        """Return the positions (m, 2) of the photos that the model learned from."""
        ...

    def close(self) -> None:
        """End the processes that were started for many photos; they start again when they are needed."""
        ...


class PriorModel:
    """The photo density: it gives every photo the same posterior, whatever the picture shows."""

    looks_at_pictures: ClassVar[bool] = False

    def __init__(self, name: str, folder: str | Path | None = None) -> None:
        """``folder`` is the model folder, or its name, that describes the model."""
        self.name, self.prior, self._folder = name, density_prior(), folder

    @property
    def network_model(self) -> NetworkModel:
        """Raises InputError: there is no network."""
        raise InputError(f"{self.name} has no network; load a model that was trained")

    @functools.cached_property
    def described_by(self) -> ModelFolder | None:
        """The folder with the card and the files of the model; None where there is none."""
        return None if self._folder is None else ModelFolder(self._folder)

    @property
    def learned(self) -> LearnedPhotos:
        """No photo: the model learned from none."""
        return LearnedPhotos.of([])

    @property
    def hashes(self) -> Mapping[str, str]:
        """No file: all answers come from the package."""
        return {}

    def posterior(self, photos: Photos, *, track: Track = silent) -> Posteriors:
        """Return the prior for each readable photo, their numbers, and the errors of the others."""
        return self._block(photos, 0, len(photos), track).found

    def blocks(self, photos: Photos, size: int, *, track: Track = silent) -> Iterator[Block]:
        """Yield the prior for each of ``size`` photos at a time, in order."""
        for start in range(0, len(photos), size):
            yield self._block(photos, start, min(start + size, len(photos)), track)

    def _block(self, photos: Photos, start: int, stop: int, track: Track) -> Block:
        empty: dict[int, bool] = {}
        errors: dict[int, str] = {}
        for row, photo in enumerate(track(photos[start:stop], total=stop - start, what="reading photos"), start):
            try:
                if photo is None:
                    raise ImageError(NO_FILE_DETAIL)
                empty[row] = is_empty(Photo.of(photo).rgb(min_side=64))
            except ImageError as error:
                errors[row] = str(error)
        rows, blank = np.array(list(empty), np.int64), np.array(list(empty.values()), bool)
        posterior = self.prior.repeat(len(rows)) if len(rows) else None
        return Block(start, stop, Posteriors(posterior, rows, errors), blank)

    def widening(self, kind: Kind | None = None, readout: str = "mixture") -> Widening:
        """Return the widening of wide circles: it is not known whether photos are spread like the photo density."""
        return prior_widening()

    def known_points(self) -> NDArray[np.float64]:
        """Return no position, (0, 2): the model learned from no photo."""
        return np.empty((0, 2))

    def close(self) -> None:
        """Do nothing: no process was started."""


BUILT_IN: dict[str | Path, Callable[[], Model]] = {
    model_folder.COMPACT: lambda: PriorModel(model_folder.COMPACT, model_folder.COMPACT),
    PRIOR: lambda: PriorModel(PRIOR),
}
"""The models that need no folder to answer, by the names that users give."""


def load_model(name_or_folder: str | Path | None = None, device: str | None = None) -> Model:
    """Return the model of a folder, or the model of a name; for None "compact", which comes with the package.

    Raises ModelError where the folder is missing, damaged or of another version, InputError for a ``device`` that
    this machine does not have, or that the model cannot use.
    """
    runtime.check_device(device)
    name_or_folder = model_folder.COMPACT if name_or_folder is None else name_or_folder
    if name_or_folder in BUILT_IN:
        return BUILT_IN[name_or_folder]()
    folder = ModelFolder(name_or_folder)
    readouts = folder.description.readouts
    if not readouts:
        return PriorModel(folder.description.name, folder.path)
    if readouts[0] not in MODELS:
        raise ModelError(f"{folder.path}: no readout {readouts[0]!r}; {nearest_name(readouts[0], MODELS)}")
    return MODELS[readouts[0]](folder, device)
