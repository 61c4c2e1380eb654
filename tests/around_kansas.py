"""Places around a town in Kansas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere

KANSAS = np.array([38.5, -98.0])


def around(count: int, km: float, rng: np.random.Generator) -> NDArray:
    return sphere.move(np.tile(KANSAS, (count, 1)), rng.uniform(0, 360, count), km * np.sqrt(rng.uniform(0, 1, count)))
