"""Cues of the names in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth.towns import gazetteer
from whereshot.evidence.base import Line
from whereshot.evidence.mentions import Mention, cues_of_mentions
from whereshot.evidence.place_names import place_cues
from whereshot.evidence.town_spans import largest_towns


def mention(name: str, row: int, trust: str = "text/place/plain", alone: bool = True) -> Mention:
    towns = largest_towns(gazetteer().named(name))
    return Mention(name, towns, 0, trust, (0, 50 * row, 200, 50 * row + 40), alone=alone)


def test_names_that_stand_together_give_one_cue_and_others_one_each() -> None:
    together, other = sorted(
        cues_of_mentions([mention("Montreux", 0), mention("Vevey", 1), mention("Tokyo", 2)], []),
        key=lambda cue: cue.trust == "text/place/plain",
    )
    assert (together.what, together.trust) == ("Montreux / Vevey", "text/place/qualified")
    assert together.means == "named together: Montreux and Vevey (Switzerland)"
    assert together.box == (0, 0, 200, 90)
    assert (other.what, other.trust) == ("Tokyo", "text/place/plain")


def test_a_name_that_is_evidence_only_beside_others_is_left_out_alone() -> None:
    assert cues_of_mentions([mention("Visp", 0, alone=False)], []) == []
    assert cues_of_mentions([mention("Visp", 0, alone=False), mention("Tokyo", 1)], [])[0].what == "Tokyo"
    (cue,) = cues_of_mentions([mention("Visp", 0, alone=False), mention("Zermatt", 1)], [])
    assert cue.what == "Visp / Zermatt"


def test_far_from_a_town_the_photo_can_be_in_a_wide_area() -> None:
    near, far = (
        cues_of_mentions([mention("Bologna", 0)], [Line(text, 0.9, (0, 0, 200, 40))])[0].proposals[0].spread_km
        for text in ("Bologna", "Bologna 300 km")
    )
    assert near < 15
    assert far == pytest.approx(240)


# ---- which of the places so called is named


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ZARAGOZA", "Zaragoza (Spain)"),  # Tijuana, which is larger, was called so
        ("Salem", "Salem (India)"),  # so was Jerusalem
        ("BERLIN", "Berlin (Germany)"),
        ("Santiago", "Santiago (Chile)"),
        ("Neustadt", "Neustadt an der Weinstraße (Germany)"),
        ("Londres", "London (United Kingdom)"),  # hamlets bear this very name
        ("Cologne", "Köln (Germany)"),
    ],
)
def test_the_largest_place_is_named_where_no_place_carries_the_answer(text: str, place: str) -> None:
    (cue,) = cues_of_mentions([mention(text, 0)], [])
    assert cue.means.startswith(f"the place {place}")
    assert cue.meant_at(np.array([-60.0, 100.0])).means == cue.means


@pytest.mark.parametrize(
    ("text", "answer", "place"),
    [
        ("Santiago", [42.88, -8.54], "Santiago de Compostela (Spain)"),
        ("Santiago", [-33.46, -70.65], "Santiago (Chile)"),
        ("Salem", [44.94, -123.03], "Salem (United States)"),
    ],
)
def test_the_place_that_carries_the_answer_is_named(text: str, answer: list[float], place: str) -> None:
    (cue,) = cues_of_mentions([mention(text, 0)], [])
    assert cue.meant_at(np.array(answer)).means.startswith(f"the place {place}, or one of ")


def test_the_smallest_distance_tells_where_the_photo_was_taken_whatever_supports_the_names() -> None:
    texts = ("Córdoba 700", "Rosario 300", "Buenos Aires 8")
    lines = [Line(text, 0.9, (0, 50 * row, 400, 50 * row + 40)) for row, text in enumerate(texts)]
    (cue,) = place_cues(lines)
    best = max(cue.proposals, key=lambda proposal: proposal.weight)
    assert (best.name, best.country_code) == ("Buenos Aires", "AR")
    assert best.spread_km < 20
