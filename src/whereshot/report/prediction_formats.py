"""Write predictions and posteriors as CSV, GeoJSON and one self-contained HTML file, whose map needs no network."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from whereshot.earth import polygons, sphere
from whereshot.foundation.errors import ImageError, visible
from whereshot.locate.prediction import WITHIN_KM, Prediction
from whereshot.locate.wording import LANGUAGE_TAGS
from whereshot.locate.words import PRIOR_NOTE, country_name, distance_words, percent
from whereshot.photos.photo import Photo
from whereshot.posterior.base import Posterior

THUMBNAILS = 200
"""Largest number of photos with a small picture in an HTML report; further photos are listed without a picture."""
PLACES_DRAWN = 1500
SURE_COLUMNS = ("sure_of_level", "sure_of_name", "sure_of_country_code", "sure_of_probability")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(predictions: Iterable[Prediction]) -> str:
    """Return CSV with one row per photo.

    Text that a spreadsheet would take for a formula begins with an apostrophe. Control characters are escaped.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    shares = [f"within_{km}" for km in WITHIN_KM]
    where = ["id", "path", "latitude", "longitude", "radius_km", "level", *shares]
    writer.writerow(
        [
            *where,
            "confident_to",
            "place",
            "country_code",
            "recorded_latitude",
            "recorded_longitude",
            "error",
            *SURE_COLUMNS,
        ]
    )
    for p in predictions:
        place, country = (None, None) if p.place is None else (str(p.place), p.place.country_code)
        answer = [p.id, p.path, p.latitude, p.longitude, p.radius_km, p.level]
        cells = [
            *answer,
            *(p.within.get(km) for km in WITHIN_KM),
            p.confident_to,
            place,
            country,
            *(p.recorded or (None, None)),
            p.error,
            *((None,) * len(SURE_COLUMNS) if p.sure_of is None else astuple(p.sure_of)),
        ]
        writer.writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return visible(f"'{cell}" if cell.startswith(FORMULA) else cell)


def to_geojson(predictions: Iterable[Prediction]) -> dict[str, Any]:
    """Return a FeatureCollection (RFC 7946) with the point of each photo and its circle."""
    from shapely.geometry import mapping

    features = []
    for p in predictions:
        document = p.to_document()
        latitude, longitude = document.pop("latitude"), document.pop("longitude")
        point = None if latitude is None else {"type": "Point", "coordinates": [longitude, latitude]}
        features.append({"type": "Feature", "geometry": point, "properties": {"kind": "answer", **document}})
        if p.radius_km is not None:
            features.append(
                {
                    "type": "Feature",
                    "geometry": mapping(polygons.circle((latitude, longitude), p.radius_km)),
                    "properties": {"kind": "region", "id": p.id, "level": p.level, "radius_km": p.radius_km},
                }
            )
    return {"type": "FeatureCollection", "features": features}


def to_html(
    predictions: Sequence[Prediction],
    posteriors: Sequence[Posterior | None],
    model: str,
    sources: Sequence[Any] = (),
    *,
    only_prior: bool = False,
    all_evidence: bool = False,
) -> str:
    """Return one self-contained page: a map with every photo's posterior, answer, circle and recorded position.

    ``model`` is the model's name; ``only_prior`` says that it looks at no picture. ``sources`` are the pictures.
    ``all_evidence`` also lists evidence that did not move the answer.
    """
    from whereshot.report import single_page

    photos = []
    for number, (p, posterior) in enumerate(zip(predictions, posteriors, strict=True)):
        source = sources[number] if number < min(len(sources), THUMBNAILS) else None
        entry: dict[str, Any] = {"id": p.id, "error": p.error, "thumbnail": single_page.thumbnail(source)}
        if p.error is None and posterior is not None:
            radius_km, level = p.answered[2:]
            entry |= {
                "latitude": p.latitude,
                "longitude": p.longitude,
                "radius_km": p.radius_km,
                "recorded": p.to_document()["recorded"],
                "lines": p.in_words(all_evidence=all_evidence),
                "boxes": _boxes(p, source, all_evidence),
                "places": _drawn(posterior),
                "candidates": [
                    {
                        "latitude": c.latitude,
                        "longitude": c.longitude,
                        "label": f"{c.place} ({c.latitude:.3f}, {c.longitude:.3f})",
                        "share": percent(c.probability),
                    }
                    for c in p.candidates
                ],
                "countries": [[country_name(code), percent(share)] for code, share in p.countries[:8]],
                "legend": f"Dashed: {100 * level:.0f} % within {distance_words(radius_km)}"
                + ("; hollow pin: recorded by the camera" if p.recorded else ""),
            }
        photos.append(entry)
    note = PRIOR_NOTE if only_prior else f"Model: {model}. Borders: Natural Earth."
    data = {"photos": photos, "borders": single_page.borders(), "earth_km": sphere.EARTH_KM, "note": note}
    data["tags"] = LANGUAGE_TAGS
    return single_page.whole("report.html", data)


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


def _drawn(posterior: Posterior) -> list[list[float]]:
    """Return the heaviest places, as rows of latitude, longitude, mass and spread in km, to draw as dots."""
    one = posterior.top(PLACES_DRAWN)
    spots = one.places[0] if one.places.ndim == 3 else one.places
    spread, mass = np.ravel(one.spread_km), one.mass[0]
    kept = (mass > 1e-5) & (spread < 3000)
    if not kept.any():
        kept[0] = True
    columns = np.column_stack([spots, mass, spread])[kept]
    return [[round(a, 4), round(b, 4), float(f"{m:.3g}"), round(s, 2)] for a, b, m, s in columns.tolist()]
