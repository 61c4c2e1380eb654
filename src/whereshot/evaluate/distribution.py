"""Scores of how similar the distributions of predictions and truth over the Earth are: KL divergence and entropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2
from whereshot.evaluate.base import Column, Metric, Scored, Sums

_TRUE, _PREDICTED = "photos by true cell", "photos by predicted cell"


def cell_codes(points: NDArray[np.float64], level: int) -> NDArray[np.int64]:
    """Return the number (n,) of the S2 cell of each position, from 0 to 6 * 4^level - 1 along the Hilbert curve."""
    return (s2.encode(points, level) >> np.uint64(61 - 2 * level)).astype(np.int64)


def _columns(scored: Scored) -> dict[str, Column]:
    level, n = scored.protocol.cell_level, len(scored)
    ones = np.ones(n)

    def make() -> dict[str, Column]:
        true = scored.truth.once(f"number of cell {level}", lambda: cell_codes(scored.truth.points, level))
        # a photo without an answer adds to no cell
        predicted = np.full(n, -1)
        predicted[~scored.failed] = cell_codes(scored.answers.points[~scored.failed], level)
        used, code = np.unique(np.concatenate([true, predicted]), return_inverse=True)
        weight = np.where(scored.failed, 0.0, 1.0)
        return {_TRUE: Column(ones, code[:n], len(used)), _PREDICTED: Column(weight, code[n:], len(used))}

    return scored.once("cells", make)


def _kl(scored: Scored, sums: Sums) -> NDArray[np.float64]:
    true, predicted = (np.asarray(sums[name], np.float64) + 1 for name in (_TRUE, _PREDICTED))
    total = np.asarray(sums["photos"], np.float64) + 6 * 4**scored.protocol.cell_level
    result: NDArray[np.float64] = (true / total * np.log(true / predicted)).sum(axis=1)
    return result


def _entropy(name: str) -> Metric:
    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        count = np.asarray(sums[name], np.float64)
        total = count.sum(axis=1, keepdims=True)
        share = np.divide(count, total, out=np.zeros_like(count), where=total > 0)
        result: NDArray[np.float64] = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
        return result

    return Metric(_columns, value, curved=True)


kl = Metric(_columns, _kl, curved=True)
"""KL divergence in nats between the true and the predicted frequencies of all cells of a level; 1 is added to each
count."""

entropy_true = _entropy(_TRUE)
"""Shannon entropy in nats of the frequencies of true cells."""

entropy_predicted = _entropy(_PREDICTED)
"""Shannon entropy in nats of the frequencies of predicted cells."""
