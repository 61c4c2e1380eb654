"""Commands that make and clean records: ingest."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import ColumnOption, FormatOption, ReportFormat, check_folder, pairs, print_json, say
from whereshot.errors import InputError, nearest_name


def ingest(
    source: Annotated[str, typer.Argument(help="folder or table.")],
    inputs: Annotated[list[Path], typer.Argument(help="Folders or tables.", show_default=False)],
    out: Annotated[Path, typer.Option(help="A folder of Parquet shards, or one .parquet file.", show_default=False)],
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Make records of photos with positions; what cannot be used goes to rejects/ with its reason."""
    from whereshot import progress
    from whereshot.records import count_reasons, rejects_path, write_parquet
    from whereshot.sources import SOURCES

    if source not in SOURCES:
        raise InputError(f"no source {source!r}; {nearest_name(source, SOURCES)}")
    check_folder(out)
    started = time.perf_counter()
    ingested = SOURCES[source](inputs, pairs(column, "--column"), progress.bar)
    reasons = count_reasons(ingested.rejects)
    if len(ingested.rejects):
        write_parquet(ingested.rejects, rejects_path(out))
    else:
        rejects_path(out).unlink(missing_ok=True)
    for note in ingested.notes:
        say(note)
    if len(ingested.records) == 0:
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise InputError(f"none of {ingested.rows} rows can be used: {listed}; see {rejects_path(out)}")
    ingested.records.write(out)
    document = {
        "rows": ingested.rows,
        "kept": len(ingested.records),
        "rejected": reasons,
        "seconds": round(time.perf_counter() - started, 3),
    }
    if form is ReportFormat.json:
        print_json(document)
        return
    print(f"{document['kept']} of {document['rows']} kept in {out} ({document['seconds']:.1f} s)")
    for reason, count in reasons.items():
        print(f"  rejected: {count} {reason}")
    if reasons:
        print(f"  listed in {rejects_path(out)}")
