"""The calibrated mixture: cells, a gallery and encoded places, weighted by how familiar a photo looks, and a prior.

The settings are saved in the model folder. NumPy only, no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.foundation.log_space import log_softmax
from whereshot.foundation.settings_file import Settings
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.cells import CellsSettings
from whereshot.models.readout.encoded_places import Places, PlacesSettings
from whereshot.models.readout.gallery import Gallery, GallerySettings, with_settings
from whereshot.models.readout.prototypes import cells_of
from whereshot.photos.emptiness import EMPTY
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy


class Gate(Settings):
    """Weights of the parts of a mixture and of the prior: a softmax of scores that are linear in the familiarity.

    The familiarity is the cosine with the most similar known photo. A photo that is like none of them is left to the
    prior. ``offset`` and ``slope`` are given for every part; for the prior they are zero.
    """

    offset: dict[str, float]
    slope: dict[str, float]

    def weights(self, familiarity: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the weights (n,) of every part and of "prior" for familiarities (n,). They sum to 1."""
        names = [*self.offset, "prior"]
        scores = np.stack(
            [*(self.offset[name] + self.slope[name] * familiarity for name in self.offset), 0 * familiarity], axis=1
        )
        shares = np.exp(log_softmax(scores))
        return {name: shares[:, column] for column, name in enumerate(names)}


class MixtureSettings(Settings):
    """A fitted mixture: the settings of its parts, their weights, and the factors that correct its radii."""

    cells: CellsSettings = CellsSettings()
    gallery: GallerySettings = GallerySettings()
    places: PlacesSettings = PlacesSettings()
    gate: Gate
    radius_factor: dict[str, float] = Field(default_factory=dict)
    """Factor on a radius for "seen" and "unseen" places, so that circles hold the share they promise."""
    nll: dict[str, float] = Field(default_factory=dict)
    """Mean held-out negative log-likelihood for "seen" and "unseen" places, in nats per steradian."""
    nll_interval: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """The 95 % intervals of ``nll``, by bootstrap over places."""


class Calibration(Settings):
    """Settings that were fitted on photos that the network had not seen.

    ``mixtures`` holds "mixture", and each part alone: "cells", "gallery" and, for aligned networks, "places".
    """

    mixtures: dict[str, MixtureSettings]
    photos: dict[str, int] = Field(default_factory=dict)
    """Number of held-out photos of "seen" and "unseen" places."""


class Mixture(Readout):
    """A mixture of readouts and the photo-density prior, weighted by how familiar the photo looks."""

    def __init__(self, parts: Mapping[str, Readout], gate: Gate, gallery: Gallery, prior: Posterior) -> None:
        self.parts, self.gate, self.gallery, self.prior = dict(parts), gate, gallery, prior

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        weights = self.gate.weights(self.gallery.nearest(outputs)[1])
        empty = empty_rows(outputs, len(weights["prior"]))
        weights = {name: np.where(empty, float(name == "prior"), share) for name, share in weights.items()}
        mixed, total = self.prior.repeat(len(outputs["features"])), weights["prior"]
        for name, part in self.parts.items():
            total = total + weights[name]
            share = np.divide(weights[name], total, out=np.zeros_like(total), where=total > 0)
            mixed = mixed.mix(part(outputs), np.clip(share, 0.0, 1.0))
        return mixed


def empty_rows(outputs: Outputs, photos: int) -> NDArray[np.bool_]:
    """Return which photos (n,) show nothing. Without the output "empty" no photo counts as empty."""
    return np.asarray(outputs.get(EMPTY, np.zeros(photos, bool)), bool)


def mixture_of(
    hierarchy: Hierarchy,
    gallery: Gallery,
    settings: MixtureSettings,
    prior: Posterior,
    places: Places | None = None,
) -> Mixture:
    """Return a calibrated mixture that is ready to answer. Only an aligned network has ``places``."""
    gallery = with_settings(gallery, settings.gallery)
    parts: dict[str, Readout] = {"cells": cells_of(hierarchy, gallery, settings.cells), "gallery": gallery}
    if places is not None:
        parts["places"] = places.with_settings(settings.places)
    return Mixture({name: parts[name] for name in settings.gate.offset}, settings.gate, gallery, prior)
