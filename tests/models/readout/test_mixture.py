"""Readouts on outputs worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.errors import InputError
from whereshot.foundation.log_space import log_softmax
from whereshot.models.readout.cells import Cells, CellsSettings, VonMisesFisher, half_mass_km
from whereshot.models.readout.encodings import Encodings, EncodingsSettings
from whereshot.models.readout.gallery import Gallery, GallerySettings
from whereshot.models.readout.mixture import Gate, Mixture
from whereshot.posterior.base import Posterior

POINTS = np.array([[10, 10], [10.2, 10], [-30, 40], [60, -100], [61, -100], [0, 179]], float)


def hierarchy(*levels: int) -> Hierarchy:
    return Hierarchy(tuple(partition.build("s2-level", POINTS, {"level": level}) for level in levels))


# --- cells


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


# --- where the answer lies


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


# --- gallery

FEATURES = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
PLACES = [[48.0, 2.0], [52.0, 13.0], [48.0, 2.0]]


def test_gallery_votes_by_hand() -> None:
    """Cosines 1, 0 and 0.6 at temperature 0.5: e^2 and e^1.2 for the first place, e^0 for the second."""
    gallery = Gallery(FEATURES, PLACES, [0, 0, 0], GallerySettings(temperature=0.5))
    posterior = gallery({"features": np.array([[1, 0]])})
    votes = np.array([math.e**2 + math.e**1.2, 1.0])
    assert posterior.places.tolist() == [[48, 2], [52, 13]]
    np.testing.assert_allclose(posterior.mass[0], votes / votes.sum(), rtol=1e-6)


def test_gallery_against_a_loop(rng: np.random.Generator) -> None:
    features = rng.normal(size=(60, 8))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    points = rng.integers(0, 4, (60, 2)).astype(float)
    photos = features[:5] + rng.normal(0, 0.1, (5, 8))
    posterior = Gallery(features, points, np.zeros(60), GallerySettings(temperature=0.1))({"features": photos})
    for row in range(5):
        votes: dict[tuple[float, ...], float] = {}
        for feature, point in zip(features, points, strict=True):
            votes[tuple(point)] = votes.get(tuple(point), 0.0) + math.exp(float(photos[row] @ feature) / 0.1)
        expected = [votes[tuple(place)] / sum(votes.values()) for place in posterior.places]
        np.testing.assert_allclose(posterior.mass[row], expected, rtol=1e-4)


def test_gallery_places_are_as_wide_as_their_least_exact_photo() -> None:
    gallery = Gallery(FEATURES, PLACES, [0.5, math.nan, 7.0], GallerySettings(floor_km=2.0))
    assert gallery({"features": np.array([[1, 0]])}).spread_km.tolist() == [7.0, 2.0]


def test_gallery_nearest() -> None:
    gallery = Gallery(FEATURES, PLACES, [0, 0, 0])
    row, cosine = gallery.nearest({"features": np.array([[0.8, 0.6], [0, -1], [1, 0]])})
    assert row.tolist() == [2, 0, 0]
    np.testing.assert_allclose(cosine, [0.96, 0, 1], atol=1e-6)
    assert cosine.dtype == np.float64


def test_a_sharp_gallery_does_not_overflow() -> None:
    gallery = Gallery(FEATURES, PLACES, [0, 0, 0], GallerySettings(temperature=1e-4))
    posterior = gallery({"features": np.array([[0, 1]])})
    assert posterior.mode().tolist() == [[52, 13]]
    assert np.isfinite(posterior.log_mass).all()


@pytest.mark.parametrize(
    ("features", "points", "accuracy"),
    [(FEATURES, PLACES[:2], [0, 0, 0]), (FEATURES, PLACES, [0, 0]), (FEATURES[:0], np.empty((0, 2)), [])],
)
def test_gallery_refuses_what_does_not_fit(features: NDArray, points: object, accuracy: list) -> None:
    with pytest.raises(InputError) as caught:
        Gallery(features, points, accuracy)
    assert str(caught.value) == "a gallery needs as many features, positions and accuracies, and at least one"


# --- gate and mixture


def test_gate_weights_by_hand() -> None:
    gate = Gate(offset={"cells": 1.0, "gallery": -1.0}, slope={"cells": 0.0, "gallery": 4.0})
    weights = gate.weights(np.array([0.0, 0.5]))
    for row, scores in enumerate(([1, -1, 0], [1, 1, 0])):
        shares = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose([weights[name][row] for name in ("cells", "gallery", "prior")], shares)


def test_gate_weights_sum_to_one(rng: np.random.Generator) -> None:
    for scale in (1, 100, 1e5):
        offset, slope = rng.normal(0, scale, (2, 3))
        names = ("a", "b", "c")
        gate = Gate(
            offset=dict(zip(names, map(float, offset), strict=True)),
            slope=dict(zip(names, map(float, slope), strict=True)),
        )
        weights = gate.weights(rng.uniform(-1, 1, 50))
        assert list(weights) == ["a", "b", "c", "prior"]
        np.testing.assert_allclose(np.sum(list(weights.values()), axis=0), 1, rtol=1e-12)


def test_log_softmax_is_stable() -> None:
    scores = np.array([[1000.0, 1001.0], [-1000.0, -1001.0], [0.0, 0.0], [0.0, 1e6]])
    expected = -np.log1p(np.exp([-1.0, 1.0]))
    np.testing.assert_allclose(log_softmax(scores)[0], expected[::-1])
    np.testing.assert_allclose(log_softmax(scores)[1], expected)
    np.testing.assert_allclose(log_softmax(scores)[2], math.log(0.5))
    assert log_softmax(scores)[3].tolist() == [-1e6, 0.0]
    np.testing.assert_allclose(np.exp(log_softmax(scores.astype(np.float32))).sum(axis=1), 1, rtol=1e-12)


def mixture(offset: dict[str, float], slope: dict[str, float]) -> tuple[Mixture, dict[str, NDArray]]:
    rng = np.random.default_rng(3)
    cells = Cells(hierarchy(0, 4))
    features = rng.normal(size=(20, 6))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    gallery = Gallery(features, rng.uniform(-60, 60, (20, 2)), np.zeros(20))
    prior = Posterior(rng.uniform(-60, 60, (9, 2)), rng.normal(size=(1, 9)), 500.0)
    photos = rng.normal(size=(4, 6))
    outputs = {
        "features": photos / np.linalg.norm(photos, axis=1, keepdims=True),
        "logits": rng.normal(size=(4, sum(cells.hierarchy.sizes))),
    }
    parts = {"cells": cells, "gallery": gallery}
    gate = Gate(offset=offset, slope=slope)
    return Mixture({name: parts[name] for name in offset}, gate, gallery, prior), outputs


@pytest.mark.parametrize(
    ("offset", "slope"),
    [
        ({"cells": 0.3, "gallery": -0.5}, {"cells": 0.1, "gallery": 2.0}),
        ({"gallery": -0.5, "cells": 0.3}, {"gallery": 2.0, "cells": -5.0}),
        ({"cells": 1.0}, {"cells": 1.0}),
        ({"gallery": 1.0}, {"gallery": 0.0}),
        ({"cells": -2000.0, "gallery": 2000.0}, {"cells": 0.0, "gallery": 0.0}),
        ({"cells": 2000.0, "gallery": -2000.0}, {"cells": 0.0, "gallery": 0.0}),
    ],
)
def test_mixture_is_the_weighted_sum_of_its_densities(offset: dict[str, float], slope: dict[str, float]) -> None:
    mixed, outputs = mixture(offset, slope)
    posterior = mixed(outputs)
    assert len(posterior) == 4
    weights = mixed.gate.weights(mixed.gallery.nearest(outputs)[1])
    for point in ([10.0, 10.0], [-30.0, 40.0], [80.0, 0.0]):
        expected = weights["prior"] * mixed.prior.repeat(4).density([point])
        for name, part in mixed.parts.items():
            expected = expected + weights[name] * part(outputs).density([point])
        np.testing.assert_allclose(posterior.density([point]), expected, rtol=1e-9)


def test_mixture_of_no_photos() -> None:
    mixed, outputs = mixture({"cells": 0.3, "gallery": -0.5}, {"cells": 0.1, "gallery": 2.0})
    assert len(mixed({name: values[:0] for name, values in outputs.items()})) == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda: CellsSettings(temperature=0),
        lambda: CellsSettings(floor_km=-1),
        lambda: GallerySettings(temperature=-1),
        lambda: GallerySettings(floor_km=0),
    ],
)
def test_settings_are_positive(build: object) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        build()  # type: ignore[operator]


def test_encodings_vote_for_their_places() -> None:
    places = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    readout = Encodings(places, np.eye(3), [1.0, 2.0, 3.0], EncodingsSettings(temperature=0.5))
    posterior = readout({"encoding": np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])})
    wanted = np.exp(2 * np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(posterior.mass, wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(posterior.mode(), places[[1, 2]])
    np.testing.assert_array_equal(posterior.spread_km, [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"^2 encodings for 3 places; give one for each$"):
        Encodings(places, np.eye(3)[:2], 1.0)
