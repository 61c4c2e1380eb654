"""What every source shares: positions that cannot be used have a reason, and an order decides how a server is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from whereshot.foundation.tables import REJECTS
from whereshot.photos.fetch import Manners
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


def test_an_own_server_may_be_in_a_private_network() -> None:
    """The manners that a person gives go before those of the API's terms."""
    usual, own = Manners(rate_per_host=1.0), Manners(attempts=2)
    order = base.Order([Path("in")], Path("out"))
    assert order.manners_of(usual) == usual and not usual.allow_private
    there = replace(order, endpoint="http://127.0.0.1:1/").manners_of(usual)
    assert (there.allow_private, there.rate_per_host) == (True, 1.0)
    assert replace(order, endpoint="http://127.0.0.1:1/", manners=own).manners_of(usual) is own


def test_repeated_rows_become_rejects() -> None:
    rejects = base.repeats(pa.table({"id": ["a", "it's"], "image": ["a.jpg", None], "latitude": [1.0, 2.0]}))
    assert rejects.schema == REJECTS
    assert [tuple(row.values()) for row in rejects.to_pylist()] == [
        ("a", "a.jpg", "duplicate id", "id 'a' stands in an earlier row"),
        ("it's", None, "duplicate id", 'id "it\'s" stands in an earlier row'),
    ]
