"""Columns of latitude and longitude -> signed degrees, and what is wrong with each row that has none.

A column may hold plain numbers or degrees with marks and letters. A hemisphere may stand in a column of its own, as
cameras and exiftool write it: GPSLatitude 33.85 beside GPSLatitudeRef "South" is -33.85.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whereshot.earth import coordinates
from whereshot.foundation import csv_tables

REFERENCE = {"latitude": "latitude_ref", "longitude": "longitude_ref"}
"""Axis -> the column of its hemispheres."""

NAMES: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "gps_latitude", "gpslatitude", "composite:gpslatitude", "exif:gpslatitude", "y"),
    "longitude": (
        *("longitude", "lon", "lng", "long", "gps_longitude"),
        *("gpslongitude", "composite:gpslongitude", "exif:gpslongitude", "x"),
    ),
    "latitude_ref": (
        *("latitude_ref", "lat_ref", "latituderef", "latref", "gps_latitude_ref", "gpslatituderef"),
        *("exif:gpslatituderef", "latitude_hemisphere", "lat_hemisphere", "n/s"),
    ),
    "longitude_ref": (
        *("longitude_ref", "lon_ref", "lng_ref", "long_ref", "longituderef", "lonref", "gps_longitude_ref"),
        *("gpslongituderef", "exif:gpslongituderef", "longitude_hemisphere", "lon_hemisphere", "e/w"),
    ),
}
"""Column -> the names it usually goes by, in small letters."""


def read_axis(columns: Mapping[str, pa.ChunkedArray], axis: str) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Signed degrees (n,) of "latitude" or "longitude", NaN where there are none, and what is wrong with which row.

    ``columns`` has the axis, and may have the column of its hemispheres. The limits are not checked.
    """
    column = columns[axis]
    values, odd = csv_tables.numbers(column)
    letters, unknown = _hemispheres(columns.get(REFERENCE[axis]), axis)
    wrong: dict[int, str] = {}
    rows = set(odd.tolist())
    if letters is not None:
        positive, negative = coordinates.HEMISPHERES[axis]
        is_known = np.isfinite(values)
        rows |= set(np.flatnonzero(is_known & (values < 0) & (letters == positive)).tolist())
        has_plus = pc.starts_with(pc.utf8_ltrim_whitespace(pc.fill_null(column.cast(pa.string()), "")), "+").to_numpy()
        rows |= set(np.flatnonzero(is_known & has_plus & (letters == negative)).tolist())
        unsure = is_known & (values > 0) & (letters == "")
        values = np.where(letters == negative, 0.0 - np.abs(values), values)
        for row in np.flatnonzero(unsure).tolist():
            shown = str(column[row].as_py()).strip()[:40]
            wrong[row] = f"{axis} {shown!r} has no hemisphere ({positive} or {negative}): its field is empty"
    for row in sorted(rows):
        text = str(column[row].as_py())
        try:
            values[row] = coordinates.read(text, axis, "" if letters is None else str(letters[row]))
        except coordinates.CoordinateError as error:
            wrong[row] = str(error)
        else:
            wrong.pop(row, None)
    wrong |= {row: reason for row, reason in unknown.items() if np.isfinite(values[row]) or row in wrong}
    values[list(wrong)] = np.nan
    return values, wrong


def _hemispheres(column: pa.ChunkedArray | None, axis: str) -> tuple[NDArray[np.str_] | None, dict[int, str]]:
    """The letter (n,) of each row, "" where it is empty, and the faults by row; None for an empty column."""
    if column is None:
        return None, {}
    coded = pc.fill_null(column.cast(pa.string()), "").combine_chunks().dictionary_encode()
    texts, index = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    letters, problems = [], {}
    for number, text in enumerate(texts):
        try:
            letters.append(coordinates.read_hemisphere(text, axis))
        except coordinates.CoordinateError as error:
            letters.append("")
            problems[number] = str(error)
    if not any(letters) and not problems:
        return None, {}
    bad = np.flatnonzero(np.isin(index, list(problems)))
    return np.array(letters)[index], {int(row): problems[int(index[row])] for row in bad}
