"""Commands of the server: serve, gallery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FormatOption,
    IncludeLearnedOption,
    ModelOption,
    ReaderOption,
    TextOption,
    check_folder,
    print_json,
    read_records,
    say,
    some_failed,
)
from whereshot.foundation import errors
from whereshot.foundation.errors import InputError
from whereshot.locate.options import LocateOptions

if TYPE_CHECKING:
    from whereshot.server.limits import Limits


GalleryOption = Annotated[
    Path | None, typer.Option(help="Folder of photos with known places, written by whereshot gallery.")
]
CoarseOption = Annotated[float | None, typer.Option(help="Width of the grid that every answer is rounded to, in km.")]
TokenFileOption = Annotated[
    Path | None, typer.Option(help="File of tokens, one per line. Every request needs a token.")
]
TilesOption = Annotated[
    str | None, typer.Option(help="Address of map tiles with {z}, {x} and {y}, which the page loads.")
]
GeocoderOption = Annotated[
    str | None, typer.Option(help="Address of a geocoder with {latitude} and {longitude}, which the page loads.")
]
AllowHostOption = Annotated[
    list[str] | None, typer.Option(help="Host name that requests may use for this server. Repeatable.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Number of processes with the model; by default one per core.")
]


def serve(
    model: ModelOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on. An address that others can reach needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free port.")] = 8000,
    gallery: GalleryOption = None,
    coarse: CoarseOption = None,
    token_file: TokenFileOption = None,
    tiles: TilesOption = None,
    geocoder: GeocoderOption = None,
    allow_host: AllowHostOption = None,
    workers: WorkersOption = None,
    reader: ReaderOption = LocateOptions.reader,
    queue: Annotated[int, typer.Option(min=1, help="Largest number of photos that wait.")] = 128,
    max_files: Annotated[int, typer.Option(min=1, help="Largest number of photos in one request.")] = 20,
    max_mb: Annotated[float, typer.Option(help="Largest photo, in megabytes.")] = 20.0,
    max_megapixels: Annotated[float, typer.Option(help="Largest picture, in megapixels.")] = 100.0,
    max_seconds: Annotated[float, typer.Option(help="Longest work on one photo, in seconds.")] = 60.0,
    device: DeviceOption = None,
) -> None:
    """Serve the page and the API on this machine. Photos are answered and not kept."""
    from whereshot.foundation import processes
    from whereshot.locate.geolocator import Geolocator

    _require_server_libraries()
    from whereshot.server import models, page_files, running, security
    from whereshot.server.app import Service
    from whereshot.server.gallery import ServedGallery
    from whereshot.server.options import MOST_COARSE_KM
    from whereshot.server.tokens import Tokens

    tokens = None if token_file is None else Tokens.read(token_file)
    _check_host(host, has_tokens=tokens is not None)
    if coarse is not None and not 0 < coarse <= MOST_COARSE_KM:
        raise InputError(f"--coarse is a number of km above 0, at most {MOST_COARSE_KM:.0f}; got {coarse:g}")
    security.policy(tiles, geocoder)
    options = LocateOptions(reader=reader)
    limits = _limits(max_mb, max_megapixels, max_seconds, max_files, queue)
    allowed = tuple(name.lower() for name in allow_host or ())
    served_gallery = None if gallery is None else ServedGallery(gallery)
    locator = Geolocator.load(model, device)
    listener = running.bind(host, port)
    service = Service(
        model=models.describe(locator),
        limits=limits,
        coarse_km=coarse,
        tiles=tiles,
        geocoder=geocoder,
        gallery=served_gallery,
        tokens=tokens,
        hosts=None if tokens else (*running.LOCAL_NAMES, host.lower(), *allowed),
        allowed=allowed,
        reader=options.reader,
    )
    if not page_files.is_built(service.site):
        say(page_files.NOT_BUILT)
    settings = {"model": model, "device": device, "pixels": limits.pixels, "options": options.plain()}
    count = workers or (processes.cores() if device in (None, "cpu") else 1)
    running.run(service, listener, settings, count, lambda address: say(f"{locator.name} answers on {address}"))


def _require_server_libraries() -> None:
    """Raise MissingExtraError where a library of the server is not installed."""
    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        errors.require(module, extra="serve")


def _check_host(host: str, *, has_tokens: bool) -> None:
    """Refuse an address that others can reach where requests need no token. Raises InputError."""
    from whereshot.server import running

    if not has_tokens and not running.is_loopback(host):
        raise InputError(
            f"{host} can be reached by others, so requests need a token: give --token-file FILE, or keep 127.0.0.1"
        )


def _limits(max_mb: float, max_megapixels: float, max_seconds: float, photos: int, queue: int) -> Limits:
    """Return the limits of the server. Raises InputError for a number that is not positive, or is 10,000 or more."""
    from whereshot.server.limits import MEGABYTE, Limits

    for name, value in (("--max-mb", max_mb), ("--max-megapixels", max_megapixels), ("--max-seconds", max_seconds)):
        if not 0 < value < 10_000:
            raise InputError(f"{name} is a positive number; got {value:g}")
    photo_bytes = round(max_mb * MEGABYTE)
    return Limits(
        photo_bytes=photo_bytes,
        request_bytes=max(Limits.request_bytes, photo_bytes + MEGABYTE),
        held_bytes=max(Limits.held_bytes, 2 * photo_bytes),
        photos=photos,
        pixels=round(max_megapixels * MEGABYTE),
        photo_s=max_seconds,
        queue=queue,
    )


def gallery(
    records: Annotated[Path, typer.Argument(help="Photos with known places: Records, or a table.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write, for serve --gallery.", show_default=False)],
    model: ModelOption = None,
    photos: Annotated[
        int, typer.Option(min=1, help="Number of photos to show, chosen at random; all photos are scored.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choice.")] = 0,
    text: TextOption = True,
    reader: ReaderOption = LocateOptions.reader,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing gallery.")] = False,
    include_learned: IncludeLearnedOption = False,
    column: ColumnOption = None,
    form: FormatOption = "table",
    device: DeviceOption = None,
) -> None:
    """Locate photos with known places, for the page to show and to guess: whereshot serve --gallery OUT.

    The gallery contains the photos. Use only photos that you may publish.
    """
    from whereshot.foundation import progress
    from whereshot.locate.geolocator import Geolocator
    from whereshot.models.learned_photos import in_words
    from whereshot.report import photo_gallery

    check_folder(out, replaced=True)
    found = read_records(records, column)
    scores = photo_gallery.write_gallery(
        Geolocator.load(model, device),
        found,
        out,
        shown=photos,
        seed=seed,
        text=text,
        reader=reader,
        overwrite=overwrite,
        include_learned=include_learned,
        track=progress.bar,
    )
    say(f"{records}: {in_words(**scores['learned_photos'])}")
    if form == "json":
        print_json(scores)
    else:
        right = ", ".join(f"{100 * share:.1f} % within {km} km" for km, share in scores["accuracy"].items())
        print(f"{out}: {scores['shown']} of {scores['photos']} photos; {right}")
    if scores["failed"]:
        say(f"{scores['failed']} of {scores['photos']} photos could not be read and count as misses")
        some_failed()
