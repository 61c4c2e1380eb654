"""Build the table of country names: codes, and what every country is called in its own and in 40 further languages.

    pip install pycountry==26.2.16 babel==2.19.0 && npm pack cldr-localenames-full@48.2.0
    python scripts/build_country_names.py --cldr cldr-localenames-full-48.2.0.tgz

It writes earth/data/country_names.parquet: every code of ISO 3166 (and XK, Kosovo) with its names in three columns:
``name`` is the English one, ``names`` has the English ones, those of ISO 3166 and those in the official languages of
the country, and ``foreign_names`` has those in LANGUAGES. Names and their short forms come from Unicode CLDR
(Unicode-3.0), codes, official and former names from iso-codes by way of pycountry (LGPL-2.1), official languages from
Babel (CLDR). What none of these has stands in earth/data/usual_names.toml, which is read with the table.
"""

from __future__ import annotations

import argparse
import json
import re
import tarfile
from pathlib import Path

import pyarrow as pa
import pycountry
import shipped_table
from babel.languages import get_official_languages

from whereshot.earth.name_index import name_keys

LANGUAGES = (
    *("ar", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "hy"),
    *("id", "is", "it", "ja", "ka", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv"),
    *("ta", "th", "tr", "uk", "ur", "vi", "zh", "zh-Hant"),
)
"""Languages in which every country has its name, beside English and its own: 43, Chinese in both scripts."""

KOSOVO = ("XK", "XKX")


def read_names(archive: Path, languages: set[str]) -> dict[str, dict[str, list[str]]]:
    """Return language -> ISO code -> names: the usual one first, then its short and other forms."""
    found: dict[str, dict[str, list[str]]] = {}
    with tarfile.open(archive) as files:
        for member in files:
            parts = member.name.split("/")
            if parts[-1] != "territories.json" or parts[2] not in languages:
                continue
            document = json.load(files.extractfile(member))
            names: dict[str, list[str]] = {}
            for key, name in sorted(document["main"][parts[2]]["localeDisplayNames"]["territories"].items()):
                code = key.partition("-alt-")[0]
                if re.fullmatch("[A-Z]{2}", code):
                    names.setdefault(code, []).append(name)
            found[parts[2]] = names
    return found


def spelled_out(name: str) -> list[str]:
    """Return a name, and the same without what stands in brackets: "Myanmar (Burma)" has three names."""
    inner = re.findall(r"[(（\[]([^)）\]]+)[)）\]]", name)
    outer = re.sub(r"\s*[(（\[][^)）\]]+[)）\]]", "", name)
    is_kind = re.compile(r"(republi|republ|democrat|demokrat|réunion|islands?$)", re.IGNORECASE)
    return [name, outer, *(text for text in inner if not is_kind.search(text) and len(text) > 3)] if inner else [name]


def without_repetitions(names: list[str], seen: set[str]) -> list[str]:
    """Return names whose keys are not in ``seen``, and add them to it."""
    kept = []
    for name, key in zip(names, name_keys(names), strict=True):
        if key and key not in seen:
            seen.add(key)
            kept.append(name)
    return kept


def iso_names(code: str) -> list[str]:
    """Return the names of a code in ISO 3166: short, common, official; those with a comma in both orders."""
    entry = pycountry.countries.get(alpha_2=code)
    names = [getattr(entry, kind, None) for kind in ("name", "common_name", "official_name")] if entry else []
    found = []
    for name in filter(None, names):
        front, _, rest = name.partition(", ")
        found += [name, f"{rest} {front}"] if rest.endswith((" of", " of the")) else [name]
    return found


def build(archive: Path) -> pa.Table:
    """Return the table."""
    codes = {entry.alpha_2: entry.alpha_3 for entry in pycountry.countries} | {KOSOVO[0]: KOSOVO[1]}
    native = {code: get_official_languages(code, regional=True, de_facto=True) for code in codes}
    spoken = {language.replace("_", "-") for own in native.values() for language in own}
    spelled = read_names(archive, {"en", *LANGUAGES, *spoken})
    missing = set(LANGUAGES) - set(spelled)
    if missing:
        raise SystemExit(f"no names in {sorted(missing)}")
    rows = []
    for code in sorted(codes):
        english = spelled["en"][code]
        own = [english[0], *(text for name in english for text in spelled_out(name)), *iso_names(code)]
        for language in native[code]:
            for name in spelled.get(language.replace("_", "-"), {}).get(code, []):
                own += spelled_out(name)
        foreign = [
            text for language in LANGUAGES for name in spelled[language].get(code, []) for text in spelled_out(name)[:2]
        ]
        keys = name_keys(foreign)  # "E.U." and "R.U." are codes of others
        foreign = [name for name, key in zip(foreign, keys, strict=True) if not (key.isascii() and len(key) < 3)]
        seen = set(name_keys([code, codes[code]]))
        names = without_repetitions(own, seen)
        rows.append(
            {
                "country_code": code,
                "country_code3": codes[code],
                "name": english[0],
                "names": names,
                "foreign_names": without_repetitions(foreign, seen),
            }
        )
    return pa.Table.from_pylist(rows)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cldr", type=Path, required=True, help="the archive that npm pack wrote")
    table = build(parser.parse_args().cldr)
    encoding = {f"{name}.list.element": "DELTA_LENGTH_BYTE_ARRAY" for name in ("names", "foreign_names")}
    shipped_table.write(
        "country_names",
        table,
        data_page_size=shipped_table.ONE_PAGE,
        use_dictionary=False,
        column_encoding=encoding,
    )


if __name__ == "__main__":
    main()
