"""Locate many photos and write the predictions to a folder. An interrupted run can be continued.

The photos are split into units, which an engine processes. Each photo is one row of a Parquet shard; a photo that
cannot be read has its ``error`` and no answer. Each process loads the model once, and the processes of an engine start
no further processes.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from whereshot.foundation import csv_tables, output_files, processes
from whereshot.foundation.errors import ImageError, InputError, ModelError, WhereshotError, one_line
from whereshot.foundation.jobs import DETAIL_COLUMN, REASON_COLUMN, Engine, RowJob, Shards, split
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import write_parquet
from whereshot.foundation.version import VERSION
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import WITHIN_KM, Place, Prediction
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.reject_reasons import UNREADABLE
from whereshot.photos.sources import UnreadFiles, find_pictures
from whereshot.photos.sources.table import ALIASES

UNITS = 64
LEAST_PHOTOS, MOST_PHOTOS = 16, 256
"""The least and the most photos in a unit. The photos are divided into 64 units where that keeps these limits.

An interrupted run loses the units in progress, so units are small; each unit writes a file, so they are not too small.
"""

NO_IMAGE, NOT_LOCATED = "no image", "could not be located"
"""Reasons why a photo has no answer."""

INPUT_ROWS = 4096
"""Rows in a row group of the input file. A unit reads only the row groups that it needs."""
INPUT = Path("_input", "photos.parquet")
"""The list of photos, in the output folder, which workers on other machines can read too.

Readers of the shards ignore a folder whose name starts with an underscore."""

_NAMED = [("place", pa.string()), ("region", pa.string()), ("country", pa.string()), ("country_code", pa.string())]

_COUNTRY = pa.struct([("country_code", pa.string()), ("probability", pa.float64())])
_CANDIDATE = pa.struct(
    [("latitude", pa.float64()), ("longitude", pa.float64()), ("probability", pa.float64()), *_NAMED]
)
_SURE_OF = pa.struct(
    [("level", pa.string()), ("name", pa.string()), ("country_code", pa.string()), ("probability", pa.float64())]
)
_EVIDENCE = pa.struct([("kind", pa.string()), ("what", pa.string()), ("means", pa.string()), ("nats", pa.float64())])

OUTPUT = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("radius_km", pa.float64()),
        ("level", pa.float64()),
        *((f"within_{km}", pa.float64()) for km in WITHIN_KM),
        ("confident_to", pa.string()),
        *_NAMED,
        ("countries", pa.list_(_COUNTRY)),
        ("candidates", pa.list_(_CANDIDATE)),
        ("evidence", pa.list_(_EVIDENCE)),
        ("recorded_latitude", pa.float64()),
        ("recorded_longitude", pa.float64()),
        ("sure_of", _SURE_OF),
        ("error", pa.string()),
    ]
)
"""The columns of the predictions; they are the fields of ``Prediction``. Where ``error`` is set, the answer is null."""

_WITH_REASONS = pa.schema([*OUTPUT, (REASON_COLUMN, pa.string()), (DETAIL_COLUMN, pa.string())])


@dataclass(frozen=True)
class Asked:
    """How photos are located: the model, as ``Geolocator.load`` takes it, and the options."""

    model: str | None = None
    device: str | None = None
    options: LocateOptions = field(default_factory=LocateOptions)

    def settings(self) -> dict[str, Any]:
        """Return everything by name, as JSON values. Raises InputError for an option that cannot be used."""
        return {"model": self.model, "device": self.device, **self.options.plain()}


def read_photos(path: str | Path, columns: Mapping[str, str] = {}, unread: UnreadFiles | None = None) -> Records:
    """Read the list of photos to locate, with or without positions.

    ``path`` is a folder or file of records, a folder of pictures, or a CSV table. ``columns`` maps "id" and "image" to
    the names of the table's columns; relative paths of pictures start at the table's folder. ``unread`` collects the
    raw photos and videos of a folder, which cannot be read. Raises InputError.
    """
    path = Path(path)
    is_records = path.suffix.lower() == ".parquet" or (path.is_dir() and any(path.glob("*.parquet")))
    if columns and (is_records or path.is_dir()):
        raise InputError(f"--column: {path} is not a CSV, so its columns are known; leave it out")
    if is_records or not path.exists():
        return Records.read(path)
    if path.is_dir():
        found = [
            (images.printable(name), images.printable(str(picture))) for name, picture in find_pictures([path], unread)
        ]
        return Records(pa.table({"id": [name for name, _ in found], "image": [place for _, place in found]}))
    return _read_table(path, columns)


def _read_table(path: Path, columns: Mapping[str, str]) -> Records:
    for target in columns:
        if target not in ("id", "image"):
            raise InputError(f"--column {target}=...: only id and image are used here")
    table = csv_tables.read(path)
    if table.broken:
        number = min(table.broken)
        more = f"; so are {len(table.broken) - 1} more rows" if len(table.broken) > 1 else ""
        raise InputError(f"{path}: row {number}: {table.broken[number]}{more}")
    present = table.columns.column_names
    known = {target: ALIASES[target] for target in ("id", "image")}
    names = csv_tables.resolve(present, columns, known, path)
    if len(table.columns) and "image" not in names:
        raise InputError(f"{path}: no column of pictures among {', '.join(present)}; name it: --column image=NAME")
    blanks = [""] * len(table.columns)
    texts = {target: table.columns[names[target]].to_pylist() if target in names else blanks for target in known}
    ids, places = [], []
    for number, (own, place) in enumerate(zip(texts["id"], texts["image"], strict=True), 1):
        own, place = own.strip(), place.strip()
        ids.append(own or place or f"{path.stem}:{number}")
        places.append(str(path.parent / place) if place else None)
    return Records(pa.table({"id": pa.array(ids, pa.string()), "image": pa.array(places, pa.string())}))


def locate_all(
    photos: Records,
    out: str | Path,
    asked: Asked,
    engine: Engine,
    *,
    unit_photos: int | None = None,
    overwrite: bool = False,
    track: Track = silent,
) -> dict[str, Any]:
    """Write the predictions of all photos to the folder ``out``, or continue an interrupted run; see ``Shards``.

    Returns {"rows", "kept", "rejected": {reason: count}, "seconds"}. "kept" counts the photos with an answer,
    "rejected" the photos without one; both are rows of the shards. Raises InputError for settings out of range,
    ModelError, and OutputError where the folder was started with other photos, other settings or another model.
    """
    if not len(photos):
        raise InputError("there is no photo to locate")
    if unit_photos is None:
        unit_photos = min(max(-(-len(photos) // UNITS), LEAST_PHOTOS), MOST_PHOTOS)
    if unit_photos < 1:
        raise InputError(f"a unit must have at least 1 photo; got {unit_photos}")
    if asked.model is not None and Path(asked.model).exists():
        asked = replace(asked, model=os.path.abspath(asked.model))  # a worker has another current folder
    own = asked.settings()
    locator = _locator(asked.model, asked.device)
    locator.locate([None], asked.options)  # a device that cannot be used is refused here, not in the workers
    identity = identify(locator)
    table = pa.table(
        {"id": photos.table["id"], "image": pa.array(map(_absolute, photos.strings("image")), pa.string())}
    )
    job = RowJob("batch", answer, {**own, "identity": identity}, failures_stay=True)
    settings = {**own, "model": identity, "photos": _digest(table), "unit_photos": unit_photos}
    with Shards(out, job.name, settings, overwrite=overwrite) as shards:
        output_files.make_folder((shards.folder / INPUT).parent)
        write_parquet(table, shards.folder / INPUT, INPUT_ROWS)
        units = split([shards.folder / INPUT], unit_rows=unit_photos)
        pending = set(shards.pending([unit.name for unit in units]))
        if pending:
            with processes.one_thread_each():
                engine.run(job, [unit for unit in units if unit.name in pending], shards, track)
        return shards.summary()


def answer(
    batch: pa.RecordBatch, *, identity: str, model: str | None, device: str | None, **settings: Any
) -> pa.RecordBatch:
    """Return photos (id, image) as rows of OUTPUT, with a reason for each error; ``settings`` are the plain
    values of ``LocateOptions``.

    ``settings`` are the other fields of ``Asked``. Raises ModelError where the model differs from the model with which
    the job was started.
    """
    locator = _locator(model, device)
    if identify(locator) != identity:
        raise ModelError(f"{locator.name}: not the model that the batch was begun with ({identity})")
    ids, places = batch["id"].to_pylist(), batch["image"].to_pylist()
    with processes.alone():
        answers = _answers(locator, places, LocateOptions(**settings))
        rows = [_row(*row) for row in zip(ids, places, answers, strict=True)]
    return pa.RecordBatch.from_pylist(rows, schema=_WITH_REASONS)


def identify(locator: Geolocator) -> str:
    """Return the name of the model and a hash of everything that its answers depend on."""
    return f"{locator.name} {_model_digest(locator)}"


@functools.cache
def _locator(model: str | None, device: str | None) -> Geolocator:
    """Return the model of this process. It is loaded once."""
    return Geolocator.load(model, device)


@functools.lru_cache(maxsize=4)
def _model_digest(locator: Geolocator) -> str:
    digest = hashlib.blake2b(VERSION.encode(), digest_size=8)
    for name, value in sorted(locator.model.hashes.items()):
        digest.update(f"{name} {value}\n".encode())
    for part in (locator.prior.places, locator.prior.mass):
        digest.update(part.tobytes())
    return digest.hexdigest()


class BatchAnswer(NamedTuple):
    """The prediction of a photo, and the reason that is noted where it has an error."""

    prediction: Prediction
    failed: str = UNREADABLE


def _answers(locator: Geolocator, places: Sequence[str | None], options: LocateOptions) -> list[BatchAnswer]:
    """Return answers for all photos.

    If a photo makes its whole unit fail, the photos are answered one by one, so that only this photo fails.
    """
    try:
        found = locator.locate(places, options)
        return [
            BatchAnswer(one, NO_IMAGE if place is None else UNREADABLE)
            for place, one in zip(places, found, strict=True)
        ]
    except WhereshotError as error:
        if not isinstance(error, ImageError):
            raise
    except Exception as error:  # one unusual picture must not end a batch of 400,000
        if len(places) == 1:
            detail = f"{places[0]}: {type(error).__name__}: {one_line(error)}"
            return [BatchAnswer(Prediction(id="", error=f"{NOT_LOCATED}: {detail}"), NOT_LOCATED)]
    return [one for place in places for one in _answers(locator, [place], options)]


def _row(own_id: str, place: str | None, answer: BatchAnswer) -> dict[str, Any]:
    prediction = answer.prediction
    row: dict[str, Any] = {"id": own_id, "image": place, "error": prediction.error}
    if prediction.recorded is not None:
        row["recorded_latitude"], row["recorded_longitude"] = prediction.recorded
    if prediction.error is not None:
        return row | {REASON_COLUMN: answer.failed, DETAIL_COLUMN: prediction.error}
    return row | {
        **{name: getattr(prediction, name) for name in ("latitude", "longitude", "radius_km", "level", "confident_to")},
        **{f"within_{km}": share for km, share in prediction.within.items()},
        **_named(prediction.place),
        "countries": [{"country_code": code, "probability": share} for code, share in prediction.countries],
        "candidates": [
            {"latitude": one.latitude, "longitude": one.longitude, "probability": one.probability, **_named(one.place)}
            for one in prediction.candidates
        ],
        "evidence": [
            {"kind": item.kind, "what": item.what, "means": item.means, "nats": item.nats}
            for item in prediction.evidence
        ],
        "sure_of": None if prediction.sure_of is None else asdict(prediction.sure_of),
    }


def _named(place: Place | None) -> dict[str, str | None]:
    if place is None:
        place = Place(None, None, None, None)
    return {"place": place.name, "region": place.region, "country": place.country, "country_code": place.country_code}


def _absolute(place: str | None) -> str | None:
    return place if place is None or "://" in place else os.path.abspath(place)


def _digest(table: pa.Table) -> str:
    """Return the number of photos and a hash of their ids and paths."""
    digest = hashlib.blake2b(digest_size=8)
    for name in table.column_names:
        for text in table[name].to_pylist():
            digest.update(b"\0" if text is None else text.encode() + b"\n")
    return f"{len(table)} photos {digest.hexdigest()}"
