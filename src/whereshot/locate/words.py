"""Numbers and evidence in plain words, of which the sentences of predictions and verdicts are made."""

from __future__ import annotations

import math
from collections.abc import Sequence

from whereshot.earth.countries import countries
from whereshot.evidence import unread_scripts
from whereshot.locate import wording


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


def circle_words(level: float, radius_km: float) -> str:
    """Return what a circle holds, such as "90 % within 7.2 km", or that it is more than half of the Earth."""
    template = wording.WITHIN if radius_km <= wording.HALF_EARTH_KM else wording.OVER_HALF_EARTH
    return template.format(percent=f"{100 * level:.0f} %", distance=distance_words(radius_km))


def sentence(text: str) -> str:
    """Return a text with a capital at its start."""
    return text[:1].upper() + text[1:]


def moved(kind: str, what: str, means: str, nats: float, subject: str) -> str:
    """Return a sentence on what a cue did to the answer or the claim."""
    verb = wording.READ if kind.startswith("text") else wording.RECORDED
    verb = wording.SEEN if kind == unread_scripts.KIND else verb
    if abs(nats) < wording.SILENT_NATS:
        return wording.DID_NOT_MOVE.format(verb=verb, what=f'"{what}"', means=means, subject=subject)
    direction = wording.LIKELIER if nats > 0 else wording.LESS_LIKELY
    return wording.MOVED.format(
        verb=verb, what=f'"{what}"', means=means, subject=subject, times=times(nats), direction=direction
    )


def writing(script: str, texts: Sequence[tuple[str, str]]) -> str:
    """Return a sentence on the lines that were read in a script, the first of them quoted.

    Each text comes with its form in Latin letters, "" where that is not known.
    """
    shown = ", ".join(
        wording.IN_LATIN.format(text=text, latin=latin) if latin else f'"{text}"'
        for text, latin in texts[: wording.MOST_LINES_SHOWN]
    )
    more = len(texts) - wording.MOST_LINES_SHOWN
    if more > 0:
        shown = wording.MORE_LINES.format(texts=shown, count=more)
    return wording.WRITING.format(script=script, texts=shown)


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
