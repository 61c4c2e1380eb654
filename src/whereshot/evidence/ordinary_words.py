"""Ordinary words of a language that only look like a public word of some countries: "la vie", and not "Lavie"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from whereshot.evidence.country_languages import languages_of
from whereshot.evidence.lexicon import frequent_in_one_language, word_zipf
from whereshot.evidence.text_segments import WORD

LEADING, HARDLY = 0.5, 0.05
"""The lines are in a language that has at least the first probability, and in none of the languages that together have
at most the second one."""
ORDINARY_ZIPF = 2.5
"""Frequency on the Zipf scale from which a word is an ordinary word of a language."""
PHRASE_ZIPF, PHRASE_DOUBT = 4.3, 0.15
"""Two or three words that are each that frequent in one language are a phrase; the table gives it at least this doubt.
"""

VARIETY = "language-variety"
"""The kind of a public word that is a word of a language as it is used in some countries."""


def is_other_phrase(text: str, doubt: float) -> bool:
    """Return whether a text only has the letters of a name that is one word in the table of public words.

    The name is "Lavie" where the text is the ordinary phrase "la vie". ``doubt`` is that of the name; the row of an
    ordinary phrase has more.

    >>> is_other_phrase("la vie", 0.03), is_other_phrase("Lavie", 0.03), is_other_phrase("la vie", 0.15)
    (True, False, False)
    """
    words = text.lower().split()
    return len(words) in (2, 3) and doubt < PHRASE_DOUBT and frequent_in_one_language(words, PHRASE_ZIPF)


def is_of_other_language(text: str, kind: str, countries: Iterable[str], languages: Mapping[str, float]) -> bool:
    """Return whether lines are in another language than the countries of a public word use, and the word is of it.

    ``languages`` is P(language | lines) by code, as ``language.identify`` returns it. A word of the kind
    ``VARIETY`` presupposes its language. Another word is left out where it is made of ordinary words of the lines'
    language. English words are public words in countries of all languages, so lines in English leave out none.
    """
    leading = max(languages, key=lambda code: languages[code], default="en")
    if leading == "en" or languages[leading] < LEADING:
        return False
    own = languages_of(tuple(sorted(countries)))
    if own is None or sum(share for code, share in languages.items() if code in own) > HARDLY:
        return False
    words = [match.group().lower() for match in WORD.finditer(text)]
    return kind == VARIETY or (bool(words) and all(word_zipf(word, leading) >= ORDINARY_ZIPF for word in words))
