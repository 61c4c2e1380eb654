"""A Prediction or a verdict in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.locate.prediction import CONFIDENT, Prediction

if TYPE_CHECKING:
    from whereshot.locate.claim import Verdict

PRIOR_NOTE = (
    "No model is loaded: without text to read this is only where photos are taken at all, the same for every photo. "
    "Give one with --model DIR."
)


SILENT_NATS = 0.05
"""A factor nearer to 1 than this is not told: 5 %."""


def percent(share: float) -> str:
    """A probability in words that do not claim more than it says."""
    if share >= 0.995:
        return "over 99 %"
    return "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def distance_words(km: float) -> str:
    """A distance with the digits that matter."""
    if km < 1:
        return f"{1000 * km:.0f} m"
    return f"{km:.1f} km" if km < 10 else f"{float(f'{km:.2g}'):,.0f} km"


def in_words(prediction: Prediction) -> list[str]:
    """The answer as plain sentences."""
    if prediction.error is not None:
        return [prediction.error]
    (latitude, longitude, radius_km, level), within = prediction.answered, prediction.within
    lines = [f"{latitude:.4f}, {longitude:.4f} ({prediction.place})"]
    if prediction.confident_to is None:
        likely = [f"{country_name(code)} ({percent(share)})" for code, share in prediction.countries[:3]]
        lines.append(
            f"Not sure, not even of the continent. Most likely: {', '.join(likely)}." if likely else "Not sure."
        )
    else:
        lines.append(f"Sure of the {prediction.confident_to}, with at least {100 * CONFIDENT:.0f} %.")
    shares = ", ".join(f"{percent(within[str(km)])} within {km} km" for km in (25, 200, 750))
    lines.append(f"{shares}; {100 * level:.0f} % within {distance_words(radius_km)}.")
    lines += evidence_words(prediction)
    if prediction.recorded is not None:
        used = (
            ""
            if any(item["kind"] == "exif" and item["what"] for item in prediction.evidence)
            else ", and not used for it"
        )
        off = sphere.distance_km(np.array(prediction.recorded), np.array([latitude, longitude]))
        lines.append(
            f"Recorded by the camera: {prediction.recorded[0]:.5f}, {prediction.recorded[1]:.5f} "
            f"({distance_words(float(off))} from this answer{used})."
        )
    return lines


def evidence_words(prediction: Prediction) -> list[str]:
    """What was noticed, what it was taken to mean, and how much likelier it made the answer."""
    told = []
    for item in prediction.evidence:
        if item["kind"] == "picture":
            told.append(f"{_sentence(item['means'])}; the answer is only the prior.")
        elif item["what"] == "":  # what was asked for and could not be used
            told.append(f"{_sentence(item['means'])}.")
        else:
            told.append(_moved(item["kind"], item["what"], item["means"], item["nats"], "the answer"))
    return told


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moved(kind: str, what: str, means: str, nats: float, whom: str) -> str:
    """What one cue did to the answer or the claim."""
    verb = "Read" if kind.startswith("text") else "Recorded"
    if abs(nats) < SILENT_NATS:
        return f'{verb} "{what}": {means}; did not move {whom}.'
    return f'{verb} "{what}": {means}; made {whom} {times(nats)} {"likelier" if nats > 0 else "less likely"}.'


def verdict_words(verdict: Verdict) -> list[str]:
    """A verdict on a claim in plain words."""
    nats, others = verdict.against_prior, verdict.others
    lines = [f"{verdict.claim.name}: {verdict.word}"]
    if verdict.not_a_photo is not None:
        lines.append(f"  {_sentence(verdict.not_a_photo)}; only where photos are taken at all speaks.")
    if abs(nats) < SILENT_NATS:
        moved = "the photo did not move it"
    else:
        moved = f"the photo made it {times(nats)} {'likelier' if nats > 0 else 'less likely'} than it was before"
    lines.append(f"  {percent(verdict.probability)}, rank {verdict.rank}; {moved}.")
    if abs(verdict.against_best) < SILENT_NATS:
        side = "the photo speaks as much for the one as for the other"
    else:
        side = f"the photo speaks {times(verdict.against_best)} as much for "
        side += "the claim" if verdict.against_best > 0 else "it as for the claim"
    lines.append(f"  The best other place, {others.best}, has {percent(others.probability)}; {side}.")
    lines.append(f"  {_sentence(verdict.decided_by)}.")
    for weighed in verdict.evidence:
        cue = weighed.cue
        lines.append("  " + _moved(cue.kind, cue.what, cue.means, weighed.nats, "the claim"))
    lines += [f"  {_sentence(remark)}." for remark in verdict.remarks]
    if not any(weighed.cue.kind.startswith("text") for weighed in verdict.evidence):
        lines.append("  Nothing was read in the picture.")
    if verdict.recorded is not None:
        off = verdict.recorded_off_km or 0.0
        where = "inside it" if off == 0 else f"{distance_words(off)} from the claim"
        used = "" if verdict.used_exif else "; it was not used (--use-exif lets it speak)"
        lines.append(f"  The camera recorded {verdict.recorded[0]:.5f}, {verdict.recorded[1]:.5f}, {where}{used}.")
    return lines


def times(nats: float) -> str:
    """A likelihood ratio in words, whichever way it points."""
    ratio = math.exp(min(abs(nats), 16.0))
    if ratio < 100:
        return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"
    return f"{float(f'{ratio:.1g}'):,.0f} times"


def country_name(code: str) -> str:
    """The English name of a country code."""
    return countries().by_code[code].name
