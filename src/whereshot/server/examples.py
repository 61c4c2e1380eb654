"""Texts and examples of the OpenAPI document: the form of a request, the answers, and the problems."""

from __future__ import annotations

from typing import Any

from whereshot.server.media_types import GEOJSON, JSON, LINES
from whereshot.server.problems import PROBLEM_JSON

_PLACE = {"name": "Rovinj", "region": "Istria", "country": "Croatia", "country_code": "HR"}
_CELL = {
    "type": "Feature",
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[13.6, 45.0], [13.7, 45.0], [13.7, 45.1], [13.6, 45.1], [13.6, 45.0]]],
    },
    "properties": {"cell": "477c9b", "probability": 0.0121, "density_per_km2": 0.00014, "region": 0.5},
}
PREDICTION: dict[str, Any] = {
    "id": "harbour.jpg",
    "path": "harbour.jpg",
    "latitude": 45.0811,
    "longitude": 13.6387,
    "radius_km": 31.4,
    "level": 0.9,
    "within": {"1": 0.31, "25": 0.87, "200": 0.93, "750": 0.96, "2500": 0.99},
    "confident_to": "region",
    "place": _PLACE,
    "countries": [{"country_code": "HR", "probability": 0.91}],
    "candidates": [{"latitude": 45.0811, "longitude": 13.6387, "probability": 0.87, "place": _PLACE}],
    "evidence": [
        {"kind": "text/language", "what": "KONOBA", "means": "Croatian", "nats": 1.9, "box": [12, 40, 220, 96]}
    ],
    "unread_scripts": [],
    "writing": [
        {"script": "Greek", "text": "λιμάνι", "confidence": 0.94, "box": [12, 110, 180, 150], "latin": "limani"}
    ],
    "recorded": None,
    "sure_of": {"level": "country", "name": "Croatia", "country_code": "HR", "probability": 0.91},
    "error": None,
    "map": {"type": "FeatureCollection", "features": [_CELL], "drawn": 1.0},
}
ANSWER = {"model": "compact", "predictions": [PREDICTION]}
LINES_ANSWER = {"index": 0, "of": 2, "prediction": PREDICTION}
GEOJSON_ANSWER = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [13.6387, 45.0811]},
            "properties": {"kind": "answer", "id": "harbour.jpg", "radius_km": 31.4, "level": 0.9},
        }
    ],
}

_OPTIONS: dict[str, dict[str, Any]] = {
    "top": {
        "type": "integer",
        "minimum": 1,
        "maximum": 50,
        "default": 5,
        "description": "Number of likely places to list.",
    },
    "within_km": {
        "type": "number",
        "description": "Choose the answer that is most likely right within this distance, in km.",
    },
    "level": {"type": "number", "default": 0.9, "description": "Probability that the circle must hold, 0 to 1."},
    "text": {"type": "boolean", "default": True, "description": "Read signs in the picture."},
    "coarse_km": {"type": "number", "description": "Width of the grid that the answer is rounded to, in km."},
    "use_exif": {"type": "boolean", "default": False, "description": "Use the recorded position for the answer."},
    "recorded": {
        "type": "boolean",
        "default": False,
        "description": "Show the position that the camera recorded, without using it for the answer.",
    },
    "region": {
        "type": "string",
        "maxLength": 100,
        "description": "Only area to answer in: a country, or a region of a country.",
    },
    "map": {"type": "boolean", "default": True, "description": "Add the probability map as cells (GeoJSON)."},
}
LOCATE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["photos"],
                    "properties": {
                        "photos": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "minItems": 1,
                            "description": "One part for each photo.",
                        },
                        **_OPTIONS,
                    },
                },
                "example": {"photos": ["(the bytes of harbour.jpg)"], "top": 3, "text": False},
            }
        },
    }
}


def content(form: str, example: Any, description: str) -> dict[str, Any]:
    """Return the OpenAPI description of an answer of one media type."""
    return {"description": description, "content": {form: {"schema": {"type": "object"}, "example": example}}}


def problem(status: int, detail: str, title: str) -> dict[str, Any]:
    """Return the OpenAPI description of an error: a problem document (RFC 9457)."""
    example = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return content(PROBLEM_JSON, example, detail)


LOCATED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A prediction for each photo. The prediction of a photo that cannot be read has an error.",
        "content": {
            JSON: {"schema": {"type": "object"}, "example": ANSWER},
            GEOJSON: {"schema": {"type": "object"}, "example": GEOJSON_ANSWER},
            LINES: {"schema": {"type": "object"}, "example": LINES_ANSWER},
        },
    },
    400: problem(400, "top is a whole number from 1 to 50; got 'many'", "Bad Request"),
    406: problem(406, "answers are application/json, application/geo+json or application/x-ndjson", "Not Acceptable"),
    408: problem(408, "the upload was too slow", "Request Timeout"),
    413: problem(413, "a photo has more than 20 MB, the limit; make a smaller copy", "Content Too Large"),
    415: problem(415, "send the photos as multipart/form-data", "Unsupported Media Type"),
    422: problem(422, "not a picture in a known format", "Unprocessable Content"),
    429: problem(429, "128 photos wait already; try again in 6 s", "Too Many Requests"),
}
