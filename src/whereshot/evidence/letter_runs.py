"""How likely runs of three letters are in the languages of Arabic writing, from their lists of words.

Persian, Urdu and Arabic differ by runs such as "ال" and "نگ" also in names that no list has. The runs are counted in
the lists of ``lexicon``, in the spelling of readers, when the first text in Arabic letters is recognised (0.2 s).
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.known_languages import CODES, NUMBER
from whereshot.evidence.lexicon import fold, lexicon

LISTED = ("ar", "fa", "ur")
"""The languages of Arabic writing that have a list of words."""
FIRST, LAST = "\u0621", "\u06ff"
"""The lists are read in parts by these first letters."""
UNSEEN = 0.2
"""Uses that are added to the counted uses of each run of letters."""
ALPHABET = 40
"""Number of letters that may follow two other letters."""
SHARE = 0.35
"""Weight of a run: runs overlap, so they are not independent facts."""
_ENDS = "\u0002"


class _Runs(NamedTuple):
    """How often runs of three letters, and of their first two, are in the words of a language."""

    three: Counter[str]
    two: Counter[str]

    def log_likelihood(self, word: str) -> float:
        """Return the sum over the letters of a word of log P(letter | the two before it)."""
        text = _ENDS * 2 + word + _ENDS
        return sum(
            math.log((self.three[text[at : at + 3]] + UNSEEN) / (self.two[text[at : at + 2]] + UNSEEN * ALPHABET))
            for at in range(len(text) - 2)
        )


@functools.cache
def _runs() -> dict[str, _Runs]:
    """Return the runs of each language that has a list."""
    found = {code: _Runs(Counter(), Counter()) for code in LISTED}
    for word, codes in lexicon().between(FIRST, LAST):
        text = _ENDS * 2 + word + _ENDS
        for code in codes:
            if code in found:
                found[code].three.update(text[at : at + 3] for at in range(len(text) - 2))
                found[code].two.update(text[at : at + 2] for at in range(len(text) - 2))
    return found


def log_runs(words: Sequence[str]) -> NDArray[np.float64]:
    """Return the log likelihood (n,) of each language from runs of letters of words in Arabic writing; 0 for the best.

    A language without a list has the mean of the others.

    >>> scores = log_runs(["خیابان", "گلستان"])
    >>> bool(scores[NUMBER["fa"]] > scores[NUMBER["ar"]])
    True
    """
    runs = _runs()
    folded = [fold(word) for word in words]
    of_listed = {code: SHARE * sum(runs[code].log_likelihood(word) for word in folded) for code in LISTED}
    score = np.full(len(CODES), sum(of_listed.values()) / len(of_listed))
    for code, value in of_listed.items():
        score[NUMBER[code]] = value
    score -= score.max()
    return score
