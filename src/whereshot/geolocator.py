"""Photos in, Predictions out: the one way to an answer, from Python, the command line, batches and the server."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whereshot import calibrate, checkpoint, images, places, runtime, sphere
from whereshot.dataset import NO_FILE
from whereshot.errors import ImageError, InputError
from whereshot.posterior import DECISION_PLACES, Posterior, circle_mass
from whereshot.progress import Track, silent
from whereshot.readout import Outputs

WITHIN_KM = (1, 25, 200, 750, 2500)
CONFIDENT_TO = dict(zip(WITHIN_KM, ("street", "city", "region", "country", "continent"), strict=True))
CONFIDENT = 0.9
CANDIDATE_KM = 25.0
"""Places this near are one candidate, and its probability is the mass within this distance."""
WIDEST_CANDIDATE_KM = 1000.0
"""A place that is spread wider than this is no place to name."""
PRIOR = "prior"
ROWS_AT_ONCE = 256
"""Photos whose posteriors are held at a time."""

Photos = images.Source | Sequence[images.Source]


@dataclass(frozen=True)
class Place:
    """A named place; parts that are not known are None."""

    name: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None

    def __str__(self) -> str:
        return ", ".join(part for part in (self.name, self.region, self.country) if part) or "at sea"


@dataclass(frozen=True)
class Candidate:
    """One of the likely places; ``probability`` is the mass within 25 km of it."""

    latitude: float
    longitude: float
    probability: float
    place: Place


@dataclass(frozen=True)
class Prediction:
    """Where a photo was taken, how sure that is, and why.

    ``radius_km`` is the circle that holds ``level``; ``within`` the probability of being at most 1, 25, 200, 750 and
    2500 km off; ``confident_to`` the finest of street, city, region, country and continent with at least 90 %.
    ``recorded`` is what the camera wrote, never mixed into the estimate. With ``error`` all else is None or empty.
    """

    id: str
    path: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None
    level: float | None = None
    within: dict[str, float] = field(default_factory=dict)
    confident_to: str | None = None
    place: Place | None = None
    countries: tuple[tuple[str, float], ...] = ()
    candidates: tuple[Candidate, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    recorded: tuple[float, float] | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of the command contract."""
        document = asdict(self)
        document["countries"] = [{"country_code": code, "probability": share} for code, share in self.countries]
        if self.recorded is not None:
            document["recorded"] = dict(zip(("latitude", "longitude"), self.recorded, strict=True))
        return document


@dataclass(frozen=True)
class Located:
    """Predictions of all photos, and the posterior of those that were answered, in ``rows``."""

    predictions: list[Prediction]
    posterior: Posterior | None
    rows: NDArray[np.int64]


class Geolocator:
    """A model, or the photo-density prior alone, ready to answer. Make one with ``Geolocator.load``."""

    def __init__(self, folder: checkpoint.ModelFolder | None, device: str | None = None) -> None:
        self.folder = folder
        self.prior = places.density_prior()
        self._device = device

    @classmethod
    def load(cls, name_or_folder: str | Path | None = None, device: str | None = None) -> Geolocator:
        """A model folder, or for None and "prior" the photo-density prior, which says the same of every photo.

        Raises ModelError where the folder is missing, damaged or of another version.
        """
        if name_or_folder is None or name_or_folder == PRIOR:
            return cls(None)
        return cls(checkpoint.ModelFolder(name_or_folder), device)

    @property
    def name(self) -> str:
        """The model's name; "prior" without one."""
        return PRIOR if self.folder is None else self.folder.description.name

    @functools.cached_property
    def device(self) -> str:
        """Where the network runs."""
        return runtime.pick_device(self._device)

    @functools.cached_property
    def _compute(self) -> runtime.Compute:
        return _make_network(str(self.folder.path), self.device)

    def outputs(
        self, photos: Sequence[images.Source | None], *, workers: int | None = None, track: Track = silent
    ) -> tuple[Outputs, NDArray[np.int64], dict[int, str]]:
        """The network's outputs of the readable photos, their row numbers, and the errors of the others."""
        workers = workers or runtime.default_workers(len(photos), self.device)
        make = functools.partial(_make_network, str(self.folder.path), self.device)
        blocks = runtime.compute_outputs(
            photos,
            self.folder.description.preprocess,
            make if workers > 1 else lambda: self._compute,
            workers=workers,
            track=track,
        )
        rows, outputs, errors = [], [], {}
        for block_rows, block_outputs, block_errors in blocks:
            errors.update(block_errors)
            if len(block_rows):
                rows.append(block_rows)
                outputs.append(block_outputs)
        if not rows:
            return {}, np.empty(0, np.int64), errors
        joined = {name: np.concatenate([block[name] for block in outputs]) for name in outputs[0]}
        return joined, np.concatenate(rows), errors

    def readout(self, mixture: str = "mixture") -> calibrate.Mixture:
        """The calibrated readout: "mixture", or "cells" or "gallery" alone with the prior."""
        settings = self.folder.calibration.mixtures[mixture]
        return calibrate.mixture_of(self.folder.hierarchy, self.folder.gallery, settings, self.prior)

    def radius_factor(self, kind: Literal["seen", "unseen"] = "seen", mixture: str = "mixture") -> float:
        """What radii are multiplied with, for photos of known places or of others; one where none was fitted."""
        if self.folder is None:
            return 1.0
        factors = self.folder.calibration.mixtures[mixture].radius_factor
        return factors.get(kind, max(factors.values(), default=1.0))

    def posterior(
        self, photos: Photos, *, track: Track = silent
    ) -> tuple[Posterior | None, NDArray[np.int64], dict[int, str]]:
        """The posterior of the readable photos, their row numbers, and the errors of the others."""
        sources = _as_list(photos)
        if self.folder is None:
            errors = {}
            for row, source in enumerate(track(sources, total=len(sources), what="reading photos")):
                try:
                    if source is None:
                        raise ImageError(NO_FILE)
                    images.open_rgb(source, min_side=64)
                except ImageError as error:
                    errors[row] = str(error)
            rows = np.array([row for row in range(len(sources)) if row not in errors], dtype=np.int64)
            return (self.prior.repeat(len(rows)) if len(rows) else None), rows, errors
        outputs, rows, errors = self.outputs(sources, track=track)
        if len(rows) == 0:
            return None, rows, errors
        order = np.argsort(rows)
        return self.readout()({name: values[order] for name, values in outputs.items()}), rows[order], errors

    def locate(
        self,
        photos: Photos,
        *,
        within_km: float | None = None,
        level: float = 0.9,
        top: int = 5,
        region: places.Region | None = None,
        track: Track = silent,
    ) -> list[Prediction]:
        """Where each photo was taken: one Prediction per photo, in order; an unreadable photo has its ``error``.

        ``within_km`` decides for the place that is most likely right to that distance (by default to 25 km, and as
        exactly as can be within these); ``region`` restricts the answer to an area. Raises InputError for settings
        out of range.
        """
        found: list[Prediction] = []
        for part in self.locate_blocks(photos, within_km=within_km, level=level, top=top, region=region, track=track):
            found += part.predictions
        return found

    def locate_blocks(
        self,
        photos: Photos,
        *,
        within_km: float | None = None,
        level: float = 0.9,
        top: int = 5,
        region: places.Region | None = None,
        track: Track = silent,
    ) -> Iterator[Located]:
        """The same in blocks of a few hundred photos, each with its posterior."""
        sources = _as_list(photos)
        if top < 1:
            raise InputError(f"top must be at least 1; got {top}")
        if not 0 < level < 1:
            raise InputError(f"level lies between 0 and 1; got {level:g}")
        for start in range(0, len(sources), ROWS_AT_ONCE):
            block = sources[start : start + ROWS_AT_ONCE]
            posterior, rows, errors = self.posterior(block, track=track)
            if posterior is not None and region is not None:
                posterior = region.restrict(posterior)
            answers = {} if posterior is None else self._answers(posterior, rows, within_km, level, top)
            predictions = []
            for row, source in enumerate(block):
                name = str(source) if isinstance(source, (str, Path)) else f"photo-{start + row}"
                path = str(source) if isinstance(source, (str, Path)) else None
                if row in errors:
                    predictions.append(Prediction(id=name, path=path, error=errors[row]))
                else:
                    recorded = _recorded(source)
                    predictions.append(Prediction(id=name, path=path, recorded=recorded, **answers[row]))
            yield Located(predictions, posterior, rows)

    def _answers(
        self, posterior: Posterior, rows: NDArray, within_km: float | None, level: float, top: int
    ) -> dict[int, dict[str, Any]]:
        decided = calibrate.decide(posterior) if within_km is None else posterior.best(within_km)
        factor = self.radius_factor()
        rings = posterior.around(decided)
        radius = np.minimum(rings.radius_km(level) * factor, sphere.HALF_CIRCUMFERENCE_KM)
        within = {km: rings.mass_within(km / factor) for km in WITHIN_KM}
        masses = places.country_masses(posterior)
        candidates = _candidates(posterior, decided, top, CANDIDATE_KM / factor)
        found = {}
        for number, row in enumerate(rows):
            shares = {str(km): round(float(within[km][number]), 4) for km in WITHIN_KM}
            found[int(row)] = {
                "latitude": round(float(decided[number, 0]), 6),
                "longitude": round(float(decided[number, 1]), 6),
                "radius_km": round(float(radius[number]), 3),
                "level": level,
                "within": shares,
                "confident_to": next((CONFIDENT_TO[km] for km in WITHIN_KM if shares[str(km)] >= CONFIDENT), None),
                "place": place_of(decided[number]),
                "countries": tuple((code, round(share, 4)) for code, share in masses[number] if share >= 0.001),
                "candidates": candidates[number],
            }
        return found


def place_of(point: NDArray) -> Place:
    """The named place of a position (2,)."""
    known = places.countries()
    number = int(known.index_of(point[None])[0])
    if number < 0:
        return Place()
    return Place(country=known.all[number].name, country_code=known.all[number].code)


def _candidates(posterior: Posterior, decided: NDArray, top: int, within_km: float) -> list[tuple[Candidate, ...]]:
    """The answer of each row, then the likeliest places, none within twice 25 km of an earlier one."""
    heavy = posterior.top(DECISION_PLACES)
    found = []
    for row in range(len(heavy)):
        one = heavy[row]
        spots = np.concatenate([decided[row][None], one.places[0] if one.places.ndim == 3 else one.places])
        spread = np.ravel(one.spread_km)
        distance = sphere.distance_km(spots[:, None], spots[None])
        nearby = circle_mass(distance[:, 1:], spread, within_km) @ one.mass[0]
        free = np.concatenate([[True], spread < WIDEST_CANDIDATE_KM])
        chosen, best = [], 0
        while len(chosen) < top and free.any():
            chosen.append(best)
            free &= distance[best] > 2 * CANDIDATE_KM
            best = int(np.where(free, nearby, -1.0).argmax())
        centers = spots[chosen]
        shares = posterior[np.full(len(chosen), row)].mass_within(centers, within_km)
        order = [0, *(1 + np.argsort(-shares[1:], kind="stable"))]
        found.append(
            tuple(
                Candidate(
                    round(float(centers[i, 0]), 6),
                    round(float(centers[i, 1]), 6),
                    round(float(shares[i]), 4),
                    place_of(centers[i]),
                )
                for i in order
            )
        )
    return found


def _recorded(source: images.Source) -> tuple[float, float] | None:
    try:
        recorded = images.read_recorded(source)
    except ImageError:
        return None
    return None if recorded.latitude is None else (recorded.latitude, recorded.longitude)


def _as_list(photos: Photos) -> list[images.Source]:
    if isinstance(photos, (list, tuple)):
        return list(photos)
    return [photos]


def _make_network(folder: str, device: str) -> runtime.Compute:
    """A model folder's network, for this process or another."""
    network = checkpoint.ModelFolder(folder).network().to(device)
    return runtime.TorchCompute(network, device)
