"""What every source shares: positions that cannot be used have a reason, and an order knows its manners."""

from __future__ import annotations

import numpy as np

from whereshot.photos.sources import base


def test_judging_positions() -> None:
    latitude = np.array([1, np.nan, 95, 0, 0, 1, np.inf])
    longitude = np.array([2, 1, 0, 540, 0, -196.5, 0])
    reasons, details = base.judge_positions(latitude, longitude)
    assert list(zip(reasons, details, strict=True)) == [
        ("", ""),
        ("no position", "latitude or longitude is missing"),
        ("impossible position", "(95, 0): latitude must lie between -90 and 90 degrees"),
        (
            "impossible position",
            "(0, 540): longitude must lie between -180 and 180 degrees (one turn more is wrapped)",
        ),
        ("position (0, 0)", "(0, 0) is where devices without a fix put their photos"),
        ("", ""),
        ("impossible position", "(inf, 0): not a finite number"),
    ]


def test_almost_zero_is_null_island() -> None:
    """Devices without a fix write rounding noise as well as zeros."""
    reasons, details = base.judge_positions(
        np.array([0.0, 3e-7, 0.00009, 0.0, 0.0002]), np.array([0, 6e-7, -0.00009, 1, 0])
    )
    assert reasons == ["position (0, 0)"] * 3 + ["", ""]
    assert details[1] == ("(3e-07, 6e-07) is within 11 m of (0, 0), where devices without a fix put their photos")
