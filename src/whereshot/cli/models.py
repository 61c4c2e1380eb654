"""Commands on models: train, models list, show and get."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    DeviceOption,
    FormatOption,
    ReportFormat,
    SetOption,
    print_json,
    say,
    some_failed,
)
from whereshot.errors import InputError, ModelError, WhereshotError

app = typer.Typer(no_args_is_help=True, help="Models on this machine.", rich_markup_mode=None)


def train(
    run: Annotated[Path, typer.Argument(help="A run file.", show_default=False)],
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option(help="Go on where a run that was killed stopped.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace a model that stands in the way.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that compute features.")] = None,
    device: DeviceOption = None,
) -> None:
    """Train a model from a run file into a model folder."""
    from whereshot import config, errors, progress

    errors.require("torch", extra="torch")
    from whereshot import train as training

    settled = config.load(run, training.Run, settings or ())
    started = time.perf_counter()
    folder = training.train(
        settled, resume=resume, overwrite=overwrite, device=device, workers=workers, track=progress.bar, say=say
    )
    print(f"{folder} ({time.perf_counter() - started:.0f} s)")


@app.command("list")
def models_list(
    folder: Annotated[Path | None, typer.Argument(help="Where to look; by default the user's model folder.")] = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """List the models in a folder, and those built in."""
    from whereshot import checkpoint

    place = folder or checkpoint.user_models()
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    candidates = sorted(path for path in place.iterdir() if checkpoint.is_model(path)) if place.is_dir() else []
    shipped = checkpoint.ModelFolder(checkpoint.COMPACT).description
    rows = [
        {"name": shipped.name, "path": None, "photos": shipped.training["photos"], "backbone": shipped.backbone.name},
        {"name": "prior", "path": None, "photos": None, "backbone": None},
    ]
    told = {
        "compact": "built in: signs, where photos are taken at all, and what learn looks with",
        "prior": "built in: where photos are taken at all",
    }
    for path in candidates:
        try:
            described = checkpoint.ModelFolder(path).description
        except WhereshotError as error:
            say(f"left out: {error}")
            some_failed()
            continue
        rows.append(
            {
                "name": described.name,
                "path": str(path),
                "photos": described.training.get("photos"),
                "backbone": described.backbone.name,
            }
        )
    if form is ReportFormat.json:
        print_json({"models": rows})
        return
    for row in rows:
        print(f"{row['name']:20} {row['path'] or told[row['name']]}")


@app.command("show")
def models_show(
    model: Annotated[Path, typer.Argument(help="A model's name or folder.")], form: FormatOption = ReportFormat.table
) -> None:
    """Describe a model and check its files."""
    from whereshot import checkpoint, hub

    if str(model) in hub.PUBLISHED and not checkpoint.find(model).exists():
        raise ModelError(f"{model} is not on this machine yet; fetch it with: whereshot models get {model}")
    folder = checkpoint.ModelFolder(model)
    if form is ReportFormat.json:
        cells = list(folder.hierarchy.sizes) if folder.description.levels else []
        print_json(folder.description.model_dump(mode="json") | {"cells": cells})
    else:
        print((folder.path / "README.md").read_text("utf-8"), end="")


@app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="A model's name.")],
    out: Annotated[Path | None, typer.Option(help="Its folder; by default among the user's models.")] = None,
    tower: Annotated[Path | None, typer.Option(help="Weights that were fetched by other means.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a model that stands in the way.")] = False,
) -> None:
    """Fetch a published model by name."""
    from whereshot import hub

    print(hub.get(name, out, tower=tower, overwrite=overwrite, say=say))
