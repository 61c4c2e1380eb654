"""Write a report of scores as a table, Markdown, LaTeX, and one HTML page with figures.

Figures are drawn as SVG by this package. The page needs no network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whereshot.earth import sphere
from whereshot.evaluate import Report, Row
from whereshot.photos.test_sets import Benchmark
from whereshot.report.scorecard import (
    best_and_worst,
    calibration,
    confusion,
    errors,
    hours,
    html,
    latex,
    markdown,
    tables,
    terminal,
    where_to_collect,
    world,
)
from whereshot.report.scorecard.base import FIRST_NUMBERS, Figure, PhotoGroup, ScoreTable, Section

__all__ = [
    "Figure",
    "PhotoGroup",
    "ScoreTable",
    "Section",
    "for_terminal",
    "sections",
    "summary",
    "to_html",
    "to_latex",
    "to_markdown",
]


def summary(report: Report, benchmark: Benchmark | None = None) -> str:
    """Return the scores as a Markdown table with intervals, the published scores below, and the protocol."""
    return markdown.table(tables.scores(report, benchmark)) + "\n" + tables.protocol_line(report.protocol) + "\n"


def for_terminal(report: Report, benchmark: Benchmark | None = None) -> str:
    """Return the seven numbers that people ask for first, with intervals, as plain text."""
    return terminal.text(report, benchmark)


def sections(
    report: Report,
    *,
    benchmark: Benchmark | None = None,
    training: sphere.Points | None = None,
    thumbnails: Path | None = None,
) -> list[Section]:
    """Return all sections about the first method, compared with the other methods where possible.

    ``training`` are the positions (m, 2) of its training photos, if known. ``thumbnails`` is the folder from which the
    paths of pictures start; without it the worst and best photos have no small pictures.
    """
    row = report.rows[0]
    words = [] if benchmark is None else [f"{benchmark.title}: {benchmark.photos:,} photos. {benchmark.about}"]
    first: list[ScoreTable | Figure | PhotoGroup] = [tables.scores(report, benchmark)]
    first += [] if benchmark is None or not benchmark.published else [tables.published(benchmark)]
    found = [Section("Scores", words, [*first, tables.all_scores(report)])]
    if row.scored is not None:
        found += _drawn(report, row, training, thumbnails)
    if report.comparisons:
        by_country = [tables.wins_by_country(comparison) for comparison in report.comparisons]
        found.append(Section("Comparisons", [_PAIRED], [tables.differences(report.comparisons), *by_country]))
    noted = (
        [ScoreTable(["note"], [[note] for note in report.notes], "Notes on the data", folded=True)]
        if report.notes
        else []
    )
    found.append(Section("Protocol", [], [tables.protocol(report.protocol), *noted]))
    return found


def _drawn(report: Report, row: Row, training: sphere.Points | None, thumbnails: Path | None) -> list[Section]:
    by_hour, confused = hours.by_hour(row), confusion.matrix(row)
    lots: list[tuple[str, list[str], list[Any]]] = [
        ("Errors", [], [errors.histogram(row), errors.cumulated(report.rows)]),
        ("Maps", [], world.maps(row)),
        ("Calibration", [], calibration.figures(row)),
        ("Confusion", [], [] if confused is None else [confused]),
        ("Hours", [], [] if by_hour is None else [by_hour]),
        ("By scene, continent and country", [], tables.groups(row)),
        ("What to collect", [_WEAKEST], where_to_collect.weakest(row.kept, training)),
        ("Single photos", [], best_and_worst.galleries(row, thumbnails)),
    ]
    return [Section(title, words, parts) for title, words, parts in lots if parts]


_WEAKEST = (
    f"Places by mean GeoScore, computed as if {where_to_collect.DOUBT:.0f} average photos were added, so that one bad "
    f"photo does not make the worst place; at least {where_to_collect.LEAST_PHOTOS} photos each."
)


_PAIRED = (
    "The errors of both methods are compared photo by photo. The bootstrap draws the same photos for both. Wilcoxon's "
    "signed-rank test is two-sided, with ties."
)


def to_markdown(report: Report, found: list[Section], benchmark: Benchmark | None = None) -> str:
    """Return the summary, and all sections below it, as Markdown."""
    rest = [Section(one.title, one.words, one.parts[1:] if at == 0 else one.parts) for at, one in enumerate(found)]
    return summary(report, benchmark) + "\n" + "\n".join(markdown.section(one) for one in rest)


def to_latex(report: Report, found: list[Section]) -> str:
    """Return all tables except the tables of figures, as LaTeX."""
    parts = [part for one in found for part in one.parts if not isinstance(part, Figure)]
    own = [part if isinstance(part, ScoreTable) else part.table for part in parts]
    return latex.document(own, tables.protocol_line(report.protocol))


def to_html(report: Report, found: list[Section]) -> str:
    """Return one self-contained HTML page."""
    row = report.rows[0]
    facts = [("photos", f"{row.photos:,}", f"{row.failed:,} without an answer")]
    for key, (name, factor, form, unit) in FIRST_NUMBERS.items():
        if key in row.scores:
            value, low, high = (f"{factor * part:{form}}" for part in row.scores[key])
            facts.append((name, value + unit, f"{low} to {high}{unit}"))
    return html.document(f"Scores of {row.name}", facts, found)
