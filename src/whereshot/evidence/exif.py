"""The position that a camera recorded, as evidence. It is used only where the user asks for it."""

from __future__ import annotations

from whereshot.earth import sphere
from whereshot.evidence.base import Cue, PhotoFacts, Proposal
from whereshot.photos.recorded import Recorded

TYPICAL_ACCURACY_KM = 0.05
"""Km. Accuracy that is assumed where the camera recorded none; a better one is not believed."""


def cues_of(seen: PhotoFacts) -> list[Cue]:
    """Return one cue that proposes the recorded position; an empty list where no usable position is recorded."""
    recorded = seen.recorded
    if recorded.latitude is None or recorded.longitude is None or is_no_fix(recorded):
        return []
    spread = max(recorded.accuracy_km or 0.0, TYPICAL_ACCURACY_KM)
    place = Proposal("recorded position", recorded.latitude, recorded.longitude, "", spread, 1.0)
    text = f"{recorded.latitude:.5f}, {recorded.longitude:.5f}"
    return [Cue("exif", text, "the position that the camera recorded", "exif", proposals=(place,))]


def remark_on(seen: PhotoFacts) -> str | None:
    """Return why the recorded position cannot be used; None where it can, or where there is none."""
    if seen.recorded.problem is not None:
        return f"the recorded position cannot be used: {seen.recorded.problem}"
    if is_no_fix(seen.recorded):
        return "the recorded position is 0, 0, where devices without a fix put their photos: it is not used"
    return None


def is_no_fix(recorded: Recorded) -> bool:
    """Return whether the position is 0, 0, which devices write before they have found their position."""
    if recorded.latitude is None or recorded.longitude is None:
        return False
    return bool(sphere.is_null_island(recorded.latitude, recorded.longitude))
