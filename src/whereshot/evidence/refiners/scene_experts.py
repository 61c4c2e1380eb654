"""Combine expert models for indoor, natural and urban scenes by the scene of each photo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError, nearest_name
from whereshot.photos.scenes import SCENES
from whereshot.posterior.base import Posterior

OUTDOOR = "outdoor"
"""Name of an expert that answers for natural and urban scenes."""

ExpertChoice = Literal["likeliest", "mixture"]
"""Which experts answer for a photo: only the expert of the likeliest scene, or all of them."""


def combine_experts(
    experts: Mapping[str, Posterior], shares: NDArray[np.float64], how: ExpertChoice = "likeliest"
) -> Posterior:
    """Return the posterior of each photo (n) from the experts for its scene.

    ``experts`` are posteriors (n) by the name of their scene: indoor, natural, urban or outdoor. ``shares`` (n, 3) are
    the probabilities of indoor, natural and urban, NaN where unknown. With "likeliest", the expert of the likeliest
    scene answers (Mueller-Budack et al. 2018). With "mixture", all experts are mixed by ``shares``. A photo of unknown
    scene gets the mean over the three scenes. Raises InputError unless every scene has exactly one expert.
    """
    named = {kind: _expert_of(kind, experts) for kind in SCENES}
    wrong = [name for name, expert in experts.items() if len(expert) != len(shares)]
    if wrong:
        raise InputError(f"the expert {wrong[0]!r} answers for {len(experts[wrong[0]])} photos of {len(shares)}")
    known = np.asarray(np.isfinite(shares).all(axis=1))
    weight = np.where(known[:, None], np.nan_to_num(shares), 1 / len(SCENES))
    if how == "likeliest":
        chosen = np.eye(len(SCENES))[np.nan_to_num(shares).argmax(axis=1)]
        weight = np.where(known[:, None], chosen, weight)
    by_expert = {name: np.zeros(len(shares)) for name in experts}
    for column, kind in enumerate(SCENES):
        by_expert[named[kind]] += weight[:, column]
    return _mixed(experts, by_expert)


def _expert_of(kind: str, experts: Mapping[str, Posterior]) -> str:
    """Return the name of the only expert for a scene. Raises InputError."""
    for name in experts:
        if name not in (*SCENES, OUTDOOR):
            raise InputError(f"no scene {name!r}; {nearest_name(name, (*SCENES, OUTDOOR))}")
    found = [name for name in experts if name == kind or (name == OUTDOOR and kind != "indoor")]
    if len(found) != 1:
        raise InputError(f"the scene {kind!r} needs one expert; it has {' and '.join(found) or 'none'}")
    return found[0]


def _mixed(experts: Mapping[str, Posterior], weight: Mapping[str, NDArray[np.float64]]) -> Posterior:
    """Return the mixture of experts; the weights (n,) of all experts sum to one.

    The mixture has one set of places where all experts share it.
    """
    first, *others = experts.values()
    same = all(np.array_equal(first.places, o.places) and np.array_equal(first.spread_km, o.spread_km) for o in others)
    if same:
        with np.errstate(divide="ignore"):
            parts = [expert.log_mass + np.log(weight[name])[:, None] for name, expert in experts.items()]
        return Posterior(first.places, np.logaddexp.reduce(parts), first.spread_km)
    mixed, mixed_weight = first, weight[next(iter(experts))]
    for name, expert in list(experts.items())[1:]:
        both = mixed_weight + weight[name]
        share = np.divide(weight[name], both, out=np.zeros_like(both), where=both > 0)
        mixed, mixed_weight = mixed.mix(expert, share), both
    return mixed
