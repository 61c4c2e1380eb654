"""Query by example: the photos of a gallery that look most like a photo."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    DeviceOption,
    FeatureWorkersOption,
    OutFileOption,
    PhotoArgument,
    check_file,
    print_answer,
    resumable,
    say,
)
from whereshot.report.answer_formats import LOOKALIKE_WRITERS, LookalikeFormat, LookalikePhotos


class Measure(enum.StrEnum):
    """The measures of distance between features."""

    cosine = "cosine"
    l2 = "l2"


def query(
    photo: PhotoArgument,
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="Photos to compare with: a model folder, a folder of photos, a table or Records of photos, or a "
            "Parquet file of features; by default the photos of the model.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model whose features are compared; by default compact.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Number of photos to show.")] = 6,
    metric: Annotated[
        Measure, typer.Option(help="Distance: one minus the cosine, or the Euclidean distance of the features.")
    ] = Measure.cosine,
    form: Annotated[LookalikeFormat, typer.Option("--format", help="Format of the answer.")] = "table",
    out: OutFileOption = None,
    workers: FeatureWorkersOption = None,
    device: DeviceOption = None,
) -> None:
    """Show the photos that look most like a photo, with their distances."""
    from whereshot.foundation import progress
    from whereshot.locate import lookalikes
    from whereshot.photos import images

    check_file(out)
    resumable()  # the features of the gallery's photos are kept
    images.open_rgb(str(photo), min_side=64)  # opening a gallery can take an hour: refuse a damaged photo first
    opened = lookalikes.open_gallery(
        gallery, model, metric=metric.value, device=device, workers=workers, track=progress.bar
    )
    for name, why in list(opened.errors.items())[:5]:
        say(f"left out: {why if name in why else f'{name}: {why}'}")
    if len(opened.errors) > 5:
        say(f"left out: {len(opened.errors) - 5} more")
    found = opened.nearest(str(photo), top)
    if form == "table":
        say(lookalikes.meaning(found))
    answer = LOOKALIKE_WRITERS[form](LookalikePhotos(str(photo), opened, metric.value, found))
    print_answer(answer, out, is_words=form == "table")
