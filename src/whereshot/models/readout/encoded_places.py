"""A readout that finds places by their encodings, without torch.

The output "encoding" of an aligned network is compared with the encodings of known places. From the most similar places
the search climbs to the maxima of the cosine (``hill_climbing``). A fitted share of the votes near the start of a climb
goes to its maximum. A location encoder is given by its weights, with the names of ``networks.locations``. The shapes of
the weights determine the input of the encoder.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from whereshot.earth import projections, sphere
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.user_folders import cache_folder
from whereshot.models.readout import hill_climbing
from whereshot.models.readout.base import Outputs, Readout
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.hill_climbing import HALF_MASS, ClimbSettings, Hills
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.partition import Hierarchy

Weights = Mapping[str, NDArray[Any]]

_STEP_KM = 1e-3  # step of the finite differences of a perceptron's input
_BLOCK = 1024
_ROWS = 256
MOST_PLACES = 100_000
"""Largest number of places of a gallery that are encoded: the number that GeoCLIP has."""
KEPT = 8
"""Number of searches that are cached. Calibration repeats some of them."""


class PlacesSettings(Settings):
    """Settings of ``Places``.

    ``temperature`` divides the cosine. ``share`` of the votes near the start of a climb goes to the top that the climb
    reaches. A place is at least ``floor_km`` wide.
    """

    temperature: float = Field(0.05, gt=0)
    share: float = Field(0.5, ge=0, le=1)
    floor_km: float = Field(1.0, gt=0)
    climb: ClimbSettings = ClimbSettings(hills=4, steps=8)


class PlaceEncoder:
    """A location encoder in NumPy: unit encodings (n, dim) of positions (n, 2), and their derivatives.

    Raises InputError for weights that are not of a location encoder.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        scales = sorted({name.split(".")[1] for name in weights if name.startswith("scales.")}, key=int)
        self._stacks = [_Stack(self.weights, f"scales.{scale}.") for scale in scales] or [_Stack(self.weights, "")]
        self.dim = self._stacks[0].layers[-1][0].shape[0]

    def encode(self, positions: ArrayLike) -> NDArray[np.float32]:
        """Return unit encodings (m, dim) of positions (m, 2)."""
        p = sphere.points(positions)
        parts = [np.empty((0, self.dim), np.float32)]
        for start in range(0, len(p), _BLOCK):
            part = p[start : start + _BLOCK]
            outputs = [stack.run(stack.inputs(part).astype(np.float32)) for stack in self._stacks]
            parts.append(_unit(functools.reduce(np.add, outputs)))
        return np.concatenate(parts)

    def slopes(
        self, encodings: NDArray[np.floating], row: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the cosines (m,) of ``encodings[row]`` with positions (m, 2), their slopes, and the encoding's metric.

        The slopes (m, 2) are per km north and east. The metric (m, 2, 2) is how fast the encoding turns there.
        """
        similarity, slope, metric = np.empty(len(row)), np.empty((len(row), 2)), np.empty((len(row), 2, 2))
        for start in range(0, len(row), _BLOCK):
            part = slice(start, start + _BLOCK)
            value, turned = self._with_derivatives(positions[part])
            wanted = encodings[row[part]].astype(np.float64)
            similarity[part] = (value * wanted).sum(axis=1)
            slope[part] = (turned * wanted).sum(axis=2).T
            metric[part] = np.einsum("and,bnd->nab", turned, turned)
        return similarity, slope, metric

    def _with_derivatives(self, positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return unit encodings (m, dim), and their derivatives (2, m, dim) per km north and east."""
        around = [sphere.move(positions, bearing, _STEP_KM) for bearing in (0.0, 180.0, 90.0, 270.0)]
        value, turned = np.zeros((len(positions), self.dim)), np.zeros((2, len(positions), self.dim))
        for stack in self._stacks:
            north, south, east, west = (stack.inputs(position) for position in around)
            slope = np.stack([north - south, east - west]) / (2 * _STEP_KM)
            own = stack.run_with_slope(stack.inputs(positions).astype(np.float32), slope.astype(np.float32))
            value, turned = value + own[0].astype(np.float64), turned + own[1].astype(np.float64)
        length = np.maximum(np.linalg.norm(value, axis=1, keepdims=True), 1e-12)
        value, turned = value / length, turned / length
        return value, turned - value * (turned * value).sum(axis=2, keepdims=True)


class _Stack:
    """A perceptron over random Fourier features, or over spherical harmonics."""

    def __init__(self, weights: Weights, prefix: str) -> None:
        self.frequencies = weights.get(f"{prefix}frequencies")
        pattern = re.compile(re.escape(prefix) + r"layers\.(\d+)\.weight")
        numbers = sorted(int(found[1]) for found in map(pattern.fullmatch, weights) if found)
        try:
            self.layers = [
                (weights[f"{prefix}layers.{number}.weight"], weights[f"{prefix}layers.{number}.bias"])
                for number in numbers
            ]
            input_size = self.layers[0][0].shape[1]
        except (KeyError, IndexError):
            raise InputError(f"not the weights of a location encoder: {', '.join(list(weights)[:3])}") from None
        self._degrees = math.isqrt(input_size)

    def inputs(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the inputs (m, k) of the perceptron for positions (m, 2)."""
        if self.frequencies is None:
            result: NDArray[np.float64] = projections.spherical_harmonics(positions, self._degrees)
            return result
        on_map = self.frequencies.shape[1] == 2
        surface = (
            projections.equal_earth(positions, projections.GEOCLIP_SCALE)
            if on_map
            else projections.unit_vectors(positions) / math.pi
        )
        phase = 2 * math.pi * (surface @ self.frequencies.T.astype(np.float64))
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)

    def run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output (m, dim) of the perceptron for inputs (m, k)."""
        for number, (weight, bias) in enumerate(self.layers):
            values = values @ weight.T + bias
            if number < len(self.layers) - 1:
                np.maximum(values, 0, out=values)
        return values

    def run_with_slope(
        self, values: NDArray[np.float32], slope: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the output (m, dim) and its derivatives (2, m, dim), for inputs and their derivatives (2, m, k)."""
        for number, (weight, bias) in enumerate(self.layers):
            values, slope = values @ weight.T + bias, slope @ weight.T
            if number < len(self.layers) - 1:
                alive = values > 0
                values, slope = values * alive, slope * alive
        return values, slope


def kept_encodings(
    weights: Weights,
    positions: ArrayLike,
    encode: Callable[[NDArray[np.float64]], NDArray[np.float32]],
    cache: Path | None = None,
) -> NDArray[np.float32]:
    """Return unit encodings (m, dim) of positions (m, 2), which are stored in half precision in the folder ``cache``.

    The name of the file is a hash of the weights and the positions. Without ``cache`` nothing is written. Raises
    OutputError.
    """
    positions = sphere.points(positions)
    if cache is None:
        return encode(positions)
    digest = hashlib.blake2b(positions.tobytes(), digest_size=16)
    for name, array in sorted(weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    path = Path(cache) / f"{digest.hexdigest()}.safetensors"
    try:
        return load_file(path)["encodings"].astype(np.float32)
    except (OSError, SafetensorError, KeyError):
        encodings = encode(positions).astype(np.float16)
    output_files.make_folder(path.parent)
    with output_files.new_file(path, failures=(SafetensorError,)) as beside:
        save_file({"encodings": encodings}, beside)
    return encodings.astype(np.float32)


def encodings_cache() -> Path:
    """Return the folder of stored encodings: ``$XDG_CACHE_HOME/whereshot/encodings``, by default under ``~/.cache``."""
    return cache_folder("encodings")


def places_of_gallery(
    weights: Mapping[str, NDArray[Any]], gallery: Gallery, hierarchy: Hierarchy, *, cache: Path | None = None
) -> Places:
    """Return a readout of the places of a gallery and the centroids of the cells, with their encodings.

    Of a gallery with more than ``MOST_PLACES`` places, a random choice is taken.
    """
    encoder, known = PlaceEncoder(weights), gallery.places
    if len(known) > MOST_PLACES:
        known = known[np.random.default_rng(0).permutation(len(known))[:MOST_PLACES]]
    known = np.unique(np.concatenate([known, hierarchy.finest.centers]), axis=0)
    return Places(encoder, known, kept_encodings(encoder.weights, known, encoder.encode, cache))


class _Nearest(NamedTuple):
    """The most similar places (n, c, 2) of unit encodings (n, dim), and their cosines (n, c), best first."""

    encodings: NDArray[np.float32]
    places: NDArray[np.float64]
    cosine: NDArray[np.float64]


class _Tops(NamedTuple):
    """The maxima that were climbed to, and for each similar place the start (n, c) that it is near; -1 for none."""

    tops: Hills
    start: NDArray[np.int64]


class Places(Readout):
    """Known places (m, 2) vote by the cosine of their ``encodings`` (m, dim). Maxima near the best are places too.

    The encodings of pictures are the output "encoding". Searches are cached: the same outputs are searched once.
    """

    def __init__(
        self,
        encoder: PlaceEncoder,
        places: ArrayLike,
        encodings: NDArray[np.floating],
        settings: PlacesSettings = PlacesSettings(),  # noqa: B008
    ) -> None:
        self.encoder, self.places, self.settings = encoder, sphere.points(places), settings
        self.encodings = np.asarray(encodings, np.float32)
        if not len(self.places) == len(self.encodings) > 0:
            raise InputError(f"{len(self.encodings)} encodings for {len(self.places)} places; give one for each")
        self._found: list[tuple[str, NDArray[np.floating], ClimbSettings, Any]] = []

    def with_settings(self, settings: PlacesSettings) -> Places:
        """Return a readout of the same places with other settings."""
        other = copy.copy(self)
        other.settings = settings
        return other

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        settings = self.settings
        near = self._once("nearest", outputs["encoding"], self._nearest)
        vote = near.cosine / settings.temperature
        spread = np.full(vote.shape, settings.floor_km)
        if settings.share == 0:
            return Posterior(near.places, vote, spread)
        found = self._once("tops", outputs["encoding"], lambda _: self._climbed(near))
        top = hill_climbing.without_repeats(found.tops)
        under = found.start[:, None] == np.arange(top.shape[1])[:, None]  # (n, tops, places)
        under &= np.isfinite(top)[..., None]
        lifted = np.where(under, vote[:, None], -np.inf)
        peak = lifted.max(axis=2, initial=-np.inf)
        level = np.where(np.isfinite(peak), peak, 0.0)
        with np.errstate(divide="ignore"):
            above = level + np.log(np.exp(lifted - level[..., None]).sum(axis=2)) + np.log(settings.share)
            below = np.where(under.any(axis=1), vote + np.log(1 - settings.share), vote)
        steep = np.where(np.isfinite(top), np.maximum(top, 0.05), 1.0) / settings.temperature
        turning = np.trace(found.tops.metric, axis1=2, axis2=3) / 2 * steep
        width = np.maximum(HALF_MASS / np.sqrt(np.maximum(turning, 1e-9)), settings.floor_km)
        parts = ((found.tops.positions, near.places), (above, below), (width, spread))
        return Posterior(*(np.concatenate(pair, axis=1) for pair in parts))

    def _once(self, what: str, encodings: NDArray[np.floating], make: Callable[[NDArray[np.floating]], Any]) -> Any:
        """Return the cached result for the same encodings and search settings, else call ``make``."""
        for name, known, climb, found in self._found:
            if name == what and known is encodings and climb == self.settings.climb:
                return found
        self._found.append((what, encodings, self.settings.climb, make(encodings)))
        del self._found[:-KEPT]
        return self._found[-1][-1]

    def _nearest(self, encodings: NDArray[np.floating]) -> _Nearest:
        wanted = _unit(np.asarray(encodings, np.float32))
        if wanted.ndim != 2 or wanted.shape[1] != self.encodings.shape[1]:
            raise InputError(f"encodings must have the shape (n, {self.encodings.shape[1]}); got {wanted.shape}")
        count = min(self.settings.climb.considered, len(self.places))
        best, cosine = np.empty((len(wanted), count), np.int64), np.empty((len(wanted), count))
        for start in range(0, len(wanted), _ROWS):
            rows = slice(start, start + _ROWS)
            similarity = wanted[rows] @ self.encodings.T
            best[rows] = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
            cosine[rows] = np.take_along_axis(similarity, best[rows], 1)
        order = np.argsort(-cosine, axis=1, kind="stable")
        places = self.places[np.take_along_axis(best, order, 1)]
        return _Nearest(wanted, places, np.take_along_axis(cosine, order, 1))

    def _climbed(self, near: _Nearest) -> _Tops:
        climb, wanted = self.settings.climb, near.encodings
        starts = hill_climbing.starts_among(near.places, climb)
        apart = sphere.distance_km(near.places[:, :, None], starts[:, None])
        start = np.where(apart.min(axis=2) <= climb.apart_km, apart.argmin(axis=2), -1)
        tops = hill_climbing.climb(
            lambda row, at: self.encoder.slopes(wanted, row, at), wanted.shape[1], starts, climb, np.inf
        )
        return _Tops(tops, start)


def _unit(values: NDArray[np.floating]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
    return result
