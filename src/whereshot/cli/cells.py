"""Commands on partitions: cells build."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    FormatOption,
    ReportFormat,
    SetOption,
    check_writable,
    pairs,
    print_json,
    read_records,
)
from whereshot.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Divide the Earth into cells.", rich_markup_mode=None)


@app.command("build")
def cells_build(
    inputs: Annotated[list[Path], typer.Argument(help="Records, or tables with positions.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The .parquet file to write.", show_default=False)],
    kind: Annotated[str, typer.Option(help="Kind of partition.")] = "s2",
    settings: SetOption = None,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Build a partition of the Earth from where photos were taken."""
    import numpy as np

    from whereshot import config, partition

    if out.suffix != ".parquet":
        raise InputError(f"--out names a .parquet file; got {out}")
    check_writable(out)
    given = {key: config.toml_value(value) for key, value in pairs(settings, "--set").items()}
    records = [read_records(path, column) for path in inputs]
    points = np.concatenate([part.points for part in records])
    started = time.perf_counter()
    built = partition.build(kind, points, given)
    seconds = time.perf_counter() - started
    built.save(out)
    document = {
        "kind": kind,
        "cells": len(built),
        "photos": len(points),
        "photos_kept": int(built.counts.sum()),
        "seconds": round(seconds, 3),
    }
    if form is ReportFormat.json:
        print_json(document)
    else:
        print(
            f"{len(built)} cells hold {document['photos_kept']} of {len(points)} photos; wrote {out} ({seconds:.2f} s)"
        )
