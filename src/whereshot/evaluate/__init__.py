"""Evaluation: answers and the truth become scores with bootstrap intervals. No photo leaves the count."""

from __future__ import annotations

from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate.base import DEFAULT, LEVELS, RADII_KM, UNIFORM_NLL, Answers, Metric, Protocol, Scored, Truth
from whereshot.evaluate.comparison import compare
from whereshot.evaluate.density import answers_of_posterior
from whereshot.evaluate.metrics import METRICS
from whereshot.evaluate.results import Comparison, Curve, GroupScores, Report, Row, Value
from whereshot.evaluate.scoring import make_report, merge_reports, score

__all__ = [
    "DEFAULT",
    "DISTANCES_KM",
    "LEVELS",
    "METRICS",
    "RADII_KM",
    "UNIFORM_NLL",
    "Answers",
    "Comparison",
    "Curve",
    "GroupScores",
    "Metric",
    "Protocol",
    "Report",
    "Row",
    "Scored",
    "Truth",
    "Value",
    "answers_of_posterior",
    "compare",
    "make_report",
    "merge_reports",
    "score",
]
