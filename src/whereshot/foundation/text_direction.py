"""Mark text that is written from right to left, so that a terminal keeps it apart from the words around it. A terminal
that supports both directions reorders a whole line. Without marks, the numbers and quotation marks beside words in
Arabic or Hebrew move to its other side. The marks are the isolates of Unicode (UAX #9); they have no width.
"""

from __future__ import annotations

import re

ISOLATE, END = "\u2068", "\u2069"
"""First strong isolate, and its end: the text between them has the direction of its first letter."""
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
"""Hebrew, Arabic, Syriac, Thaana, N'Ko and more, as the inside of a regular expression."""
_QUOTED = rf'(?<=")[^"\n]*[{_RIGHT_TO_LEFT}][^"\n]*(?=")'
_RUN = rf'[{_RIGHT_TO_LEFT}](?:[^a-zA-Z"\n]*[{_RIGHT_TO_LEFT}])?'
_PIECE = re.compile(f"{_QUOTED}|{_RUN}")


def isolated(text: str) -> str:
    r"""Return text with marks around each quotation and each run of words that has letters from right to left.

    Without the marks it is the same text. A text without such letters is returned as it is.

    >>> isolated('Read "שלום 12": 3 km') == 'Read "\u2068שלום 12\u2069": 3 km'
    True
    >>> isolated('Read "KIOSK"')
    'Read "KIOSK"'
    """
    return _PIECE.sub(lambda piece: f"{ISOLATE}{piece[0]}{END}", text)
