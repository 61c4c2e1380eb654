"""Anyone's tables of predictions, posteriors and truth -> Answers and Truth; no row is dropped, each problem is named.

Tables are CSV, TSV, Parquet or JSON lines, joined by id. An answer that cannot be used counts as a miss; what makes the
scores of a whole file meaningless (ids that occur twice, a truth without a position) is refused.
"""

from __future__ import annotations

from whereshot.evaluate.tables.answers import mix_ups, read_answers
from whereshot.evaluate.tables.base import MISS, NAMED, Problem, Problems
from whereshot.evaluate.tables.posteriors import Distributions, read_distributions, read_posterior
from whereshot.evaluate.tables.truth import read_truth

__all__ = [
    "MISS",
    "NAMED",
    "Distributions",
    "Problem",
    "Problems",
    "mix_ups",
    "read_answers",
    "read_distributions",
    "read_posterior",
    "read_truth",
]
