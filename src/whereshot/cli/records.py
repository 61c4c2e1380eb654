"""The command that makes Records: ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    EngineOption,
    FormatOption,
    MasterOption,
    SetOption,
    StartAgainOption,
    check_records,
    pairs,
    print_kept,
    resumable,
    say,
)
from whereshot.foundation.errors import InputError, nearest_name

WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", help="Condition on rows to keep, as country=US,CA or split!=test. Repeatable."),
]


SourceArgument = Annotated[
    str, typer.Argument(help="Kind of source: folder, table, yfcc, osv5m, flickr, streetview or mapillary.")
]
InputsArgument = Annotated[
    list[Path],
    typer.Argument(help="Folders, tables, parts of a dump, queries or addresses.", show_default=False),
]
OutOption = Annotated[
    Path, typer.Option(help="Folder of Parquet shards, or one .parquet file, to write.", show_default=False)
]
CheckOption = Annotated[
    str | None,
    typer.Option(
        help="Place of the pictures, to keep only photos that exist: a folder, s3://bucket/prefix or https://...",
        show_default=False,
    ),
]
UnitMbOption = Annotated[
    float,
    typer.Option(help="Megabytes of text in one unit of work; a stopped run repeats at most one unit per process."),
]
EndpointOption = Annotated[
    str | None, typer.Option(help="Address of the API, instead of the usual address.", show_default=False)
]
BudgetOption = Annotated[
    float | None, typer.Option(help="Largest amount to spend in all runs together, in USD.", show_default=False)
]


def ingest(
    source: SourceArgument,
    inputs: InputsArgument,
    out: OutOption,
    column: ColumnOption = None,
    engine: EngineOption = "local",
    master: MasterOption = None,
    check: CheckOption = None,
    unit_mb: UnitMbOption = 64.0,
    where: WhereOption = None,
    setting: SetOption = None,
    endpoint: EndpointOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm that pictures may cost money.")] = False,
    budget: BudgetOption = None,
    overwrite: StartAgainOption = False,
    form: FormatOption = "table",
) -> None:
    """Make Records of photos with positions. Rows that cannot be used go to rejects/ with the reason.

    The same command continues a stopped run, except for the sources folder and table. docs/sources.md describes each
    source, its settings and its terms.
    """
    from whereshot.foundation import progress
    from whereshot.foundation.tables import rejects_path
    from whereshot.photos import ingest as ingesting
    from whereshot.photos.sources import COLLECTORS, JOBS, SOURCES, Order

    if source not in SOURCES and source not in COLLECTORS:
        raise InputError(f"no source {source!r}; {nearest_name(source, {**SOURCES, **COLLECTORS})}")
    check_records(out)
    into_units = source in JOBS and out.suffix != ".parquet"
    other_engine = engine != "local"
    if source in COLLECTORS:
        _refuse(f"is not for {source}", {"--column": column, "--check": check, "--engine": other_engine})
    else:
        own = {"--set": setting, "--endpoint": endpoint, "--yes": yes, "--budget": budget is not None}
        _refuse(f"is for {', '.join(COLLECTORS)}", own)
    if source in COLLECTORS or into_units:
        resumable(drop=["--overwrite"])
    rejects = out / "rejects"
    if source in COLLECTORS:
        order = Order(inputs, out, setting or (), where or (), endpoint, None, budget, yes, overwrite)
        document = ingesting.collect(source, replace(order, track=progress.bar, notify=say))
    elif into_units:
        if column:
            raise InputError(f"--column: the columns of {source} are known; leave it out")
        units = ingesting.Units(engine, master, unit_mb, overwrite)
        document = ingesting.by_units(
            source, inputs, out, units, check=check, where=where or (), say=say, track=progress.bar
        )
    else:
        _refuse(f"is for {', '.join(JOBS)} into a folder", {"--check": check, "--engine": other_engine})
        rejects = rejects_path(out)
        columns = pairs(column, "--column")
        document = ingesting.at_once(source, inputs, out, columns, where=where or (), say=say, track=progress.bar)
    print_kept(document, out, rejects, form)


def _refuse(why: str, options: Mapping[str, object]) -> None:
    """Raise InputError for the first option that has a value; ``why`` completes the sentence "OPTION ..."."""
    for option, value in options.items():
        if value:
            raise InputError(f"{option} {why}; leave it out")
