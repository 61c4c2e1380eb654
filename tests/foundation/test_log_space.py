"""Sums and probabilities of logarithms keep their value where plain exponentials overflow or vanish."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from whereshot.foundation.log_space import log_softmax, log_sum_exp


@pytest.mark.parametrize("offset", [0.0, 800.0, -800.0])
def test_the_sum_is_that_of_scipy(rng: np.random.Generator, offset: float) -> None:
    values = rng.normal(0, 5, (3, 4, 7)) + offset
    np.testing.assert_allclose(log_sum_exp(values), special.logsumexp(values, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(log_softmax(values), special.log_softmax(values, axis=-1), rtol=1e-9, atol=1e-9)


def test_nothing_sums_to_minus_infinity() -> None:
    with np.errstate(all="raise"):
        assert log_sum_exp(np.empty((2, 0))).tolist() == [-np.inf, -np.inf]
        assert log_sum_exp(np.array([[-np.inf, -np.inf], [-np.inf, 1.0]])).tolist() == [-np.inf, 1.0]


def test_single_precision_is_summed_in_double() -> None:
    scores = np.full(1_000_000, -20.0, np.float32)
    assert log_softmax(scores).dtype == np.float64
    assert np.exp(log_softmax(scores)).sum() == pytest.approx(1.0, abs=1e-9)
