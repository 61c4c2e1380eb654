"""The scores that people ask for first, as plain text for a terminal: seven numbers of each method."""

from __future__ import annotations

from collections.abc import Sequence

from whereshot.evaluate import Report, Row
from whereshot.photos.test_sets import Benchmark, Published
from whereshot.report.scorecard.base import FIRST_NUMBERS

SIDE_BY_SIDE = 3
"""Number of methods beside each other; further methods stand below."""
MORE = "All scores and the protocol: --all. Figures: --report DIR."


def text(report: Report, benchmark: Benchmark | None = None) -> str:
    """Return seven numbers of each method, most with their intervals, the published scores, and where the rest is."""
    first = report.rows[0]
    photos = f"{first.photos:,} photos" + (f", {first.failed:,} of them without an answer" if first.failed else "")
    lines = [f"{photos}. In brackets: intervals, {report.protocol.get('intervals', 'of the bootstrap')}."]
    for start in range(0, len(report.rows), SIDE_BY_SIDE):
        lines += ["", *_block(report.rows[start : start + SIDE_BY_SIDE])]
    if benchmark is not None and benchmark.published:
        lines += ["", "Published, not computed here:", *map(_published, benchmark.published)]
    return "\n".join([*lines, "", MORE]) + "\n"


def _block(rows: Sequence[Row]) -> list[str]:
    """Return the numbers of a few methods as aligned columns."""
    columns = [["", *(label for label, *_ in FIRST_NUMBERS.values())]]
    columns += [[row.name, *(_number(row, key) for key in FIRST_NUMBERS)] for row in rows]
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*columns, strict=True)
    ]


def _number(row: Row, key: str) -> str:
    """Return a score with its unit and its interval; "-" where the method has none."""
    score = row.scores.get(key)
    if score is None:
        return "-"
    _, factor, form, unit = FIRST_NUMBERS[key]
    value, low, high = (f"{factor * part:{form}}" for part in score)
    return f"{value}{unit} ({low} to {high})"


def _published(one: Published) -> str:
    """Return the published scores of a method in one line."""
    values = one.scores()
    known = [
        f"{label} {values[key]:{form}}{unit}" for key, (label, _, form, unit) in FIRST_NUMBERS.items() if key in values
    ]
    return f"  {one.name}: {', '.join(known)}"
