"""Commands that make and clean records: ingest."""

from __future__ import annotations

import time
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
    check_records,
    pairs,
    print_kept,
    resumable,
    say,
    say_unread,
)
from whereshot.foundation.errors import InputError, nearest_name

if TYPE_CHECKING:
    from whereshot.photos.sources import Order

WhereOption = Annotated[
    list[str] | None, typer.Option("--where", help="Keep only these, as country=US,CA or split!=test. Repeatable.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Start again, and drop what is there.")]


def ingest(
    source: Annotated[str, typer.Argument(help="folder, table, yfcc, osv5m, flickr, streetview or mapillary.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Folders, tables, parts of a dump, queries or addresses.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="A folder of Parquet shards, or one .parquet file.", show_default=False)],
    column: ColumnOption = None,
    engine: EngineOption = "local",
    master: MasterOption = None,
    check: Annotated[
        str | None,
        typer.Option(help="Where the pictures are: a folder, s3://bucket/prefix or https://...", show_default=False),
    ] = None,
    unit_mb: Annotated[float, typer.Option(help="Text that is done at a time, and again after a kill.")] = 64.0,
    where: WhereOption = None,
    setting: SetOption = None,
    endpoint: Annotated[str | None, typer.Option(help="Another address of the API.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on where pictures cost money.")] = False,
    budget: Annotated[
        float | None, typer.Option(help="USD that may be spent, in all runs.", show_default=False)
    ] = None,
    overwrite: OverwriteOption = False,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Make records of photos with positions; what cannot be used goes to rejects/ with its reason.

    All but a folder and a table go on where they stopped when the same command is given again. docs/sources.md has
    each source, its settings and its terms.
    """
    from whereshot.photos.sources import COLLECTORS, JOBS, SOURCES, Order

    if source not in SOURCES and source not in COLLECTORS:
        raise InputError(f"no source {source!r}; {nearest_name(source, {**SOURCES, **COLLECTORS})}")
    check_records(out)
    for given, option in (
        (setting, "--set"),
        (endpoint, "--endpoint"),
        (yes, "--yes"),
        (budget is not None, "--budget"),
    ):
        if given and source not in COLLECTORS:
            raise InputError(f"{option} is for {', '.join(COLLECTORS)}; leave it out")
    if source in COLLECTORS or (source in JOBS and out.suffix != ".parquet"):
        resumable(drop=["--overwrite"])
    if source in COLLECTORS:
        for given, option in ((column, "--column"), (check, "--check"), (engine != "local", "--engine")):
            if given:
                raise InputError(f"{option} is not for {source}; leave it out")
        rejects = out / "rejects"
        order = Order(inputs, out, setting or (), where or (), endpoint, None, budget, yes, overwrite)
        document = _collected(source, order)
    elif source in JOBS and out.suffix != ".parquet":
        if column:
            raise InputError(f"--column: the columns of {source} are known; leave it out")
        rejects = out / "rejects"
        document = _by_units(source, inputs, out, engine, master, check, unit_mb, overwrite, where or [])
    else:
        if engine != "local" or check:
            option = "--check" if check else "--engine"
            raise InputError(f"{option} is for {', '.join(JOBS)} into a folder; leave it out")
        from whereshot.foundation.tables import rejects_path

        rejects = rejects_path(out)
        document = _at_once(source, inputs, out, pairs(column, "--column"), where or [])
    if source == "folder":
        say_unread(inputs)
    print_kept(document, out, rejects, form)


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
    """Unit by unit on an engine, going on where an earlier run of the same job stopped."""
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
    """By a source that fills its folder itself, going on where an earlier run stopped."""
    from dataclasses import replace

    from whereshot.foundation import progress
    from whereshot.photos.sources import COLLECTORS

    if order.out.suffix == ".parquet":
        raise InputError(f"{order.out}: {source} fills a folder; name one without .parquet")
    collected = COLLECTORS[source](replace(order, track=progress.bar, tell=say))
    for note in collected.notes:
        say(note)
    return collected.summary


def _at_once(source: str, inputs: list[Path], out: Path, columns: dict[str, str], where: list[str]) -> dict[str, Any]:
    """All rows in memory: what is there is replaced, whole or not at all."""
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
