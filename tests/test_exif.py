"""The recorded position as evidence, where it is asked for."""

from __future__ import annotations

from conftest import FuseWorld, RankCountries
from whereshot import images
from whereshot.evidence import EVIDENCE, Seen


def test_a_recorded_position_has_its_country(rank_countries: RankCountries) -> None:
    (cue,) = EVIDENCE["exif"](Seen(recorded=images.Recorded(latitude=48.86, longitude=2.35)))
    assert rank_countries([cue])[0][0] == "FR"


def test_exif_answers_with_the_recorded_position(fuse_world: FuseWorld) -> None:
    recorded = images.Recorded(latitude=41.0, longitude=2.0)
    (cue,) = EVIDENCE["exif"](Seen(recorded=recorded))
    fused = fuse_world([cue])
    assert fused.posterior.mass_within([[41.0, 2.0]], 1)[0] > 0.98
