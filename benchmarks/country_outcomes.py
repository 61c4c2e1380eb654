"""What an answer to a photo got right: its country, and whether what it is sure of is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from whereshot.earth import sphere
from whereshot.locate.prediction import Prediction

CLAIM_KM = {"street": 1.0, "city": 25.0, "region": 200.0}
"""How far the true position may be from the answer where the answer is sure of a street, city or region."""


class Outcome(NamedTuple):
    """Whether the true country comes first, whether it is among three, and whether the answer is sure and wrong."""

    first: bool
    among_three: bool
    sure_and_wrong: bool


def outcome_of(prediction: Prediction, country_code: str, point: Sequence[float] | None = None) -> Outcome:
    """Return the outcome for a photo of a country; ``point`` is latitude and longitude where they are known."""
    ranked = [code for code, _ in prediction.countries[:3]]
    sure, wrong = prediction.sure_of, False
    if sure is not None:
        wrong = sure.country_code != country_code
        if point is not None and sure.level in CLAIM_KM:
            off_km = sphere.distance_km(np.array(prediction.answered[:2]), np.array(point))
            wrong |= bool(off_km > CLAIM_KM[sure.level])
    return Outcome(ranked[:1] == [country_code], country_code in ranked, wrong)
