"""The remark on a model that knows no sights: only where answers are open, with the commands that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.locate.geolocator import Geolocator
from whereshot.locate.no_sights import is_only_prior, remark
from whereshot.locate.prediction import Evidence, Prediction

OPEN = Prediction("a.jpg", latitude=1.0, longitude=2.0, radius_km=9.0, level=0.9)
READ = Prediction("b.jpg", evidence=(Evidence("text/place", "Altafulla", "a town", 4.6),))
FAILED = Prediction("c.jpg", error="it is empty")
COMMANDS = (
    "For sights: whereshot models get geoclip (1.7 GB, MIT), or your own photos: whereshot learn FOLDER --out DIR; "
    "then --model geoclip or DIR."
)


@pytest.mark.parametrize(
    ("evidence", "is_open"),
    [
        (Evidence("text/word", "Bar", "a bar", 0.01), True),  # it did not move the answer
        (Evidence("text/script", "Khmer", "writing that cannot be read", 0.4), False),  # the script moved it
        (Evidence("text/script", "Khmer", "writing that cannot be read", 0.01), True),
        (Evidence("picture", "", "nothing to see in this picture"), True),
        (Evidence("exif", "1, 2", "the position", 9.0), False),
    ],
)
def test_an_answer_is_open_where_nothing_moved_it(evidence: Evidence, is_open: bool) -> None:
    assert is_only_prior(Prediction("a.jpg", evidence=(evidence,))) is is_open


def test_the_remark_counts_open_answers_and_names_the_commands() -> None:
    assert remark("compact", [READ, FAILED]) is None and remark("compact", []) is None
    assert remark("compact", [OPEN, READ, FAILED]) == (
        "compact reads text and knows no sights: 1 photo has no text that tells a place, so its answer is only where "
        f"photos are usually taken. {COMMANDS}"
    )
    assert remark("compact", [OPEN] * 1200) == (
        "compact reads text and knows no sights: 1,200 photos have no text that tells a place, so their answers are "
        f"only where photos are usually taken. {COMMANDS}"
    )


def test_the_sight_of_the_demo_is_honestly_open() -> None:
    bridge = Path(__file__).parents[2] / "examples" / "red-bridge.jpg"
    (prediction,) = Geolocator.load().locate(str(bridge))
    assert is_only_prior(prediction) and prediction.evidence == () and prediction.sure_of is None
    assert prediction.headline()[0] == "Not sure"
