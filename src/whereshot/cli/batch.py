"""The command batch: it locates many photos and writes a folder of Parquet shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    EngineOption,
    FormatOption,
    LevelOption,
    MasterOption,
    ModelOption,
    ReaderOption,
    StartAgainOption,
    TextOption,
    TopOption,
    UseExifOption,
    WithinOption,
    check_folder,
    pairs,
    print_done,
    resumable,
    say,
    say_unread,
    some_failed,
)
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.locate.options import LocateOptions


def batch(
    photos: Annotated[
        Path, typer.Argument(metavar="RECORDS", help="Records, a table of pictures, or a folder.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder of Parquet shards to write.", show_default=False)],
    model: ModelOption = None,
    top: TopOption = LocateOptions.top,
    within: WithinOption = LocateOptions.within_km,
    level: LevelOption = LocateOptions.level,
    text: TextOption = LocateOptions.text,
    reader: ReaderOption = LocateOptions.reader,
    use_exif: UseExifOption = LocateOptions.use_exif,
    column: ColumnOption = None,
    engine: EngineOption = "local",
    master: MasterOption = None,
    unit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Photos in one unit of work; a stopped run repeats unfinished units.", show_default="16 to 256"
        ),
    ] = None,
    overwrite: StartAgainOption = False,
    device: DeviceOption = None,
    form: FormatOption = "table",
) -> None:
    """Locate many photos into a folder of Parquet shards, one row for each photo; a failed photo's row has its error.

    The same command continues a stopped run. To score the result: whereshot evaluate --predictions DIR.
    """
    from whereshot.foundation import progress
    from whereshot.foundation.jobs import ENGINES
    from whereshot.locate import batch as batches
    from whereshot.photos.sources import UnreadFiles

    if engine not in ENGINES:
        raise InputError(f"no engine {engine!r}; {nearest_name(engine, ENGINES)}")
    if master is not None and engine == "local":
        raise InputError("--master is for --engine spark; leave it out")
    check_folder(out)
    resumable(drop=["--overwrite"])
    unread = UnreadFiles()
    records = batches.read_photos(photos, pairs(column, "--column"), unread)
    twice = len(records) - len(records.table["id"].unique())
    if twice:
        say(f"{photos}: {twice} rows have the id of an earlier row; each is located and gets its own row")
    options = LocateOptions(top=top, within_km=within, level=level, text=text, use_exif=use_exif, reader=reader)
    asked = batches.Asked(model, device, options)
    document = batches.locate_all(
        records, out, asked, ENGINES[engine](master), unit_photos=unit, overwrite=overwrite, track=progress.bar
    )
    if document["rejected"]:
        some_failed()
    say_unread(unread)
    print_done(document, out, out / "rejects", form, "photos located", "failed")
