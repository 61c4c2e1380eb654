"""The step ``--verify``: keep pictures that decode to their end, are not thumbnails and show something."""

from __future__ import annotations

from typing import Any

import numpy as np

from whereshot.foundation.errors import InputError
from whereshot.photos import picture_bytes
from whereshot.photos.curate.base import CuratedPhoto, Reject, Settings, Step
from whereshot.photos.reject_reasons import TOO_SMALL

BLANK = "blank"

MIN_SIDE = 64
BLANK_DEVIATION = 4.0
"""Below this standard deviation of the grey values, of 255, nothing can be seen: a lens cap, a white page."""

DECODED_SIDE = 64
"""A JPEG is decoded to its end at an eighth of its size, which finds all damage that a full decoding finds."""


def check(settings: Settings, _: Any) -> None:
    """Raise InputError for a side that no picture can have."""
    if settings.get("min_side", MIN_SIDE) < 1:
        raise InputError(f"--min-side must be at least 1 pixel; got {settings['min_side']}")


def judge(photo: CuratedPhoto, settings: Settings) -> Reject | None:
    """Return why a photo cannot be used, or None. Raises ImageError where it does not decode."""
    name, least = photo.record["image"], settings.get("min_side", MIN_SIDE)
    if len(photo.data) < picture_bytes.LEAST_BYTES:
        return Reject(TOO_SMALL, f"{name}: {len(photo.data)} bytes; photos have more than 1,024")
    width, height = photo.size
    if min(width, height) < least:
        return Reject(TOO_SMALL, f"{name}: {width} x {height}; the shorter side must have {least} pixels")
    deviation = float(np.asarray(photo.picture(DECODED_SIDE).convert("L")).std())
    if deviation < BLANK_DEVIATION:
        return Reject(BLANK, f"{name}: its grey values deviate by {deviation:.1f} of 255; {BLANK_DEVIATION:g} is least")
    return None


STEP = Step(judge=judge, check=check, needs_picture=lambda settings: True)
