"""Run the steps of curation over any number of records, unit by unit; a killed run continues where it stopped.

Photos are judged one by one on an engine, unit by unit. Where a step chooses among all photos that are left, these
units go to ``.judged`` in the output folder. The choice is made on a few columns of all of them, the same in every run,
and written unit by unit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whereshot.foundation.errors import ImageError, InputError, nearest_name
from whereshot.foundation.jobs import DETAIL_COLUMN, REASON_COLUMN, Engine, RowJob, Shards, Unit, shard_path, split
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import REJECTS, rejects_table
from whereshot.photos.curate.base import CuratedPhoto, Dropped, Reject, Settings
from whereshot.photos.curate.steps import STEPS
from whereshot.photos.record_stream import RecordFiles
from whereshot.photos.records import Records
from whereshot.photos.reject_reasons import NO_FILE, NO_FILE_DETAIL, UNREADABLE

UNIT_PHOTOS = 1000
"""Pictures in a unit. An interrupted run judges the unit in progress again."""
UNIT_ROWS = 200_000
"""Rows in a unit where no step reads pictures."""

JUDGED, MASKED = ".judged", "masked"

Steps = Mapping[str, Settings]
"""The settings of each requested step by its name."""


def curate(
    records: Sequence[str | Path],
    out: str | Path,
    steps: Steps,
    engine: Engine,
    *,
    overwrite: bool = False,
    track: Track = silent,
) -> dict[str, Any]:
    """Run the steps in the order of STEPS; return {"rows", "kept", "rejected", "seconds"} of all runs.

    Several ``records`` are read one after the other. Raises InputError for settings out of range and for records that
    lack a column that a step needs, and OutputError where nothing can be written.
    """
    out = Path(out)
    steps = _checked(records, out, steps)
    shards = [str(shard) for path in records for shard in RecordFiles(path, 1).shards]
    files = [file for name in steps for file in STEPS[name].files(steps[name])]
    pictures = any(STEPS[name].needs_picture(steps[name]) for name in steps)
    rows = UNIT_PHOTOS if pictures else UNIT_ROWS
    units = split(shards, unit_rows=rows)
    choosing = [name for name in steps if STEPS[name].choose is not None]
    identity = {"steps": steps, "unit_rows": rows}
    job = RowJob("curate", judge, {"steps": steps, "masked": str((out / MASKED).absolute())})
    with Shards(out, "curate", identity, [*shards, *files], overwrite=overwrite) as done:
        if overwrite:
            shutil.rmtree(out / MASKED, ignore_errors=True)
        if not choosing:
            _run(job, units, done, engine, track)
            return done.summary()
        with Shards(out / JUDGED, "curate", identity, [*shards, *files], overwrite=overwrite) as judged:
            pending = set(done.pending([unit.name for unit in units]))
            if pending:
                _run(job, units, judged, engine, track)
                names = [unit.name for unit in units]
                dropped = _choose_rows(judged.folder, names, {name: steps[name] for name in choosing})
                for _ in track(_written(judged, done, names, dropped), total=len(names), what="writing records"):
                    pass
            for shard in judged.folder.rglob("*.parquet"):  # the choice is written and not needed again
                shard.unlink()
            return {**done.summary(), "seconds": round(judged.seconds, 3)}


def _checked(records: Sequence[str | Path], out: Path, steps: Steps) -> dict[str, dict[str, Any]]:
    """Return the steps in their order. Raises InputError where a step cannot run."""
    if not records:
        raise InputError("curate needs records; make some with: whereshot ingest")
    sources = [RecordFiles(path, 1) for path in records]
    for source in sources:
        source.check_apart(out)
    for name in steps:
        if name not in STEPS:
            raise InputError(f"no step {name!r}; {nearest_name(name, STEPS)}")
    if not steps:
        raise InputError("nothing to do; give a step, as --verify or --duplicates")

    def has_column(name: str) -> bool:
        return any(_has_values(shard, name) for source in sources for shard in source.shards)

    for name, settings in steps.items():
        check = STEPS[name].check
        if check is not None:
            check(settings, has_column)
        if STEPS[name].needs_picture(settings) and not has_column("image"):
            listed = ", ".join(map(str, records))
            raise InputError(f"{listed}: no column 'image' that names files; download them with: whereshot fetch")
    return {name: dict(steps[name]) for name in STEPS if name in steps}


def _has_values(shard: Path, name: str) -> bool:
    """Return whether a column exists and is not null in every row, by the statistics in the file's metadata."""
    metadata = pq.read_metadata(shard)
    names = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
    if name not in names:
        return False
    for group in range(metadata.num_row_groups):
        column = metadata.row_group(group).column(names.index(name))
        statistics = column.statistics if column.is_stats_set else None
        if statistics is None or not statistics.has_null_count or statistics.null_count < column.num_values:
            return True
    return False


def _run(job: RowJob, units: Sequence[Unit], shards: Shards, engine: Engine, track: Track) -> None:
    pending = set(shards.pending([unit.name for unit in units]))
    left = [unit for unit in units if unit.name in pending]
    if left:
        engine.run(job, left, shards, track)


# --- one by one


def judge(batch: pa.RecordBatch, *, steps: Mapping[str, Settings], masked: str) -> pa.RecordBatch:
    """Judge a batch of records; return it with the columns that the steps add, and with reasons for rejects."""
    table = Records(pa.Table.from_batches([batch])).table
    judging = [name for name in steps if STEPS[name].judge is not None]
    reads = {"id", "image", *(column for name in judging for column in STEPS[name].reads)}
    columns = [name for name in table.column_names if name in reads]
    photos = [CuratedPhoto(row, Path(masked)) for row in table.select(columns).to_pylist()]
    rejects = [_judge_photo(photo, {name: steps[name] for name in judging}) for photo in photos]
    added = [field for name in judging for field in STEPS[name].adds]
    for field in [table.schema.field("image"), *added]:
        before = table[field.name].to_pylist() if field.name in table.column_names else [None] * len(table)
        values = [photo.columns.get(field.name, own) for photo, own in zip(photos, before, strict=True)]
        place = table.schema.get_field_index(field.name)
        column = pa.array(values, field.type)
        table = table.append_column(field, column) if place < 0 else table.set_column(place, field, column)
    for name, values in (
        (REASON_COLUMN, [reject and reject.reason for reject in rejects]),
        (DETAIL_COLUMN, [reject and reject.detail for reject in rejects]),
    ):
        table = table.append_column(name, pa.array(values, pa.string()))
    return table.combine_chunks().to_batches()[0] if len(table) else pa.RecordBatch.from_pylist([], table.schema)


def _judge_photo(photo: CuratedPhoto, steps: Steps) -> Reject | None:
    """Return the first reason to reject a photo; None where all steps keep it."""
    try:
        for name, settings in steps.items():
            if photo.record.get("image") is None and STEPS[name].needs_picture(settings):
                return Reject(NO_FILE, NO_FILE_DETAIL)
            judge = STEPS[name].judge
            reject = None if judge is None else judge(photo, settings)
            if reject is not None:
                return reject
    except ImageError as error:
        return Reject(UNREADABLE, str(error))
    finally:
        photo.forget()
    return None


# --- among all


def _choose_rows(folder: Path, units: Sequence[str], steps: Steps) -> list[Dropped]:
    """Run ``choose`` of each step, one after the other; return the dropped rows, counted over all units together."""
    columns = list(dict.fromkeys(column for name in steps for column in STEPS[name].chooses_by(steps[name])))
    tables = [_columns_of(shard_path(folder, unit), columns) for unit in units]
    left = pa.concat_tables(tables, promote_options="permissive")
    rows = np.arange(len(left))
    dropped = []
    for name, settings in steps.items():
        choose = STEPS[name].choose
        found = [one for one in (() if choose is None else choose(left, settings)) if len(one.rows)]
        stays = np.ones(len(left), bool)
        for one in found:
            stays[one.rows] = False
            dropped.append(Dropped(rows[one.rows], one.reason, one.sentence))
        if not stays.all():
            left, rows = left.filter(pa.array(stays)), rows[stays]
    return dropped


def _columns_of(path: Path, columns: Sequence[str]) -> pa.Table:
    present = pq.read_schema(path).names
    table = pq.read_table(path, columns=[name for name in columns if name in present])
    for name in columns:
        if name not in present:
            table = table.append_column(name, pa.nulls(len(table), pa.string()))
    return table


def _written(judged: Shards, done: Shards, units: Sequence[str], dropped: Sequence[Dropped]) -> Iterator[str]:
    """Write the shards of the units and yield each unit when they are written."""
    start = 0
    for unit in units:
        count = pq.read_metadata(shard_path(judged.folder, unit)).num_rows
        if unit not in done.done:
            _write(judged.folder, done, unit, range(start, start + count), dropped)
        start += count
        yield unit


def _write(folder: Path, done: Shards, unit: str, own: range, dropped: Sequence[Dropped]) -> None:
    kept = pq.read_table(shard_path(folder, unit))
    names, images = kept["id"], kept["image"]
    stays, rejects = np.ones(len(kept), bool), []
    for one in dropped:
        low, high = np.searchsorted(one.rows, [own.start, own.stop])
        for k in range(low, high):
            row = int(one.rows[k]) - own.start
            stays[row] = False
            rejects.append((names[row].as_py(), images[row].as_py(), one.reason, one.sentence(k)))
    before = shard_path(folder / "rejects", unit)
    earlier = pq.read_table(before) if before.exists() else REJECTS.empty_table()
    done.write(unit, kept.filter(pa.array(stays)), pa.concat_tables([earlier, rejects_table(rejects)]))
