"""Answers for uploaded photos, as bodies of HTTP answers. This runs in the process that holds the model.

The document is the same as with ``whereshot locate --format json``. In addition each prediction has its ``map``, and
several photos have an ``album``: one prediction from all of them together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from whereshot.earth import areas
from whereshot.foundation.errors import ImageError, InputError
from whereshot.locate.geolocator import Geolocator, Located
from whereshot.locate.prediction import Prediction, answer_rows
from whereshot.photos import images
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded
from whereshot.posterior import same_place
from whereshot.posterior.base import Posterior
from whereshot.posterior.map_cells import FINEST_LEVEL, as_json, cells_of, to_geojson, with_member
from whereshot.report import prediction_formats
from whereshot.server import coarsen, pictures, problems
from whereshot.server.media_types import GEOJSON, JSON, LINES
from whereshot.server.options import Options

SendLine = Callable[[int, int, bytes], None]
"""A function that takes the number of a job, the number of a photo in it, and the line of this photo."""


@dataclass(frozen=True)
class LocateJob:
    """The photos of one request: their names, their bytes, and the media type of the answer."""

    names: list[str | None]
    photos: list[bytes]
    form: str = JSON


@dataclass(frozen=True)
class Reply:
    """The answer to one job: an HTTP status, a media type and a body."""

    status: int
    form: str
    body: bytes


class Answerer:
    """A loaded model that answers jobs."""

    def __init__(self, model: str | None, device: str | None, most_pixels: int) -> None:
        self.locator = Geolocator.load(model, device)
        self._most_pixels = most_pixels

    def answer(self, jobs: Sequence[LocateJob], options: Options, send_line: SendLine) -> list[Reply]:
        """Return the answer to each job, in order.

        The photos of all jobs are answered together. The photos of a job of ``LINES`` are answered one after the
        other, and ``send_line`` gets the line of each photo at once.
        """
        try:
            region = None if options.region is None else _area(options.region)
        except InputError as error:
            refused = str(error).replace(" and no such file", "")
            return [_problem(400, refused)] * len(jobs)
        contents = [content for job in jobs if job.form != LINES for content in job.photos]
        answers = iter(self._locate(contents, options, region))
        replies = []
        for number, job in enumerate(jobs):
            if job.form == LINES:
                own = []
                for photo, content in enumerate(job.photos):
                    own.append(_named(self._locate([content], options, region)[0], job, photo))
                    send_line(number, photo, _line(own[-1], photo, len(job.photos), options))
            else:
                own = [_named(next(answers), job, photo) for photo in range(len(job.photos))]
            replies.append(self._reply(job, own, options))
        return replies

    def _locate(self, photos: Sequence[bytes], options: Options, region: areas.Region | None) -> list[Located]:
        """Return the answer for each photo, or the error of a photo that cannot be answered."""
        sources: list[images.Source] = []
        recorded_or_error: list[Recorded | str] = []
        for content in photos:
            try:
                source, recorded = self._admitted(content, options)
            except ImageError as error:
                recorded_or_error.append(str(error))
            else:
                sources.append(source)
                recorded_or_error.append(recorded)
        located = self.locator.locate_each(
            sources,
            within_km=options.within_km,
            level=options.level,
            top=options.top,
            region=region,
            text=options.text,
            use_exif=options.use_exif,
        )
        answers = iter(list(located))
        return [self._located(answers, found, options) for found in recorded_or_error]

    def _admitted(self, content: bytes, options: Options) -> tuple[images.Source, Recorded]:
        """Return the picture to decode, and what the answer may show of the camera's record. Raises ImageError."""
        form = pictures.admit(content, self._most_pixels)
        recorded = Photo(content).recorded if options.recorded else Recorded()
        if options.use_exif:
            return content, recorded
        return pictures.without_metadata(content, form, self._most_pixels), recorded

    def _located(self, answers: Any, found: Recorded | str, options: Options) -> Located:
        """Return the next answer, or the error ``found`` of a photo that was refused."""
        if isinstance(found, str):
            return Located(Prediction(id="", error=found), None)
        located: Located = next(answers)
        prediction, posterior = located.prediction, located.posterior
        if posterior is None:
            return located
        if found.latitude is not None and found.longitude is not None:
            prediction = replace(prediction, recorded=(found.latitude, found.longitude))
        if options.coarse_km is not None:
            posterior = coarsen.coarsened(posterior, options.coarse_km)
            evidence = coarsen.without_places(prediction.evidence)
            prediction = replace(prediction, evidence=evidence, recorded=None, **self._decided(posterior, options))
        return Located(prediction, posterior)

    def _decided(self, posterior: Posterior, options: Options) -> dict[str, Any]:
        return answer_rows(
            posterior,
            within_km=options.within_km,
            level=options.level,
            top=options.top,
            radius_factor=self.locator.radius_factor(),
        )[0]

    def _reply(self, job: LocateJob, located: list[Located], options: Options) -> Reply:
        predictions = [photo.prediction for photo in located]
        if all(prediction.error is not None for prediction in predictions):
            errors = [{"id": prediction.id, "detail": prediction.error} for prediction in predictions]
            detail = predictions[0].error if len(errors) == 1 else f"none of {len(errors)} photos can be answered"
            return _problem(422, detail or "", errors=errors)
        pooled = self._pooled([photo.posterior for photo in located if photo.posterior is not None], options)
        if job.form == GEOJSON:
            album = [] if pooled is None else [pooled[0]]
            return Reply(200, GEOJSON, as_json(prediction_formats.to_geojson([*predictions, *album])).encode())
        album_json = "null"
        if pooled is not None:
            prediction, posterior, facts = pooled
            album_json = _with_map(prediction.to_json() | facts, posterior, options)
        name = as_json(self.locator.name)
        if job.form == LINES:
            return Reply(200, LINES, _encoded(f'{{"model":{name},"album":{album_json}}}\n'))
        parts = [_with_map(photo.prediction.to_json(), photo.posterior, options) for photo in located]
        return Reply(200, JSON, _encoded(f'{{"model":{name},"predictions":[{",".join(parts)}],"album":{album_json}}}'))

    def _pooled(
        self, posteriors: list[Posterior], options: Options
    ) -> tuple[Prediction, Posterior, dict[str, Any]] | None:
        """Return one answer for several photos of the same place; None for fewer than two photos.

        The answer is a prediction, its posterior, and the facts that the album adds to the prediction.
        """
        if len(posteriors) < 2:
            return None
        prior = self.locator.prior
        if options.coarse_km is None:
            pooled = same_place.pool(posteriors, prior)
            posterior = pooled.posterior
        else:  # pool the coarse posteriors: exact ones would reveal where in its cell a photo lies
            pooled = same_place.pool(posteriors, coarsen.coarsened(prior, options.coarse_km))
            posterior = coarsen.coarsened(pooled.posterior, options.coarse_km)
        prediction = Prediction(id="album", **self._decided(posterior, options))
        facts = {"photos": len(posteriors), "agreement_nats": round(pooled.agreement_nats, 2)}
        return prediction, posterior, facts


@functools.lru_cache(32)
def _area(name: str) -> areas.Region:
    return areas.read_area(name)


def _named(located: Located, job: LocateJob, number: int) -> Located:
    """Return the answer with the client's name for the photo as its id: a file name without folders."""
    name = job.names[number]
    file_name = images.printable(name.replace("\\", "/").rpartition("/")[2])[:255] if name else None
    prediction = replace(located.prediction, id=file_name or f"photo-{number}", path=file_name)
    if prediction.error is not None:
        error = prediction.error.replace(images.describe(bytes(job.photos[number])), prediction.id)
        prediction = replace(prediction, error=error)
    return Located(prediction, located.posterior)


def _with_map(document: dict[str, Any], posterior: Posterior | None, options: Options) -> str:
    """Return a prediction as JSON with its map. The map is null where there is none, or the options exclude it."""
    map_json = "null"
    if posterior is not None and options.map:
        finest = FINEST_LEVEL if options.coarse_km is None else coarsen.grid_level(options.coarse_km)
        map_json = to_geojson(cells_of(posterior, finest_level=finest))
    return with_member(document, "map", map_json)


def _line(located: Located, number: int, count: int, options: Options) -> bytes:
    """Return the line of one photo of several (NDJSON)."""
    document = _with_map(located.prediction.to_json(), located.posterior, options)
    return _encoded(f'{{"index":{number},"of":{count},"prediction":{document}}}\n')


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _problem(status: int, detail: str, **more: Any) -> Reply:
    return Reply(status, problems.PROBLEM_JSON, problems.document(status, detail, more))
