"""The evidence of one photo: what is asked for speaks, the rest is silent, and what is not a photo has the prior."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from whereshot.evidence import Line, Reading
from whereshot.foundation.progress import silent
from whereshot.locate.answers import answer_rows
from whereshot.locate.options import LocateOptions
from whereshot.locate.photo_evidence import AskedEvidence, explained, readings_of, recorded_of
from whereshot.locate.prediction import Evidence, ReadLine
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded
from whereshot.posterior.base import Posterior
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior, prior_widening
from whereshot.posterior.widening import AS_IT_IS, Widening

LIMA, PARIS, BERLIN = (-12.05, -77.04), (48.85, 2.35), (52.52, 13.4)
POSTERIOR = Posterior.from_mass([LIMA, PARIS], [[0.5, 0.5]], 10.0)
WIDE = Widening(1.5)
PRIOR = Posterior.from_mass([LIMA, PARIS], [[0.2, 0.8]], 100.0)
IN_PARIS = Recorded(latitude=48.85, longitude=2.35)


def test_only_the_evidence_asked_for_speaks() -> None:
    without = explained(POSTERIOR, Reading(), IN_PARIS, AskedEvidence(), WIDE, PRIOR)
    assert not without.changed and without.posterior is POSTERIOR and without.widening == WIDE
    assert without.evidence(np.array(PARIS), None) == ()
    with_exif = explained(POSTERIOR, Reading(), IN_PARIS, AskedEvidence(LocateOptions(use_exif=True)), WIDE, PRIOR)
    assert with_exif.changed and with_exif.posterior.mass_within(PARIS, 25.0)[0] > 0.95
    (item,) = with_exif.evidence(np.array(PARIS), None)
    assert item.kind == "exif" and item.nats > 0.5


def test_a_picture_that_is_not_a_photo_has_the_prior() -> None:
    found = explained(POSTERIOR, Reading(not_a_photo="a blank page"), Recorded(), AskedEvidence(), WIDE, PRIOR)
    assert found.changed and found.posterior is PRIOR and found.widening == prior_widening()
    assert found.evidence(np.array(PARIS), None) == (Evidence("picture", "", "a blank page"),)


def test_a_missing_or_damaged_photo_has_no_record(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"no picture")
    assert recorded_of(None) == recorded_of(Photo(damaged)) == recorded_of(Photo(tmp_path / "gone.jpg")) == Recorded()


def test_nothing_is_read_without_text(tmp_path: Path) -> None:
    assert readings_of([Photo(tmp_path / "gone.jpg")] * 2, LocateOptions(text=False), silent) == [Reading()] * 2


def test_lines_in_other_scripts_are_listed_and_latin_lines_are_not() -> None:
    read = [("Thai", "ร้าน"), ("Latin", "CAFE"), (None, "12 A"), ("digits", "12"), ("Greek", "AΘHNA")]
    read += [("Han", "11215"), ("Thai", "BAR"), ("Han", "ポイ捨て禁止")]
    lines = tuple(Line(text, 0.91234, (1, 2, 30, 10 + row), script=script) for row, (script, text) in enumerate(read))
    found = explained(POSTERIOR, Reading(lines), Recorded(), AskedEvidence(), AS_IT_IS, PRIOR)
    assert found.writing == (
        ReadLine("Thai", "ร้าน", 0.9123, (1, 2, 30, 10), "ran"),
        ReadLine("Greek", "ΑΘΗΝΑ", 0.9123, (1, 2, 30, 14), "athina"),
        ReadLine("Kana", "ポイ捨て禁止", 0.9123, (1, 2, 30, 17)),
    )


def test_writing_that_cannot_be_read_is_reported_and_speaks_of_its_countries() -> None:
    unread = tuple(Line("", 0.95, (10, 10 + 40 * row, 200, 40 + 40 * row), script="Thai") for row in range(2))
    found = explained(
        density_prior(), Reading(unread=unread), Recorded(), AskedEvidence(LocateOptions()), AS_IT_IS, density_prior()
    )
    assert country_masses(found.posterior)[0][0][0] == "TH"
    answer = answer_rows(found.posterior, LocateOptions())[0]
    evidence = found.evidence(np.array(answer.answered[:2]), None)
    prediction = replace(answer, id="sign.jpg", evidence=evidence, unread_scripts=found.unread_scripts)
    (sentence,) = (line for line in prediction.in_words() if "Seen" in line)
    assert re.match(
        r'Seen "Thai": writing in Thai that (cannot be read yet|is too unclear to read); made the answer ', sentence
    )
    assert prediction.to_document()["unread_scripts"] == [
        {"script": "Thai", "probability": 0.95, "lines": 2, "box": (10, 10, 200, 80)}
    ]


def test_text_on_a_package_is_weak_and_the_evidence_says_why() -> None:
    def read(surface: str, options: LocateOptions) -> tuple[float, Evidence]:
        line = Line("Frische Milch von unseren Bauern", 0.95, (0, 0, 300, 30), surfaces={surface: 1.0})
        world = Posterior.from_mass([LIMA, BERLIN], [[0.5, 0.5]], 10.0)
        found = explained(world, Reading((line,)), Recorded(), AskedEvidence(options), AS_IT_IS, PRIOR)
        return float(found.posterior.mass_within(BERLIN, 25.0)[0]), found.evidence(np.array(BERLIN), None)[0]

    on_sign, of_sign = read("sign", LocateOptions())
    on_package, of_package = read("package", LocateOptions())
    assert on_sign > 0.8 > on_package > 0.5
    assert of_sign.surface == "sign" and "package" not in of_sign.means
    assert of_package.surface == "package"
    assert of_package.means.endswith("(on a package: it says where that was made, not where it is)")
