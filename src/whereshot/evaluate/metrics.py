"""All metrics by name. A new metric is one function in a module of ``evaluate`` and one line in ``METRICS``."""

from __future__ import annotations

from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate import (
    abstention,
    accuracy,
    administrative,
    calibration,
    distribution,
    grouped,
    likelihood,
    regions,
    samples,
)
from whereshot.evaluate.base import LEVELS, Metric

METRICS: dict[str, Metric] = {
    **{f"accuracy_{km}": accuracy.accuracy(km) for km in DISTANCES_KM},
    "geoscore": accuracy.geoscore,
    "mean_km": accuracy.mean_km,
    "median_km": accuracy.quantile_km(0.5),
    **{f"p{percent}_km": accuracy.quantile_km(percent / 100) for percent in (10, 25, 75, 90, 95)},
    "nll": likelihood.nll,
    "bits": likelihood.bits,
    **{f"coverage_{round(100 * level)}": calibration.coverage(level) for level in LEVELS},
    **{f"area_{round(100 * level)}_km2": calibration.circle_area(level) for level in LEVELS},
    **{f"region_coverage_{round(100 * level)}": regions.region_coverage(level) for level in LEVELS},
    **{f"region_area_{round(100 * level)}_km2": regions.region_area(level) for level in LEVELS},
    **{f"recall_{area:.0f}_km2": regions.recall(area) for area in regions.SEARCHED_KM2},
    **{f"ece_{km}": calibration.ece(km) for km in DISTANCES_KM},
    **{f"brier_{km}": calibration.brier(km) for km in DISTANCES_KM},
    **{f"aurc_{km}": abstention.aurc(km) for km in abstention.RISKS_KM},
    **{level: administrative.polygon(level) for level in administrative.LEVELS},
    **{f"osv_{level}": administrative.labelled(level) for level in administrative.LEVELS},
    "kl": distribution.kl,
    "entropy_true": distribution.entropy_true,
    "entropy_predicted": distribution.entropy_predicted,
    **{name: samples.of_samples(name) for name in ("precision", "recall", "density", "sample_coverage")},
    **{
        f"{score}_by_{kind}": grouped.macro(score, kind)
        for kind in ("country", "continent", "cell")
        for score in grouped.SCORES
    },
    **{f"{score}_by_user": grouped.by_user(score) for score in grouped.SCORES},
    **{
        f"{score}_{name}": grouped.of_scenes(score, scenes)
        for name, scenes in grouped.SCENE_SETS.items()
        for score in grouped.SCORES
    },
}
"""Every metric by the name of its score in ``Row.scores``."""
