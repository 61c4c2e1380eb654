"""Tables of whole distributions, a row per photo and place -> Posteriors, and their Answers."""

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
_BLOCK = 2_000_000  # places held at a time

Distributions = Iterator[tuple[NDArray[np.int64], Posterior]]
"""Rows of the truth, and their distributions: a lot at a time."""


def read_posterior(path: Path, truth: Truth, answers: Answers | None, name: str, problems: Problems) -> Answers:
    """The distributions of the truth's photos: a row per id and place, as ``whereshot locate --posterior`` writes them.

    Decided points are those of ``answers``, else most likely right within 25 km, then 1 km. A photo without a
    distribution has none of its scores but those of failure. Raises InputError for values that make no distribution.
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
    """The same as Posteriors, those of few places first; ``lost`` is what becomes of photos that have none."""
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
        told = ", ".join(f"{column} {value:g}" for column, value in zip(_COLUMNS[1:], values[row], strict=True))
        raise InputError(f"{path}: {bad.sum()} rows are no weighted places; first: row {row + 1} ({told})")
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
        own = values[order[padded]]  # (photos, places, 4); the last place fills up, without mass
        mass = np.where(np.arange(width) < length[block][:, None], own[..., 2], 0.0)
        if (mass.sum(axis=1) <= 0).any():
            empty = names[block[int(np.argmin(mass.sum(axis=1)))]]
            raise InputError(f"{path}: the places of id {empty!r} have no mass")
        yield photo[block], Posterior.from_mass(own[..., :2], mass, own[..., 3])
        start = stop
