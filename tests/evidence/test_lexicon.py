"""Words are found in the lists of their languages: with lost accents, in Cyrillic, and read as one word."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from whereshot.evidence import lexicon
from whereshot.evidence.country_languages import country_languages
from whereshot.evidence.known_languages import CODES, NUMBER
from whereshot.evidence.lexicon import WordEntries, find_two_words, find_word, find_words, fold, word_zipf
from whereshot.evidence.text_segments import split_line

DATA = Path(__file__).parents[2] / "src" / "whereshot" / "evidence" / "data"


def differences(entries: WordEntries | None) -> dict[str, int]:
    """Return the smallest difference of the entries by language code."""
    assert entries is not None
    found: dict[str, int] = {}
    for number, difference in zip(entries.languages.tolist(), entries.difference.tolist(), strict=True):
        found[CODES[number]] = min(difference, found.get(CODES[number], 9))
    return found


def test_a_lost_accent_is_a_difference_of_one() -> None:
    assert differences(find_word("wstęp", "Latin"))["pl"] == 0
    assert differences(find_word("wstep", "Latin"))["pl"] == 1


def test_an_unknown_word_has_no_entries() -> None:
    assert find_word("qwertzuxx", "Latin") is None


def test_serbian_is_found_in_both_scripts() -> None:
    assert "sr" in differences(find_word("улица", "Cyrillic"))
    assert "sr" in differences(find_word("ulica", "Latin"))


def test_two_words_that_were_read_as_one() -> None:
    assert differences(find_two_words("hundi", "Latin"))["da"] == 3
    assert find_two_words("xqzwv", "Latin") is None


def test_words_of_a_segment_are_found_in_their_parts() -> None:
    (segment,) = split_line("l'entrada qwertzuxx")
    found = list(find_words(segment))
    assert len(found) >= 2
    assert "ca" in differences(found[0]) or "ca" in differences(found[1])


def test_chinese_is_cut_into_known_words() -> None:
    (segment,) = split_line("请不要在这里停车")
    found = [entries for entries in find_words(segment) if entries is not None]
    assert 1 < len(found) <= 8
    assert all("zh" in differences(entries) for entries in found)


def test_sizes() -> None:
    assert (DATA / "words.parquet").stat().st_size <= 1_500_000
    assert (DATA / "speakers.parquet").stat().st_size <= 50_000


def test_words_are_sorted_by_their_plain_spelling() -> None:
    table = pq.read_table(DATA / "words.parquet").to_pydict()
    assert table["plain"] == sorted(table["plain"])
    draw = random.Random(0)
    for row in draw.sample(range(len(table["plain"])), 500):
        word = table["accented"][row] or table["plain"][row]
        assert fold(word) == table["plain"][row]
        found = lexicon.lexicon().find(word)
        listed = {CODES[number] for number in found.languages[found.difference == 0]}
        assert set(table["languages"][row].split()) <= listed


def test_every_language_of_the_words_is_known() -> None:
    listed = {CODES[number] for number in np.flatnonzero(lexicon.lexicon().is_listed)}
    assert {"da", "no", "sv", "hr", "sr", "bs", "uk", "zh", "zh-Hant", "ja", "tl", "vi"} <= listed
    assert not {"af", "gl", "el"} & listed


def test_zipf() -> None:
    assert 7 < word_zipf("the", "en") < 8
    assert word_zipf("Straße", "de") > 4
    assert word_zipf("strasse", "de") > 3
    assert word_zipf("qwertzu", "de") == word_zipf("the", "xx") == 0.0


def test_import_loads_no_tables() -> None:
    code = "import sys\nfrom whereshot.evidence.lexicon import lexicon as l\n"
    code += "print('py3langid' in sys.modules, l.cache_info().misses)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "0"]


def test_tables_load_fast() -> None:
    seconds = []
    for _ in range(3):
        lexicon.lexicon.cache_clear()
        country_languages.cache_clear()
        start = time.process_time()
        lexicon.lexicon()
        country_languages()
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5


def test_entries_name_languages_by_number() -> None:
    entries = lexicon.lexicon().find("gade")
    assert entries is not None
    assert NUMBER["da"] in entries.languages
