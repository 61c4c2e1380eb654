"""Fixtures of the tests of regions as cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from region_boxes import BOXES, inside, write


@pytest.fixture
def four(tmp_path: Path) -> str:
    return write(tmp_path / "four.geojson", BOXES)


@pytest.fixture
def points() -> NDArray:
    """400, 90, 30 and 4 photos in the four boxes."""
    return np.concatenate([inside(box, n) for box, n in zip(BOXES.values(), (400, 90, 30, 4), strict=True)])
