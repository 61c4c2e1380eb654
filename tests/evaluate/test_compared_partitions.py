"""Partitions to compare: built from recipes, named once, and joined to products."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from whereshot.evaluate.compared_partitions import ComparedPartitions
from whereshot.foundation.errors import InputError

POINTS = np.array([[48.86, 2.35], [48.87, 2.36], [35.68, 139.76], [-33.87, 151.2], [40.71, -74.0], [52.52, 13.4]])


@pytest.fixture
def compared() -> ComparedPartitions:
    return ComparedPartitions(contextlib.nullcontext)


def test_a_recipe_is_built_with_its_settings(compared: ComparedPartitions) -> None:
    compared.build(["s2:max=2", "s2:max=100"], [], POINTS)
    assert len(compared.single["s2:max=2"]) > len(compared.single["s2:max=100"])
    assert compared.products == {}


def test_a_name_stands_for_one_partition(compared: ComparedPartitions) -> None:
    with pytest.raises(InputError, match="s2:max=2 is named twice"):
        compared.build(["s2:max=2", "s2:max=2"], [], POINTS)


def test_several_levels_are_also_a_product(compared: ComparedPartitions) -> None:
    compared.build(["s2:max=100", "s2:max=2"], [], POINTS)
    levels = tuple(compared.single.values())
    compared.add("both", levels)
    assert list(compared.single) == ["s2:max=100", "s2:max=2", "both, level 0", "both, level 1"]
    assert list(compared.products) == ["both"]


def test_a_product_joins_partitions_by_name(compared: ComparedPartitions) -> None:
    compared.build(["s2:max=100", "s2:max=2"], [], POINTS)
    compared.add_product("s2:max=100 + s2:max=2")
    product = compared.products["s2:max=100 + s2:max=2"]
    assert product.sizes == tuple(len(part) for part in compared.single.values())
