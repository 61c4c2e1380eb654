"""A folder of photos, or several: EXIF and sidecars -> Records; photos without a position are rejects with reasons.

What EXIF tells wins; gaps are filled from XMP and Google Takeout's JSON. ``position_from`` and ``taken_from`` say
which.
"""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whereshot.earth import sphere
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.progress import Track
from whereshot.foundation.tables import Reject, rejects_table
from whereshot.photos import images
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded
from whereshot.photos.records import SCHEMA, Records
from whereshot.photos.sources import base
from whereshot.photos.sources.sidecars import Sidecar, Sidecars
from whereshot.photos.sources.unread_files import describe_unread, walk


def find_pictures(inputs: Sequence[Path]) -> list[tuple[str, Path]]:
    """(id, path) of every picture file under the inputs, sorted, hidden ones left out.

    The id is the path inside its input folder, led by the folder's name where several were given, or by its whole
    path where two have the same name. Raises InputError where an input does not exist or holds no picture.
    """
    called = Counter(given.absolute().name for given in inputs)
    found: list[tuple[str, Path]] = []
    for given in inputs:
        if given.is_dir():
            name = given.absolute().name
            prefix = "" if len(inputs) == 1 else f"{name if called[name] == 1 else given.as_posix()}/"
            pictures = (path for path in walk(given) if path.suffix.lower() in images.SUFFIXES)
            inside = [(prefix + path.relative_to(given).as_posix(), path) for path in pictures]
            if not inside:
                suffixes = " ".join(sorted(images.SUFFIXES))
                unread = describe_unread([given])
                more = "" if unread is None else f"; {unread}"
                raise InputError(f"{given}: no pictures in this folder (looked for {suffixes}){more}")
            found += inside
        elif given.exists():
            found.append((given.name if len(inputs) == 1 else str(given), given))
        else:
            raise InputError(f"{given}: no such file or folder")
    return found


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Records of all pictures whose EXIF, or a file beside them, tells a usable position."""
    if columns:
        raise InputError(f"a folder has no columns to name; got --column {next(iter(columns))}=...")
    pictures = find_pictures(inputs)
    sidecars = Sidecars(path for _, path in pictures)

    def read_one(path: Path) -> _Told | ImageError:
        try:
            return _filled(Photo(path).recorded, sidecars.read(path))
        except ImageError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(16, 4 * (os.cpu_count() or 1))) as pool:
        read_all = pool.map(read_one, (path for _, path in pictures))
        recorded = list(track(read_all, total=len(pictures), what="reading positions"))

    latitude = np.array([_nan(r.latitude) if isinstance(r, _Told) else np.nan for r in recorded])
    longitude = np.array([_nan(r.longitude) if isinstance(r, _Told) else np.nan for r in recorded])
    reasons, details = base.judge_positions(latitude, longitude)
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    seen: set[str | Path] = set()
    for (raw_name, path), value, reason, detail in zip(pictures, recorded, reasons, details, strict=True):
        name, place = images.printable(raw_name), images.printable(str(path.absolute()))
        if place != str(path.absolute()):
            reason, detail = base.UNREADABLE, f"{place}: the file's name is not valid UTF-8; rename it"
        elif isinstance(value, ImageError):
            reason, detail = base.UNREADABLE, str(value)
        elif value.problem is not None:
            reason, detail = base.IMPOSSIBLE_POSITION, value.problem
        elif reason == base.NO_POSITION:
            detail = f"EXIF has no position{value.beside}"
        elif not reason and not seen.isdisjoint((name, path.absolute())):
            reason, detail = base.DUPLICATE_ID, f"{name} was given twice"
        if reason or isinstance(value, ImageError):
            rejects.append((name, place, reason, detail))
            continue
        seen.update((name, path.absolute()))
        rows.append(
            {
                "id": name,
                "latitude": value.latitude,
                "longitude": value.longitude,
                "image": place,
                "taken_at": value.taken_at,
                "taken_at_is_local": value.taken_at_is_local if value.taken_at else None,
                "accuracy_km": value.accuracy_km,
                "camera": value.camera,
                "title": value.title,
                "tags": value.tags,
                "position_from": value.position_from,
                "taken_from": value.taken_from,
                "source": "folder",
            }
        )
    schema = pa.schema(
        [
            *SCHEMA,
            ("taken_at_is_local", pa.bool_()),
            ("accuracy_km", pa.float64()),
            ("camera", pa.string()),
            ("position_from", pa.string()),
            ("taken_from", pa.string()),
        ]
    )
    return base.Ingested(Records(pa.Table.from_pylist(rows, schema=schema)), rejects_table(rejects))


@dataclass(frozen=True)
class _Told:
    """What EXIF and the files beside a photo tell together; ``beside`` says what these lack."""

    latitude: float | None
    longitude: float | None
    accuracy_km: float | None
    position_from: str | None
    taken_at: datetime.datetime | None
    taken_at_is_local: bool
    taken_from: str | None
    camera: str | None
    title: str | None
    tags: list[str] | None
    problem: str | None
    beside: str


def _filled(recorded: Recorded, sidecar: Sidecar) -> _Told:
    """EXIF where it has a usable value, the sidecar where it has not."""
    has_position = recorded.latitude is not None and recorded.longitude is not None and recorded.problem is None
    has_position &= not sphere.is_null_island(_nan(recorded.latitude), _nan(recorded.longitude))
    use_sidecar = sidecar.position_from is not None and not has_position
    place = sidecar if use_sidecar else recorded
    time = recorded if recorded.taken_at is not None else sidecar
    beside = ", nor has the file beside it" if sidecar.taken_from or sidecar.title else ""
    if sidecar.problem:
        beside = f"; {sidecar.problem}"
    return _Told(
        latitude=place.latitude,
        longitude=place.longitude,
        accuracy_km=place.accuracy_km,
        position_from=sidecar.position_from if use_sidecar else "exif" if has_position else None,
        taken_at=time.taken_at,
        taken_at_is_local=time.taken_at_is_local,
        taken_from=("exif" if time is recorded else sidecar.taken_from) if time.taken_at else None,
        camera=recorded.camera,
        title=sidecar.title,
        tags=list(sidecar.tags) if sidecar.tags else None,
        problem=None if use_sidecar else recorded.problem,
        beside=beside,
    )


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
