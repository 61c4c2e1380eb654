"""The tables of a report: scores of all methods, published scores, comparisons, groups, and the protocol."""

from __future__ import annotations

from typing import Any

from whereshot.earth.countries import countries
from whereshot.evaluate import DISTANCES_KM, LEVELS, Comparison, GroupScores, Report, Row
from whereshot.photos.test_sets import Benchmark
from whereshot.report.scorecard.base import ScoreTable, short_path, with_interval

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
_WITHIN = [f"within {km} km, %" for km in DISTANCES_KM]
_HEADS = ["method", *_WITHIN, "GeoScore", "mean error, km", "median error, km", "NLL, nats/sr"]
_HEADS += [f"in {round(100 * level)} % circle, %" for level in LEVELS]
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
    """Return the usual scores with intervals in brackets; published scores are below, with a mark."""
    rows = [
        [row.name, *(with_interval(row.scores.get(key), *form) for key, form in _FORMS.items())] for row in report.rows
    ]
    for one in benchmark.published if benchmark else ():
        values = one.scores()
        cells = [f"{values[key]:{_FORMS[key][1]}}" if key in values else "" for key in _FORMS]
        rows.append([f"{one.name} (published)", *cells])
    return ScoreTable(_HEADS, rows, "Usual scores")


def all_scores(report: Report) -> ScoreTable:
    """Return all scores of all methods."""
    names = list(dict.fromkeys(name for row in report.rows for name in row.scores))
    rows = [
        [name, _unit(name), *(with_interval(row.scores.get(name), *_form(name)) for row in report.rows)]
        for name in names
    ]
    return ScoreTable(["score", "unit", *(row.name for row in report.rows)], rows, "All scores", left=2, folded=True)


def _form(name: str) -> tuple[float, str]:
    if "km2" in name and "area" in name:
        return 1, ",.0f"
    if name.startswith(_SHARES) or name in ("country", "region", "city"):
        return 100, ".1f"
    if name.startswith("geoscore"):
        return 1, ".0f"
    return (1, ".1f") if name.endswith("_km") else (1, ".3f")


def _unit(name: str) -> str:
    """Return the unit of a score; "" for a number without unit."""
    if _form(name)[0] == 100:
        return "%"
    units = {"nll": "nats/sr", "bits": "bits", "kl": "nats", "entropy_true": "nats", "entropy_predicted": "nats"}
    return units.get(name, "km²" if name.endswith("_km2") else "km" if name.endswith("_km") else "")


def differences(comparisons: list[Comparison]) -> ScoreTable:
    """Return the first method compared with the others: which is nearer, Wilcoxon's test, and differences of scores."""
    rows = []
    for pair in comparisons:
        p = f"{pair.wilcoxon:.3f}" if pair.wilcoxon >= 0.001 else "< 0.001"
        cells = [f"less {pair.second}", f"{pair.win:,}", f"{pair.tie:,}", f"{pair.loss:,}", p]
        for key in COMPARED:
            value, (factor, form) = pair.differences.get(key), _FORMS[key]
            clear = value is not None and (value.low > 0 or value.high < 0)
            cells.append(with_interval(value, factor, f"+{form}") + " *" * clear)
        rows.append(cells)
    heads = [comparisons[0].first, "nearer", "as near", "farther", "Wilcoxon p", *_HEADS[1 : 1 + len(COMPARED)]]
    return ScoreTable(heads, rows, "Differences; an asterisk: the interval is clear of zero")


def wins_by_country(comparison: Comparison) -> ScoreTable:
    """Return how often the first method is nearer, equal and farther, by country, for those with most photos."""
    counts = sorted(comparison.by_country.items(), key=lambda item: -sum(item[1]))[:GROUPS_SHOWN]
    rows = [[_country(code), *(f"{count:,}" for count in three)] for code, three in counts]
    caption = f"{comparison.first} against {comparison.second} by country"
    return ScoreTable(["country", "nearer", "as near", "farther"], rows, caption, folded=True)


def _country(code: str) -> str:
    return countries().by_code[code].name


def groups(row: Row) -> list[ScoreTable]:
    """Return the scores by scene, continent and country, the largest groups first."""
    return [_groups(kind, row.groups[kind]) for kind in ("scene", "continent", "country") if row.groups.get(kind)]


def _groups(kind: str, found: list[GroupScores]) -> ScoreTable:
    keys = [f"accuracy_{km}" for km in DISTANCES_KM] + ["geoscore"]
    rows = [
        [
            _country(group.name) if kind == "country" else group.name,
            f"{group.photos:,}",
            *(with_interval(group.scores.get(key), *_FORMS[key]) for key in keys),
        ]
        for group in found[:GROUPS_SHOWN]
    ]
    more = f", the {GROUPS_SHOWN} largest of {len(found)}" if len(found) > GROUPS_SHOWN else ""
    heads = [kind, "photos", *_WITHIN, "GeoScore"]
    return ScoreTable(heads, rows, f"By {kind}{more}", folded=kind == "country")


def published(benchmark: Benchmark) -> ScoreTable:
    """Return the source of each published row."""
    rows = [[row.name, row.track or "not stated", row.source] for row in benchmark.published]
    return ScoreTable(["published", "track", "source"], rows, "Published scores, not computed here", left=3)


def protocol(facts: dict[str, Any]) -> ScoreTable:
    """Return the protocol of a report as a table."""
    rows = [[key.replace("_", " "), short_path(str(value))] for key, value in facts.items() if value is not None]
    return ScoreTable(["protocol", "as counted here"], rows, "Protocol", left=2, folded=True)


def protocol_line(facts: dict[str, Any]) -> str:
    """Return the protocol of a report in one line."""
    return "Protocol: " + "; ".join(f"{key} {value}" for key, value in facts.items() if value is not None)
