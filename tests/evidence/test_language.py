"""Which language a few lines are in, how sure that is, and which countries it speaks for."""

from __future__ import annotations

import importlib.util
import math
import random
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest

from whereshot.evidence import language
from whereshot.evidence.language import amount, country_log_likelihood, identify, language_name, word_zipf

ROOT = Path(__file__).parents[2]
DATA = ROOT / "src" / "whereshot" / "data"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_languages", ROOT / "scripts" / "fit_languages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fit_languages = load_script()
FITTED_ON, HELD_OUT = fit_languages.read_halves()

Sample = tuple[str, tuple[str, ...]]


def figures(samples: list[Sample]) -> dict[str, float]:
    return fit_languages.describe(samples, language.Parameters.fitted())


def best(*lines: str) -> str:
    return next(iter(identify(lines)))


class TestHeldOutSigns:
    def test_there_are_enough_of_them(self) -> None:
        counts: dict[str, int] = {}
        for code, _ in [*FITTED_ON, *HELD_OUT]:
            counts[code] = counts.get(code, 0) + 1
        assert len(counts) >= 50
        assert min(counts.values()) >= 12
        assert not {line for _, line in FITTED_ON if len(line) > 15} & {
            line for code, line in HELD_OUT if len(line) > 15 and code not in ("no", "da", "es", "gl", "nl", "af")
        }

    def test_lines_of_fifteen_letters(self) -> None:
        long = [(code, (line,)) for code, line in HELD_OUT if amount([line]) >= 15]
        assert len(long) > 200
        found = figures(long)
        assert found["top1"] >= 0.85
        assert found["top3"] >= 0.93
        assert found["calibration_error"] < 0.1

    @pytest.mark.parametrize(
        ("kind", "top1", "top3"),
        [("line", 0.87, 0.95), ("bare", 0.7, 0.88), ("word", 0.68, 0.87), ("several", 0.95, 0.99)],
    )
    def test_kinds_of_text(self, kind: str, top1: float, top3: float) -> None:
        """Also single words and lines without their accents know how sure they are."""
        found = figures(fit_languages.samples_of(HELD_OUT, seed=1)[kind])
        assert found["top1"] >= top1
        assert found["top3"] >= top3
        assert found["calibration_error"] < 0.1

    def test_the_shipped_figures_are_those_of_the_shipped_parameters(self) -> None:
        document = tomllib.loads((DATA / "language.toml").read_text("utf-8"))
        found = figures(fit_languages.samples_of(HELD_OUT, seed=1)["line"])
        assert document["held_out"]["line"] == pytest.approx(found, abs=5e-3)
        assert document["provenance"]["fitted_lines"] == len(FITTED_ON)


class TestLocaleData:
    """Words of Unicode CLDR, which nothing was fitted on: three at a time, of fifteen letters or more."""

    CALENDAR_IS_KNOWN = "af az be br cy et eu fo fy ga gd gl ku kk ky lb mg mn mr mt ne ps so sq sw tg tk uz zu"
    """scripts/build_languages.py put these languages' days and months into the table."""
    COUNTRIES = "DE FR GB ES IT GR SE NO DK FI RU UA PL HU AT CH TR EG MA ZA US CA BR AR CL JP CN KR IN TH AU NZ"

    def samples(self, kind: str) -> list[Sample]:
        babel = pytest.importorskip("babel")
        draw = random.Random(0)
        samples = []
        for code, known in language.LANGUAGES.items():
            if known.weight < 1 or (kind == "calendar" and code in self.CALENDAR_IS_KNOWN.split()):
                continue
            try:
                locale = babel.Locale.parse({"zh-Hant": "zh_Hant", "no": "nb", "tl": "fil"}.get(code, code))
            except babel.UnknownLocaleError:
                continue
            if kind == "territories":
                names = [
                    locale.territories[country] for country in self.COUNTRIES.split() if country in locale.territories
                ]
            elif kind == "calendar":
                names = [*locale.days["format"]["wide"].values(), *locale.months["format"]["wide"].values()]
            else:
                names = [forms["long"] for forms in locale._data["unit_display_names"].values() if "long" in forms]
            if len(names) >= 10:
                samples += [(code, (" ".join(draw.sample(names, 3)),)) for _ in range(8)]
        return [(code, lines) for code, lines in samples if amount(lines) >= 15]

    @pytest.mark.parametrize(
        ("kind", "top1", "top3"), [("calendar", 0.92, 0.97), ("territories", 0.8, 0.91), ("units", 0.72, 0.88)]
    )
    def test_words_never_seen(self, kind: str, top1: float, top3: float) -> None:
        samples = self.samples(kind)
        assert len(samples) > 200
        found = figures(samples)
        assert found["top1"] >= top1
        assert found["top3"] >= top3
        assert found["calibration_error"] < 0.1


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("da", "Hunde må kun føres i snor på stranden"),
        ("no", "Hunder må holdes i bånd på stranda, også om vinteren"),
        ("sv", "Hundar får inte vara lösa på stranden"),
        ("cs", "Prosíme, nevstupujte na trávník ani při údržbě"),
        ("sk", "Prosíme, nevstupujte na trávnik ani počas údržby"),
        ("hr", "Tijekom radova u ulici vozi se samo jednim smjerom, Općina"),
        ("sr", "Za vreme radova saobraćaj se odvija samo jednom trakom, Opština"),
        ("sr", "За време радова саобраћај се одвија једном траком"),
        ("sl", "V času del na cesti poteka promet le po enem pasu"),
        ("es", "No se permite la entrada de perros a la playa en verano"),
        ("ca", "No es permet l'entrada de gossos a la platja a l'estiu"),
        ("pt", "Não é permitida a entrada de cães na praia no verão"),
        ("gl", "Non se permite a entrada de cans na praia no verán, grazas"),
        ("nl", "Honden zijn hier niet toegestaan tussen mei en oktober"),
        ("af", "Honde word nie hier toegelaat tussen Mei en Oktober nie"),
        ("de", "Hunde sind hier zwischen Mai und Oktober nicht erlaubt"),
        ("id", "Mohon antre dengan tertib karena tempat ini ramai"),
        ("ms", "Sila beratur dengan tertib kerana tempat ini sesak"),
        ("ru", "Вход на территорию только по пропускам"),
        ("uk", "Вхід на територію тільки за перепустками"),
        ("bg", "Влизането на територията става само с пропуск"),
        ("zh", "请不要在这里停车"),
        ("zh-Hant", "請不要在這裡停車"),
        ("ja", "ここに駐車しないでください"),
        ("fa", "لطفا در این محل پارک نکنید"),
        ("ar", "يرجى عدم الوقوف في هذا المكان"),
        ("ur", "براہ کرم یہاں گاڑی نہ کھڑی کریں"),
    ],
)
def test_neighbours_are_told_apart(code: str, line: str) -> None:
    assert best(line) == code
    assert best(line.upper()) == code


@pytest.mark.parametrize("script_of_one", ["el Έξοδος", "he יציאה", "ko 출구", "th ทางออก", "ka გასასვლელი", "hy Ելք"])
def test_a_script_of_its_own_decides(script_of_one: str) -> None:
    code, text = script_of_one.split()
    assert identify([text])[code] > 0.95
    assert identify([text, "TAXI 24 h", "www.example.com"])[code] > 0.95


class TestModesty:
    @pytest.mark.parametrize(
        "text", ["OK", "STOP", "Bar", "Hotel", "TAXI", "Exit", "Kebab", "BBC", "Volvo", "Lidl", "SPAR"]
    )
    def test_a_word_seen_everywhere_says_little(self, text: str) -> None:
        assert max(identify([text]).values()) < 0.5

    def test_more_text_is_surer(self) -> None:
        one, two = identify(["Parkering"]), identify(["Parkering förbjuden mellan kl. 22 och 06"])
        assert max(one.values()) < max(two.values())
        assert two["sv"] > 0.9

    def test_words_that_two_languages_share_stay_shared(self) -> None:
        share = identify(["Parkering forbudt"])
        assert min(share["da"], share["no"]) > 0.15
        assert share["sv"] < 0.1

    def test_one_odd_word_does_not_decide(self) -> None:
        text = "Bitte keine Werbung und keine kostenlosen Zeitungen einwerfen"
        assert best(text + " szczęście") == "de"

    def test_lost_accents_cost_little(self) -> None:
        assert best("Zakaz wstepu na teren budowy, prosze zamykac brame") == "pl"
        assert best("Prosim zavirejte dvere, vstup jen pro zamestnance") == "cs"

    def test_misread_digits(self) -> None:
        assert best("Bitte d1e Tür schl1essen und n1cht rauchen") == "de"

    def test_the_language_of_the_place_wins_over_english_beside_it(self) -> None:
        assert best("Frederiksberg Kommune", "Cykelparkering forbudt", "Welcome to our shop") == "da"
        assert best("Willkommen im Rathaus", "Welcome to the town hall") == "de"

    def test_two_languages_share(self) -> None:
        share = identify(["Wegen Umbau geschlossen", "Fermé pour cause de travaux"])
        assert share["de"] + share["fr"] > 0.9
        assert min(share["de"], share["fr"]) > 0.02


class TestAnyInput:
    @pytest.mark.parametrize(
        "lines", [[], [""], ["12 345", "+49 761 1234567"], ["😀🎉"], ["a", "B"], ["\x00\ud800"], ["ᚠᚢᚦ"]]
    )
    def test_nothing_to_read_gives_the_prior(self, lines: list[str]) -> None:
        share = identify(lines)
        assert amount(lines) == 0
        assert list(share.values()) == pytest.approx(sorted(language.PRIOR, reverse=True))
        assert np.allclose(list(country_log_likelihood(share).values()), 0, atol=1e-6)

    @pytest.mark.parametrize(
        "text", ["x" * 10_000, "ab1 " * 2500, "a" * 5000, "ж" * 5000, "中" * 5000, "한" * 5000, "é́" * 3000]
    )
    def test_long_nonsense_is_quick_and_normal(self, text: str) -> None:
        identify(["warm up"])
        start = time.perf_counter()
        share = identify([text])
        assert time.perf_counter() - start < 0.5
        assert sum(share.values()) == pytest.approx(1)
        assert set(share) == set(language.LANGUAGES)

    def test_repeating_adds_nothing(self) -> None:
        assert identify(["Udgang"] * 50) == identify(["Udgang"])

    def test_addresses_and_numbers_do_not_count(self) -> None:
        assert amount(["www.koirat-kiinni.fi", "info@koirat.fi", "KA-AB 1234", "2x45 m"]) == len("KAAB")
        assert amount(["Hunde", "an die Leine"]) == 15

    def test_one_text_is_one_line(self) -> None:
        assert identify("Nur für Anlieger") == identify(["Nur für Anlieger"])


class TestCountries:
    @staticmethod
    def of(*lines: str) -> dict[str, float]:
        return country_log_likelihood(identify(lines))

    def test_danish(self) -> None:
        found = self.of("Hunde skal føres i snor", "Vis hensyn - legende børn")
        assert max(found, key=found.get) == "DK"
        assert found["DK"] > found["NO"] + 1.5
        assert found["DK"] > found["DE"] + 2.5
        assert found["GL"] > found["DE"]

    def test_catalan(self) -> None:
        found = self.of("Ajuntament de la vila", "Prohibit el pas als vianants")
        assert sorted(found, key=found.get)[-2:] == ["ES", "AD"]
        assert found["ES"] > found["FR"] + 2

    def test_german(self) -> None:
        found = self.of("Betreten der Baustelle verboten", "Eltern haften für ihre Kinder")
        first = sorted(found, key=found.get, reverse=True)[:6]
        assert {"DE", "AT", "CH", "LI"} <= set(first)

    def test_english_is_a_mild_preference(self) -> None:
        found = self.of("Please close the gate", "Opening hours Monday to Friday")
        assert found["GB"] > found["DE"]
        assert max(found.values()) - min(found.values()) < 2.3

    def test_no_country_is_ruled_out(self) -> None:
        found = self.of("Koirat pidettävä kytkettyinä", "Luvaton pysäköinti kielletty")
        assert max(found, key=found.get) == "FI"
        assert min(found.values()) > -6

    def test_traditional_characters(self) -> None:
        found = self.of("請不要在這裡停車", "營業時間")
        assert min(found["TW"], found["HK"]) > found["CN"] + 1

    def test_odd_mappings(self) -> None:
        assert np.allclose(list(country_log_likelihood({}).values()), 0, atol=1e-6)
        assert country_log_likelihood({"xx": 1.0}) == country_log_likelihood({})
        assert country_log_likelihood({"da": 2.0}) == country_log_likelihood({"da": 1.0})


class TestTables:
    def test_sizes(self) -> None:
        assert (DATA / "words.parquet").stat().st_size <= 1_500_000
        assert (DATA / "speakers.parquet").stat().st_size <= 50_000

    def test_shares_sum_to_one(self) -> None:
        countries, share, others = language.speakers()
        assert len(countries) == len(set(countries)) > 240
        assert np.allclose(share.sum(axis=1) + others, 1, atol=1e-5)
        assert {"DE", "XK", "GL", "FO", "AD", "TW", "AX"} <= set(countries)

    @pytest.mark.parametrize(
        ("country", "code", "least", "most"),
        [
            ("ES", "ca", 0.05, 0.2),
            ("ES", "gl", 0.02, 0.1),
            ("ES", "eu", 0.01, 0.1),
            ("GB", "cy", 0.005, 0.05),
            ("NL", "fy", 0.01, 0.1),
            ("IE", "ga", 0.1, 0.4),
            ("FO", "fo", 0.5, 1),
            ("GL", "kl", 0.4, 0.9),
            ("FI", "sv", 0.05, 0.3),
            ("IT", "de", 0.003, 0.05),
            ("DE", "tr", 0, 0.002),
            ("DE", "de", 0.75, 0.9),
            ("DE", "en", 0.1, 0.2),
            ("TW", "zh-Hant", 0.5, 1),
        ],
    )
    def test_regional_languages(self, country: str, code: str, least: float, most: float) -> None:
        table = pq.read_table(DATA / "speakers.parquet").to_pylist()
        share = {(row["country_code"], row["language"]): row["share"] for row in table}
        assert least <= share[country, code] <= most

    def test_words_are_sorted_by_their_plain_spelling(self) -> None:
        table = pq.read_table(DATA / "words.parquet").to_pydict()
        assert table["plain"] == sorted(table["plain"])
        draw = random.Random(0)
        for row in draw.sample(range(len(table["plain"])), 500):
            word = table["accented"][row] or table["plain"][row]
            assert language.fold(word) == table["plain"][row]
            found = language.lexicon().find(word)
            listed = {language.CODES[number] for number in found.languages[found.difference == 0]}
            assert set(table["languages"][row].split()) <= listed

    def test_every_language_of_the_words_is_known(self) -> None:
        listed = {language.CODES[number] for number in np.flatnonzero(language.lexicon().is_listed)}
        assert {"da", "no", "sv", "hr", "sr", "bs", "uk", "zh", "zh-Hant", "ja", "tl", "vi"} <= listed
        assert not {"af", "gl", "el"} & listed

    def test_zipf(self) -> None:
        assert 7 < word_zipf("the", "en") < 8
        assert word_zipf("Straße", "de") > 4
        assert word_zipf("strasse", "de") > 3
        assert word_zipf("qwertzu", "de") == word_zipf("the", "xx") == 0.0

    def test_names(self) -> None:
        assert language_name("sv") == "Swedish"
        assert language_name("tlh") == "tlh"


class TestSpeed:
    def test_import_loads_no_tables(self) -> None:
        code = "import sys\nfrom whereshot.evidence.language import lexicon as l\n"
        code += "print('py3langid' in sys.modules, l.cache_info().misses)"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.split() == ["False", "0"]

    def test_tables_load_fast(self) -> None:
        seconds = []
        for _ in range(3):
            language.lexicon.cache_clear()
            language.speakers.cache_clear()
            start = time.perf_counter()
            language.lexicon()
            language.speakers()
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 0.5

    def test_twenty_lines(self) -> None:
        identify(["warm up"])
        seconds = []
        for first in range(0, 200, 20):
            lines = [line for _, line in HELD_OUT[first : first + 20]]
            language._word.cache_clear()
            start = time.thread_time()
            identify(lines)
            seconds.append(time.thread_time() - start)
        assert sorted(seconds)[2] < 0.02

    def test_probabilities_are_finite(self) -> None:
        share = identify([line for _, line in HELD_OUT][:200])
        assert all(math.isfinite(value) and value >= 0 for value in share.values())
