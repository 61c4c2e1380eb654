"""All commands of ``whereshot``, under the names that users type."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from whereshot.cli import (
    batch,
    cells,
    curate,
    evaluate,
    explain,
    hours,
    learn,
    locate,
    models,
    pictures,
    query,
    records,
    refine,
    serve,
    train,
)
from whereshot.foundation.version import VERSION

app = typer.Typer(
    name="whereshot",
    help="Find where a photo was taken, with an honest probability map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    """Print the version and end, where --version was given."""
    if wanted:
        print(f"whereshot {VERSION}")
        raise typer.Exit


@app.callback()
def everywhere(
    offline: Annotated[
        bool, typer.Option("--offline", help="Use no network. WHERESHOT_OFFLINE=1 does the same.")
    ] = False,
    borders: Annotated[
        str | None,
        typer.Option(
            "--borders",
            help="Borders to use where they are disputed: united-nations (the default), or control (who controls the"
            " land). WHERESHOT_BORDERS does the same.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Apply the options that every command has."""
    if offline:
        from whereshot.foundation import download  # it imports all of Python's HTTP, which other commands do not need

        download.forbid()
    if borders is not None or os.environ.get("WHERESHOT_BORDERS"):
        from whereshot.earth import country_shapes

        country_shapes.choose_point_of_view(borders)


app.command()(locate.locate)
app.command()(locate.check)
app.command()(explain.explain)
app.command()(query.query)
app.command()(batch.batch)
app.command()(serve.serve)
app.command()(serve.gallery)
app.command()(records.ingest)
app.command()(curate.curate)
app.command()(curate.audit)
app.command()(pictures.fetch)
app.command()(pictures.pack)
app.add_typer(cells.app, name="cells")
app.add_typer(hours.app, name="hours")
app.add_typer(refine.app, name="refine")
app.command()(train.train)
app.command()(learn.learn)
app.command()(learn.export)
app.command()(evaluate.evaluate)
app.command()(evaluate.calibrate)
app.add_typer(models.app, name="models")
