"""The recorded position as evidence, where it is asked for."""

from __future__ import annotations

import pytest

from conftest import FuseWorld, RankCountries
from whereshot.evidence import EVIDENCE, PhotoFacts, exif
from whereshot.photos.recorded import Recorded


def test_a_recorded_position_has_its_country(rank_countries: RankCountries) -> None:
    (cue,) = EVIDENCE["exif"](PhotoFacts(recorded=Recorded(latitude=48.86, longitude=2.35)))
    assert rank_countries([cue])[0][0] == "FR"


def test_exif_answers_with_the_recorded_position(fuse_world: FuseWorld) -> None:
    recorded = Recorded(latitude=41.0, longitude=2.0)
    (cue,) = EVIDENCE["exif"](PhotoFacts(recorded=recorded))
    fused = fuse_world([cue])
    assert fused.posterior.mass_within([[41.0, 2.0]], 1)[0] > 0.98


@pytest.mark.parametrize(
    ("recorded", "remark"),
    [
        (Recorded(), None),
        (Recorded(latitude=41.0, longitude=2.0), None),
        (
            Recorded(problem="EXIF latitude is not a number: 0/0"),
            "the recorded position cannot be used: EXIF latitude is not a number: 0/0",
        ),
        (
            Recorded(latitude=0.0, longitude=0.0),
            "the recorded position is 0, 0, where devices without a fix put their photos: it is not used",
        ),
        (
            Recorded(latitude=3e-7, longitude=6e-7),
            "the recorded position is 0, 0, where devices without a fix put their photos: it is not used",
        ),
    ],
)
def test_a_position_that_cannot_be_used_is_remarked_on(recorded: Recorded, remark: str | None) -> None:
    assert exif.remark_on(PhotoFacts(recorded=recorded)) == remark
