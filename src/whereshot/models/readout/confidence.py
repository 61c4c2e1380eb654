"""How probable it is that a photo shows the place that the library chose, another known place, or none of them.

Measures of the votes go in, log probabilities of the three classes come out. The model is a multinomial logistic
regression on the measures, their squares and their products.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.log_space import log_softmax
from whereshot.foundation.settings_file import Settings

MEASURES = ("margin", "agreement", "hubness", "familiarity", "photos of the place", "photos near it", "odds")
CLASSES = ("this", "another", "none")


class Confidence(Settings):
    """Log odds against "another" and "none": ``weights`` of the standardised measures, their squares and products."""

    center: list[float]
    scale: list[float]
    weights: list[list[float]]
    """For "this" and for "another", against "none": a constant first."""

    def log_shares(self, measures: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the log probabilities (n, 3) of the classes for measures (n, k)."""
        inputs = expanded((measures - np.array(self.center)) / np.array(self.scale))
        scores = inputs @ np.array(self.weights).T
        return log_softmax(np.concatenate([scores, np.zeros((len(scores), 1))], axis=1))


def expanded(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a constant, the measures (n, k), their squares and their products, as columns of one array."""
    n, k = standard.shape
    standard = np.clip(standard, -4.0, 4.0)  # clipped, so that the square of an unusual value stays small
    pairs = [standard[:, i] * standard[:, j] for i in range(k) for j in range(i + 1)]
    return np.concatenate([np.ones((n, 1)), standard, np.stack(pairs, axis=1)], axis=1)


def fit_confidence(
    measures: NDArray[np.floating], outcome: NDArray[np.int64], weight: NDArray[np.float64], ridge: float = 1e-3
) -> Confidence:
    """Fit the confidence with the highest likelihood of the outcomes (n,), which are indices of CLASSES.

    ``measures`` (n, k), ``weight`` (n,); ``ridge`` multiplies the squares of all weights but the constants.
    """
    from scipy.optimize import minimize  # takes 0.2 s to import; answers do not need it

    weight = weight / weight.sum()
    center = weight @ measures
    scale = np.sqrt(weight @ (measures - center) ** 2)
    scale = np.where(scale > 1e-9, scale, 1.0)
    inputs = expanded((measures - center) / scale)
    count = inputs.shape[1]
    target = np.eye(len(CLASSES))[outcome]

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = theta.reshape(2, count)
        scores = np.concatenate([inputs @ weights.T, np.zeros((len(inputs), 1))], axis=1)
        log_share = log_softmax(scores)
        gradient = (weight[:, None] * (np.exp(log_share) - target))[:, :2].T @ inputs
        penalty = weights.copy()
        penalty[:, 0] = 0.0
        value = -float((weight[:, None] * target * log_share).sum()) + ridge * float((penalty**2).sum())
        return value, (gradient + 2 * ridge * penalty).ravel()

    theta = minimize(loss, np.zeros(2 * count), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return Confidence(center=center.tolist(), scale=scale.tolist(), weights=theta.reshape(2, count).tolist())
