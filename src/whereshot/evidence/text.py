"""Text in the picture as evidence: lines read -> cues on language, places, addresses, numbers and words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from whereshot.evidence.base import Box, Cue, Line
from whereshot.evidence.language import (
    INTERNATIONAL,
    amount,
    country_log_likelihood,
    fold,
    identify,
    language_name,
    lexicon,
)
from whereshot.evidence.patterns import pattern_cues
from whereshot.evidence.place_names import place_cues
from whereshot.evidence.worldwide_words import without_worldwide

SHORT_LETTERS = 12
"""Telling letters below which a text says something only if one of its words is known: the rest is misread."""
TRUSTS = ((25, "text/language"), (SHORT_LETTERS, "text/language/short"), (0, "text/language/word"))
"""By the least number of telling letters: a text's language, a short one's, a word's or two."""
LEAST_LETTERS = 4
MARKED_LETTERS = 5
"""Letters of a word in which an accent is rather written than misread."""
PASSAGE_LETTERS = 14
INDEPENDENT_PASSAGES = 3.0
"""How many passages' worth of evidence the lines of one picture give at most."""
MOST_QUOTED = 80
_WORD = re.compile(r"[^\W\d_]{3,}")
_CREDIT = re.compile(
    r"©|\(c\)|copyright|\bphoto(?:graph)?(?:ed)? by\b|shutterstock|\balamy\b|getty ?images|istock|dreamstime"
    r"|^\W?(?:i?c|[@o0])\W?\s+\S.*\b(?:19|20)\d\d\W*$",
    re.IGNORECASE,
)
"""The photographer's credit, also with a misread ©, is in the picture and not in the scene."""


def cues_of(lines: Sequence[Line]) -> list[Cue]:
    """All cues in the lines of one picture, (kind, what was read, what it means, how far to trust it)."""
    lines = [line for line in lines if line.text.strip() and not _CREDIT.search(line.text)]
    texts = [line.text for line in lines]
    telling = [text for text in map(without_worldwide, texts) if text]
    letters = amount(telling)
    told = letters >= LEAST_LETTERS and (letters >= SHORT_LETTERS or _holds_a_word(telling))
    languages = identify(telling) if told else {}
    likelihood = _country_log_likelihood(telling) if languages else {}
    cues = pattern_cues(lines) + place_cues(lines, languages)
    language = _language_cue(lines, texts, languages, likelihood, letters)
    return cues if language is None else [language, *cues]


def _language_cue(
    lines: Sequence[Line], texts: list[str], languages: dict[str, float], likelihood: dict[str, float], letters: int
) -> Cue | None:
    """One cue for all lines together: each line alone would count the same fact again."""
    if not languages:
        return None
    peak = max(likelihood.values())
    best = sorted(languages.items(), key=lambda pair: -pair[1])
    named = " or ".join(f"{language_name(code)} ({100 * share:.0f} %)" for code, share in best[:2] if share >= 0.15)
    trust = next(name for least, name in TRUSTS if letters >= least)
    quoted = " / ".join(texts)
    return Cue(
        kind="text/language",
        what=quoted if len(quoted) <= MOST_QUOTED else quoted[: MOST_QUOTED - 1] + "…",
        means=f"the language looks like {named}" if named else "no one language stands out",
        trust=trust,
        countries={code: math.exp(value - peak) for code, value in likelihood.items()},
        box=_around([line.box for line in lines]),
    )


def _holds_a_word(texts: Sequence[str]) -> bool:
    """Whether any word is one of a language's frequent ones, or wears a letter that few languages have."""
    words = [word.lower() for text in texts for word in _WORD.findall(text)]
    return any(
        (len(word) >= MARKED_LETTERS and fold(word) != word)
        or (word not in INTERNATIONAL and lexicon().find(word) is not None)
        for word in words
    )


def _country_log_likelihood(texts: Sequence[str]) -> dict[str, float]:
    """Log likelihood by country of all lines together, each of which may be in another of the country's languages.

    A sign in Sweden says it in Swedish and in English; one in England does not. So a line's language is drawn anew
    from those of the country, and the lines multiply; not all of them fully, since what one sign says is one fact.
    """
    passages = _passages(texts)
    share = min(1.0, INDEPENDENT_PASSAGES / len(passages))
    total: dict[str, float] = {}
    for passage in passages:
        for code, value in country_log_likelihood(identify(passage)).items():
            total[code] = total.get(code, 0.0) + share * value
    return total


def _passages(texts: Sequence[str]) -> list[list[str]]:
    """Lines in groups with letters enough to tell a language by."""
    groups: list[list[str]] = [[]]
    for text in texts:
        groups[-1].append(text)
        if amount(groups[-1]) >= PASSAGE_LETTERS:
            groups.append([])
    short = groups.pop()
    if short:
        groups = [*groups[:-1], [*groups[-1], *short]] if groups else [short]
    return groups


def _around(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
