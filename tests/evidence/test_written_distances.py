"""Distances that are written beside names."""

from __future__ import annotations

import pytest

from whereshot.evidence.base import Line
from whereshot.evidence.written_distances import _UNITS, distance_beside, distance_in


@pytest.mark.parametrize(
    ("text", "km"),
    [
        (" 120", 120),
        (" 350 km", 350),
        (" 1.6 Km.", 1.6),
        ("…… 2,5", 2.5),
        (" 2400 км", 2400),
        (" 10 miles", 16.09),
        (" → 7", 7),
    ],
)
def test_a_distance_is_read(text: str, km: float) -> None:
    assert distance_in(text) == pytest.approx(km)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ", 2024",
        " 43007",
        " 500 g",
        " 12:30",
        " 5 min",
        " 10€",
        " 3/4",
        " 20 %",
        " 9999 km",
        " Nord",
        " 1-3",
        " 4.500",
    ],
)
def test_other_numbers_are_no_distances(text: str) -> None:
    assert distance_in(text) is None


@pytest.mark.parametrize("unit", sorted(_UNITS))
def test_every_unit_is_known(unit: str) -> None:
    assert distance_in(f" 100 {unit}") == pytest.approx(100 * _UNITS[unit])


def test_the_distance_stands_after_the_name_or_in_the_same_row() -> None:
    lines = [
        Line("Santiago 10", 0.9, (0, 0, 200, 40)),
        Line("Valparaíso", 0.9, (0, 50, 180, 90)),
        Line("120", 0.9, (300, 52, 360, 88)),
        Line("Concepción", 0.9, (0, 100, 180, 140)),
    ]
    assert distance_beside("Santiago", lines[0].box, lines) == 10
    assert distance_beside("Valparaíso", lines[1].box, lines) == 120
    assert distance_beside("Concepción", lines[3].box, lines) is None
