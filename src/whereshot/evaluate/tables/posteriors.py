"""Read tables of whole distributions, with a row per photo and place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import Answers, Truth
from whereshot.evaluate.density import answers_of_posterior
from whereshot.evaluate.tables.base import MISS, Problem, Problems, read_parquet
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best

_COLUMNS = ("id", "latitude", "longitude", "mass", "spread_km")
_BLOCK = 2_000_000  # largest number of places in memory

Distributions = Iterator[tuple[NDArray[np.int64], Posterior]]
"""Yields rows of the truth with their distributions, block by block."""


def read_posterior(path: Path, truth: Truth, answers: Answers | None, name: str, problems: Problems) -> Answers:
    """Read the distributions of the photos of the truth, as ``whereshot locate --posterior`` writes them.

    The table has a row per id and place. ``answers`` has the decided points; without them they are the default decision
    (most likely right within 25 km, then 1 km). A photo without a distribution counts as failed in scores of
    distributions. Raises InputError for values that are not a distribution.
    """
    lost = MISS if answers is None else "scored as without a distribution"
    parts, rows = [], []
    for at, posterior in read_distributions(path, truth, problems, lost):
        decided = best(posterior, 25.0, 1.0)
        if answers is not None:
            decided = np.where(np.isfinite(answers.points[at]), answers.points[at], decided)
        parts.append(answers_of_posterior(name, posterior, truth.points[at], decided))
        rows.append(at)
    found = Answers.concat(parts).scatter(np.concatenate(rows), len(truth))
    if answers is None:
        return found
    given = {"points": answers.points, "confidence": answers.confidence, "name": name}
    return Answers(**{**vars(found), **given})


def read_distributions(path: Path, truth: Truth, problems: Problems, lost: str = "left aside") -> Distributions:
    """Yield the posteriors of a table, those with few places first. ``lost`` is how a photo without one counts."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    table = read_parquet(path)
    for column in _COLUMNS:
        if column not in table.column_names:
            raise InputError(f"{path}: no column {column!r}; a posterior has {', '.join(_COLUMNS)}")
    encoded = table["id"].cast(pa.string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_numpy(zero_copy_only=False)
    values = np.stack([table[column].cast(pa.float64()).to_numpy() for column in _COLUMNS[1:]], axis=1)
    code = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    bad = ~np.isfinite(values).all(axis=1) | (values[:, 2] < 0) | (values[:, 3] <= 0) | (code < 0)
    bad |= sphere.position_problems(values[:, 0], values[:, 1]) != ""
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        place = ", ".join(f"{column} {value:g}" for column, value in zip(_COLUMNS[1:], values[row], strict=True))
        raise InputError(f"{path}: {bad.sum()} rows are not weighted places; first: row {row + 1} ({place})")
    order = np.argsort(code, kind="stable")
    first = np.searchsorted(code[order], np.arange(len(names) + 1))
    photo = pc.fill_null(
        pc.index_in(pa.array(names, pa.string()), value_set=pa.array(truth.known_ids, pa.string())), -1
    )
    photo = photo.to_numpy()
    for number in np.flatnonzero(photo < 0):
        aside = "left aside: it is not in the truth"
        problems.rows.append(Problem(path.name, int(order[first[number]]) + 1, names[number], "an id too many", aside))
    for number in np.setdiff1d(np.arange(len(truth)), photo):
        problems.rows.append(Problem(path.name, None, truth.known_ids[number], "no distribution", lost))
    known = np.flatnonzero(photo >= 0)
    if len(known) == 0:
        raise InputError(
            f"{path}: none of {len(names)} ids is in the truth, whose first is {truth.known_ids[0]!r}; "
            f"the first here is {names[0]!r}"
        )
    length = np.diff(first)
    known = known[np.argsort(length[known], kind="stable")]
    start = 0
    while start < len(known):
        stop = start + 1
        while stop < len(known) and (stop + 1 - start) * length[known[stop]] <= _BLOCK:
            stop += 1
        block = known[start:stop]
        width = int(length[block[-1]])
        padded = np.minimum(first[block][:, None] + np.arange(width), first[block + 1][:, None] - 1)
        own = values[order[padded]]  # (photos, places, 4); short rows are filled with their last place, without mass
        mass = np.where(np.arange(width) < length[block][:, None], own[..., 2], 0.0)
        if (mass.sum(axis=1) <= 0).any():
            empty = names[block[int(np.argmin(mass.sum(axis=1)))]]
            raise InputError(f"{path}: the places of id {empty!r} have no mass")
        yield photo[block], Posterior.from_mass(own[..., :2], mass, own[..., 3])
        start = stop
