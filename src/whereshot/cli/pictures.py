"""The commands fetch and pack: download the pictures of records, and pack them for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import FormatOption, StartAgainOption, check_folder, print_kept, resumable
from whereshot.foundation.errors import InputError

RecordsArgument = Annotated[Path, typer.Argument(help="Records: a folder of Parquet shards, or one .parquet file.")]
OutOption = Annotated[Path, typer.Option(help="Folder to write; a stopped run continues there.", show_default=False)]


def fetch(
    records: RecordsArgument,
    out: OutOption,
    user_agent: Annotated[str, typer.Option(help="User-Agent header: your name and a contact.")] = "whereshot",
    connections: Annotated[int, typer.Option(help="Largest number of requests at a time.")] = 32,
    per_host: Annotated[int, typer.Option(help="Largest number of requests at a time to one host.")] = 6,
    rate: Annotated[float, typer.Option(help="Largest number of requests per second to one host; 0: no limit.")] = 0.0,
    attempts: Annotated[int, typer.Option(help="Largest number of attempts for one picture.")] = 5,
    timeout: Annotated[float, typer.Option(help="Longest time for one attempt, in seconds.")] = 60.0,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Allow addresses of this network.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try the rejected pictures again.")] = False,
    overwrite: StartAgainOption = False,
    form: FormatOption = "table",
) -> None:
    """Download the pictures of records from their urls. A picture that cannot be fetched goes to rejects/."""
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
    size: Annotated[int, typer.Option(help="Shorter side of the packed pictures, in pixels.")] = 336,
    quality: Annotated[int, typer.Option(help="JPEG quality, 1 to 100.")] = 90,
    workers: Annotated[int | None, typer.Option(help="Number of processes; by default one per core.")] = None,
    overwrite: StartAgainOption = False,
    form: FormatOption = "table",
) -> None:
    """Resize the pictures of records and pack them into tar shards, which training reads one after the other."""
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
