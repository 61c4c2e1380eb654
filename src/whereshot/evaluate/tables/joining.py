"""Ids of predictions -> rows of the truth: equal texts first, then photos of one name where only one can be meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whereshot.photos.images import SUFFIXES


def join(
    ids: NDArray[np.object_], truth: NDArray[np.str_] | NDArray[np.object_]
) -> tuple[NDArray[np.int64], list[str]]:
    """The row (n,) of the truth for each id, -1 where there is none, and what a person should know of it.

    An id that is not in the truth is taken for the photo of the same file name (without folder and ending), or of the
    same number (without leading zeros), where the name belongs to one id on either side.
    """
    at = pc.index_in(pa.array(ids, pa.string()), value_set=pa.array(truth, pa.string()))
    rows = pc.fill_null(at, -1).to_numpy().astype(np.int64)
    notes = []
    for difference, key in (("folder or ending", _file_name), ("leading zeros", _number)):
        if (rows >= 0).all() or len(rows) == 0:
            break
        found = _joined_by(key, ids, truth, rows)
        rows[list(found)] = list(found.values())
        if found:
            row = min(found)
            example = f"{ids[row]!r} is taken for {truth[found[row]]!r}"
            notes.append(f"{len(found)} ids differ from the truth's in {difference}; {example}")
    return rows, notes


def _joined_by(
    key: Callable[[str], str],
    ids: NDArray[np.object_],
    truth: NDArray[np.str_] | NDArray[np.object_],
    rows: NDArray[np.int64],
) -> dict[int, int]:
    """Row of a prediction that has none yet -> row of the truth, by a key that one id of either side has."""
    own, wanted = [key(one) for one in ids], [key(str(one)) for one in truth]
    own_count, wanted_count = Counter(own), Counter(wanted)
    row_of = {name: row for row, name in enumerate(wanted) if name and wanted_count[name] == 1}
    taken = set(rows[rows >= 0].tolist())
    return {
        int(row): row_of[own[row]]
        for row in np.flatnonzero(rows < 0)
        if own_count[own[row]] == 1
        and row_of.get(own[row], -1) >= 0
        and row_of[own[row]] not in taken
        and _agree(ids[row], str(truth[row_of[own[row]]]))
    }


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _suffix(name: str) -> str:
    """The ending of a picture's file name, in small letters; "" for any other."""
    suffix = _path(name).suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def _file_name(name: str) -> str:
    last = _path(name).name
    return last[: len(last) - len(_suffix(name))]


def _number(name: str) -> str:
    """The digits of a number without leading zeros; "" for what is no number."""
    found = re.fullmatch(r"0*(\d+)", _file_name(name))
    return found[1] if found else ""


def _agree(one: str, other: str) -> bool:
    """Whether two ids have the same ending and folders, as far as both have them."""
    suffixes = {_suffix(one), _suffix(other)} - {""}
    folders = [_path(name).parts[:-1][::-1] for name in (one, other)]
    return len(suffixes) <= 1 and all(a == b for a, b in zip(*folders, strict=False))
