"""Find the places of encodings (n, dim) and return them as a Posterior.

``Decoder`` starts at the most similar of many known places and climbs to the maxima of the similarity (Levenberg and
Marquardt, with exact derivatives of the encoder). The weight of a maximum depends on the noise that its similarity
leaves and on where photos are taken. The answer is a mixture of places as wide as the maxima.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from torch import nn

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.models.networks.locations import LocationEncoder, encode
from whereshot.models.networks.photo_density import PhotoDensity
from whereshot.models.readout import hill_climbing
from whereshot.models.readout.encoded_places import kept_encodings
from whereshot.models.readout.hill_climbing import (
    HALF_MASS,
    ClimbSettings,
    Hills,
    concentration,
    starts_among,
    without_repeats,
)
from whereshot.posterior.base import Posterior


class DecodeSettings(ClimbSettings):
    """Settings of the search, and the number of places of the answer."""

    places: int = Field(64, ge=1)


def encoded_places(encoder: LocationEncoder, positions: ArrayLike, cache: Path | None = None) -> torch.Tensor:
    """Return unit encodings (m, dim), float32, of positions (m, 2), on the encoder's device; stored in ``cache``."""
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in encoder.state_dict().items()}
    kept = kept_encodings(weights, positions, lambda places: encode(encoder, places).cpu().numpy(), cache)
    return torch.from_numpy(kept).to(next(encoder.parameters()).device)


def climb(
    encoder: LocationEncoder,
    encodings: torch.Tensor,
    starts: NDArray[np.float64],
    settings: ClimbSettings,
    patience: float = 15.0,
) -> Hills:
    """Climb from ``starts`` (n, k, 2) to the nearest maxima of the cosine with unit ``encodings`` (n, dim).

    A climb ends early when its maximum would be ``patience`` nats lower than the best maximum of its row.
    """
    return hill_climbing.climb(
        functools.partial(_slopes, encoder, encodings), encodings.shape[1], starts, settings, patience
    )


def _slopes(
    encoder: LocationEncoder,
    encodings: torch.Tensor,
    row: NDArray[np.int64],
    positions: NDArray[np.float64],
    block: int = 4096,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the cosine (m,), its slope (m, 2) per km north and east, and the metric (m, 2, 2) at positions (m, 2)."""
    similarity, slope, metric = np.empty(len(row)), np.empty((len(row), 2)), np.empty((len(row), 2, 2))
    per_km = math.degrees(1 / sphere.EARTH_KM)
    for start in range(0, len(row), block):
        part = slice(start, start + block)
        here = torch.as_tensor(positions[part], device=encodings.device)
        flat = torch.deg2rad(here[:, 0]).cos().clamp(min=1e-6)
        nothing = torch.zeros_like(flat)
        north = torch.stack([nothing + per_km, nothing], dim=1)
        east = torch.stack([nothing, per_km / flat], dim=1)
        with torch.no_grad():
            value, turned = _with_derivatives(encoder, here, torch.stack([north, east]))
            wanted = encodings[torch.as_tensor(row[part], device=encodings.device)].double()
            similarity[part] = (value * wanted).sum(1).cpu()
            slope[part] = (turned * wanted).sum(2).T.cpu()
            metric[part] = torch.einsum("and,bnd->nab", turned, turned).cpu()
    return similarity, slope, metric


def _with_derivatives(
    encoder: LocationEncoder, here: torch.Tensor, tangents: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return unit encodings (m, dim) and their derivatives (t, m, dim), float64, along ``tangents`` (t, m, 2)."""

    def along(tangent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        encoded, *derivative = torch.func.jvp(encoder, (here,), (tangent,))
        return encoded, derivative[0]

    once_and_each: Any = (None, 0)  # torch's type of out_dims lacks None, which its documentation allows
    value, turned = torch.func.vmap(along, out_dims=once_and_each)(tangents)
    value, turned = value.double(), turned.double()
    length = value.norm(dim=1, keepdim=True).clamp(min=1e-12)
    value, turned = value / length, turned / length
    return value, turned - value * (turned * value).sum(2, keepdim=True)


class Decoder:
    """Turns encodings into a Posterior, in the region that ``starts`` (m, 2) cover.

    Starts should be closer together than a hill is wide (a grid of 8 km for GeoCLIP). ``density`` is where photos are
    taken. Raises InputError without starts.
    """

    def __init__(
        self,
        encoder: LocationEncoder,
        starts: ArrayLike,
        density: PhotoDensity | None = None,
        settings: DecodeSettings = DecodeSettings(),  # noqa: B008
        *,
        cache: Path | None = None,
    ) -> None:
        self.encoder, self.density, self.settings = encoder, density, settings
        self.starts = sphere.points(starts)
        if len(self.starts) == 0:
            raise InputError("a decoder needs places to start from")
        self.encodings = encoded_places(encoder, self.starts, cache)

    def __call__(self, encodings: ArrayLike) -> Posterior:
        """Return the posterior of n rows for encodings (n, dim) of any length."""
        return self.posterior(self.hills(encodings))

    def hills(self, encodings: ArrayLike) -> Hills:
        """Return the maxima of the similarity with encodings (n, dim), found from the most similar starts."""
        wanted = torch.as_tensor(np.asarray(encodings, np.float32), device=self.encodings.device)
        if wanted.ndim != 2 or wanted.shape[1] != self.encodings.shape[1]:
            raise InputError(f"encodings must have the shape (n, {self.encodings.shape[1]}); got {tuple(wanted.shape)}")
        wanted = nn.functional.normalize(wanted, dim=1)
        near = self.starts[self.nearest(wanted, self.settings.considered)]
        return climb(self.encoder, wanted, starts_among(near, self.settings), self.settings)

    def nearest(self, encodings: torch.Tensor, count: int) -> NDArray[np.int64]:
        """Return the ``count`` most similar starts (n, count) of unit encodings (n, dim), best first."""
        count = min(count, len(self.starts))
        best = [
            (encodings[start : start + 64] @ self.encodings.T).topk(count, dim=1).indices
            for start in range(0, len(encodings), 64)
        ]
        return torch.cat(best).cpu().numpy() if best else np.empty((0, count), np.int64)

    def posterior(self, tops: Hills) -> Posterior:
        """Return the posterior of hills: a Gaussian for each, as wide as its noise, times the density of photos."""
        similarity = without_repeats(tops)
        best = similarity.max(axis=1, keepdims=True)
        nats = concentration(best, self.encodings.shape[1])
        precision = tops.metric * (nats * np.maximum(best, 0.05))[..., None, None]
        precision = precision + 1e-9 * np.eye(2)
        log_peak = nats * (similarity - best)
        if self.density is None:
            area = 0.5 * np.log(np.linalg.det(precision))
            spread = HALF_MASS / np.sqrt(np.trace(precision, axis1=2, axis2=3) / 2)
            return Posterior(tops.positions, log_peak - area, spread)
        places, log_mass, spread = self.density.product(tops.positions, precision)
        log_mass = log_mass + log_peak[..., None]
        n = len(places)
        answer = Posterior(places.reshape(n, -1, 2), log_mass.reshape(n, -1), spread.reshape(n, -1))
        return answer.top(self.settings.places)


def least_expected_km(posterior: Posterior, steps: int = 20) -> sphere.Points:
    """Return the position (n, 2) with the smallest expected distance for each row, by Weiszfeld's iteration."""
    n, k = posterior.log_mass.shape
    places = np.broadcast_to(posterior.places, (n, k, 2))
    spread, mass = np.broadcast_to(posterior.spread_km, (n, k)), posterior.mass
    unit, chosen = sphere.xyz(places), np.empty((n, 2))
    for row in range(n):
        far = np.hypot(sphere.distance_km(places[row][:, None], places[row][None]), spread[row])
        chosen[row] = places[row, (far @ mass[row]).argmin()]
    for _ in range(steps):
        distance = np.hypot(sphere.distance_km(places, chosen[:, None]), spread)
        chosen = sphere.latlon(((mass / distance)[..., None] * unit).sum(axis=1))
    return chosen
