"""Tell running text from the words of a sign: "La sopa del día se sirve con Cayenne", and not "Banco de Chile".

In running text, a country or a lone word with the name of a company or dish is mentioned; it does not show where the
text stands. The words that link the parts of a name in any text are in ``data/name_context.toml``.
"""

from __future__ import annotations

import functools
import re

from whereshot.evidence.lexicon import frequent_in_one_language
from whereshot.foundation.package_data import read_toml

LEAST_WORDS = 4
"""Least words of running text."""
LEAST_SMALL = 0.5
"""Least share of words that begin with a small letter in running text; names and titles have fewer."""
USUAL_ZIPF = 5.9
"""Frequency on the Zipf scale of words such as "is", "your" and "se": they show running text in capitals."""
ORDINARY_ZIPF = 4.0
"""Frequency of the other words of such a line in the same language; at least half of them have it."""
_WORD = re.compile(r"[^\W\d_]+")


@functools.cache
def _section(name: str) -> frozenset[str]:
    phrases: str = read_toml("evidence/data/name_context.toml")[name]["phrases"]
    return frozenset(word.strip() for word in phrases.split("|"))


@functools.lru_cache(maxsize=256)
def is_running_text(text: str) -> bool:
    """Return whether a line is running text.

    >>> is_running_text("La sopa del día se sirve con pan"), is_running_text("Escuela Nacional de Arte")
    (True, False)
    >>> is_running_text("YOUR NEW CAR IS WAITING FOR YOU"), is_running_text("BANCO CENTRAL DE CHILE")
    (True, False)
    """
    words = _WORD.findall(text)
    if len(words) < LEAST_WORDS:
        return False
    links = _section("links_in_names")
    if text != text.upper():
        small = [word for word in words if word[0].islower()]
        return len(small) >= LEAST_SMALL * len(words) and any(word not in links for word in small)
    telling = [word.lower() for word in words if word.lower() not in links]
    usual = [word for word in telling if frequent_in_one_language([word], USUAL_ZIPF)]
    return any(
        2 * sum(frequent_in_one_language([word, other], ORDINARY_ZIPF) for other in telling) >= len(telling)
        for word in usual
    )


def is_mention(text: str, start: int, stop: int) -> bool:
    """Return whether ``text[start:stop]`` is a word with a capital inside running text, as names are mentioned.

    The first word of a line has a capital in any case, so that it is not a mention.

    >>> line = "Your new Condor is waiting for you"
    >>> is_mention(line, 9, 15), is_mention(line, 0, 4)
    (True, False)
    """
    word = text[start:stop]
    if not _WORD.fullmatch(word) or not word[0].isupper() or not _WORD.search(text[:start]):
        return False
    return is_running_text(text)


def is_of_genitive(before: str) -> bool:
    """Return whether the text before a name ends with a word such as "of", as in "Bank of Canada".

    >>> is_of_genitive("Bank of "), is_of_genitive("Gouvernement de la "), is_of_genitive("the word is ")
    (True, True, False)
    """
    words = _WORD.findall(before.lower())
    genitives = _section("genitives")
    if words and words[-1] in _section("articles"):
        words.pop()
    return bool(words) and words[-1] in genitives
