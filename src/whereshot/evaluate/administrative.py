"""Scores of the right country, region and town, by borders, or by the labels of the nearest town as in OSV-5M."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from whereshot.earth.countries import countries
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evaluate.base import Column, Metric, Scored, Sums
from whereshot.evaluate.naming import named, named_truth
from whereshot.foundation.errors import InputError

LEVELS = ("country", "region", "city")


def named_both(scored: Scored) -> tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]]]:
    """Return the numbers of country, region and nearest town of the answers and of the truth; computed once.

    Failed photos are missing in the arrays of the answers.
    """
    return scored.once("administrative", lambda: _both(scored))


def _both(scored: Scored) -> tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]]]:
    """Compute both in two threads."""
    answered = scored.answers.points[~scored.failed]
    with ThreadPoolExecutor(1) as beside:
        true = beside.submit(named_truth, scored.truth)
        return named(answered), true.result()


def polygon(level: str) -> Metric:
    """Return the share of answers in the right country or first-order division, or with the same nearest town.

    Photos at sea have no country or region and are not counted. Borders come from Natural Earth, 1:10 million. The
    region is the region of the nearest town in the country. Towns come from GeoNames and have at least 500 inhabitants.
    """

    def columns(scored: Scored) -> dict[str, Column] | None:
        answered, true = named_both(scored)
        known = true[level] >= 0
        right = np.zeros(len(scored))
        right[~scored.failed] = answered[level] == true[level][~scored.failed]
        return _ratio(f"right {level}", right, known)

    return Metric(columns, lambda scored, sums: _value(f"right {level}", sums))


def labelled(level: str) -> Metric:
    """Return the share of answers with the right label, as in OSV-5M: the label of the nearest town against the stored
    label.

    The nearest town is by Euclidean distance in degrees, as in OSV-5M. Photos without a label are not counted at this
    level. Names are compared without case, accents and punctuation; countries by name or code. The gazetteer is that of
    this package. It has no second-order divisions, so sub-regions are not scored.
    """

    def columns(scored: Scored) -> dict[str, Column] | None:
        stored = scored.truth.labels.get(level)
        if stored is None:
            return None
        town = scored.once("nearest town in degrees", lambda: _nearest_in_degrees(scored))
        key = _keys(stored, level)
        known = key != ""
        if not known.any():
            return None
        return _ratio(f"osv {level}", (key == _town_keys(town, level)) & known & ~scored.failed, known)

    return Metric(columns, lambda scored, sums: _value(f"osv {level}", sums))


def _ratio(
    name: str, right: NDArray[np.float64] | NDArray[np.bool_], known: NDArray[np.bool_]
) -> dict[str, Column] | None:
    if not known.any():
        return None
    return {name: Column(np.where(known, right, 0.0)), f"{name}, known": Column(known.astype(np.float64))}


def _value(name: str, sums: Sums) -> NDArray[np.float64]:
    right, known = np.asarray(sums[name][:, 0], np.float64), np.asarray(sums[f"{name}, known"][:, 0], np.float64)
    result: NDArray[np.float64] = np.divide(right, known, out=np.full(len(known), np.nan), where=known > 0)
    return result


def _nearest_in_degrees(scored: Scored) -> NDArray[np.int64]:
    points = np.where(scored.failed[:, None], 0.0, scored.answers.points)
    _, nearest = cKDTree(gazetteer().points).query(points)
    return np.asarray(nearest, np.int64)


def _keys(names: NDArray[np.object_], level: str) -> NDArray[np.object_]:
    """Return stored labels in the form for comparison: names without case and accents, or country codes."""
    texts = np.array(["" if name is None or name != name else str(name) for name in names], dtype=object)
    used, inverse = np.unique(texts.astype(np.str_), return_inverse=True)
    keys = [_country_key(text) for text in used.tolist()] if level == "country" else name_keys(used.tolist())
    return np.array(keys, dtype=object)[inverse]


def _country_key(label: str) -> str:
    if not label.strip():
        return ""
    try:
        return countries().find(label).code
    except InputError:
        return label.strip().upper()


def _town_keys(towns: NDArray[np.int64], level: str) -> NDArray[np.object_]:
    known = gazetteer()
    used, inverse = np.unique(towns, return_inverse=True)
    if level == "country":
        return known.country_codes[used][inverse]
    names = (known.regions if level == "region" else known.names)[used]
    return np.array(name_keys(names.tolist()), dtype=object)[inverse]
