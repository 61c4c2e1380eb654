"""The languages that the package can recognise, and what the recognition needs to know about each of them.

``LANGUAGES`` holds the languages by code. Everywhere else a language is its number, the position of its code in
``CODES``; arrays of shape (n,) over languages follow that order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Language(NamedTuple):
    """A language that can be recognised: its English name, its scripts, and its prior weight (1 for most)."""

    name: str
    scripts: tuple[str, ...] = ("Latin",)
    weight: float = 1.0


RARE = 0.2
"""Prior weight of a language of few photographed texts."""

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
    "ku": Language("Kurdish", ("Latin", "Arabic"), RARE),
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
    "ti": Language("Tigrinya", ("Ethiopic",), RARE),
    "tk": Language("Turkmen", weight=RARE),
    "tl": Language("Filipino"),
    "tr": Language("Turkish"),
    "ug": Language("Uyghur", ("Arabic",), RARE),
    "uk": Language("Ukrainian", ("Cyrillic",)),
    "ur": Language("Urdu", ("Arabic",)),
    "uz": Language("Uzbek", ("Latin", "Cyrillic"), RARE),
    "vi": Language("Vietnamese"),
    "xh": Language("Xhosa", weight=RARE),
    "zh": Language("Chinese (simplified)", ("Han",)),
    "zh-Hant": Language("Chinese (traditional)", ("Han",)),
    "zu": Language("Zulu", weight=RARE),
}
"""Every known language by its ISO 639-1 code.

"no" stands for both written standards of Norwegian. Traditional Chinese has the code "zh-Hant".
"""

CODES = tuple(LANGUAGES)
"""The codes in order: the position of a code is the number of its language."""
NUMBER = {code: number for number, code in enumerate(CODES)}
"""The number of each language by its code."""
_WEIGHTS = np.array([language.weight for language in LANGUAGES.values()])
PRIOR: NDArray[np.float64] = _WEIGHTS / _WEIGHTS.sum()
"""P(language) (n,) before any text is read; it sums to 1."""

IDENTIFIER_LABELS = {"no": ("no", "nn")}
"""The labels that py3langid uses for a language, where they differ from its code here."""

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
"""Related languages, for languages without a word list of their own.

The language shares many words with its relative, so a word of the relative must not count against the language.
"""
RELATED_PAIRS: NDArray[np.int64] = np.array(
    [(NUMBER[code], NUMBER[relative]) for code, relatives in RELATIVES.items() for relative in relatives]
).T
"""``RELATIVES`` as numbers (2, pairs): the language in the first row, its relative in the second row."""


def language_name(code: str) -> str:
    """Return the English name of a language; an unknown code is returned as it is.

    >>> language_name("da"), language_name("xx")
    ('Danish', 'xx')
    """
    return LANGUAGES[code].name if code in LANGUAGES else code
