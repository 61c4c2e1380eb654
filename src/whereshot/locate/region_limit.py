"""What an answer says of the area that the user limited it to: the limit is no finding, and text may contradict it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from whereshot.earth.countries import countries
from whereshot.evidence.local_writing import is_text
from whereshot.locate import wording, words
from whereshot.locate.photo_evidence import Explained
from whereshot.locate.prediction import CONFIDENT, Evidence, Prediction
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import country_masses

if TYPE_CHECKING:
    from whereshot.earth.areas import Region

KIND = "region"
"""The kind of the remark among the evidence."""
LEAST_INSIDE = 0.05
"""Text points elsewhere only where the area has less than this without the limit, and had more than with the text."""


def limited(answer: Prediction, region: Region) -> Prediction:
    """Return an answer that names the area it was limited to, and is not sure of the area itself."""
    sure = answer.sure_of
    is_given = sure is not None and (
        (sure.level == "country" and set(region.codes) == {sure.country_code})
        or (sure.level == "region" and len(region.divisions) == 1)
    )
    if is_given:
        sure = None
    return replace(answer, sure_of=sure, limited_to=region.name)


def remarks(weighed: Explained, before: Posterior, region: Region) -> tuple[Evidence, ...]:
    """Return a remark where the text in the picture points to a country outside of the area; else ().

    ``before`` is the posterior of the model. Areas are compared by their countries.
    """
    if weighed.fused is None or not region.codes or not any(is_text(cue) for cue in weighed.fused.cues):
        return ()
    shares = country_masses(weighed.posterior)[0]
    inside = sum(share for code, share in shares if code in region.codes)
    was_inside = sum(share for code, share in country_masses(before)[0] if code in region.codes)
    if not shares or inside >= min(LEAST_INSIDE, was_inside) or shares[0][1] < CONFIDENT:
        return ()
    code, share = shares[0]
    means = wording.POINTS_ELSEWHERE.format(
        country=countries().by_code[code].name, percent=words.percent(share), name=region.name
    )
    return (Evidence(KIND, "", means),)
