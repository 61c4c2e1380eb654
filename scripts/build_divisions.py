"""Build the table of first-order divisions and of their parts: codes and names in many languages.

    pip install pycountry==26.2.16 babel==2.19.0 && npm pack cldr-subdivisions-full@48.2.0
    python scripts/build_divisions.py --cldr cldr-subdivisions-full-48.2.0.tgz

It reads the divisions that the table of towns names (scripts/build_gazetteer.py) and writes

* earth/data/regions.parquet: each division of the gazetteer with its short code in ISO 3166-2 and its names;
* earth/data/region_parts.parquet: the divisions below them in ISO 3166-2 (Italian provinces, British counties), each
  with the division of the gazetteer that holds it.

English names are those of Unicode CLDR (Unicode-3.0). Local names, codes and translations come from iso-codes by way of
pycountry (LGPL-2.1): in the official languages of the country (Babel: CLDR) and in LANGUAGES. Usual abbreviations and
names that none of these has stand in earth/data/usual_names.toml, which is read with the tables.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import gettext
import json
import re
import tarfile
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pycountry
import shipped_table
from babel.languages import get_official_languages

from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer

LANGUAGES = ("de", "es", "fr", "it", "pt", "ru")
"""Languages in which every division has its name, where iso-codes has a translation."""

UNUSABLE = ("ga", "cy")
"""Languages into which iso-codes translates names as words: the English town Reading as what one does with a book."""

GENERIC = re.compile(
    r"\b(sheng|shi|zizhiqu|prefecture|rayonu?|marz|muhafazat|wilaya(t-e)?|province|district|region|governorate"
    r"|oblast|respublika|kray|krai|kraj|city|county|state|department|departement|municipality|parish|division"
    r"|autonomous|republic|metropolitan|capital|voblasts|zupanija|sahari|stad|stads|provinsi|al|el|ad|ash|an|as|de|of"
    r"|the|and)\b|['’ʻ`-]",
    re.IGNORECASE,
)
LEAST_LIKENESS = 0.78
"""How alike two spellings are that count as the same division, where no other of the country is as alike."""

SPELLED_APART = {
    ("AE", "Abu Dhabi"): "AZ",
    ("AE", "Dubai"): "DU",
    ("AR", "Buenos Aires F.D."): "C",
    ("CD", "Bas-Congo"): "BC",
    ("CH", "Grisons"): "GR",
    ("CZ", "Praha"): "10",
    ("EG", "Muhafazat al Qahirah"): "C",
    ("FR", "Provence-Alpes-Côte-d’Azur"): "PAC",
    ("IN", "Dadra and Nagar Haveli"): "DH",
    ("IN", "Kashmir"): "JK",
    ("IN", "Laccadives"): "LD",
    ("IN", "NCT"): "DL",
    ("IN", "Pondicherry"): "PY",
    ("IT", "Latium"): "62",
    ("IT", "The Marches"): "57",
    ("PL", "Greater Poland Voivodeship"): "30",
    ("PL", "Lesser Poland Voivodeship"): "12",
    ("PL", "Lower Silesian Voivodeship"): "02",
    ("PL", "Lublin Voivodeship"): "06",
    ("PL", "Opole Voivodeship"): "16",
    ("PL", "Silesian Voivodeship"): "24",
    ("PL", "West Pomeranian Voivodeship"): "32",
    ("CZ", "South Moravian"): "64",
    ("DK", "Central Jutland"): "82",
    ("IS", "Capital Region"): "1",
    ("IS", "South"): "8",
    ("IS", "West"): "3",
    ("UA", "Lviv"): "46",
    ("UA", "Sumy"): "59",
    ("RU", "Transbaikal Territory"): "ZAB",
    ("RS", "Autonomna Pokrajina Vojvodina"): "VO",
    ("SA", "Mintaqat Tabuk"): "07",
    ("SA", "Mintaqat `Asir"): "14",
    ("ZA", "Orange Free State"): "FS",
}
"""Divisions whose names in the gazetteer are like none of their names in ISO 3166-2 or CLDR."""


@functools.cache
def translation(language: str) -> gettext.NullTranslations:
    """Return the translations of ISO 3166-2 into a language; none where iso-codes has none."""
    folder = Path(pycountry.LOCALES_DIR)
    return gettext.translation("iso3166-2", folder, [language], fallback=True)


def all_translations() -> list[gettext.NullTranslations]:
    """Return the translations into every language."""
    return [translation(path.name) for path in sorted(Path(pycountry.LOCALES_DIR).iterdir())]


def parts_of(name: str) -> list[str]:
    """Return the names in an entry of ISO 3166-2: "Catalunya [Cataluña]" has two. Round brackets are left out."""
    spelled = re.sub(r"\s*\([^)]*\)", "", name)
    return [part.strip() for part in re.split(r"[\[\]/;]|\s[-–]\s", spelled) if part.strip()]


def english_names(archive: Path) -> dict[str, str]:
    """Return ISO 3166-2 code such as "ES-CT" -> its English name in CLDR."""
    with tarfile.open(archive) as files:
        document = json.load(files.extractfile("package/subdivisions/en/en.json"))
    named = document["subdivisions"]["localeDisplayNames"]["subdivisions"]
    return {f"{key[:2]}-{key[2:]}".upper(): name for key, name in named.items()}


def names_of(entry: object, english: dict[str, str], translations: list[gettext.NullTranslations]) -> list[str]:
    """Return the names of an entry: English, local, translated; without repetitions."""
    found = own_names(entry, english)
    for each in translations:
        found += parts_of(each.gettext(entry.name))
    return without_repetitions([name for each in found for name in (without_kind(each), each) if ", " not in name])


def own_names(entry: object, english: dict[str, str]) -> list[str]:
    """Return the English name of an entry and its local ones."""
    return [english.get(entry.code, ""), *parts_of(entry.name)]


def without_kind(name: str) -> str:
    """Return a name without the kind of division that follows it: "Tatarstan, Respublika", "安徽省"."""
    return re.sub(r"(?<=\w\w)[省市県府都道도]$|自治区$|, [^,]+$", "", name)


def without_repetitions(names: list[str]) -> list[str]:
    """Return names whose keys differ, in their order; "Tatarstan, Respublika" also counts without its kind."""
    seen, kept = set(), []
    for name, key in zip(names, name_keys(names), strict=True):
        if key and key not in seen and len(name) <= 60:
            seen.add(key)
            kept.append(name)
    return kept


def key_of(name: str) -> str:
    """Return the key that a name is found by."""
    return name_keys([name])[0]


def bare(name: str) -> str:
    """Return a key without kinds of divisions: "Muhafazat al Fayyum" gives "fayyum"."""
    return key_of(GENERIC.sub(" ", name)) or key_of(name)


def matched(code: str, regions: list[str], english: dict[str, str]) -> dict[str, object]:
    """Return region of the gazetteer -> its entry of ISO 3166-2, each entry at most once, for one country."""
    entries = sorted(
        pycountry.subdivisions.get(country_code=code) or [], key=lambda e: (e.parent_code is not None, e.code)
    )
    spelled: dict[str, list] = defaultdict(list)
    loose: list[tuple[str, object]] = []
    for entry in entries:
        for name in names_of(entry, english, all_translations()):
            spelled[key_of(name)].append(entry)
            loose.append((bare(name), entry))
    found: dict[str, object] = {}
    by_code = {entry.code: entry for entry in entries}
    for region in regions:
        apart = by_code.get(f"{code}-{SPELLED_APART.get((code, region), '')}")
        exact = [apart] if apart is not None else spelled.get(key_of(region), [])
        if exact:
            found[region] = exact[0]
    taken = {entry.code for entry in found.values()}
    candidates = []
    for region in regions:
        if region in found:
            continue
        own = bare(region)
        for name, entry in loose:
            if entry.code not in taken:
                candidates.append((difflib.SequenceMatcher(None, own, name).ratio(), region, entry))
    for likeness, region, entry in sorted(candidates, key=lambda item: (-item[0], item[1], item[2].code)):
        if likeness >= LEAST_LIKENESS and region not in found and entry.code not in taken:
            found[region] = entry
            taken.add(entry.code)
    return found


def build(archive: Path) -> dict[str, pa.Table]:
    """Return both tables."""
    english = english_names(archive)
    by_country: dict[str, list[str]] = defaultdict(list)
    for code, region in gazetteer().divisions[0]:
        if region:
            by_country[code].append(region)
    regions, parts = [], []
    for code in sorted(by_country):
        found = matched(code, sorted(by_country[code]), english)
        native = [
            language
            for language in get_official_languages(code, regional=True, de_facto=True)
            if language not in UNUSABLE
        ]
        owner = {key_of(name): entry for entry in found.values() for name in own_names(entry, english)}
        owner |= dict.fromkeys(map(key_of, by_country[code]))
        owner |= {key_of(region): entry for region, entry in found.items()}
        spoken = [translation(language) for language in dict.fromkeys([*native, *LANGUAGES])]
        for region in sorted(by_country[code]):
            entry = found.get(region)
            names = [] if entry is None else names_of(entry, english, spoken)
            short = "" if entry is None else entry.code.partition("-")[2]
            kept = [
                name for name in without_repetitions([region, *names])[1:] if owner.get(key_of(name), entry) is entry
            ]
            regions.append({"country_code": code, "region": region, "region_code": short, "names": kept})
        holder = {entry.code: region for region, entry in found.items()}
        for entry in sorted(pycountry.subdivisions.get(country_code=code) or [], key=lambda entry: entry.code):
            region = holder.get(entry.parent_code or "")
            if entry.code not in holder and region is not None:
                names = names_of(entry, english, [translation(language) for language in native])
                short = entry.code.partition("-")[2]
                parts.append({"country_code": code, "region": region, "part_code": short, "names": names})
    return {"regions": pa.Table.from_pylist(regions), "region_parts": pa.Table.from_pylist(parts)}


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cldr", type=Path, required=True, help="the archive that npm pack wrote")
    for name, table in build(parser.parse_args().cldr).items():
        encoding = {"names.list.element": "DELTA_LENGTH_BYTE_ARRAY"}
        shipped_table.write(
            name,
            table,
            data_page_size=shipped_table.ONE_PAGE,
            use_dictionary=["country_code", "region"],
            column_encoding=encoding,
        )
        if name == "regions":
            print(f"{sum(not code for code in table['region_code'].to_pylist())} divisions without a code")


if __name__ == "__main__":
    main()
