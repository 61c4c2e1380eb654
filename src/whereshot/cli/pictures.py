"""Commands that bring pictures: fetch, pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import FormatOption, ReportFormat, check_folder, print_kept, resumable
from whereshot.foundation.errors import InputError

RecordsArgument = Annotated[Path, typer.Argument(help="A folder of Parquet shards, or one .parquet file.")]
OutOption = Annotated[Path, typer.Option(help="A folder; a run that was stopped goes on there.", show_default=False)]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Start again, and drop what is there.")]


def fetch(
    records: RecordsArgument,
    out: OutOption,
    user_agent: Annotated[str, typer.Option(help="Who asks: a name, and an address to complain to.")] = "whereshot",
    connections: Annotated[int, typer.Option(help="Requests at a time.")] = 32,
    per_host: Annotated[int, typer.Option(help="Requests at a time to one host.")] = 6,
    rate: Annotated[float, typer.Option(help="Requests a second to one host; 0: as many as answered.")] = 0.0,
    attempts: Annotated[int, typer.Option(help="How often to ask for one picture.")] = 5,
    timeout: Annotated[float, typer.Option(help="Seconds for one attempt.")] = 60.0,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Also ask addresses of this network.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Ask again for what was rejected.")] = False,
    overwrite: OverwriteOption = False,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Download the pictures of records by their urls; what is not to be had goes to rejects/ with its reason."""
    from whereshot.foundation import progress
    from whereshot.photos import fetch as fetching

    check_folder(out)
    resumable(drop=["--overwrite", "--retry"])
    manners = fetching.Manners(
        user_agent=user_agent,
        connections=connections,
        connections_per_host=per_host,
        rate_per_host=rate,
        attempts=attempts,
        timeout_s=timeout,
        allow_private=allow_private,
    )
    summary = fetching.fetch(records, out, manners, retry=retry, overwrite=overwrite, track=progress.bar)
    print_kept(summary, out, out / "rejects", form, "pictures can be used")


def pack(
    records: RecordsArgument,
    out: OutOption,
    size: Annotated[int, typer.Option(help="Shorter side in pixels.")] = 336,
    quality: Annotated[int, typer.Option(help="Of the JPEGs, 1 to 100.")] = 90,
    workers: Annotated[int | None, typer.Option(help="Processes; as many as cores by default.")] = None,
    overwrite: OverwriteOption = False,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Pack the pictures of records, pre-sized, into tar shards that training reads one after the other."""
    from whereshot.foundation import progress
    from whereshot.photos import pack as packing

    if workers is not None and workers < 1:
        raise InputError(f"--workers must be at least 1; got {workers}")
    check_folder(out)
    resumable(drop=["--overwrite"])
    summary = packing.pack(
        records, out, size=size, quality=quality, workers=workers, overwrite=overwrite, track=progress.bar
    )
    print_kept(summary, out, out / "rejects", form, "pictures can be used")
