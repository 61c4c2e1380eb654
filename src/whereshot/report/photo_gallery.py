"""Write a gallery folder of photos with known places: the answer of a model for each, the truth, and the scores.

    gallery.json            format, model, the ids of the photos in order, scores
    entries/NUMBER.json     prediction with its map, truth, distance, credit
    photos/NUMBER.jpg       the photo, encoded again without metadata, at most 1,280 pixels on its longer side

All photos that the model did not learn from are located and scored. A random choice of them is shown.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot import evaluate
from whereshot.earth import place_names, sphere
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, OutputError
from whereshot.foundation.progress import Track, silent
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Place, Prediction
from whereshot.models.learned_photos import separate
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.posterior.map_cells import cells_of, to_geojson, with_member

FORMAT = 1
INDEX, ENTRIES, PHOTOS = "gallery.json", "entries", "photos"
LONGEST = 1280
QUALITY = 85
CREDIT = ("license", "source", "user", "title")
_SCORES = ("photos", "failed", "accuracy", "geoscore", "mean_km", "median_km", "intervals")


def write_gallery(
    locator: Geolocator,
    records: Records,
    out: Path,
    *,
    shown: int = 100,
    seed: int = 0,
    text: bool = True,
    reader: str = LocateOptions.reader,
    overwrite: bool = False,
    include_learned: bool = False,
    track: Track = silent,
) -> dict[str, Any]:
    """Locate all photos of records, write a gallery with ``shown`` of them, and return its scores.

    Photos that the model learned from are left out unless ``include_learned``; the score ``learned_photos`` is their
    number. A photo that cannot be read is a miss and is not shown. Raises InputError where no photo is left,
    OutputError where ``out`` exists and is not a gallery, or exists and ``overwrite`` is false.
    """
    out = Path(out)
    if out.exists() and not (overwrite and (out / INDEX).is_file()):
        raise OutputError(f"{out}: exists already; choose another --out" + ", or give --overwrite" * out.is_dir())
    if len(records) == 0:
        raise InputError("there is no photo to show")
    separated = separate([locator.model.learned], records.strings("image"), include=include_learned, track=track)
    records = records[separated.kept]
    truth = records.points
    chosen = set(np.random.default_rng(seed).permutation(len(records))[:shown].tolist())
    with output_files.new_folder(out) as beside:
        for folder in (beside / ENTRIES, beside / PHOTOS):
            output_files.make_folder(folder)
        names: list[str] = []
        predictions: list[Prediction] = []
        located = locator.locate_each(records.strings("image"), LocateOptions(text=text, reader=reader), track=track)
        for row, one in enumerate(located):
            predictions.append(one.prediction)
            if row in chosen and one.posterior is not None:
                names.append(f"{len(names):05d}")  # the file's own name could tell a player the place
                _write(beside, names[-1], records[row], truth[row], one.prediction, one.posterior)
        if not names:
            raise InputError(f"none of {len(records)} photos can be shown; first: {predictions[0].error}")
        scores = {"model": locator.name, **_scores(predictions, records), "learned_photos": separated.to_json()}
        index = {"format": FORMAT, "model": locator.name, "photos": names, "scores": scores}
        output_files.write_text(beside / INDEX, json.dumps(index, ensure_ascii=False))
    return {"shown": len(names), **scores}


def _scores(predictions: list[Prediction], records: Records) -> dict[str, Any]:
    """Return the scores of the answers; failed photos are misses."""
    points = [(np.nan, np.nan) if p.latitude is None else (p.latitude, p.longitude) for p in predictions]
    answers = evaluate.Answers("model", np.array(points, np.float64).reshape(-1, 2))
    document = evaluate.score(answers, evaluate.Truth.of_records(records)).to_json()
    scores = {name: document[name] for name in _SCORES}
    kept = {f"accuracy_{km}" for km in evaluate.DISTANCES_KM} | {"geoscore", "mean_km", "median_km"}
    scores["intervals"] = {name: ends for name, ends in scores["intervals"].items() if name in kept}
    return scores


def _write(
    beside: Path,
    name: str,
    record: dict[str, Any],
    truth: NDArray[np.float64],
    prediction: Prediction,
    posterior: Posterior,
) -> None:
    """Write the entry and the picture of a photo."""
    answer = np.array([prediction.latitude, prediction.longitude])
    distance_km = float(sphere.distance_km(answer, truth))
    entry = {
        "id": name,
        "truth": {
            "latitude": round(float(truth[0]), 6),
            "longitude": round(float(truth[1]), 6),
            "place": vars(Place(*place_names.place_names(truth[None])[0])),
        },
        "distance_km": round(distance_km, 3),
        "credit": {column: record.get(column) for column in CREDIT},
    }
    document = prediction.to_document() | {"id": name, "path": None, "recorded": None}
    prediction_json = with_member(document, "map", to_geojson(cells_of(posterior)))
    text = with_member(entry, "prediction", prediction_json)
    output_files.write_text(beside / ENTRIES / f"{name}.json", text)
    image = images.open_rgb(record["image"], min_side=LONGEST)
    image.thumbnail((LONGEST, LONGEST))
    image.info.clear()  # Pillow would write a JPEG's comment again
    image.save(beside / PHOTOS / f"{name}.jpg", "JPEG", quality=QUALITY)
