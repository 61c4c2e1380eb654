"""A Report -> tables: the scores of all methods, published ones beside, comparisons, groups, the protocol."""

from __future__ import annotations

from typing import Any

from whereshot.earth.countries import countries
from whereshot.evaluate import DISTANCES_KM, LEVELS, Comparison, GroupScores, Report, Row
from whereshot.photos.test_sets import Benchmark
from whereshot.report.scorecard.base import ScoreTable, with_interval

GROUPS_SHOWN = 30
COMPARED = (*(f"accuracy_{km}" for km in DISTANCES_KM), "geoscore", "mean_km", "median_km", "nll")

_FORMS: dict[str, tuple[float, str]] = {
    **{f"accuracy_{km}": (100, ".1f") for km in DISTANCES_KM},
    "geoscore": (1, ".0f"),
    "mean_km": (1, ".0f"),
    "median_km": (1, ".1f"),
    "nll": (1, ".2f"),
    **{f"coverage_{round(100 * level)}": (100, ".1f") for level in LEVELS},
}
_HEADS = ["method", *(f"{km} km" for km in DISTANCES_KM), "GeoScore", "mean km", "median km", "NLL"]
_HEADS += [f"in {round(100 * level)} % circle" for level in LEVELS]
_SHARES: tuple[str, ...] = (
    "accuracy_",
    "coverage_",
    "region_coverage_",
    "ece_",
    "recall",
    "osv_",
    "country",
    "region",
    "city",
)
_SHARES += ("precision", "sample_coverage")


def scores(report: Report, benchmark: Benchmark | None = None) -> ScoreTable:
    """The scores that the field tells, intervals in brackets; published ones below, marked as such."""
    rows = [
        [row.name, *(with_interval(row.scores.get(key), *form) for key, form in _FORMS.items())] for row in report.rows
    ]
    for one in benchmark.published if benchmark else ():
        values = one.scores()
        cells = [f"{values[key]:{_FORMS[key][1]}}" if key in values else "" for key in _FORMS]
        rows.append([f"{one.name} (published)", *cells])
    return ScoreTable(_HEADS, rows, "Scores, % within each distance")


def all_scores(report: Report) -> ScoreTable:
    """Every score of every method."""
    names = list(dict.fromkeys(name for row in report.rows for name in row.scores))
    rows = [[name, *(with_interval(row.scores.get(name), *_form(name)) for row in report.rows)] for name in names]
    return ScoreTable(["score", *(row.name for row in report.rows)], rows, "All scores", folded=True)


def _form(name: str) -> tuple[float, str]:
    if "km2" in name and "area" in name:
        return 1, ",.0f"
    if name.startswith(_SHARES) or name in ("country", "region", "city"):
        return 100, ".1f"
    if name.startswith("geoscore"):
        return 1, ".0f"
    return (1, ".1f") if name.endswith("_km") else (1, ".3f")


def differences(comparisons: list[Comparison]) -> ScoreTable:
    """The first method against each other one: who is nearer, Wilcoxon's test, what it has more, with intervals."""
    rows = []
    for one in comparisons:
        p = f"{one.wilcoxon:.3f}" if one.wilcoxon >= 0.001 else "< 0.001"
        cells = [f"less {one.second}", f"{one.win:,}", f"{one.tie:,}", f"{one.loss:,}", p]
        for key in COMPARED:
            value, (factor, form) = one.differences.get(key), _FORMS[key]
            clear = value is not None and (value.low > 0 or value.high < 0)
            cells.append(with_interval(value, factor, f"+{form}") + " *" * clear)
        rows.append(cells)
    heads = [comparisons[0].first, "nearer", "as near", "farther", "Wilcoxon p", *_HEADS[1 : 1 + len(COMPARED)]]
    return ScoreTable(heads, rows, "Differences; an asterisk: the interval is clear of zero")


def wins_by_country(comparison: Comparison) -> ScoreTable:
    """Win, tie and loss of the first in each country, those with most photos."""
    counts = sorted(comparison.by_country.items(), key=lambda item: -sum(item[1]))[:GROUPS_SHOWN]
    rows = [[_country(code), *(f"{count:,}" for count in three)] for code, three in counts]
    caption = f"{comparison.first} against {comparison.second} by country"
    return ScoreTable(["country", "nearer", "as near", "farther"], rows, caption, folded=True)


def _country(code: str) -> str:
    return countries().by_code[code].name


def groups(row: Row) -> list[ScoreTable]:
    """The scores by scene, continent and country, the largest first."""
    return [_groups(kind, row.groups[kind]) for kind in ("scene", "continent", "country") if row.groups.get(kind)]


def _groups(kind: str, found: list[GroupScores]) -> ScoreTable:
    keys = [f"accuracy_{km}" for km in DISTANCES_KM] + ["geoscore"]
    rows = [
        [
            _country(one.name) if kind == "country" else one.name,
            f"{one.photos:,}",
            *(with_interval(one.scores.get(key), *_FORMS[key]) for key in keys),
        ]
        for one in found[:GROUPS_SHOWN]
    ]
    more = f", the {GROUPS_SHOWN} largest of {len(found)}" if len(found) > GROUPS_SHOWN else ""
    heads = [kind, "photos", *(f"{km} km" for km in DISTANCES_KM), "GeoScore"]
    return ScoreTable(heads, rows, f"By {kind}{more}", folded=kind == "country")


def published(benchmark: Benchmark) -> ScoreTable:
    """Where each published row comes from."""
    rows = [[one.name, one.track or "not stated", one.source] for one in benchmark.published]
    return ScoreTable(["published", "track", "source"], rows, "Published scores, not computed here", left=3)


def protocol(told: dict[str, Any]) -> ScoreTable:
    """How everything was counted."""
    rows = [[key.replace("_", " "), str(value)] for key, value in told.items() if value is not None]
    return ScoreTable(["protocol", "as counted here"], rows, left=2)


def protocol_line(told: dict[str, Any]) -> str:
    """The same in one line."""
    return "Protocol: " + "; ".join(f"{key} {value}" for key, value in told.items() if value is not None)
