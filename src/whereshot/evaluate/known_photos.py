"""Score a model on photos with known positions, together with its parts and three baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import DEFAULT, Answers, Protocol, Truth
from whereshot.evaluate.density import answers_of_posterior
from whereshot.evaluate.results import Report
from whereshot.evaluate.scoring import make_report, score
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track, silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models.learned_photos import SeparatedPhotos, separate
from whereshot.models.readout import gallery
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import decide

BLOCK = 256

Kind = Literal["seen", "unseen"]
"""Kinds of photos: of places that the model has seen in training, and of other places."""


def score_model(
    geolocator: Geolocator,
    records: Records,
    *,
    within_km: float | None = None,
    protocol: Protocol = DEFAULT,
    cluster: str | None = None,
    track: Track = silent,
) -> Report:
    """Score a model on records, and return a report with its parts and its baselines.

    The rows are: the model with radii for seen and for unseen places, its classifier and its gallery alone, the best
    possible result of its cells, the nearest neighbour in feature space, the prior, and a random training photo. The
    bootstrap draws by the column ``cluster``, by default "group" or "user", where they exist. Photos that cannot be
    read count as misses. Raises InputError without positions or photos.
    """
    truth = records.points
    total = len(truth)
    if total == 0:
        raise InputError("there is no photo to evaluate")
    if not geolocator.model.looks_at_pictures:
        readable = geolocator.posterior(list(records.strings("image")), track=track).rows
        answers = [_of_prior(geolocator.prior, truth[readable], within_km).scatter(readable, total)]
        failed = total - len(readable)
    else:
        answers, failed = _of_model(geolocator, records, truth, within_km, protocol.seed, track)
    known = Truth.of_records(records, cluster)
    seen = _known_share(geolocator, truth)
    return make_report(
        [score(answer, known, protocol) for answer in answers],
        model=geolocator.name,
        photos=total,
        failed=failed,
        decided="25 km, then 1 km" if within_km is None else f"{within_km:g} km",
        bootstrap_by=known.cluster_by,
        nearest_training_photo_within_1_km=seen,
        audit="none: nothing was trained"
        if seen is None
        else f"{100 * seen:.1f} % of photos within "
        f"{gallery.SEEN_KM:g} km of a training photo's place; pictures not compared",
        track="gallery" if geolocator.model.looks_at_pictures else "image",
    )


def score_models(
    geolocators: Sequence[Geolocator],
    records: Records,
    *,
    include_learned: bool = False,
    track: Track = silent,
    **options: Any,
) -> tuple[list[Report], SeparatedPhotos]:
    """Score models on the same photos, by default those that none of the models learned from.

    ``options`` are the options of ``score_model``. Return a report for each model, and the counts of learned photos.
    """
    learned = [one.model.learned for one in geolocators]
    separated = separate(learned, records.strings("image"), include=include_learned, track=track)
    photos = records[separated.kept]
    return [score_model(one, photos, track=track, **options) for one in geolocators], separated


def _known_share(geolocator: Geolocator, truth: NDArray[np.float64]) -> float | None:
    """Share of photos whose place the model has seen; None for a model that has seen no photo."""
    known = geolocator.model.known_points()
    if not len(known):
        return None
    distance, _ = sphere.Nearest(known).query(truth)
    return round(float((distance <= gallery.SEEN_KM).mean()), 4)


def _of_prior(prior: Posterior, truth: NDArray[np.float64], within_km: float | None) -> Answers:
    return answers_of_posterior("prior alone", prior, truth, decide(prior, within_km))


def _of_model(
    geolocator: Geolocator,
    records: Records,
    truth: NDArray[np.float64],
    within_km: float | None,
    seed: int,
    track: Track,
) -> tuple[list[Answers], int]:
    model = geolocator.model.network_model
    outputs, rows, errors = model.outputs(records.strings("image"), track=track)
    if len(rows) == 0:
        raise InputError(f"none of {len(records)} pictures could be read; first: {next(iter(errors.values()))}")
    total, known = len(records), truth[rows]
    answers = []
    folder = model.folder
    labels = {"cells": "classifier alone", "gallery": "gallery alone", "places": "encoded places alone"}
    for mixture in folder.description.readouts:
        name = labels.get(mixture, geolocator.name)
        kinds: tuple[Kind, ...] = ("seen", "unseen") if mixture == "mixture" else ("seen",)
        parts = []
        readout = model.readout(mixture)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            posterior = readout({key: values[part] for key, values in outputs.items()})
            decided = decide(posterior, within_km)
            parts.append(answers_of_posterior(name, posterior, known[part], decided))
        joined = Answers.concat(parts)
        for kind in kinds:
            answers.append(_with_factor(joined, geolocator, kind, mixture).scatter(rows, total))
    if folder.description.levels:
        finest = folder.hierarchy.finest
        cell = finest.assign(known)
        best = np.where((cell >= 0)[:, None], finest.centers[np.maximum(cell, 0)], np.nan)
        answers.append(Answers("best possible of the cells", best).scatter(rows, total))
    training = model.known_points()
    answers.append(Answers("nearest neighbour", training[model.nearest(outputs)]).scatter(rows, total))
    answers.append(_of_prior(geolocator.prior, known, within_km).scatter(rows, total))
    drawn = training[np.random.default_rng(seed).integers(0, len(training), len(rows))]
    places, counts = np.unique(training, axis=0, return_counts=True)
    anywhere = Posterior.from_mass(places, counts[None], np.full(len(places), model.floor_km)).repeat(len(rows))
    answers.append(answers_of_posterior("random training photo", anywhere, known, drawn, None).scatter(rows, total))
    return answers, len(errors)


def _with_factor(answers: Answers, geolocator: Geolocator, kind: Kind, mixture: str) -> Answers:
    factor = geolocator.model.widening(kind, mixture).factor
    label = f"{answers.name}, radii for {'known' if kind == 'seen' else 'other'} places"
    name = label if mixture == "mixture" else answers.name
    radius = {level: np.minimum(r * factor, sphere.HALF_CIRCUMFERENCE_KM) for level, r in answers.radius_km.items()}
    return replace(answers, name=name, radius_km=radius)
