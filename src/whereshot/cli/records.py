"""The command that makes Records: ingest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whereshot.cli.base import (
    ColumnOption,
    EngineOption,
    FormatOption,
    MasterOption,
    ReportFormat,
    SetOption,
    StartAgainOption,
    check_records,
    pairs,
    print_kept,
    resumable,
    say,
)
from whereshot.foundation.errors import InputError, nearest_name

if TYPE_CHECKING:
    from whereshot.photos.sources import Order

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
    yes: Annotated[bool, typer.Option("--yes", help="Continue where pictures cost money.")] = False,
    budget: BudgetOption = None,
    overwrite: StartAgainOption = False,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Make Records of photos with positions. Rows that cannot be used go to rejects/ with the reason.

    The same command continues a stopped run, except for the sources folder and table. docs/sources.md describes each
    source, its settings and its terms.
    """
    from whereshot.foundation.tables import rejects_path
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
        document = _collected(source, order)
    elif into_units:
        if column:
            raise InputError(f"--column: the columns of {source} are known; leave it out")
        document = _by_units(source, inputs, out, engine, master, check, unit_mb, overwrite, where or [])
    else:
        _refuse(f"is for {', '.join(JOBS)} into a folder", {"--check": check, "--engine": other_engine})
        rejects = rejects_path(out)
        document = _at_once(source, inputs, out, pairs(column, "--column"), where or [])
    print_kept(document, out, rejects, form)


def _refuse(why: str, options: Mapping[str, object]) -> None:
    """Raise InputError for the first option that has a value; ``why`` completes the sentence "OPTION ..."."""
    for option, value in options.items():
        if value:
            raise InputError(f"{option} {why}; leave it out")


def _by_units(
    source: str,
    inputs: list[Path],
    out: Path,
    engine: str,
    master: str | None,
    check: str | None,
    unit_mb: float,
    overwrite: bool,
    where: list[str],
) -> dict[str, Any]:
    """Read the inputs unit by unit on an engine, and continue an earlier run of the same job."""
    from whereshot.foundation import progress
    from whereshot.foundation.jobs import ENGINES, Shards, split
    from whereshot.photos.sources import JOBS, picture_exists
    from whereshot.photos.sources.row_conditions import selected

    if engine not in ENGINES:
        raise InputError(f"no engine {engine!r}; {nearest_name(engine, ENGINES)}")
    if unit_mb <= 0:
        raise InputError(f"--unit-mb must be more than 0; got {unit_mb:g}")
    job = selected(JOBS[source], where)
    job = job if check is None else picture_exists.checked(job, check)
    units = split(inputs, unit_bytes=int(unit_mb * 1024**2))
    settings = {**job.settings, "unit_mb": unit_mb}
    with Shards(out, job.name, settings, inputs, overwrite=overwrite) as shards:
        pending = set(shards.pending([unit.name for unit in units]))
        if shards.done:
            say(f"{out}: {len(shards.done)} of {len(units)} units are done; going on")
        left = [unit for unit in units if unit.name in pending]
        if left:
            ENGINES[engine](master).run(job, left, shards, progress.bar)
        return shards.summary()


def _collected(source: str, order: Order) -> dict[str, Any]:
    """Run a source that fills its folder itself, and continue an earlier run."""
    from dataclasses import replace

    from whereshot.foundation import progress
    from whereshot.photos.sources import COLLECTORS

    if order.out.suffix == ".parquet":
        raise InputError(f"{order.out}: {source} fills a folder; name one without .parquet")
    collected = COLLECTORS[source](replace(order, track=progress.bar, notify=say))
    for note in collected.notes:
        say(note)
    return collected.summary


def _at_once(source: str, inputs: list[Path], out: Path, columns: dict[str, str], where: list[str]) -> dict[str, Any]:
    """Read all rows into memory, and replace the output as a whole or not at all."""
    from whereshot.foundation import progress
    from whereshot.foundation.jobs import MANIFEST
    from whereshot.foundation.tables import count_reasons, write_rejects
    from whereshot.photos.sources import SOURCES
    from whereshot.photos.sources.row_conditions import choose, parse

    started = time.perf_counter()
    if (out / MANIFEST).exists():
        raise InputError(f"{out}: holds the shards of a job that can go on; name another --out, or remove it")
    conditions = parse(where)
    ingested = choose(SOURCES[source](inputs, columns, progress.bar), conditions)
    write_rejects(ingested.rejects, out)
    for note in ingested.notes:
        say(note)
    if len(ingested.records):
        ingested.records.write(out)
    return {
        "rows": ingested.rows,
        "kept": len(ingested.records),
        "rejected": count_reasons(ingested.rejects),
        "seconds": round(time.perf_counter() - started, 3),
    }
