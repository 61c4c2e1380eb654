"""The routes of the server: the addresses, what each takes, and the form of each answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response

from whereshot.evidence.foreign_lines import BUILTIN
from whereshot.foundation.errors import InputError
from whereshot.foundation.version import VERSION
from whereshot.server import examples, page_files, problems
from whereshot.server.batching import Batcher, Waiting
from whereshot.server.gallery import ServedGallery
from whereshot.server.limits import Limits
from whereshot.server.media_types import JSON, LINES, answer_form
from whereshot.server.metrics import CONTENT_TYPE, Metrics
from whereshot.server.multipart import Form, FormReader, Held, read_form, too_large
from whereshot.server.options import Options, read_options
from whereshot.server.pool import Answer
from whereshot.server.problems import PROBLEM_JSON, ProblemError
from whereshot.server.security import Guard, policy, safe_headers
from whereshot.server.streaming import LinesResponse, lines_of
from whereshot.server.tokens import Tokens

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

Result = TypeVar("Result")

LEFT = 499
"""The status of a request whose client left before its answer. Only the counts show it."""

UNOBSERVED: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""Settings that stop FastAPI from sending requests and errors to OpenTelemetry, whatever the environment sets."""


@dataclass(frozen=True)
class Service:
    """What one server offers: the description of its model, and the decisions of its owner."""

    model: dict[str, Any]
    limits: Limits = field(default_factory=Limits)
    coarse_km: float | None = None
    tiles: str | None = None
    geocoder: str | None = None
    gallery: ServedGallery | None = None
    tokens: Tokens | None = None
    hosts: tuple[str, ...] | None = None
    """Host names that a request may use for this server. None means any name."""
    allowed: tuple[str, ...] = ()
    """Host names whose pages may send photos (``--allow-host``)."""
    reader: str = BUILTIN
    """The reader of text in photos: one of ``evidence.foreign_lines.READERS``."""
    site: Path = field(default_factory=page_files.folder)
    """The folder of the built page."""

    def page_facts(self) -> dict[str, Any]:
        """Return what the page needs to know (``/v1/page``)."""
        return {
            "model": self.model["name"],
            "models": [self.model["name"]],
            "tiles": self.tiles,
            "geocoder": self.geocoder,
            "gallery": self.gallery is not None,
            "coarse_km": self.coarse_km,
            "limits": self.limits.for_clients(),
            "reads_text": True,
            "knows_sights": self.model.get("knows_sights", True),
            "needs_token": self.tokens is not None,
        }

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of every answer."""
        return safe_headers(policy(self.tiles, self.geocoder))


def make_app(service: Service, batcher: Batcher, metrics: Metrics) -> Guard:
    """Return the application (ASGI). The caller starts and stops the batcher."""
    app = FastAPI(
        title="whereshot",
        version=VERSION,
        description="Tells where a photo was taken, with an honest probability map. Uploads are not kept.",
        docs_url=None,  # the page of Swagger loads scripts from another host
        redoc_url=None,
        responses={"default": examples.problem(500, "what went wrong, in a sentence", "Error")},
        exception_handlers=dict.fromkeys(
            (ProblemError, HTTPException, RequestValidationError, Exception), _problem_response
        ),
        telemetry=UNOBSERVED,
    )
    _add_locate(app, service, batcher, metrics)
    _add_facts(app, service, batcher, metrics)
    _add_gallery(app, service.gallery)
    _add_page(app, service.site)
    return Guard(
        app,
        headers=service.headers(),
        tokens=service.tokens,
        hosts=service.hosts,
        allowed=service.allowed,
        metrics=metrics,
    )


def _add_locate(app: FastAPI, service: Service, batcher: Batcher, metrics: Metrics) -> None:
    """Add the route that answers for photos."""
    limits = service.limits
    held = Held(limits.held_bytes)
    metrics.watch("held_bytes", "Bytes of uploads in memory.", lambda: held.bytes)

    def count(answer: Answer, photos: int) -> None:
        metrics.photos.labels("answered" if answer.status == 200 else "refused").inc(photos)

    @app.post(
        "/v1/locate",
        summary="Where were these photos taken?",
        openapi_extra=examples.LOCATE,
        responses=examples.LOCATED,
        response_class=Response,
    )
    async def locate(request: Request) -> Response:
        form = answer_form(request.headers.get("accept"))
        batcher.check_room()
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > limits.request_bytes:
            raise too_large(limits)
        reader = FormReader(request.headers.get("content-type"), limits, held)
        with contextlib.ExitStack() as ending:
            ending.callback(reader.close)
            try:
                sent = await read_form(request.stream(), reader, limits)
                job = _waiting(sent, _options(sent, service), form)
                if form == LINES:
                    lines = lines_of(batcher, job, count)
                    response = LinesResponse(await _while_present(request, anext(lines)), lines, reader.close)
                    ending.pop_all()  # the response closes the reader
                    return response
                answer = await _while_present(request, batcher.answer(job))
            except ClientDisconnect:
                metrics.left.inc()
                return Response(status_code=LEFT)
        count(answer, job.count)
        return Response(answer.body, answer.status, media_type=answer.form)


def _options(sent: Form, service: Service) -> Options:
    """Read the options of a form. Raises ProblemError (400)."""
    try:
        return read_options(sent.fields, service.coarse_km, service.reader)
    except InputError as error:
        raise ProblemError(400, str(error)) from error


def _add_facts(app: FastAPI, service: Service, batcher: Batcher, metrics: Metrics) -> None:
    """Add the routes that describe the model and the state of the server."""
    page_facts = service.page_facts()

    @app.get("/v1/models", summary="The loaded model", responses={200: _shown({"models": [service.model]})})
    async def models() -> Response:
        return _json({"models": [service.model]})

    @app.get("/v1/page", summary="What the page may do here", responses={200: _shown(page_facts)})
    async def page() -> Response:
        return _json(page_facts)

    @app.get("/healthz", summary="Is the process alive?", responses={200: _shown({"status": "ok"})})
    async def healthz() -> Response:
        return _json({"status": "ok"})

    @app.get("/readyz", summary="Can photos be answered?", responses={200: _shown({"status": "ready"})})
    async def readyz() -> Response:
        if not batcher.ready:
            raise ProblemError(503, "the model is not loaded yet, or not any more", {"Retry-After": "5"})
        return _json({"status": "ready"})

    @app.get("/metrics", summary="Counts for Prometheus", response_class=Response)
    async def counts() -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})


def _add_gallery(app: FastAPI, gallery: ServedGallery | None) -> None:
    """Add the routes of the gallery. Without a gallery they answer 404."""

    def opened() -> ServedGallery:
        if gallery is None:
            raise ProblemError(404, "there is no gallery here; the owner gives one with: serve --gallery DIR")
        return gallery

    def found(content: bytes | None, name: str) -> bytes:
        if content is None:
            raise ProblemError(404, f"no photo {name[:100]!r} in the gallery")
        return content

    @app.get("/v1/gallery", summary="Photos with known places")
    async def listed(random: int | None = None) -> Response:
        if random is not None and not 1 <= random <= 1000:
            raise ProblemError(400, f"random is the number of photos, from 1 to 1000; got {random}")
        return _json(opened().listed(random))

    @app.get("/v1/gallery/scores", summary="How well the model does on them")
    async def scores() -> Response:
        return _json(opened().scores)

    @app.get("/v1/gallery/{name}", summary="A photo's prediction and truth")
    async def entry(name: str) -> Response:
        return Response(found(opened().entry(name), name), media_type=JSON)

    @app.get("/v1/gallery/{name}/photo", summary="A photo, without metadata", response_class=Response)
    async def photo(name: str) -> Response:
        headers = {"cache-control": "private, max-age=3600"}
        return Response(found(opened().photo(name), name), media_type="image/jpeg", headers=headers)


def _add_page(app: FastAPI, folder: Path) -> None:
    """Serve the built page of a folder under every other address, or a plain page where it is not built."""
    if page_files.is_built(folder):
        app.router.default = page_files.PageFiles(folder)  # a mount answers 404 to a wrong method of a route
        return

    @app.get("/", include_in_schema=False)
    async def missing() -> Response:
        return HTMLResponse(page_files.missing_page())


def _waiting(sent: Form, options: Options, form: str) -> Waiting:
    """Return the job of a form, as the queue holds it."""
    return Waiting([photo.name for photo in sent.photos], [photo.content for photo in sent.photos], options, form)


async def _while_present(request: Request, awaited: Awaitable[Result]) -> Result:
    """Await a result for as long as the client is connected. Raises ClientDisconnect."""
    answer = asyncio.ensure_future(awaited)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        for task in (answer, gone):
            task.cancel()


async def _disconnected(request: Request) -> None:
    """Return when the client has disconnected."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _problem_response(_: Request, error: Exception) -> Response:
    """Answer any error with a problem document (RFC 9457)."""
    if isinstance(error, ProblemError):
        status, detail, headers, more = error.status, error.detail, error.headers, error.more
    elif isinstance(error, RequestValidationError):
        first = error.errors()[0]
        status, headers, more = 400, {}, {}
        detail = f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}"
    elif isinstance(error, HTTPException):
        status, headers, more = error.status_code, dict(error.headers or {}), {}
        details = {404: "there is nothing at this address", 405: "this address does not allow that method"}
        detail = details.get(status, str(error.detail))
    else:
        status, detail, headers, more = 500, "something in the server is broken; see its log", {}, {}
    return Response(problems.document(status, detail, more), status, headers, media_type=PROBLEM_JSON)


def _json(document: Any) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), media_type=JSON)


def _shown(example: Any) -> dict[str, Any]:
    return examples.content(JSON, example, "As in the example.")
