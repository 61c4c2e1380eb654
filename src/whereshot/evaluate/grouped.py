"""Scores of groups of photos (country, continent, cell, scene, user), and means over groups with equal weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2
from whereshot.earth.countries import countries
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate.base import Column, Metric, Scored, Sums, Truth
from whereshot.evaluate.naming import named_truth
from whereshot.foundation import package_data
from whereshot.photos.scenes import SCENES


def _hit(km: float, scored: Scored) -> NDArray[np.float64]:
    return scored.hit(km)


SCORES: dict[str, Callable[[Scored], NDArray[np.float64]]] = {
    **{f"accuracy_{km}": functools.partial(_hit, km) for km in DISTANCES_KM},
    "geoscore": Scored.geoscore,
}
"""The scores of each group, by name."""


SCENE_SETS = {**{scene: (scene,) for scene in SCENES}, "outdoor": ("natural", "urban")}
"""Groups of scenes that have scores. The scene of a photo is the likeliest of indoor, natural and urban."""


class PhotoGroups(NamedTuple):
    """How photos are grouped: the code (n,) of each, -1 for none, and the names of the codes."""

    codes: NDArray[np.int64]
    names: list[str]


def _country(truth: Truth, level: int) -> PhotoGroups | None:
    used, code = np.unique(named_truth(truth)["country"], return_inverse=True)
    known = [countries().all[number].code for number in used if number >= 0]
    return PhotoGroups(code - int(used[0] < 0), known)


def _continent(truth: Truth, level: int) -> PhotoGroups | None:
    table = {
        code: name
        for name, codes in package_data.read_toml("earth/data/continents.toml").items()
        for code in codes.split()
    }
    names = sorted(set(table.values()))
    of_country = np.array([names.index(table[country.code]) for country in countries().all] + [-1])
    return PhotoGroups(of_country[named_truth(truth)["country"]], names)


def _cell(truth: Truth, level: int) -> PhotoGroups | None:
    ids, code = np.unique(s2.encode(truth.points, level), return_inverse=True)
    return PhotoGroups(code, s2.token(ids))


def _scene(truth: Truth, level: int) -> PhotoGroups | None:
    if not set(SCENES) <= set(truth.scenes):
        return None
    shares = np.stack([truth.scenes[scene] for scene in SCENES], axis=1)
    known = np.isfinite(shares).all(axis=1)
    return PhotoGroups(np.where(known, np.nan_to_num(shares).argmax(axis=1), -1), list(SCENES))


KINDS: dict[str, Callable[[Truth, int], PhotoGroups | None]] = {
    "country": _country,
    "continent": _continent,
    "cell": _cell,
    "scene": _scene,
}


def kind_of(kind: str, scored: Scored) -> PhotoGroups | None:
    """Return the groups of the photos by a kind; None where the kind is not known for these photos."""
    level = scored.protocol.cell_level
    found = scored.truth.once(f"{kind} {level}", lambda: KINDS[kind](scored.truth, level))
    return found if found is not None and (found.codes >= 0).any() else None


def _columns(kind: str, score: str, scored: Scored) -> dict[str, Column] | None:
    found = kind_of(kind, scored)
    if found is None:
        return None
    names = f"photos by {kind}", f"{score} by {kind}"
    # photos without a group are summed in an extra group, which is then left out
    code = scored.truth.once(
        f"code {names[0]} {scored.protocol.cell_level}",
        lambda: np.where(found.codes < 0, len(found.names), found.codes),
    )
    parts = scored.once("ones", lambda: np.ones(len(scored))), scored.once(score, lambda: SCORES[score](scored))
    return {name: Column(part, code, len(found.names) + 1) for name, part in zip(names, parts, strict=True)}


def rates(kind: str, score: str, sums: Sums) -> NDArray[np.float64]:
    """Return the score (draws, groups) of each group; NaN where no photo of the group was drawn."""
    photos, total = (
        np.asarray(sums[f"photos by {kind}"], np.float64),
        np.asarray(sums[f"{score} by {kind}"], np.float64),
    )
    result: NDArray[np.float64] = np.divide(total, photos, out=np.full(total.shape, np.nan), where=photos > 0)
    return result


def macro(score: str, kind: str) -> Metric:
    """Return the mean of a score over groups with equal weights."""

    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        rate = rates(kind, score, sums)
        known = np.isfinite(rate)
        total = np.where(known, rate, 0.0).sum(axis=1)
        result: NDArray[np.float64] = np.divide(
            total, known.sum(axis=1), out=np.full(len(total), np.nan), where=known.any(axis=1)
        )
        return result

    return Metric(lambda scored: _columns(kind, score, scored), value, curved=True)


def of_scenes(score: str, scenes: tuple[str, ...]) -> Metric:
    """Return a score on the photos of some scenes; the scene is the likeliest of indoor, natural and urban."""
    chosen = [SCENES.index(scene) for scene in scenes]

    def columns(scored: Scored) -> dict[str, Column] | None:
        found = kind_of("scene", scored)
        return _columns("scene", score, scored) if found is not None and np.isin(found.codes, chosen).any() else None

    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        photos, total = (np.asarray(sums[f"{name} by scene"])[:, chosen].sum(axis=1) for name in ("photos", score))
        result: NDArray[np.float64] = np.divide(total, photos, out=np.full(len(total), np.nan), where=photos > 0)
        return result

    return Metric(columns, value)


def by_user(score: str) -> Metric:
    """Return the mean of a score over users with equal weights, whatever the number of their photos."""

    def columns(scored: Scored) -> dict[str, Column] | None:
        user = scored.truth.user
        if user is None:
            return None

        def share() -> NDArray[np.float64]:
            _, inverse, count = np.unique(user, return_inverse=True, return_counts=True)
            return 1 / count[inverse]

        share_of_user = scored.truth.once("share of user", share)
        values = scored.once(score, lambda: SCORES[score](scored))
        return {"users": Column(share_of_user), f"{score} by user": Column(values * share_of_user)}

    return Metric(columns, lambda scored, sums: sums[f"{score} by user"][:, 0] / sums["users"][:, 0])
