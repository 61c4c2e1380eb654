"""The seven numbers of a report in a terminal: with units and intervals, and narrow."""

from __future__ import annotations

from whereshot.evaluate import DISTANCES_KM, Report, Row, Value
from whereshot.photos.test_sets import Benchmark, Published
from whereshot.report import scorecard
from whereshot.report.scorecard.base import FIRST_NUMBERS

NAMES = [*(f"accuracy_{km}" for km in DISTANCES_KM), "geoscore", "mean_km", "median_km", "nll"]
SCORES = {name: Value(0.5, 0.25, 0.75) for name in NAMES} | {"median_km": Value(1234.56, 900.0, 2000.0)}


def test_seven_numbers_have_units_and_intervals() -> None:
    one, bare = Row("one", 117, 2, SCORES), Row("a longer name", 117, 0, {"geoscore": Value(2500.4, 2400.0, 2600.0)})
    text = scorecard.for_terminal(Report([one, bare], {"intervals": "95 %, bootstrap, 20 draws, seed 0"}))
    assert text.splitlines() == [
        "117 photos, 2 of them without an answer. In brackets: intervals, 95 %, bootstrap, 20 draws, seed 0.",
        "",
        "                 one                            a longer name",
        "within 1 km      50.0 % (25.0 to 75.0)          -",
        "within 25 km     50.0 % (25.0 to 75.0)          -",
        "within 200 km    50.0 % (25.0 to 75.0)          -",
        "within 750 km    50.0 % (25.0 to 75.0)          -",
        "within 2,500 km  50.0 % (25.0 to 75.0)          -",
        "median error     1,234.6 km (900.0 to 2,000.0)  -",
        "GeoScore         0 of 5,000 (0 to 1)            2,500 of 5,000 (2,400 to 2,600)",
        "",
        "All scores and the protocol: --all. Figures: --report DIR.",
    ]
    assert len(FIRST_NUMBERS) == 7


def test_many_methods_stand_below_each_other(report: Report) -> None:
    many = Report([Row(f"method {number}", 5, 0, SCORES) for number in range(4)], {})
    lines = scorecard.for_terminal(many).splitlines()
    assert max(map(len, lines)) <= 120 and sum(line.startswith("GeoScore") for line in lines) == 2
    assert max(map(len, scorecard.for_terminal(report).splitlines())) <= 120


def test_published_scores_are_one_line_each(report: Report) -> None:
    field = (Published("PlaNet", "Weyand", "image", (8.5, 24.8, 34.3, 48.4, 66.0)), Published("P", "x", geoscore=3000))
    lines = scorecard.for_terminal(report, Benchmark("b", "B", 72, "about", ".*", published=field)).splitlines()
    at = lines.index("Published, not computed here:")
    assert lines[at + 1] == (
        "  PlaNet: within 1 km 8.5 %, within 25 km 24.8 %, within 200 km 34.3 %, within 750 km 48.4 %, "
        "within 2,500 km 66.0 %"
    )
    assert lines[at + 2] == "  P: GeoScore 3,000 of 5,000"
