"""The language of a few lines of text: lines that OCR read -> P(language | text) -> log likelihood of each country.

Three witnesses speak for every line: its script (Greek letters leave one language), its words (naive Bayes over the
most frequent words of each language, data/words.parquet) and its letter sequences (py3langid, a naive Bayes over byte
n-grams). How far to trust the sum depends on how much there is to read, so "Hotel" says next to nothing; data/
language.toml holds what scripts/fit_languages.py fitted. Lines are then multiplied, each with a
chance of being foreign.

Sources: word frequencies from wordfreq (Speer 2022, CC BY-SA 4.0); who writes what where from Unicode CLDR by way of
Babel; py3langid (Barbaresi; after Lui and Baldwin, langid.py, ACL 2012 demonstrations).
"""

from __future__ import annotations

import bisect
import functools
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whereshot.foundation.package_data import read_table, read_toml


class Language(NamedTuple):
    """A language that can be recognised: its English name, its scripts, and its prior weight (1 unless rare)."""

    name: str
    scripts: tuple[str, ...] = ("Latin",)
    weight: float = 1.0


RARE = 0.2
"""Prior weight of a language in which few photographed texts are written."""

LANGUAGES: dict[str, Language] = {
    "af": Language("Afrikaans"),
    "am": Language("Amharic", ("Ethiopic",)),
    "ar": Language("Arabic", ("Arabic",)),
    "as": Language("Assamese", ("Bengali",), RARE),
    "az": Language("Azerbaijani", weight=RARE),
    "be": Language("Belarusian", ("Cyrillic",)),
    "bg": Language("Bulgarian", ("Cyrillic",)),
    "bn": Language("Bengali", ("Bengali",)),
    "bo": Language("Tibetan", ("Tibetan",)),
    "br": Language("Breton", weight=RARE),
    "bs": Language("Bosnian", weight=RARE),
    "ca": Language("Catalan"),
    "cs": Language("Czech"),
    "cy": Language("Welsh"),
    "da": Language("Danish"),
    "de": Language("German"),
    "dv": Language("Dhivehi", ("Thaana",)),
    "dz": Language("Dzongkha", ("Tibetan",)),
    "el": Language("Greek", ("Greek",)),
    "en": Language("English"),
    "es": Language("Spanish"),
    "et": Language("Estonian"),
    "eu": Language("Basque"),
    "fa": Language("Persian", ("Arabic",)),
    "fi": Language("Finnish"),
    "fo": Language("Faroese", weight=RARE),
    "fr": Language("French"),
    "fy": Language("Frisian", weight=RARE),
    "ga": Language("Irish"),
    "gd": Language("Scottish Gaelic", weight=RARE),
    "gl": Language("Galician"),
    "gu": Language("Gujarati", ("Gujarati",)),
    "he": Language("Hebrew", ("Hebrew",)),
    "hi": Language("Hindi", ("Devanagari",)),
    "hr": Language("Croatian"),
    "ht": Language("Haitian Creole", weight=RARE),
    "hu": Language("Hungarian"),
    "hy": Language("Armenian", ("Armenian",)),
    "id": Language("Indonesian"),
    "is": Language("Icelandic"),
    "it": Language("Italian"),
    "ja": Language("Japanese", ("Kana", "Han")),
    "ka": Language("Georgian", ("Georgian",)),
    "kk": Language("Kazakh", ("Cyrillic",), RARE),
    "km": Language("Khmer", ("Khmer",)),
    "kn": Language("Kannada", ("Kannada",)),
    "ko": Language("Korean", ("Hangul",)),
    "ku": Language("Kurdish", weight=RARE),
    "ky": Language("Kyrgyz", ("Cyrillic",), RARE),
    "lb": Language("Luxembourgish", weight=RARE),
    "lo": Language("Lao", ("Lao",)),
    "lt": Language("Lithuanian"),
    "lv": Language("Latvian"),
    "mg": Language("Malagasy", weight=RARE),
    "mk": Language("Macedonian", ("Cyrillic",)),
    "ml": Language("Malayalam", ("Malayalam",)),
    "mn": Language("Mongolian", ("Cyrillic",), RARE),
    "mr": Language("Marathi", ("Devanagari",)),
    "ms": Language("Malay"),
    "mt": Language("Maltese", weight=RARE),
    "my": Language("Burmese", ("Myanmar",)),
    "ne": Language("Nepali", ("Devanagari",)),
    "nl": Language("Dutch"),
    "no": Language("Norwegian"),
    "or": Language("Odia", ("Odia",)),
    "pa": Language("Punjabi", ("Gurmukhi",)),
    "pl": Language("Polish"),
    "ps": Language("Pashto", ("Arabic",), RARE),
    "pt": Language("Portuguese"),
    "ro": Language("Romanian"),
    "ru": Language("Russian", ("Cyrillic",)),
    "rw": Language("Kinyarwanda", weight=RARE),
    "si": Language("Sinhala", ("Sinhala",)),
    "sk": Language("Slovak"),
    "sl": Language("Slovenian"),
    "so": Language("Somali", weight=RARE),
    "sq": Language("Albanian"),
    "sr": Language("Serbian", ("Cyrillic", "Latin")),
    "sv": Language("Swedish"),
    "sw": Language("Swahili", weight=RARE),
    "ta": Language("Tamil", ("Tamil",)),
    "te": Language("Telugu", ("Telugu",)),
    "tg": Language("Tajik", ("Cyrillic",), RARE),
    "th": Language("Thai", ("Thai",)),
    "tk": Language("Turkmen", weight=RARE),
    "tl": Language("Filipino"),
    "tr": Language("Turkish"),
    "ug": Language("Uyghur", ("Arabic",), RARE),
    "uk": Language("Ukrainian", ("Cyrillic",)),
    "ur": Language("Urdu", ("Arabic",)),
    "uz": Language("Uzbek", weight=RARE),
    "vi": Language("Vietnamese"),
    "xh": Language("Xhosa", weight=RARE),
    "zh": Language("Chinese (simplified)", ("Han",)),
    "zh-Hant": Language("Chinese (traditional)", ("Han",)),
    "zu": Language("Zulu", weight=RARE),
}
"""ISO 639-1 codes; "no" is both written standards of Norwegian, and traditional Chinese has a tag of its own."""

CODES = tuple(LANGUAGES)
NUMBER = {code: number for number, code in enumerate(CODES)}
PRIOR = np.array([language.weight for language in LANGUAGES.values()])
PRIOR = PRIOR / PRIOR.sum()

IDENTIFIER_LABELS = {"no": ("no", "nn")}
"""Labels of py3langid that stand for a language of ours, where they are not its code."""

RELATIVES = {
    "af": ("nl",),
    "az": ("tr",),
    "be": ("ru", "uk"),
    "fo": ("is",),
    "fy": ("nl",),
    "gl": ("es", "pt"),
    "kk": ("ru",),
    "ky": ("ru",),
    "lb": ("de",),
    "mr": ("hi",),
    "ne": ("hi",),
    "tg": ("ru",),
    "tk": ("tr",),
}
"""For languages without a list of words: whose words they share or borrow, so that these do not speak against them."""
_RELATED = np.array([(NUMBER[code], NUMBER[other]) for code, others in RELATIVES.items() for other in others]).T

BLOCKS = (
    (0x0041, "Latin"),
    (0x0250, ""),
    (0x0370, "Greek"),
    (0x0400, "Cyrillic"),
    (0x0530, "Armenian"),
    (0x0590, "Hebrew"),
    (0x0600, "Arabic"),
    (0x0700, ""),
    (0x0750, "Arabic"),
    (0x0780, "Thaana"),
    (0x07C0, ""),
    (0x0900, "Devanagari"),
    (0x0980, "Bengali"),
    (0x0A00, "Gurmukhi"),
    (0x0A80, "Gujarati"),
    (0x0B00, "Odia"),
    (0x0B80, "Tamil"),
    (0x0C00, "Telugu"),
    (0x0C80, "Kannada"),
    (0x0D00, "Malayalam"),
    (0x0D80, "Sinhala"),
    (0x0E00, "Thai"),
    (0x0E80, "Lao"),
    (0x0F00, "Tibetan"),
    (0x1000, "Myanmar"),
    (0x10A0, "Georgian"),
    (0x1100, "Hangul"),
    (0x1200, "Ethiopic"),
    (0x13A0, ""),
    (0x1780, "Khmer"),
    (0x1800, ""),
    (0x1E00, "Latin"),
    (0x1F00, "Greek"),
    (0x2000, ""),
    (0x3040, "Kana"),
    (0x3100, ""),
    (0x3130, "Hangul"),
    (0x3190, ""),
    (0x3400, "Han"),
    (0xA000, ""),
    (0xAC00, "Hangul"),
    (0xD7B0, ""),
    (0xF900, "Han"),
    (0xFB00, ""),
    (0x20000, "Han"),
    (0x323B0, ""),
)
"""First code point of a run of Unicode blocks, and its script; "" is none that we read."""
_BLOCK_STARTS = [start for start, _ in BLOCKS]

SPEAKS_SCRIPT = {
    script: np.array([script in language.scripts for language in LANGUAGES.values()])
    for script in {script for _, script in BLOCKS} - {""}
}

_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
_LETTER = rf"(?:[^\W\d_]|[{_MARKS}])"
WORD = re.compile(rf"{_LETTER}+(?:['’]{_LETTER}+)*")
"""A run of letters with their marks, and apostrophes inside."""
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_NOT_LANGUAGE = re.compile(
    r"\S+@\S+|\bhttps?\S*|\bwww\S*|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,4}\b(?:/\S*)?|\b\w*\d\w*\d\w*\b", re.IGNORECASE
)
"""Addresses, and words with two digits or more: registrations, numbers, sizes."""
_MISREAD_DIGIT = re.compile(r"(?<=[^\W\d_])[01](?=[^\W\d_])")

LONGEST_LINE = 2000
"""Characters of a line that are read; no sign has more."""
LONGEST_WORD = 40
MOST_LINES = 200
LONGEST_HAN_WORD = 4

LEAST_PART = 4
"""Letters of the longer of two words that were read as one."""

ONE_LETTER_WORDS = {
    "a": "ca cs en es ga gl hr hu it pl pt ro sk sl sr",
    "à": "ca fr it pt",
    "e": "gl it pt",
    "é": "pt",
    "è": "it",
    "i": "ca cs cy da hr it no pl sk sr sv",
    "k": "cs sk",
    "o": "cs ca es gl hr it pl pt sk sl sr",
    "s": "cs hr sk sl sr",
    "u": "cs hr sk sr pl",
    "v": "cs sk sl",
    "w": "pl",
    "y": "cy es fr",
    "z": "cs pl sk sl",
    "å": "da no sv",
}
"""Words of one letter, which the lists leave out, and the languages that have them; a line's own say nothing, but a
word that swallowed one is told by it."""
ONE_LETTER_LOG_FREQUENCY = -4.3

LEAST_WORDS = 2000
"""With fewer words than this, a language's list holds its commonest ones only, and a word that it lacks says little."""

_INTERNATIONAL = """
ok stop bar hotel hostel motel taxi exit restaurant pizza pizzeria kebab cafe café pub grill bus metro parking park
wifi wlan atm info tourist bank shop supermarket club disco sport sports fitness spa salon studio center centre
garage auto moto toilet toilets wc open cola coca pepsi fanta euro internet online mobile photo foto video tv vip
sushi burger bistro bbc cnn tel fax
"""
INTERNATIONAL = frozenset(_INTERNATIONAL.split())
"""Words that stand on signs anywhere: they say nothing on the language, and are neither weighed nor counted."""

_UNMARKED = str.maketrans({**dict(zip("øłđðıŋħþ", "olddinht", strict=True)), "ß": "ss"})
_ACCENT = re.compile("[\u0300-\u036f]+")
_LATIN_OF_SERBIAN = {
    **dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True)),
    "љ": "lj",
    "њ": "nj",
    "џ": "dž",
}
_SERBIAN = str.maketrans(_LATIN_OF_SERBIAN)


def fold(text: str) -> str:
    """Lower-case text without accents and strokes, as OCR often returns it.

    >>> fold("Çalışma Łódź Straße æøå")
    'calisma lodz strasse æoa'
    """
    return _ACCENT.sub("", unicodedata.normalize("NFD", text.lower())).translate(_UNMARKED)


class Words(NamedTuple):
    """What the table knows of one word: numbers of languages (k,), natural log of its frequency (k,), and how it
    differs from what was read: 0 not at all, 1 what was read lacks an accent, 2 its accents are others, 3 it is two
    words that were read as one, or a compound."""

    languages: NDArray[np.int64]
    log_frequency: NDArray[np.float64]
    difference: NDArray[np.int64]


class Lexicon:
    """The most frequent words of each language, found with and without their accents.

    The table's rows are sorted by their plain spelling, so all words of one spelling are one run.
    """

    def __init__(self, table: pa.Table) -> None:
        table = table.combine_chunks()
        runs = pc.run_end_encode(table["plain"].chunk(0))
        self._plain = runs.values
        self._ends = np.append(np.asarray(runs.run_ends), 0)  # [-1] is then 0, where the first run starts
        self._accented = table["accented"].chunk(0)
        coded = table["languages"].chunk(0)
        self._group = np.asarray(coded.indices)
        self._groups = [np.array([NUMBER[code] for code in text.split()]) for text in coded.dictionary.to_pylist()]
        self._log_frequency = table["decibels"].to_numpy() * (math.log(10) / 10)
        most = np.zeros(len(CODES), np.int64)
        for group, count in zip(self._groups, np.bincount(self._group), strict=True):
            most[group] += count
        self.is_listed = most >= LEAST_WORDS

    def _run(self, plain: str) -> int:
        """The run of a plain spelling, or -1."""
        run = bisect.bisect_left(range(len(self._plain)), plain, key=lambda number: self._plain[number].as_py())
        return run if run < len(self._plain) and self._plain[run].as_py() == plain else -1

    def find(self, word: str) -> Words | None:
        """What is known of a lower-case word, if anything, however its accents were read."""
        plain, word = fold(word), word.replace("ß", "ss")  # as wordfreq spells it
        run = self._run(plain)
        if run < 0:
            return None
        languages, log_frequency, difference = [], [], []
        for row in range(self._ends[run - 1], self._ends[run]):
            listed = self._accented[row].as_py() or plain
            group = self._groups[self._group[row]]
            languages.append(group)
            log_frequency += [self._log_frequency[row]] * len(group)
            difference += [0 if listed == word else 1 if plain == word else 2] * len(group)
        return Words(np.concatenate(languages), np.array(log_frequency), np.array(difference))


@functools.cache
def lexicon() -> Lexicon:
    """The words, read once."""
    return Lexicon(read_table("evidence/data/words.parquet"))


@functools.cache
def _identifier() -> Any:
    """py3langid's bundled model, restricted to our languages; about half a second, once."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    wanted = {label for code in CODES for label in IDENTIFIER_LABELS.get(code, (code,))}
    identifier.set_languages(wanted & set(identifier.labels))
    return identifier


@dataclass(frozen=True)
class Parameters:
    """How witnesses are weighed; fitted by scripts/fit_languages.py, kept in data/language.toml.

    Of n words and m letters, words count by ``words / n**words_power`` and letter sequences by
    ``sequences / m**sequences_power``; together they are flattened by ``1 - exp(-m / letters)``. Natural logs.
    """

    words: float
    words_power: float
    sequences: float
    sequences_power: float
    letters: float
    unknown: float
    """Log frequency of a word that a language's list lacks."""
    unlisted: float
    """Log frequency of any word in a language without a list."""
    related: float
    """Nats by which such a word is likelier in the language's relative."""
    most: float
    """The most nats by which one word can speak against a language."""
    accent_lost: float
    accent_other: float
    joined: float
    """What it costs to take a word for two."""
    lines_power: float
    """Of k lines each counts by ``1 / k**lines_power``."""
    foreign: float
    """Share of lines in a language that has nothing to do with the place."""
    foreign_english: float
    """The same for English, in units of its share among languages."""
    romanised: float
    """Likelihood of a line in Latin letters where another script is written, against an even spread."""

    @classmethod
    @functools.cache
    def fitted(cls) -> Parameters:
        """The parameters that the package ships."""
        return cls(**read_toml("evidence/data/language.toml")["parameters"])


class Segment(NamedTuple):
    """What one line says in one script."""

    script: str
    words: tuple[str, ...]
    letters: int


def script_of(char: str) -> str:
    """The script of a letter, or "" where it is none that we read.

    >>> [script_of(char) for char in "aЖ語"]
    ['Latin', 'Cyrillic', 'Han']
    """
    block = bisect.bisect_right(_BLOCK_STARTS, ord(char)) - 1
    return BLOCKS[block][1] if block >= 0 else ""


def segments(line: str) -> list[Segment]:
    """A line's distinct words in lower case, by script; without addresses, numbers and single letters."""
    text = unicodedata.normalize("NFKC", line[:LONGEST_LINE])
    text = _NOT_LANGUAGE.sub(" ", text)
    text = _MISREAD_DIGIT.sub(lambda match: "ol"[int(match.group())], text)
    by_script: dict[str, list[str]] = {}
    for match in WORD.finditer(text.lower()):
        word = match.group()
        letters = [char for char in word if char.isalpha()]
        scripts = [script_of(char) for char in letters]
        script = max(set(scripts), key=lambda one: (scripts.count(one), one), default="")
        for one in ("Kana", "Hangul", "Han"):
            script = one if one in scripts else script
            if one in scripts:
                break
        if word not in INTERNATIONAL and script and (len(letters) > 1 or script in ("Han", "Hangul")):
            by_script.setdefault(script, []).append(word)
    if "Kana" in by_script:  # Chinese characters beside kana are Japanese
        by_script["Kana"] += by_script.pop("Han", [])
    return [
        Segment(script, words, sum(char.isalpha() for word in words for char in word))
        for script, words in ((script, tuple(dict.fromkeys(words))) for script, words in by_script.items())
    ]


def _known_words(segment: Segment) -> Iterator[Words | None]:
    """Each word of a segment as the lexicon knows it; Chinese characters in the longest words that are known."""
    script = segment.script
    for word in segment.words:
        if script == "Han":
            start = 0
            while start < len(word):
                stop = min(len(word), start + LONGEST_HAN_WORD)
                while stop > start + 1 and _word(word[start:stop], script) is None:
                    stop -= 1
                yield _word(word[start:stop], script)
                start = stop
        elif len(word) <= LONGEST_WORD:
            whole = _word(word, script)
            parts = [] if whole else [part for part in re.split("['’]", word) if 1 < len(part) < len(word)]
            yield from [_word(part, script) for part in parts] if parts else [whole or _joined(word, script)]


@functools.lru_cache(8192)
def _word(word: str, script: str) -> Words | None:
    found = lexicon().find(word)
    if script != "Cyrillic":
        return found
    serbian = lexicon().find(word.translate(_SERBIAN))  # its list is in Latin letters
    if serbian is None:
        return found
    of_serbian = serbian.languages == NUMBER["sr"]
    serbian = Words(*(column[of_serbian] for column in serbian))
    return serbian if found is None else Words(*(np.concatenate(pair) for pair in zip(found, serbian, strict=True)))


@functools.lru_cache(8192)
def _joined(word: str, script: str) -> Words | None:
    """A word that no list has as two that stand side by side in one language: "hundi" for "hund i", or a compound."""
    best = np.full(len(CODES), -np.inf)
    for stop in range(1, len(word)):
        if max(stop, len(word) - stop) < LEAST_PART:
            continue
        first, second = _part(word[:stop], script), _part(word[stop:], script)
        if first is not None and second is not None:
            pair = np.full((2, len(CODES)), -np.inf)
            for row, part in zip(pair, (first, second), strict=True):
                close = part.difference < 2
                np.maximum.at(row, part.languages[close], part.log_frequency[close])
            best = np.maximum(best, pair.sum(axis=0))
    languages = np.flatnonzero(np.isfinite(best))
    return Words(languages, best[languages], np.full(len(languages), 3)) if len(languages) else None


def _part(text: str, script: str) -> Words | None:
    if len(text) > 1:
        return _word(text, script)
    languages = np.array([NUMBER[code] for code in ONE_LETTER_WORDS.get(text, "").split()], dtype=np.int64)
    frequency = np.full(len(languages), ONE_LETTER_LOG_FREQUENCY)
    return Words(languages, frequency, np.zeros(len(languages), np.int64)) if len(languages) else None


@dataclass(frozen=True)
class Witnesses:
    """What speaks for the languages (k,) that use a segment's script."""

    segment: Segment
    candidates: NDArray[np.int64]
    words: tuple[Words | None, ...]
    sequences: NDArray[np.float64]
    """Log likelihoods (k,) of py3langid, the best being 0."""


def hear(segment: Segment) -> Witnesses:
    """Ask the lexicon and py3langid about one segment."""
    candidates = np.flatnonzero(SPEAKS_SCRIPT[segment.script])
    if len(candidates) == 1:
        return Witnesses(segment, candidates, (), np.zeros(1))
    words = tuple(_known_words(segment))
    if segment.script == "Han":  # py3langid has one label for both ways of writing Chinese
        return Witnesses(segment, candidates, words, np.zeros(len(candidates)))
    score = dict(_identifier().rank(" ".join(segment.words)))
    labels = [IDENTIFIER_LABELS.get(CODES[number], (CODES[number],)) for number in candidates]
    sequences = np.array([max((score[one] for one in some if one in score), default=np.nan) for some in labels])
    sequences = np.where(np.isnan(sequences), np.nanmean(sequences), sequences)
    return Witnesses(segment, candidates, words, sequences - sequences.max())


def likelihoods(heard: Witnesses, parameters: Parameters) -> NDArray[np.float64]:
    """P(segment | language) for all languages (n,), relative to the mean under the prior."""
    p = parameters
    ratio = np.full(len(CODES), p.romanised if heard.segment.script == "Latin" else 0.0)
    candidates = heard.candidates
    prior = PRIOR[candidates]
    score = np.zeros(len(candidates))
    if len(candidates) > 1:
        total = np.zeros(len(CODES))
        silent = np.where(lexicon().is_listed, p.unknown, p.unlisted)
        for word in heard.words:
            one = silent.copy()
            if word is not None:
                cost = np.array([0.0, p.accent_lost, p.accent_other, p.joined])[word.difference]
                np.maximum.at(one, word.languages, word.log_frequency - cost)
                np.maximum.at(one, _RELATED[0], one[_RELATED[1]] - p.related)
            one = one[candidates]
            total[candidates] += np.maximum(one - one.max(), -p.most)
        score += p.words * total[candidates] / max(1, len(heard.words)) ** p.words_power
        score += p.sequences * heard.sequences / heard.segment.letters**p.sequences_power
        score *= 1 - math.exp(-heard.segment.letters / p.letters)
    share = prior * np.exp(score - score.max())
    share /= share.sum()
    elsewhere = float((PRIOR * ratio).sum() - (prior * ratio[candidates]).sum())
    ratio[candidates] = share / prior * (1 - elsewhere)
    english = ratio[NUMBER["en"]]
    result: NDArray[np.float64] = (1 - p.foreign - p.foreign_english) * ratio + p.foreign + p.foreign_english * english
    return result


def combine(ratios: Sequence[NDArray[np.float64]], parameters: Parameters) -> NDArray[np.float64]:
    """P(language | all lines) (n,) from each line's ``likelihoods``."""
    if not ratios:
        return PRIOR.copy()
    score = np.log(np.stack(ratios)).sum(axis=0) / len(ratios) ** parameters.lines_power
    share = PRIOR * np.exp(score - score.max())
    result: NDArray[np.float64] = share / share.sum()
    return result


def _segments_of(lines: Sequence[str]) -> list[Segment]:
    lines = [lines] if isinstance(lines, str) else list(lines)
    distinct = dict.fromkeys(line.strip().lower() for line in lines[:MOST_LINES])
    return list(dict.fromkeys(segment for line in distinct for segment in segments(line)))


def identify(lines: Sequence[str]) -> dict[str, float]:
    """P(language | text) over all of ``LANGUAGES`` by code, likeliest first; the prior where nothing can be read.

    Stated probabilities are meant to be right as often as they say, also for one word. A text in two languages is
    shared between them, but the language of the place wins over English beside it.
    """
    parameters = Parameters.fitted()
    share = combine([likelihoods(hear(segment), parameters) for segment in _segments_of(lines)], parameters)
    return {CODES[number]: float(share[number]) for number in np.argsort(-share, kind="stable")}


def amount(lines: Sequence[str]) -> int:
    """Letters that count: without addresses, numbers, single letters, repeated lines and scripts that we do not read.

    >>> amount(["Åbningstider 10-17", "www.example.com", "A"])
    12
    """
    return sum(segment.letters for segment in _segments_of(lines))


@functools.cache
def speakers() -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Country codes (c,), P(language | country) (c, n) for our languages, and the share (c,) of all others."""
    table = read_table("evidence/data/speakers.parquet").to_pydict()
    countries = tuple(dict.fromkeys(table["country_code"]))
    row = {code: number for number, code in enumerate(countries)}
    share, others = np.zeros((len(countries), len(CODES))), np.zeros(len(countries))
    for country, code, part in zip(table["country_code"], table["language"], table["share"], strict=True):
        if code in NUMBER:
            share[row[country], NUMBER[code]] += part
        else:
            others[row[country]] += part
    return countries, share, others


def country_log_likelihood(languages: Mapping[str, float]) -> dict[str, float]:
    """Natural log of P(text | country) by ISO 3166 code, relative to a text that says nothing (0).

    ``languages`` is P(language | text) as ``identify`` gives it. It is divided by the prior and averaged over the
    languages of each country's public text; a small part of that is in any language at all, so no country is ruled
    out. Codes outside ``LANGUAGES`` are ignored. Raises nothing; an empty mapping gives 0 everywhere.
    """
    countries, share, others = speakers()
    given = np.array([max(0.0, languages.get(code, 0.0)) for code in CODES])
    ratio = given / given.sum() / PRIOR if given.sum() > 0 else np.ones(len(CODES))
    anything = Parameters.fitted().foreign
    likelihood = (1 - anything) * (share @ ratio + others) + anything
    return dict(zip(countries, np.log(likelihood).tolist(), strict=True))


def language_name(code: str) -> str:
    """A language's English name; a code that is not known stays as it is.

    >>> language_name("da"), language_name("xx")
    ('Danish', 'xx')
    """
    return LANGUAGES[code].name if code in LANGUAGES else code


def word_zipf(word: str, language: str) -> float:
    """How frequent a word is in a language: log10 of its uses in a billion words (Zipf scale); 0 where not listed."""
    found = lexicon().find(word.lower()) if language in NUMBER else None
    if found is None:
        return 0.0
    own = (found.languages == NUMBER[language]) & (found.difference < 2)
    return float(found.log_frequency[own].max() / math.log(10) + 9) if own.any() else 0.0
