"""All steps of curation, in the order in which they work."""

from __future__ import annotations

from whereshot.photos.curate import balance, duplicates, faces, per_user_cell, scene, verify
from whereshot.photos.curate.base import Step

STEPS: dict[str, Step] = {
    "verify": verify.STEP,
    "faces": faces.STEP,
    "scene": scene.STEP,
    "duplicates": duplicates.STEP,
    "one_per_user_cell": per_user_cell.STEP,
    "balance": balance.STEP,
}
"""All steps by name. To add a step, add one file and one line. The first step that refuses a photo gives its reason."""
