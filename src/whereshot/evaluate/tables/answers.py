"""Read a table of predictions, and warn where its coordinates seem to be swapped or in radians."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate.base import LEVELS, Answers, Truth
from whereshot.evaluate.tables.base import (
    MISS,
    PredictionTable,
    Problem,
    Problems,
    given_positions,
    ids_of,
    positions_named,
    positions_of,
    read_columns,
)
from whereshot.evaluate.tables.joining import join
from whereshot.foundation.errors import InputError
from whereshot.posterior.candidates import GEOSCORE_KM

STATED = {
    "radius_km": ("radius_km",),
    "level": ("level",),
    "confidence": ("confidence", "score", "probability"),
    **{f"radius_{round(100 * level)}": (f"radius_{round(100 * level)}",) for level in LEVELS},
    **{f"within_{km}": (f"within_{km}",) for km in DISTANCES_KM},
}
"""Optional columns of a table of predictions: radii in km by level, P(error <= km), and others."""

_SAMPLE = 20_000  # number of rows that are checked for swapped coordinates


def read_answers(path: Path, truth: Truth, columns: Mapping[str, str], name: str, problems: Problems) -> Answers:
    """Read the predictions of the photos of the truth. Faulty rows are added to ``problems``.

    A photo without a row is a miss, and so is a position that is missing, not a number or impossible. Rows of other
    photos are added to ``problems`` and ignored. Raises InputError for ids that occur twice, or where no id is in the
    truth.
    """
    table = read_columns(path, columns, positions_named("pred") | STATED, "--column")
    ids, known = ids_of(table), truth.known_ids
    points, wrong = positions_of(table)
    of_row, notes = join(ids, known)
    if not (of_row >= 0).any():
        first = f"; the first here is {ids[0]!r}" if len(ids) else ""
        raise InputError(f"{path}: none of {len(ids)} ids is in the truth, whose first is {known[0]!r}{first}")
    problems.warnings += table.notes
    problems.warnings += [f"{path.name}: {note}" for note in notes]
    miss, aside = MISS, "left aside: it is not in the truth"
    for number, reason in sorted(table.broken.items()):
        problems.rows.append(Problem(path.name, number, "", reason, "left aside: it cannot be read"))
    for row in sorted(wrong):
        problems.rows.append(Problem(path.name, int(table.row_numbers[row]), ids[row], wrong[row], miss))
    for row in np.flatnonzero(of_row < 0).tolist():
        problems.rows.append(Problem(path.name, int(table.row_numbers[row]), ids[row], "an id too many", aside))
    given = np.zeros(len(truth), bool)
    given[of_row[of_row >= 0]] = True
    for number in np.flatnonzero(~given).tolist():
        problems.rows.append(Problem(path.name, None, known[number], "no prediction", miss))
    mine = np.flatnonzero(of_row >= 0)
    rows = of_row[mine]
    warnings = mix_ups(points[mine], table, mine, truth.points[rows])
    problems.warnings += [f"{path.name}: {warning}" for warning in warnings]

    def stated(column: str) -> NDArray[np.float64]:
        values, bad = table.numbers(column)
        for row in bad:
            what = f"{column} is not a number"
            problems.rows.append(Problem(path.name, int(table.row_numbers[row]), ids[row], what, "taken as not stated"))
        return values[mine]

    radius = {level: f"radius_{round(100 * level)}" for level in LEVELS}
    radii = {level: stated(column) for level, column in radius.items() if column in table}
    if "radius_km" in table and "level" in table:  # the column that whereshot locate writes
        own, level = stated("radius_km"), stated("level")
        levels = np.unique(np.round(level[np.isfinite(level)], 6))
        if len(levels) == 1 and float(levels[0]) in LEVELS:
            radii.setdefault(float(levels[0]), own)
    answers = Answers(
        name,
        points[mine],
        radius_km=radii,
        within={km: stated(f"within_{km}") for km in DISTANCES_KM if f"within_{km}" in table},
        confidence=stated("confidence") if "confidence" in table else None,
    )
    return answers.scatter(rows, len(truth))


def mix_ups(
    points: NDArray[np.float64], table: PredictionTable | None, rows: NDArray[np.int64], truth: NDArray[np.float64]
) -> list[str]:
    """Return warnings where swapped or converted positions (n, 2) would be much nearer the truth (n, 2)."""
    warnings = []
    raw = points if table is None else given_positions(table)[0][rows]
    step = max(1, len(raw) // _SAMPLE)
    raw, truth = raw[::step], truth[::step]
    good = np.isfinite(raw).all(axis=1)
    if not good.any():
        return []
    raw, truth = raw[good], truth[good]

    def gain(values: NDArray[np.float64], of: NDArray[np.float64]) -> float:
        possible = sphere.position_problems(values[:, 0], values[:, 1]) == ""
        km = np.full(len(values), sphere.HALF_CIRCUMFERENCE_KM)
        km[possible] = sphere.distance_km(values[possible], of[possible])
        return float(np.exp(-km / GEOSCORE_KM).mean())

    now = gain(raw, truth)
    small = (np.abs(raw) <= [np.pi / 2, np.pi]).all()
    small_truth = (np.abs(truth) <= [np.pi / 2, np.pi]).all()
    tried = {
        "did you swap latitude and longitude, here or in the truth?": (raw[:, ::-1], truth),
        "are these radians? Degrees are expected.": (np.degrees(raw), truth) if small else None,
        "is the truth in radians? Degrees are expected.": (raw, np.degrees(truth)) if small_truth else None,
    }
    for question, pair in tried.items():
        if pair is not None and (then := gain(*pair)) > max(2 * now, now + 0.1):
            warnings.append(f"{question} The mean GeoScore would be {5000 * then:.0f} instead of {5000 * now:.0f}.")
            break
    if small and small_truth and len(raw) >= 20:
        warnings.append(
            "all positions, also those of the truth, lie within pi of zero: are these radians? Degrees are expected."
        )
    zeros = int((raw == 0).all(axis=1).sum())
    if zeros > max(1, len(raw) // 100):
        warnings.append(
            f"about {zeros * step} answers are exactly (0, 0), scored as such: is that how failures were written?"
        )
    return warnings
