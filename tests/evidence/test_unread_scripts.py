"""Writing that no recogniser reads is reported with its script, and the script speaks of the countries that use it."""

from dataclasses import replace

import pytest

from whereshot.evidence import EVIDENCE, fuse
from whereshot.evidence.base import Line, PhotoFacts
from whereshot.evidence.line_scripts import CLASSES, KNOWN_CLASSES
from whereshot.evidence.unread_scripts import cues_of, meaning, script_likelihood, unread_scripts
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

UNREAD = [name for name in CLASSES if name not in KNOWN_CLASSES and name != "none"]
HOME = {
    "Cyrillic": {"RU", "UA", "BG"},
    "Hangul": {"KR"},
    "Arabic": {"EG", "SA", "IR", "PK"},
    "Hebrew": {"IL"},
    "Thai": {"TH"},
    "Lao": {"LA"},
    "Khmer": {"KH"},
    "Myanmar": {"MM"},
    "Devanagari": {"IN", "NP"},
    "Bengali": {"BD"},
    "Gurmukhi": {"IN"},
    "Gujarati": {"IN"},
    "Odia": {"IN"},
    "Tamil": {"LK"},
    "Telugu": {"IN"},
    "Kannada": {"IN"},
    "Malayalam": {"IN"},
    "Sinhala": {"LK"},
    "Georgian": {"GE"},
    "Armenian": {"AM"},
    "Ethiopic": {"ET"},
}


def line(script: str, probability: float = 0.9, left: int = 0) -> Line:
    return Line("", probability, (left, 0, left + 50, 20), script=script)


@pytest.mark.parametrize("script", UNREAD)
def test_every_script_that_is_not_read_speaks_of_its_countries(script: str) -> None:
    likelihood = script_likelihood(script)
    assert max(likelihood.values()) == pytest.approx(1)
    assert all(likelihood[code] > 0.25 for code in HOME[script])
    assert likelihood["SE"] < 0.01
    assert likelihood["PK"] < 0.01 or script == "Arabic"  # Punjabi is in Arabic letters there


def test_scripts_are_counted_by_lines_and_boxed() -> None:
    found = unread_scripts([line("Lao"), line("Thai", 0.8), line("Thai", 0.95, left=60)])
    assert found == (("Thai", 0.95, 2, (0, 0, 110, 20)), ("Lao", 0.9, 1, (0, 0, 50, 20)))
    assert unread_scripts([]) == ()


def test_the_script_with_most_lines_gives_the_only_cue() -> None:
    (cue,) = cues_of([line("Lao"), line("Thai"), line("Thai", left=60)])
    assert (cue.kind, cue.what) == ("text/script", "Thai")
    assert cue.means in ("writing in Thai that cannot be read yet", "writing in Thai that is too unclear to read")
    assert cue.countries is not None and max(cue.countries, key=cue.countries.__getitem__) == "TH"
    assert cue.box == (0, 0, 110, 20)
    assert cues_of([]) == []


def test_a_script_that_is_read_elsewhere_in_the_picture_gives_no_cue_of_its_own() -> None:
    unread = [line("Thai"), line("Thai", left=60), line("Lao", left=90)]
    read = replace(line("Thai"), text="ร้านอาหาร")
    assert [cue.what for cue in cues_of(unread, [read])] == ["Lao"]


def test_the_cue_is_among_those_of_text_with_a_fitted_reliability() -> None:
    (cue,) = EVIDENCE["text"](PhotoFacts(unread=(line("Georgian"),)))
    assert cue.means == meaning("Georgian")
    assert country_masses(fuse(density_prior(), [cue]).posterior)[0][0][0] == "GE"
