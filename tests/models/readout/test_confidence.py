"""The confidence is the likeliest for what was held out."""

from __future__ import annotations

import numpy as np

from whereshot.models.readout.confidence import fit_confidence


def test_confidence_is_the_likeliest(rng: np.random.Generator) -> None:
    """Fitted on draws of a known law, it gives the law's probabilities back."""
    measures = rng.normal(0, 1, (20_000, 7))
    scores = np.stack([1.5 * measures[:, 0], -0.5 + 0.8 * measures[:, 1], 0 * measures[:, 0]], axis=1)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    outcome = (rng.random(len(shares))[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    fitted = fit_confidence(measures, outcome, np.ones(len(outcome)), ridge=0.0)
    assert np.abs(np.exp(fitted.log_shares(measures)) - shares).mean() < 0.02
