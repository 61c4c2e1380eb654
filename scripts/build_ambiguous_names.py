"""Build the table of towns whose names are also words or names of people (read by evidence.ambiguous_names).

    pip install simplemma==2.0.0 wordfreq==3.1.1 names==0.3.0 Faker==40.54.0
    python scripts/build_ambiguous_names.py

* Words: every name of the gazetteer is looked up in the dictionaries of simplemma (MIT, Adrien Barbaresi and others;
  about 50 languages) and in the frequency lists of wordfreq (Robyn Speer; its data are CC BY-SA 4.0; 44 languages). A
  name is a word where a dictionary has it in small letters, or where German has it as an inflected form ("Datteln" of
  "Dattel"), and where the word is about as frequent as a town of its size is. A name is also a word where no dictionary
  has it and it is far more frequent than such a town: in the language of its country, or in several others ("Nissan").
* People: first names and surnames of the census of the United States (public domain, from the package names) and of
  the lists of Faker (MIT), which has those of about 60 countries.

evidence/data/ambiguous_names.parquet keeps, by the key of a name, how frequent the word is and how usual the name of a
person is. Names that are neither are left out.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import pkgutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import shipped_table

from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.ambiguous_names import FIRST_NAME, RARE_SURNAME, SURNAME, expected_zipf
from whereshot.evidence.country_languages import country_languages
from whereshot.evidence.known_languages import CODES

DEAD_LANGUAGES = ("enm", "grc", "la")
UNMARKED_LANGUAGES = ("tr", "ar", "fa", "he", "hi", "ka", "ml")
"""Languages whose dictionary has the names of towns in small letters, or whose script has no capitals."""
NOUNS_WITH_CAPITALS = ("de", "lb")
SMALL_LIST = 70_000
"""A frequency list with fewer words ends at a Zipf frequency of about 3."""
UNLISTED_ZIPF = 2.5
"""Zipf frequency of a word that a dictionary has and a small list, or none, lacks."""
LEAST_ZIPF = 2.3
CITY = 150_000
RARER_THAN_TOWN, OFTENER_THAN_CITY = 0.5, 0.3
"""How much rarer on the Zipf scale than a town of its size a word of a dictionary may be, and how much more frequent
than a city it has to be."""
OTHER_LANGUAGES, OTHER_EXCESS = 3, 1.5
"""A name is no town where it is that much more frequent than the town in that many languages of other countries."""
HOME_QUANTILE, HOME_EXCESS = 0.97, 0.3
SURNAMES_COMMON, SURNAMES_RARE = 10_000, 40_000
"""Ranks in the census up to which a surname is common, or rare."""
WORDFREQ_CODES = {"fil": "tl", "sh": "hbs"}
"""wordfreq's code -> simplemma's."""
PACKAGE_CODES = {"hbs": ("bs", "hr", "sr"), "nb": ("no",), "nn": ("no",)}
"""simplemma's code -> the codes of evidence.known_languages, where they differ."""


def town_names() -> tuple[dict[str, int], dict[str, set[str]]]:
    """The largest population and the country codes of each name, by its key."""
    towns = gazetteer()
    spelled: dict[str, set[int]] = defaultdict(set)
    for number, name in enumerate(towns.names.tolist()):
        for one in (name, *towns.other_names(number)):
            if " " not in one and "-" not in one:
                spelled[one].add(number)
    population: dict[str, int] = defaultdict(int)
    codes: dict[str, set[str]] = defaultdict(set)
    for key, numbers in zip(name_keys(spelled), spelled.values(), strict=True):
        rows = sorted(numbers)
        population[key] = max(population[key], int(towns.populations[rows].max()))
        codes[key] |= set(towns.country_codes[rows].tolist())
    return dict(population), dict(codes)


def dictionary_keys(code: str) -> set[str]:
    """Return the keys of the words of a language that are not proper names."""
    from simplemma.strategies.dictionaries.dictionary_factory import _load_dictionary_from_disk

    small, inflected = [], []
    for raw, lemma in _load_dictionary_from_disk(code).items():
        word = raw.decode()
        if word == word.lower():
            small.append(word)
        elif code in NOUNS_WITH_CAPITALS and raw != lemma:
            inflected.append((word, lemma.decode()))
    keys = set(name_keys(small))
    for key, lemma in zip(name_keys([w for w, _ in inflected]), name_keys([le for _, le in inflected]), strict=True):
        if key not in (lemma, lemma + "s"):  # proper names have a genitive too
            keys.add(key)
    return keys


def frequencies(wanted: Mapping[str, int]) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Zipf frequency by language and key for all wanted keys, and the languages whose list is small."""
    import wordfreq

    zipf: dict[str, dict[str, float]] = {}
    small = set()
    for code in wordfreq.available_languages("best"):
        listed = wordfreq.get_frequency_dict(code, wordlist="best")
        own: dict[str, float] = {}
        for key, frequency in zip(name_keys(listed), listed.values(), strict=True):
            if key in wanted:
                own[key] = max(own.get(key, 0.0), math.log10(frequency) + 9)
        zipf[WORDFREQ_CODES.get(code, code)] = own
        if len(listed) < SMALL_LIST:
            small.add(WORDFREQ_CODES.get(code, code))
    return zipf, small


def home_languages(codes: Iterable[str], by_country: Mapping[str, set[str]]) -> set[str]:
    return set().union(*(by_country.get(code, set()) for code in codes))


def spoken(codes: Iterable[str]) -> dict[str, set[str]]:
    """Return the languages of the public text of each country, by simplemma's codes."""
    known = country_languages()
    ours = {code: [CODES.index(own) for own in PACKAGE_CODES.get(code, (code,)) if own in CODES] for code in codes}
    return {
        country: {code for code, rows in ours.items() if rows and known.share[number, rows].max() >= 0.02}
        for number, country in enumerate(known.countries)
    }


def word_zipf(population: Mapping[str, int], codes: Mapping[str, set[str]]) -> dict[str, float]:
    """Return the frequency of each name as a word; names that are not words are left out."""
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    zipf, small = frequencies(population)
    found: dict[str, float] = {}
    for code in sorted(set(SUPPORTED_LANGUAGES) - {*DEAD_LANGUAGES, *UNMARKED_LANGUAGES}):
        unlisted = UNLISTED_ZIPF if code in small or code not in zipf else 0.0
        for key in dictionary_keys(code) & population.keys():
            value = zipf.get(code, {}).get(key, unlisted)
            beyond = OFTENER_THAN_CITY if population[key] >= CITY else -RARER_THAN_TOWN
            if value >= max(LEAST_ZIPF, expected_zipf(population[key]) + beyond):
                found[key] = max(found.get(key, 0.0), value)
        print(code, len(found), flush=True)
    by_country = spoken(zipf)
    homes = {key: home_languages(own, by_country) for key, own in codes.items()}
    excess = {
        code: {key: value - expected_zipf(population[key]) for key, value in own.items() if key not in found}
        for code, own in zipf.items()
    }
    others: dict[str, int] = defaultdict(int)
    for code, own in excess.items():
        home = [value for key, value in own.items() if code in homes[key] and population[key] >= 2000]
        usual = float(np.quantile(home, HOME_QUANTILE)) if len(home) >= 100 else math.inf
        for key, value in own.items():
            if code not in homes[key]:
                others[key] += value >= OTHER_EXCESS
            elif value >= usual + HOME_EXCESS:
                found[key] = max(found.get(key, 0.0), zipf[code][key])
    for key, count in others.items():
        if count >= OTHER_LANGUAGES:
            found[key] = max(found.get(key, 0.0), expected_zipf(population[key]) + OTHER_EXCESS)
    return found


def people(population: Mapping[str, int]) -> dict[str, int]:
    """Return the kind of a person's name for each name; a first name if it is both."""
    package = Path(importlib.metadata.distribution("names").locate_file("names"))
    found: dict[str, int] = defaultdict(int)
    for file in ("dist.all.last", "dist.male.first", "dist.female.first"):
        for line in (package / file).read_text("ascii").splitlines():
            name, *_, rank = line.split()
            kind = FIRST_NAME if file.endswith("first") else SURNAME if int(rank) <= SURNAMES_COMMON else RARE_SURNAME
            if int(rank) <= SURNAMES_RARE:
                found[name.lower()] = max(kind, found[name.lower()])
    import faker.providers.person as person

    for entry in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{entry.name}").Provider
        for field in ("first_names", "first_names_female", "first_names_male", "last_names", "last_names_female"):
            listed = getattr(provider, field, ())
            if isinstance(listed, Iterable):  # some locales compute the field
                for key in name_keys([name for name in listed if isinstance(name, str)]):
                    found[key] = max(found[key], FIRST_NAME if field.startswith("first") else SURNAME)
    return {key: value for key, value in found.items() if key in population}


def main() -> None:
    population, codes = town_names()
    words, persons = word_zipf(population, codes), people(population)
    keys = sorted(key for key in words.keys() | persons.keys() if len(key) > 1)
    print(len(keys), "names:", len(words), "words,", len(persons), "names of people")
    shipped_table.write(
        "ambiguous_names",
        pa.table(
            {
                "key": pa.array(keys),
                "word": pa.array([round(10 * words.get(key, 0.0)) for key in keys], pa.uint8()),
                "person": pa.array([persons.get(key, 0) for key in keys], pa.uint8()),
            }
        ),
        use_dictionary=["word", "person"],
        column_encoding={"key": "DELTA_BYTE_ARRAY"},
        data_page_size=1 << 24,
    )


if __name__ == "__main__":
    main()
