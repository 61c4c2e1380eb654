"""Predictions and verdicts in plain sentences: numbers are rounded, and nothing is called certain or impossible."""

from __future__ import annotations

import math

import pytest

from whereshot.locate.prediction import Place, Prediction
from whereshot.locate.words import country_name, distance_words, evidence_words, in_words, percent, times

SHARES = {"1": 0.002, "25": 0.914, "200": 0.97, "750": 0.999, "2500": 1.0}
PARIS = Place("Paris", "Île-de-France", "France", "FR")


def prediction(**changed: object) -> Prediction:
    values: dict = {
        "id": "a.jpg",
        "latitude": 48.85661,
        "longitude": 2.35222,
        "radius_km": 20.4,
        "level": 0.9,
        "within": SHARES,
        "confident_to": "city",
        "place": PARIS,
        "countries": (("FR", 0.98), ("BE", 0.02)),
    }
    return Prediction(**(values | changed))


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "under 1 %"),
        (0.0099, "under 1 %"),
        (0.01, "1 %"),
        (0.9949, "99 %"),
        (0.995, "over 99 %"),
        (1, "over 99 %"),
    ],
)
def test_no_probability_is_zero_or_all(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("km", "words"), [(0.25, "250 m"), (1, "1.0 km"), (9.94, "9.9 km"), (23.6, "24 km"), (1234, "1,200 km")]
)
def test_distances(km: float, words: str) -> None:
    assert distance_words(km) == words


def test_likelihood_ratios_have_no_sign_and_an_end() -> None:
    assert times(math.log(2)) == times(-math.log(2)) == "2.0 times"
    assert times(math.log(34.4)) == "34 times" and times(math.log(1234)) == "1,000 times"
    assert times(1e9) == times(16)


def test_a_sure_answer() -> None:
    assert in_words(prediction()) == [
        "48.8566, 2.3522 (Paris, Île-de-France, France)",
        "Sure of the city, with at least 90 %.",
        "91 % within 25 km, 97 % within 200 km, over 99 % within 750 km; 90 % within 20 km.",
    ]


def test_an_unsure_answer_names_countries_where_it_can() -> None:
    unsure = in_words(prediction(confident_to=None))[1]
    assert unsure == "Not sure, not even of the continent. Most likely: France (98 %), Belgium (2 %)."
    assert in_words(prediction(confident_to=None, countries=()))[1] == "Not sure."


def test_an_error_is_all_that_is_said() -> None:
    assert in_words(Prediction(id="a.jpg", error="it is empty")) == ["it is empty"]


def test_what_the_camera_recorded_was_used_or_not() -> None:
    without = in_words(prediction(recorded=(48.85661, 2.35222)))[-1]
    assert without == "Recorded by the camera: 48.85661, 2.35222 (0 m from this answer, and not used for it)."
    cue = {"kind": "exif", "what": "GPS", "means": "Paris", "nats": 2.0, "box": None}
    used = in_words(prediction(recorded=(48.85661, 2.35222), evidence=(cue,)))
    assert used[-1].endswith("(0 m from this answer).")
    assert used[-2] == 'Recorded "GPS": Paris; made the answer 7.4 times likelier.'


def test_evidence_that_moved_nothing_or_could_not_be_used() -> None:
    items = (
        {"kind": "picture", "what": "", "means": "a blank page", "nats": 0.0},
        {"kind": "time", "what": "", "means": "no hour is recorded", "nats": 0.0},
        {"kind": "text", "what": "Bar", "means": "a bar", "nats": 0.01},
        {"kind": "text", "what": "Calle", "means": "Spanish", "nats": -0.7},
    )
    assert evidence_words(prediction(evidence=items)) == [
        "A blank page; the answer is only the prior.",
        "No hour is recorded.",
        'Read "Bar": a bar; did not move the answer.',
        'Read "Calle": Spanish; made the answer 2.0 times less likely.',
    ]


def test_countries_are_named_in_english() -> None:
    assert country_name("DE") == "Germany"
