"""A folder of photos, or several: records from EXIF and the files beside the photos.

EXIF comes first; what it lacks is taken from XMP and Google Takeout's JSON. ``position_from`` and ``taken_from`` say
which file has the value. Photos without a position are rejects.
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
from whereshot.photos.reject_reasons import DUPLICATE_ID, IMPOSSIBLE_POSITION, NO_POSITION, UNREADABLE
from whereshot.photos.sources import base
from whereshot.photos.sources.sidecars import Sidecar, Sidecars
from whereshot.photos.unread_files import UnreadFiles, walk


def find_pictures(inputs: Sequence[Path], unread: UnreadFiles | None = None) -> list[tuple[str, Path]]:
    """Return (id, path) of every picture file under the inputs, sorted; hidden files are left out.

    The id is the path inside the input folder. Where there are several inputs, the name of the folder stands before
    it, or the whole path of the folder where two have the same name. ``unread`` takes the raw photos and videos that
    are met. Raises InputError where an input does not exist or holds no picture.
    """
    called = Counter(given.absolute().name for given in inputs)
    found: list[tuple[str, Path]] = []
    for given in inputs:
        if given.is_dir():
            name = given.absolute().name
            prefix = "" if len(inputs) == 1 else f"{name if called[name] == 1 else given.as_posix()}/"
            inside, skipped = _pictures_of(given)
            if not inside:
                suffixes = " ".join(sorted(images.SUFFIXES))
                note = skipped.describe()
                more = "" if note is None else f"; {note}"
                raise InputError(f"{given}: no pictures in this folder (looked for {suffixes}){more}")
            found += [(prefix + path.relative_to(given).as_posix(), path) for path in inside]
            if unread is not None:
                unread.add(skipped)
        elif given.exists():
            found.append((given.name if len(inputs) == 1 else str(given), given))
        else:
            raise InputError(f"{given}: no such file or folder")
    return found


def _pictures_of(folder: Path) -> tuple[list[Path], UnreadFiles]:
    """Return the pictures under a folder, and the raw photos and videos beside them."""
    pictures, skipped = [], UnreadFiles()
    for path in walk(folder):
        if path.suffix.lower() in images.SUFFIXES:
            pictures.append(path)
        else:
            skipped.note(path)
    return pictures, skipped


FOLDER_SCHEMA = pa.schema(
    [
        *SCHEMA,
        ("taken_at_is_local", pa.bool_()),
        ("accuracy_km", pa.float64()),
        ("camera", pa.string()),
        ("position_from", pa.string()),
        ("taken_from", pa.string()),
    ]
)
"""The columns of records of a folder; ``position_from`` and ``taken_from`` name the file that has the value."""


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Return records of all pictures with a usable position in EXIF or in a file beside them, and rejects of the
    others.

    Raises InputError where an input does not exist, holds no picture, or ``columns`` are given.
    """
    if columns:
        raise InputError(f"a folder has no columns to name; got --column {next(iter(columns))}=...")
    unread = UnreadFiles()
    pictures = find_pictures(inputs, unread)
    found = _read_all([path for _, path in pictures], track)
    reasons, details = base.judge_positions(
        np.array([np.nan if isinstance(facts, ImageError) else _nan(facts.latitude) for facts in found]),
        np.array([np.nan if isinstance(facts, ImageError) else _nan(facts.longitude) for facts in found]),
    )
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    seen: set[str | Path] = set()
    for (raw_name, path), facts, reason, detail in zip(pictures, found, reasons, details, strict=True):
        name, place = images.printable(raw_name), images.printable(str(path.absolute()))
        if place != str(path.absolute()):
            reason, detail = UNREADABLE, f"{place}: the file's name is not valid UTF-8; rename it"
        elif isinstance(facts, ImageError):
            reason, detail = UNREADABLE, str(facts)
        elif facts.problem is not None:
            reason, detail = IMPOSSIBLE_POSITION, facts.problem
        elif reason == NO_POSITION:
            detail = f"EXIF has no position{facts.sidecar_lacks}"
        elif not reason and not seen.isdisjoint((name, path.absolute())):
            reason, detail = DUPLICATE_ID, f"{name} was given twice"
        if reason or isinstance(facts, ImageError):
            rejects.append((name, place, reason, detail))
            continue
        seen.update((name, path.absolute()))
        rows.append(facts.to_row(name, place))
    records = Records(pa.Table.from_pylist(rows, schema=FOLDER_SCHEMA))
    note = unread.describe()
    return base.Ingested(records, rejects_table(rejects), () if note is None else (note,))


def _read_all(pictures: Sequence[Path], track: Track) -> list[_Facts | ImageError]:
    """Return what is known of each picture, or why the picture cannot be opened."""
    sidecars = Sidecars(pictures)

    def read_one(path: Path) -> _Facts | ImageError:
        try:
            return _merged(Photo(path).recorded, sidecars.read(path))
        except ImageError as error:
            return error

    with ThreadPoolExecutor(max_workers=min(16, 4 * (os.cpu_count() or 1))) as pool:
        return list(track(pool.map(read_one, pictures), total=len(pictures), what="reading positions"))


@dataclass(frozen=True)
class _Facts:
    """The values of EXIF and of the files beside a photo together; ``sidecar_lacks`` says what these files lack."""

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
    sidecar_lacks: str

    def to_row(self, name: str, place: str) -> dict[str, Any]:
        """Return the record of a photo with this id and image path."""
        return {
            "id": name,
            "latitude": self.latitude,
            "longitude": self.longitude,
            "image": place,
            "taken_at": self.taken_at,
            "taken_at_is_local": self.taken_at_is_local if self.taken_at else None,
            "accuracy_km": self.accuracy_km,
            "camera": self.camera,
            "title": self.title,
            "tags": self.tags,
            "position_from": self.position_from,
            "taken_from": self.taken_from,
            "source": "folder",
        }


def _merged(recorded: Recorded, sidecar: Sidecar) -> _Facts:
    """Return the values of EXIF where they can be used, else the values of the file beside the photo."""
    has_position = recorded.latitude is not None and recorded.longitude is not None and recorded.problem is None
    has_position &= not sphere.is_null_island(_nan(recorded.latitude), _nan(recorded.longitude))
    use_sidecar = sidecar.position_from is not None and not has_position
    place = sidecar if use_sidecar else recorded
    time = recorded if recorded.taken_at is not None else sidecar
    sidecar_lacks = ", nor has the file beside it" if sidecar.taken_from or sidecar.title else ""
    if sidecar.problem:
        sidecar_lacks = f"; {sidecar.problem}"
    return _Facts(
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
        sidecar_lacks=sidecar_lacks,
    )


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
