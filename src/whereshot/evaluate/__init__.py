"""Compute scores of answers against the truth, with bootstrap intervals. Every photo counts, also failed ones."""

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
