"""Entries of the table of public words: what is known of a word, and how the file writes keys and countries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from whereshot.earth.name_index import name_keys
from whereshot.evidence.lexicon import fold
from whereshot.evidence.text_segments import native_script

SHORT_LETTERS = 4
"""Names with at most this many letters and digits must be written as in the table, accents left out."""


class PublicWord(NamedTuple):
    """An entry of the table: its kind, the relative likelihoods of its countries, and the doubt of the word.

    The doubt is the likelihood of the word in a country that is not listed; an ordinary word has more. A listed country
    may have less: "colour" is rarer in the United States than in a country that writes no English.
    """

    kind: str
    countries: Mapping[str, float]
    doubt: float


def written_key(text: str) -> str:
    """Return the key of a short name, after "=": as it is written, without accents and a final full stop.

    In scripts whose readers give lower case, capitals are not kept.

    >>> written_key("S.A.C."), written_key("OÜ"), written_key("РЖД")
    ('=S.A.C', '=OU', '=ржд')
    """
    if native_script(text):
        return "=" + name_keys([text])[0]
    text = " ".join(text.rstrip(".").split())
    return "=" + "".join(fold(char).upper() if char.isupper() else fold(char) for char in text)


def encode_countries(countries: Mapping[str, float]) -> str:
    """Return likelihoods by country code as text, in percent of the largest: {"CL": 1, "AR": 0.5} is "CL100 AR50"."""
    peak = max(countries.values())
    pairs = sorted(countries.items(), key=lambda pair: (-pair[1], pair[0]))
    return " ".join(f"{code}{max(1, round(100 * value / peak))}" for code, value in pairs)


def decode_countries(text: str) -> dict[str, float]:
    """Return the likelihoods of ``encode_countries``."""
    return {pair[:2]: int(pair[2:]) / 100 for pair in text.split()}
