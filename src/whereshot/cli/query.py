"""Query by example: the photos of a gallery that look most like a photo."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import DeviceOption, check_file, finite, resumable, say
from whereshot.foundation import output_files
from whereshot.foundation.errors import visible


class Format(enum.StrEnum):
    table = "table"
    json = "json"
    html = "html"


class Measure(enum.StrEnum):
    cosine = "cosine"
    l2 = "l2"


def query(
    photo: Annotated[Path, typer.Argument(help="A photo.", show_default=False)],
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="A model folder, a folder of photos, a table or Records of photos, or a Parquet file of features; by "
            "default the photos of the model.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Whose features are compared; by default compact.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many photos to show.")] = 6,
    metric: Annotated[
        Measure, typer.Option(help="One minus the cosine, or the Euclidean distance of features as they are.")
    ] = Measure.cosine,
    form: Annotated[Format, typer.Option("--format")] = Format.table,
    out: Annotated[Path | None, typer.Option(help="Write the answer to a file.", show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that compute features.")] = None,
    device: DeviceOption = None,
) -> None:
    """Show the photos that look most like a photo, with their distances."""
    import json

    from whereshot.foundation import progress
    from whereshot.locate import lookalikes
    from whereshot.photos import images
    from whereshot.report import lookalikes_page

    check_file(out)
    resumable()  # the features of the gallery's photos are kept
    images.open_rgb(str(photo), min_side=64)  # before a gallery is looked at for an hour
    opened = lookalikes.open_gallery(
        gallery, model, metric=metric.value, device=device, workers=workers, track=progress.bar
    )
    for name, why in list(opened.errors.items())[:5]:
        say(f"left out: {name}: {why}")
    if len(opened.errors) > 5:
        say(f"left out: {len(opened.errors) - 5} more")
    found = opened.nearest(str(photo), top)
    if form is Format.html:
        answer = lookalikes_page.to_html(str(photo), opened, metric.value, found)
    elif form is Format.json:
        document = lookalikes.to_json(images.printable(str(photo)), opened, metric.value, found)
        answer = json.dumps(finite(document), indent=1, ensure_ascii=False)
    else:
        answer = "\n".join(visible(line) for line in lookalikes.in_words(found))
    if out is not None:
        output_files.write_text(out, answer + "\n")
        say(f"wrote {out}")
    else:
        print(answer)
