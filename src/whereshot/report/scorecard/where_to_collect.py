"""Tables of the cells, regions and countries where a method is weakest, and which photos to collect there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names, s2, sphere
from whereshot.earth.countries import countries
from whereshot.evaluate import Scored
from whereshot.evaluate.grouped import kind_of
from whereshot.evaluate.naming import named, named_truth
from whereshot.photos.scenes import SCENES
from whereshot.report.scorecard.base import ScoreTable, fine_level, kilometres

SHOWN = 10
LEAST_PHOTOS = 3
DOUBT = 5.0
"""Number of average photos that are added to each place before its mean GeoScore is computed. So one bad photo does not
make the worst place."""
RIGHT_KM = 200
FEW_TRAINING = 20
_OFTEN = 0.3


class PlaceKind(NamedTuple):
    """Photos grouped by place: the code (n,) of each photo, -1 for none; the codes of training photos (m,); names."""

    heading: str
    codes: NDArray[np.int64]
    trained: NDArray[np.int64] | None
    name: dict[int, str]


def weakest(scored: Scored, training: sphere.Points | None = None) -> list[ScoreTable]:
    """Return tables of the weakest cells, regions and countries. ``training`` are positions (m, 2), if known."""
    kinds = [_cells(scored, training), _regions(scored, training), _countries(scored, training)]
    return [table for table in (_weakest(scored, kind) for kind in kinds) if table is not None]


def _cells(scored: Scored, training: sphere.Points | None) -> PlaceKind:
    least, points = scored.protocol.cell_level, scored.truth.points
    level = max(least, fine_level(points, least) - 2)
    ids, code = np.unique(s2.encode(points, level), return_inverse=True)
    trained = None
    if training is not None:
        own = s2.encode(training, level)
        at = np.minimum(np.searchsorted(ids, own), len(ids) - 1)
        trained = np.where(ids[at] == own, at, -1)
    names = {code: f"S2 {token}" for code, token in enumerate(s2.token(ids))}
    return PlaceKind(f"Weakest S2 cells of level {level}", code, trained, names)


def _regions(scored: Scored, training: sphere.Points | None) -> PlaceKind:
    codes = named_truth(scored.truth)["region"]
    known = list(place_names.divisions()[0])
    names = {code: known[code][1] or known[code][0] for code in np.unique(codes[codes >= 0]).tolist()}
    return PlaceKind("Weakest regions", codes, None if training is None else named(training)["region"], names)


def _countries(scored: Scored, training: sphere.Points | None) -> PlaceKind:
    codes = named_truth(scored.truth)["country"]
    names = {code: one.name for code, one in enumerate(countries().all)}
    return PlaceKind("Weakest countries", codes, None if training is None else named(training)["country"], names)


def _weakest(scored: Scored, kind: PlaceKind) -> ScoreTable | None:
    known = kind.codes >= 0
    if not known.any():
        return None
    score = scored.once("geoscore", scored.geoscore)
    photos = np.bincount(kind.codes[known])
    total = np.bincount(kind.codes[known], score[known])
    drawn = (total + DOUBT * score.mean()) / (photos + DOUBT)
    enough = photos >= LEAST_PHOTOS
    if enough.sum() < 2:
        return None
    order = [code for code in np.argsort(drawn, kind="stable").tolist() if enough[code]][:SHOWN]
    order = [code for code in order if drawn[code] < score.mean()]
    if not order:
        return None
    trained = None if kind.trained is None else np.bincount(kind.trained[kind.trained >= 0], minlength=len(photos))
    rows = []
    for code in order:
        own = np.flatnonzero(kind.codes == code)
        count = None if trained is None else int(trained[code])
        cells = [_called(scored, kind, own, code), _advice(scored, own, count), f"{len(own):,}"]
        cells += [] if count is None else [f"{count:,}"]
        share = scored.hit(RIGHT_KM)[own].mean()
        cells += [f"{score[own].mean():.0f}", kilometres(float(np.median(scored.error_km[own]))), f"{100 * share:.0f}"]
        rows.append(cells)
    heads = ["where", "what to collect", "photos", *([] if trained is None else ["trained on"])]
    heads += ["GeoScore", "median km", f"% in {RIGHT_KM} km"]
    return ScoreTable(heads, rows, kind.heading, left=2)


def _called(scored: Scored, kind: PlaceKind, own: NDArray[np.int64], code: int) -> str:
    name = place_names.place_names(sphere.mean(scored.truth.points[own]).reshape(1, 2))[0]
    if kind.heading.startswith("Weakest S2"):
        near = ", ".join(part for part in (name.name, name.country) if part)
        return f"{kind.name[code]}, near {near}" if near else kind.name[code]
    if kind.heading == "Weakest regions":
        country = countries().all[int(named_truth(scored.truth)["country"][own[0]])].name
        return f"{kind.name[code]}, {country}"
    return kind.name[code]


def _advice(scored: Scored, own: NDArray[np.int64], trained: int | None) -> str:
    """Return which photos would help: of any kind, of a scene, or photos that show the difference to wrong answers."""
    advice = []
    if trained is not None and trained < FEW_TRAINING:
        advice.append(f"photos of any kind: it was trained on {trained or 'none'}")
    missed = own[scored.hit(RIGHT_KM)[own] == 0]
    lost = missed[scored.failed[missed]]
    if len(lost):
        advice.append(f"nothing for {len(lost)} of {len(own)} photos: they have no answer")
    missed = missed[~scored.failed[missed]]
    if len(missed) == 0:
        return "; ".join(advice) or f"a few more for certainty: no error is above {RIGHT_KM} km"
    worst = _worst_scene(scored, own)
    if worst is not None:
        advice.append(worst)
    home = named_truth(scored.truth)["country"]
    went = named(scored.answers.points[missed])["country"]
    abroad = went[(went >= 0) & (went != home[missed])]
    if len(abroad):
        codes, counts = np.unique(abroad, return_counts=True)
        best = int(np.argmax(counts))
        if counts[best] >= max(2, _OFTEN * len(missed)):
            other = countries().all[int(codes[best])].name
            advice.append(f"what distinguishes it from {other}: {counts[best]} of {len(missed)} misses go there")
    if len(missed) >= LEAST_PHOTOS and (went == home[missed]).mean() > 0.5:
        advice.append("more of its single places: most misses stay in the country")
    return "; ".join(advice) or f"more of any kind: its {len(missed)} misses go all over the world"


def _worst_scene(scored: Scored, own: NDArray[np.int64]) -> str | None:
    scenes = kind_of("scene", scored)
    if scenes is None:
        return None
    hit = scored.hit(RIGHT_KM)
    found = [
        (hit[rows].mean(), name, int(hit[rows].sum()), len(rows))
        for code, name in enumerate(SCENES)
        if len(rows := own[scenes.codes[own] == code]) >= LEAST_PHOTOS
    ]
    if len(found) < 2 or min(found)[0] >= max(found)[0] - 0.1:
        return None
    _, name, right, count = min(found)
    return f"{name} photos: {right} of {count} within {RIGHT_KM} km"
