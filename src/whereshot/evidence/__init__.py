"""Evidence changes a posterior: text in the picture, the recorded position, the time, photos taken close in time.

``EVIDENCE`` lists each kind that needs only the photo. A new kind is one file and one line in it. ``time`` is not
listed, because it must first be fitted on the user's own records (``evidence.time.HourModel``).
"""

from __future__ import annotations

from whereshot.evidence import exif, text, unread_scripts
from whereshot.evidence.base import Cue, EvidenceKind, Line, PhotoFacts, Proposal
from whereshot.evidence.fusion import Fused, WeighedCue, fuse
from whereshot.evidence.read_photos import Reading, read_photos

EVIDENCE: dict[str, EvidenceKind] = {
    "text": lambda seen: text.cues_of(seen.lines) + unread_scripts.cues_of(seen.unread, seen.lines),
    "exif": exif.cues_of,
}

__all__ = [
    "EVIDENCE",
    "Cue",
    "EvidenceKind",
    "Fused",
    "Line",
    "PhotoFacts",
    "Proposal",
    "Reading",
    "WeighedCue",
    "fuse",
    "read_photos",
]
