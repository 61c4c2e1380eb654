"""The position that a camera recorded, as evidence: only where the user asks for it, never mixed in unasked."""

from __future__ import annotations

from whereshot.earth import sphere
from whereshot.evidence.base import Cue, PhotoFacts, Proposal
from whereshot.photos.recorded import Recorded

TYPICAL_ACCURACY_KM = 0.05


def cues_of(seen: PhotoFacts) -> list[Cue]:
    """One cue: the recorded position; none where there is none."""
    recorded = seen.recorded
    if recorded.latitude is None or recorded.longitude is None or _is_no_fix(recorded):
        return []
    spread = max(recorded.accuracy_km or 0.0, TYPICAL_ACCURACY_KM)
    place = Proposal("recorded position", recorded.latitude, recorded.longitude, "", spread, 1.0)
    text = f"{recorded.latitude:.5f}, {recorded.longitude:.5f}"
    return [Cue("exif", text, "the position that the camera recorded", "exif", proposals=(place,))]


def remark_on(seen: PhotoFacts) -> str | None:
    """Why a position that is there cannot be used, if so."""
    if seen.recorded.problem is not None:
        return f"the recorded position cannot be used: {seen.recorded.problem}"
    if _is_no_fix(seen.recorded):
        return "the recorded position is 0, 0, where devices without a fix put their photos: it is not used"
    return None


def _is_no_fix(recorded: Recorded) -> bool:
    if recorded.latitude is None or recorded.longitude is None:
        return False
    return bool(sphere.is_null_island(recorded.latitude, recorded.longitude))
