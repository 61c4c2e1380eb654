"""The command hours fit, for the hour at which a photo was taken as evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import ColumnOption, FormatOption, check_file, print_json, read_records, say

app = typer.Typer(
    no_args_is_help=True, help="Use the hour at which photos were taken as evidence.", rich_markup_mode=None
)


@app.command("fit")
def hours_fit(
    inputs: Annotated[list[Path], typer.Argument(help="Records, or tables with positions and times in UTC.")],
    out: Annotated[Path, typer.Option(help="The .toml file to write, for locate --hours.", show_default=False)],
    column: ColumnOption = None,
    form: FormatOption = "table",
) -> None:
    """Learn from your own photos at which hours of solar time you take photos, for locate --hours."""
    from whereshot.evidence.time import HourModel

    check_file(out, ".toml")
    records = [read_records(path, column) for path in inputs]
    fitted = HourModel.fit(records)
    fitted.save(out)
    if fitted.skipped_local:
        say(f"{fitted.skipped_local} photos with a local time of an unknown zone were skipped")
    if form == "json":
        print_json({"photos": fitted.photos, "skipped_local": fitted.skipped_local, "shares": fitted.shares})
        return
    busiest = max(range(len(fitted.shares)), key=lambda hour: fitted.shares[hour])
    print(f"{fitted.photos} photos; most are taken from {busiest} to {busiest + 1} h solar time; wrote {out}")
