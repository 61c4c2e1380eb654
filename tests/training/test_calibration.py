"""Calibration: what is fitted on held-out photos is what made them, and holds for others of their kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.errors import InputError
from whereshot.models.readout.cells import Cells
from whereshot.models.readout.gallery import Gallery, GallerySettings, with_settings
from whereshot.models.readout.mixture import Calibration, Gate, MixtureSettings, mixture_of
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import decide
from whereshot.training.calibration import CELLS_GRID, GALLERY_GRID, RADIUS_LEVEL, HeldOut, calibrate, fit_gate, merged

# --- the gate

TRUE_GATE = Gate(offset={"cells": -1.0, "gallery": -3.0}, slope={"cells": 1.5, "gallery": 6.0})


def drawn(count: int, rng: np.random.Generator) -> tuple[dict[str, NDArray], NDArray, NDArray]:
    """Log densities of each part and of the prior at values that a gated mixture of three normals made."""
    familiarity = rng.uniform(0, 1, count)
    shares = TRUE_GATE.weights(familiarity)
    means, widths = {"cells": 0.0, "gallery": 6.0, "prior": 3.0}, {"cells": 1.0, "gallery": 0.5, "prior": 3.0}
    names = [*shares]
    cumulated = np.cumsum(np.stack([shares[name] for name in names]), axis=0)
    chosen = (rng.uniform(size=count) > cumulated).sum(axis=0)
    values = rng.normal([means[names[part]] for part in chosen], [widths[names[part]] for part in chosen])
    densities = {name: norm.logpdf(values, means[name], widths[name]) for name in names}
    prior = densities.pop("prior")
    return densities, prior, familiarity


def test_gate_recovers_the_weights_that_made_the_data(rng: np.random.Generator) -> None:
    densities, prior, familiarity = drawn(20_000, rng)
    gate = fit_gate(densities, prior, familiarity, np.ones(len(prior)))
    at = np.linspace(0.02, 0.98, 25)
    fitted, true = gate.weights(at), TRUE_GATE.weights(at)
    assert fitted.keys() == true.keys() == {"cells", "gallery", "prior"}
    for name, shares in true.items():
        np.testing.assert_allclose(fitted[name], shares, atol=0.03)


def test_gate_minds_the_weights_of_photos(rng: np.random.Generator) -> None:
    """A photo of weight two counts as the photo twice."""
    densities, prior, familiarity = drawn(400, rng)
    weight = rng.integers(1, 4, len(prior))
    twice = np.repeat(np.arange(len(prior)), weight)
    weighted = fit_gate(densities, prior, familiarity, weight.astype(float))
    repeated = fit_gate(
        {name: values[twice] for name, values in densities.items()},
        prior[twice],
        familiarity[twice],
        np.ones(len(twice)),
    )
    at = np.linspace(0, 1, 11)
    for name, shares in repeated.weights(at).items():
        # the ridge acts on standardised slopes, and the two scales differ a little
        np.testing.assert_allclose(weighted.weights(at)[name], shares, atol=2e-3)


def test_gate_stays_finite_where_one_part_is_always_better(rng: np.random.Generator) -> None:
    prior = rng.normal(size=50)
    gate = fit_gate({"cells": prior + 30}, prior, rng.uniform(0, 1, 50), np.ones(50))
    shares = gate.weights(np.array([0.0, 0.5, 1.0]))["cells"]
    assert (shares > 0.9).all()
    assert all(np.isfinite([*gate.offset.values(), *gate.slope.values()]))
    flat = fit_gate({"cells": prior}, prior, np.full(50, 0.5), np.ones(50))  # nothing to tell by
    assert flat.weights(np.array([0.5]))["cells"] == pytest.approx(0.5, abs=1e-6)


# --- all of it

PRIOR = Posterior.from_mass(
    [[latitude, longitude] for latitude in (-50, -10, 30, 60) for longitude in range(-170, 180, 40)],
    np.ones((1, 36)),
    1500.0,
)


def held_out(count: int, rng: np.random.Generator, *, unseen: float = 0.3) -> HeldOut:
    """Photos of 40 towns whose features say the town, more or less; some are of places that no training photo shows."""
    town_rng = np.random.default_rng(8)
    towns = np.stack([town_rng.uniform(-50, 60, 40), town_rng.uniform(-170, 170, 40)], axis=1)
    looks = town_rng.normal(size=(40, 24))

    def photos(town: NDArray, noise: float) -> tuple[NDArray, NDArray]:
        features = looks[town] + rng.normal(size=(len(town), 24)) * noise
        points = sphere.move(towns[town], rng.uniform(0, 360, len(town)), rng.exponential(0.2, len(town)))
        return features / np.linalg.norm(features, axis=1, keepdims=True), points

    known = np.repeat(np.arange(40), 4)
    gallery_features, gallery_points = photos(known, 0.4)
    hierarchy = Hierarchy(tuple(partition.build("s2", gallery_points, {"max": limit}) for limit in (40, 8)))
    town = rng.integers(0, 40, count)
    features, truth = photos(town, 0.8)
    lost = rng.uniform(size=count) < unseen
    truth[lost] = np.stack([rng.uniform(-50, 60, lost.sum()), rng.uniform(-170, 170, lost.sum())], axis=1)
    features[lost] = (stray := rng.normal(size=(lost.sum(), 24))) / np.linalg.norm(stray, axis=1, keepdims=True)
    logits = []
    for level in hierarchy.levels:  # as sure of the town's cell as of the features
        cells = level.assign(sphere.points(towns))
        scores = np.full((40, len(level)), -4.0)
        scores[np.arange(40)[cells >= 0], cells[cells >= 0]] = 4.0
        logits.append(features @ (looks / np.linalg.norm(looks, axis=1, keepdims=True)).T @ scores)
    outputs = {"features": features, "logits": np.concatenate(logits, axis=1)}
    gallery = Gallery(gallery_features, gallery_points, np.zeros(len(gallery_points)))
    return HeldOut(outputs, truth, np.ones(count), hierarchy, gallery)


@pytest.fixture(scope="module")
def calibrated() -> tuple[Calibration, list[HeldOut]]:
    rng = np.random.default_rng(11)
    folds = [held_out(200, rng), held_out(200, rng)]
    return calibrate(folds, PRIOR), folds


def test_counts_and_parts(calibrated: tuple[Calibration, list[HeldOut]]) -> None:
    calibration, folds = calibrated
    seen = sum(int(fold.seen.sum()) for fold in folds)
    assert 220 < seen < 340
    assert calibration.photos == {"seen": seen, "unseen": 400 - seen}
    parts = {name: {*mixture.gate.offset} for name, mixture in calibration.mixtures.items()}
    assert parts == {"mixture": {"cells", "gallery"}, "cells": {"cells"}, "gallery": {"gallery"}}
    for mixture in calibration.mixtures.values():
        assert mixture.cells in CELLS_GRID
        assert mixture.gallery in GALLERY_GRID
        assert mixture.radius_factor.keys() == mixture.nll.keys() == {"seen", "unseen"}


def nll(settings: MixtureSettings, fold: HeldOut) -> NDArray:
    readout = mixture_of(fold.hierarchy, fold.gallery, settings, PRIOR)
    return -readout(fold.outputs).log_density(fold.truth)


def test_likelihood_is_that_of_the_mixture_as_it_answers(calibrated: tuple[Calibration, list[HeldOut]]) -> None:
    calibration, folds = calibrated
    seen = np.concatenate([fold.seen for fold in folds])
    for settings in calibration.mixtures.values():
        each = np.concatenate([nll(settings, fold) for fold in folds])
        assert settings.nll["seen"] == pytest.approx(each[seen].mean(), abs=1e-6)
        assert settings.nll["unseen"] == pytest.approx(each[~seen].mean(), abs=1e-6)


def test_mixture_is_no_worse_than_its_parts(calibrated: tuple[Calibration, list[HeldOut]]) -> None:
    calibration, folds = calibrated
    overall = {
        name: np.concatenate([nll(settings, fold) for fold in folds]).mean()
        for name, settings in calibration.mixtures.items()
    }
    prior = -np.concatenate([PRIOR.repeat(len(fold)).log_density(fold.truth) for fold in folds]).mean()
    assert overall["mixture"] <= min(overall["cells"], overall["gallery"]) + 1e-2  # what the ridge may cost
    assert max(overall["cells"], overall["gallery"]) <= prior + 1e-2
    assert overall["mixture"] < prior - 2  # and there was something to learn


def test_circles_hold_their_share_of_other_photos(calibrated: tuple[Calibration, list[HeldOut]]) -> None:
    calibration, _ = calibrated
    fresh = held_out(400, np.random.default_rng(99))
    for settings in (calibration.mixtures["mixture"], calibration.mixtures["gallery"]):
        posterior = mixture_of(fresh.hierarchy, fresh.gallery, settings, PRIOR)(fresh.outputs)
        decided = decide(posterior)
        error, radius = sphere.distance_km(decided, fresh.truth), radius_km(posterior, decided, RADIUS_LEVEL)
        for kind, rows in (("seen", fresh.seen), ("unseen", ~fresh.seen)):
            share = (error <= radius * settings.radius_factor[kind])[rows].mean()
            assert share == pytest.approx(RADIUS_LEVEL, abs=0.08), kind


def test_parts_that_say_nothing_are_left_to_the_prior() -> None:
    """Features and logits of noise, places all over the world: no mixture may claim to know."""
    fold = held_out(200, np.random.default_rng(3), unseen=1.0)
    calibration = calibrate([fold], PRIOR)
    familiarity = fold.gallery.nearest(fold.outputs)[1]
    for settings in calibration.mixtures.values():
        assert settings.gate.weights(familiarity)["prior"].mean() > 0.5


def test_photos_of_one_kind_only() -> None:
    rng = np.random.default_rng(4)
    fold = held_out(80, rng)
    seen = np.flatnonzero(fold.seen)
    outputs = {name: values[seen] for name, values in fold.outputs.items()}
    only = replace(fold, outputs=outputs, truth=fold.truth[seen], weight=fold.weight[seen])
    calibration = calibrate([only], PRIOR)
    assert calibration.photos == {"seen": len(seen), "unseen": 0}
    assert calibration.mixtures["mixture"].radius_factor.keys() == {"seen"}


def test_nothing_to_calibrate_on() -> None:
    said = "^calibration needs held-out photos; raise data.validation or calibration.folds$"
    with pytest.raises(InputError, match=said):
        calibrate([], PRIOR)
    fold = held_out(10, np.random.default_rng(4))
    none = {name: values[:0] for name, values in fold.outputs.items()}
    with pytest.raises(InputError, match=said):
        calibrate([replace(fold, outputs=none, truth=fold.truth[:0], weight=fold.weight[:0])], PRIOR)


def test_merged_folds_share_their_weight() -> None:
    folds = [held_out(10, np.random.default_rng(4)), held_out(30, np.random.default_rng(5))]
    folds[1] = replace(folds[1], weight=folds[1].weight * 3)
    joined = merged(folds, 0.5)
    assert [fold.weight.sum() for fold in joined] == pytest.approx([0.05, 0.45])
    assert [fold.weight.sum() for fold in folds] == [10, 90]


def test_mixture_answers_by_the_chosen_settings() -> None:
    fold = held_out(20, np.random.default_rng(4))
    certain = Gate(offset={"cells": 50.0}, slope={"cells": 0.0})
    only_cells = MixtureSettings(cells=CELLS_GRID[7], gate=certain)
    mixed = mixture_of(fold.hierarchy, fold.gallery, only_cells, PRIOR)(fold.outputs)
    alone = Cells(fold.hierarchy, CELLS_GRID[7])(fold.outputs)
    np.testing.assert_allclose(mixed.log_density(fold.truth), alone.log_density(fold.truth), rtol=1e-9)
    sharp = GallerySettings(temperature=0.02, floor_km=0.3)
    voted = with_settings(fold.gallery, sharp)
    assert voted.settings == sharp
    assert voted(fold.outputs).mass.max() > fold.gallery(fold.outputs).mass.max()


def test_decision_is_right_to_25_km_first_then_exact() -> None:
    """Two places near each other outweigh a heavier one far away; of these two the heavier is the answer."""
    posterior = Posterior.from_mass([[0, 0], [50, 50], [50.1, 50]], [[0.4, 0.25, 0.35]], 0.5)
    assert decide(posterior).tolist() == [[50.1, 50.0]]
