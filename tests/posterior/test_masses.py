"""Masses of countries and regions by hand, and posteriors restricted to a region."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from whereshot.earth.areas import Region, read_area, read_region
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import country_masses, region_masses, restricted
from whereshot.posterior.prior import density_prior
from whereshot.posterior.samples import sample


def test_country_masses_sum_and_order() -> None:
    where = [[48.86, 2.35], [43.6, 1.44], [52.52, 13.4], [0, -140]]
    posterior = Posterior.from_mass(where, [[0.1, 0.2, 0.5, 0.2], [0.6, 0.2, 0.1, 0.1], [0, 0, 0, 1]], 1.0)
    rows = country_masses(posterior)
    assert [[code for code, _ in row] for row in rows] == [["DE", "FR"], ["FR", "DE"], []]
    np.testing.assert_allclose([mass for _, mass in rows[0]], [0.5, 0.3])
    np.testing.assert_allclose([mass for _, mass in rows[1]], [0.8, 0.1])


def test_country_masses_of_own_places() -> None:
    where = [[[48.86, 2.35], [52.52, 13.4]], [[35.68, 139.69], [38.9, -77.04]]]
    rows = country_masses(Posterior.from_mass(where, [[0.25, 0.75], [0.75, 0.25]], 1.0))
    assert [[code for code, _ in row] for row in rows] == [["DE", "FR"], ["JP", "US"]]


def inside_all(region: Region, posterior: Posterior) -> bool:
    """Every place with mass lies in the region."""
    return all(
        region.holds(one.places.reshape(-1, 2)[one.mass[0] > 0]).all()
        for one in map(posterior.__getitem__, range(len(posterior)))
    )


def test_restricting_leaves_nothing_outside(rng: np.random.Generator) -> None:
    where = np.stack([rng.uniform(42, 55, 60), rng.uniform(-4, 15, 60)], axis=1)
    posterior = Posterior(where, rng.normal(size=(3, 60)), 30.0)
    region = read_region("France")
    kept = restricted(posterior, region)
    assert len(kept) == 3
    assert inside_all(region, kept)
    # between places inside the odds stay
    inside = np.flatnonzero(region.holds(where))
    np.testing.assert_allclose(
        kept.log_mass[:, : len(inside)] - kept.log_mass[:, :1],
        posterior.log_mass[:, inside] - posterior.log_mass[:, inside[:1]],
        atol=1e-9,
    )


@pytest.mark.parametrize("name", ["Catalonia", "Spain"])
def test_a_town_on_the_beach_stays_in_its_region(name: str) -> None:
    """The simplified coast leaves Altafulla in the sea."""
    altafulla, perpignan = [41.1429, 1.3727], [42.6976, 2.8954]
    region = read_area(name)
    assert not shapely.intersects_xy(region.geometry, altafulla[1], altafulla[0])
    kept = restricted(Posterior.from_mass([altafulla, perpignan], [[0.6, 0.4]], 1.0), region)
    assert kept.places[0].tolist() == altafulla
    assert kept.mass[0, 0] > 0.99
    assert perpignan not in kept.places.tolist()


def test_restricting_to_an_area_between_the_places() -> None:
    """No place lies in Luxembourg: its side that is nearer to the one place is likelier."""
    region = read_region("Luxembourg")
    kept = restricted(Posterior([[49.6, 3.0]], [[0]], 20.0), region)
    assert inside_all(region, kept)
    heaviest = kept.mode()[0]
    assert heaviest[1] < region.geometry.centroid.x
    assert kept.mass.max() < 0.1


def test_restricting_weighs_places_inside_against_what_spills_over(rng: np.random.Generator) -> None:
    """Of Brussels' wide place the share that lies in France, counted by drawing, competes with Paris."""
    region = read_region("France")
    brussels = Posterior([[50.85, 4.35]], [[0]], 150.0)
    drawn = sample(brussels, 40_000, rng)[0]
    spilled = shapely.intersects_xy(region.geometry, drawn[:, 1], drawn[:, 0]).mean()  # not the sea at its coast
    both = Posterior.from_mass([[48.86, 2.35], [50.85, 4.35]], [[0.2, 0.8]], [1.0, 150.0])
    expected = 0.2 / (0.2 + 0.8 * spilled)
    assert restricted(both, region).mass[0, 0] == pytest.approx(expected, abs=0.03)
    assert 0.25 < expected < 0.75


def test_restricting_shares_a_spilled_mass_by_the_density() -> None:
    """A uniform distribution restricted to an area is uniform on it: each grid point's mass is its area."""
    region = read_region("New Zealand")
    kept = restricted(Posterior([[0, 0]], [[0]], 20_000.0), region)
    grid, area_sr = region.grid()
    np.testing.assert_array_equal(kept.places.reshape(-1, 2), grid)
    np.testing.assert_allclose(kept.mass[0], area_sr / area_sr.sum(), rtol=1e-6)


def test_restricting_a_certain_answer_inside_changes_nothing() -> None:
    posterior = Posterior.from_mass([[48.86, 2.35], [52.52, 13.4]], [[1.0, 0.0]], 1.0)
    kept = restricted(posterior, read_region("France"))
    assert kept.mode().tolist() == [[48.86, 2.35]]
    assert kept.mass.max() == pytest.approx(1)


def test_masses_of_regions() -> None:
    places = [[41.39, 2.16], [41.13, 1.38], [48.86, 2.34], [30.0, -40.0], [-24.0, 130.0]]
    posterior = Posterior.from_mass(places, [[4, 1, 2, 2, 1], [0, 0, 1, 0, 0]], 1.0)
    first, second = region_masses(posterior)
    assert [row[:2] for row in first] == [("ES", "Catalonia"), ("FR", "Île-de-France"), ("AU", None)]
    assert [row[2] for row in first] == pytest.approx([0.5, 0.2, 0.1])
    assert second == [("FR", "Île-de-France", pytest.approx(1.0))]


def test_masses_of_own_places() -> None:
    places = [[[41.39, 2.16], [48.86, 2.34]], [[30.0, -40.0], [30.1, -40.0]]]
    rows = region_masses(Posterior.from_mass(places, [[3, 1], [1, 1]], 1.0))
    assert [row[:2] for row in rows[0]] == [("ES", "Catalonia"), ("FR", "Île-de-France")]
    assert rows[1] == []


def test_regions_sum_to_their_countries() -> None:
    prior = density_prior()
    total: dict[str, float] = {}
    for code, _, share in region_masses(prior)[0]:
        total[code] = total.get(code, 0.0) + share
    assert total == pytest.approx(dict(country_masses(prior)[0]))
