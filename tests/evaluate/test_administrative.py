"""The share of right countries, regions and towns, by borders and by labels."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.evaluate import (
    Answers,
    Protocol,
    Truth,
    score,
)


def test_administrative_accuracy() -> None:
    paris, versailles, lyon, berlin, sea = [48.857, 2.352], [48.804, 2.13], [45.758, 4.835], [52.52, 13.405], [0, -30]
    truth = Truth(
        np.array([paris, paris, paris, sea, paris]),
        labels={
            "country": np.array(["FR", "France", "FR", None, "FR"], object),
            "city": np.array(["Orly", "VERSAILLES", "", None, "Paris"], object),
        },
    )
    points = np.array([paris, versailles, lyon, berlin, [math.nan] * 2])
    scores = score(Answers("a", points), truth, Protocol(draws=20)).scores
    assert scores["country"].value == 3 / 4  # the photo at sea leaves the denominator, the failed one does not
    assert scores["region"].value == 2 / 4
    assert scores["city"].value == 1 / 5
    assert scores["osv_country"].value == 3 / 4
    assert scores["osv_city"].value == 1 / 3
    assert "osv_region" not in scores


def test_the_published_rows_of_osv5m(shared: Path) -> None:
    """All 50 rows, both models: no distance is off by more than a billionth, no score by more than a millionth."""
    with (shared / "data" / "tables" / "osv5m_game_select.csv").open() as file:
        rows = list(csv.DictReader(file))

    def numbers(*names: str) -> NDArray:
        return np.array([[float(row[name]) for name in names] for row in rows])

    assert len(rows) == 50
    labels = {level: np.array([row[level] for row in rows], object) for level in ("country", "region", "city")}
    truth = Truth(numbers("true_lat", "true_lon"), labels=labels)
    for suffix in ("", "_base"):
        points = numbers(f"pred_lat{suffix}", f"pred_lon{suffix}")
        row = score(Answers("osv", points), truth, Protocol(radius_km=6371.0, draws=10))
        assert row.scored is not None
        np.testing.assert_allclose(row.scored.error_km, numbers(f"distance{suffix}")[:, 0], rtol=1e-9)
        np.testing.assert_allclose(row.scored.geoscore(), numbers(f"score{suffix}")[:, 0], atol=1e-6)
        published = np.mean([one[f"country_hit{suffix}"] == "True" for one in rows])
        assert row.scores["osv_country"].value == pytest.approx(published, abs=0.021)  # another gazetteer: one row
        known = [one for one in rows if one["region"]]
        published = np.mean([one[f"region_hit{suffix}"] == "True" for one in known])
        assert row.scores["osv_region"].value == pytest.approx(published, abs=0.15)
