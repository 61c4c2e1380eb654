"""Names of places in lines: towns by their authorities, and numbers that are no postcodes."""

from __future__ import annotations

import numpy as np

from conftest import FuseWorld, line
from whereshot.earth import sphere
from whereshot.evidence.text import cues_of
from whereshot.posterior.decision import best


def test_a_town_hall_names_its_town(fuse_world: FuseWorld) -> None:
    fused = fuse_world(cues_of([line("Ajuntament d'Altafulla")]))
    decided = best(fused.posterior, 25, 1)
    assert sphere.distance_km(decided[0], np.array([41.143, 1.373])) < 5


def test_a_year_is_no_postcode() -> None:
    assert not [cue for cue in cues_of([line("Est. 1998 Nice"), line("2023 March")]) if cue.trust == "text/place/named"]
