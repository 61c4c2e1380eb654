"""Encodings of places as a readout: places vote by the similarity of their encoding with the picture's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.hill_climbing import ClimbSettings
from whereshot.posterior.base import Posterior


class EncodingsSettings(Settings):
    """``temperature`` divides the cosine of encodings."""

    temperature: float = Field(0.025, gt=0)


class Encodings(Readout):
    """Places vote by the cosine of their encodings with the output "encoding" of an aligned network.

    ``places`` (m, 2), ``encodings`` (m, d) of unit length, ``spread_km`` (m,) the extent of each place.
    """

    def __init__(
        self,
        places: ArrayLike,
        encodings: NDArray[np.floating],
        spread_km: ArrayLike,
        settings: EncodingsSettings = EncodingsSettings(),  # noqa: B008
    ) -> None:
        self.places, self.encodings = sphere.points(places), np.asarray(encodings, np.float32)
        self.spread_km = np.broadcast_to(np.asarray(spread_km, np.float64), (len(self.places),))
        if not len(self.places) == len(self.encodings) > 0:
            raise InputError(f"{len(self.encodings)} encodings for {len(self.places)} places; give one for each")
        self.settings = settings

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        cosine = np.asarray(outputs["encoding"], np.float32) @ self.encodings.T
        return Posterior(self.places, cosine.astype(np.float64) / self.settings.temperature, self.spread_km)


class PlacesSettings(Settings):
    """Settings of ``encoded_places.Places``.

    ``temperature`` divides the cosine. ``share`` of the votes near the start of a climb goes to the top that the climb
    reaches. A place is at least ``floor_km`` wide.
    """

    temperature: float = Field(0.05, gt=0)
    share: float = Field(0.5, ge=0, le=1)
    floor_km: float = Field(1.0, gt=0)
    climb: ClimbSettings = ClimbSettings(hills=4, steps=8)
