"""Answers for uploaded photos, as bodies of HTTP answers. This runs in the process that holds the model.

The document is the same as with ``whereshot locate --format json``. In addition each prediction has its ``map``, and
several photos have an ``album``: one prediction from all of them together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from whereshot.earth import areas
from whereshot.foundation.errors import ImageError, InputError
from whereshot.locate.answers import answer_rows
from whereshot.locate.geolocator import Geolocator, Located
from whereshot.locate.prediction import Prediction
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


class NamedPhoto(NamedTuple):
    """A photo of a request: what it is called in the answer, its file name, which may be missing, and its bytes."""

    id: str
    name: str | None
    content: bytes


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
            located = (
                options.locate if options.region is None else replace(options.locate, region=_area(options.region))
            )
        except InputError as error:
            return [_problem(400, str(error))] * len(jobs)
        options = replace(options, locate=located)
        uploads = [upload for job in jobs if job.form != LINES for upload in _uploads(job)]
        answers = iter(self._locate(uploads, options))
        replies = []
        for number, job in enumerate(jobs):
            if job.form == LINES:
                own = []
                for photo, upload in enumerate(_uploads(job)):
                    own += self._locate([upload], options)
                    send_line(number, photo, _line(own[-1], photo, len(job.photos), options))
            else:
                own = [next(answers) for _ in job.photos]
            replies.append(self._reply(job, own, options))
        return replies

    def _locate(self, uploads: Sequence[NamedPhoto], options: Options) -> list[Located]:
        """Return the answer for each photo, or the error of a photo that cannot be answered."""
        photos: list[Photo] = []
        recorded_or_error: list[Recorded | str] = []
        for upload in uploads:
            try:
                photo, recorded = self._admitted(upload, options)
            except ImageError as error:
                recorded_or_error.append(str(error))
            else:
                photos.append(photo)
                recorded_or_error.append(recorded)
        answers = iter(list(self.locator.locate_each(photos, options.locate)))
        return [
            self._located(answers, upload, found, options)
            for upload, found in zip(uploads, recorded_or_error, strict=True)
        ]

    def _admitted(self, upload: NamedPhoto, options: Options) -> tuple[Photo, Recorded]:
        """Return the picture as it may be looked at, and what the answer shows of what the camera recorded."""
        form = pictures.admit(upload.content, self._most_pixels, upload.id)
        photo = Photo(upload.content, upload.id)
        recorded = photo.recorded if options.recorded else Recorded()
        if options.locate.use_exif:
            return photo, recorded
        return pictures.without_metadata(upload.content, form, self._most_pixels, upload.id), recorded

    def _located(
        self, answers: Iterator[Located], upload: NamedPhoto, found: Recorded | str, options: Options
    ) -> Located:
        """Return the next answer, or the error ``found`` of a photo that was refused."""
        if isinstance(found, str):
            return Located(Prediction(id=upload.id, path=upload.name, error=found), None)
        located = next(answers)
        prediction, posterior = replace(located.prediction, id=upload.id, path=upload.name), located.posterior
        if posterior is None:
            return Located(prediction, None)
        if found.position is not None:
            prediction = replace(prediction, recorded=found.position)
        if options.coarse_km is not None:
            posterior = coarsen.coarsened(posterior, options.coarse_km)
            evidence = coarsen.without_places(prediction.evidence)
            coarse = self._decided(posterior, options)
            prediction = replace(coarse, id=upload.id, path=upload.name, evidence=evidence)
        return Located(prediction, posterior)

    def _decided(self, posterior: Posterior, options: Options) -> Prediction:
        return answer_rows(posterior, options.locate, widening=self.locator.model.widening())[0]

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
            album_json = _with_map(prediction.to_document() | facts, posterior, options)
        name = as_json(self.locator.name)
        if job.form == LINES:
            return Reply(200, LINES, _encoded(f'{{"model":{name},"album":{album_json}}}\n'))
        parts = [_with_map(one.prediction.to_document(), one.posterior, options) for one in located]
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
        prediction = replace(self._decided(posterior, options), id="album")
        facts = {"photos": len(posteriors), "agreement_nats": round(pooled.agreement_nats, 2)}
        return prediction, posterior, facts


@functools.lru_cache(32)
def _area(name: str) -> areas.Region:
    return areas.named_area(name)


def _uploads(job: LocateJob) -> list[NamedPhoto]:
    """Return the photos of a job under the names that the client gave them: file names without folders."""
    uploads = []
    for number, (name, content) in enumerate(zip(job.names, job.photos, strict=True)):
        called = images.printable(name.replace("\\", "/").rpartition("/")[2])[:255] if name else None
        uploads.append(NamedPhoto(called or f"photo-{number}", called or None, bytes(content)))
    return uploads


def _with_map(document: dict[str, Any], posterior: Posterior | None, options: Options) -> str:
    """Return a prediction as JSON with its map. The map is null where there is none, or the options exclude it."""
    map_json = "null"
    if posterior is not None and options.map:
        finest = FINEST_LEVEL if options.coarse_km is None else coarsen.grid_level(options.coarse_km)
        map_json = to_geojson(cells_of(posterior, finest_level=finest))
    return with_member(document, "map", map_json)


def _line(located: Located, number: int, count: int, options: Options) -> bytes:
    """Return the line of one photo of several (NDJSON)."""
    document = _with_map(located.prediction.to_document(), located.posterior, options)
    return _encoded(f'{{"index":{number},"of":{count},"prediction":{document}}}\n')


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _problem(status: int, detail: str, **more: Any) -> Reply:
    return Reply(status, problems.PROBLEM_JSON, problems.document(status, detail, more))
