"""Find words of public life that belong to certain countries: authorities, road signs, companies, dishes, varieties.

The table is ``data/public_words.parquet``; ``scripts/build_public_words.py`` makes it from ``tables/public_words``. An
entry has a kind ("police"), and a relative likelihood for each of its countries. Words are compared without case,
accents, spaces and punctuation. Names of at most ``SHORT_LETTERS`` letters must be written as in the table.

The words of one theme, for example all dishes of a menu, give one cue. They have the same cause, so they are right or
wrong together, and together they are as reliable as one word.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as compute

from whereshot.earth.country_names import english_names
from whereshot.earth.name_index import name_keys
from whereshot.earth.spelling_index import SpellingIndex
from whereshot.evidence.base import Box, Cue, Line, box_around
from whereshot.evidence.lexicon import fold, lexicon
from whereshot.evidence.ordinary_words import VARIETY, is_of_other_language, is_other_phrase
from whereshot.evidence.public_word_entries import SHORT_LETTERS, PublicWord, decode_countries, written_key
from whereshot.evidence.sentences import is_mention
from whereshot.evidence.text_segments import MARKS, NATIVE_SCRIPTS, UNSPACED_SCRIPTS, native_script, script_of_word
from whereshot.evidence.transliteration import in_latin
from whereshot.foundation.package_data import read_table, read_toml

LONGEST_WORDS = 7
"""Most words of a phrase that is looked up."""
LONGEST_UNSPACED = 24
"""Most letters of a phrase that is looked up in a script without spaces between words."""
LEAST_UNSPACED = 3
"""Least letters of a word that is looked up there; two Chinese characters are enough."""
MISREAD_LETTERS = ((11, 2.0), (7, 1.0), (5, 0.5))
"""Pairs of a least number of letters of a word in a native script, and the errors with which it is still found."""
LONGEST_MISREAD = 3
"""Most words of a phrase that is looked up with errors."""
MISREAD_DOUBT = 0.3
"""Least doubt of a word that was read with errors."""
MOST_ACROSS = 4
"""Words on either side of the end of a line in a phrase that goes on in the next line."""
LEAST_ACROSS = 8
"""Letters of the shortest phrase that goes on in the next line."""
MOST_QUOTED = 3
"""Most words that one cue quotes."""
INDEPENDENT_WORDS = 2.0
"""Number of words of one theme that count fully; more words share this weight."""
_CHARACTER = f"(?:[^\\W_\u00ba\u00aa]|[{MARKS}])"
_WORD = re.compile(f"{_CHARACTER}+?(?:(?<=[a-z])(?=[A-Z])|(?!{_CHARACTER}))")
"""Matches a word; a capital letter after a small one begins a new word, because spaces are lost in reading."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{2,}")
"""Matches writing without spaces between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""


@dataclass(frozen=True)
class FoundWord:
    """A word of the table that was found: as it was read, its entry, and the box of its line."""

    text: str
    entry: PublicWord
    box: Box


class PublicWords:
    """The table: entries by key, entries that match the start of a word, and entries with a regular expression."""

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Take the columns key, form, kind, countries and doubt of ``data/public_words.parquet``."""
        self.entries: dict[str, PublicWord] = {}
        self.starts: dict[str, PublicWord] = {}
        self.expressions: list[tuple[re.Pattern[str], PublicWord]] = []
        shared: dict[tuple[str, str, str], PublicWord] = {}
        decode = functools.cache(decode_countries)
        rows = (columns[name] for name in ("key", "form", "kind", "countries", "doubt"))
        for key, form, *values in zip(*rows, strict=True):
            kind, countries, doubt = same = tuple(values)
            entry = shared.get(same)
            if entry is None:
                entry = shared[same] = PublicWord(kind, decode(countries), int(doubt) / 100)
            if form == "regex":
                self.expressions.append((re.compile(rf"(?<![^\W_])(?:{key})(?![^\W_])"), entry))
            else:
                (self.starts if form == "start" else self.entries)[key] = entry
        self._start_lengths = sorted({len(key) for key in self.starts}, reverse=True)
        self._near: dict[str, tuple[list[str], SpellingIndex]] = {}

    def find(self, line: Line) -> list[FoundWord]:
        """Return the words of the table in one line, without those that are a part of a longer one."""
        words = list(_WORD.finditer(line.text))
        keys = name_keys([word.group() for word in words])
        used = [False] * len(words)
        found: list[FoundWord] = []
        for length in range(min(LONGEST_WORDS, len(words)), 0, -1):
            for first in range(len(words) - length + 1):
                if any(used[first : first + length]):
                    continue
                text = line.text[words[first].start() : words[first + length - 1].end()]
                entry = self.entry("".join(keys[first : first + length]), text)
                if entry is None or is_other_phrase(text, entry.doubt):
                    continue
                span = words[first].start(), words[first + length - 1].end()
                if entry.kind == VARIETY or not is_mention(line.text, *span):
                    used[first : first + length] = [True] * length
                    found.append(FoundWord(text, entry, line.box))
        for word, key, is_used in zip(words, keys, used, strict=True):
            start = None if is_used else self._start(key)
            if start is not None:
                found.append(FoundWord(word.group(), start, line.box))
        script = native_script(line.text)
        if script and script not in UNSPACED_SCRIPTS:
            found += self._misread(words, keys, used, line)
        return found + list(self._unspaced(line)) + list(self._expressions(line))

    def find_all(self, lines: Sequence[Line]) -> list[FoundWord]:
        """Return the words of the table in the lines of a photo.

        A phrase may go on in the next line: "Banco de / Crédito". Its words are not searched again.
        """
        found, rest = [], list(lines)
        for number in range(1, len(rest)):
            across = self._across(rest[number - 1], rest[number])
            if across is not None:
                word, rest[number - 1], rest[number] = across
                found.append(word)
        return found + [word for line in rest for word in self.find(line)]

    def _across(self, line: Line, below: Line) -> tuple[FoundWord, Line, Line] | None:
        """Return the longest word of the table that begins in one line and ends in the next, and what the lines leave.

        None where there is no such word.
        """
        first, second = (list(_WORD.finditer(one.text)) for one in (line, below))
        upper, lower = (name_keys([word.group() for word in words]) for words in (first, second))
        for before in range(min(MOST_ACROSS, len(first)), 0, -1):
            for after in range(min(MOST_ACROSS, len(second)), 0, -1):
                start, stop = first[-before].start(), second[after - 1].end()
                text = f"{line.text[start : first[-1].end()]} {below.text[second[0].start() : stop]}"
                key = "".join([*upper[-before:], *lower[:after]])
                entry = self.entries.get(key) if len(key) >= LEAST_ACROSS else None
                if entry is not None and not is_other_phrase(text, entry.doubt):
                    word = FoundWord(text, entry, box_around([line.box, below.box]))
                    return word, replace(line, text=line.text[:start]), replace(below, text=below.text[stop:])
        return None

    def entry(self, key: str, text: str) -> PublicWord | None:
        """Return the entry of a key; a short key must be written as in the table. None where there is no entry."""
        return self.entries.get(key) if len(key) > SHORT_LETTERS else self.entries.get(written_key(text))

    def _start(self, key: str) -> PublicWord | None:
        """Return the entry that the word starts with, the longest one; None where there is none."""
        prefixes = (key[:length] for length in self._start_lengths if length < len(key))
        return next((self.starts[prefix] for prefix in prefixes if prefix in self.starts), None)

    def _unspaced(self, line: Line) -> Iterator[FoundWord]:
        """Yield the entries inside runs of a script without spaces, the longest at each place."""
        for run in _UNSPACED.finditer(line.text):
            text, first = run.group(), 0
            pieces = name_keys(text)
            least = LEAST_UNSPACED if native_script(text) else 2
            if self.entry("".join(pieces), text) is not None:
                continue  # the whole run is a word that was found before
            while first < len(text):
                for stop in range(min(first + LONGEST_UNSPACED, len(text)), first + 1, -1):
                    part = "".join(pieces[first:stop])
                    entry = (
                        self.entry(part, text[first:stop]) if len(part) >= least and stop - first < len(text) else None
                    )
                    if entry is not None:
                        yield FoundWord(text[first:stop], entry, line.box)
                        first = stop - 1
                        break
                first += 1

    def _misread(
        self, words: Sequence[re.Match[str]], keys: Sequence[str], used: list[bool], line: Line
    ) -> Iterator[FoundWord]:
        """Yield the entries in native scripts that words without an entry are with some errors."""
        for length in range(min(LONGEST_MISREAD, len(words)), 0, -1):
            for first in range(len(words) - length + 1):
                span = slice(first, first + length)
                key = "".join(keys[span])
                if (
                    any(used[span])
                    or len(key) < MISREAD_LETTERS[-1][0]
                    or (length == 1 and lexicon().find(key) is not None)
                ):
                    continue
                entry = self._nearest(key)
                if entry is not None:
                    used[span] = [True] * length
                    text = line.text[words[first].start() : words[first + length - 1].end()]
                    yield FoundWord(text, entry, line.box)

    def _nearest(self, key: str) -> PublicWord | None:
        """Return the entry in a native script that a key is with the fewest errors; None where none is near."""
        script = script_of_word([char for char in key if char.isalpha()])
        if script not in NATIVE_SCRIPTS:
            return None
        names, index = self._spellings(script)
        allowed = next((errors for letters, errors in MISREAD_LETTERS if len(key) >= letters), 0.0)
        near = index.whole(key, allowed)
        if not near:
            return None
        entry = self.entries[names[near[0].row]]
        return entry._replace(doubt=max(entry.doubt, MISREAD_DOUBT))

    def _spellings(self, script: str) -> tuple[list[str], SpellingIndex]:
        """Return the keys of the entries in a script, and their index; both are made when they are first needed."""
        if script not in self._near:
            names = [
                key
                for key in self.entries
                if len(key) >= MISREAD_LETTERS[-1][0] and not key.isascii() and native_script(key) == script
            ]
            self._near[script] = names, SpellingIndex(names)
        return self._near[script]

    def _expressions(self, line: Line) -> Iterator[FoundWord]:
        """Yield the entries whose regular expression matches the line in lower case without accents."""
        folded = fold(line.text)
        for expression, entry in self.expressions:
            match = expression.search(folded)
            if match is not None:
                yield FoundWord(match.group(), entry, line.box)


@functools.cache
def public_words() -> PublicWords:
    """Return the table of the package. It is read once, when the first text is looked up."""
    table = read_table("evidence/data/public_words.parquet")
    # to_pydict takes three times as long: the keys come as one text, the other columns through NumPy
    keys = pa.ListArray.from_arrays([0, len(table)], table["key"].combine_chunks())
    columns = {name: table[name].to_numpy().tolist() for name in table.column_names if name != "key"}
    return PublicWords({"key": compute.binary_join(keys, "\n")[0].as_py().split("\n"), **columns})


@functools.cache
def _themes() -> tuple[dict[str, str], dict[str, str]]:
    """Return the theme and the words in an explanation of each kind, by kind."""
    table = read_toml("evidence/data/public_words.toml")
    theme_of = {kind: theme for theme, kinds in table["themes"].items() for kind in kinds}
    return theme_of, {kind: words for kinds in table["themes"].values() for kind, words in kinds.items()}


def is_food(text: str) -> bool:
    """Return whether a text is the name of a dish or a drink.

    >>> is_food("Rioja"), is_food("Logroño")
    (True, False)
    """
    entry = public_words().entry(name_keys([text])[0], text)
    return entry is not None and entry.kind in ("dish", "drink")


def public_word_cues(lines: Sequence[Line], languages: Mapping[str, float] | None = None) -> list[Cue]:
    """Return one cue for each theme of public words in the lines. A word that is repeated counts once.

    ``languages`` is P(language | lines) by code, as ``language.identify`` returns it. A public word that is only an
    ordinary word of the lines' language is left out: "Bagt" in Danish lines is no word of Turkmenistan.
    """
    table, (theme_of, _) = public_words(), _themes()
    by_theme: dict[str, dict[str, FoundWord]] = {}
    for finding in table.find_all(lines):
        kind, countries = finding.entry.kind, finding.entry.countries
        if is_of_other_language(finding.text, kind, countries, languages or {}):
            continue
        theme = theme_of[kind]
        by_theme.setdefault(theme, {}).setdefault(name_keys([finding.text])[0], finding)
    return [_cue(theme, list(found.values())) for theme, found in by_theme.items()]


def _cue(theme: str, found: Sequence[FoundWord]) -> Cue:
    """Return the cue of the words of one theme, the most specific words first."""
    found = sorted(found, key=lambda finding: (sum(finding.entry.countries.values()), finding.entry.doubt))
    named = found[:MOST_QUOTED]
    return Cue(
        "text/public-word",
        " / ".join(finding.text for finding in named),
        "; ".join(explain(finding) for finding in named),
        f"text/public-word/{theme}",
        countries=_likelihoods([finding.entry for finding in found]),
        box=box_around(finding.box for finding in found),
    )


def _likelihoods(entries: Sequence[PublicWord]) -> dict[str, float]:
    """Return the likelihood of the words of one theme by country, relative to the largest.

    The likelihoods of the words are multiplied. Their total weight is bounded, because words of one theme are not
    independent facts.
    """
    weight = min(1.0, INDEPENDENT_WORDS / len(entries))
    total = {
        code: weight * sum(math.log(entry.countries.get(code, entry.doubt)) for entry in entries)
        for code in dict.fromkeys(code for entry in entries for code in entry.countries)
    }
    elsewhere = weight * sum(math.log(entry.doubt) for entry in entries)
    peak = max(total.values())
    result = {code: math.exp(value - peak) for code, value in total.items()}
    rest = math.exp(elsewhere - peak)
    return {**dict.fromkeys(english_names(), rest), **result}


def explain(finding: FoundWord) -> str:
    """Return a short explanation of a word: "'Carabineros': police in Chile"."""
    entry = finding.entry
    codes = sorted(entry.countries, key=lambda code: -entry.countries[code])
    likely = [code for code in codes if entry.countries[code] >= entry.countries[codes[0]] / 4]
    names = [english_names()[code] for code in likely[:3]]
    more = len(likely) - len(names)
    where = f"{', '.join(names)} and {more} more" if more else _joined(names)
    latin = in_latin(finding.text)
    written = f"'{finding.text}' ({latin})" if latin else f"'{finding.text}'"
    return f"{written}: {_themes()[1][entry.kind]} in {where}"


def _joined(names: Sequence[str]) -> str:
    """Return names in a sentence: "Chile, Peru or Bolivia"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
