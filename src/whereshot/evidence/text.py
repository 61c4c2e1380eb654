"""Evidence from text in the picture: its lines give cues from language, place names, addresses, numbers and words."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from whereshot.earth.name_index import name_keys
from whereshot.evidence.airports import airport_cues
from whereshot.evidence.area_names import area_cues
from whereshot.evidence.base import Box, Cue, Line, box_around, mean_surfaces
from whereshot.evidence.country_languages import country_log_likelihood, leading_languages, log_seen
from whereshot.evidence.known_languages import language_name
from whereshot.evidence.language import identify
from whereshot.evidence.lexicon import find_word, fold, lexicon
from whereshot.evidence.look_alikes import fold_lines
from whereshot.evidence.native_rows import native_rows
from whereshot.evidence.patterns import pattern_cues
from whereshot.evidence.place_names import place_cues
from whereshot.evidence.public_words import public_word_cues
from whereshot.evidence.text_segments import INTERNATIONAL, count_letters, native_script, split_text
from whereshot.evidence.text_takers import log_correction
from whereshot.evidence.worldwide_words import without_worldwide

SHORT_LETTERS = 12
"""A text with fewer letters only counts if one of its words is known; otherwise it is probably misread."""
TRUSTS = ((25, "text/language"), (SHORT_LETTERS, "text/language/short"), (0, "text/language/word"))
"""Pairs of a least number of letters and the trust of the language cue: for long texts, short texts, single words."""
LEAST_LETTERS = 4
"""A text with fewer letters gives no language cue."""
LEAST_NATIVE_LETTERS = 3
"""Least letters of a native script in a readable text; other writing is rarely misread as letters of a native script.
"""
MARKED_LETTERS = 5
"""Least letters of a word in which an accent is more likely real than misread."""
PASSAGE_LETTERS = 14
"""Least letters of a passage: lines are grouped into passages that are long enough to recognise their language."""
INDEPENDENT_PASSAGES = 3.0
"""Number of passages of one picture that count fully; more passages share this weight."""
MOST_QUOTED = 80
"""Most characters of the text that a cue quotes."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_CREDIT = re.compile(
    r"©|\(c\)|copyright|\bphoto(?:graph)?(?:ed)? by\b|shutterstock|\balamy\b|getty ?images|istock|dreamstime"
    r"|^\W?(?:i?c|[@o0])\W?\s+\S.*\b(?:19|20)\d\d\W*$",
    re.IGNORECASE,
)
"""Matches the credit of a photographer or agency, also with a misread ©. It belongs to the file, not to the scene."""


def cues_of(lines: Sequence[Line]) -> list[Cue]:
    """Return all cues in the lines of one picture: language, patterns, public words, place names."""
    lines = [line for line in lines if line.text.strip() and not _CREDIT.search(line.text)]
    lines = native_rows(fold_lines(lines))
    places, words = _places(lines), public_word_cues(lines)
    texts = [line.text for line in lines]
    names = _names_in([*places, *words])
    native = [text for text in texts if native_script(text)]
    informative = [
        text
        for text in (each if each in native else without_worldwide(_without(names, each)) for each in texts)
        if text
    ]
    letters = count_letters(informative)
    is_native = count_letters(native) >= LEAST_NATIVE_LETTERS
    is_readable = letters >= LEAST_LETTERS and (letters >= SHORT_LETTERS or _has_known_word(informative))
    is_readable = is_readable or is_native
    languages = identify(informative) if is_readable else {}
    likelihood, leading = _country_log_likelihood(informative) if languages else ({}, {})
    if languages:
        words = public_word_cues(lines, languages)
    cues = pattern_cues(lines) + words + places + area_cues(lines, places)
    language = _language_cue(lines, texts, languages, likelihood, leading, max(letters, SHORT_LETTERS * is_native))
    return _with_surfaces(cues if language is None else [language, *cues], lines)


def _names_in(cues: Sequence[Cue]) -> set[str]:
    """Return the keys of the words of places and companies that cues quote, without words of any language.

    They have cues of their own, and the letters of a name are of no language: "Medibank" is not Norwegian.
    """
    named = [cue.what for cue in cues if cue.kind == "text/place" or cue.trust == "text/public-word/company"]
    words = {word for text in named for word in _WORD.findall(text) if not native_script(word)}
    return set(name_keys([word for word in words if lexicon().find(word.lower()) is None]))


def _without(names: set[str], text: str) -> str:
    """Return a text without the words whose keys are in ``names``."""
    return (
        _WORD.sub(lambda word: "" if name_keys([word.group()])[0] in names else word.group(), text) if names else text
    )


def _places(lines: Sequence[Line]) -> list[Cue]:
    """Return the cues of towns and of airports. A town whose name is part of the name of an airport is left out."""
    airports = airport_cues(lines)
    named = [(airport.box, name_keys([airport.what])[0]) for airport in airports]
    towns = [
        cue
        for cue in place_cues(lines)
        if not any(cue.box == box and name_keys([cue.what])[0] in name for box, name in named)
    ]
    return towns + airports


def _with_surfaces(cues: Sequence[Cue], lines: Sequence[Line]) -> list[Cue]:
    """Return the cues with the mean surfaces of the lines that each was read in, which are those inside its box."""
    if all(line.surfaces is None for line in lines):
        return list(cues)
    placed = []
    for cue in cues:
        own = [line for line in lines if cue.box is None or _is_inside(line.box, cue.box)]
        placed.append(replace(cue, surfaces=mean_surfaces(own)))
    return placed


def _is_inside(box: Box, outer: Box) -> bool:
    """Return whether a box lies inside another one."""
    return box[0] >= outer[0] and box[1] >= outer[1] and box[2] <= outer[2] and box[3] <= outer[3]


def _language_cue(
    lines: Sequence[Line],
    texts: list[str],
    languages: dict[str, float],
    likelihood: dict[str, float],
    leading: dict[str, str],
    letters: int,
) -> Cue | None:
    """Return one language cue for all lines; a cue for each line would count the same fact several times."""
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
        box=box_around(line.box for line in lines),
        languages={code: language_name(language) for code, language in leading.items()},
    )


def _has_known_word(texts: Sequence[str]) -> bool:
    """Return whether any word is in the lexicon, or has an accented letter that few languages use.

    Of Chinese characters two in a row must be a word: patterns and frames are misread as single ones.
    """
    chinese = [word for segment in split_text(texts) if segment.script == "Han" for word in segment.words]
    if any(find_word(word[at : at + 2], "Han") is not None for word in chinese for at in range(len(word) - 1)):
        return True
    words = [word.lower() for text in texts for word in _WORD.findall(text)]
    return any(
        (len(word) >= MARKED_LETTERS and fold(word) != word)
        or (word not in INTERNATIONAL and lexicon().find(word) is not None)
        for word in words
    )


def _country_log_likelihood(texts: Sequence[str]) -> tuple[dict[str, float], dict[str, str]]:
    """Return the log likelihood of each country from all passages together, and the language that speaks most for it.

    Each passage may be in another language of the country: a sign in Sweden repeats its text in English, a sign in
    England does not repeat it in Swedish. So each passage draws its language independently from the languages of the
    country, and the likelihoods of the passages are multiplied. Their total weight is bounded, because the texts on one
    sign are not independent facts.
    """
    passages = _passages(texts)
    share = min(1.0, INDEPENDENT_PASSAGES / len(passages))
    total = dict(_log_prior_of_text())
    most: dict[str, float] = {}
    leading: dict[str, str] = {}
    for passage in passages:
        languages = identify(passage)
        spoken = leading_languages(languages)
        for code, value in country_log_likelihood(languages).items():
            total[code] = total.get(code, 0.0) + share * value
            if value > most.get(code, -math.inf):
                most[code], leading[code] = value, spoken[code]
    return total, leading


@functools.cache
def _log_prior_of_text() -> Mapping[str, float]:
    """Return log(P(country | photo with text that is read) / P(country | photo)) by country code, up to a constant."""
    taken, seen = log_correction(), log_seen()
    return {code: taken.get(code, 0.0) + seen.get(code, 0.0) for code in {**taken, **seen}}


def _passages(texts: Sequence[str]) -> list[list[str]]:
    """Group the lines into passages, each in one native script or in none.

    A sign in two scripts repeats its text in another language, so a passage never has two of them.
    """
    by_script: dict[str, list[str]] = {}
    for text in texts:
        by_script.setdefault(native_script(text), []).append(text)
    return [passage for own in by_script.values() for passage in _passages_of_script(own)]


def _passages_of_script(texts: Sequence[str]) -> list[list[str]]:
    """Group consecutive lines into passages of at least ``PASSAGE_LETTERS`` letters; a short rest joins the last."""
    groups: list[list[str]] = [[]]
    for text in texts:
        groups[-1].append(text)
        if count_letters(groups[-1]) >= PASSAGE_LETTERS:
            groups.append([])
    short = groups.pop()
    if short:
        groups = [*groups[:-1], [*groups[-1], *short]] if groups else [short]
    return groups
