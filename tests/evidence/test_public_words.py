"""Public words by country: how they are found in lines, and what a cue of them says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth.countries import countries
from whereshot.evidence.base import Line
from whereshot.evidence.lexicon import fold
from whereshot.evidence.public_words import (
    PublicWords,
    explain,
    is_food,
    public_word_cues,
    public_words,
)
from whereshot.evidence.reliability import fitted_reliabilities
from whereshot.foundation.package_data import read_toml

BOX = (0, 0, 100, 20)


def line(text: str) -> Line:
    return Line(text, 0.9, BOX)


def small_table(*rows: tuple[str, str, str, str, int]) -> PublicWords:
    names = ("key", "form", "kind", "countries", "doubt")
    return PublicWords(dict(zip(names, zip(*rows, strict=True), strict=True)))


TABLE = small_table(
    ("carabinerosdechile", "phrase", "police", "CL100", 3),
    ("carabineros", "phrase", "police", "CL100 IT10", 3),
    ("=YPF", "phrase", "petrol", "AR100", 10),
    ("=S.A.C", "phrase", "company-form", "PE100", 10),
    ("gendarmer", "start", "police", "FR100", 3),
    ("pourvous", "phrase", "police", "FR100", 3),
    (r"br[ -]?\d{3}", "regex", "road-number", "BR100", 10),
    ("北京", "phrase", "government", "CN100", 10),
)


def texts(table: PublicWords, text: str) -> list[str]:
    return [finding.text for finding in table.find(line(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CARABINEROS DE CHILE", ["CARABINEROS DE CHILE"]),
        ("CARABINEROSDECHILE", ["CARABINEROSDECHILE"]),
        ("Los carabineros, hoy", ["carabineros"]),
        ("Carabinerosa", []),
        ("YPF 24 h", ["YPF"]),
        ("ypf", []),
        ("Minera Andina S.A.C.", ["S.A.C"]),
        ("a sac of rice", []),
        ("Gendarmerie nationale", ["Gendarmerie"]),
        ("BR-101 Norte", ["br-101"]),
        ("ABR-101", []),
        ("", []),
    ],
)
def test_words_are_found_as_they_are_written_on_signs(text: str, found: list[str]) -> None:
    assert texts(TABLE, text) == found


def test_a_longer_phrase_hides_its_parts() -> None:
    (finding,) = TABLE.find(line("Carabineros de Chile"))
    assert dict(finding.entry.countries) == {"CL": 1.0}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Retén", "CARABINEROS", "DE CHILE"], ["CARABINEROS DE CHILE"]),
        (["carabineros", "de Chile"], ["carabineros de Chile"]),
        (["carabineros de", "Perú"], []),
        (["YPF", "YPF"], []),
        (["carabineros", "de Chile", "carabineros", "de Chile"], ["carabineros de Chile"] * 2),
        (["tout pour", "vous"], []),  # two frequent words of French are not the name Pourvous
    ],
)
def test_a_phrase_goes_on_in_the_next_line(texts: list[str], found: list[str]) -> None:
    assert [finding.text for finding in TABLE.find_all([line(text) for text in texts]) if " " in finding.text] == found


def test_a_phrase_in_two_lines_hides_its_parts() -> None:
    (cue,) = public_word_cues([line("Carabineros"), line("de Chile")])
    assert cue.what == "Carabineros de Chile"


def test_a_phrase_in_two_lines_hides_only_its_own_words() -> None:
    sign = ["Retén de carabineros", "CARABINEROS", "de Chile", "Carabineros, YPF"]
    assert [finding.text for finding in TABLE.find_all([line(text) for text in sign])] == [
        "CARABINEROS de Chile", "carabineros", "Carabineros", "YPF",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "more", "less", "other"),
    [
        ("Colour", "GB", "US", "DE"),
        ("Jewellery", "AU", "US", "FR"),
        ("Neighborhood", "US", "GB", "DE"),
        ("Authorized personnel only", "CA", "NZ", "IT"),
        ("Motorcycles galvanized here", "US", "AU", "IT"),
        ("Mechanised farming", "GB", "US", "IT"),
        ("Orthopaedic surgeon", "IN", "US", "IT"),
    ],
)
def test_a_spelling_speaks_against_its_other_variety(text: str, more: str, less: str, other: str) -> None:
    (cue,) = [cue for cue in public_word_cues([line(text)]) if cue.trust == "text/public-word/variety"]
    assert cue.countries is not None
    assert cue.countries[more] > cue.countries[other] > cue.countries[less]


def test_a_spelling_of_another_language_too_tells_only_its_own_countries_apart() -> None:
    (cue,) = [cue for cue in public_word_cues([line("Organisation")]) if cue.trust == "text/public-word/variety"]
    assert cue.countries is not None
    assert cue.countries["FR"] == cue.countries["GB"] > 10 * cue.countries["US"]


@pytest.mark.parametrize(
    "text", ["Advertising", "SURPRISED", "Oversized", "Fundraising", "Exercised", "Raised", "Bruised", "King-sized"]
)
def test_words_with_one_spelling_are_of_no_variety(text: str) -> None:
    assert not [word for word in public_words().find(line(text)) if word.entry.kind == "spelling"]


@given(st.text(max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    for finding in public_words().find(line(text)):
        assert finding.entry.countries


def test_a_cue_explains_each_word_in_a_few_words() -> None:
    (cue,) = public_word_cues([line("CARABINEROS DE CHILE")])
    assert cue.kind == "text/public-word"
    assert cue.trust == "text/public-word/authority"
    assert cue.what == "CARABINEROS DE CHILE"
    assert cue.means == "'CARABINEROS DE CHILE': police in Chile"
    assert cue.box == BOX
    assert cue.countries is not None
    assert cue.countries["CL"] == 1
    assert 0 < cue.countries["US"] < 0.1


def test_a_repeated_word_counts_once() -> None:
    once = public_word_cues([line("Carabineros de Chile")])
    twice = public_word_cues([line("Carabineros de Chile"), line("CARABINEROS DE CHILE")])
    assert once[0].countries == twice[0].countries


def test_a_line_without_public_words_gives_no_cue() -> None:
    assert public_word_cues([line("the quick brown fox")]) == []


def test_the_weight_of_many_words_of_one_theme_is_bounded() -> None:
    words = ["Carabineros de Chile", "Municipalidad de", "Posta Rural", "Bomberos de Chile", "Registro Civil"]
    cues = [cue for cue in public_word_cues([line(word) for word in words]) if cue.trust.endswith("authority")]
    assert len(cues) == 1
    assert cues[0].countries is not None
    assert min(cues[0].countries.values()) >= 0.03**2


def test_every_kind_has_words_and_a_reliability() -> None:
    themes = read_toml("evidence/data/public_words.toml")["themes"]
    kinds = {kind for kinds in themes.values() for kind in kinds}
    table = public_words()
    entries = [*table.entries.values(), *table.starts.values(), *(entry for _, entry in table.expressions)]
    assert {entry.kind for entry in entries} <= kinds
    for theme in themes:
        trust = f"text/public-word/{theme}"
        on_sign, on_package = (fitted_reliabilities().on(trust, surface) for surface in ("sign", "package"))
        assert 0 < on_package < on_sign, trust


def test_every_country_of_the_table_is_known() -> None:
    entries = public_words().entries.values()
    assert {code for entry in entries for code in entry.countries} <= set(countries().by_code) | {"BQ", "SJ", "UM"}


def test_every_expression_is_written_in_lower_case_without_accents() -> None:
    for expression, _ in public_words().expressions:
        letters = re.sub(r"\\.", "", expression.pattern)
        assert letters == fold(letters), f"{expression.pattern} never matches"


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("NH 44", "IN"),
        ("Quốc lộ 1", "VN"),
        ("O-4 Otoyolu", "TR"),
        ("A 61 Ausfahrt", "DE"),
        ("AP-7", "ES"),
        ("KDA 123B", "KE"),
        ("T 123 DKL", "TZ"),
        ("UBE 345K", "UG"),
        ("ABC-123DE", "NG"),
        ("GR 1234-19", "GH"),
        ("DK-1234-BC", "SN"),
        ("1234 HK 01", "CI"),
        ("12345 | أ | 6", "MA"),
        ("AP-7 Nord", "ES"),
    ],
)
def test_numbers_of_roads_and_vehicles_name_their_country(text: str, country: str) -> None:
    found = [finding.entry for finding in public_words().find(line(text))]
    assert any(entry.countries.get(country) == 1 for entry in found)


@pytest.mark.parametrize(
    "text",
    [
        "Sun - 200 km",
        "Mt 1200 m",
        "as 1-10",
        "Open 8 - 20",
        "Room 101",
        "2019",
        "12 May 2019",
        "AS 10 m",
        "USD 100 only",
        "25 x 100 mm",
        "20 000 sum",
        "No 123 de",
        "2019 The",
        "+213 661 12 34 56",
        "0661 123 456",
        "021-345-6789",
        "03-5123-4567",
        "10:00 - 18:30",
        "CE 0123",
        "RC 12345",
        "ISBN 978-3-16-148410-0",
        "T 100 only",
        "From 1990 to 2020",
        "50 % off",
        "Tel. 12 345 67 89",
        "A4 100 g",
        "EU 39 UK 6",
        "1-800-555-0199",
    ],
)
def test_ordinary_numbers_are_no_number_plates(text: str) -> None:
    kinds = {finding.entry.kind for finding in public_words().find(line(text))}
    assert not kinds & {"number-plate", "road-number"}


@pytest.mark.parametrize("text", ["Somalia", "MADAGASIKARA", "Liechtenstein", "Mongolia"])
def test_a_country_by_its_name_is_no_public_word(text: str) -> None:
    assert public_words().find(line(text)) == []


def test_the_full_name_of_a_country_is_an_authority() -> None:
    (found,) = public_words().find(line("REPUBLIC OF KENYA"))
    assert explain(found) == "'REPUBLIC OF KENYA': an authority in Kenya"


@pytest.mark.parametrize(
    "text",
    [
        "Christine Moore",
        "Thomas Higgins & Sons",
        "Marie Peltier",
        "Ramón Ayala",
        "Walton Street",
        "Reece and Samira",
        "Malika",
        "lorem ipsum omnis",
    ],
)
def test_names_of_people_and_ordinary_words_name_no_country(text: str) -> None:
    assert [found for found in public_words().find(line(text)) if found.entry.doubt < 0.1] == []


@pytest.mark.parametrize(
    ("text", "country", "words"),
    [
        ("Equity Bank Kenya", "KE", "a bank in Kenya"),
        ("Shule ya Msingi Uhuru", "KE", "a school or university in"),
        ("Sonatel Dakar", "SN", "telephone or internet in Senegal"),
        ("Umurenge wa Kimironko", "RW", "an authority in Rwanda"),
        ("Maruti Suzuki at Fiangonana FJKM", "MG", "religion in Madagascar"),
        ("Эмийн сан", "MN", "a pharmacy in Mongolia"),
        ("بانک ملی ایران", "IR", "a bank in Iran"),
        ("ძეხვი და Khachapuri", "GE", "a dish in Georgia"),
        ("Dorixona 24", "UZ", "a pharmacy in Uzbekistan"),
        ("Serengeti National Park", "TZ", "a park or sight in Tanzania"),
        ("ຮ້ານຂາຍຢາ", "LA", "a pharmacy in Laos"),
        ("קופת חולים", "IL", "health care in Israel"),
        ("ဆေးရုံ", "MM", "health care in Myanmar"),
        ("មន្ទីរពេទ្យ ភ្នំពេញ", "KH", "health care in Cambodia"),
    ],
)
def test_words_of_africa_and_asia_are_explained(text: str, country: str, words: str) -> None:
    found = [finding for finding in public_words().find(line(text)) if country in finding.entry.countries]
    assert any(words in explain(finding) for finding in found)


@pytest.mark.parametrize(
    ("text", "country", "words"),
    [
        ("Pupusería La Bendición", "SV", "a restaurant in El Salvador"),
        ("Baleadas", "HN", "a dish in Honduras"),
        ("Banco Nacional de Costa Rica", "CR", "a bank in Costa Rica"),
        ("Tereguahẽ porãite", "PY", "a word of the language as it is used in Paraguay"),
        ("Areperas", "VE", "a dish in Venezuela"),
        ("Buss up shut", "TT", "a dish in Trinidad & Tobago"),
        ("Chuchitos", "GT", "a dish in Guatemala"),
        ("Plodine", "HR", "a supermarket in Croatia"),
        ("Banka Poštanska štedionica", "RS", "a bank in Serbia"),
        ("Аптеки Марешки", "BG", "a pharmacy in Bulgaria"),
        ("Lietuvos paštas", "LT", "the post in Lithuania"),
        ("Latvijas Dzelzceļš", "LV", "a railway in Latvia"),
        ("Tallinna Kaubamaja", "EE", "a supermarket in Estonia"),
        ("Läpiajo kielletty", "FI", "words of a road sign or notice in Finland"),
        ("Vinmonopolet", "NO", "a supermarket in Norway"),
        ("Нова Пошта", "UA", "the post in Ukraine"),
        ("Biedronka", "PL", "a supermarket in Poland"),
        ("Bashkia Tiranë", "AL", "an authority in Albania"),
    ],
)
def test_words_of_europe_and_the_americas_are_explained(text: str, country: str, words: str) -> None:
    found = [finding for finding in public_words().find(line(text)) if country in finding.entry.countries]
    assert any(words in explain(finding) for finding in found), [explain(finding) for finding in found]


@pytest.mark.parametrize("text", ["Ingang", "Bienvenidos", "Bienvenue", "Gracias", "Willkommen", "Welkom"])
def test_words_that_many_countries_write_name_none(text: str) -> None:
    assert [found for found in public_words().find(line(text)) if len(found.entry.countries) < 3] == []


NATIVE = small_table(
    ("аптека", "phrase", "pharmacy", "RU100", 3),
    ("=дпс", "phrase", "police", "RU100", 10),
    ("शौचालय", "phrase", "road-sign", "IN100", 3),
    ("داروخانه", "phrase", "pharmacy", "IR100", 3),
    ("ถนน", "phrase", "street-word", "TH100", 3),
    ("=ถนน", "phrase", "street-word", "TH100", 3),
    ("ธนาคาร", "phrase", "bank", "TH100", 3),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("аптека", ["аптека"]),
        ("дпс", ["дпс"]),  # readers of native scripts give lower case
        ("ДПС", ["ДПС"]),
        ("аптска", ["аптска"]),  # letters that look alike
        ("апшека", []),  # too short for a wrong letter
        ("सुलभ शौचालय", ["शौचालय"]),  # vowel signs do not end a word
        ("داروخانة", ["داروخانة"]),  # one form of heh and kaf
        ("ธนาคารกรุงไทย", ["ธนาคาร"]),  # inside writing without spaces
        ("ถนนสุขุมวิท", ["ถนน"]),
        ("ถนน", ["ถนน"]),
    ],
)
def test_words_in_native_scripts(text: str, found: list[str]) -> None:
    assert texts(NATIVE, text) == found


def test_a_misread_word_keeps_more_doubt() -> None:
    (exact,) = NATIVE.find(line("داروخانه"))
    (misread,) = NATIVE.find(line("داروخاته"))
    assert (exact.entry.doubt, misread.entry.doubt) == (0.03, 0.3)
    assert misread.entry.countries == {"IR": 1.0}


@pytest.mark.parametrize(
    ("lines", "language", "word"),
    [
        (["Smørkager", "Bagt efter gammel opskrift"], "da", "Bagt"),
        (["Agua Mineral Natural", "Sierra de Gredos"], "es", "Agua Mineral"),
    ],
)
def test_an_ordinary_word_of_the_lines_is_no_word_of_a_country_with_another_language(
    lines: list[str], language: str, word: str
) -> None:
    found = [line(text) for text in lines]
    assert any(word in cue.what for cue in public_word_cues(found))
    assert not any(word in cue.what for cue in public_word_cues(found, {language: 0.97}))
    assert any(word in cue.what for cue in public_word_cues(found, {language: 0.3})), "the language is not known"


def test_english_lines_leave_out_no_public_word() -> None:
    assert public_word_cues([line("Carabineros")], {"en": 0.99})[0].what == "Carabineros"


def test_an_ordinary_phrase_is_not_the_name_with_the_same_letters() -> None:
    table = small_table(("lavie", "phrase", "drink", "VN100", 3), ("labanque", "phrase", "bank", "FR100", 15))
    assert texts(table, "Lavie") == ["Lavie"]
    assert texts(table, "C'est la vie") == []
    assert texts(table, "la banque") == ["la banque"]


def test_food_is_known_by_its_name() -> None:
    assert is_food("RIOJA") and not is_food("Carabineros") and not is_food("Zaragoza")
