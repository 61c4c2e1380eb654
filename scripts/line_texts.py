"""Texts of rendered lines: words in every script, from the gazetteer, Unicode CLDR and the lists of frequent words.

A tenth of the words, chosen by their hash, is kept apart for tests: ``Words(part="test")`` draws from these alone.
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from collections import defaultdict

import numpy as np
from babel import Locale

from whereshot.evidence.line_scripts import CLASSES
from whereshot.evidence.text_segments import script_of_word
from whereshot.foundation.package_data import read_table

CLDR_LANGUAGES = (
    "am ar as be bg bn cs da de el en es et fa fi fr gu he hi hu hy id is it ja ka kk km kn ko lo lt lv mk ml mn mr my "
    "nb ne nl or pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tr uk ur vi zh zh_Hant"
)
"""The languages whose names of countries, languages, months and days are taken from Unicode CLDR."""
TEST_SHARE = 0.1
LONGEST_WORD = 18
BICAMERAL = ("Latin", "Greek", "Cyrillic", "Armenian")
"""Scripts with capital letters that fonts have. Georgian capitals are missing from most fonts."""
WITHOUT_SPACES = ("Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar")
NATIVE_DIGITS = {
    "Arabic": "٠١٢٣٤٥٦٧٨٩۴۵۶",
    "Devanagari": "०१२३४५६७८९",
    "Bengali": "০১২৩৪৫৬৭৮৯",
    "Gujarati": "૦૧૨૩૪૫૬૭૮૯",
    "Gurmukhi": "੦੧੨੩੪੫੬੭੮੯",
    "Odia": "୦୧୨୩୪୫୬୭୮୯",
    "Myanmar": "၀၁၂၃၄၅၆၇၈၉",
    "Khmer": "០១២៣៤៥៦៧៨៩",
    "Lao": "໐໑໒໓໔໕໖໗໘໙",
    "Thai": "๐๑๒๓๔๕๖๗๘๙",
}
DIGIT_FORMS = (
    "dd", "ddd", "d", "dddd", "dd-dd", "dd.dd", "d,dd €", "€ d.dd", "$dd", "£d.dd", "dd:dd", "dd:dd-dd:dd", "dd/d",
    "ddd ddd", "dd dd dd dd", "(ddd) ddd-dddd", "+dd dd ddd dddd", "dd%", "-dd%", "d+d", "dddd-dddd", "dd.dd.dddd",
    "d/d", "#dd", "dd.d", "d.ddd", "ddd-dddd", "0ddd/dddddd", "dd-dd-dd", "d", "+", "!", "?", "- d -", "d x d",
    "dddddd",
)  # fmt: skip
"""Numbers, prices, times and telephone numbers; d is a digit."""
SHORT_FORMS = (
    "A", "AA", "AAA", "Ad", "A dd", "AA ddd AA", "AA-dd-dd", "AAA ddd", "dddd AA", "AA ddddd", "ddA", "Add", "d AA",
    "www.W.com", "W@W.com", "www.W.de", "ddd AAA", "d. W", "W d",
)  # fmt: skip
"""Short Latin lines: letters A, digits d, words W."""


MADE_UP = {"Han": 0.0, "Kana": 0.0, "Hangul": 0.0, "Latin": 0.0, "Cyrillic": 0.1, "Arabic": 0.15, "Greek": 0.1}
"""Share of words that are made up of the syllables of a script; 0.3 where none is given, for few words are known."""


def syllables_of(word: str) -> list[str]:
    """Return the letters of a word, each with its marks and the letters that a virama joins to it."""
    found: list[str] = []
    for char in word:
        is_mark = unicodedata.category(char) in ("Mn", "Mc") or char in "\u200c\u200d"
        is_joined = bool(found) and unicodedata.combining(found[-1].rstrip("\u200c\u200d")[-1:] or "a") == 9
        if found and (is_mark or is_joined):
            found[-1] += char
        else:
            found.append(char)
    return found


def _share(word: str) -> float:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big") / 2**64


def _script(word: str) -> str:
    return script_of_word([char for char in word if char.isalpha()])


@functools.cache
def words_by_script() -> dict[str, list[str]]:
    """Return the distinct words of each script."""
    found: dict[str, set[str]] = defaultdict(set)
    towns = read_table("earth/data/towns.parquet", ["name", "other_names"])
    texts: list[str] = [name for names in towns.column("other_names").to_pylist() for name in names or []]
    texts += towns.column("name").to_pylist()[::4]
    texts += read_table("evidence/data/words.parquet", ["accented"]).column("accented").to_pylist()
    for code in CLDR_LANGUAGES.split():
        locale = Locale.parse(code)
        for names in (locale.territories, locale.languages, locale.currencies, locale.scripts):
            texts += [str(name) for name in names.values()]
        texts += list(locale.months["format"]["wide"].values())
        texts += list(locale.days["format"]["wide"].values())
    for text in texts:
        text = unicodedata.normalize("NFC", text or "")
        for word in re.split(r"[\s\u200b()/,;·]+", text):
            script = _script(word)
            if script in CLASSES and len(word) > 1 and not re.search(r"[\d\u200e\u200f]", word):
                found[script].add(word[:LONGEST_WORD] if script in ("Han", "Kana") else word)
    return {script: sorted(word for word in words if len(word) <= LONGEST_WORD) for script, words in found.items()}


class Words:
    """Draws texts of lines; ``part`` is "train" or "test"."""

    def __init__(self, part: str = "train") -> None:
        is_test = part == "test"
        self._words = {
            script: [word for word in words if (_share(word) < TEST_SHARE) == is_test]
            for script, words in words_by_script().items()
        }
        self._syllables = {
            script: sorted({part for word in words for part in syllables_of(word)})
            for script, words in self._words.items()
            if MADE_UP.get(script, 0.3) > 0
        }
        self._letters = {script: "".join(words[:: max(1, len(words) // 4000)]) for script, words in self._words.items()}

    def line(self, script: str, rng: np.random.Generator, *, mixed: float = 0.1, made_up: bool = False) -> str:
        """Draw a line in a script, mostly one to four words; a share ``mixed`` has Latin words or digits beside.

        With ``made_up``, some words are random syllables of the script, so that a reader does not learn the words.
        """
        if script == "digits":
            return self._digits(rng)
        count = int(rng.choice((1, 2, 3, 4), p=(0.5, 0.28, 0.14, 0.08)))
        words = [self._word(script, rng, made_up) for _ in range(count)]
        if script == "Latin" and rng.random() < 0.12:
            words = [self._short_latin(rng)]
        text = ("" if script in WITHOUT_SPACES and rng.random() < 0.8 else " ").join(words)
        text = self._cased(script, text, rng)
        if script == "Latin" and rng.random() < 0.03:
            text = " ".join(text.replace(" ", ""))[:20].strip()  # letters set apart
        if rng.random() < mixed:
            other = self._digits(rng)
            if script != "Latin" and rng.random() < 0.35:
                other = self._cased("Latin", self._word("Latin", rng), rng)[: max(3, len(text) // 2)]
            if script in NATIVE_DIGITS and rng.random() < 0.3:
                other = "".join(rng.choice(list(NATIVE_DIGITS[script])) for _ in range(rng.integers(1, 5)))
            text = f"{text} {other}" if rng.random() < 0.6 else f"{other} {text}"
        if rng.random() < 0.08:
            text += str(rng.choice(list(".!:?,-")))
        return text

    def _word(self, script: str, rng: np.random.Generator, made_up: bool = False) -> str:
        words = self._words[script]
        if made_up and rng.random() < MADE_UP.get(script, 0.3):
            parts = self._syllables[script]
            return "".join(parts[rng.integers(len(parts))] for _ in range(rng.integers(2, 6)))
        if script == "Kana" and rng.random() < 0.45:  # Japanese lines have Chinese characters beside kana
            return (
                self._words["Han"][rng.integers(len(self._words["Han"]))][:4] + str(words[rng.integers(len(words))])[:6]
            )
        if script in ("Han", "Hangul") and rng.random() < 0.3:
            letters = self._letters[script]
            return "".join(letters[rng.integers(len(letters))] for _ in range(rng.integers(1, 5)))
        return words[rng.integers(len(words))]

    def _cased(self, script: str, text: str, rng: np.random.Generator) -> str:
        if script not in BICAMERAL:
            return text
        chance = rng.random()
        if chance < 0.5:
            upper = text.upper()
            if script == "Greek":  # capitals have no tonos
                upper = unicodedata.normalize("NFC", re.sub("\u0301", "", unicodedata.normalize("NFD", upper)))
            return upper
        return text if chance < 0.8 else text.lower() if chance < 0.9 else text.title()

    def _digits(self, rng: np.random.Generator) -> str:
        form = str(rng.choice(DIGIT_FORMS))
        return re.sub("d", lambda _: str(rng.integers(10)), form)

    def _short_latin(self, rng: np.random.Generator) -> str:
        """A single letter or two, a number plate, a road number, an address of the web."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        form = str(rng.choice(SHORT_FORMS))
        text = re.sub("d", lambda _: str(rng.integers(10)), form)
        text = re.sub("A", lambda _: letters[rng.integers(26)], text)
        return re.sub("W", lambda _: self._word("Latin", rng).lower(), text)
