"""The routes: what is asked under which address, and in which form it is answered."""

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

from whereshot.foundation.errors import InputError
from whereshot.foundation.version import VERSION
from whereshot.server import examples, problems, site
from whereshot.server.answer_jobs import GEOJSON, JSON, LINES
from whereshot.server.batching import Batcher, Waiting
from whereshot.server.gallery import Gallery
from whereshot.server.limits import Limits
from whereshot.server.metrics import CONTENT_TYPE, Metrics
from whereshot.server.multipart import Form, FormReader, Held, read_form, too_large
from whereshot.server.options import read_options
from whereshot.server.pool import Answer
from whereshot.server.problems import PROBLEM_JSON, ProblemError
from whereshot.server.security import Guard, policy, safe_headers
from whereshot.server.streaming import LinesResponse, lines_of
from whereshot.server.tokens import Tokens

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

Result = TypeVar("Result")

LEFT = 499
"""What is counted where nobody is there to read a status."""


UNOBSERVED: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI hands requests and errors on to OpenTelemetry where the environment says so; here nobody is told of them."""


@dataclass(frozen=True)
class Service:
    """What is served: the model as described, and all that the owner decided."""

    model: dict[str, Any]
    limits: Limits = field(default_factory=Limits)
    coarse_km: float | None = None
    tiles: str | None = None
    geocoder: str | None = None
    gallery: Gallery | None = None
    tokens: Tokens | None = None
    hosts: tuple[str, ...] | None = None
    """Names that a request may call this server by; None: any."""
    allowed: tuple[str, ...] = ()
    """Names whose pages may send photos: those of ``--allow-host``."""
    site: Path = field(default_factory=site.folder)

    def told(self) -> dict[str, Any]:
        """What the page needs to know."""
        return {
            "model": self.model["name"],
            "models": [self.model["name"]],
            "tiles": self.tiles,
            "geocoder": self.geocoder,
            "gallery": self.gallery is not None,
            "coarse_km": self.coarse_km,
            "limits": self.limits.told(),
            "reads_text": True,
            "needs_token": self.tokens is not None,
        }

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of every answer."""
        return safe_headers(policy(self.tiles, self.geocoder))


def make_app(service: Service, batcher: Batcher, metrics: Metrics) -> Guard:
    """The application (ASGI), around a batcher that is started and stopped elsewhere."""
    app = FastAPI(
        title="whereshot",
        version=VERSION,
        description="Tells where a photo was taken, with an honest probability map. Uploads are not kept.",
        docs_url=None,  # they would load scripts of another host
        redoc_url=None,
        responses={"default": examples.problem(500, "what went wrong, in a sentence", "Error")},
        exception_handlers={
            ProblemError: _told,
            HTTPException: _told,
            RequestValidationError: _told,
            Exception: _told,
        },
        telemetry=UNOBSERVED,
    )
    held = Held(service.limits.held_bytes)
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
        if length.isdigit() and int(length) > service.limits.request_bytes:
            raise too_large(service.limits)
        reader = FormReader(request.headers.get("content-type"), service.limits, held)
        with contextlib.ExitStack() as ending:
            ending.callback(reader.close)
            try:
                sent = await read_form(request.stream(), reader, service.limits)
                try:
                    options = read_options(sent.fields, service.coarse_km)
                except InputError as error:
                    raise ProblemError(400, str(error)) from error
                job = _waiting(sent, options, form)
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

    @app.get("/v1/models", summary="The loaded model", responses={200: _shown({"models": [service.model]})})
    async def models() -> Response:
        return _json({"models": [service.model]})

    @app.get("/v1/page", summary="What the page may do here", responses={200: _shown(service.told())})
    async def page() -> Response:
        return _json(service.told())

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

    _add_gallery(app, service.gallery)
    if site.is_built(service.site):
        app.router.default = site.Site(service.site)  # a mount would answer a route's wrong method with 404
    else:

        @app.get("/", include_in_schema=False)
        async def missing() -> Response:
            return HTMLResponse(site.missing_page())

    return Guard(
        app,
        headers=service.headers(),
        tokens=service.tokens,
        hosts=service.hosts,
        allowed=service.allowed,
        metrics=metrics,
    )


def _add_gallery(app: FastAPI, gallery: Gallery | None) -> None:
    def opened() -> Gallery:
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
            raise ProblemError(400, f"random is how many photos, from 1 to 1000; got {random}")
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


def answer_form(accept: str | None) -> str:
    """The media type that a client prefers of those there are. Raises ProblemError."""
    wanted: list[tuple[float, int, str]] = []
    for part in (accept or "*/*").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            wanted.append((-float(quality), len(wanted), kind))
        except ValueError:
            continue
    for negative, _, kind in sorted(wanted):
        if negative < 0 and kind in (GEOJSON, JSON, LINES):
            return kind
        if negative < 0 and kind in ("*/*", "application/*"):
            return JSON
    raise ProblemError(406, f"answers are {JSON}, {GEOJSON} or {LINES}; ask for one of them in Accept")


def _waiting(sent: Form, options: Any, form: str) -> Waiting:
    return Waiting([photo.name for photo in sent.photos], [photo.content for photo in sent.photos], options, form)


async def _while_present(request: Request, awaited: Awaitable[Result]) -> Result:
    """What is awaited, for as long as the client is there. Raises ClientDisconnect."""
    answer = asyncio.ensure_future(awaited)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        for task in (answer, gone):
            task.cancel()


async def _gone(request: Request) -> None:
    """Returns when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _told(_: Request, error: Exception) -> Response:
    """Any error as a problem document."""
    if isinstance(error, ProblemError):
        status, detail, headers, more = error.status, error.detail, error.headers, error.more
    elif isinstance(error, RequestValidationError):
        first = error.errors()[0]
        status, headers, more = 400, {}, {}
        detail = f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}"
    elif isinstance(error, HTTPException):
        status, headers, more = error.status_code, dict(error.headers or {}), {}
        told = {404: "there is nothing under this address", 405: "this address does not take that method"}
        detail = told.get(status, str(error.detail))
    else:
        status, detail, headers, more = 500, "something in the server is broken; its log says what", {}, {}
    return Response(problems.document(status, detail, more), status, headers, media_type=PROBLEM_JSON)


def _json(document: Any) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), media_type=JSON)


def _shown(example: Any) -> dict[str, Any]:
    return examples.content(JSON, example, "As in the example.")
