"""Lines of text and their cues in, the probability that the writing belongs to the place out.

Text travels: on goods, on vehicles, on shirts, in menus for guests. A script without a reader becomes letters without
sense. Such writing says nothing of where a photo was taken, however many cues it gives: the language, the company and
the town on one package are one piece of evidence, and it stands or falls as a whole. Writing on signs differs from it:
its words are known, it is whole sentences in one language, and it has no quantities, ingredients or trade marks.

English is written all over the world. Where it is all that was read, it speaks for a place and never against one.

The weights are in ``local_writing.toml``; ``benchmarks/claims.py --fit`` fits them.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.base import Cue, Line
from whereshot.evidence.language import identify
from whereshot.evidence.lexicon import word_zipf
from whereshot.evidence.text_segments import WORD
from whereshot.evidence.worldwide_words import without_worldwide
from whereshot.foundation.package_data import read_toml

FEATURES = ("language", "confidence", "goods", "english", "kinds", "known", "function_words", "lines")
KNOWN_ZIPF = 2.0
"""Frequency on the Zipf scale from which a word of a language counts as known."""
FUNCTION_ZIPF = 5.5
"""Frequency from which it is one of the words that sentences are held together by."""
MOST_KINDS = 2
_GOODS = re.compile(
    r"(?<![\w.,])\d+(?:[.,]\d+)?\s?(?:g|kg|mg|ml|cl|dl|oz|kcal|kj)\b|\d\s?%|®|™"
    r"|ingr[eé]dient|zutaten|nutri|nährwert|calor[ií]|best before|\bexp\b|\bnet w|\bvol\.|\bflavou?r",
    re.IGNORECASE,
)
"""What packages carry: quantities, shares, ingredients, dates, trade marks."""


@functools.cache
def fitted_weights() -> tuple[NDArray[np.float64], float]:
    """The weight of each feature (8,) and the constant."""
    fitted = read_toml("evidence/data/local_writing.toml")
    return np.array([fitted["weights"][name] for name in FEATURES]), float(fitted["constant"])


def is_text(cue: Cue) -> bool:
    """Whether a cue was read in the picture."""
    return cue.kind.startswith("text")


class Writing(NamedTuple):
    """How far what was read may speak against a place."""

    local: float = 0.0
    """The probability (0 to 1) that it belongs to the place; 0 where no cue was read."""
    only_english: bool = False
    """Whether it is English, and nothing but its language and bare names of places is known of it."""

    @property
    def weight(self) -> float:
        """The share of its word against a place that counts, 0 to 1."""
        return 0.0 if self.only_english else self.local


def judge_writing(lines: Sequence[Line], cues: Sequence[Cue]) -> Writing:
    """Judge the lines of one picture by the cues that were found in them."""
    if not any(is_text(cue) for cue in cues):
        return Writing()
    return writing_of(features(lines, cues), *fitted_weights())


def writing_of(values: NDArray[np.float64], weights: NDArray[np.float64], constant: float) -> Writing:
    """Judge writing by its features (8,), their weights (8,) and the constant."""
    of = dict(zip(FEATURES, values.tolist(), strict=True))
    local = 1 / (1 + math.exp(-float(values @ weights) - constant))
    return Writing(local, of["english"] > 0 and of["kinds"] == 0)


def features(lines: Sequence[Line], cues: Sequence[Cue]) -> NDArray[np.float64]:
    """What tells writing of the place from other writing, (8,) in the order of ``FEATURES``; ``lines`` is not empty.

    language: probability of the likeliest language. confidence: mean of the reader's. goods: lines with marks of
    goods, as log(1 + n), like the next two counts. english: 1 where the likeliest language is English, which is
    written everywhere. kinds: kinds of cues beside language and bare names of places, at most 2, divided by 1 and the
    lines with marks of goods: the company and the town on goods are theirs and no further witnesses. known: share of
    the letters in words that the language has. function_words and lines: counts.
    """
    telling = [text for text in (without_worldwide(line.text) for line in lines) if text]
    language, probability = next(iter(identify(telling).items()))
    words = [word.lower() for text in telling for word in WORD.findall(text) if len(word) > 1]
    letters = np.array([len(word) for word in words], np.float64)
    zipf = np.array([word_zipf(word, language) for word in words])
    kinds = {cue.kind for cue in cues if is_text(cue) and _is_more_than_a_word(cue)}
    goods = sum(_GOODS.search(line.text) is not None for line in lines)
    values = {
        "language": probability,
        "confidence": float(np.mean([line.confidence for line in lines])),
        "goods": math.log1p(goods),
        "english": float(language == "en"),
        "kinds": min(len(kinds), MOST_KINDS) / (1 + goods),
        "known": float(letters[zipf > KNOWN_ZIPF].sum() / max(letters.sum(), 1.0)),
        "function_words": math.log1p(int((zipf >= FUNCTION_ZIPF).sum())),
        "lines": math.log1p(len(lines)),
    }
    return np.array([values[name] for name in FEATURES])


def _is_more_than_a_word(cue: Cue) -> bool:
    """Whether a cue is neither the language nor a name that may as well be an ordinary word."""
    return cue.trust == "text/place/named" or cue.kind not in ("text/language", "text/place")
