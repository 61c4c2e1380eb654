"""Read tables of predictions, posteriors and truth that any program may have written. No row is dropped silently.

Tables are CSV, TSV, Parquet or JSON lines, and are joined by id. An answer that cannot be used counts as a miss. A file
is refused where its scores would have no meaning: ids that occur twice, or a true position that is missing.
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
