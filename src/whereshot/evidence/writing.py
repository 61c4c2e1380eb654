"""Fold the spelling of writing, and change between the order of its signs on the line and the order of the text.

A recogniser reads a line from left to right, but a text is stored in the order of speech: Arabic and Hebrew run from
right to left, and many vowel signs of Indic scripts, Khmer and Burmese are stored after the consonant that they stand
before. ``to_signs`` gives the signs from left to right, ``from_signs`` turns them into text again.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

RIGHT_TO_LEFT = frozenset({"Arabic", "Hebrew"})
FOREIGN = "\ufffc"
"""The sign for any Latin letter in a line of another script. ``from_signs`` drops it."""
_DROPPED = re.compile(
    "[\u0300\u0301\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e8\u06ea-\u06ed\u200b-\u200f\u2060\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f\ufeff]"
)
"""Accents of Cyrillic and Greek, points of Hebrew, vowel signs of Arabic, joiners, and marks of direction."""
ARABIC_FORMS = str.maketrans("یىېکڪہھەۀۂٱ", "يييككههههها")
"""Forms of yeh, kaf, heh and alef that readers confuse, and the letter that stands for each, for ``str.translate``."""
PLAIN_ALEF = str.maketrans("أإآ", "ااا")
"""The same for alef with a mark, which lists of words keep."""
_SAME = {
    **{chr(form): chr(letter) for form, letter in (ARABIC_FORMS | PLAIN_ALEF).items()},
    "ё": "е", "ς": "σ", "և": "եվ",
    "״": '"', "׳": "'", "’": "'", "‘": "'", "“": '"', "”": '"',
    "–": "-", "—": "-", "־": "-", "−": "-", "،": ",", "；": ";",
    "๏": "", "ํา": "ำ", "ໍາ": "ຳ", "เเ": "แ",
    "ണ്\u200d": "ൺ", "ന്\u200d": "ൻ", "ര്\u200d": "ർ", "ല്\u200d": "ൽ", "ള്\u200d": "ൾ",
}  # fmt: skip
"""Spellings that readers confuse, and the spelling that stands for each."""
_SAME_PATTERN = re.compile("|".join(sorted(map(re.escape, _SAME), key=len, reverse=True)))
DECOMPOSED = frozenset(
    {"Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Odia", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala",
     "Hangul", "Myanmar"}
)  # fmt: skip
"""Scripts whose signs are the canonical parts: the letters of a Hangul syllable, the halves of a vowel sign."""
STANDS_BEFORE = {
    "Devanagari": "ि", "Bengali": "িেৈ", "Gurmukhi": "ਿ", "Gujarati": "િ", "Odia": "େ", "Tamil": "ெேை",
    "Malayalam": "െേ", "Sinhala": "\u0dd9\u0dda", "Khmer": "េែៃ", "Myanmar": "ေ",
}  # fmt: skip
"""Vowel signs that stand before the cluster of consonants after which they are stored."""
_CLUSTER = {
    "Devanagari": "[\u0915-\u0939]\u093c?(?:\u094d[\u0915-\u0939]\u093c?)*",
    "Bengali": "[\u0995-\u09b9\u09f0\u09f1]\u09bc?(?:\u09cd[\u0995-\u09b9\u09f0\u09f1]\u09bc?)*",
    "Gurmukhi": "[\u0a15-\u0a39]\u0a3c?(?:\u0a4d[\u0a15-\u0a39]\u0a3c?)*",
    "Gujarati": "[\u0a95-\u0ab9]\u0abc?(?:\u0acd[\u0a95-\u0ab9]\u0abc?)*",
    "Odia": "[\u0b15-\u0b39\u0b5f\u0b71]\u0b3c?(?:\u0b4d[\u0b15-\u0b39\u0b5f\u0b71]\u0b3c?)*",
    "Tamil": "[\u0b95-\u0bb9]",
    "Malayalam": "[\u0d15-\u0d39](?:\u0d4d[\u0d15-\u0d39])*",
    "Sinhala": "[\u0d9a-\u0dc6](?:\u0dca[\u0d9a-\u0dc6])*",
    "Khmer": "[\u1780-\u17a2](?:\u17d2[\u1780-\u17a2])*[\u17c9\u17ca\u17cc]?",
    "Myanmar": "(?:\u1004\u103a\u1039)?[\u1000-\u102a\u103f](?:\u1039[\u1000-\u1021])*[\u103b-\u103e]*",
}
"""A cluster of consonants, as a regular expression."""
_NUMBER = re.compile(rf"[0-9{FOREIGN}](?:[0-9{FOREIGN}.,:/]*[0-9{FOREIGN}])?")
"""Matches parts that keep their direction between letters that run from right to left: numbers and foreign letters."""
LONE_JAMO = re.compile("[\u1100-\u11ff\u3130-\u318f]")
"""Matches a part of a Hangul syllable that stands alone: the syllable was not read."""
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def fold_writing(text: str) -> str:
    """Return a text in the spelling that readers give, in Unicode's form NFC.

    Letters are lower case. Points, vowel signs that are rarely written, joiners and marks of direction are dropped.
    The forms of yeh, of kaf, of heh and of alef are one letter each. Digits of all scripts become 0 to 9.

    >>> fold_writing("Ёлка"), fold_writing("کوی"), fold_writing("१२ बाज़ार") == "12 बाज" + "\u093c" + "ार"
    ('елка', 'كوي', True)
    """
    text = unicodedata.normalize("NFC", text).lower()
    text = _SAME_PATTERN.sub(lambda match: _SAME[match[0]], text)
    if any("Ͱ" <= char <= "Ͽ" or "ἀ" <= char <= "῿" for char in text):
        text = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    text = _DROPPED.sub("", text)
    digits: dict[str, str | int | None] = {
        char: str(unicodedata.decimal(char)) for char in set(text) if char.isdecimal() and not char.isascii()
    }
    return " ".join(unicodedata.normalize("NFC", text.translate(str.maketrans(digits))).split())


def to_signs(text: str, script: str) -> list[str]:
    """Return the signs of a text in a script, from left to right. Each Latin letter becomes ``FOREIGN``."""
    text = re.sub(r"[a-zà-öø-ÿ]", FOREIGN, fold_writing(text))
    if script in DECOMPOSED:
        text = unicodedata.normalize("NFD", text).replace("\u0dd9\u0dca", "\u0dda")
    if script in STANDS_BEFORE:
        text = _stored(script).sub(r"\2\1", text)
    return list(_turned(text) if script in RIGHT_TO_LEFT else text)


def from_signs(signs: Sequence[str], script: str) -> str:
    """Return the text of signs that stand from left to right in a line; the inverse of ``to_signs``.

    Parts of a Hangul syllable that form none are dropped.
    """
    text = "".join(signs)
    if script in RIGHT_TO_LEFT:
        text = _turned(text)
    if script in STANDS_BEFORE:
        text = _seen(script).sub(r"\2\1", text)
    return " ".join(LONE_JAMO.sub("", unicodedata.normalize("NFC", text.replace(FOREIGN, ""))).split())


@functools.cache
def _stored(script: str) -> re.Pattern[str]:
    return re.compile(f"({_CLUSTER[script]})([{STANDS_BEFORE[script]}])")


@functools.cache
def _seen(script: str) -> re.Pattern[str]:
    return re.compile(f"([{STANDS_BEFORE[script]}])({_CLUSTER[script]})")


def _turned(text: str) -> str:
    """Return a text in the opposite direction; numbers and foreign letters keep theirs."""
    turned = text[::-1].translate(_MIRRORED)
    return _NUMBER.sub(lambda run: run[0][::-1], turned)
