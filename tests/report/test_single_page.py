"""Pages are whole in themselves, and no data can break out of them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from whereshot.report import single_page


@pytest.mark.parametrize("name", ["answers.html", "cells.html", "lookalikes.html"])
def test_a_page_is_whole(name: str) -> None:
    text = single_page.whole(name, {"x": "</script><b>&"})
    assert "/*MAP" not in text and "/*ANSWERS" not in text and "/*DATA*/" not in text
    assert "function worldMap" in text and "--land" in text
    assert text.count("</script>") == 2
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert json.loads(data) == {"x": "</script><b>&"}
    assert not re.findall(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text


def test_numbers_that_are_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        single_page.whole("answers.html", {"x": float("nan")})


def test_packed_rings_unpack() -> None:
    ring = np.array([[10.0, 50.0], [10.004, 50.0], [11.25, 50.5], [-170.0, -89.99], [10.0, 50.0]])
    packed = np.array(single_page.pack(ring, 100)).reshape(-1, 2).cumsum(axis=0) / 100
    np.testing.assert_allclose(packed, ring[[0, 2, 3, 4]], atol=0.005)


def test_borders_are_those_of_the_world() -> None:
    rings = single_page.borders()
    assert len(rings) > 200 and min(map(len, rings)) >= 8
    points = np.concatenate([np.array(ring).reshape(-1, 2).cumsum(axis=0) for ring in rings]) / 100
    assert np.abs(points[:, 0]).max() <= 180 and np.abs(points[:, 1]).max() <= 90
