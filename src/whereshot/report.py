"""Predictions, posteriors and verdicts -> something to read: words, CSV, GeoJSON, one HTML file.

The HTML file is whole in itself: its map needs no network, and it asks for none.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from whereshot import images, places, sphere
from whereshot.answer import CONFIDENT, Prediction
from whereshot.errors import ImageError, visible
from whereshot.geolocator import WITHOUT_PICTURES
from whereshot.posterior import DISTANCES_KM, Posterior

if TYPE_CHECKING:
    from whereshot.claim import Verdict

PRIOR_NOTE = (
    "No model is loaded: without text to read this is only where photos are taken at all, the same for every photo. "
    "Give one with --model DIR."
)
THUMBNAILS = 200
"""Photos shown small in an HTML report; further ones are listed without."""
PLACES_DRAWN = 1500
SILENT_NATS = 0.05
"""A factor nearer to 1 than this is not told: 5 %."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def percent(share: float) -> str:
    """A probability in words that do not claim more than it says."""
    if share >= 0.995:
        return "over 99 %"
    return "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def distance_words(km: float) -> str:
    """A distance with the digits that matter."""
    if km < 1:
        return f"{1000 * km:.0f} m"
    return f"{km:.1f} km" if km < 10 else f"{float(f'{km:.2g}'):,.0f} km"


def in_words(prediction: Prediction) -> list[str]:
    """The answer as plain sentences."""
    if prediction.error is not None:
        return [prediction.error]
    (latitude, longitude, radius_km, level), within = prediction.answered, prediction.within
    lines = [f"{latitude:.4f}, {longitude:.4f} ({prediction.place})"]
    if prediction.confident_to is None:
        likely = [f"{country_name(code)} ({percent(share)})" for code, share in prediction.countries[:3]]
        lines.append(
            f"Not sure, not even of the continent. Most likely: {', '.join(likely)}." if likely else "Not sure."
        )
    else:
        lines.append(f"Sure of the {prediction.confident_to}, with at least {100 * CONFIDENT:.0f} %.")
    shares = ", ".join(f"{percent(within[str(km)])} within {km} km" for km in (25, 200, 750))
    lines.append(f"{shares}; {100 * level:.0f} % within {distance_words(radius_km)}.")
    lines += evidence_words(prediction)
    if prediction.recorded is not None:
        used = (
            ""
            if any(item["kind"] == "exif" and item["what"] for item in prediction.evidence)
            else ", and not used for it"
        )
        off = sphere.distance_km(np.array(prediction.recorded), np.array([latitude, longitude]))
        lines.append(
            f"Recorded by the camera: {prediction.recorded[0]:.5f}, {prediction.recorded[1]:.5f} "
            f"({distance_words(float(off))} from this answer{used})."
        )
    return lines


def evidence_words(prediction: Prediction) -> list[str]:
    """What was noticed, what it was taken to mean, and how much likelier it made the answer."""
    told = []
    for item in prediction.evidence:
        if item["kind"] == "picture":
            told.append(f"{_sentence(item['means'])}; the answer is only the prior.")
        elif item["what"] == "":  # what was asked for and could not be used
            told.append(f"{_sentence(item['means'])}.")
        else:
            told.append(_moved(item["kind"], item["what"], item["means"], item["nats"], "the answer"))
    return told


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moved(kind: str, what: str, means: str, nats: float, whom: str) -> str:
    """What one cue did to the answer or the claim."""
    verb = "Read" if kind.startswith("text") else "Recorded"
    if abs(nats) < SILENT_NATS:
        return f'{verb} "{what}": {means}; did not move {whom}.'
    return f'{verb} "{what}": {means}; made {whom} {times(nats)} {"likelier" if nats > 0 else "less likely"}.'


def verdict_words(verdict: Verdict) -> list[str]:
    """A verdict on a claim in plain words."""
    nats, others = verdict.against_prior, verdict.others
    lines = [f"{verdict.claim.name}: {verdict.word}"]
    if verdict.not_a_photo is not None:
        lines.append(f"  {_sentence(verdict.not_a_photo)}; only where photos are taken at all speaks.")
    if abs(nats) < SILENT_NATS:
        moved = "the photo did not move it"
    else:
        moved = f"the photo made it {times(nats)} {'likelier' if nats > 0 else 'less likely'} than it was before"
    lines.append(f"  {percent(verdict.probability)}, rank {verdict.rank}; {moved}.")
    if abs(verdict.against_best) < SILENT_NATS:
        side = "the photo speaks as much for the one as for the other"
    else:
        side = f"the photo speaks {times(verdict.against_best)} as much for "
        side += "the claim" if verdict.against_best > 0 else "it as for the claim"
    lines.append(f"  The best other place, {others.best}, has {percent(others.probability)}; {side}.")
    lines.append(f"  {_sentence(verdict.decided_by)}.")
    for weighed in verdict.evidence:
        cue = weighed.cue
        lines.append("  " + _moved(cue.kind, cue.what, cue.means, weighed.nats, "the claim"))
    lines += [f"  {_sentence(remark)}." for remark in verdict.remarks]
    if not any(weighed.cue.kind.startswith("text") for weighed in verdict.evidence):
        lines.append("  Nothing was read in the picture.")
    if verdict.recorded is not None:
        off = verdict.recorded_off_km or 0.0
        where = "inside it" if off == 0 else f"{distance_words(off)} from the claim"
        used = "" if verdict.used_exif else "; it was not used (--use-exif lets it speak)"
        lines.append(f"  The camera recorded {verdict.recorded[0]:.5f}, {verdict.recorded[1]:.5f}, {where}{used}.")
    return lines


def times(nats: float) -> str:
    """A likelihood ratio in words, whichever way it points."""
    ratio = math.exp(min(abs(nats), 16.0))
    if ratio < 100:
        return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"
    return f"{float(f'{ratio:.1g}'):,.0f} times"


def country_name(code: str) -> str:
    """The English name of a country code."""
    return places.countries().by_code[code].name


def to_csv(predictions: Iterable[Prediction]) -> str:
    """One row per photo.

    A text that a spreadsheet would take for a formula gets an apostrophe in front; control characters are escaped.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    distances = [str(km) for km in DISTANCES_KM]
    shares = [f"within_{km}" for km in distances]
    where = ["id", "path", "latitude", "longitude", "radius_km", "level", *shares]
    writer.writerow(
        [*where, "confident_to", "place", "country_code", "recorded_latitude", "recorded_longitude", "error"]
    )
    for p in predictions:
        place, country = (None, None) if p.place is None else (str(p.place), p.place.country_code)
        answer = [p.id, p.path, p.latitude, p.longitude, p.radius_km, p.level]
        cells = [
            *answer,
            *(p.within.get(km) for km in distances),
            p.confident_to,
            place,
            country,
            *(p.recorded or (None, None)),
            p.error,
        ]
        writer.writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return visible(f"'{cell}" if cell.startswith(FORMULA) else cell)


def to_geojson(predictions: Iterable[Prediction]) -> dict[str, Any]:
    """A FeatureCollection (RFC 7946): per photo the point, and the circle that holds its level."""
    from shapely.geometry import mapping

    features = []
    for p in predictions:
        document = p.to_json()
        latitude, longitude = document.pop("latitude"), document.pop("longitude")
        point = None if latitude is None else {"type": "Point", "coordinates": [longitude, latitude]}
        features.append({"type": "Feature", "geometry": point, "properties": {"kind": "answer", **document}})
        if p.radius_km is not None:
            features.append(
                {
                    "type": "Feature",
                    "geometry": mapping(circle((latitude, longitude), p.radius_km)),
                    "properties": {"kind": "region", "id": p.id, "level": p.level, "radius_km": p.radius_km},
                }
            )
    return {"type": "FeatureCollection", "features": features}


def circle(center: tuple[float, float], radius_km: float) -> BaseGeometry:
    """A circle on the sphere as a polygon of longitudes and latitudes, cut at the date line; at least a metre."""
    from whereshot.partition.base import planar_polygon  # a third of a second, which words do not need

    radius_km = max(radius_km, 0.001)
    if radius_km >= 0.999 * sphere.HALF_CIRCUMFERENCE_KM:
        return shapely.box(-180, -90, 180, 90)
    bearings = np.linspace(360, 0, 181)  # counter-clockwise
    ring = sphere.move(np.array(center), bearings, radius_km)
    ring[-1] = ring[0]
    if radius_km > sphere.HALF_CIRCUMFERENCE_KM / 2:  # more than half the Earth: all but the circle opposite
        opposite = np.array([-center[0], (center[1] + 360) % 360 - 180])
        rest = circle((opposite[0], opposite[1]), sphere.HALF_CIRCUMFERENCE_KM - radius_km)
        return shapely.orient_polygons(shapely.difference(shapely.box(-180, -90, 180, 90), rest))
    return planar_polygon(ring)


def to_html(
    predictions: Sequence[Prediction], posteriors: Sequence[Posterior | None], model: str, sources: Sequence[Any] = ()
) -> str:
    """One self-contained page: a map with every photo's posterior, answer, circle and recorded position."""
    from whereshot import page

    photos = []
    for number, (p, posterior) in enumerate(zip(predictions, posteriors, strict=True)):
        source = sources[number] if number < min(len(sources), THUMBNAILS) else None
        entry: dict[str, Any] = {"id": p.id, "error": p.error, "thumbnail": page.thumbnail(source)}
        if p.error is None and posterior is not None:
            radius_km, level = p.answered[2:]
            entry |= {
                "latitude": p.latitude,
                "longitude": p.longitude,
                "radius_km": p.radius_km,
                "recorded": p.to_json()["recorded"],
                "lines": in_words(p),
                "boxes": _boxes(p, source),
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
    note = PRIOR_NOTE if model in WITHOUT_PICTURES else f"Model: {model}. Borders: Natural Earth."
    data = {"photos": photos, "borders": page.borders(), "earth_km": sphere.EARTH_KM, "note": note}
    return page.whole("report.html", data)


def _boxes(prediction: Prediction, source: Any) -> list[list[Any]]:
    """Where evidence stands in the picture, as shares of its width and height, and what it is."""
    try:
        width, height = images.upright_size(source) if source is not None else (0, 0)
    except ImageError:
        return []
    if not width:
        return []
    found = []
    for item in prediction.evidence:
        if item["box"] is not None and item["kind"] != "text/language":
            left, top, right, bottom = item["box"]
            shares = [left / width, top / height, (right - left) / width, (bottom - top) / height]
            found.append([*(round(share, 4) for share in shares), f"{item['what']}: {item['means']}"])
    return found


def _drawn(posterior: Posterior) -> list[list[float]]:
    """The heaviest places with the mass that is worth a dot: latitude, longitude, mass, spread in km."""
    one = posterior.top(PLACES_DRAWN)
    spots = one.places[0] if one.places.ndim == 3 else one.places
    spread, mass = np.ravel(one.spread_km), one.mass[0]
    kept = (mass > 1e-5) & (spread < 3000)
    if not kept.any():
        kept[0] = True
    columns = np.column_stack([spots, mass, spread])[kept]
    return [[round(a, 4), round(b, 4), float(f"{m:.3g}"), round(s, 2)] for a, b, m, s in columns.tolist()]
