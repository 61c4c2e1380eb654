"""Commands of the server: serve, gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FormatOption,
    IncludeLearnedOption,
    ModelOption,
    ReportFormat,
    TextOption,
    check_folder,
    print_json,
    read_records,
    say,
    some_failed,
)
from whereshot.foundation.errors import InputError


def serve(
    model: ModelOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on; any but this machine's own needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    gallery: Annotated[
        Path | None, typer.Option(help="Photos with known places, as whereshot gallery writes them.")
    ] = None,
    coarse: Annotated[float | None, typer.Option(help="Round every answer to a grid of so many km.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="A file of tokens, one a line; requests need one.")] = None,
    tiles: Annotated[
        str | None, typer.Option(help="Address of map tiles with {z}, {x} and {y}, which the page will ask.")
    ] = None,
    geocoder: Annotated[
        str | None, typer.Option(help="Address that names {latitude} and {longitude}, which the page will ask.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name that requests may call this server by. Repeatable.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes with the model; one per core.")] = None,
    queue: Annotated[int, typer.Option(min=1, help="Photos that may wait.")] = 128,
    max_files: Annotated[int, typer.Option(min=1, help="Photos in one request.")] = 20,
    max_mb: Annotated[float, typer.Option(help="Megabytes of one photo.")] = 20.0,
    max_megapixels: Annotated[float, typer.Option(help="Megapixels of one picture.")] = 100.0,
    max_seconds: Annotated[float, typer.Option(help="Seconds of work on one photo.")] = 60.0,
    device: DeviceOption = None,
) -> None:
    """Serve the page and the API on this machine: photos are looked at, answered and forgotten."""
    from whereshot.foundation import errors, processes
    from whereshot.locate.geolocator import Geolocator

    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        errors.require(module, extra="serve")
    from whereshot.server import models, page_files, running, security
    from whereshot.server.app import Service
    from whereshot.server.gallery import ServedGallery
    from whereshot.server.limits import MEGABYTE, Limits
    from whereshot.server.options import MOST_COARSE_KM
    from whereshot.server.tokens import Tokens

    tokens = None if token_file is None else Tokens.read(token_file)
    if tokens is None and not running.is_loopback(host):
        raise InputError(
            f"{host} can be reached by others, so requests need a token: give --token-file FILE, or keep 127.0.0.1"
        )
    if coarse is not None and not 0 < coarse <= MOST_COARSE_KM:
        raise InputError(f"--coarse is a number of km above 0, at most {MOST_COARSE_KM:.0f}; got {coarse:g}")
    for name, value in (("--max-mb", max_mb), ("--max-megapixels", max_megapixels), ("--max-seconds", max_seconds)):
        if not 0 < value < 10_000:
            raise InputError(f"{name} is a positive number; got {value:g}")
    security.policy(tiles, geocoder)
    photo_bytes = round(max_mb * MEGABYTE)
    limits = Limits(
        photo_bytes=photo_bytes,
        request_bytes=max(Limits.request_bytes, photo_bytes + MEGABYTE),
        held_bytes=max(Limits.held_bytes, 2 * photo_bytes),
        photos=max_files,
        pixels=round(max_megapixels * MEGABYTE),
        photo_s=max_seconds,
        queue=queue,
    )
    allowed = tuple(name.lower() for name in allow_host or ())
    shown = None if gallery is None else ServedGallery(gallery)
    locator = Geolocator.load(model, device)
    listener = running.bind(host, port)
    service = Service(
        model=models.describe(locator),
        limits=limits,
        coarse_km=coarse,
        tiles=tiles,
        geocoder=geocoder,
        gallery=shown,
        tokens=tokens,
        hosts=None if tokens else (*running.LOCAL_NAMES, host.lower(), *allowed),
        allowed=allowed,
    )
    if not page_files.is_built(service.site):
        say(page_files.NOT_BUILT)
    settings = {"model": model, "device": device, "pixels": limits.pixels, "text": True}
    count = workers or (1 if device not in (None, "cpu") else processes.cores())
    running.run(service, listener, settings, count, lambda address: say(f"{locator.name} answers on {address}"))


def gallery(
    records: Annotated[Path, typer.Argument(help="Photos with known places: Records, or a table.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to write, for serve --gallery.", show_default=False)],
    model: ModelOption = None,
    photos: Annotated[int, typer.Option(min=1, help="How many to show, chosen by chance; all are scored.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice.")] = 0,
    text: TextOption = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a gallery that is there.")] = False,
    include_learned: IncludeLearnedOption = False,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Locate photos whose places are known, to look at and to guess on the page: whereshot serve --gallery OUT.

    The photos are published with it: give only such as you may publish.
    """
    from whereshot.foundation import progress
    from whereshot.locate.geolocator import Geolocator
    from whereshot.models.learned_photos import in_words
    from whereshot.report import photo_gallery

    check_folder(out, replaced=True)
    found = read_records(records, column)
    told = photo_gallery.exhibit(
        Geolocator.load(model, device),
        found,
        out,
        shown=photos,
        seed=seed,
        text=text,
        overwrite=overwrite,
        include_learned=include_learned,
        track=progress.bar,
    )
    say(f"{records}: {in_words(**told['learned_photos'])}")
    if form is ReportFormat.json:
        print_json(told)
    else:
        right = ", ".join(f"{100 * share:.1f} % within {km} km" for km, share in told["accuracy"].items())
        print(f"{out}: {told['shown']} of {told['photos']} photos; {right}")
    if told["failed"]:
        say(f"{told['failed']} of {told['photos']} photos could not be read and count as misses")
        some_failed()
