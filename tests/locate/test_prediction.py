"""A Prediction in plain sentences, as a document, and in a notebook."""

from __future__ import annotations

import json
import pickle
from xml.etree import ElementTree

import pytest

from whereshot.locate.prediction import (
    WITHIN_KM,
    Candidate,
    Evidence,
    Place,
    Prediction,
    ReadLine,
    SureOf,
    WithinProbabilities,
)

SHARES = WithinProbabilities({1: 0.002, 25: 0.914, 200: 0.97, 750: 0.999, 2500: 1.0})
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
        "sure_of": SureOf("city", "Paris", "FR", 0.913),
    }
    return Prediction(**(values | changed))


def test_a_sure_answer() -> None:
    assert prediction().in_words() == [
        "48.8566, 2.3522 (Paris, Île-de-France, France)",
        "Sure of the city: Paris, France (91 %).",
        "91 % within 25 km, 97 % within 200 km, over 99 % within 750 km; 90 % within 20 km.",
    ]


def test_an_unsure_answer_names_countries_where_it_can() -> None:
    far = WithinProbabilities(dict.fromkeys(WITHIN_KM, 0.3))
    unsure = prediction(confident_to=None, sure_of=None, within=far)
    assert unsure.in_words()[1] == "Probably France (98 %). By country: France 98 %, Belgium 2 %."
    several = (("FR", 0.4), ("BE", 0.3), ("DE", 0.2), ("NL", 0.1))
    spread = prediction(confident_to=None, sure_of=None, within=far, countries=several)
    assert spread.in_words()[1] == "Not sure. By country: France 40 %, Belgium 30 %, Germany 20 %."
    assert prediction(sure_of=None, within=far, countries=()).in_words()[1] == "Not sure."


def test_a_distance_alone_is_no_named_place() -> None:
    shares = WithinProbabilities({1: 0.01, 25: 0.1, 200: 0.4, 750: 0.903, 2500: 0.99})
    countries = (("SE", 0.45), ("DK", 0.35), ("NO", 0.18), ("DE", 0.02))
    near = prediction(confident_to="country", sure_of=None, within=shares, countries=countries)
    assert (
        near.in_words()[1] == "Around France. 90 % within 750 km. By country: Sweden 45 %, Denmark 35 %, Norway 18 %."
    )
    assert prediction(sure_of=None, within=shares, countries=()).in_words()[1] == "Around France. 90 % within 750 km."


DUBAI = Place("Dubai", "Dubai", "United Arab Emirates", "AE")


@pytest.mark.parametrize(
    ("share", "within", "countries", "sure_of", "title", "rest"),
    [
        # half in one town: never "not sure"
        (0.55, {25: 0.55}, (("AE", 0.62), ("OM", 0.2)), None, "Probably Dubai, United Arab Emirates (55 %)",
         "By country: United Arab Emirates 62 %, Oman 20 %."),
        (0.55, {750: 0.93}, (("AE", 0.62), ("OM", 0.2)), None, "Probably Dubai, United Arab Emirates (55 %)",
         "93 % within 750 km. By country: United Arab Emirates 62 %, Oman 20 %."),
        (0.499, {25: 0.499}, (("AE", 0.62),), None, "Probably United Arab Emirates (62 %)",
         "By country: United Arab Emirates 62 %."),
        (0.499, {25: 0.3}, (("AE", 0.49),), None, "Not sure", "By country: United Arab Emirates 49 %."),
        # 90 % around the answer is more than half of it
        (0.93, {25: 0.93}, (("AE", 0.6), ("OM", 0.4)), None, "Around Dubai",
         "93 % within 25 km. By country: United Arab Emirates 60 %, Oman 40 %."),
        (0.3, {200: 0.93}, (("AE", 0.4), ("OM", 0.4)), None, "Around Dubai",
         "93 % within 200 km. By country: United Arab Emirates 40 %, Oman 40 %."),
        (0.55, {25: 0.55}, (("AE", 0.95),), SureOf("country", "United Arab Emirates", "AE", 0.95),
         "Sure of the country: United Arab Emirates (95 %)", "Probably Dubai (55 %)."),
        (0.4, {25: 0.4}, (("AE", 0.95),), SureOf("country", "United Arab Emirates", "AE", 0.95),
         "Sure of the country: United Arab Emirates (95 %)", ""),
    ],
)  # fmt: skip
def test_the_headline_names_a_place_that_holds_half(
    share: float, within: dict, countries: tuple, sure_of: SureOf | None, title: str, rest: str
) -> None:
    likely = (Candidate(24.0, 54.0, 0.2, PARIS), Candidate(25.27, 55.3, share, DUBAI))
    shares = WithinProbabilities(dict.fromkeys(WITHIN_KM, 0.1) | within)
    made = prediction(place=DUBAI, within=shares, countries=countries, sure_of=sure_of, candidates=likely)
    assert made.headline() == (title, rest)
    assert made.in_words()[1] == f"{title}. {rest}".strip()


def test_a_city_state_is_named_once() -> None:
    spot = Candidate(1.3, 103.8, 0.51, Place("Singapore", None, "Singapore", "SG"))
    made = prediction(sure_of=None, within=WithinProbabilities(), candidates=(spot,), countries=(("SG", 0.52),))
    assert made.headline()[0] == "Probably Singapore (51 %)"


STOCKHOLM = Place("Stockholm", "Stockholm", "Sweden", "SE")
IN_INDIA = (("IN", 0.52), ("SE", 0.19))


def test_an_answer_in_another_country_than_the_likeliest_one_is_named() -> None:
    """The likeliest circle of 25 km need not lie in the likeliest country."""
    far = WithinProbabilities(dict.fromkeys(WITHIN_KM, 0.06))
    likely = (Candidate(59.3, 18.1, 0.06, STOCKHOLM),)
    made = prediction(place=STOCKHOLM, within=far, countries=IN_INDIA, sure_of=None, candidates=likely)
    stockholm = "The single likeliest place is Stockholm, Sweden (6 % within 25 km)."
    assert made.headline() == ("Probably India (52 %)", f"By country: India 52 %, Sweden 19 %. {stockholm}")
    country = SureOf("country", "India", "IN", 0.91)
    sure = prediction(place=STOCKHOLM, within=far, countries=(("IN", 0.91),), sure_of=country, candidates=likely)
    assert sure.headline() == ("Sure of the country: India (91 %)", stockholm)
    singapore = Place("Singapore", None, "Singapore", "SG")
    state = prediction(place=singapore, within=far, countries=IN_INDIA, sure_of=None, candidates=())
    assert state.headline()[1].endswith("The single likeliest place is Singapore (6 % within 25 km).")


@pytest.mark.parametrize(
    ("place", "countries"),
    [
        (Place("Agra", "Uttar Pradesh", "India", "IN"), IN_INDIA),  # the answer lies in the country that is named
        (STOCKHOLM, (("IN", 0.4), ("SE", 0.3))),  # no country is named as probable
        (Place(), IN_INDIA),  # at sea
    ],
)
def test_an_answer_in_the_named_country_is_not_named_again(place: Place, countries: tuple) -> None:
    far = WithinProbabilities(dict.fromkeys(WITHIN_KM, 0.06))
    made = prediction(place=place, within=far, countries=countries, sure_of=None)
    assert "single likeliest" not in made.headline()[1]


def test_a_place_at_sea_has_no_name() -> None:
    made = prediction(place=Place(), sure_of=None, countries=())
    assert made.headline() == ("At sea", "91 % within 25 km.")


def test_an_error_is_all_that_is_said() -> None:
    assert Prediction(id="a.jpg", error="it is empty").in_words() == ["it is empty"]
    assert Prediction(id="a.jpg", error="it is empty").headline() == ("No answer", "it is empty")


def test_what_the_camera_recorded_was_used_or_not() -> None:
    without = prediction(recorded=(48.85661, 2.35222)).in_words()[-1]
    assert without == "Recorded by the camera: 48.85661, 2.35222 (0 m from this answer, and not used for it)."
    cue = Evidence("exif", "GPS", "Paris", 2.0)
    used = prediction(recorded=(48.85661, 2.35222), evidence=(cue,)).in_words()
    assert used[-1].endswith("(0 m from this answer).")
    assert used[-2] == 'Recorded "GPS": Paris; made the answer 7.4 times likelier.'


def test_evidence_that_moved_nothing_or_could_not_be_used() -> None:
    items = (
        Evidence("picture", "", "a blank page", 0.0),
        Evidence("time", "", "no hour is recorded", 0.0),
        Evidence("text", "Bar", "a bar", 0.01),
        Evidence("text", "Calle", "Spanish", -0.7),
    )
    shown = prediction(evidence=items).evidence_words()
    every = prediction(evidence=items).evidence_words(all_evidence=True)
    assert shown == [every[0], every[1], every[3]]
    assert [line for line in prediction(evidence=items).in_words() if "did not move" in line] == []
    assert every[2] in prediction(evidence=items).in_words(all_evidence=True)
    assert every == [
        "A blank page; the answer is only where photos are usually taken.",
        "No hour is recorded.",
        'Read "Bar": a bar; did not move the answer.',
        'Read "Calle": Spanish; made the answer 2.0 times less likely.',
    ]


def test_a_notebook_shows_the_words_and_a_map() -> None:
    hostile = '<img src=x onerror="alert(1)">&.jpg'
    spot = Candidate(48.85, 2.35, 0.8, Place("Paris", "Île-de-France", "France", "FR"))
    shares = WithinProbabilities(dict.fromkeys(WITHIN_KM, 0.9))
    found = Prediction(
        hostile, hostile, 48.85, 2.35, 20.0, 0.9, shares, "city", spot.place, (("FR", 0.9),), candidates=(spot,)
    )
    page = found._repr_html_()
    tree = ElementTree.fromstring(page)
    texts = ["".join(element.itertext()) for element in tree.iter("p")]
    assert texts == [hostile, *found.in_words()]
    assert "48.8500, 2.3500 (Paris, Île-de-France, France)" in texts
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}circle"))) == 1
    assert "<img" not in page and len(page.encode()) < 200_000
    failed = Prediction(hostile, hostile, error="it is <empty>")._repr_html_()
    assert ["".join(element.itertext()) for element in ElementTree.fromstring(failed)] == [hostile, "it is <empty>"]


def test_the_document_has_every_part_as_json() -> None:
    item = Evidence("text/word", "Gare", "French", 1.5, (1, 2, 3, 4))
    made = prediction(evidence=(item,), recorded=(48.0, 2.0), candidates=(Candidate(48.8, 2.3, 0.9, PARIS),))
    document = json.loads(json.dumps(made.to_document(), allow_nan=False))
    assert document["within"] == {"1": 0.002, "25": 0.914, "200": 0.97, "750": 0.999, "2500": 1.0}
    assert document["evidence"] == [
        {"kind": "text/word", "what": "Gare", "means": "French", "nats": 1.5, "box": [1, 2, 3, 4], "surface": None}
    ]
    assert document["recorded"] == {"latitude": 48.0, "longitude": 2.0}
    assert document["countries"][0] == {"country_code": "FR", "probability": 0.98}
    assert document["candidates"][0]["place"]["name"] == "Paris"
    city = {"level": "city", "name": "Paris", "country_code": "FR", "probability": 0.913}
    assert document["sure_of"] == city and prediction(sure_of=None).to_document()["sure_of"] is None
    failed = Prediction(id="a", error="it is empty").to_document()
    assert failed["within"] == {} and failed["sure_of"] is None


def test_lines_in_other_scripts_are_quoted_by_script() -> None:
    texts = [("Thai", "ร้านอาหาร"), ("Hebrew", "רחוב 12"), *(("Thai", f"ถนน {number}") for number in range(6))]
    latin = {"ร้านอาหาร": "ranahan"}
    read = tuple(ReadLine(script, text, 0.9, (1, 2, 3, 4), latin.get(text, "")) for script, text in texts)
    made = prediction(writing=read)
    assert made.in_words()[3:] == [
        'Writing in Thai: "ร้านอาหาร" (ranahan), "ถนน 0", "ถนน 1", "ถนน 2", "ถนน 3", and 2 more.',
        'Writing in Hebrew: "רחוב 12".',
    ]
    first = json.loads(json.dumps(made.to_document()))["writing"][0]
    box = [1, 2, 3, 4]
    assert first == {"script": "Thai", "text": "ร้านอาหาร", "confidence": 0.9, "box": box, "latin": "ranahan"}


def test_probabilities_are_asked_by_distance() -> None:
    assert SHARES[25] == 0.914 and list(SHARES) == list(WITHIN_KM) and SHARES.get(3) is None
    with pytest.raises(KeyError):
        SHARES[3]
    assert pickle.loads(pickle.dumps(SHARES)) == SHARES and not WithinProbabilities()
