"""Read columns of latitude and longitude as signed degrees, and say what is wrong with each row without a position.

A column may hold plain numbers or degrees with marks and letters. The hemisphere may stand in a column of its own, as
cameras and exiftool write it: GPSLatitude 33.85 beside GPSLatitudeRef "South" is -33.85.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whereshot.earth import coordinates
from whereshot.foundation import csv_tables
from whereshot.foundation.errors import InputError

REFERENCE = {"latitude": "latitude_ref", "longitude": "longitude_ref"}
"""Axis -> the known column that holds its hemispheres."""

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
"""Known column -> the names that it usually has, in small letters."""

_HEMISPHERE_TEXT = {
    "latitude": r"(?i)^\s*(n|s|north|south)\s*$",
    "longitude": r"(?i)^\s*(e|w|east|west)\s*$",
}
"""Axis -> the texts that are a hemisphere of it."""

_MINUS = "^\\s*[-\N{MINUS SIGN}\N{EN DASH}]"
_LETTERED = r"(?i)^\s*(north|south|east|west|[nsew])[^a-z]|[^a-z](north|south|east|west|[nsew])\s*$"
_LOOKED_AT_FIRST = 1000
"""Rows that are tested first; a whole column is read only where these pass."""


class HemisphereColumns(NamedTuple):
    """``columns``: "latitude_ref" or "longitude_ref" -> a column of the table; ``notes``: a sentence for each."""

    columns: dict[str, str]
    notes: list[str]


def find_hemispheres(
    table: pa.Table, names: Mapping[str, str], path: Path, option: str = "--column"
) -> HemisphereColumns:
    """Find columns of hemispheres by their content, for each axis that has none by name.

    ``names`` maps known columns to columns of ``table``; only the other columns are looked at. A column counts if all
    its filled fields are hemispheres of the axis, if it would move at least one coordinate, and if no sign contradicts
    it. It is chosen if no coordinate has a minus sign and it stands beside the axis, or else is the only one whose name
    hints at hemispheres. Raises InputError for any other such column and names the ``option`` that decides.
    """
    chosen: dict[str, str] = {}
    notes: list[str] = []
    others = [name for name in table.column_names if name not in names.values()]
    for axis, reference in REFERENCE.items():
        if axis not in names or reference in names:
            continue
        found = [
            name
            for name in others
            if _holds_hemispheres(table[name], axis) and _moves(table[names[axis]], table[name], axis)
        ]
        place = table.column_names.index(names[axis])
        beside = [*table.column_names[place + 1 : place + 2], *table.column_names[max(place - 1, 0) : place]]
        best = [name for name in beside if name in found][:1] or [name for name in found if _hints(name, axis)]
        if len(best) == 1 and not _has_minus(table[names[axis]]).any():
            chosen[reference] = best[0]
            notes.append(
                f"{path.name}: {best[0]!r} has only hemispheres, so they are used for {names[axis]!r}; "
                f"if this is wrong, leave the column out"
            )
        elif found:
            raise InputError(
                f"{path}: {found[0]!r} has only hemispheres, and {names[axis]!r} has values without a sign; "
                f"if they belong together, add {option} {reference}={found[0]}; if not, leave that column out"
            )
    return HemisphereColumns(chosen, notes)


def _holds_hemispheres(column: pa.ChunkedArray, axis: str) -> bool:
    """Return whether all filled fields of a column of text are hemispheres of an axis, and any field is filled."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    for rows in (column[:_LOOKED_AT_FIRST], column):
        filled = csv_tables.without_blanks(pc.utf8_trim_whitespace(rows)).drop_null()
        if not pc.all(pc.match_substring_regex(filled, _HEMISPHERE_TEXT[axis]), min_count=0).as_py():
            return False
    return len(filled) > 0


def _moves(column: pa.ChunkedArray, hemispheres: pa.ChunkedArray, axis: str) -> bool:
    """Return whether hemispheres would change the sign of a coordinate, and contradict no minus sign."""
    texts = pc.fill_null(column.cast(pa.string()), "")
    has_minus = _has_minus(column)
    is_plain = ~has_minus & ~pc.match_substring_regex(texts, _LETTERED).to_numpy()
    is_plain &= pc.match_substring_regex(texts, "[1-9]").to_numpy()
    letters, _ = _hemispheres(hemispheres, axis)
    positive, negative = coordinates.HEMISPHERES[axis]
    return bool((is_plain & (letters == negative)).any() and not (has_minus & (letters == positive)).any())


def _has_minus(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which values (n,) start with a minus sign."""
    result: NDArray[np.bool_] = pc.match_substring_regex(pc.fill_null(column.cast(pa.string()), ""), _MINUS).to_numpy()
    return result


def _hints(name: str, axis: str) -> bool:
    """Return whether the name of a column is about an axis or its hemispheres: "NS", "lat_dir", "Hemisphere E/W"."""
    words = set(re.findall("[a-z]+", name.lower()))
    letters = "".join(coordinates.HEMISPHERES[axis]).lower()
    squeezed = re.sub("[^a-z]", "", name.lower())
    return squeezed == letters or set(letters) <= words or squeezed.startswith((axis[:3], "hemi", f"gps{axis[:3]}"))


def read_axis(columns: Mapping[str, pa.ChunkedArray], axis: str) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return signed degrees (n,) of an axis, NaN where there are none, and what is wrong with each such row.

    ``axis`` is "latitude" or "longitude". ``columns`` maps known columns to their values: the axis itself and, if the
    table has them, its hemispheres. The limits of the axis are not checked.
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
    """Return the letter (n,) of each row, "" for an empty field, and the faults by row; None for an empty column."""
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
