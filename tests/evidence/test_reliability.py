"""Reliability by trust and surface: the shipped table, shares that a user states, cues that stand or fall together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.evidence.base import SURFACES, Cue
from whereshot.evidence.reliability import (
    Reliabilities,
    fitted_reliabilities,
    likeliest_surface,
    meaning_on_surface,
)
from whereshot.foundation.errors import InputError

TABLE = Reliabilities({"t": {"sign": 0.8, "package": 0.2}, "other": {"sign": 0.9, "package": 0.6}, "exif": 0.999})


def cue(trust: str = "t", kind: str = "text/word", **surfaces: float) -> Cue:
    return Cue(kind, "x", "y", trust, countries={"DE": 1.0}, surfaces=surfaces or None)


def test_the_shipped_table_has_every_trust_and_shares_that_sum_to_one() -> None:
    fitted = fitted_reliabilities()
    assert sum(fitted.shares.values()) == pytest.approx(1.0)
    assert {"text/language", "text/place/plain", "text/currency", "exif", "album"} <= set(fitted.table)
    for trust in fitted.table:
        assert all(0 < fitted.on(trust, surface) < 1 for surface in SURFACES), trust


def test_a_reliability_is_the_mean_over_the_surfaces() -> None:
    assert TABLE.of(cue(sign=0.5, package=0.5)) == pytest.approx(0.5)
    assert TABLE.of(cue()) == pytest.approx(0.8)  # not judged: the assumed share of signs is 1
    assert TABLE.of(cue("exif", "exif", screen=1.0)) == pytest.approx(0.999)


def test_shares_that_a_user_states_reweigh_what_was_judged() -> None:
    fitted = {"sign": 0.5, "package": 0.5}
    shop = Reliabilities(TABLE.table, {"sign": 0.1, "package": 0.9}, fitted)
    assert shop.surfaces(cue(sign=0.5, package=0.5)) == pytest.approx({"sign": 0.1, "package": 0.9})
    assert shop.surfaces(cue()) == pytest.approx({"sign": 0.1, "package": 0.9})
    assert Reliabilities(TABLE.table, fitted, fitted).surfaces(cue(sign=0.7, package=0.3))["sign"] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("table", "shares", "message"),
    [
        ({"t": {"moon": 0.5}}, {"sign": 1.0}, "the reliability of 't' on 'moon' is 0.5; expected numbers from 0 to 1"),
        ({"t": 1.5}, {"sign": 1.0}, "the reliability of 't' on 'sign' is 1.5; expected numbers from 0 to 1"),
        ({}, {"sign": 0.5}, "the shares of the surfaces sum to 0.5; they must sum to 1"),
        ({}, {"boat": 1.0}, "the share of 'boat' is 1; expected numbers from 0 to 1 for sign, vehicle"),
    ],
)
def test_what_is_no_probability_is_refused(table: dict, shares: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Reliabilities(table, shares)
    assert str(caught.value).startswith(message)


def test_a_trust_without_a_row_is_named() -> None:
    with pytest.raises(InputError, match="the trust 'text/horoscope' has no reliability; add a row"):
        TABLE.of(cue("text/horoscope"))


def test_on_a_package_the_less_reliable_cue_speaks_only_where_the_other_may() -> None:
    (group,) = TABLE.together([cue(package=1.0), cue("other", package=1.0)])
    assert group.sets == pytest.approx({(): 1 - 0.6 / 0.9, (1,): 0.6 / 0.9 - 0.25, (0, 1): 0.25})


def test_cues_are_grouped_by_what_they_likely_stand_on() -> None:
    cues = [cue(sign=0.9, package=0.1), cue(package=1.0), cue("exif", "exif"), cue("other", sign=0.8, package=0.2)]
    assert {group.cues for group in TABLE.together(cues)} == {(0, 3), (1,), (2,)}


def test_one_object_that_is_judged_unevenly_is_one_group() -> None:
    """Else its cues would be independent, and agree to a certainty that a package does not give."""
    (group,) = TABLE.together([cue(sign=0.56, package=0.44), cue("other", sign=0.42, package=0.58)])
    assert group.cues == (0, 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["t", "other"])), min_size=1, max_size=5))
def test_the_sets_are_a_probability(parts: list[tuple[float, float, str]]) -> None:
    cues = [cue(trust, sign=a + 0.01, package=b) for a, b, trust in parts]
    for group in TABLE.together(cues):
        assert sum(group.sets.values()) == pytest.approx(1.0)
        assert all(set(rows) <= set(group.cues) for rows in group.sets)


def test_a_meaning_says_where_its_text_stands_unless_on_a_sign() -> None:
    assert meaning_on_surface(cue(sign=0.9, package=0.1)) == "y"
    assert meaning_on_surface(cue()) == "y"
    assert meaning_on_surface(cue(package=0.9, sign=0.1)) == (
        "y (on a package: it says where that was made, not where it is)"
    )
    assert likeliest_surface(cue(package=0.9, sign=0.1)) == "package"
    assert likeliest_surface(cue()) is None
