"""What all partitions share: hierarchies and the product of their levels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.errors import InputError


def uniform(rng: np.random.Generator, n: int) -> NDArray:
    """(n, 2) uniform on the sphere."""
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)


@pytest.fixture(scope="module")
def world() -> NDArray:
    return uniform(np.random.default_rng(1), 20_000)


THREE_FACES = np.array([[1, 1], [-20, -20], [0, 91], [0, 91], [80, 0]], float)
"""Two cells of level 3 on S2's face 0, one (two photos) on face 1, one on face 2."""


def test_hierarchy_of_s2_is_nested(world: NDArray) -> None:
    levels = tuple(
        partition.build("s2", world, {"max": most, "min_level": 1, "max_level": 12}) for most in (4000, 900, 100)
    )
    hierarchy = Hierarchy(levels)
    assert hierarchy.sizes == tuple(len(level) for level in levels) and hierarchy.finest is levels[-1]
    parents = hierarchy.parents()
    assert parents.shape == (len(levels[-1]), 3)
    np.testing.assert_array_equal(parents[:, 2], np.arange(len(levels[-1])))
    label = hierarchy.assign(world)
    np.testing.assert_array_equal(parents[label[:, 2]], label)  # the same cells by way of the finest


def test_product_by_hand() -> None:
    """Coarse 0.2 and 0.8; fine 0.1 to 0.4; the cell without a parent counts there as an average one, 1/2."""
    coarse = partition.build("s2-level", THREE_FACES, {"level": 0, "min": 1})
    fine = partition.build("s2-level", THREE_FACES, {"level": 3})
    assert (len(coarse), len(fine)) == (2, 4)
    a, b, c, _, d = fine.assign(THREE_FACES)
    hierarchy = Hierarchy((coarse, fine))
    assert hierarchy.parents()[[a, b, c, d], 0].tolist() == [0, 0, 1, -1]
    probabilities = np.empty(4)
    probabilities[[a, b, c, d]] = 0.1, 0.2, 0.3, 0.4
    product = np.exp(hierarchy.product([np.log([[0.2, 0.8]]), np.log(probabilities)[None]]))
    np.testing.assert_allclose(product[0, [a, b, c, d]], [0.04, 0.08, 0.48, 0.4], rtol=1e-12)


def test_product_is_normalised_whatever_the_scores(world: NDArray, rng: np.random.Generator) -> None:
    levels = tuple(partition.build("s2", world, {"max": most, "min_level": 1}) for most in (4000, 400))
    scores = [rng.normal(0, 300, (5, len(level))) for level in levels]
    mass = Hierarchy(levels).product(scores)
    np.testing.assert_allclose(np.exp(mass).sum(axis=1), 1, rtol=1e-12)


def test_hierarchies_that_make_no_sense() -> None:
    coarse = partition.build("s2-level", THREE_FACES, {"level": 0})
    fine = partition.build("s2-level", THREE_FACES, {"level": 3})
    for levels, message in (
        ((fine, coarse), "the levels of a hierarchy go from coarse to fine; got [4, 3] cells"),
        ((), "a hierarchy needs at least one partition"),
    ):
        with pytest.raises(InputError) as caught:
            Hierarchy(levels)
        assert str(caught.value) == message
