"""Compare the text that was read on a line with the true text: the characters that count, and the edit distance."""

from __future__ import annotations

import re

from whereshot.evidence.writing import fold_writing

FOREIGN = re.compile("[a-zà-öø-ÿ\\s]")


def letters_of(text: str) -> str:
    """Return the characters that count, in the spelling of ``fold_writing``: no spaces and no Latin letters."""
    return FOREIGN.sub("", fold_writing(text))


def edit_distance(a: str, b: str) -> int:
    """Return the fewest characters to change, to add and to drop that turn one text into the other."""
    row = list(range(len(b) + 1))
    for i, first in enumerate(a):
        row = (last := row) and [i + 1]
        for j, second in enumerate(b):
            row.append(min(last[j] + (first != second), last[j + 1] + 1, row[j] + 1))
    return row[-1]
