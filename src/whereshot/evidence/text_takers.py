"""Who takes photos of text: residents where they live, and travellers where they travel.

The prior of photos shows where photos are taken, mostly by travellers and by the people of few rich countries. Text in
English, Spanish or French is photographed in all countries that speak it. So a share of the photos with text is taken
by travellers, in proportion to all photos, and the rest by residents, in proportion to the people in the towns.

    P(country | photo with text) = travellers * photos(country) + (1 - travellers) * people(country)

``benchmarks/public_words.py --fit`` fits the share of travellers by cross-validation; it is in ``public_words.toml``.
"""

from __future__ import annotations

import functools
import math

from whereshot.earth.country_names import english_names
from whereshot.earth.towns import gazetteer
from whereshot.evidence.country_languages import photos_of_country
from whereshot.foundation.package_data import read_toml

LEAST_PHOTOS = 1e-5
"""Smaller shares of the photos of the world are treated as equal to this."""


@functools.cache
def country_shares() -> dict[str, tuple[float, float]]:
    """Return the shares of all photos and of all people in towns, by country code."""
    photos, known = photos_of_country(), gazetteer().people_of_country
    people = {code: known.get(code, 0) for code in english_names()}
    total = sum(people.values())
    return {code: (max(photos.get(code, 0.0), LEAST_PHOTOS), count / total) for code, count in people.items()}


@functools.cache
def fitted_travellers() -> float:
    """Return the fitted share of the photos with text that travellers take, 0 to 1."""
    return float(read_toml("evidence/data/public_words.toml")["travellers"]["share"])


def log_correction(travellers: float | None = None) -> dict[str, float]:
    """Return log(P(country | photo with text) / P(country | photo)) by country code; the fitted share for None."""
    share = fitted_travellers() if travellers is None else travellers
    return {
        code: math.log(share + (1 - share) * people / photos) for code, (photos, people) in country_shares().items()
    }
