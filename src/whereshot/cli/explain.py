"""The command explain: show which parts of a picture led to the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    DeviceOption,
    FormatOption,
    ModelOption,
    PhotoArgument,
    ReaderOption,
    TextOption,
    UseExifOption,
    check_file,
    print_json,
    print_words,
    say,
)
from whereshot.foundation.errors import InputError, visible
from whereshot.locate.options import LocateOptions


def explain(
    photo: PhotoArgument,
    model: ModelOption = None,
    method: Annotated[str, typer.Option(help="Method: occlusion (for any model), rollout or gradcam.")] = "occlusion",
    out: Annotated[Path | None, typer.Option(help="PNG file to write: the picture with its heat map.")] = None,
    of: Annotated[
        int | None, typer.Option("--of", help="Explain candidate N of the answer instead of the answer.")
    ] = None,
    text: TextOption = LocateOptions.text,
    reader: ReaderOption = LocateOptions.reader,
    use_exif: UseExifOption = LocateOptions.use_exif,
    form: FormatOption = "table",
    device: DeviceOption = None,
) -> None:
    """Show which parts of the picture led to the answer: a heat map, and the evidence in words.

    The heat is how much less likely the place becomes when a part is hidden (occlusion), how much attention a part gets
    (rollout, for vision transformers), or how much the network's last layer speaks for the place there (gradcam, for
    convolutional networks).
    """
    from whereshot.foundation import progress
    from whereshot.locate import explain as explaining
    from whereshot.locate.geolocator import Geolocator

    if out is not None and out.suffix.lower() != ".png":
        raise InputError(f"--out writes a .png file; got {out}")
    check_file(out)
    locator = Geolocator.load(model, device)
    options = LocateOptions(text=text, use_exif=use_exif, reader=reader)
    found = explaining.explain(locator, str(photo), method=method, number=of, options=options, track=progress.late_bar)
    if out is not None:
        explaining.overlay.write(found.draw(), out)
    if form == "json":
        print_json(found.to_json())
    else:
        print_words("\n".join(map(visible, [found.photo, *(f"  {line}" for line in found.in_words())])))
    if out is not None:
        say(f"wrote {out}")
