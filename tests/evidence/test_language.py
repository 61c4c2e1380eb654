"""Which language a few lines are in, how sure that is, and which countries it speaks for."""

from __future__ import annotations

import importlib.util
import math
import random
import time
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from whereshot.evidence import lexicon
from whereshot.evidence.country_languages import country_log_likelihood
from whereshot.evidence.known_languages import LANGUAGES, PRIOR
from whereshot.evidence.language import LanguageParameters, identify
from whereshot.evidence.text_segments import count_letters

ROOT = Path(__file__).parents[2]
DATA = ROOT / "src" / "whereshot" / "evidence" / "data"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_languages", ROOT / "scripts" / "fit_languages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fit_languages = load_script()
FITTED_ON, HELD_OUT = fit_languages.read_halves()

Sample = tuple[str, tuple[str, ...]]


def figures(samples: list[Sample]) -> dict[str, float]:
    return fit_languages.describe(samples, LanguageParameters.fitted())


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
        long = [(code, (line,)) for code, line in HELD_OUT if count_letters([line]) >= 15]
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
        babel = pytest.importorskip("babel", reason="needs babel (extra dev)")
        draw = random.Random(0)
        samples = []
        for code, known in LANGUAGES.items():
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
        return [(code, lines) for code, lines in samples if count_letters(lines) >= 15]

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
        assert count_letters(lines) == 0
        assert list(share.values()) == pytest.approx(sorted(PRIOR, reverse=True))
        assert np.allclose(list(country_log_likelihood(share).values()), 0, atol=1e-6)

    @pytest.mark.parametrize(
        "text", ["x" * 10_000, "ab1 " * 2500, "a" * 5000, "ж" * 5000, "中" * 5000, "한" * 5000, "é́" * 3000]
    )
    def test_long_nonsense_is_quick_and_normal(self, text: str) -> None:
        identify(["warm up"])
        start = time.process_time()
        share = identify([text])
        assert time.process_time() - start < 0.5
        assert sum(share.values()) == pytest.approx(1)
        assert set(share) == set(LANGUAGES)

    def test_repeating_adds_nothing(self) -> None:
        assert identify(["Udgang"] * 50) == identify(["Udgang"])

    def test_one_text_is_one_line(self) -> None:
        assert identify("Nur für Anlieger") == identify(["Nur für Anlieger"])


class TestSpeed:
    def test_twenty_lines(self) -> None:
        identify(["warm up"])
        seconds = []
        for first in range(0, 200, 20):
            lines = [line for _, line in HELD_OUT[first : first + 20]]
            lexicon.find_word.cache_clear()
            start = time.thread_time()
            identify(lines)
            seconds.append(time.thread_time() - start)
        assert sorted(seconds)[2] < 0.02

    def test_one_misread_character_does_not_make_a_japanese_stone_chinese(self) -> None:
        share = identify(["浜詰海岸記念碑场"])  # the last character is simplified Chinese, read for 場
        assert share["ja"] > share["zh"]
        assert identify(["请勿吸烟 禁止停车"])["zh"] > 0.9

    def test_probabilities_are_finite(self) -> None:
        share = identify([line for _, line in HELD_OUT][:200])
        assert all(math.isfinite(value) and value >= 0 for value in share.values())
