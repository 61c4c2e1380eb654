"""Join ids of predictions with rows of the truth: equal ids first, then file names that match without doubt."""

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
    """Return the row (n,) of the truth for each id, -1 where there is none, and notes for the user.

    An id that is not in the truth is joined with the photo of the same file name (without folder and suffix), or of the
    same number (without leading zeros), where the name belongs to exactly one id on both sides.
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
    """Return rows of the truth by rows of predictions without a match, by a key that is unique on both sides."""
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
    """Return the suffix of a picture's file name in lower case; "" for any other name."""
    suffix = _path(name).suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def _file_name(name: str) -> str:
    last = _path(name).name
    return last[: len(last) - len(_suffix(name))]


def _number(name: str) -> str:
    """Return the digits of a number without leading zeros; "" for other text."""
    found = re.fullmatch(r"0*(\d+)", _file_name(name))
    return found[1] if found else ""


def _agree(a: str, b: str) -> bool:
    """Return whether two ids have the same suffix and folders, as far as both have them."""
    suffixes = {_suffix(a), _suffix(b)} - {""}
    folders = [_path(name).parts[:-1][::-1] for name in (a, b)]
    return len(suffixes) <= 1 and all(left == right for left, right in zip(*folders, strict=False))
