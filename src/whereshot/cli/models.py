"""Commands on models: models list, show and get."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from whereshot.cli.base import (
    FormatOption,
    ReplaceModelOption,
    print_json,
    resumable,
    say,
    some_failed,
)
from whereshot.foundation.errors import InputError, WhereshotError
from whereshot.models import manifest

app = typer.Typer(no_args_is_help=True, help="Models on this machine.", rich_markup_mode=None)


@app.command("list")
def models_list(
    folder: Annotated[Path | None, typer.Argument(help="Folder of models; by default the user's own.")] = None,
    form: FormatOption = "table",
) -> None:
    """List the models that have a name, and the models in a folder: sizes, licences, published scores."""
    from whereshot.models import catalog, hub

    place = folder or catalog.user_models()
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    candidates = sorted(path for path in place.iterdir() if manifest.is_model(path)) if place.is_dir() else []
    found = [row for row in map(_found, candidates) if row is not None]
    here = {row["name"] for row in found}
    rows = []
    for name, known in catalog.known().items():
        built_in = known.kind == "built in"
        if name not in here and (folder is None or built_in):
            status = "built in" if built_in else "not fetched" if known.is_fetchable else "not to be had"
            row = _row(name, status, known.size, known.licence)
            row |= {"told": known.summary, "published": hub.published(known)}
            rows.append(row | ({"why": known.why} if known.why else {}))
    rows += found
    if form == "json":
        print_json({"models": rows})
        return
    for row in rows:
        size = "" if row["size_bytes"] is None else f"{row['size_bytes'] / 1e6:,.1f} MB"
        print(f"{row['name']:20} {row['status']:13} {size:>11}  {row['licence'] or 'licence: see its card'}")
        print(f"{'':20} {row['path'] or row['told']}")
        if row["source"] is not None:
            print(f"{'':20} fetched as hf:{row['source']['repository']}@{row['source']['revision'][: catalog.SHORT]}")
        for score in row["published"]:
            print(f"{'':20} {_score_words(score)}")
    print("Fetch one with: whereshot models get NAME; read its card with: whereshot models show NAME")


def _row(name: str, status: str, size: int | None, licence: str | None) -> dict[str, Any]:
    """Return a row of the list with all keys; those that are not given here are None or empty."""
    row = {"name": name, "status": status, "path": None, "size_bytes": size, "licence": licence}
    return row | {"photos": None, "backbone": None, "source": None, "published": []}


def _found(path: Path) -> dict[str, Any] | None:
    """Return the row of a model folder. For a damaged folder, report the error and return None."""
    from whereshot.models import catalog, hub, model_folder

    try:
        folder = model_folder.ModelFolder(path)
    except WhereshotError as error:
        say(f"left out: {error}")
        some_failed()
        return None
    described, source = folder.description, hub.source_of(folder)
    known = catalog.known().get(path.name)
    licence = known.licence if known else source.get("licence")
    row = _row(described.name, "on this machine", sum(file.stat().st_size for file in folder.files()), licence)
    row |= {"path": str(path), "photos": described.training.get("photos"), "backbone": described.backbone.name}
    return row | {"source": source or None, "published": hub.published(known) if known else []}


def _score_words(score: dict[str, Any]) -> str:
    shares = [str(value) for key, value in score.items() if key.startswith("accuracy_")]
    parts = [f"{' / '.join(shares)} % within 1 / 25 / 200 / 750 / 2500 km"] if shares else []
    parts += [f"GeoScore {score['geoscore']:g}"] if "geoscore" in score else []
    return f"published on {score['benchmark']}: {', '.join(parts)} ({score['source']})"


@app.command("show")
def models_show(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")], form: FormatOption = "table"
) -> None:
    """Print the card of a model and check its files. A card has data, licences, intended use, limits and scores."""
    from whereshot.models import catalog, hub, model_folder

    name = str(model)
    if name in catalog.known() and not manifest.is_model(model_folder.find(model)):
        known, text = catalog.known()[name], hub.describe(name).to_markdown()
        if form == "json":
            print_json({"name": name, "path": None, "published": hub.published(known), "card": text})
        else:
            print(text, end="")
        if known.kind != "built in":
            say(catalog.not_here(name))
        return
    folder = model_folder.ModelFolder(model)
    text = hub.card_of(folder)
    if form == "json":
        cells = list(folder.hierarchy.sizes) if folder.description.levels else []
        more = {"cells": cells, "path": str(folder.path), "source": hub.source_of(folder) or None, "card": text}
        print_json(folder.description.model_dump(mode="json") | more)
    else:
        print(text, end="")


@app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="Name of a model, or hf:OWNER/NAME[@REVISION].")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default in the user's model folder.")] = None,
    tower: Annotated[
        Path | None, typer.Option(help="Weights file of geoclip's image tower that is already on this machine.")
    ] = None,
    overwrite: ReplaceModelOption = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use only files on this machine.")] = False,
) -> None:
    """Fetch a published model by name, at a pinned revision. The same command continues a stopped download."""
    from whereshot.foundation import download, progress
    from whereshot.models import hub

    if offline:
        download.forbid()
    resumable()
    print(hub.get(name, out, tower=tower, overwrite=overwrite, say=say, track=progress.late_bar))
