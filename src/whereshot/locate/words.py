"""Write a Prediction or a Verdict as plain sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.locate import wording
from whereshot.locate.prediction import CONFIDENT, Prediction

if TYPE_CHECKING:
    from whereshot.locate.claim import Verdict

PRIOR_NOTE = (
    "No model is loaded: without text to read this is only where photos are taken at all, the same for every photo. "
    "Give one with --model DIR."
)


def percent(share: float) -> str:
    """Return a probability, 0 to 1, as text: a whole percentage, never 0 % and never 100 %."""
    if share >= wording.NEARLY_CERTAIN:
        return wording.OVER
    return wording.UNDER if share < wording.NEARLY_IMPOSSIBLE else f"{100 * share:.0f} %"


def distance_words(km: float) -> str:
    """Return a distance in kilometres as text, with at most two significant digits from 10 km on."""
    if km < wording.METRES_BELOW_KM:
        return f"{1000 * km:.0f} m"
    return f"{km:.1f} km" if km < wording.DECIMAL_BELOW_KM else f"{float(f'{km:.2g}'):,.0f} km"


def in_words(prediction: Prediction) -> list[str]:
    """Return a prediction as plain sentences."""
    if prediction.error is not None:
        return [prediction.error]
    (latitude, longitude, radius_km, level), within = prediction.answered, prediction.within
    lines = [f"{latitude:.4f}, {longitude:.4f} ({prediction.place})"]
    if prediction.confident_to is None:
        likely = [
            wording.COUNTRY_SHARE.format(country=country_name(code), percent=percent(share))
            for code, share in prediction.countries[:3]
        ]
        most_likely = wording.MOST_LIKELY.format(countries=", ".join(likely))
        lines.append(f"{wording.NOT_SURE}. {most_likely}" if likely else "Not sure.")
    else:
        lines.append(wording.SURE.format(level=prediction.confident_to, percent=percent(CONFIDENT)))
    shares = ", ".join(
        wording.WITHIN.format(percent=percent(within[str(km)]), distance=f"{km} km") for km in (25, 200, 750)
    )
    lines.append(f"{shares}; {100 * level:.0f} % within {distance_words(radius_km)}.")
    lines += evidence_words(prediction)
    if prediction.recorded is not None:
        is_used = any(item["kind"] == "exif" and item["what"] for item in prediction.evidence)
        off_km = sphere.distance_km(np.array(prediction.recorded), np.array([latitude, longitude]))
        off = wording.OFF_ANSWER.format(
            distance=distance_words(float(off_km)), used="" if is_used else wording.NOT_USED
        )
        position = f"{prediction.recorded[0]:.5f}, {prediction.recorded[1]:.5f}"
        lines.append(f"{wording.RECORDED_BY_CAMERA}: {position} ({off}).")
    return lines


def evidence_words(prediction: Prediction) -> list[str]:
    """Return a sentence for each item of evidence: what was found, its meaning, and its effect on the answer."""
    lines = []
    for item in prediction.evidence:
        if item["kind"] == "picture":
            lines.append(wording.ONLY_PRIOR.format(means=_sentence(item["means"])))
        elif item["what"] == "":  # what was asked for and could not be used
            lines.append(wording.UNUSABLE.format(means=_sentence(item["means"])))
        else:
            lines.append(_moved(item["kind"], item["what"], item["means"], item["nats"], wording.ANSWER))
    return lines


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moved(kind: str, what: str, means: str, nats: float, subject: str) -> str:
    """Return a sentence on the effect of a cue on the answer or the claim."""
    verb = wording.READ if kind.startswith("text") else wording.RECORDED
    if abs(nats) < wording.SILENT_NATS:
        return wording.DID_NOT_MOVE.format(verb=verb, what=f'"{what}"', means=means, subject=subject)
    direction = wording.LIKELIER if nats > 0 else wording.LESS_LIKELY
    return wording.MOVED.format(
        verb=verb, what=f'"{what}"', means=means, subject=subject, times=times(nats), direction=direction
    )


def verdict_words(verdict: Verdict) -> list[str]:
    """Return a verdict on a claim as plain sentences."""
    nats, others = verdict.against_prior, verdict.others
    lines = [f"{verdict.claim.name}: {verdict.word}"]
    if verdict.not_a_photo is not None:
        lines.append(f"  {_sentence(verdict.not_a_photo)}; only where photos are taken at all speaks.")
    if abs(nats) < wording.SILENT_NATS:
        moved = "the photo did not move it"
    else:
        moved = f"the photo made it {times(nats)} {'likelier' if nats > 0 else 'less likely'} than it was before"
    lines.append(f"  {percent(verdict.probability)}, rank {verdict.rank}; {moved}.")
    if abs(verdict.against_best) < wording.SILENT_NATS:
        side = "the photo speaks as much for the one as for the other"
    else:
        side = f"the photo speaks {times(verdict.against_best)} as much for "
        side += "the claim" if verdict.against_best > 0 else "it as for the claim"
    lines.append(f"  The best other place, {others.best}, has {percent(others.probability)}; {side}.")
    lines.append(f"  {_sentence(verdict.decided_by)}.")
    for weighed in verdict.evidence:
        cue = weighed.cue
        lines.append("  " + _moved(cue.kind, cue.what, cue.means, weighed.nats, wording.CLAIM))
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
    """Return a likelihood ratio, given as its logarithm, as text. The sign does not count: "2.0 times" for both."""
    ratio = math.exp(min(abs(nats), wording.MOST_NATS))
    if ratio < wording.DECIMAL_BELOW_TIMES:
        return wording.TIMES.format(ratio=f"{ratio:.1f}")
    whole = ratio if ratio < wording.WHOLE_BELOW_TIMES else float(f"{ratio:.1g}")
    return wording.TIMES.format(ratio=f"{whole:,.0f}")


def country_name(code: str) -> str:
    """Return the English name of a country by its code."""
    return countries().by_code[code].name
