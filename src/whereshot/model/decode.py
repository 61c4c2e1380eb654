"""From an encoding back to the place: search among encoded places, refinement on the sphere, and a posterior of both.

Encodings (n, dim) in, a Posterior out. ``Decoder`` climbs from the most similar of many places to the tops of the
hills of the similarity (Levenberg and Marquardt, exact derivatives of the encoder), weighs each hill by the noise
that is left at its top and by where photos are taken, and answers with a mixture whose extents are the hills' own.
"""

from __future__ import annotations

import hashlib
import math
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from whereshot import sphere
from whereshot.config import Settings
from whereshot.errors import InputError
from whereshot.model.locations import LocationEncoder, encode
from whereshot.model.photo_density import PhotoDensity
from whereshot.posterior import Posterior

HALF_MASS = math.sqrt(2 * math.log(2))
"""Radius that holds half of a round Gaussian, in standard deviations."""


class DecodeSettings(Settings):
    """How far the search goes."""

    hills: int = Field(8, ge=1)
    """Starts per encoding."""
    considered: int = Field(64, ge=1)
    """The most similar places, of which starts are taken."""
    apart_km: float = Field(12.0, ge=0)
    """Starts nearer to each other would climb the same hill."""
    steps: int = Field(12, ge=0)
    longest_km: float = Field(4.0, gt=0)
    """No step is longer: beyond, the hill's shape says nothing."""
    places: int = Field(64, ge=1)
    """Places of the answer."""


def encoded_places(encoder: LocationEncoder, positions: ArrayLike, cache: Path | None = None) -> torch.Tensor:
    """Unit encodings (m, dim), float32, of positions (m, 2): computed once and kept in half precision under ``cache``.

    The file is named after the encoder's weights and the positions; without ``cache`` nothing is written.
    """
    positions = sphere.points(positions)
    if cache is None:
        return encode(encoder, positions)
    digest = hashlib.blake2b(positions.tobytes(), digest_size=16)
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    path = Path(cache) / f"{digest.hexdigest()}.safetensors"
    try:
        return load_file(path)["encodings"].float().to(next(encoder.parameters()).device)
    except (OSError, SafetensorError, KeyError):
        encodings = encode(encoder, positions).half()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}")
    save_file({"encodings": encodings.cpu()}, beside)
    os.replace(beside, path)
    return encodings.float()


class Hills:
    """Tops of the similarity: ``positions`` (n, k, 2), ``similarity`` (n, k), -inf where a climb was given up, and
    ``metric`` (n, k, 2, 2), how fast the encoding turns in squared radians per squared km, north first."""

    def __init__(self, positions: NDArray, similarity: NDArray, metric: NDArray) -> None:
        self.positions, self.similarity, self.metric = positions, similarity, metric


def climb(
    encoder: LocationEncoder, encodings: torch.Tensor, starts: NDArray, settings: DecodeSettings, patience: float = 15.0
) -> Hills:
    """Climb to the nearest top of the cosine with ``encodings`` (n, dim), unit length, from ``starts`` (n, k, 2).

    A climb is given up once its top would be worth ``patience`` nats less than the best one of its row.
    """
    n, k = starts.shape[:2]
    row = np.repeat(np.arange(n), k)
    position = sphere.points(starts.reshape(-1, 2))
    similarity, slope, metric = _slopes(encoder, encodings, row, position)
    damping = np.full(n * k, 1e-2)
    active = np.ones(n * k, bool)
    for _ in range(settings.steps):
        gain, step = _step(similarity, slope, metric, damping, settings.longest_km)
        best = similarity.reshape(n, k).max(axis=1)[row]
        nats = concentration(best, encodings.shape[1]) * (best - similarity - 2 * gain)
        worth = concentration(best, encodings.shape[1]) * gain
        active &= (nats < patience) & (worth > 1e-3) & (np.hypot(*step.T) > 2e-4)
        if not active.any():
            break
        rows = np.flatnonzero(active)
        moved = _moved(position[rows], step[rows])
        new_similarity, new_slope, new_metric = _slopes(encoder, encodings, row[rows], moved)
        better = new_similarity > similarity[rows]
        taken = rows[better]
        position[taken], similarity[taken] = moved[better], new_similarity[better]
        slope[taken], metric[taken] = new_slope[better], new_metric[better]
        damping[rows] = np.where(better, damping[rows] / 10, damping[rows] * 10)
        active[rows[damping[rows] > 1e4]] = False
    gain, _ = _step(similarity, slope, metric, np.zeros(n * k), settings.longest_km)
    best = similarity.reshape(n, k).max(axis=1)[row]
    given_up = concentration(best, encodings.shape[1]) * (best - similarity - 2 * gain) >= patience
    similarity = np.where(given_up, -np.inf, similarity)
    return Hills(position.reshape(n, k, 2), similarity.reshape(n, k), metric.reshape(n, k, 2, 2))


def concentration(cosine: NDArray, dim: int) -> NDArray[np.float64]:
    """Concentration of directions in ``dim`` dimensions that keep this mean cosine with their centre: nats per unit.

    Banerjee et al. 2005, the von Mises-Fisher distribution.
    """
    c = np.clip(cosine, 1e-3, 1 - 1e-7)
    return c * (dim - c * c) / (1 - c * c)


def _slopes(
    encoder: LocationEncoder, encodings: torch.Tensor, row: NDArray, positions: NDArray, block: int = 4096
) -> tuple[NDArray, NDArray, NDArray]:
    """Cosine (m,), its slope (m, 2) per km north and east, and the encoding's metric (m, 2, 2) at positions (m, 2)."""
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
    encoder: Callable, here: torch.Tensor, tangents: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit encodings (m, dim) and their derivatives (t, m, dim), float64, along ``tangents`` (t, m, 2)."""

    def along(tangent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.func.jvp(encoder, (here,), (tangent,))

    value, turned = torch.func.vmap(along, out_dims=(None, 0))(tangents)
    value, turned = value.double(), turned.double()
    length = value.norm(dim=1, keepdim=True).clamp(min=1e-12)
    value, turned = value / length, turned / length
    return value, turned - value * (turned * value).sum(2, keepdim=True)


def _step(
    similarity: NDArray, slope: NDArray, metric: NDArray, damping: NDArray, longest_km: float
) -> tuple[NDArray, NDArray]:
    """Expected gain (m,) and step (m, 2) in km, north and east: the top of the hill as its slope and metric say."""
    curvature = metric * np.maximum(similarity, 0.05)[:, None, None]
    size = np.trace(curvature, axis1=1, axis2=2)
    curvature = curvature + (damping * size + 1e-12)[:, None, None] * np.eye(2)
    step = np.linalg.solve(curvature, slope[..., None])[..., 0]
    length = np.hypot(*step.T)
    step *= np.minimum(1, longest_km / np.maximum(length, 1e-12))[:, None]
    return np.maximum((slope * step).sum(1) / 2, 0), step


def _moved(positions: NDArray, step: NDArray) -> NDArray[np.float64]:
    """Positions (m, 2) after steps (m, 2) in km, north and east."""
    return sphere.move(positions, np.degrees(np.arctan2(step[:, 1], step[:, 0])), np.hypot(*step.T))


class Decoder:
    """Encodings -> Posterior, within the region that ``starts`` (m, 2) cover.

    Starts should lie closer than the encoder's hills are wide (a grid of 8 km for GeoCLIP's); ``density`` says where
    photos are taken. Raises InputError without starts.
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
        """Posterior of n rows for encodings (n, dim) of any length."""
        return self.posterior(self.hills(encodings))

    def hills(self, encodings: ArrayLike) -> Hills:
        """Tops of the similarity with encodings (n, dim), climbed from the most similar starts."""
        wanted = torch.as_tensor(np.asarray(encodings, np.float32), device=self.encodings.device)
        if wanted.ndim != 2 or wanted.shape[1] != self.encodings.shape[1]:
            raise InputError(f"encodings must have the shape (n, {self.encodings.shape[1]}); got {tuple(wanted.shape)}")
        wanted = nn.functional.normalize(wanted, dim=1)
        return climb(self.encoder, wanted, self._best_starts(wanted), self.settings)

    def nearest(self, encodings: torch.Tensor, count: int) -> NDArray[np.int64]:
        """The ``count`` most similar starts (n, count) of unit encodings (n, dim), best first."""
        count = min(count, len(self.starts))
        best = [
            (encodings[start : start + 64] @ self.encodings.T).topk(count, dim=1).indices
            for start in range(0, len(encodings), 64)
        ]
        return torch.cat(best).cpu().numpy() if best else np.empty((0, count), np.int64)

    def _best_starts(self, encodings: torch.Tensor) -> NDArray[np.float64]:
        """Starts (n, hills, 2): the most similar places, each some way from the better ones."""
        near = self.starts[self.nearest(encodings, self.settings.considered)]
        rows, count = np.arange(len(near)), min(self.settings.hills, near.shape[1])
        chosen = np.empty((len(near), count, 2))
        free = np.ones(near.shape[:2], bool)
        for number in range(count):
            first = np.where(free.any(axis=1), free.argmax(axis=1), 0)  # none is free: the best once more
            chosen[:, number] = near[rows, first]
            free &= sphere.distance_km(near, chosen[:, number, None]) > self.settings.apart_km
        return chosen

    def posterior(self, hills: Hills) -> Posterior:
        """Hills -> Posterior: each a Gaussian as wide as the noise leaves it, times where photos are taken."""
        similarity = _once(hills)
        best = similarity.max(axis=1, keepdims=True)
        nats = concentration(best, self.encodings.shape[1])
        precision = hills.metric * (nats * np.maximum(best, 0.05))[..., None, None]
        precision = precision + 1e-9 * np.eye(2)
        log_peak = nats * (similarity - best)
        if self.density is None:
            area = 0.5 * np.log(np.linalg.det(precision))
            spread = HALF_MASS / np.sqrt(np.trace(precision, axis1=2, axis2=3) / 2)
            return Posterior(hills.positions, log_peak - area, spread)
        places, log_mass, spread = self.density.product(hills.positions, precision)
        log_mass = log_mass + log_peak[..., None]
        n = len(places)
        answer = Posterior(places.reshape(n, -1, 2), log_mass.reshape(n, -1), spread.reshape(n, -1))
        return answer.top(self.settings.places)


def _once(hills: Hills, same_km: float = 0.05) -> NDArray[np.float64]:
    """Similarities (n, k), -inf for a hill that another climb has reached already."""
    similarity = hills.similarity.copy()
    for later in range(1, similarity.shape[1]):
        near = sphere.distance_km(hills.positions[:, :later], hills.positions[:, later, None]) < same_km
        again = near & (similarity[:, :later] > -np.inf)
        keep = np.where(again, similarity[:, :later], -np.inf).max(axis=1)
        first = np.where(again, similarity[:, :later], -np.inf).argmax(axis=1)
        twice = np.flatnonzero(again.any(axis=1))
        drop_later = twice[keep[twice] >= similarity[twice, later]]
        drop_first = twice[keep[twice] < similarity[twice, later]]
        similarity[drop_first, first[drop_first]] = -np.inf
        similarity[drop_later, later] = -np.inf
    return similarity


def least_expected_km(posterior: Posterior, steps: int = 20) -> sphere.Points:
    """The position (n, 2) of each row with the least expected distance: Weiszfeld's iteration from the best place."""
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
