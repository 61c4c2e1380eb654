"""The script that builds the table of public words: what it refuses, and that the search finds what it writes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import build_public_words  # noqa: E402
import public_word_kinds  # noqa: E402

from whereshot.earth.name_index import name_keys  # noqa: E402
from whereshot.evidence.base import Line  # noqa: E402
from whereshot.evidence.ordinary_words import is_other_phrase  # noqa: E402
from whereshot.evidence.public_word_entries import encode_countries  # noqa: E402
from whereshot.evidence.public_words import PublicWords, public_words  # noqa: E402
from whereshot.evidence.worldwide_words import is_worldwide  # noqa: E402
from whereshot.foundation.package_data import read_toml  # noqa: E402

KINDS = frozenset(kind for theme in read_toml("evidence/data/public_words.toml")["themes"].values() for kind in theme)


def found(words: list[str], text: str) -> list[str]:
    """Return the words that are found in a line with a table of these words."""
    entry = {"words": words, "countries": {"TT": 1.0}, "kind": "shop"}
    rows = build_public_words.joined(list(build_public_words.rows_of(entry, Counter())))
    names = ("key", "form", "kind", "countries", "doubt")
    values = [(row.key, row.form, row.kind, encode_countries(row.countries), row.doubt) for row in rows]
    table = PublicWords(dict(zip(names, zip(*values, strict=True), strict=True)))
    return [finding.text for finding in table.find(Line(text, 0.9, (0, 0, 100, 20)))]


@pytest.mark.parametrize("text", ["Gulf City", "Gare de Lyon", "Action de grâce", "Ab Oy", "Carabineros"])
def test_a_phrase_of_frequent_words_is_found_where_the_table_has_it(text: str) -> None:
    assert found([text], text) == [text]


def test_a_phrase_of_frequent_words_is_not_found_for_a_name_with_its_letters() -> None:
    assert found(["Lavie"], "la vie") == []


def test_every_phrase_of_the_tables_can_be_found() -> None:
    """The shipped table gives phrases of frequent words the doubt with which the search takes them for phrases."""
    phrases = {
        word
        for path in build_public_words.TABLES.glob("*.toml")
        for entry in build_public_words.read_entries(path, KINDS)
        if entry.get("match", "phrase") == "phrase" and "needs" not in entry
        for word in entry["words"]
        if " " in word and not all(map(is_worldwide, word.split()))
    }
    assert len(phrases) > 50_000
    table, keys = public_words(), name_keys(phrases)
    known = [(table.entry(key, phrase), phrase) for key, phrase in zip(keys, phrases, strict=True)]
    lost = [phrase for entry, phrase in known if entry is not None and is_other_phrase(phrase, entry.doubt)]
    assert lost == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('words = []\nkind = "shop"\ncountries = { TT = 1 }', "no words"),
        ('words = ["Hilo"]\nkind = "shop"', "'' = 0; expected an ISO 3166 code and a positive weight"),
        ('words = ["Hilo"]\nkind = "shop"\ncountries = {}', "'' = 0; expected an ISO 3166 code and a positive weight"),
        ('words = ["Hilo"]\nkind = "shop"\ncountries = { TT = 0 }', "'TT' = 0; expected an ISO 3166 code"),
        ('words = ["Hilo"]\nkind = "moon"\ncountries = { TT = 1 }', "unknown kind 'moon'; expected one of shop"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_fault(tmp_path: Path, entry: str, fault: str) -> None:
    (tmp_path / "shops.toml").write_text(f"[[entry]]\n{entry}\n")
    with pytest.raises(SystemExit) as caught:
        list(build_public_words.read_entries(tmp_path / "shops.toml", frozenset({"shop"})))
    assert str(caught.value).startswith("shops.toml: entry ") and fault in str(caught.value)


def test_a_word_in_a_list_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "buses.toml").write_text('[[entry]]\nwords = ["Flughafen Hilo"]\nkind = "bus"\ncountries = { TT = 1 }')
    with pytest.raises(SystemExit) as caught:
        list(build_public_words.read_entries(tmp_path / "buses.toml", KINDS))
    assert "'Flughafen Hilo' is of kind airport by public_word_kinds.toml, not bus; move it" in str(caught.value)


def test_every_noun_decides_a_kind_of_the_tables() -> None:
    assert set(public_word_kinds.nouns().values()) <= KINDS


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Flughafen", "airport"),
        ("รถไฟ", "rail"),
        ("จอดรถ", "parking"),
        ("రైల్వే స్టేషన్", "rail"),
        ("ໂຮງຮຽນ", "education"),
        ("ភោជនីយដ្ឋាន", "restaurant"),
        ("البيك", "restaurant"),
        ("شارع التحرير", "street-word"),
        ("ሆቴል", "hotel"),
        ("CUIT", "tax-number"),
        ("CNPJ", "tax-number"),
    ],
)
def test_the_shipped_table_has_the_kind_of_a_word(word: str, kind: str) -> None:
    entry = public_words().entry(name_keys([word])[0], word)
    assert entry is not None
    assert entry.kind == kind


@pytest.mark.parametrize("word", ["Parking", "Bistro", "CAR WASH", "LAUNDRY"])
def test_a_word_of_the_whole_world_is_of_no_country(word: str) -> None:
    assert public_words().entry(name_keys([word])[0], word) is None
