"""The best possible against what can be counted by hand, and against what must hold of any partition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy, s2cells
from whereshot.evaluate import best_possible
from whereshot.foundation.errors import InputError

FOUR = np.array([[10.0, 10.0], [10.0, 10.0], [10.1, 10.0], [-40.0, 100.0]])


@pytest.fixture(scope="module")
def cells() -> partition.Partition:
    """Two faces of the cube: one with three photos of two places, one with a single photo."""
    return partition.build("s2-level", FOUR, {"level": 0})


def test_by_hand(cells: partition.Partition) -> None:
    """Held out: one photo at a centroid, one 100 km north of it, one where no cell is."""
    centroid = cells.centers[cells.assign([[10, 10]])[0]]
    north = sphere.move(centroid, 0, 100.0)
    best = best_possible.best_possible("two", cells, [centroid, north, [85, 0]])
    assert (best.name, best.kind, best.cells, best.photos, best.photos_kept) == ("two", "s2", 2, 3, 2)
    third = pytest.approx(1 / 3)
    assert best.centroid.best_possible == {
        "1": third,
        "25": third,
        "200": pytest.approx(2 / 3),
        **dict.fromkeys(("750", "2500"), pytest.approx(2 / 3)),
    }
    assert best.centroid.mean_km_kept == pytest.approx(50)
    assert best.centroid.mean_km == pytest.approx((100 + sphere.HALF_CIRCUMFERENCE_KM) / 3)
    assert best.centroid.median_km == pytest.approx(100)
    assert best.entropy_bits == 0 and best.evenness == 0
    face = pytest.approx(sphere.EARTH_AREA_KM2 / 6)
    assert best.area_km2 == {"min": face, "median": face, "max": face}
    away = sphere.distance_km(cells.cell_centers[cells.assign([[10, 10]])[0]], np.array([centroid, north])).mean()
    assert best.cell_center.mean_km_kept == pytest.approx(away)


def test_the_document_keeps_the_contract(cells: partition.Partition) -> None:
    document = best_possible.compare({"a": cells, "b": cells}, {}, FOUR).to_json()
    first = document["partitions"][0]
    assert (first["name"], first["cells"], first["photos_kept"]) == ("a", 2, 4)
    assert list(first["best_possible"]) == ["1", "25", "200", "750", "2500"]
    assert first["best_possible"] == best_possible.best_possible("a", cells, FOUR).centroid.best_possible
    assert first["by_cell_center"]["best_possible"]["2500"] <= 1
    assert first["entropy_bits"] == pytest.approx(-(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)))
    assert (document["photos"], document["fitted"], document["seen"], document["hierarchies"]) == (4, None, None, [])


def test_nothing_is_in_a_partition_elsewhere(cells: partition.Partition) -> None:
    best = best_possible.best_possible("a", cells, [[85, 0], [86, 0]])
    assert best.photos_kept == 0 and set(best.centroid.best_possible.values()) == {0.0}
    assert best.centroid.mean_km_kept is None
    assert best.centroid.mean_km == best.centroid.median_km == sphere.HALF_CIRCUMFERENCE_KM
    assert "(0.0 %)" in best_possible.compare({"a": cells}, {"h": Hierarchy((cells, cells))}, [[85, 0]]).to_markdown()


def test_a_partition_without_cells(cells: partition.Partition) -> None:
    none = cells.populate(np.empty((0, 2)), lambda counts: counts > 0)
    comparison = best_possible.compare({"none": none}, {"h": Hierarchy((none, cells)), "i": Hierarchy((none,))}, FOUR)
    assert comparison.partitions[0].photos_kept == 0
    assert comparison.hierarchies[0].best_possible["2500"] > 0
    assert comparison.hierarchies[1].best_possible["2500"] == 0


def uniform(rng: np.random.Generator, n: int) -> NDArray:
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)


def test_finer_cells_allow_more(rng: np.random.Generator) -> None:
    points = uniform(rng, 4000)
    rows = [
        best_possible.best_possible("", partition.build("s2-level", points, {"level": n}), points) for n in range(5)
    ]
    for coarse, fine in itertools.pairwise(rows):
        assert fine.centroid.mean_km < coarse.centroid.mean_km
        assert fine.entropy_bits > coarse.entropy_bits
        assert all(
            fine.centroid.best_possible[km] >= coarse.centroid.best_possible[km] for km in ("200", "750", "2500")
        )
    assert rows[3].evenness == pytest.approx(1, abs=0.05)


# --- hierarchies


def test_levels_that_nest_lose_nothing(rng: np.random.Generator) -> None:
    points = uniform(rng, 3000)
    levels = tuple(partition.build("s2", points, {"max": most}) for most in (1000, 200, 50))
    product = best_possible.best_product("nested", Hierarchy(levels), points)
    finest = best_possible.best_possible("finest", levels[-1], points)
    assert product.best_possible == finest.centroid.best_possible
    assert (product.torn, set(product.expected_loss.values())) == (0, {0.0})
    assert product.unused_bits == pytest.approx(0, abs=1e-9)
    assert product.left_bits == pytest.approx(math.log2(3000) - finest.entropy_bits)


class Stripes(s2cells.S2Cells):
    """Stripes of longitude with given borders: levels that do not nest."""

    def __init__(self, borders: list[float], points: NDArray) -> None:
        self.borders = borders
        k = len(borders) - 1
        label = self.assign(points)
        self.centers = np.array([[0.0, points[label == cell, 1].mean()] for cell in range(k)])
        self.cell_centers = np.array([[0.0, (a + b) / 2] for a, b in itertools.pairwise(borders)])
        self.counts, self.area_sr = np.bincount(label[label >= 0], minlength=k), np.ones(k)

    def assign(self, points: NDArray) -> NDArray:
        x = np.asarray(points)[:, 1]
        label = np.searchsorted(self.borders, x, side="right") - 1
        return np.where((label >= 0) & (label < len(self.borders) - 1), label, -1)


def test_levels_that_contradict() -> None:
    """Coarse stripes 0-5-10 degrees, fine ones 0-4-6-10: the middle one's centroid, 5.2, has the right parent."""
    x = np.array([1.0, 2.0, 4.8, 5.3, 5.5, 8.0, 9.0, 20.0])
    points = np.stack([np.zeros(8), x], axis=1)
    coarse, fine = Stripes([0, 5, 10], points), Stripes([0, 4, 6, 10], points)
    assert Hierarchy((coarse, fine)).parents()[:, 0].tolist() == [0, 1, 1]
    product = best_possible.best_product("stripes", Hierarchy((coarse, fine)), points)
    assert product.cells == (2, 3) and product.photos_kept == 7
    assert product.torn == 1 / 8  # the photo at 4.8: coarse says left, its fine cell's parent is right
    alone = best_possible.best_possible("fine", fine, points).centroid.best_possible
    for km in alone:
        assert product.best_possible[km] + product.expected_loss[km] == pytest.approx(alone[km])
    assert product.expected_loss["200"] == 1 / 8 and product.expected_loss["25"] == 0
    # within the middle stripe one of three photos is left: H(1/3) of 3 of 8 photos
    third = -(1 / 3 * math.log2(1 / 3) + 2 / 3 * math.log2(2 / 3))
    assert product.unused_bits == pytest.approx(3 / 8 * third)
    assert product.left_bits == pytest.approx((2 * 1 + 2 * 1 + 2 * 1) / 8)  # pairs: 1+2, 5.3+5.5, 8+9
    text = best_possible.compare({}, {"stripes": Hierarchy((coarse, fine))}, points).to_markdown()
    assert "| stripes | 2 / 3 | 7 (87.5 %) | 12.50 | 0.0 (-0.0) |" in text


# --- splits


def test_split_and_what_was_seen(rng: np.random.Generator) -> None:
    points = np.repeat(uniform(rng, 500), 2, axis=0)
    fit, held = best_possible.split(points, 0.5)
    assert len(fit) + len(held) == 1000 and abs(len(fit) - 500) < 80
    again, _ = best_possible.split(points, 0.5)
    np.testing.assert_array_equal(fit, again)
    assert len(best_possible.split(points, 0.5, seed=1)[0]) != len(fit) or not np.array_equal(
        best_possible.split(points, 0.5, seed=1)[0], fit
    )
    seen = best_possible.share_seen(fit, held)
    assert 0.4 < seen < 0.6  # every position is there twice
    comparison = best_possible.compare({"a": partition.build("s2-level", fit, {"level": 1})}, {}, held, fit)
    assert (comparison.fitted, comparison.seen) == (len(fit), seen)
    assert f"The cells were built on {len(fit)} photos; {100 * seen:.1f} % of the scored" in comparison.to_markdown()


@pytest.mark.parametrize(
    ("share", "n", "message"),
    [
        (0.0, 10, "the share to fit on must lie between 0 and 1; got 0"),
        (1.0, 10, "the share to fit on must lie between 0 and 1; got 1"),
        (float("nan"), 10, "the share to fit on must lie between 0 and 1; got nan"),
        (0.5, 1, "1 positions are too few to split; give other positions to fit on"),
    ],
)
def test_splits_that_make_no_sense(share: float, n: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        best_possible.split(np.zeros((n, 2)), share)
    assert str(caught.value) == message


def test_no_positions(cells: partition.Partition) -> None:
    with pytest.raises(InputError, match=r"^no positions to compare partitions on$"):
        best_possible.compare({"a": cells}, {}, [])


# --- recipes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s2", ("s2", {})),
        ("s2:max=1000,min=5", ("s2", {"max": 1000, "min": 5})),
        ("regions:polygons=a.geojson, name=b", ("regions", {"polygons": "a.geojson", "name": "b"})),
        (
            'combinatorial:parts=[{kind="s2", max=5},{kind="mesh",max=9}],min=4',
            ("combinatorial", {"parts": [{"kind": "s2", "max": 5}, {"kind": "mesh", "max": 9}], "min": 4}),
        ),
        ("mesh:levels=[1, 2,3],min=4", ("mesh", {"levels": [1, 2, 3], "min": 4})),
    ],
)
def test_recipes(text: str, expected: tuple[str, dict]) -> None:
    assert best_possible.parse_recipe(text) == expected


@pytest.mark.parametrize("text", ["s2:max", "s2:max=", "s2:=5", "s2:max=5,min="])
def test_recipes_that_make_no_sense(text: str) -> None:
    with pytest.raises(InputError) as caught:
        best_possible.parse_recipe(text)
    assert str(caught.value) == (
        f"a partition to build is kind:key=value,key=value, as s2:max=1000,min=5; got {text!r}"
    )
