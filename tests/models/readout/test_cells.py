"""Cells as a readout, on outputs worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.errors import InputError
from whereshot.models.readout.cells import Cells, CellsSettings, VonMisesFisher, half_mass_km

POINTS = np.array([[10, 10], [10.2, 10], [-30, 40], [60, -100], [61, -100], [0, 179]], float)


def hierarchy(*levels: int) -> Hierarchy:
    return Hierarchy(tuple(partition.build("s2-level", POINTS, {"level": level}) for level in levels))


def test_cells_of_one_level_are_the_softmax(rng: np.random.Generator) -> None:
    one = hierarchy(4)
    logits = rng.normal(0, 3, (7, len(one.finest)))
    posterior = Cells(one)({"logits": logits})
    np.testing.assert_allclose(posterior.mass, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(posterior.places, one.finest.centers)


def test_cells_of_two_levels_are_the_product(rng: np.random.Generator) -> None:
    both = hierarchy(0, 4)
    coarse, fine = both.sizes
    logits = rng.normal(size=(3, coarse + fine))
    share = [np.exp(part) / np.exp(part).sum(axis=1, keepdims=True) for part in np.split(logits, [coarse], axis=1)]
    expected = share[0][:, both.parents()[:, 0]] * share[1]
    np.testing.assert_allclose(
        Cells(both)({"logits": logits}).mass, expected / expected.sum(axis=1, keepdims=True), rtol=1e-9
    )


def test_cells_settings_flatten_and_widen(rng: np.random.Generator) -> None:
    one = hierarchy(2)
    logits = rng.normal(0, 2, (2, len(one.finest)))
    plain = Cells(one)({"logits": logits})
    changed = Cells(one, CellsSettings(temperature=2.0, spread_scale=3.0, floor_km=5.0))({"logits": logits})
    np.testing.assert_allclose(changed.mass, plain.temper(2.0).mass)
    np.testing.assert_allclose(changed.spread_km, np.maximum(one.finest.spread_km * 3, 5.0))
    assert changed.spread_km.min() == 5.0 and changed.spread_km.max() > 5.0


def test_cells_refuse_other_numbers_of_logits() -> None:
    both = hierarchy(0, 4)
    with pytest.raises(InputError) as caught:
        Cells(both)({"logits": np.zeros((2, 3))})
    assert str(caught.value) == f"3 logits for {sum(both.sizes)} cells"


def test_cells_answer_at_their_own_centres() -> None:
    """Wider by how far the photos' mean is off: root mean squares add as the sides of a right angle do."""
    one = hierarchy(2)
    posterior = Cells(one, CellsSettings(position="center"))({"logits": np.zeros((1, len(one.finest)))})
    np.testing.assert_array_equal(posterior.places, one.finest.cell_centers)
    apart = sphere.distance_km(one.finest.centers, one.finest.cell_centers)
    assert apart.max() > 100
    np.testing.assert_allclose(posterior.spread_km, np.maximum(np.hypot(apart, one.finest.spread_km), 1))


def test_the_best_cells_answer_together(rng: np.random.Generator) -> None:
    one = hierarchy(4)
    count = len(one.finest)
    logits = rng.normal(0, 2, (6, count))
    outputs = {"logits": logits}
    plain, joined = Cells(one)(outputs), Cells(one, CellsSettings(position="mean-of-best", best=3))(outputs)
    np.testing.assert_allclose(joined.mass.sum(axis=1), 1)
    for row in range(6):
        best = np.argsort(-logits[row])[:3]
        share = plain.mass[row, best] / plain.mass[row, best].sum()
        mean = sphere.mean(one.finest.centers[best], share)
        np.testing.assert_allclose(joined.places[row, best[0]], mean, atol=1e-9)
        assert joined.mass[row, best[0]] == pytest.approx(plain.mass[row, best].sum())
        assert joined.mass[row, best[1:]].tolist() == [0, 0]
        apart = sphere.distance_km(mean, one.finest.centers[best])
        spread = math.sqrt(float(share @ (apart**2 + plain.spread_km[best] ** 2)))
        assert joined.spread_km[row, best[0]] == pytest.approx(spread)
        rest = np.setdiff1d(np.arange(count), best)
        np.testing.assert_array_equal(joined.places[row, rest], one.finest.centers[rest])
        np.testing.assert_allclose(joined.mass[row, rest], plain.mass[row, rest])
    one_alone = Cells(one, CellsSettings(position="mean-of-best", best=1))(outputs)
    np.testing.assert_allclose(one_alone.mode(), plain.mode())
    everything = Cells(one, CellsSettings(position="mean-of-best", best=99))(outputs)
    np.testing.assert_allclose(everything.mode(), plain.mean())


def test_an_offset_moves_the_chosen_cell_alone() -> None:
    one = hierarchy(4)
    logits = np.zeros((2, len(one.finest)))
    logits[[0, 1], [2, 0]] = 9
    offset = np.array([[30.0, -40.0], [0.0, 0.0]])
    outputs = {"logits": logits, "offset": offset, "offset_cell": np.array([[2.0], [0.0]])}
    posterior = Cells(one, CellsSettings(position="offset"))(outputs)
    assert sphere.distance_km(posterior.mode(), one.finest.centers[[2, 0]]) == pytest.approx([50, 0], abs=1e-9)
    moved = posterior.mode()[0] - one.finest.centers[2]
    assert moved[0] == pytest.approx(-40 / 111.195, rel=0.01) and moved[1] > 0
    kept = np.setdiff1d(np.arange(len(one.finest)), 2)
    np.testing.assert_array_equal(posterior.places[0, kept], one.finest.centers[kept])
    with pytest.raises(InputError) as caught:
        Cells(one, CellsSettings(position="offset"))({"logits": logits})
    said = 'position "offset" needs a network that gives one; train with head.settings.offset = true'
    assert str(caught.value) == said


def test_defaults_read_as_they_did() -> None:
    """What calibration.toml of an older model says is all that it needs to say."""
    old = CellsSettings.model_validate({"temperature": 1.5, "spread_scale": 0.5, "floor_km": 0.3})
    assert (old.position, old.temperature) == ("centroid", 1.5)


@pytest.mark.parametrize("kappa", [0.01, 1.0, 50.0, 1e4, 1e8])
def test_half_of_a_von_mises_fisher_lies_within(kappa: float) -> None:
    """By integration of the density kappa / (2 pi (1 - e^-2kappa)) e^(-kappa u) over the cap."""
    u = 1 - math.cos(float(half_mass_km(kappa)) / 6371.0088) if kappa < 1e6 else None
    u = u if u is not None else (float(half_mass_km(kappa)) / 6371.0088) ** 2 / 2
    grid = np.linspace(0, u, 20_001)
    density = kappa / -math.expm1(-2 * kappa) * np.exp(-kappa * grid)
    assert np.trapezoid(density, grid) == pytest.approx(0.5, rel=1e-4)


def test_von_mises_fisher_components_as_places(rng: np.random.Generator) -> None:
    means, kappa = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([1e3, 1e5, 1e7])
    logits = rng.normal(size=(4, 5))
    posterior = VonMisesFisher(means, kappa)({"logits": logits})  # the last three of five: two are a coarser level's
    shares = np.exp(logits[:, 2:]) / np.exp(logits[:, 2:]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(posterior.mass, shares)
    np.testing.assert_array_equal(posterior.places, means)
    np.testing.assert_allclose(posterior.spread_km, 6371.0088 * np.sqrt(2 * math.log(2) / kappa), rtol=1e-3)
    with pytest.raises(InputError, match=r"^2 logits for 3 components$"):
        VonMisesFisher(means, kappa)({"logits": logits[:, :2]})
    with pytest.raises(InputError, match=r"^3 means need as many positive concentrations; got \(2,\)$"):
        VonMisesFisher(means, kappa[:2])
