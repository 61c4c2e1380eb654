"""Scores of the density at the truth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from whereshot.evaluate.base import UNIFORM_NLL, Metric, Scored, mean_of


def _nll(scored: Scored) -> NDArray[np.float64] | None:
    density = scored.answers.log_density
    return None if density is None else np.where(scored.failed | np.isnan(density), UNIFORM_NLL, -density)


def _bits(scored: Scored) -> NDArray[np.float64] | None:
    nll = _nll(scored)
    return None if nll is None else (UNIFORM_NLL - nll) / math.log(2)


nll: Metric = mean_of("nll", _nll)
"""Mean negative log-likelihood, in nats per steradian."""

bits: Metric = mean_of("bits", _bits)
"""Mean information in bits: the log2 of the density at the truth, divided by the uniform density."""
