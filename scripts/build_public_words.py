"""Build the table of public words by country (read by evidence.public_words) from the tables in tables/public_words.

    python scripts/build_public_words.py            # writes src/whereshot/evidence/data/public_words.parquet
    python scripts/build_public_words.py --check    # only checks the tables

A table is a TOML file of entries:

    [[entry]]
    words = ["Carabineros", "Carabineros de Chile"]
    countries = { CL = 1.0 }    # relative likelihoods by ISO 3166 code
    kind = "police"             # a kind of evidence/data/public_words.toml
    match = "phrase"            # or "start" (of a word) or "regex" (on text in lower case without accents)
    needs = "digit"             # optional: a digit must stand beside the word
    elsewhere = 0.5             # optional: the likelihood in a country that is not listed, where listed ones have less

A file that cannot be read, an unknown kind, country or form, a word in a list of another kind (public_word_kinds), and
a weight that is not positive are errors. Words that
are left out are printed: words that are too short, names of countries, and words that are frequent in a language of
other countries.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import shipped_table
from public_word_kinds import NOUNS, misplaced

from whereshot.earth.country_names import english_names, find_codes
from whereshot.earth.name_index import name_keys
from whereshot.evidence.country_languages import LEAST_SHARE, country_languages
from whereshot.evidence.known_languages import CODES
from whereshot.evidence.lexicon import fold
from whereshot.evidence.lexicon import frequencies as word_frequencies
from whereshot.evidence.ordinary_words import is_other_phrase
from whereshot.evidence.public_word_entries import SHORT_LETTERS, encode_countries, written_key
from whereshot.evidence.worldwide_words import is_worldwide
from whereshot.foundation.package_data import read_toml

TABLES = Path(__file__).parents[1] / "tables" / "public_words"
FORMS = ("phrase", "word", "start", "regex")
LEAST_LETTERS = 2
"""Shorter words are left out."""
DOUBT, DOUBT_SHORT, DOUBT_PHRASE, DOUBT_ORDINARY, DOUBT_FREQUENT = 3, 10, 15, 30, 60
"""Percent: likelihood of a word in a country that is not listed; of short words, of phrases of frequent words, of
ordinary words and of frequent ones."""
NEUTRAL = 100
"""Percent: likelihood elsewhere of a word that is frequent in other countries; it still tells the listed ones apart."""
ORDINARY_ZIPF = 3.0
"""Frequency on the Zipf scale from which a word is ordinary."""
FREQUENT_ZIPF = 4.3
"""Frequency on the Zipf scale from which a word of a language of other countries is left out."""
_NUMBER = re.compile(r"\s+[Nn][°º]$")


class Row(NamedTuple):
    """A row of the table before doubles are joined."""

    key: str
    form: str
    kind: str
    countries: dict[str, float]
    doubt: int


def read_entries(path: Path, kinds: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the entries of a table. Exits with the file, the entry and the fault where one is wrong."""
    try:
        entries = tomllib.loads(path.read_text("utf-8"))["entry"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        sys.exit(f"{path}: cannot be read as a table of entries: {error}")
    codes = english_names()
    for entry in entries:
        named = f"{path.name}: entry {entry.get('words')!r:.80}"
        if not entry.get("words"):
            sys.exit(f"{named}: no words")
        if entry.get("kind") not in kinds:
            sys.exit(f"{named}: unknown kind {entry.get('kind')!r}; expected one of {', '.join(sorted(kinds))}")
        if entry.get("match", "phrase") not in FORMS:
            sys.exit(f"{named}: unknown match {entry['match']!r}; expected one of {', '.join(FORMS)}")
        if not 0 < entry.get("elsewhere", 0.5) < 1:
            sys.exit(f"{named}: elsewhere = {entry['elsewhere']!r}; expected a number between 0 and 1")
        for code, weight in (entry.get("countries") or {"": 0}).items():
            if code not in codes or not weight > 0:
                sys.exit(f"{named}: {code!r} = {weight!r}; expected an ISO 3166 code and a positive weight")
        for word in entry["words"] if entry.get("match", "phrase") == "phrase" and "needs" not in entry else ():
            other = misplaced(word, entry["kind"])
            if other is not None:
                sys.exit(f"{named}: {word!r} is of kind {other} by {NOUNS.name}, not {entry['kind']}; move it")
        yield entry


def is_common_elsewhere(
    frequencies: Mapping[str, float], countries: Mapping[str, float], least_zipf: float = FREQUENT_ZIPF
) -> bool:
    """Return whether a word is frequent in a language that none of its countries uses."""
    known = country_languages()
    row_of = {code: row for row, code in enumerate(known.countries)}
    own = {
        CODES[number]
        for code in countries
        if code in row_of
        for number in (known.share[row_of[code]] >= LEAST_SHARE).nonzero()[0]
    }
    return any(zipf >= least_zipf and code not in own for code, zipf in frequencies.items())


def is_country(word: str, kind: str) -> bool:
    """Return whether a word is the name of a country. Its full name is that of an authority: "Republic of Kenya"."""
    is_full_name = kind == "government" and " " in word
    return len(name_keys([word])[0]) > SHORT_LETTERS and not is_full_name and bool(find_codes(word))


def check_expression(written: str, kind: str) -> None:
    """Exit with the fault of a regular expression: it cannot be compiled, or it has a capital letter or an accent."""
    try:
        re.compile(written)
    except re.error as error:
        sys.exit(f"entry {written!r}: the regular expression is wrong: {error}")
    letters = re.sub(r"\\.", "", written)
    if letters != fold(letters) and kind != "currency":
        sys.exit(f"entry {written!r}: it never matches; expected lower case without accents: {fold(letters)!r}")


def rows_of(entry: Mapping[str, Any], left_out: Counter[str]) -> Iterator[Row]:
    """Yield the rows of one entry; the words that are left out are counted with their reason.

    No listed country is less likely than one that is not listed, except where the entry has ``elsewhere``. A frequent
    word of other countries then says nothing about them, and still tells the listed countries apart: "center".
    """
    peak = max(entry["countries"].values())
    for row in _plain_rows(entry, left_out):
        if "elsewhere" in entry:
            yield row._replace(doubt=max(round(100 * entry["elsewhere"]), NEUTRAL * (row.doubt == NEUTRAL)))
        else:
            least = peak * row.doubt / 100
            yield row._replace(countries={code: max(value, least) for code, value in row.countries.items()})


def _plain_rows(entry: Mapping[str, Any], left_out: Counter[str]) -> Iterator[Row]:
    """Yield the rows of one entry with the doubt of each word."""
    countries = {code: float(weight) for code, weight in entry["countries"].items()}
    form = "phrase" if entry.get("match", "phrase") == "word" else entry.get("match", "phrase")
    for written in entry["words"]:
        if form == "regex":
            check_expression(written, entry["kind"])
            if entry["kind"] != "currency":  # cues.toml has the forms of prices
                yield Row(written, form, entry["kind"], countries, DOUBT_SHORT)
            continue
        word = _NUMBER.sub("", written.strip())
        if entry.get("needs") == "digit" and entry["kind"] != "currency":
            folded = re.sub(r"[^\w]+", r"\\W{0,3}", re.escape(fold(word)).replace("\\", ""))
            yield Row(rf"{folded}\W{{0,3}}\d+", "regex", entry["kind"], countries, DOUBT)
            continue
        key = name_keys([word])[0]
        single = word.split()[0] if len(word.split()) == 1 else ""
        frequencies = word_frequencies(single) if single else {}
        without_accents = word_frequencies(fold(single)) if fold(single) != single.lower() else {}
        if len(key) < LEAST_LETTERS or key.isdigit():
            left_out[f"{written}: too short, or only digits"] += 1
        elif all(is_worldwide(part) for part in re.findall(r"\w+", fold(word))):
            left_out[f"{written}: a word of the whole world"] += 1
        elif is_country(word, entry["kind"]):
            left_out[f"{written}: the name of a country, which is a cue of its own"] += 1
        elif (
            len(key) > SHORT_LETTERS
            and "elsewhere" in entry
            and is_common_elsewhere(frequencies, countries, ORDINARY_ZIPF)
        ):
            yield Row(key, form, entry["kind"], countries, NEUTRAL)
        elif is_common_elsewhere(frequencies, countries):
            left_out[f"{written}: a frequent word of other countries"] += 1
        elif is_common_elsewhere(without_accents, countries, ORDINARY_ZIPF):
            left_out[f"{written}: without its accents an ordinary word of other countries"] += 1
        elif len(key) > SHORT_LETTERS:
            yield Row(key, form, entry["kind"], countries, _doubt_of(word, frequencies))
        elif entry["kind"] == "currency":
            left_out[f"{written}: cues.toml has the signs of currencies"] += 1
        elif form == "start":
            left_out[f"{written}: too short for the start of a word"] += 1
        else:
            doubt = DOUBT_ORDINARY if frequencies else DOUBT_SHORT
            written_as = {word} if word != word.capitalize() or word.isupper() else {word, word.upper()}
            for text in written_as:
                yield Row(written_key(text), form, entry["kind"], countries, _doubt_of_phrase(text, doubt))


def _doubt_of(word: str, frequencies: Mapping[str, float]) -> int:
    """Return the doubt of a word that is not short, in percent, from its frequencies by language."""
    zipf = max(frequencies.values(), default=0.0)
    if zipf >= ORDINARY_ZIPF:
        return DOUBT_FREQUENT if zipf >= FREQUENT_ZIPF else DOUBT_ORDINARY
    return _doubt_of_phrase(word, DOUBT)


def _doubt_of_phrase(text: str, doubt: int) -> int:
    """Return ``DOUBT_PHRASE`` for a phrase of frequent words, by the rule of the search: it would not find it else."""
    return DOUBT_PHRASE if is_other_phrase(text, doubt / 100) else doubt


def joined(rows: list[Row]) -> list[Row]:
    """Return the rows with one row for each key and form: the largest likelihoods, and the kind that is named first."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        before = found.get((row.key, row.form))
        if before is not None:
            codes = dict.fromkeys([*before.countries, *row.countries])
            countries = {code: max(before.countries.get(code, 0), row.countries.get(code, 0)) for code in codes}
            row = Row(row.key, row.form, before.kind, countries, max(before.doubt, row.doubt))
        found[row.key, row.form] = row
    return sorted(found.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="check the tables, write nothing")
    parser.add_argument("--tables", type=Path, nargs="*", default=[TABLES], help="folders of tables")
    arguments = parser.parse_args()
    themes = read_toml("evidence/data/public_words.toml")["themes"]
    kinds = frozenset(kind for theme in themes.values() for kind in theme)
    left_out: Counter[str] = Counter()
    rows = [
        row
        for folder in arguments.tables
        for path in sorted(folder.glob("*.toml"))
        for entry in read_entries(path, kinds)
        for row in rows_of(entry, left_out)
    ]
    for text, count in left_out.items():
        print(f"left out: {text}" + (f" ({count} times)" if count > 1 else ""))
    table = joined(rows)
    named = Counter(code for row in table for code in row.countries)
    print(f"{len(rows)} words, {len(table)} rows, {len(left_out)} left out, {len(named)} countries")
    if arguments.check:
        return
    shipped_table.write(
        "public_words",
        pa.table(
            {
                "key": [row.key for row in table],
                "form": pa.array([row.form for row in table]).dictionary_encode(),
                "kind": pa.array([row.kind for row in table]).dictionary_encode(),
                "countries": pa.array([encode_countries(row.countries) for row in table]).dictionary_encode(),
                "doubt": pa.array([row.doubt for row in table], pa.int8()),
            }
        ),
        use_dictionary=["form", "kind", "countries", "doubt"],
        column_encoding={"key": "DELTA_BYTE_ARRAY"},
    )


if __name__ == "__main__":
    main()
