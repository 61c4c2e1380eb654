"""Why a photo or a row is left out: the short reasons that several stages write, and by which rejects are counted.

A reject is (id, image, reason, detail). The reason is one of these texts, or a text that a single stage defines for
itself; the detail is a whole sentence. The reasons stand in files of users, so their words do not change.
"""

from __future__ import annotations

NO_FILE = "no image file"
NO_FILE_DETAIL = "the record names no image file"
"""The sentence for a record without an image; also the error of a photo that is None."""
UNREADABLE = "unreadable picture"
TOO_SMALL = "too small"

NO_POSITION = "no position"
IMPOSSIBLE_POSITION = "impossible position"
NULL_ISLAND = "position (0, 0)"

DUPLICATE_ID = "duplicate id"
BROKEN_ROW = "broken row"
NOT_SELECTED = "not selected"

API_ERROR = "api error"
OVER_BUDGET = "over the budget"
