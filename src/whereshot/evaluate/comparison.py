"""Compare two methods on the same photos: paired differences of scores, Wilcoxon's test, and wins by country."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.countries import countries
from whereshot.evaluate.bootstrap import interval
from whereshot.evaluate.naming import named_truth
from whereshot.evaluate.results import Comparison, Row, Value
from whereshot.foundation.errors import InputError

TIE_KM = 1e-6
"""Errors that differ by less than this, in km, count as equal."""


def compare(first: Row, second: Row) -> Comparison:
    """Return the differences of all scores that both have, first minus second, and compare the errors of each photo.

    Both rows must come from ``score`` on the same photos with the same protocol, so that both have the same draws.
    Wilcoxon's signed-rank test is two-sided, with ties after Pratt. Raises InputError for rows of different photos.
    """
    a, b = first.scored, second.scored
    if a is None or b is None or not np.array_equal(a.truth.points, b.truth.points):
        raise InputError(f"{first.name} and {second.name} were not scored on the same photos")
    differences: dict[str, Value] = {}
    for name in first.scores.keys() & second.scores.keys() if first.draws and second.draws else ():
        value = first.scores[name].value - second.scores[name].value
        differences[name] = interval(value, first.draws[name] - second.draws[name], a.protocol)[0]
    difference_km = a.error_km - b.error_km
    difference_km[np.abs(difference_km) < TIE_KM] = 0.0
    country = named_truth(a.truth)["country"]
    known = countries().all
    return Comparison(
        first.name,
        second.name,
        {name: differences[name] for name in first.scores if name in differences},
        signed_rank(difference_km),
        *_count(difference_km),
        {known[number].code: _count(difference_km[country == number]) for number in np.unique(country[country >= 0])},
    )


def signed_rank(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value that differences (n,) have their centre at zero; 1 where all are zero.

    Wilcoxon 1945, with ties after Pratt 1959.
    """
    from scipy.stats import wilcoxon  # the import takes a second

    if not differences.any():
        return 1.0
    sizes = np.unique(np.abs(differences))
    exact = len(differences) <= 50 and len(sizes) == len(differences) and sizes[0] > 0  # without ties and zeros
    method = "exact" if exact else "asymptotic"
    return float(wilcoxon(differences, zero_method="pratt", method=method).pvalue)  # type: ignore[call-overload]  # the stubs know an older name


def _count(differences: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return how often the first method is nearer, equal and farther."""
    return int((differences < 0).sum()), int((differences == 0).sum()), int((differences > 0).sum())
