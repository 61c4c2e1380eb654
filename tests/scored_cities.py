"""Answers for photos of six cities, to make scorecards of."""

from __future__ import annotations

import numpy as np

from whereshot.earth import sphere
from whereshot.evaluate import DISTANCES_KM, LEVELS, Answers, Protocol, Truth
from whereshot.report.scorecard.base import Figure, Section

EVIL = "<b>|&\\_x"
QUICK = Protocol(draws=20)
CITIES = np.array([[48.86, 2.35], [50.85, 4.35], [35.68, 139.76], [-33.87, 151.2], [40.71, -74.0], [52.52, 13.4]])


def made(rng: np.random.Generator, each: int = 12, name: str = EVIL) -> tuple[Answers, Truth]:
    """Photos of six cities: Paris and Brussels are taken for each other, Sydney for New York; two have no answer."""
    n = each * len(CITIES)
    city = np.repeat(np.arange(len(CITIES)), each)
    truth = sphere.move(CITIES[city], rng.uniform(0, 360, n), rng.uniform(0, 5, n))
    points = sphere.move(truth, rng.uniform(0, 360, n), rng.exponential(10, n))
    half = np.arange(n) % 2 == 0
    points[half & (city == 0)], points[half & (city == 1)] = CITIES[1], CITIES[0]
    points[city == 3] = CITIES[4]
    points[-2:] = np.nan
    answers = Answers(
        name,
        points,
        radius_km={level: np.full(n, 100.0) for level in LEVELS},
        within={km: rng.uniform(size=n) for km in DISTANCES_KM},
        region_level=rng.uniform(size=n),
        region_area_km2={level: np.full(n, 5e4) for level in LEVELS},
        searched_km2=10 ** rng.uniform(0, 8, n),
    )
    posted = np.datetime64("2020-05-01T00:30") + np.timedelta64(1, "h") * (
        np.round(12 - truth[:, 1] / 15).astype(int) % 24
    )
    ids = np.array([f"{EVIL}{at}" for at in range(n)], dtype=object)
    scenes = {scene: np.full(n, share) for scene, share in (("indoor", 0.1), ("natural", 0.2), ("urban", 0.7))}
    scenes["natural"][city == 3] = np.where(np.arange(each) % 3 == 0, 0.9, 0.1)
    return answers, Truth(truth, ids=ids, posted_at=posted, scenes=scenes)


def figures(found: list[Section]) -> dict[str, Figure]:
    """Return the figures of all sections, by name."""
    return {part.name: part for one in found for part in one.parts if isinstance(part, Figure)}
