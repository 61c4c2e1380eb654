"""Patterns in lines: what is a web address, a telephone number, a price, and what only looks like one."""

from __future__ import annotations

import re

import pytest

from conftest import line
from whereshot.earth.countries import countries
from whereshot.evidence.patterns import pattern_cues, patterns
from whereshot.evidence.web_addresses import host_words
from whereshot.evidence.writing import fold_writing


def test_every_pattern_names_real_countries() -> None:
    known = set(countries().by_code) | {"GI", "GP", "MQ", "RE", "BS", "BB", "MO", "BQ", "CW", "AW"}
    for pattern in patterns():
        assert pattern.countries and set(pattern.countries) <= known, pattern.means


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("www.southwark.gov.uk/dogs", "GB"),
        ("info@gemeente.example visit www.amersfoort.nl", "NL"),
        ("Tel +45 33 12 34 56", "DK"),
        ("0049 30 901820", "DE"),
        ("Fine £1000", "GB"),
        ("SE1 7PB", "GB"),
        ("1012 JS", "NL"),
        ("San Francisco, CA 94110", "US"),
        ("Sp. z o.o.", "PL"),
        ("Bäckerei GmbH", "DE"),
        ("Ajuntament", "ES"),
        ("25 Kč", "CZ"),
        ("駐車場です", "JP"),
    ],
)
def test_patterns_mean_the_country(text: str, country: str) -> None:
    cues = pattern_cues([line(text)])
    assert any(max(cue.countries, key=lambda code: cue.countries[code]) == country for cue in cues), cues


@pytest.mark.parametrize("text", ["www.example.com", "youtu.be.com", "twitch.tv", "3.14", "e.g. this", "12.05.2024"])
def test_worldwide_addresses_and_numbers_mean_no_country(text: str) -> None:
    assert [cue for cue in pattern_cues([line(text)]) if cue.kind == "text/domain"] == []


def test_addresses_name_places() -> None:
    assert host_words("see www.stockholm.se/felanmalan") == ["stockholm"]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("www.southwark.gov.uk", "GB"),
        ("southwark.gov.uk/dogs", "GB"),
        ("Infos: hafenamt.de", "DE"),
        ("MARKTHALLE.DE", "DE"),
        ("http://amt.example.pt", "PT"),
        ("kontakt@hafenamt.dk", "DK"),
        ("Besuchen Sie uns im Netz: www.ab.at", "AT"),
        ("ringsted.dk/affald og genbrug hver dag", "DK"),
        ("www.bücherei.ch", "CH"),
    ],
)
def test_addresses_mean_their_country(text: str, country: str) -> None:
    (cue,) = [cue for cue in pattern_cues([line(text)]) if cue.kind == "text/domain"]
    assert [*cue.countries] == [country]


@pytest.mark.parametrize(
    "text",
    [
        *("etc.it", "Obst, Gemüse etc.it", "u.a.", "u.a.de", "Ende.Der", "Bitte nicht füttern.Danke", "README.md"),
        *("Hier ist das Ende.de Weg geht nicht weiter", "Pas på hunden.de bider", "No dogs.no cats.no bikes"),
        *("Version 2.0.de", "youtu.be/abc", "2.5.it", "Jane.Doe@example.com"),
    ],
)
def test_a_lost_space_makes_no_address(text: str) -> None:
    assert [cue.what for cue in pattern_cues([line(text)]) if cue.kind == "text/domain"] == []


@pytest.mark.parametrize(
    ("text", "country"),
    [("+45 33 12 34 56", "DK"), ("0044 20 7946 0958", "GB"), ("+4930901820", "DE"), ("(+351) 21 123 4567", "PT")],
)
def test_numbers_with_a_countrys_code(text: str, country: str) -> None:
    assert country in {code for cue in pattern_cues([line(text)]) if cue.kind == "text/phone" for code in cue.countries}


@pytest.mark.parametrize(
    "text",
    [
        *("00 12345678", "00 49 30 901820 00", "+12.05.2024", "+49 12.05.2024", "+1 000 000 visitors", "18+45 123456"),
        *("Order no 0033 123456", "20:0045 123456", "5.0049 123456", "05 12 18 23 31 44", "38 40 42 44", "+45 12"),
    ],
)
def test_dates_and_serial_numbers_are_no_telephones(text: str) -> None:
    assert [cue.what for cue in pattern_cues([line(text)]) if cue.kind == "text/phone"] == []


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Kaffee 1,50 €", "1,50 €"),
        ("€ 12.90 pro Stück", "€ 12.90"),
        ("Fine £1,000.", "£1,000"),
        ("125,- kr", "125,- kr"),
        ("1.250 Kč", "1.250 Kč"),
    ],
)
def test_prices_are_quoted_whole(text: str, quoted: str) -> None:
    assert [cue.what for cue in pattern_cues([line(text)]) if cue.kind == "text/currency"] == [quoted]


@pytest.mark.parametrize(
    ("text", "country"),
    [("London E1 6AN", "GB"), ("Glasgow G2 1AL", "GB"), ("Portland, OR 97204", "US"), ("Boston MA 02108", "US")],
)
def test_postcodes_of_real_areas(text: str, country: str) -> None:
    assert next(iter(pattern_cues([line(text)])[0].countries)) == country


@pytest.mark.parametrize("text", ["A4 5GB", "K9 1AA", "AK 47000", "OK 12345", "DE 12345", "CEP"])
def test_what_is_shaped_as_a_postcode_of_no_area(text: str) -> None:
    assert [cue.what for cue in pattern_cues([line(text)]) if cue.kind == "text/postcode"] == []


@pytest.mark.parametrize(
    ("texts", "country", "kind"),
    [
        (["PARE"], "BR", "text/word"),
        (["ALTO"], "MX", "text/word"),
        (["ARRÊT"], "CA", "text/word"),
        (["ARRET", "STOP"], "CA", "text/word"),
        (["ARAF SLOW"], "GB", "text/word"),
        (["DUR"], "TR", "text/word"),
        (["止まれ"], "JP", "text/word"),
        (["Rue Neuve", "Nieuwstraat"], "BE", "text/word"),
        (["Ausgang Sortie Uscita"], "CH", "text/word"),
        (["Ausgang", "Sortie", "Uscita"], "CH", "text/word"),
        (["Mannerheimintie", "Mannerheimvägen"], "FI", "text/word"),
        (["HK$ 38"], "HK", "text/currency"),
        (["A$ 12"], "AU", "text/currency"),
        (["12 lei"], "RO", "text/currency"),
        (["₪ 25"], "IL", "text/currency"),
        (["₴ 120"], "UA", "text/currency"),
        (["₽ 250"], "RU", "text/currency"),
        (["₦ 500"], "NG", "text/currency"),
        (["₱ 150"], "PH", "text/currency"),
        (["₩5,000"], "KR", "text/currency"),
        (["₺ 45"], "TR", "text/currency"),
        (["฿ 120"], "TH", "text/currency"),
        (["¥ 980"], "JP", "text/currency"),
        (["R 49.99"], "ZA", "text/currency"),
        (["990 Ft"], "HU", "text/currency"),
        (["KSh 250"], "KE", "text/currency"),
        (["S/ 12.50"], "PE", "text/currency"),
    ],
    ids=str,
)
def test_road_signs_pairs_of_languages_and_currencies(texts: list[str], country: str, kind: str) -> None:
    cues = [cue for cue in pattern_cues([line(text) for text in texts]) if cue.kind == kind]
    assert len(cues) >= 1, texts
    assert all(max(cue.countries, key=lambda code: cue.countries[code]) == country for cue in cues), cues


@pytest.mark.parametrize(
    "texts",
    [["Rue Neuve"], ["Nieuwstraat"], ["Ausgang"], ["alto voltaje"], ["No pare aquí"], ["R 49"], ["Bs"], ["lei è"]],
)
def test_half_a_pair_and_words_in_a_sentence_are_no_road_signs(texts: list[str]) -> None:
    cues = pattern_cues([line(text) for text in texts])
    assert not [cue for cue in cues if "sign of" in cue.means or "together" in cue.means or cue.kind == "text/currency"]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("150 грн", "UA"),
        ("99 руб.", "RU"),
        ("45 лв.", "BG"),
        ("450 ден", "MK"),
        ("5000 тг", "KZ"),
        ('35 ש"ח', "IL"),
        ("20 ლარი", "GE"),
        ("১২০ টাকা", "BD"),
        ("25000 تومان", "IR"),
        ("50 جنيه", "EG"),
        ("250 रु.", "IN"),
        ("120 ብር", "ET"),
        ("2000 ကျပ်", "MM"),
    ],
)
def test_prices_in_native_writing(text: str, country: str) -> None:
    for written in (text, fold_writing(text)):
        (cue,) = pattern_cues([line(written)])
        assert cue.kind == "text/currency"
        assert max(cue.countries, key=cue.countries.__getitem__) == country


@pytest.mark.parametrize("text", ["2 р-н", "12 лет", "5 деньги", "ден"])
def test_other_words_beside_numbers_are_no_prices(text: str) -> None:
    assert pattern_cues([line(text)]) == []


@pytest.mark.parametrize(
    ("texts", "countries", "means"),
    [
        (["Parcio i ymwelwyr", "Visitor parking"], "GB", "Welsh and English together"),
        (["Slighe choise", "Keep to the path"], "GB", "Scottish Gaelic and English together"),
        (["Ionad cuairteoirí", "Visitor centre"], "IE", "Irish and English together"),
        (["Allinta hamuy llaqtanchikman", "Bienvenidos a nuestro pueblo"], "PE", "Spanish and Quechua together"),
        (["Jallalla Qullasuyu", "Centro de salud"], "BO", "Spanish and Aymara together"),
        (["Tereguahẽ porãite", "Bienvenidos a la ciudad"], "PY", "Spanish and Guaraní together"),
        (["Nau mai haere mai", "Welcome to the hall"], "NZ", "Māori and English together"),
        (["Usitupe takataka", "Keep the road clean"], "KE", "Swahili and English together"),
        (["Bawal pumasok", "Keep out please"], "PH", "Filipino and English together"),
        (["Balai polis", "Police"], "MY", "Malay and English together"),
        (["Besoekers moet aanmeld", "All visitors must report"], "ZA", "Afrikaans or Dutch with English"),
        (["Bon bini", "Welcome to our island"], "AW", "Papiamento"),
        (["Sissepääs keelatud", "Вход воспрещён"], "EE", "Estonian and Russian together"),
        (["Ieeja aizliegta", "Вход воспрещён"], "LV", "Latvian and Russian together"),
        (["Įėjimas draudžiamas", "Вход запрещён"], "LT", "Lithuanian and Russian together"),
        (["Intrarea interzisă", "Вход воспрещён"], "MD", "Romanian and Russian together"),
        (["Кіруге рұқсат жоқ", "Вход воспрещён"], "KZ", "Kazakh and Russian together"),
        (["אין כניסה", "ممنوع الدخول"], "IL", "Hebrew and Arabic together"),
        (["ඇතුල්වීම තහනම්", "உட்செல்லத் தடை"], "LK", "Sinhala and Tamil together"),
        (["ممنوع الوقوف", "Stationnement interdit"], "MA", "Arabic and French together"),
        (["藥房", "Farmácia do largo"], "MO", "Chinese and Portuguese together"),
        (["请勿吸烟", "புகைபிடிக்காதீர்"], "SG", "Chinese and Tamil together"),
        (["Primăria comunei", "Községi polgármesteri hivatal"], "RO", "Hungarian and Romanian together"),
        (["Obecný úrad", "Községi hivatal"], "SK", "Hungarian and Slovak together"),
        (["Месна заједница", "Helyi közösség"], "RS", "Hungarian and Serbian together"),
        (["Stacioni i policisë", "Policijska stanica"], "XK", "Albanian and Serbian together"),
        (["Komuna e Tetovës", "Општина Тетово"], "MK", "Albanian and Macedonian together"),
        (["Bures boahtin", "Velkommen til vår kirke"], "NO", "Sámi and Norwegian together"),
        (["Suohkan", "Kommun"], "SE", "Sámi beside Swedish or Finnish"),
        (["Straed an Iliz", "Rue de l'Eglise"], "FR", "Breton and French together"),
        (["Merria", "Mairie"], "FR", "Corsican and French together"),
        (["Piazza di a Ghjesgia", "Place de l'église"], "FR", "Corsican and French together"),
        (["Pa jete fatra", "Défense d'afficher"], "HT", "Haitian Creole and French together"),
        (["Wet floor", "Piso mojado"], "US", "English and Spanish together"),
        (["Wëllkomm an eiser Gemeng", "Bienvenue dans notre commune"], "LU", "Luxembourgish and French together"),
        (["Tidħolx mingħajr permess", "No entry without permission"], "MT", "Maltese and English together"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_two_languages_on_a_sign_name_the_countries_that_write_both(
    texts: list[str], countries: str, means: str
) -> None:
    pairs = [cue for cue in pattern_cues([line(text) for text in texts]) if cue.means.startswith(means)]
    assert len(pairs) == 1
    assert max(pairs[0].countries, key=pairs[0].countries.__getitem__) == countries
    for text in texts:
        assert not [cue for cue in pattern_cues([line(text)]) if cue.means.startswith(means)], "one language is no pair"


def test_every_pair_of_languages_is_explained_by_its_languages() -> None:
    pairs = [pattern for pattern in patterns() if pattern.beside and pattern.kind == "text/word"]
    assert len(pairs) > 40
    unnamed = [pattern.means for pattern in pairs if not re.search(" together| with | beside ", pattern.means)]
    assert unnamed == []


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("C$ 150", "NI"),
        ("Q. 15.00", "GT"),
        ("BDS$ 10", "BB"),
        ("BZ$ 25", "BZ"),
        ("G$ 500", "GY"),
        ("250 gourdes", "HT"),
        ("500 lekë", "AL"),
        ("35 kn", "HR"),
        ("5,20 BYN", "BY"),
        ("1.290 ISK", "IS"),
    ],
)
def test_prices_of_small_countries(text: str, country: str) -> None:
    (cue,) = [cue for cue in pattern_cues([line(text)]) if cue.kind == "text/currency"]
    assert max(cue.countries, key=cue.countries.__getitem__) == country


@pytest.mark.parametrize(
    ("text", "country", "means"),
    [
        ("Bahnhofstrasse", "CH", "German with ss for ß, as in Switzerland"),
        ("Ausserhalb der Öffnungszeiten", "CH", "German with ss for ß, as in Switzerland"),
        ("Loja de eletrônicos", "BR", "Portuguese spelling as in Brazil"),
        ("Cardápio econômico", "BR", "Portuguese spelling as in Brazil"),
        ("Direcção Regional", "PT", "Portuguese spelling as in Portugal"),
        ("Cargá la tarjeta acá", "AR", "Spanish with orders in -á, as in Argentina"),
    ],
)
def test_spelling_tells_varieties_apart(text: str, country: str, means: str) -> None:
    (cue,) = [cue for cue in pattern_cues([line(text)]) if cue.means == means]
    assert max(cue.countries, key=cue.countries.__getitem__) == country


@pytest.mark.parametrize(
    "text",
    ["BAHNHOFSTRASSE", "Bahnhofstraße", "Panamá la vieja", "Está en obra", "Será el domingo", "Económico", "Gross"],
)
def test_spelling_that_all_varieties_share_tells_nothing(text: str) -> None:
    assert not [cue for cue in pattern_cues([line(text)]) if "spelling" in cue.means or ", as in" in cue.means]


def test_english_with_french_is_as_likely_in_cameroon_as_in_canada() -> None:
    (cue,) = [cue for cue in pattern_cues([line("Entrée"), line("Entrance")]) if "English and French" in cue.means]
    assert cue.countries["CM"] == cue.countries["CA"]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("NIT 900.123.456-7", "CO"),
        ("C.U.I.T.: 30-12345678-9", "AR"),
        ("CNPJ 12.345.678/0001-95", "BR"),
        ("RUT: 76.123.456-K", "CL"),
        ("RIF J-12345678-9", "VE"),
        ("RUC 20123456789", "PE"),
    ],
)
def test_tax_numbers_are_of_their_country(text: str, country: str) -> None:
    assert [[*cue.countries] for cue in pattern_cues([line(text)]) if cue.kind == "text/word"] == [[country]]


def test_characters_that_japanese_has_too_are_not_called_traditional_chinese() -> None:
    (shared,) = [cue for cue in pattern_cues([line("東京")]) if cue.kind == "text/word"]
    assert shared.countries["JP"] == shared.countries["TW"]
    (chinese,) = [cue for cue in pattern_cues([line("這裡")]) if cue.kind == "text/word"]
    assert chinese.means == "traditional Chinese characters"
