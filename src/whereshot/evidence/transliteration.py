"""Write text of native scripts in Latin letters, so that every reader can pronounce it: "გორი" is "gori".

Alphabets have a table of letters (``data/transliteration.toml``). The letters of Indian scripts, Khmer, Burmese and
Ethiopic come from their names in Unicode, and the letters of Hangul from the parts of its syllables. The forms are
plain and without accents; they follow no standard exactly, and writing that leaves out its vowels stays without them.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator

from whereshot.evidence.text_segments import MARKS, native_script
from whereshot.foundation.package_data import read_toml

MOST_LETTERS = 200
"""Characters of a text that are written in Latin letters; the rest is left out."""
INDIAN = frozenset({"Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Odia", "Tamil", "Telugu", "Kannada", "Malayalam"})
BY_NAME = INDIAN | {"Khmer", "Myanmar", "Sinhala"}
"""Scripts whose consonants contain a vowel. A vowel sign replaces it, and a virama removes it."""
SILENT_END = frozenset({"Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Khmer"})
"""Scripts in which the vowel in the last consonant of a word is silent."""
LAST_SIGNS = {(script, "n"): "m" for script in ("Malayalam", "Telugu", "Kannada", "Tamil")} | {("Myanmar", "h"): ""}
"""Signs at the end of a word that sound different from most scripts."""
_VIRAMA = re.compile("VIRAMA|COENG|ASAT|AL-LAKUNA|VIRIAM")
_INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_VOWELS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "eu",
    "ui", "i",
)  # fmt: skip
_FINALS = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "p", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng", "t",
    "t", "k", "t", "p", "t",
)  # fmt: skip
_PARTS = re.compile(rf"(?:[^\W\d_]|[{MARKS}])+|.", re.DOTALL)
_TONES = re.compile("[็-์ໆ່-ໍ]")
_LEADING = re.compile("([เแโใไເແໂໃໄ])([ก-ฮກ-ຮໜໝ])")
_THAI_VOWELS = (
    (re.compile("เ([ก-ฮ]{1,2})ียว?"), r"\1{ia}"),
    (re.compile("เ([ก-ฮ]{1,2})ือ"), r"\1{uea}"),
    (re.compile("เ([ก-ฮ]{1,2})าะ?"), r"\1{ao}"),
    (re.compile("เ([ก-ฮ]{1,2})[อิ]"), r"\1{oe}"),
    (re.compile("ห(?=[งญนมยรลว])|อ(?=[ะ-ู]|{)"), ""),
)
"""Vowels of Thai that are written around a consonant, and letters that are silent before others."""
_LAST = {"r": "n", "l": "n", "d": "t", "b": "p", "s": "t", "ch": "t"}
"""How consonants of Thai sound at the end of a word."""


@functools.cache
def _letters(script: str) -> dict[str, str]:
    """Return the Latin letters of each letter of an alphabet, by the letter."""
    table = read_toml("evidence/data/transliteration.toml").get(script, {})
    return {letter: latin for latin, letters in table.items() for letter in letters.split()}


def in_latin(text: str) -> str:
    """Return a text with its words in native scripts written in Latin letters; "" where it has no such word.

    >>> in_latin("გორი"), in_latin("суп 12"), in_latin("서울"), in_latin("नगर"), in_latin("Gori")
    ('gori', 'sup 12', 'seoul', 'nagar', '')
    """
    parts = _PARTS.findall(text[:MOST_LETTERS])
    written = [_word(part.lower(), script) if (script := native_script(part)) else part for part in parts]
    return "" if written == parts else "".join(written)


def _word(word: str, script: str) -> str:
    if script == "Hangul":
        return "".join(map(_syllable, unicodedata.normalize("NFC", word)))
    if script == "Ethiopic":
        return _ethiopic(word)
    if script in BY_NAME:
        return _with_inherent_vowels(unicodedata.normalize("NFC", word), script)
    if script in ("Thai", "Lao"):
        return _thai(unicodedata.normalize("NFC", word), script)
    letters = _letters(script)
    for pair in [pair for pair in letters if len(pair) > 1]:
        word = word.replace(pair, letters[pair])
    if script == "Cyrillic" and set("іїєґ") & set(word):
        word = word.replace("и", "y")  # Ukrainian
    if script in ("Arabic", "Hebrew"):
        word = _with_long_vowels(word)
    return "".join(letters.get(char, _plain(char, letters)) for char in word)


def _with_long_vowels(word: str) -> str:
    """Return a word in Arabic or Hebrew letters with the letters that stand for long vowels as vowels."""
    word = re.sub("(?<=[^اوיו])[وו](?=[^اآو])|(?<=[^اוי])[وו]$", "u", word)
    word = re.sub("(?<=[^اوי])[يیי](?=[^اآوו])|(?<=[^اוי])[يیי]$", "i", word)
    word = re.sub("(?<=.)פ", "f", word)
    return re.sub("(?<=[^ا])ה$", "a", re.sub("(?<=[^اui])[هہ]$", "e", word))


def _plain(char: str, letters: dict[str, str]) -> str:
    """Return a letter without its accents in Latin letters; "" for a mark, and the character itself where unknown."""
    base = unicodedata.normalize("NFD", char)[0]
    if unicodedata.category(base) in ("Mn", "Mc", "Cf"):
        return ""
    return letters.get(base, base if base.isascii() else "")


def _syllable(char: str) -> str:
    """Return a syllable of Hangul in the Revised Romanization, without the changes between syllables."""
    number = ord(char) - 0xAC00
    if not 0 <= number < 11172:
        return ""
    initial, rest = divmod(number, 588)
    vowel, final = divmod(rest, 28)
    return _INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]


def _ethiopic(word: str) -> str:
    """Return Amharic or Tigrinya in Latin letters. The sixth vowel is silent except in a first syllable."""
    written = ""
    for char in word:
        name = unicodedata.name(char, "")
        sound = re.fullmatch("([^aeiou]*)([aeiou]+)", name.rpartition(" ")[2].lower())
        if not name.startswith("ETHIOPIC SYLLABLE") or sound is None:
            continue
        consonant, vowel = sound.groups()
        bare = {"a": "a" if "GLOTTAL" in name else "e", "aa": "a", "ee": "e", "e": "" if written else "i"}
        written += consonant + bare.get(vowel, vowel)
    return written


def _with_inherent_vowels(word: str, script: str) -> str:
    """Return a word of a script whose consonants have a vowel in them."""
    written: list[str] = []
    vowel = ""  # the vowel in the last consonant, which is not written yet
    consonants = 0
    for kind, sound, inherent in _sounds(word, script):
        if kind == "consonant":
            written += [vowel, sound]
            vowel, consonants = "" if script == "Khmer" and consonants else inherent, consonants + 1
        elif kind == "virama":
            vowel = ""
        elif kind == "medial":
            written.append(sound)
        else:
            written += [vowel if kind != "sign" else "", sound]
            vowel = ""
    if not (script in SILENT_END and consonants > 1):
        written.append(vowel)
    return "".join(written)


def _sounds(word: str, script: str) -> Iterator[tuple[str, str, str]]:
    """Yield the kind of each character, its sound, and the vowel in it."""
    own = _letters(script)
    for place, char in enumerate(word):
        name = unicodedata.name(char, "")
        if char in own:
            yield ("consonant" if unicodedata.category(char) == "Lo" else "sign", own[char], "a")
        elif _VIRAMA.search(name):
            yield "virama", "", ""
        elif " MEDIAL " in name:
            yield "medial", name.rpartition(" ")[2][:1].lower(), ""
        elif "VOWEL" in name:
            kind = "sign" if "SIGN" in name else "vowel"
            yield kind, _vowel(name), ""
        elif " SIGN " in name:
            ends = {"ANUSVARA": "n", "CANDRABINDU": "n", "BINDI": "n", "TIPPI": "n", "NIKAHIT": "om", "VISARGA": "h"}
            sound = next((sound for end, sound in ends.items() if name.endswith(end)), "")
            is_last = place == len(word) - 1
            yield "end", LAST_SIGNS.get((script, sound), sound) if is_last else sound, ""
        elif " LETTER " in name:
            sound = name.rpartition(" LETTER ")[2].split()[-1].lower()
            yield _letter(sound, script)


def _vowel(name: str) -> str:
    sound = name.rpartition("VOWEL SIGN ")[2] if "SIGN" in name else name.rpartition(" ")[2]
    sound = sound.split()[-1].lower()
    long = {
        "aa": "a",
        "ii": "i",
        "uu": "u",
        "ee": "e",
        "oo": "o",
        "r": "ri",
        "rr": "ri",
        "l": "li",
        "y": "eu",
        "yy": "eu",
    }
    return long.get(sound, sound)


_CONSONANTS = {
    "c": "ch", "ch": "chh", "tt": "t", "tth": "th", "dd": "d", "ddh": "dh", "nn": "n", "ss": "sh", "ll": "l",
    "lll": "zh", "rr": "r", "rrr": "r", "nnn": "n", "nny": "ny", "yy": "y", "rh": "rh", "dddh": "rh", "q": "",
}  # fmt: skip


def _letter(sound: str, script: str) -> tuple[str, str, str]:
    """Return the kind, sound and vowel of a letter by the end of its name: "kha" has the consonant "kh"."""
    end = re.search("(?:ai|au|[aeiou]+)$", sound)
    if end is None:
        return "medial", sound.split("-")[-1][:1], ""  # chillu letters have no vowel
    consonant, vowel = sound[: end.start()], end.group()
    if not consonant:
        return "vowel", {"aa": "a", "ii": "i", "uu": "u", "ee": "e", "oo": "o"}.get(vowel, vowel), ""
    return "consonant", _CONSONANTS.get(consonant, consonant), vowel if script == "Khmer" else "a"


def _thai(word: str, script: str) -> str:
    """Return Thai or Lao in Latin letters, with the vowel that is spoken between two consonants and not written."""
    word = _TONES.sub("", re.sub(".์", "", word))
    for pattern, vowel in _THAI_VOWELS if script == "Thai" else ():
        word = pattern.sub(vowel, word)
    word = _LEADING.sub(r"\2\1", word)
    letters = _letters(script)
    pieces = [
        piece.strip("{}") if piece[0] == "{" else letters.get(piece, "") for piece in re.findall("{[a-z]+}|.", word)
    ]
    pieces = [piece for piece in pieces if piece]
    written, inserted = "", False
    for place, piece in enumerate(pieces):
        follows = ["" if later[0] in "aeiou" else later for later in pieces[place + 1 : place + 4]]
        is_consonant = piece[0] not in "aeiou"
        after_vowel = place > 0 and written[-1] in "aeiou" and not inserted
        inserted = False
        if is_consonant and after_vowel and not follows and script == "Thai":
            piece = _LAST.get(piece, piece)
        written += piece
        if is_consonant and not after_vowel and follows:
            if all(follows) and len(follows) == 1:
                written += "o"
            elif place == 0 and follows[0] and (len(follows) > 1) and follows[0] not in ("r", "l", "w"):
                written, inserted = written + "a", True
    return written
