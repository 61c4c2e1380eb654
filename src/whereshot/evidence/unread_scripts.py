"""Writing in scripts that was not read: it is reported, and the script itself is evidence on the country.

A country is as likely as the share of its public text that is written in the script (``country_languages``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from whereshot.evidence.base import Box, Cue, Line, box_around, mean_surfaces
from whereshot.evidence.country_languages import share_of_script
from whereshot.evidence.line_readers import SCRIPTS_READ

KIND = "text/script"
"""The kind of the cue, and its trust."""
ELSEWHERE = 0.0003
"""Likelihood of a script in any country (restaurants, visitors, goods), relative to the country where it is most
common.
"""


class UnreadScript(NamedTuple):
    """A script that is seen but not read: its probability, the number of its lines, and the box around them."""

    script: str
    probability: float
    lines: int
    box: Box


def unread_scripts(unread: Sequence[Line]) -> tuple[UnreadScript, ...]:
    """Return the scripts of lines that are not read, the one with most lines first.

    The probability of a script is the largest of its lines.
    """
    by_script: dict[str, list[Line]] = {}
    for line in unread:
        if line.script is not None:
            by_script.setdefault(line.script, []).append(line)
    found = [
        UnreadScript(script, max(line.confidence for line in own), len(own), box_around(line.box for line in own))
        for script, own in by_script.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.lines, -one.probability)))


def meaning(script: str) -> str:
    """Return the sentence on writing in a script that was not read.

    >>> meaning("Tibetan")
    'writing in Tibetan that cannot be read yet'
    """
    why = "is too unclear to read" if script in SCRIPTS_READ else "cannot be read yet"
    return f"writing in {script} that {why}"


def cues_of(unread: Sequence[Line], read: Sequence[Line] = ()) -> list[Cue]:
    """Return a cue on the country for the script with most lines; none where no line is unread.

    A second script beside it is mostly a mistake about single lines, so it gives no cue. A script in which other lines
    are ``read`` gives no cue either, because the lines that are read show more.
    """
    known = {line.script for line in read}
    found = unread_scripts([line for line in unread if line.script not in known])
    if not found:
        return []
    first = found[0]
    own = [line for line in unread if line.script == first.script]
    return [
        Cue(
            kind=KIND,
            what=first.script,
            means=meaning(first.script),
            trust=KIND,
            discount=first.probability,
            countries=script_likelihood(first.script),
            box=first.box,
            surfaces=mean_surfaces(own),
        )
    ]


def script_likelihood(script: str) -> dict[str, float]:
    """Return the likelihood of writing in a script by country code; the largest is 1."""
    shares = share_of_script(script)
    most = max(shares.values())
    return {code: share / most * (1 - ELSEWHERE) + ELSEWHERE for code, share in shares.items()}
