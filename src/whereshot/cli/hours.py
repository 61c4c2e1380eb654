"""The command hours fit, for the hour at which a photo was taken as evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import ColumnOption, FormatOption, ReportFormat, check_file, print_json, read_records, say
from whereshot.foundation.errors import InputError

app = typer.Typer(
    no_args_is_help=True, help="Use the hour at which photos were taken as evidence.", rich_markup_mode=None
)


@app.command("fit")
def hours_fit(
    inputs: Annotated[list[Path], typer.Argument(help="Records, or tables with positions and times in UTC.")],
    out: Annotated[Path, typer.Option(help="The .toml file to write, for locate --hours.", show_default=False)],
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Learn from your own photos at which hours of solar time you take photos, for locate --hours."""
    from whereshot.evidence.time import HourModel

    if out.suffix != ".toml":
        raise InputError(f"--out names a .toml file; got {out}")
    check_file(out)
    records = [read_records(path, column) for path in inputs]
    fitted = HourModel.fit(records)
    fitted.save(out)
    if fitted.skipped_local:
        say(f"{fitted.skipped_local} photos with a local time of an unknown zone were skipped")
    if form is ReportFormat.json:
        print_json({"photos": fitted.photos, "skipped_local": fitted.skipped_local, "shares": fitted.shares})
        return
    busiest = max(range(len(fitted.shares)), key=lambda hour: fitted.shares[hour])
    print(f"{fitted.photos} photos; most are taken from {busiest} to {busiest + 1} h solar time; wrote {out}")
