"""Write predictions as CSV and GeoJSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from whereshot.earth import polygons
from whereshot.foundation.errors import visible
from whereshot.locate.prediction import WITHIN_KM, Prediction

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
