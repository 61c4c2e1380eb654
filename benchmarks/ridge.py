"""Ridge logistic regression of a yes or no on features, by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS = 50


def fit_logistic(
    features: NDArray[np.float64], truth: NDArray[np.float64], ridge: float, worth: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], float]:
    """Return the weights (d,) of features (n, d) and the constant of the log odds that ``truth`` (n,) is 1.

    ``ridge`` is the penalty on the weights of standardised features; ``worth`` (n,) is how much each row counts.
    """
    mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    inputs = np.column_stack([np.ones(len(features)), (features - mean) / deviation])
    counts = np.ones(len(features)) if worth is None else worth
    penalty = ridge * np.diag([0.0, *np.ones(features.shape[1])])
    fitted = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-inputs @ fitted))
        slope = inputs.T @ (counts * (truth - share)) - penalty @ fitted
        curvature = (inputs.T * (counts * share * (1 - share))) @ inputs + penalty
        fitted += np.linalg.solve(curvature, slope)
    weights = fitted[1:] / deviation
    return weights, float(fitted[0] - weights @ mean)
