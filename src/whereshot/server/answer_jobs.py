"""Uploaded photos and options -> the body of an answer, in the process that holds the model.

The document is that of ``whereshot locate --format json``, each prediction with its ``map``, and with several photos
the ``album``: what they say together.
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

Tell = Callable[[int, int, bytes], None]
"""Takes a job's number, a photo's number in it, and the line of that photo."""


@dataclass(frozen=True)
class LocateJob:
    """One request's photos: what each is called, its bytes, and how the answer is to be written."""

    names: list[str | None]
    photos: list[bytes]
    form: str = JSON


@dataclass(frozen=True)
class Reply:
    """A status, a media type and a body."""

    status: int
    form: str
    body: bytes


class Answerer:
    """A model, ready to answer jobs."""

    def __init__(self, model: str | None, device: str | None, most_pixels: int) -> None:
        self.locator = Geolocator.load(model, device)
        self._most_pixels = most_pixels

    def answer(self, jobs: Sequence[LocateJob], options: Options, tell: Tell) -> list[Reply]:
        """The answer to each job. The photos of all jobs are looked at together, but those of a job of ``LINES`` one
        after the other: ``tell`` gets the line of each as soon as it is there."""
        try:
            region = None if options.region is None else _area(options.region)
        except InputError as error:
            refused = str(error).replace(" and no such file", "")
            return [_problem(400, refused)] * len(jobs)
        together = [content for job in jobs if job.form != LINES for content in job.photos]
        answers = iter(self._look(together, options, region))
        replies = []
        for number, job in enumerate(jobs):
            if job.form == LINES:
                own = []
                for photo, content in enumerate(job.photos):
                    own.append(_named(self._look([content], options, region)[0], job, photo))
                    tell(number, photo, _line(own[-1], photo, len(job.photos), options))
            else:
                own = [_named(next(answers), job, photo) for photo in range(len(job.photos))]
            replies.append(self._reply(job, own, options))
        return replies

    def _look(self, photos: Sequence[bytes], options: Options, region: areas.Region | None) -> list[Located]:
        """What the model says of each photo, or why it says nothing."""
        sources: list[images.Source] = []
        taken: list[Recorded | str] = []
        for content in photos:
            try:
                source, recorded = self._admitted(content, options)
            except ImageError as error:
                taken.append(str(error))
            else:
                sources.append(source)
                taken.append(recorded)
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
        return [self._located(answers, found, options) for found in taken]

    def _admitted(self, content: bytes, options: Options) -> tuple[images.Source, Recorded]:
        """The picture as it may be looked at, and what is told of what the camera wrote."""
        form = pictures.admit(content, self._most_pixels)
        recorded = Photo(content).recorded if options.recorded else Recorded()
        if options.use_exif:
            return content, recorded
        return pictures.without_metadata(content, form, self._most_pixels), recorded

    def _located(self, answers: Any, found: Recorded | str, options: Options) -> Located:
        """The next answer, or the reason why a photo has none."""
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
            evidence = coarsen.told(prediction.evidence)
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
        predictions = [one.prediction for one in located]
        if all(prediction.error is not None for prediction in predictions):
            errors = [{"id": prediction.id, "detail": prediction.error} for prediction in predictions]
            detail = predictions[0].error if len(errors) == 1 else f"none of {len(errors)} photos can be answered"
            return _problem(422, detail or "", errors=errors)
        pooled = self._pooled([one.posterior for one in located if one.posterior is not None], options)
        if job.form == GEOJSON:
            album = [] if pooled is None else [pooled[0]]
            return Reply(200, GEOJSON, as_json(prediction_formats.to_geojson([*predictions, *album])).encode())
        together = "null"
        if pooled is not None:
            prediction, posterior, told = pooled
            together = _with_map(prediction.to_json() | told, posterior, options)
        name = as_json(self.locator.name)
        if job.form == LINES:
            return Reply(200, LINES, _encoded(f'{{"model":{name},"album":{together}}}\n'))
        parts = [_with_map(one.prediction.to_json(), one.posterior, options) for one in located]
        return Reply(200, JSON, _encoded(f'{{"model":{name},"predictions":[{",".join(parts)}],"album":{together}}}'))

    def _pooled(
        self, posteriors: list[Posterior], options: Options
    ) -> tuple[Prediction, Posterior, dict[str, Any]] | None:
        """What several photos of one place say together, where there are several."""
        if len(posteriors) < 2:
            return None
        prior = self.locator.prior
        if options.coarse_km is None:
            pooled = same_place.pool(posteriors, prior)
            posterior = pooled.posterior
        else:  # of what is told of each photo, or a second one could ask where in its cell the first lies
            pooled = same_place.pool(posteriors, coarsen.coarsened(prior, options.coarse_km))
            posterior = coarsen.coarsened(pooled.posterior, options.coarse_km)
        prediction = Prediction(id="album", **self._decided(posterior, options))
        told = {"photos": len(posteriors), "agreement_nats": round(pooled.agreement_nats, 2)}
        return prediction, posterior, told


@functools.lru_cache(32)
def _area(name: str) -> areas.Region:
    return areas.read_area(name)


def _named(located: Located, job: LocateJob, number: int) -> Located:
    """The same under the name that its sender gave the photo: the name of a file, without folders."""
    name = job.names[number]
    called = images.printable(name.replace("\\", "/").rpartition("/")[2])[:255] if name else None
    prediction = replace(located.prediction, id=called or f"photo-{number}", path=called)
    if prediction.error is not None:
        error = prediction.error.replace(images.describe(bytes(job.photos[number])), prediction.id)
        prediction = replace(prediction, error=error)
    return Located(prediction, located.posterior)


def _with_map(document: dict[str, Any], posterior: Posterior | None, options: Options) -> str:
    """A prediction as JSON with its map; null where there is none or none was asked for."""
    drawn = "null"
    if posterior is not None and options.map:
        finest = FINEST_LEVEL if options.coarse_km is None else coarsen.grid_level(options.coarse_km)
        drawn = to_geojson(cells_of(posterior, finest_level=finest))
    return with_member(document, "map", drawn)


def _line(located: Located, number: int, count: int, options: Options) -> bytes:
    """The line of one photo of several."""
    document = _with_map(located.prediction.to_json(), located.posterior, options)
    return _encoded(f'{{"index":{number},"of":{count},"prediction":{document}}}\n')


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _problem(status: int, detail: str, **more: Any) -> Reply:
    return Reply(status, problems.PROBLEM_JSON, problems.document(status, detail, more))
