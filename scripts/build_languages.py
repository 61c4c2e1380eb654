"""Build the tables of words (read by evidence.lexicon) and of speakers (read by evidence.country_languages).

    pip install wordfreq==3.1.1 stopwordsiso==0.7.1 babel==2.18.0
    python scripts/build_languages.py && python scripts/fit_languages.py

* evidence/data/words.parquet: the most frequent words of each language, from the package wordfreq (Robyn Speer; its
  data are CC BY-SA 4.0). Languages that it lacks have function words from stopwordsiso (MIT, Gene Diaz and others)
  and the names of days and months from Unicode CLDR, by way of Babel (Unicode-3.0). Languages that have a script to
  themselves (Greek, Hebrew, Korean, Tamil, ...) need no words.
* evidence/data/speakers.parquet: what share of public text is in which language, country by country, from the share
  of speakers and the official status in Unicode CLDR, by way of Babel (Unicode-3.0).
"""

from __future__ import annotations

import contextlib
import gzip
import importlib.metadata
import math
import re
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import shipped_table

from whereshot.evidence.lexicon import fold
from whereshot.evidence.text_segments import HAN, WORD

WORDS_PER_LANGUAGE = 10000
LANGUAGES = """
    ar bg ca cs da de en es fa fi fil fr hi hu id is it lt lv mk ms nb nl pl pt ro ru sh sk sl sv tr uk ur vi
"""
CODES = {"fil": "tl", "nb": "no"}
"""Our code (ISO 639-1) by the code of wordfreq; "no" stands for both written standards of Norwegian."""

HAN_WORDS = 6000
"""For Chinese and Japanese: every character of their lists with its frequency, and this many longer words."""

UNLISTED = "af az be br cy et eu fo fy ga gd gl ku kk ky lb mg mn mr mt ne ps so sq sw tg tk uz zu"
"""Languages that wordfreq lacks, and that do not have a script to themselves."""
CALENDAR_DECIBELS = -43
"""10 log10 of how frequent the name of a day or month is; English "Monday" is."""

CROATIAN = """
    kolodvor ljekarna kruh vlak zrakoplov općina općine općini županija županije tjedan tjedna sveučilište glazba
    kazalište tisuća ured uredu siječanj veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan listopad
    studeni prosinac posjed otok trgovina zračna luka vrt nogomet tvrtka tvrtke gospodarstvo glasnik tijekom
    uporaba obitelj račun dopušteno policija uvjeti osobito nitko netko tko povijest zemljopis europa europski
"""
SERBIAN = """
    apoteka hleb voz vozovi opština opštine opštini avion nedelja nedelje univerzitet muzika pozorište hiljada
    januar februar mart april maj jun jul avgust septembar oktobar novembar decembar ostrvo fudbal preduzeće
    privreda porodica dozvoljeno uslovi niko neko ko istorija geografija evropa evropski stanica ćerka sreda
    ponedeljak beograd beogradu srbija srbije srbiji vreme mleko mesto lepo sveže šta uopšte takođe saobraćaj
"""
"""Words that are used only, or far more, in Croatian or in Serbian. Other words follow from the reflex of yat."""

UNOFFICIAL_WEIGHT = 0.03
LINGUA_FRANCA_SHARE = 0.15
SMALLEST_SHARE = 1e-4

MACROLANGUAGE = {
    "nb": "no",
    "nn": "no",
    "gsw": "de",
    "fil": "tl",
    "yue": "zh-Hant",
    "zh_Hant": "zh-Hant",
    "nan_Hant": "zh-Hant",
    "hak_Hant": "zh-Hant",
    "yue_Hans": "zh",
    "wuu": "zh",
    "hsn": "zh",
    "gan": "zh",
    "hak": "zh",
    "nan": "zh",
    "prs": "fa",
    "arz": "ar",
    "ary": "ar",
    "ckb": "ku",
    "sdh": "ku",
}
"""The language of public text by the CLDR code of its speakers' language."""

CORRECTIONS = {
    # CLDR counts everybody who learned the language; its text stands only where it is spoken at home
    ("IT", "fr"): ("official_regional", 0.5),
    ("DK", "de"): ("official_regional", 0.3),
    ("FI", "sv"): ("official", 6.0),
    ("IE", "ga"): ("official", 20.0),
    # CLDR has no status for these, and a visitor reads them at every corner
    ("AD", "es"): ("official_regional", 20.0),
    ("AD", "fr"): ("official_regional", 7.0),
    ("GL", "da"): ("official_regional", 30.0),
    ("FO", "da"): ("official_regional", 10.0),
    ("MA", "fr"): ("official", 33.0),
    ("DZ", "fr"): ("official", 20.0),
    ("TN", "fr"): ("official", 30.0),
    ("LB", "fr"): ("official_regional", 20.0),
    ("UA", "ru"): ("official_regional", 10.0),
    ("IL", "ar"): ("official_regional", 20.0),
    ("IT", "sl"): ("official_regional", 0.2),
    ("IT", "de"): ("official_regional", 1.6),
    ("MO", "pt"): ("official", 5.0),
    ("LV", "ru"): ("official_regional", 5.0),
    ("EE", "ru"): ("official_regional", 5.0),
    # public text in Punjabi in Pakistan is rare, and in Arabic letters
    ("PK", "pa"): (None, 0.0),
}
"""(status, percent) by (country, language), in place of the values of CLDR."""


def is_word(text: str) -> bool:
    return len(text) > 1 and WORD.fullmatch(text) is not None


def frequent_words(code: str) -> list[tuple[str, int]]:
    """The most frequent words of wordfreq's list with 10 log10 of their frequency."""
    import wordfreq

    found: dict[str, int] = {}
    for word, frequency in wordfreq.get_frequency_dict(code, wordlist="best").items():
        for part in re.split("['’]", word):  # get_frequency_dict is ordered, most frequent first
            if is_word(part) and part not in found:
                found[part] = round(10 * math.log10(frequency))
        if len(found) >= WORDS_PER_LANGUAGE:
            break
    return list(found.items())


def south_slavic(words: list[tuple[str, int]]) -> list[tuple[str, str, int]]:
    """wordfreq's one list for Bosnian, Croatian and Serbian, with the words that tell them apart marked."""
    croatian, serbian = CROATIAN.split(), SERBIAN.split()
    known = {word for word, _ in words}
    ekavian = {}
    for word in known:
        for reflex in ("ije", "je"):
            short = word.replace(reflex, "e")
            if reflex in word and len(short) >= 4 and short in known and short != word:
                ekavian[short] = word
    rows = []
    for word, decibels in words:
        if word in serbian or (word in ekavian and word not in croatian):
            rows.append((word, "sr", decibels))
            rows.append((word, "bs hr", decibels - 12))
        elif word in croatian or word in ekavian.values():
            rows.append((word, "bs hr", decibels))
            rows.append((word, "sr", decibels - 12))
        else:
            rows.append((word, "bs hr sr", decibels))
    for side, wanted in (("sr", serbian), ("bs hr", croatian)):
        rows += [(word, side, -60) for word in wanted if word not in known]
    return rows


def han_words() -> list[tuple[str, str, int]]:
    """Characters and words of Chinese, simplified and traditional, and of Japanese."""
    import msgpack  # wordfreq's own dependency
    import wordfreq

    mapping = importlib.metadata.distribution("wordfreq").locate_file("wordfreq/data/_chinese_mapping.msgpack.gz")
    traditional: dict[str, list[str]] = defaultdict(list)
    for char, simple in msgpack.loads(gzip.decompress(Path(mapping).read_bytes()), strict_map_key=False).items():
        if simple != chr(char):
            traditional[simple].append(chr(char))
    rows = []
    for source in ("zh", "ja"):
        lists = wordfreq.get_frequency_dict(source, wordlist="small")
        characters: dict[str, float] = defaultdict(float)
        words = []
        for word, frequency in lists.items():
            han = [char for char in word if HAN.fullmatch(char)]
            for char in han:
                characters[char] += frequency
            if 2 <= len(word) == len(han) <= 4:
                words.append((word, frequency))
        total = sum(characters.values())
        entries = [(c, f / total) for c, f in characters.items() if f / total > 1e-6]
        entries += [(w, f / total) for w, f in words[:HAN_WORDS]]
        for word, frequency in entries:
            decibels = max(-70, round(10 * math.log10(frequency)))
            if source == "ja":
                rows.append((word, "ja", decibels))
                continue
            rows.append((word, "zh", decibels))
            choices = [traditional.get(char, []) for char in word]
            if len(word) > 1:
                if all(len(choice) <= 1 for choice in choices):  # else which one is meant takes a dictionary
                    other = "".join((choice or [char])[0] for char, choice in zip(word, choices, strict=True))
                    rows.append((other, "zh-Hant", decibels))
            elif not choices[0]:
                rows.append((word, "zh-Hant", decibels))
            else:
                # 台, 里 and others are written in both; a simplified form proper is not in this list
                each = max(-70, round(10 * math.log10(frequency / len(choices[0]))))
                rows += [(char, "zh-Hant", each) for char in choices[0]]
    return rows


def common_words() -> list[tuple[str, str, int]]:
    """For languages that wordfreq lacks: function words, evenly half of all text, and the names of days and months."""
    import stopwordsiso
    from babel import Locale, UnknownLocaleError

    rows = []
    for code in UNLISTED.split():
        words = sorted(word for word in stopwordsiso.stopwords(code) if is_word(word))
        rows += [(word, code, round(10 * math.log10(0.5 / max(len(words), 100)))) for word in words]
        with contextlib.suppress(UnknownLocaleError):
            locale = Locale.parse(code)
            names = [*locale.days["format"]["wide"].values(), *locale.months["format"]["wide"].values()]
            names += [*locale.days["stand-alone"]["wide"].values(), *locale.months["stand-alone"]["wide"].values()]
            listed = {part for name in names for part in WORD.findall(name.lower()) if is_word(part)}
            rows += [(word, code, CALENDAR_DECIBELS) for word in sorted(listed - set(words))]
    return rows


def build_words() -> pa.Table:
    rows: dict[tuple[str, str], int] = {}
    for code in LANGUAGES.split():
        words = frequent_words(code)
        entries = south_slavic(words) if code == "sh" else [(w, CODES.get(code, code), d) for w, d in words]
        for word, languages, decibels in entries:
            rows[word, languages] = max(-80, decibels)
    for word, languages, decibels in [*han_words(), *common_words()]:
        rows[word, languages] = max(decibels, rows.get((word, languages), -80))
    # lexicon.Lexicon searches the plain spellings, and finds all words of one as one run
    order = sorted(rows, key=lambda row: (fold(row[0]), row))
    plain = [fold(word) for word, _ in order]
    return pa.table(
        {
            "plain": pa.array(plain),
            "accented": pa.array(
                [None if word == bare else word for (word, _), bare in zip(order, plain, strict=True)]
            ),
            "languages": pa.array([languages for _, languages in order]).dictionary_encode(),
            "decibels": pa.array([rows[row] for row in order], pa.int8()),
        }
    )


def public_share(percents: dict[str, tuple[str | None, float]]) -> dict[str, float]:
    """Shares of public text from (status, percent of the population) of each language; they sum to 1.

    An official language weighs the square root of its speakers' share, for offices, schools and streets write it even
    where few speak it at home; a regional one weighs its speakers' share; any other 3 % of it. 15 % of everything is
    then English, as the language for strangers.
    """
    weights = {}
    for code, (status, percent) in percents.items():
        part = min(percent, 100.0) / 100
        if status in ("official", "de_facto_official"):
            weights[code] = math.sqrt(max(part, 0.01))
        elif status == "official_regional":
            weights[code] = part
        else:
            weights[code] = UNOFFICIAL_WEIGHT * part
    total = sum(weights.values())
    share = {code: weight / total * (1 - LINGUA_FRANCA_SHARE) for code, weight in weights.items()} if total else {}
    share["en"] = share.get("en", 0.0) + 1 - sum(share.values())
    share = {code: part for code, part in share.items() if part >= SMALLEST_SHARE}
    return {code: part / sum(share.values()) for code, part in share.items()}


def build_speakers() -> pa.Table:
    from babel.core import get_global

    rank = {"official": 3, "de_facto_official": 3, "official_regional": 2, None: 1}
    rows = []
    for country, entries in sorted(get_global("territory_languages").items()):
        if not re.fullmatch("[A-Z]{2}", country) or country in ("ZZ", "EU", "EZ", "UN", "QO", "XA", "XB"):
            continue
        percents: dict[str, tuple[str | None, float]] = {}
        for code, entry in entries.items():
            ours = MACROLANGUAGE.get(code, code.split("_")[0])
            status, percent = entry["official_status"], float(entry["population_percent"])
            before = percents.get(ours, (None, 0.0))
            percents[ours] = (max(status, before[0], key=rank.__getitem__), max(percent, before[1]))
        for (of, code), value in CORRECTIONS.items():
            if of == country:
                percents[code] = value
        if country == "MO":
            percents.pop("zh", None)
        shares = public_share(percents)
        rows += [(country, code, shares[code]) for code in sorted(shares, key=shares.get, reverse=True)]
    return pa.table(
        {
            "country_code": pa.array([row[0] for row in rows]),
            "language": pa.array([row[1] for row in rows]),
            "share": pa.array([row[2] for row in rows], pa.float32()),
        }
    )


def main() -> None:
    shipped_table.write(
        "words",
        build_words(),
        use_dictionary=["languages"],
        column_encoding={
            "plain": "DELTA_BYTE_ARRAY",
            "accented": "DELTA_BYTE_ARRAY",
            "decibels": "BYTE_STREAM_SPLIT",
        },
        data_page_size=1 << 24,
    )
    shipped_table.write("speakers", build_speakers())


if __name__ == "__main__":
    main()
