"""The HTML page of ``locate``: an overview of all photos, and each answer with its map, in one file without network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from whereshot.earth import great_circles, sphere
from whereshot.earth.base_map import UNIT
from whereshot.foundation.errors import ImageError
from whereshot.locate import wording
from whereshot.locate.answers import CANDIDATE_KM
from whereshot.locate.no_sights import is_only_prior
from whereshot.locate.prediction import Prediction
from whereshot.locate.words import circle_words, country_name, distance_words, percent, sentence
from whereshot.photos.photo import Photo
from whereshot.posterior.base import Posterior
from whereshot.report import single_page
from whereshot.report.map_detail import map_detail
from whereshot.report.map_names import map_names

PLACES_DRAWN = 1500
"""The most places that are drawn for a photo."""
ALL_PLACES = 200_000
"""The most places of all photos together."""
SMALL_FROM = 200
"""From this number of photos on, pictures are small, so that the page stays usable."""
SMALL_PIXELS = 160
MOST_PICTURES = 2000
"""Further photos are listed without a picture."""
COUNTRIES_SHOWN = 8
CREDITS = "Borders: Natural Earth. Coasts and rivers: GSHHG, LGPL 3. Names: GeoNames, CC BY 4.0."


def to_html(
    predictions: Sequence[Prediction],
    posteriors: Sequence[Posterior | None],
    model: str,
    sources: Sequence[Any] = (),
    *,
    remark: str | None = None,
    all_evidence: bool = False,
) -> str:
    """Return one self-contained page with every photo's answer, circle, likely places and recorded position.

    ``model`` is the model's name; ``remark`` is a sentence about it. ``sources`` are the pictures. ``all_evidence``
    also lists evidence that did not move the answer.
    """
    pixels = single_page.THUMBNAIL_PIXELS if len(predictions) < SMALL_FROM else SMALL_PIXELS
    most = min(PLACES_DRAWN, max(100, ALL_PLACES // max(len(predictions), 1)))
    drawn: dict[tuple[tuple[float, ...], ...], int] = {}
    photos = []
    for number, (prediction, posterior) in enumerate(zip(predictions, posteriors, strict=True)):
        source = sources[number] if number < min(len(sources), MOST_PICTURES) else None
        entry: dict[str, Any] = {"id": prediction.id, "thumbnail": single_page.thumbnail(source, pixels)}
        if prediction.error is None and posterior is not None:
            entry |= _answer(prediction, all_evidence)
            entry["boxes"] = _boxes(prediction, source, all_evidence)
            entry["places"] = drawn.setdefault(_places(posterior, most), len(drawn))
        else:
            entry |= _failure(prediction)
        photos.append(entry)
    data = {
        "photos": photos,
        "places": list(drawn),
        "states": wording.STATES,
        "near": wording.NEAR_CANDIDATE.format(distance=distance_words(CANDIDATE_KM)),
        "recorded": wording.RECORDED_BY_CAMERA.lower(),
        "borders": single_page.borders(),
        "names": map_names(_positions(predictions)),
        "fine": {"unit": UNIT, "blocks": map_detail(_positions(predictions))},
        "earth_km": sphere.EARTH_KM,
        "remark": remark,
        "credits": f"Model: {model}. {CREDITS}",
        "tags": wording.LANGUAGE_TAGS,
    }
    return single_page.whole("answers.html", data)


def _failure(prediction: Prediction) -> dict[str, Any]:
    """Return the entry of a photo without an answer: its error, and the reason without the name of the photo."""
    title, error = prediction.headline()
    names = (prediction.id, prediction.path or "", Path(prediction.id).name)
    reason = next((error.removeprefix(f"{name}: ") for name in names if error.startswith(f"{name}: ")), error)
    return {"state": "failed", "title": title, "error": error, "reason": sentence(reason)}


def _answer(prediction: Prediction, all_evidence: bool) -> dict[str, Any]:
    """Return the entry of an answered photo: its answer in numbers and in words."""
    latitude, longitude, radius_km, level = prediction.answered
    (title, rest), sure = prediction.headline(), prediction.sure_of
    within = [(f"within {km:,} km", percent(share), share) for km, share in prediction.within.items()]
    entry: dict[str, Any] = {
        "state": "unsure" if sure is None else "sure",
        "title": title,
        "short": title
        if sure is None
        else wording.SURE_SHORT.format(name=sure.name, percent=percent(sure.probability)),
        "rest": rest,
        "only_prior": is_only_prior(prediction),
        "position": prediction.position_words(),
        "latitude": latitude,
        "longitude": longitude,
        "radius_km": radius_km,
        "circle": circle_words(level, radius_km),
        "within": within,
        "why": [*prediction.writing_words(), *prediction.evidence_words(all_evidence=all_evidence)],
        "candidates": [
            {
                "latitude": one.latitude,
                "longitude": one.longitude,
                "label": f"{one.place} ({one.latitude:.3f}, {one.longitude:.3f})",
                "share": percent(one.probability),
            }
            for one in prediction.candidates
        ],
        "countries": [
            (country_name(code), percent(share), share)
            for code, share in prediction.countries[:COUNTRIES_SHOWN]
            if share >= wording.NEARLY_IMPOSSIBLE
        ],
    }
    if prediction.recorded is not None:
        answer, recorded = np.array([latitude, longitude]), np.array(prediction.recorded)
        entry |= {
            "recorded": dict(zip(("latitude", "longitude"), prediction.recorded, strict=True)),
            "camera": prediction.recorded_words(),
            "apart": distance_words(float(sphere.distance_km(recorded, answer))),
            "way": great_circles.path(recorded, answer).round(4).tolist(),
        }
    return entry


def _boxes(prediction: Prediction, source: Any, all_evidence: bool) -> list[list[Any]]:
    """Return the boxes of evidence in the picture, as shares of its width and height, with their texts."""
    try:
        width, height = Photo(source).size if source is not None else (0, 0)
    except ImageError:
        return []
    if not width:
        return []
    found = []
    for item in prediction.evidence:
        if item.box is not None and item.kind != "text/language" and (all_evidence or not item.moved_nothing):
            left, top, right, bottom = item.box
            shares = [left / width, top / height, (right - left) / width, (bottom - top) / height]
            found.append([*(round(share, 4) for share in shares), f"{item.what}: {item.means}"])
    return found


def _places(posterior: Posterior, most: int) -> tuple[tuple[float, ...], ...]:
    """Return the heaviest places, as rows of latitude, longitude, mass and spread in km, to draw as dots."""
    one = posterior.top(most)
    spots = one.places[0] if one.places.ndim == 3 else one.places
    spread, mass = np.ravel(one.spread_km), one.mass[0]
    kept = (mass > 1e-5) & (spread < 3000)
    if not kept.any():
        kept[0] = True
    columns = np.column_stack([spots, mass, spread])[kept]
    return tuple((round(a, 4), round(b, 4), float(f"{m:.3g}"), round(s, 2)) for a, b, m, s in columns.tolist())


def _positions(predictions: Sequence[Prediction]) -> sphere.Points:
    """Return the answers and the recorded positions (n, 2), around which the map has names."""
    answers = [one.answered[:2] for one in predictions if one.error is None]
    recorded = [one.recorded for one in predictions if one.error is None and one.recorded is not None]
    return np.array([*answers, *recorded], np.float64).reshape(-1, 2)
