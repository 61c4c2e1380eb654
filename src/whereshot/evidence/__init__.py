"""Factors on a posterior. EVIDENCE names every kind that needs only the photo; adding one is one file and one line.

``time`` is not among them: it has to be fitted on the user's own records first (``evidence.time.HourModel``).
"""

from __future__ import annotations

from whereshot.evidence import exif, text
from whereshot.evidence.base import Cue, Evidence, Line, PhotoFacts, Proposal
from whereshot.evidence.fusion import Fused, Weighed, fuse
from whereshot.evidence.read_photos import Reading, read_photos

EVIDENCE: dict[str, Evidence] = {
    "text": lambda seen: text.cues_of(seen.lines),
    "exif": exif.cues_of,
}

__all__ = [
    "EVIDENCE",
    "Cue",
    "Evidence",
    "Fused",
    "Line",
    "PhotoFacts",
    "Proposal",
    "Reading",
    "Weighed",
    "fuse",
    "read_photos",
]
