"""Make curves with intervals, and scores of groups, from the sums of columns."""

from __future__ import annotations

import numpy as np

from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate import abstention, calibration, grouped, regions
from whereshot.evaluate.base import Scored, Sums
from whereshot.evaluate.bootstrap import ends
from whereshot.evaluate.results import Curve, GroupScores, Value

AREAS_KM2 = np.logspace(0, np.log10(5.1e8), 60)


def curves(scored: Scored, plain: Sums, drawn: Sums) -> dict[str, Curve]:
    """Return the known curves: reliability of P(error <= r), risk by coverage, recall by searched area."""
    found = {}
    for km in DISTANCES_KM:
        if f"stated by stated P(error <= {km:g} km)" in plain:
            (stated, hits), (_, other) = calibration.reliability(km, plain), calibration.reliability(km, drawn)
            name = f"reliability_{km}"
            labels = f"stated P(error <= {km} km)", "share of photos within"
            photos = calibration.bin_photos(km, plain)
            found[name] = Curve(name, *labels, stated[0], hits[0], *ends(other, scored.protocol), photos)
    for km in abstention.RISKS_KM:
        if abstention.misses(km) in plain:
            (share, risk), (_, other) = abstention.risk_curve(km, plain), abstention.risk_curve(km, drawn)
            name = f"risk_{km}"
            labels = "share of photos answered", f"share of these more than {km} km off"
            found[name] = Curve(name, *labels, share[0], risk[0], *ends(other, scored.protocol))
    recalled = regions.recall_curve(scored, AREAS_KM2)
    if recalled is not None:
        labels = "area searched in km²", "share of photos found"
        found["recall_by_area"] = Curve("recall_by_area", *labels, AREAS_KM2, recalled)
    return found


def groups(scored: Scored, plain: Sums, drawn: Sums) -> dict[str, list[GroupScores]]:
    """Return the scores of each country, continent, cell and scene, the largest groups first."""
    found: dict[str, list[GroupScores]] = {}
    for kind in grouped.KINDS:
        known = grouped.kind_of(kind, scored) if f"photos by {kind}" in plain else None
        if known is None:
            continue
        photos = plain[f"photos by {kind}"][0, :-1]
        scores = {}
        for score in grouped.SCORES:
            if f"{score} by {kind}" in plain:
                value = grouped.rates(kind, score, plain)[0]
                low, high = ends(grouped.rates(kind, score, drawn), scored.protocol)
                scores[score] = np.stack([value, low, high], axis=1).tolist()
        found[kind] = [
            GroupScores(
                kind,
                known.names[number],
                int(photos[number]),
                {name: Value(*values[number]) for name, values in scores.items()},
            )
            for number in np.argsort(-photos, kind="stable").tolist()
            if photos[number] > 0
        ]
    return found
