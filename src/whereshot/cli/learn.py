"""The commands learn and export: make a model from the user's own photos, and write a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FeatureWorkersOption,
    FormatOption,
    ReplaceModelOption,
    check_folder,
    pairs,
    print_json,
    resumable,
    say,
)
from whereshot.foundation.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from whereshot.photos.records import Records


def learn(
    photos: Annotated[
        list[Path], typer.Argument(help="Folders of photos, or Records, or a table with positions.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(help="Model folder to write; photos are added to an existing one.", show_default=False)
    ],
    model: Annotated[str, typer.Option(help="Model that computes the features of the photos.")] = "compact",
    one_crop: Annotated[
        bool, typer.Option("--one-crop", help="Use only the middle of each photo: faster, less exact.")
    ] = False,
    known_share: Annotated[
        float | None,
        typer.Option(
            help="Share, 0 to 1, of the photos you will locate that show one of these places.", show_default="0.7"
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Delete the photos that the model in --out has learned.")] = False,
    workers: FeatureWorkersOption = None,
    column: ColumnOption = None,
    device: DeviceOption = None,
    form: FormatOption = "table",
) -> None:
    """Learn the places of your own photos from their positions. With more photos later, it reads only the new ones.

    To use the model: whereshot locate PHOTO --model DIR. It contains features and positions, not pictures.
    """
    from whereshot.foundation import progress
    from whereshot.foundation.tables import count_reasons
    from whereshot.training import learn as learning

    if device not in (None, "cpu"):
        raise InputError(f"learn runs on the CPU only; got device {device!r}")
    check_folder(out, replaced=True)
    resumable()
    records, rejects = _read(photos, column)
    learned = learning.learn(
        records,
        out,
        model=model,
        rejects=rejects,
        one_crop=one_crop,
        known_share=learning.KNOWN_SHARE if known_share is None else known_share,
        overwrite=overwrite,
        workers=workers,
        track=progress.bar,
        say=say,
    )
    reasons = count_reasons(learned.rejects)
    if form == "json":
        print_json(learned.to_json() | {"rejected": reasons})
    else:
        print("\n".join(learning.summary(learned, list(reasons.items()))))
        if reasons:
            print(f"  listed in {out / 'rejects.parquet'}")


def _read(photos: list[Path], column: list[str] | None) -> tuple[Records, pa.Table]:
    """Return the records with a position, and a table of rejects for the other photos."""
    from whereshot.foundation import progress
    from whereshot.foundation.tables import rejects_table
    from whereshot.photos.records import Records
    from whereshot.photos.reject_reasons import NO_POSITION
    from whereshot.photos.sources import SOURCES

    folders = [path for path in photos if path.is_dir() and not any(path.glob("*.parquet"))]
    if len(folders) == len(photos):
        ingested = SOURCES["folder"](photos, pairs(column, "--column"), progress.bar)
        for note in ingested.notes:
            say(note)
        return ingested.records, ingested.rejects
    if len(photos) > 1:
        raise InputError(f"learn takes folders of photos, or one table or Records; got {len(photos)} paths")
    (path,) = photos
    if path.is_file() and (column or path.suffix.lower() != ".parquet"):
        ingested = SOURCES["table"]([path], pairs(column, "--column"), progress.silent)
        return ingested.records, ingested.rejects
    records = Records.read(path)
    lost = records[~records.has_position]
    rejects = rejects_table(
        (name, image, NO_POSITION, "latitude or longitude is missing")
        for name, image in zip(lost.strings("id"), lost.strings("image"), strict=True)
    )
    return records[records.has_position], rejects


def export(
    model: Annotated[str, typer.Argument(help="Name or folder of a model.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write: a model, or a site.", show_default=False)],
    onnx: Annotated[bool, typer.Option("--onnx", help="Write a model folder with network.onnx.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Write a static site that runs the model in the browser.")] = False,
    overwrite: ReplaceModelOption = False,
) -> None:
    """Write a model for other programs: with its network for ONNX Runtime, or as a static web site.

    With network.onnx, locate is about three times as fast on the CPU. network.json describes how a picture becomes the
    input of the network, and what the outputs mean. A site consists of files for any web server; its visitors upload
    nothing.
    """
    if onnx == web:
        raise InputError("say what to export: --onnx or --web" + ", not both" * onnx)
    check_folder(out, replaced=True)
    if web:
        from whereshot.server import static_site

        print(static_site.summary(static_site.write(model, out, overwrite=overwrite, say=say)))
        return
    from whereshot.models import onnx_export as exporting

    folder = exporting.export(model, out, overwrite=overwrite)
    print(f"{folder}: network.onnx ({(folder / 'network.onnx').stat().st_size / 1e6:.1f} MB), network.json")
