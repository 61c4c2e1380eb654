"""Curation: keep the records of photos that can be used, and list the others as rejects with their reasons.

STEPS names every step; adding one is one file and one line.
"""

from whereshot.photos.curate.base import CuratedPhoto, Dropped, Reject, Step
from whereshot.photos.curate.run import MASKED, curate, judge
from whereshot.photos.curate.steps import STEPS

__all__ = ["MASKED", "STEPS", "CuratedPhoto", "Dropped", "Reject", "Step", "curate", "judge"]
