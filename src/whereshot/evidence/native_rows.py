"""Lines in native scripts that the detector cut into words, put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from whereshot.evidence.base import Line, box_around, mean_surfaces
from whereshot.evidence.text_segments import UNSPACED_SCRIPTS, native_script
from whereshot.evidence.writing import RIGHT_TO_LEFT

LARGEST_GAP = 0.7
"""Largest gap between two words of a row, as a share of their height. Columns of a sign are farther apart."""
LEAST_SHARED = 0.7
"""Least share of the smaller height that two words of a row have in common."""
LARGEST_OVERLAP = 0.3
"""Largest overlap of two words of a row, as a share of their height."""
LARGEST_RATIO = 1.4
"""Largest ratio of the heights of two words of a row."""


def native_rows(lines: Sequence[Line]) -> list[Line]:
    """Return the lines; those in one native script that stand side by side like the words of one line are joined.

    A joined line has the box around its parts, the least of their confidences, the mean of their surfaces, and no
    corners. Lines in other scripts, and in scripts without spaces between words, stay as they are.

    >>> words = [Line("न्यू", 0.9, (0, 0, 40, 20)), Line("दिल्ली", 0.8, (48, 1, 110, 21))]
    >>> [(row.text, row.box) for row in native_rows(words)]
    [('न्यू दिल्ली', (0, 0, 110, 21))]
    """
    rows: list[list[int]] = []
    for number in sorted(range(len(lines)), key=lambda number: lines[number].box[0]):
        row = next((row for row in rows if _goes_on(lines[row[-1]], lines[number])), None)
        if row is None:
            rows.append([number])
        else:
            row.append(number)
    return [_joined([lines[number] for number in row]) for row in sorted(rows, key=min)]


def _goes_on(line: Line, other: Line) -> bool:
    """Return whether another line stands right of a line, like the next word of it."""
    script = native_script(line.text)
    if not script or script in UNSPACED_SCRIPTS or native_script(other.text) != script:
        return False
    (_, top, right, bottom), (left, other_top, _, other_bottom) = line.box, other.box
    heights = sorted((bottom - top, other_bottom - other_top))
    shared = min(bottom, other_bottom) - max(top, other_top)
    return (
        heights[1] <= LARGEST_RATIO * heights[0]
        and shared >= LEAST_SHARED * heights[0]
        and -LARGEST_OVERLAP * heights[0] <= left - right <= LARGEST_GAP * heights[0]
    )


def _joined(row: Sequence[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    words = row[::-1] if native_script(row[0].text) in RIGHT_TO_LEFT else row
    return replace(
        row[0],
        text=" ".join(word.text for word in words),
        confidence=min(word.confidence for word in row),
        box=box_around([word.box for word in row]),
        corners=None,
        surfaces=mean_surfaces(row),
    )
