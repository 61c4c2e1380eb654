"""Lines of text to countries: signs of many languages, and what must not be read into shirts and menus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import RankCountries, line
from whereshot.evidence import fuse
from whereshot.evidence.base import Cue, Line
from whereshot.evidence.text import cues_of
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

DATA = Path(__file__).parent / "data"


def test_sign_lines_lead_to_their_country(rank_countries: RankCountries) -> None:
    """200 hand-written lines in many languages, with misread letters: at least 85 % right first."""
    rows = [row.split("\t") for row in (DATA / "sign_lines.tsv").read_text("utf-8").splitlines()]
    assert len(rows) >= 200
    wrong = [(country, text) for country, text in rows if rank_countries(cues_of([line(text)]))[0][0] != country]
    assert len(wrong) <= 0.15 * len(rows), wrong


def test_no_trap_moves_the_first_country_by_a_nat(rank_countries: RankCountries) -> None:
    before = dict(country_masses(density_prior())[0])
    first = max(before, key=lambda code: before[code])
    for text in (DATA / "trap_lines.tsv").read_text("utf-8").splitlines():
        after = rank_countries(cues_of([line(text)]))
        leader = after[0][0]
        assert abs(np.log(dict(after)[first] / before[first])) <= 1, text
        assert abs(np.log(after[0][1] / before[leader])) <= 1, text


@pytest.mark.parametrize("surface", ["package", "clothing", "print", "screen", "overlay"])
def test_a_lone_common_noun_off_signs_moves_no_country_by_more_than_a_nat(surface: str) -> None:
    before = dict(country_masses(density_prior())[0])
    for word in ("Milch", "fromage", "mantequilla", "leipä", "kenyér", "ekmek", "pâine", "masło", "kaas"):
        read = Line(word, 0.95, (0, 0, 100, 20), surfaces={surface: 1.0})
        cues = [cue for cue in cues_of([read]) if cue.kind == "text/language"]
        assert [cue.trust for cue in cues] == ["text/language/word"], word
        after = dict(country_masses(fuse(density_prior(), cues).posterior)[0])
        moved = {code: float(np.log(after[code] / before[code])) for code in before if before[code] > 0.001}
        assert max(map(abs, moved.values())) <= 1.0, (word, max(moved, key=lambda code: abs(moved[code])))


@pytest.mark.parametrize("text", ["© Amit Kohli 2008", "shutterstock", "Photo by Jane Doe"])
def test_the_photographers_credit_is_no_evidence(text: str) -> None:
    assert cues_of([line(text)]) == []


def test_a_misread_scrap_is_no_language() -> None:
    assert [cue.kind for cue in cues_of([line("DANTT")])] == []


def test_a_cue_stands_on_what_its_own_line_stands_on() -> None:
    sign = Line("Ajuntament de Barcelona", 0.9, (0, 0, 400, 30), surfaces={"sign": 1.0})
    bottle = Line("www.xxqz.fr", 0.9, (0, 200, 100, 210), surfaces={"package": 1.0})
    cues = cues_of([sign, bottle])
    by_kind = {cue.kind: cue.surfaces for cue in cues}
    assert by_kind["text/domain"] is not None and by_kind["text/domain"]["package"] == 1.0
    assert by_kind["text/place"] is not None and by_kind["text/place"]["sign"] == 1.0
    assert by_kind["text/language"] is not None and by_kind["text/language"]["sign"] == 0.5
    assert all(cue.surfaces is None for cue in cues_of([line("Ajuntament de Barcelona")]))


def test_the_reason_names_the_language_that_speaks_for_the_country() -> None:
    box = (0, 0, 10, 10)
    lines = [Line(text, 0.99, box) for text in ("Settings", "Wi-Fi Connected", "Language: Deutsch", "Bitte wählen")]
    (cue,) = [cue for cue in cues_of(lines) if cue.kind == "text/language"]
    assert "German" in cue.reason("DE", "Germany", 2.0, 2.0)
    assert cue.reason("JP", "Japan", -1.0, -2.0) == f"{cue.means}, which speaks against Japan"
    assert cue.reason("DE", "Germany", 0.01, 0.01) == cue.means


@pytest.mark.parametrize("alone", [1.2, 0.0])
def test_a_language_of_the_country_never_speaks_against_it(alone: float) -> None:
    """Beside other cues it can help other countries more: French and Senegal, English and Canada."""
    lines = [line("École primaire"), line("Boulangerie du marché"), line("Ouvert tous les jours")]
    (cue,) = [cue for cue in cues_of(lines) if cue.kind == "text/language"]
    assert "against" not in cue.reason("SN", "Senegal", -0.6, alone)
    assert cue.reason("SN", "Senegal", -0.6, alone).endswith(", which fits other countries better than Senegal")


def test_a_language_that_is_named_already_is_not_named_again() -> None:
    cue = Cue("text/language", "x", "the language looks like English (99 %)", "text/language", countries={"DE": 1.0})
    named = replace(cue, languages={"DE": "German", "GB": "English"})
    english = "the language looks like English (99 %)"
    assert named.reason("GB", "United Kingdom", 2.0, 2.0) == english
    assert named.reason("DE", "Germany", 3.26, 3.0) == f"{english}; part of it looks like German"
    assert cue.reason("DE", "Germany", 3.26, 3.0) == english and named.reason(None, None, 1.0, 1.0) == english


@pytest.mark.parametrize(
    ("lines", "country"),
    [
        (("धन्यवाद", "THANKS"), "IN"),
        (("ทางออก", "EXIT", "Fire extinguisher"), "TH"),
        (("у львові", "LVIV", "welcome to the city"), "UA"),
        (("გასასვლელი", "EXIT"), "GE"),
    ],
)
def test_a_short_text_in_a_native_script_counts_beside_english(lines: tuple[str, ...], country: str) -> None:
    cue = next(
        cue
        for cue in cues_of([Line(text, 0.95, (0, 40 * row, 400, 40 * row + 30)) for row, text in enumerate(lines)])
        if cue.kind == "text/language"
    )
    assert cue.countries is not None
    assert cue.countries[country] > 100 * cue.countries["US"]
    assert cue.countries[country] > 100 * cue.countries["GB"]


@pytest.mark.parametrize(
    ("text", "country"), [("医院急诊", "CN"), ("駐車場", "JP"), ("台北車站", "TW"), ("大阪", "JP")]
)
def test_few_chinese_characters_tell_a_country(text: str, country: str) -> None:
    countries, _ = zip(*country_masses(fuse(density_prior(), cues_of([line(text)])).posterior)[0], strict=True)
    assert countries[0] == country


@pytest.mark.parametrize("text", ["口", "一", "囗一"])
def test_single_strokes_that_look_like_chinese_characters_tell_nothing(text: str) -> None:
    assert cues_of([line(text)]) == []


def test_the_name_of_a_company_is_of_no_language() -> None:
    named, plain = (
        [cue for cue in cues_of([line(text) for text in texts]) if cue.kind == "text/language"]
        for texts in (["Unimarc", "Open daily for you"], ["Open daily for you"])
    )
    assert named[0].countries == pytest.approx(plain[0].countries)


@pytest.mark.parametrize(
    ("texts", "town"), [(["Bienvenidos a Sevilla", "Madrid"], "Sevilla"), (["Stadt Köln", "Berlin"], "Köln")]
)
def test_a_photo_was_taken_where_the_words_around_a_name_say_so(texts: list[str], town: str) -> None:
    (cue,) = (cue for cue in cues_of([line(text) for text in texts]) if cue.kind == "text/place")
    best = max(cue.proposals, key=lambda proposal: proposal.weight)
    assert best.name == town and best.weight > 0.9


@pytest.mark.parametrize(
    ("texts", "means"),
    [
        (["Northern Territory"], "the region Northern Territory (Australia)"),
        (["Praha Brno"], "named together: Prague and Brno (Czechia)"),
        (["Geniessen Sie"], "German with ss for ß, as in Switzerland"),
        (["Reciclá la basura"], "Spanish with orders in -á, as in Argentina"),
        (["gênero homogêneo"], "Portuguese spelling as in Brazil"),
    ],
)
def test_what_only_looks_like_another_kind_keeps_its_meaning(texts: list[str], means: str) -> None:
    read = [Line(text, 0.95, (0, 60 * row, 400, 60 * row + 50)) for row, text in enumerate(texts)]
    assert any(cue.means.startswith(means) for cue in cues_of(read))


@pytest.mark.parametrize(
    "text", ["Une grosse salade verte", "Ne pas gêner la circulation", "Boyacá en bicicleta", "ffônio"]
)
def test_a_spelling_of_one_language_is_no_spelling_of_another(text: str) -> None:
    means = [cue.means for cue in cues_of([Line(text, 0.95, (0, 0, 400, 50))])]
    assert not [one for one in means if one.startswith(("German with", "Portuguese spelling", "Spanish with"))]
