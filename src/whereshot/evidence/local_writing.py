"""Estimate the probability that the text in a picture belongs to the place, from its lines and their cues.

Some text is carried from elsewhere: on goods, vehicles, shirts and menus. Text in a script that the reader does not
know becomes meaningless letters. Such text carries no information about the place, even if it gives several cues: the
language, the company and the town on one package are one fact, and all of them are wrong together. Text on signs
differs from it: its words are known, it forms sentences in one language, and it has no quantities, ingredients or trade
marks.

English is written all over the world. Where only English was read, it can support a place but not speak against one.

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
"""Frequency on the Zipf scale above which a word counts as known."""
FUNCTION_ZIPF = 5.5
"""Least frequency on the Zipf scale of a function word, such as "the" or "of"."""
MOST_KINDS = 2
"""At most this many kinds of cues count."""
_GOODS = re.compile(
    r"(?<![\w.,])\d+(?:[.,]\d+)?\s?(?:g|kg|mg|ml|cl|dl|oz|kcal|kj)\b|\d\s?%|®|™"
    r"|ingr[eé]dient|zutaten|nutri|nährwert|calor[ií]|best before|\bexp\b|\bnet w|\bvol\.|\bflavou?r",
    re.IGNORECASE,
)
"""Matches text that is typical of packages: quantities, percentages, ingredients, dates, trade marks."""


@functools.cache
def fitted_weights() -> tuple[NDArray[np.float64], float]:
    """Return the weight of each feature (8,) and the constant, as the package ships them."""
    fitted = read_toml("evidence/data/local_writing.toml")
    return np.array([fitted["weights"][name] for name in FEATURES]), float(fitted["constant"])


def is_text(cue: Cue) -> bool:
    """Return whether a cue comes from text in the picture."""
    return cue.kind.startswith("text")


class Writing(NamedTuple):
    """How far the text in a picture can count against a place."""

    local: float = 0.0
    """The probability (0 to 1) that the text belongs to the place; 0 where no cue was found in it."""
    only_english: bool = False
    """Whether the text is English and gives no other cues than its language and plain names of places."""

    @property
    def weight(self) -> float:
        """The weight of this text as evidence against a place, 0 to 1."""
        return 0.0 if self.only_english else self.local


def judge_writing(lines: Sequence[Line], cues: Sequence[Cue]) -> Writing:
    """Judge the lines of one picture that were read, given the cues that were found in its text.

    Writing that is seen and not read cannot be judged, so it has no weight.
    """
    if not lines or not any(is_text(cue) for cue in cues):
        return Writing()
    return writing_of(features(lines, cues), *fitted_weights())


def writing_of(values: NDArray[np.float64], weights: NDArray[np.float64], constant: float) -> Writing:
    """Judge writing by its features (8,), their weights (8,) and the constant."""
    value_of = dict(zip(FEATURES, values.tolist(), strict=True))
    local = 1 / (1 + math.exp(-float(values @ weights) - constant))
    return Writing(local, value_of["english"] > 0 and value_of["kinds"] == 0)


def features(lines: Sequence[Line], cues: Sequence[Cue]) -> NDArray[np.float64]:
    """Return the features (8,) that separate text of the place from other text, in the order of ``FEATURES``.

    ``lines`` must not be empty. A count n enters as log(1 + n).

    * language: probability of the likeliest language.
    * confidence: mean confidence of the reader.
    * goods: count of the lines that look like text on a package.
    * english: 1 where the likeliest language is English, else 0.
    * kinds: number of kinds of cues other than the language and plain names of places, at most 2, divided by 1 + the
      number of goods lines. The company and the town on a package are not independent of it.
    * known: share of the letters that belong to known words of the language.
    * function_words: count of the function words.
    * lines: count of the lines.
    """
    informative = [text for text in (without_worldwide(line.text) for line in lines) if text]
    language, probability = next(iter(identify(informative).items()))
    words = [word.lower() for text in informative for word in WORD.findall(text) if len(word) > 1]
    letters = np.array([len(word) for word in words], np.float64)
    zipf = np.array([word_zipf(word, language) for word in words])
    kinds = {cue.kind for cue in cues if is_text(cue) and _is_independent(cue)}
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


NOT_FITTED = ("text/public-word", "text/area")
"""Kinds of cues that the weights were fitted without. They do not count as kinds."""


def _is_independent(cue: Cue) -> bool:
    """Return whether a cue is neither the language nor a place name that can also be an ordinary word."""
    if cue.kind in NOT_FITTED:
        return False
    return cue.trust in ("text/place/qualified", "text/place/named") or cue.kind not in ("text/language", "text/place")
