"""Calibration as a step of its own: what it fits on held-out photos holds for others, and its promise is told."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate import LEVELS, Answers, Truth, answers_of_posterior
from whereshot.evaluate.recalibrate import fit, fit_model
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.photos.sources import SOURCES
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.samples import sample
from whereshot.report.answer_formats import finite
from whereshot.training.learn import learn

SURE = 2.5
"""How much sharper the distributions are than the truth is spread."""


def too_sure(rng: np.random.Generator, n: int) -> tuple[Posterior, Truth, Answers]:
    """Distributions whose masses are those of the truth to the power of 2.5; hard photos look less sure."""
    places = np.stack([np.degrees(np.arcsin(rng.uniform(-0.9, 0.9, (n, 8)))), rng.uniform(-180, 180, (n, 8))], axis=-1)
    indoor = rng.uniform(size=n) < 0.5
    true = Posterior(places, rng.normal(0, 1, (n, 8)) * np.where(indoor, 0.3, 2.0)[:, None], np.full((n, 8), 20.0))
    points = sample(true, 1, rng)[:, 0]
    stated = Posterior(places, SURE * true.log_mass, true.spread_km)
    scenes = {"indoor": indoor * 1.0, "natural": ~indoor * 1.0, "urban": np.zeros(n)}
    truth = Truth(points, ids=np.array([str(row) for row in range(n)]), scenes=scenes)
    return stated, truth, answers_of_posterior("sure", stated, points, best(stated, 25.0))


def lots(posterior: Posterior) -> list[tuple[NDArray, Posterior]]:
    half = len(posterior) // 2
    rows = np.arange(len(posterior))
    return [(rows[:half], posterior[rows[:half]]), (rows[half:], posterior[rows[half:]])]


def test_what_is_fitted_holds_for_other_photos(rng: np.random.Generator) -> None:
    posterior, truth, answers = too_sure(rng, 600)
    fitted = fit(answers, truth, lots(posterior), by="scene")
    (temperature,) = fitted.temperatures.values()
    assert temperature.temperature == pytest.approx(SURE, rel=0.15)
    assert temperature.before == pytest.approx(-answers.log_density.mean(), rel=1e-9)
    assert temperature.after < temperature.before - 0.15
    assert fitted.groups == {"all": 600, "indoor": fitted.groups["indoor"], "natural": 600 - fitted.groups["indoor"]}

    new, other, said = too_sure(np.random.default_rng(9), 1000)
    error = sphere.distance_km(said.points, other.points)
    indoor = other.scenes["indoor"] > 0.5
    noise = 3.1 * math.sqrt(0.8 * 0.2 * (1 / 1000 + 1 / 600))
    assert (error <= said.radius_km[0.8]).mean() < 0.7
    factors = fitted.circles[0.8]
    assert abs((error <= factors["all"] * said.radius_km[0.8]).mean() - 0.8) <= noise
    by_scene = np.where(indoor, factors["indoor"], factors["natural"])
    for kind in (indoor, ~indoor):
        inside = (error <= by_scene * said.radius_km[0.8])[kind]
        assert abs(inside.mean() - 0.8) <= noise * math.sqrt(2)
    score = -new.log_density(other.points)
    assert abs((score <= fitted.sets[0.8].limits["all"]).mean() - 0.8) <= noise
    areas = [one.mean_area_km2 for one in fitted.sets.values()]
    assert areas == sorted(areas)


def test_the_promise_is_told(rng: np.random.Generator) -> None:
    posterior, truth, answers = too_sure(rng, 60)
    fitted = fit(answers, truth, lots(posterior), by="confidence")
    document = finite(fitted.to_json())
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert "at least the stated share of new photos" in document["guarantee"]
    assert document["assumption"].startswith("the held-out and the new photos are exchangeable")
    assert set(document["circles"]) == {"50", "80", "90", "95"}
    assert set(document["circles"]["50"]) == {"all", "low", "middle", "high"}
    assert document["groups"] == {"all": 60, "low": 20, "middle": 20, "high": 20}
    assert len(document["confidence_edges"]) == 2
    lines = fitted.in_words()
    assert lines[0] == "60 held-out photos"
    assert [line.split(":")[0] for line in lines[-2:]] == ["Guarantee", "Assumption"]


def test_too_few_photos_promise_nothing(rng: np.random.Generator) -> None:
    posterior, truth, answers = too_sure(rng, 12)
    fitted = fit(answers, truth, lots(posterior))
    assert fitted.circles[0.95]["all"] == math.inf
    assert fitted.to_json()["circles"]["95"]["all"] is None
    assert any("radius times all unknown (too few photos)" in line for line in fitted.in_words())
    assert math.isfinite(fitted.circles[0.9]["all"])


def test_groups_that_are_not_known(rng: np.random.Generator) -> None:
    posterior, truth, answers = too_sure(rng, 12)
    with pytest.raises(InputError, match=r"^no grouping 'camera'; known: scene, confidence, or a column of the truth$"):
        fit(answers, truth, lots(posterior), by="camera")
    with pytest.raises(InputError, match=r"^by scene needs the columns scene_indoor, scene_natural and scene_urban"):
        fit(answers, Truth(truth.points), lots(posterior), by="scene")
    with pytest.raises(InputError, match=r"^by confidence needs a column confidence or within_200, or a distribution$"):
        fit(Answers("points", answers.points), truth, lots(posterior), by="confidence")
    with pytest.raises(InputError, match=r"^calibration needs held-out photos with distributions$"):
        fit(answers, truth, [])


def test_a_model_has_a_temperature_for_each_level(tiny: Path, tiny_model: Path) -> None:
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    fitted = fit_model(Geolocator.load(tiny_model, "cpu"), records, by="confidence", include_learned=True)
    assert fitted.in_words()[-3] == "the model learned from 48 of the 48 photos; they count, as --include-learned asks"
    assert fitted.to_json()["learned_photos"] == {"given": 48, "learned": 48, "left_out": 0}
    assert list(fitted.temperatures) == ["level 1 (4 cells)", "level 2 (6 cells)"]
    assert all(one.after <= one.before + 1e-9 for one in fitted.temperatures.values())
    assert (fitted.photos, fitted.failed, fitted.cells) == (48, 0, "level 2 (6 cells)")
    assert set(fitted.circles) == set(fitted.sets) == set(LEVELS)
    assert fitted.sets[0.9].mean_cells is not None and 1 <= fitted.sets[0.9].mean_cells <= 6
    with pytest.raises(InputError, match=r"^the prior has nothing to calibrate; give a model folder$"):
        fit_model(Geolocator.load(), records)


def test_a_library_that_was_learned(tiny: Path, tmp_path: Path) -> None:
    """Its places' masses get a temperature, its circles factors, and the share of known places is told."""
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    asked = np.arange(len(records)) % 4 == 3
    lima = np.array([name.startswith("lima") for name in records.table["id"].to_pylist()])
    learned = learn(records[~asked & ~lima], tmp_path / "mine", workers=1, cache=tmp_path / "cache")
    held_out = records[asked]
    fitted = fit_model(Geolocator.load(learned.folder), held_out, by="confidence")
    assert list(fitted.temperatures) == ["the places' masses"]
    assert fitted.temperatures["the places' masses"].after <= fitted.temperatures["the places' masses"].before
    assert (fitted.photos, fitted.failed) == (12, 0)
    assert set(fitted.circles) == set(fitted.sets) == set(LEVELS)
    assert fitted.cells.startswith("all points above a density")
    (remark,) = fitted.remarks
    assert remark == "83 % (55 to 95) of these photos show a place of the library; it was learned for 70 %"
    assert remark in fitted.in_words() and fitted.to_json()["remarks"] == [remark]
    strangers = fit_model(Geolocator.load(learned.folder), records[lima])
    assert strangers.remarks[0].startswith("0 % (0 to 32) of these photos show a place of the library; ")
    assert strangers.remarks[0].endswith(": for such photos learn it again with --known-share 0.05")
