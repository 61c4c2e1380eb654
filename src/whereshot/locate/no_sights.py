"""The remark on a model that knows no sights: how many answers it leaves open, and how to get a model that does."""

from __future__ import annotations

from collections.abc import Sequence

from whereshot.locate import region_limit
from whereshot.locate.prediction import Prediction
from whereshot.models import catalog

SUGGESTED = "geoclip"
"""The model for sights that the remark names."""


def is_only_prior(prediction: Prediction) -> bool:
    """Return whether nothing moved an answer: it is where photos are usually taken. False where there is no answer."""
    return prediction.error is None and not any(
        item.moved or item.kind == region_limit.KIND for item in prediction.evidence
    )


def remark(model: str, predictions: Sequence[Prediction]) -> str | None:
    """Return one line about the answers of a model that looks at no picture; None where evidence moved every answer."""
    count = sum(map(is_only_prior, predictions))
    if count == 0:
        return None
    known = catalog.known()[SUGGESTED]
    photos, answers = (
        ("1 photo has", "its answer is") if count == 1 else (f"{count:,} photos have", "their answers are")
    )
    licences = ", ".join(dict.fromkeys(part.split(" (")[0] for part in known.licence.split("; ")))
    return (
        f"{model} reads text and knows no sights: {photos} no text that tells a place, so {answers} only where photos "
        f"are usually taken. For sights: whereshot models get {SUGGESTED} ({(known.size or 0) / 1e9:.1f} GB, "
        f"{licences}), or your own photos: whereshot learn FOLDER --out DIR; then --model {SUGGESTED} or DIR."
    )
