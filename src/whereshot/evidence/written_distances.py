"""Distances by road that are written beside the names of towns: "Santiago 120", "Bologna 300 km", "चेन्नई 350"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from whereshot.evidence.base import Box, Line

KM_PER_MILE = 1.609
FARTHEST_KM = 5_000.0
"""Km. Larger numbers are no distances."""
MOST_DIGITS = 3
"""Most digits of a distance without a unit: four can be a year or a postcode."""
_UNITS = {
    "km": 1.0, "kms": 1.0, "км": 1.0, "χλμ": 1.0, "كم": 1.0, "کم": 1.0, "קמ": 1.0, "ק״מ": 1.0, 'ק"מ': 1.0, "किमी": 1.0,
    "कि.मी": 1.0, "কিমি": 1.0, "กม": 1.0, "公里": 1.0, "キロ": 1.0, "კმ": 1.0, "կմ": 1.0,
    "mi": KM_PER_MILE, "mile": KM_PER_MILE, "miles": KM_PER_MILE, "m.": KM_PER_MILE,
}  # fmt: skip
"""Units of distances between towns, in km."""
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_DISTANCE = re.compile(
    rf"\s*[-–—.:…>→]*\s*(\d{{1,4}}(?:[.,]\d)?)\s*({_UNIT})?(?![\w-]|[.,]\d|\s*[°%€$£/:])", re.IGNORECASE
)
"""Matches a distance, with its unit if it has one."""


def distance_in(text: str) -> float | None:
    """Return the distance in km that a text begins with, None where it does not.

    >>> distance_in(" 120"), distance_in(" 10 miles"), distance_in(", 2024"), distance_in(" 500 g")
    (120.0, 16.09, None, None)
    """
    match = _DISTANCE.match(text)
    if match is None or re.match(r"\s*[^\W\d_]", text[match.end() :]):
        return None
    number, unit = match.groups()
    if unit is None and len(re.sub(r"\D.*", "", number)) > MOST_DIGITS:
        return None
    km = float(number.replace(",", ".")) * _UNITS.get((unit or "").lower(), 1.0)
    return km if km <= FARTHEST_KM else None


def distance_beside(name: str, box: Box, lines: Sequence[Line]) -> float | None:
    """Return the distance in km beside a name, after it in its line or in a line of its own to the right.

    ``box`` is that of the line with the name. None where no distance is written there.
    """
    for line in lines:
        if line.box == box and name in line.text:
            found = distance_in(line.text.split(name, 1)[1])
            if found is not None:
                return found
    height = box[3] - box[1]
    right = [
        (line.box[0], found)
        for line in lines
        if line.box[0] >= box[2] - height / 2
        and 2 * (min(box[3], line.box[3]) - max(box[1], line.box[1])) >= min(height, line.box[3] - line.box[1])
        and (found := distance_in(line.text)) is not None
    ]
    return min(right)[1] if right else None
