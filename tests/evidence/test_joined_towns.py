"""Names of towns side by side: two towns, one longer name, or a person's name."""

from __future__ import annotations

import pytest

from whereshot.evidence.joined_towns import agreeing, is_alone, is_beside_foreign, is_first_part
from whereshot.evidence.town_spans import TownSpan, WrittenLine, town_spans


def spans(text: str) -> dict[str, TownSpan]:
    return {span.text: span for span in town_spans(WrittenLine.of(0, text))}


@pytest.mark.parametrize(
    ("text", "name", "is_part"),
    [
        ("York Landing", "York", True),
        ("Elkin Norwood", "Elkin", True),  # small towns of one country, far apart
        ("Montreux Vevey", "Montreux", False),
        ("Zermatt Visp", "Zermatt", False),  # "visp" is a word too, but the towns are near each other
        ("Montreux, Vevey", "Montreux", False),
    ],
)
def test_a_name_is_the_first_part_of_a_longer_name_unless_a_town_follows(text: str, name: str, is_part: bool) -> None:
    assert is_first_part(spans(text)[name]) is is_part


def test_a_town_of_another_country_beside_a_name_is_a_surname() -> None:
    assert is_beside_foreign(spans("Vienna Teng")["Vienna"])
    assert not is_beside_foreign(spans("Montreux Vevey")["Vevey"])
    assert not is_beside_foreign(spans("Vienna")["Vienna"])


@pytest.mark.parametrize(("text", "alone"), [("A9 Montreux 12 km", True), ("Hotel Montreux Palace", False)])
def test_a_name_is_alone_beside_roads_and_distances(text: str, alone: bool) -> None:
    assert is_alone(spans(text)["Montreux"]) is alone


def test_only_towns_near_each_other_agree() -> None:
    assert len(agreeing(list(spans("Montreux Vevey").values()))) == 2
    assert agreeing(list(spans("Montreux Sydney").values())) == {}
