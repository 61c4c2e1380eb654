"""Weigh letters that only some languages of a script have: the ї of Ukrainian, the ј of Serbian, the ے of Urdu.

A letter may be misread, so it does not rule a language out. Each word with a letter that a language lacks costs the
language some nats. ``data/alphabets.toml`` holds the letters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.known_languages import CODES, NUMBER
from whereshot.evidence.writing import ARABIC_FORMS, PLAIN_ALEF
from whereshot.foundation.package_data import read_toml

WORD_COST = 1.6
"""Nats that a word with a letter of other languages costs a language."""
MOST_WORDS = 4
"""At most this many words with such letters count."""
ARTICLE_COST = 1.2
"""Nats that a word with the Arabic article costs other languages in Arabic letters."""
_ARTICLE = re.compile("^[وبف]?ال..|^لل..")
_PLAIN = ARABIC_FORMS | PLAIN_ALEF


@functools.cache
def _owners() -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Return which languages (n,) have a letter, by script and letter."""
    found = {}
    for script, rows in read_toml("evidence/data/alphabets.toml").items():
        for letters, codes in rows.items():
            owners = np.zeros(len(CODES), bool)
            owners[[NUMBER[code] for code in codes.split()]] = True
            found.update({(script, letter): owners for letter in letters})
    return found


def log_alphabet(script: str, words: Sequence[str]) -> NDArray[np.float64]:
    """Return the log likelihood (n,) of each language from the letters of words in one script; 0 for the best.

    >>> scores = log_alphabet("Cyrillic", ["київ"])
    >>> bool(scores[NUMBER["uk"]] > scores[NUMBER["ru"]])
    True
    """
    owners = _owners()
    against = np.zeros(len(CODES))
    articles = 0
    for word in words:
        lacks = np.zeros(len(CODES), bool)
        for letter in set(word):
            own = owners.get((script, letter))
            if own is not None:
                lacks |= ~own
        against += lacks
        articles += script == "Arabic" and _ARTICLE.match(word.translate(_PLAIN)) is not None
    score: NDArray[np.float64] = -WORD_COST * np.minimum(against, MOST_WORDS)
    if articles:
        score -= ARTICLE_COST * min(articles, MOST_WORDS) * (np.arange(len(CODES)) != NUMBER["ar"])
    score -= score.max()
    return score
