"""Paired comparisons of two methods."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from whereshot.earth import sphere
from whereshot.evaluate import (
    Answers,
    Protocol,
    compare,
    score,
)
from whereshot.foundation.errors import InputError


def test_comparison_is_paired(rng: np.random.Generator) -> None:
    """Two methods that fail together: the difference is known far better than either."""
    n = 400
    truth = np.repeat([[48.857, 2.352], [52.52, 13.405]], n // 2, axis=0)
    shared_error = 10 ** rng.uniform(0, 4, n)
    one = Answers("one", sphere.move(truth, rng.uniform(0, 360, n), shared_error * 0.8))
    other = Answers("other", sphere.move(truth, rng.uniform(0, 360, n), shared_error))
    rows = [score(each, truth) for each in (one, other)]
    result = compare(*rows)
    gain = result.differences["geoscore"]
    assert gain.value == pytest.approx(rows[0].scores["geoscore"].value - rows[1].scores["geoscore"].value)
    assert 0 < gain.low < gain.high < rows[0].scores["geoscore"].high - rows[0].scores["geoscore"].low
    assert (result.win, result.tie, result.loss) == (n, 0, 0)
    assert result.by_country == {"FR": (200, 0, 0), "DE": (200, 0, 0)}
    apart = rows[0].scored.error_km - rows[1].scored.error_km  # type: ignore[union-attr]
    assert result.wilcoxon == pytest.approx(stats.wilcoxon(apart).pvalue, rel=1e-6)
    same = compare(rows[0], rows[0])
    assert (same.wilcoxon, same.tie) == (1.0, n)
    assert all(tuple(value) == (0, 0, 0) for value in same.differences.values())


def test_comparison_needs_the_same_photos(rng: np.random.Generator) -> None:
    rows = [
        score(Answers(name, np.zeros((5, 2))), np.full((5, 2), at), Protocol(draws=2))
        for name, at in (("a", 0), ("b", 1))
    ]
    with pytest.raises(InputError, match=r"^a and b were not scored on the same photos$"):
        compare(*rows)
