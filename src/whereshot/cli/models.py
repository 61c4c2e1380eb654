"""Commands on models: models list, show and get."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from whereshot.cli.base import FormatOption, ReportFormat, print_json, resumable, say, some_failed
from whereshot.foundation.errors import InputError, WhereshotError
from whereshot.models import manifest

app = typer.Typer(no_args_is_help=True, help="Models on this machine.", rich_markup_mode=None)


@app.command("list")
def models_list(
    folder: Annotated[Path | None, typer.Argument(help="Where to look; by default the user's model folder.")] = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """List the models that are known by name, and those in a folder: sizes, licences, published scores."""
    from whereshot.models import catalog, hub

    place = folder or catalog.user_models()
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    candidates = sorted(path for path in place.iterdir() if manifest.is_model(path)) if place.is_dir() else []
    found = [row for row in map(_found, candidates) if row is not None]
    here = {row["name"] for row in found}
    rows = []
    for name, one in catalog.known().items():
        built_in = one.kind == "built in"
        if name not in here and (folder is None or built_in):
            status = "built in" if built_in else "not fetched" if one.can_be_had else "not to be had"
            row = _row(name, status, one.size, one.licence) | {"told": one.told, "published": hub.published(one)}
            rows.append(row | ({"why": one.why} if one.why else {}))
    rows += found
    if form is ReportFormat.json:
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
    """A row of the list, with every key."""
    row = {"name": name, "status": status, "path": None, "size_bytes": size, "licence": licence}
    return row | {"photos": None, "backbone": None, "source": None, "published": []}


def _found(path: Path) -> dict[str, Any] | None:
    """The row of a model folder; None, and said why, for one that is damaged."""
    from whereshot.models import catalog, hub, model_folder

    try:
        folder = model_folder.ModelFolder(path)
    except WhereshotError as error:
        say(f"left out: {error}")
        some_failed()
        return None
    described, source = folder.description, hub.source_of(folder)
    one = catalog.known().get(path.name)
    licence = one.licence if one else source.get("licence")
    row = _row(described.name, "on this machine", sum(file.stat().st_size for file in folder.files()), licence)
    row |= {"path": str(path), "photos": described.training.get("photos"), "backbone": described.backbone.name}
    return row | {"source": source or None, "published": hub.published(one) if one else []}


def _score_words(score: dict[str, Any]) -> str:
    shares = [str(value) for key, value in score.items() if key.startswith("accuracy_")]
    told = [f"{' / '.join(shares)} % within 1 / 25 / 200 / 750 / 2500 km"] if shares else []
    told += [f"GeoScore {score['geoscore']:g}"] if "geoscore" in score else []
    return f"published on {score['benchmark']}: {', '.join(told)} ({score['source']})"


@app.command("show")
def models_show(
    model: Annotated[Path, typer.Argument(help="A model's name or folder.")], form: FormatOption = ReportFormat.table
) -> None:
    """Print a model's card and check its files: data, licences, intended use, limits, scores, what it does not know."""
    from whereshot.models import catalog, hub, model_folder

    name = str(model)
    if name in catalog.known() and not manifest.is_model(model_folder.find(model)):
        one, text = catalog.known()[name], hub.describe(name).to_markdown()
        if form is ReportFormat.json:
            print_json({"name": name, "path": None, "published": hub.published(one), "card": text})
        else:
            print(text, end="")
        if one.kind != "built in":
            say(catalog.not_here(name))
        return
    folder = model_folder.ModelFolder(model)
    text = hub.card_of(folder)
    if form is ReportFormat.json:
        cells = list(folder.hierarchy.sizes) if folder.description.levels else []
        more = {"cells": cells, "path": str(folder.path), "source": hub.source_of(folder) or None, "card": text}
        print_json(folder.description.model_dump(mode="json") | more)
    else:
        print(text, end="")


@app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="A model's name, or hf:OWNER/NAME[@REVISION].")],
    out: Annotated[Path | None, typer.Option(help="Its folder; by default among the user's models.")] = None,
    tower: Annotated[Path | None, typer.Option(help="Weights that were fetched by other means.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a model that stands in the way.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use what is on this machine, and no network.")] = False,
) -> None:
    """Fetch a published model by name, at a pinned revision; goes on where an earlier attempt broke off."""
    from whereshot.foundation import download, progress
    from whereshot.models import hub

    if offline:
        download.forbid()
    resumable()
    print(hub.get(name, out, tower=tower, overwrite=overwrite, say=say, track=progress.late_bar))
