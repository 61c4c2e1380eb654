"""Rows of several methods on the same photos -> Comparisons: paired differences, Wilcoxon's test, who wins where."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.countries import countries
from whereshot.evaluate.bootstrap import interval
from whereshot.evaluate.naming import named_truth
from whereshot.evaluate.results import Comparison, Row, Value
from whereshot.foundation.errors import InputError

TIE_KM = 1e-6
"""Errors that differ by less are the same."""


def compare(first: Row, second: Row) -> Comparison:
    """Every score that both have, first less second, drawn together; and the errors photo by photo.

    Both rows must come of ``score`` on the same photos with the same protocol, so that the same photos are drawn.
    Wilcoxon's signed-rank test is two-sided, ties split as Pratt does. Raises InputError for rows of different photos.
    """
    one, other = first.scored, second.scored
    if one is None or other is None or not np.array_equal(one.truth.points, other.truth.points):
        raise InputError(f"{first.name} and {second.name} were not scored on the same photos")
    differences: dict[str, Value] = {}
    for name in first.scores.keys() & second.scores.keys() if first.draws and second.draws else ():
        value = first.scores[name].value - second.scores[name].value
        differences[name] = interval(value, first.draws[name] - second.draws[name], one.protocol)[0]
    apart = one.error_km - other.error_km
    apart[np.abs(apart) < TIE_KM] = 0.0
    country = named_truth(one.truth)["country"]
    known = countries().all
    return Comparison(
        first.name,
        second.name,
        {name: differences[name] for name in first.scores if name in differences},
        signed_rank(apart),
        *_count(apart),
        {known[number].code: _count(apart[country == number]) for number in np.unique(country[country >= 0])},
    )


def signed_rank(apart: NDArray[np.float64]) -> float:
    """Two-sided p-value (Wilcoxon 1945; ties after Pratt 1959) that differences (n,) centre on zero; 1 if all are."""
    from scipy.stats import wilcoxon  # a second to import

    if not apart.any():
        return 1.0
    sizes = np.unique(np.abs(apart))
    exact = len(apart) <= 50 and len(sizes) == len(apart) and sizes[0] > 0  # without ties, zeros among them
    method = "exact" if exact else "asymptotic"
    return float(wilcoxon(apart, zero_method="pratt", method=method).pvalue)  # type: ignore[call-overload]  # the stubs know an older name


def _count(apart: NDArray[np.float64]) -> tuple[int, int, int]:
    return int((apart < 0).sum()), int((apart == 0).sum()), int((apart > 0).sum())
