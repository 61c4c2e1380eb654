"""Recognise the language of a few lines of text as calibrated probabilities P(language | text).

Each segment (the words of a line in one script) is scored in four ways:

* by its script: for example, only one language uses Greek letters;
* by its words: a naive Bayes classifier over the most frequent words of each language (``lexicon``);
* by letters that few languages of the script have (``alphabets``);
* by its letter sequences: py3langid, a naive Bayes classifier over byte n-grams.

The weight of the sum grows with the amount of text, so a single word such as "Hotel" changes little. The likelihoods of
all segments are multiplied. Each segment may be in a language that has nothing to do with the place.
``scripts/fit_languages.py`` fits the parameters and writes them to ``data/language.toml``.

Sources: py3langid (Barbaresi; after Lui and Baldwin, langid.py, ACL 2012 demonstrations).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.alphabets import log_alphabet
from whereshot.evidence.known_languages import CODES, IDENTIFIER_LABELS, NUMBER, PRIOR, RELATED_PAIRS
from whereshot.evidence.letter_runs import log_runs
from whereshot.evidence.lexicon import WordEntries, find_words, lexicon
from whereshot.evidence.look_alikes import fold_look_alikes
from whereshot.evidence.text_segments import NATIVE_SCRIPTS, USES_SCRIPT, Segment, split_text
from whereshot.foundation.package_data import read_toml

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier


NATIVE_MISREAD = 0.1
"""Share of the segments in a native script whose letters are misread, so that they do not separate its languages."""
NATIVE_FOREIGN = 0.15
"""Text in a native script far from its countries is rarer than other foreign text by this factor."""
LEAST_HAN_WORDS = 3
"""A text of at least this many words in Chinese characters may have one misread word."""


@functools.cache
def _identifier() -> LanguageIdentifier:
    """Return the model of py3langid, restricted to the known languages; loading takes half a second, once."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    wanted = {label for code in CODES for label in IDENTIFIER_LABELS.get(code, (code,))}
    identifier.set_languages(wanted & set(identifier.labels))
    return identifier


@dataclass(frozen=True)
class LanguageParameters:
    """How the scores of a segment are weighted. All logs are natural logs.

    In a segment of n words and m letters, the weight of words is ``words / n**words_power`` and the weight of letter
    sequences is ``sequences / m**sequences_power``. The weighted sum is multiplied by ``1 - exp(-m / letters)``.
    """

    words: float
    words_power: float
    sequences: float
    sequences_power: float
    letters: float
    unknown: float
    """Log frequency of a word that is missing from the list of a language."""
    unlisted: float
    """Log frequency of any word in a language without a list."""
    related: float
    """Cost in nats of a word that only a related language lists."""
    most: float
    """The most nats that one word can count against a language."""
    accent_lost: float
    """Cost in nats where the word was read without an accent."""
    accent_other: float
    """Cost in nats where the word was read with other accents."""
    joined: float
    """Cost in nats of taking a word for two words."""
    lines_power: float
    """The weight of each of k segments is ``1 / k**lines_power``."""
    foreign: float
    """Share of lines in a language that has nothing to do with the place."""
    foreign_english: float
    """The same share for English, in units of the prior of English."""
    romanised: float
    """Likelihood of a Latin segment in a language that uses another script, relative to a uniform distribution."""

    @classmethod
    @functools.cache
    def fitted(cls) -> LanguageParameters:
        """Return the parameters that the package ships."""
        return cls(**read_toml("evidence/data/language.toml")["parameters"])


@dataclass(frozen=True)
class SegmentScores:
    """The scores of one segment before the parameters weight them, for the k languages that use its script."""

    segment: Segment
    candidates: NDArray[np.int64]
    """Numbers (k,) of the languages."""
    words: tuple[WordEntries | None, ...]
    """The entries of each word; None for an unknown word."""
    sequences: NDArray[np.float64]
    """Log likelihoods (k,) of the letter sequences by py3langid; the best is 0."""


def score_segment(segment: Segment) -> SegmentScores:
    """Look a segment up in the lexicon and score it with py3langid."""
    candidates = np.flatnonzero(USES_SCRIPT[segment.script])
    if len(candidates) == 1:
        return SegmentScores(segment, candidates, (), np.zeros(1))
    words = tuple(find_words(segment))
    # py3langid has a single label for simplified and traditional Chinese, none for Tigrinya, and separates Arabic from
    # Persian by the forms of yeh and kaf, which readers confuse
    if segment.script == "Arabic":
        return SegmentScores(segment, candidates, words, log_runs(segment.words)[candidates])
    if segment.script in ("Han", "Ethiopic"):
        return SegmentScores(segment, candidates, words, np.zeros(len(candidates)))
    score = dict(_identifier().rank(" ".join(segment.words)))
    labels = [IDENTIFIER_LABELS.get(CODES[number], (CODES[number],)) for number in candidates]
    sequences = np.array([max((score[label] for label in own if label in score), default=np.nan) for own in labels])
    sequences = np.where(np.isnan(sequences), np.nanmean(sequences), sequences)
    return SegmentScores(segment, candidates, words, sequences - sequences.max())


def _word_log_likelihood(scores: SegmentScores, parameters: LanguageParameters) -> NDArray[np.float64]:
    """Return the sum over words of log P(word | language) (k,) for the candidates; each word's best language has 0.

    A character that is misread as its simplified or traditional form must not decide alone. So in a text of at least
    ``LEAST_HAN_WORDS`` words in Chinese characters, the worst word of each language does not count.
    """
    p = parameters
    total, worst = np.zeros(len(scores.candidates)), np.zeros(len(scores.candidates))
    without_entry = np.where(lexicon().is_listed, p.unknown, p.unlisted)
    cost_of = np.array([0.0, p.accent_lost, p.accent_other, p.joined])
    for entries in scores.words:
        word = without_entry.copy()
        if entries is not None:
            np.maximum.at(word, entries.languages, entries.log_frequency - cost_of[entries.difference])
            np.maximum.at(word, RELATED_PAIRS[0], word[RELATED_PAIRS[1]] - p.related)
        own = word[scores.candidates]
        part = np.maximum(own - own.max(), -p.most)
        total, worst = total + part, np.minimum(worst, part)
    if scores.segment.script == "Han" and len(scores.words) >= LEAST_HAN_WORDS:
        total = total - worst
    return total


def segment_likelihoods(scores: SegmentScores, parameters: LanguageParameters) -> NDArray[np.float64]:
    """Return P(segment | language) (n,) for all languages, relative to its mean under the prior."""
    p, segment, candidates = parameters, scores.segment, scores.candidates
    ratio = np.full(len(CODES), p.romanised if segment.script == "Latin" else 0.0)
    prior = PRIOR[candidates]
    score = np.zeros(len(candidates))
    if len(candidates) > 1:
        score += p.words * _word_log_likelihood(scores, p) / max(1, len(scores.words)) ** p.words_power
        score += p.sequences * scores.sequences / segment.letters**p.sequences_power
        score += log_alphabet(segment.script, segment.words)[candidates]
        score *= 1 - math.exp(-segment.letters / p.letters)
    share = prior * np.exp(score - score.max())
    share /= share.sum()
    if segment.script in NATIVE_SCRIPTS:
        share = (1 - NATIVE_MISREAD) * share + NATIVE_MISREAD * prior / prior.sum()
    elsewhere = float((PRIOR * ratio).sum() - (prior * ratio[candidates]).sum())
    ratio[candidates] = share / prior * (1 - elsewhere)
    english = ratio[NUMBER["en"]]
    foreign = p.foreign * (NATIVE_FOREIGN if segment.script in NATIVE_SCRIPTS else 1.0)
    result: NDArray[np.float64] = (1 - foreign - p.foreign_english) * ratio + foreign + p.foreign_english * english
    return result


def combine_segments(likelihoods: Sequence[NDArray[np.float64]], parameters: LanguageParameters) -> NDArray[np.float64]:
    """Return P(language | text) (n,) from the ``segment_likelihoods`` (n,) of each segment; the prior for none."""
    if not likelihoods:
        return PRIOR.copy()
    score = np.log(np.stack(likelihoods)).sum(axis=0) / len(likelihoods) ** parameters.lines_power
    share = PRIOR * np.exp(score - score.max())
    result: NDArray[np.float64] = share / share.sum()
    return result


def identify(lines: Sequence[str]) -> dict[str, float]:
    """Return P(language | text) over all of ``LANGUAGES`` by code, likeliest first.

    Latin look-alikes of Greek and Cyrillic letters are folded first.

    The probabilities are calibrated, also for a single word: of all answers with 70 %, about 70 % are right. A text in
    two languages divides the probability between them; English beside another language counts less than that language.
    The result is the prior where no text can be used.
    """
    parameters = LanguageParameters.fitted()
    folded = fold_look_alikes([lines] if isinstance(lines, str) else lines)
    likelihoods = [segment_likelihoods(score_segment(segment), parameters) for segment in split_text(folded)]
    share = combine_segments(likelihoods, parameters)
    return {CODES[number]: float(share[number]) for number in np.argsort(-share, kind="stable")}
