"""A folder of photos, or several: EXIF positions and times -> Records; the rest are rejects with their reasons."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from whereshot import images
from whereshot.errors import ImageError, InputError
from whereshot.progress import Track
from whereshot.records import SCHEMA, Records, rejects_table
from whereshot.sources import base


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
            inside = [(prefix + path.relative_to(given).as_posix(), path) for path in _walk(given)]
            if not inside:
                suffixes = " ".join(sorted(images.SUFFIXES))
                raise InputError(f"{given}: no pictures in this folder (looked for {suffixes})")
            found += inside
        elif given.exists():
            found.append((given.name if len(inputs) == 1 else str(given), given))
        else:
            raise InputError(f"{given}: no such file or folder")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in images.SUFFIXES:
                yield Path(parent) / name


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Records of all pictures whose EXIF tells a usable position."""
    if columns:
        raise InputError(f"a folder has no columns to name; got --column {next(iter(columns))}=...")
    pictures = find_pictures(inputs)
    with ThreadPoolExecutor(max_workers=min(16, 4 * (os.cpu_count() or 1))) as pool:
        read_all = pool.map(_read_one, (path for _, path in pictures))
        recorded = list(track(read_all, total=len(pictures), what="reading positions"))

    latitude = np.array([_nan(r.latitude) if isinstance(r, images.Recorded) else np.nan for r in recorded])
    longitude = np.array([_nan(r.longitude) if isinstance(r, images.Recorded) else np.nan for r in recorded])
    reasons, details = base.judge_positions(latitude, longitude)
    rows, rejects = [], []
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
            detail = "EXIF has no position"
        elif not reason and not seen.isdisjoint((name, path.absolute())):
            reason, detail = base.DUPLICATE_ID, f"{name} was given twice"
        if reason:
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
                "source": "folder",
            }
        )
    schema = pa.schema(
        [
            *SCHEMA,
            ("taken_at_is_local", pa.bool_()),
            ("accuracy_km", pa.float64()),
            ("camera", pa.string()),
        ]
    )
    return base.Ingested(Records(pa.Table.from_pylist(rows, schema=schema)), rejects_table(rejects))


def _read_one(path: Path) -> images.Recorded | ImageError:
    try:
        return images.read_recorded(path)
    except ImageError as error:
        return error


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
