"""Calibrate the answers of any model on held-out photos: temperatures, factors of circles, and sets of cells.

A calibration is a document of its own; the model itself does not change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from whereshot.earth import sphere
from whereshot.earth.partition import Hierarchy
from whereshot.evaluate import conformal
from whereshot.evaluate.base import LEVELS, Answers, Truth
from whereshot.evaluate.conformal import Temperature
from whereshot.evaluate.density import denser_area, samples_of
from whereshot.evaluate.recalibration import ConformalSets, Recalibration
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_softmax
from whereshot.foundation.progress import Track, silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models.card import share_interval
from whereshot.models.learned_photos import separate
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout.library import NEAR_KM
from whereshot.photos.records import Records
from whereshot.photos.scenes import SCENES
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import around
from whereshot.posterior.decision import decide
from whereshot.posterior.place_shape import log_kernel
from whereshot.posterior.samples import sample

CONFIDENCES = ("low", "middle", "high")
GROUPINGS = ("scene", "confidence")
BLOCK = 256


def fit(
    answers: Answers,
    truth: Truth,
    distributions: Iterable[tuple[NDArray[np.int64], Posterior]],
    *,
    by: str | None = None,
) -> Recalibration:
    """Return the calibration of answers with circles and of their distributions, from held-out photos.

    ``distributions`` yields rows of the truth with their posteriors. ``by`` groups the photos by "scene", by
    "confidence" (thirds), or by the clusters of the truth under their name (Mondrian conformal prediction). Raises
    InputError where the grouping is not known for these photos.
    """
    groups, edges = _groups(answers, truth, by)
    rng = np.random.default_rng(0)
    rows, at_truth, kernels, measured = [], [], [], []
    for at, posterior in distributions:
        rows.append(at)
        at_truth.append(posterior.log_density(truth.points[at]))
        distance = sphere.distance_km(truth.points[at][:, None], posterior.places)
        kernels.append((posterior.log_mass, log_kernel(distance, posterior.spread_km)))
        samples = sample(posterior, samples_of(posterior), rng)
        measured += [denser_area(posterior[number], samples[number]) for number in range(len(at))]
    if not rows:
        raise InputError("calibration needs held-out photos with distributions")
    score = -np.concatenate(at_truth)
    own_groups = None if groups is None else groups[np.concatenate(rows)]
    sets = {}
    for level in LEVELS:
        limits = conformal.by_group(score, own_groups, level)
        limit = conformal.of_group(limits, own_groups, len(score))
        areas = [
            covered[np.searchsorted(-density, -np.exp(-at), side="right")]
            for (density, covered), at in zip(measured, limit, strict=True)
        ]
        sets[level] = ConformalSets(limits, float(np.mean(areas)))
    failed = np.asarray(~np.isfinite(answers.points).all(axis=1))
    return Recalibration(
        len(truth),
        int(failed.sum()),
        by,
        _counted(groups, ~failed),
        {"the places' masses": fit_places(kernels)},
        _circles(answers, truth, groups, ~failed),
        "all points above a density per steradian, as minus its log",
        sets,
        edges,
    )


def fit_model(
    geolocator: Geolocator,
    records: Records,
    *,
    by: str | None = None,
    include_learned: bool = False,
    track: Track = silent,
) -> Recalibration:
    """Return the calibration of a model, from records with positions and pictures.

    It has a temperature for each level of cells, factors of circles, and sets of the finest cells. A learned library
    has a temperature of its places and sets of the densest area instead. Photos that the model learned from are left
    out unless ``include_learned``. Raises InputError for the prior, or where no photo is left or can be read.
    """
    if not geolocator.model.looks_at_pictures:
        raise InputError("the prior has nothing to calibrate; give a model folder")
    separated = separate([geolocator.model.learned], records.strings("image"), include=include_learned, track=track)
    records = records[separated.kept]
    model = geolocator.model.network_model
    outputs, read, errors = model.outputs(records.strings("image"), track=track)
    if len(read) == 0:
        raise InputError(f"none of {len(records)} pictures could be read; first: {next(iter(errors.values()))}")
    truth = Truth.of_records(records, by if by not in (None, *GROUPINGS) else None)
    readout, read = model.readout(), np.asarray(read)

    def distributions() -> Iterator[tuple[NDArray[np.int64], Posterior]]:
        for start in range(0, len(read), BLOCK):
            block = slice(start, start + BLOCK)
            yield read[block], readout({key: values[block] for key, values in outputs.items()})

    answers = _answers(geolocator.name, distributions(), len(records))
    if model.folder.memory_settings is not None:
        fitted = fit(answers, truth, distributions(), by=by)
        return replace(fitted, remarks=(_known_share(model.folder, truth.points[read]),), learned=separated)
    hierarchy = model.folder.hierarchy
    groups, edges = _groups(answers, truth, by)
    logits = np.split(np.asarray(outputs["logits"], np.float64), np.cumsum(hierarchy.sizes)[:-1], axis=1)
    log_masses = [log_softmax(level) for level in logits]
    target = hierarchy.assign(truth.points[read])
    temperatures = _level_temperatures(hierarchy, log_masses, target)
    area = hierarchy.finest.area_sr
    finest, own = hierarchy.product(log_masses), target[:, -1]
    score = conformal.cell_scores(finest, area)
    true_score = np.where(own >= 0, score[np.arange(len(own)), own], np.inf)
    order = np.argsort(score, axis=1)
    kept = list(zip(np.take_along_axis(score, order, 1), area[order], strict=True))
    answered = np.asarray(np.isfinite(answers.points).all(axis=1))
    own_groups = None if groups is None else groups[read]
    return Recalibration(
        len(records),
        int((~answered).sum()),
        by,
        _counted(groups, answered),
        temperatures,
        _circles(answers, truth, groups, answered),
        list(temperatures)[-1],
        {level: _sets(true_score, kept, own_groups, level) for level in LEVELS},
        edges,
        learned=separated,
    )


def _level_temperatures(
    hierarchy: Hierarchy, log_masses: list[NDArray[np.float64]], target: NDArray[np.int64]
) -> dict[str, Temperature]:
    """Return the temperature of each level by its name, from log masses (n, cells) and true cells (n, levels)."""
    names = [f"level {number} ({size} cells)" for number, size in enumerate(hierarchy.sizes, 1)]
    return {name: conformal.fit_temperature(log_masses[number], target[:, number]) for number, name in enumerate(names)}


def _answers(name: str, distributions: Iterable[tuple[NDArray[np.int64], Posterior]], photos: int) -> Answers:
    """Return the decided points of all rows, with their circles."""
    parts, rows = [], []
    for at, posterior in distributions:
        decided = decide(posterior)
        rings = around(posterior, decided)
        radius = {level: rings.radius_km(level) for level in LEVELS}
        parts.append(Answers(name, decided, radius_km=radius, within={200: rings.mass_within(200.0)}))
        rows.append(at)
    return Answers.concat(parts).scatter(np.concatenate(rows), photos)


def _known_share(folder: ModelFolder, truth: sphere.Points) -> str:
    """Return a sentence that compares the share of known places with the share that the library was learned for."""
    near = float((sphere.Nearest(folder.training_points()).query(truth)[0] <= NEAR_KM).mean())
    low, high = share_interval(near, len(truth))
    measured = f"{100 * near:.0f} % ({100 * low:.0f} to {100 * high:.0f}) of these photos show a place of the library"
    if folder.memory_settings is None:
        raise InputError(f"{folder.path}: holds no library of photos")
    share = folder.memory_settings.known_share
    better = f"for such photos learn it again with --known-share {min(max(near, 0.05), 0.95):.2f}"
    return f"{measured}; it was learned for {100 * share:g} %" + ("" if low <= share <= high else f": {better}")


def apply(document: Mapping[str, Any], answers: Answers, truth: Truth) -> Answers:
    """Return the answers with circles corrected by a calibration, the JSON document that ``to_json`` gives.

    Raises InputError where the document is not a calibration, or where its grouping is not known for these photos.
    """
    try:
        circles, by, edges = document["circles"], document["by"], tuple(document["confidence_edges"])
    except (KeyError, TypeError) as error:
        raise InputError(f"not a calibration: it has no {error}; make one with: whereshot calibrate") from error
    groups = _groups(answers, truth, by, edges)[0]
    radius = {}
    for level, own in answers.radius_km.items():
        factors = {name: math.inf if value is None else value for name, value in circles[f"{100 * level:g}"].items()}
        factor = conformal.of_group(factors, groups, len(own))
        radius[level] = np.minimum(own * factor, sphere.HALF_CIRCUMFERENCE_KM)
    return replace(answers, radius_km=radius)


def _groups(
    answers: Answers, truth: Truth, by: str | None, edges: tuple[float, ...] = ()
) -> tuple[NDArray[Any] | None, tuple[float, ...]]:
    """Return the group (n,) of each photo, and the confidences between the groups of confidence."""
    if by is None:
        return None, ()
    if by == "scene":
        if not set(SCENES) <= set(truth.scenes):
            raise InputError("by scene needs the columns scene_indoor, scene_natural and scene_urban in the truth")
        shares = np.nan_to_num(np.stack([truth.scenes[scene] for scene in SCENES], axis=1))
        return np.array(SCENES)[shares.argmax(axis=1)], ()
    if by == "confidence":
        confidence = answers.confidence
        if confidence is None:
            confidence = answers.within.get(200)
        if confidence is None:
            raise InputError("by confidence needs a column confidence or within_200, or a distribution")
        if not edges:
            edges = tuple(np.quantile(confidence[np.isfinite(confidence)], [1 / 3, 2 / 3]).tolist())
        return np.array(CONFIDENCES)[np.searchsorted(edges, np.nan_to_num(confidence))], edges
    if truth.cluster is None or truth.cluster_by != by:
        raise InputError(f"no grouping {by!r}; known: {', '.join(GROUPINGS)}, or a column of the truth")
    return truth.cluster, ()


def _counted(groups: NDArray[Any] | None, answered: NDArray[np.bool_]) -> dict[Any, int]:
    counted = {conformal.ALL: int(answered.sum())}
    if groups is not None:
        counted |= {name: int((groups[answered] == name).sum()) for name in np.unique(groups).tolist()}
    return counted


def _circles(
    answers: Answers, truth: Truth, groups: NDArray[Any] | None, answered: NDArray[np.bool_]
) -> dict[float, dict[Any, float]]:
    error = sphere.distance_km(answers.points[answered], truth.points[answered])
    own = None if groups is None else groups[answered]
    return {
        level: conformal.by_group(error / radius[answered], own, level) for level, radius in answers.radius_km.items()
    }


def fit_places(kernels: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Temperature:
    """Return the temperature of the masses of places with the highest likelihood.

    ``kernels`` holds blocks of (log masses, log kernels at the truth), each (n, k).
    """

    def nll(temperature: float) -> float:
        total = 0.0
        for log_mass, kernel in kernels:
            scaled = log_mass / temperature
            total += float((logsumexp(scaled, axis=1) - logsumexp(scaled + kernel, axis=1)).sum())
        return total / sum(len(log_mass) for log_mass, _ in kernels)

    best = minimize_scalar(lambda log: nll(math.exp(log)), bounds=(math.log(0.05), math.log(20.0)), method="bounded")
    return Temperature(math.exp(best.x), nll(1.0), float(best.fun))


def _sets(
    scores: NDArray[np.floating],
    kept: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    groups: NDArray[np.int64] | None,
    level: float,
) -> ConformalSets:
    limits = conformal.by_group(scores, groups, level)
    limit = conformal.of_group(limits, groups, len(scores))
    counts = [max(1, int(np.searchsorted(own, at, side="right"))) for (own, _), at in zip(kept, limit, strict=True)]
    areas = [area[:count].sum() * sphere.EARTH_KM**2 for (_, area), count in zip(kept, counts, strict=True)]
    return ConformalSets(limits, float(np.mean(areas)), float(np.mean(counts)))
