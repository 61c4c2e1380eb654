"""What a model answers: three parts that users take apart by position, and blocks with their place in the list."""

from __future__ import annotations

import numpy as np

from whereshot.models.base import Block, Posteriors
from whereshot.posterior.base import Posterior


def test_posteriors_are_taken_apart_by_position_and_by_name() -> None:
    one = Posterior.from_mass([(0.0, 0.0)], [[1.0]], 1.0)
    found = Posteriors(one, np.array([2]), {0: "a", 1: "b"})
    posterior, rows, errors = found
    assert posterior is found.posterior and rows is found.rows and errors is found.errors
    block = Block(0, 3, found, np.array([False]))
    assert block.stop - block.start == len(rows) + len(errors)
