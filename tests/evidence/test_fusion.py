"""Cues on a posterior: the arithmetic, the ground that places share, and what each cue did."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from conftest import FuseWorld, line
from whereshot.earth import areas, sphere
from whereshot.earth.countries import countries
from whereshot.evidence import Cue, Proposal, fuse, fusion
from whereshot.evidence.reliability import Reliabilities
from whereshot.evidence.text import cues_of
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.masses import restricted

WORLD = Posterior.from_mass([[48.85, 2.35], [52.5, 13.4], [0.0, -30.0]], [[0.5, 0.3, 0.2]], [10.0, 10.0, 50.0])


def test_a_country_cue_is_a_mixture_with_the_prior() -> None:
    cue = Cue("text/word", "x", "y", "t", countries={"DE": 1.0})
    fused = fuse(WORLD, [cue], Reliabilities({"t": 0.8}))
    # 0.2 of the time it says nothing; else all mass is in Germany
    np.testing.assert_allclose(fused.posterior.mass[0], [0.2 * 0.5, 0.2 * 0.3 + 0.8, 0.2 * 0.2], rtol=1e-9)


def test_a_place_cue_puts_its_reliability_at_the_place() -> None:
    town = Proposal("Munich", 48.14, 11.58, "DE", 5.0, 1.0)
    fused = fuse(WORLD, [Cue("text/place", "x", "y", "t", proposals=(town,))], Reliabilities({"t": 0.6}))
    assert fused.posterior.mass[0, 3] == pytest.approx(0.6, abs=0.02)
    np.testing.assert_allclose(fused.posterior.mass[0, :3].sum(), 0.4, atol=0.02)
    assert fused.posterior.support.country_index[3] == countries().number_of["DE"]


def test_a_cue_that_is_never_true_changes_nothing() -> None:
    town = Proposal("Munich", 48.14, 11.58, "DE", 5.0, 1.0)
    cues = [Cue("a", "", "", "t", countries={"DE": 1.0}), Cue("b", "", "", "t", proposals=(town,))]
    fused = fuse(WORLD, cues, Reliabilities({"t": 1e-12}))
    np.testing.assert_allclose(fused.posterior.mass[0, :3], [0.5, 0.3, 0.2], atol=1e-6)


def test_cues_that_agree_strengthen_each_other_and_nats_add_up() -> None:
    town = Proposal("Berlin", 52.52, 13.40, "DE", 8.0, 1.0)
    cues = [Cue("a", "", "", "t", countries={"DE": 1.0}), Cue("b", "", "", "t", proposals=(town,))]
    alone = [
        fuse(WORLD, [cue], Reliabilities({"t": 0.7})).posterior.mass_within([[52.52, 13.4]], 50)[0] for cue in cues
    ]
    both = fuse(WORLD, cues, Reliabilities({"t": 0.7}))
    assert both.posterior.mass_within([[52.52, 13.4]], 50)[0] > max(alone)
    weighed = both.weigh_near(np.array([52.52, 13.4]), 50)
    assert all(one.nats > 0 for one in weighed)
    against = both.weigh_near(np.array([48.85, 2.35]), 50)
    assert all(one.nats < 0 for one in against)


def test_the_posterior_stays_a_probability_with_many_cues(fuse_world: FuseWorld) -> None:
    cues = cues_of([line("Ajuntament d'Altafulla"), line("Tarragona"), line("www.barcelona.cat"), line("Multa 300 €")])
    fused = fuse_world(cues)
    assert fused.posterior.mass.sum() == pytest.approx(1.0)
    assert len(fused.posterior.support.country_index) == fused.posterior.mass.shape[1]


# ---- the ground that places share


def near_munich(cues: list[Cue], km: float = 60.0, reliability: float = 0.6) -> float:
    return float(fuse(WORLD, cues, Reliabilities({"t": reliability})).posterior.mass_within([[48.14, 11.58]], km)[0])


def named(*proposals: Proposal) -> Cue:
    return Cue("text/place", "x", "y", "t", proposals=proposals)


MUNICH = Proposal("Munich", 48.14, 11.58, "DE", 5.0, 1.0)
MUENCHEN = Proposal("München", 48.141, 11.581, "DE", 5.0, 1.0)
SUBURB = Proposal("Giesing", 48.11, 11.59, "DE", 1.5, 1.0)
WIDE = Proposal("Munich", 48.14, 11.58, "DE", 12.0, 1.0)


def test_a_town_under_two_names_is_counted_once() -> None:
    once = near_munich([named(MUNICH)])
    assert near_munich([named(MUNICH, MUENCHEN)]) == pytest.approx(once, abs=0.01)
    twice = near_munich([named(MUNICH), named(MUNICH)])
    assert near_munich([named(MUNICH), named(MUENCHEN)]) == pytest.approx(twice, abs=0.01)


def test_a_hamlet_in_a_city_gets_no_more_than_the_cue_is_worth() -> None:
    for cue in (named(SUBURB, WIDE), named(WIDE, MUNICH, MUENCHEN, SUBURB)):
        assert near_munich([cue], 200) == pytest.approx(near_munich([named(MUNICH)], 200), abs=0.02)
    # of two cues one names the city and one a part of it: the part is the answer
    fused = fuse(WORLD, [named(WIDE), named(SUBURB)], Reliabilities({"t": 0.9}))
    assert sphere.distance_km(best(fused.posterior, 5)[0], np.array([48.11, 11.59])) < 2


def test_what_was_said_of_places_that_are_cut_is_left_unsaid() -> None:
    many = tuple(Proposal(str(n), -60.0 + 0.5 * n, 100.0, "RU", 2.0, 1.0) for n in range(2 * fusion.MAX_PROPOSALS))
    fused = fuse(WORLD, [named(*many)], Reliabilities({"t": 0.8}))
    assert fused.posterior.mass[0, :3].sum() == pytest.approx(1 - 0.8 / 2, abs=0.01)
    drowned = named(replace(MUNICH, weight=1e-9), *many)  # of the cut ones is Munich
    assert near_munich([drowned]) == pytest.approx(near_munich([]), abs=0.001)


# ---- what each cue did


def test_the_parts_of_the_cues_sum_to_the_whole_change(fuse_world: FuseWorld) -> None:
    cues = cues_of([line("Ajuntament d'Altafulla"), line("Altafulla"), line("www.barcelona.cat"), line("Multa 300 €")])
    assert len(cues) >= 4
    answer = np.array([41.1429, 1.3727])

    def log_near(some: list[Cue]) -> float:
        return float(np.log(fuse_world(some).posterior.mass_within(answer[None], 25)[0]))

    weighed = fuse_world(cues).weigh_near(answer, 25)
    assert sum(one.nats for one in weighed) == pytest.approx(log_near(cues) - log_near([]), abs=1e-6)
    assert [abs(one.nats) for one in weighed] == sorted((abs(one.nats) for one in weighed), reverse=True)
    for one in weighed:
        assert one.alone == pytest.approx(log_near([one.cue]) - log_near([]), abs=1e-6)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_cues_that_say_the_same_share_what_they_did(count: int) -> None:
    """The last of them adds almost nothing, and still none of them is without effect."""
    cues = [Cue("exif", str(n), "", "t", countries={"DE": 1.0}) for n in range(count)]
    fused = fuse(WORLD, cues, Reliabilities({"t": 0.9}))
    nats = [one.nats for one in fused.weigh_near(np.array([52.5, 13.4]), 50)]
    assert sum(nats) == pytest.approx(np.log(fused.posterior.mass[0, 1] / 0.3), abs=1e-3)
    assert nats == pytest.approx([sum(nats) / count] * count)


def test_a_cue_against_the_answer_keeps_its_sign_beside_cues_that_agree() -> None:
    cues = [Cue("exif", str(n), "", "t", countries={"DE": 1.0}) for n in range(4)]
    against = Cue("exif", "against", "", "t", countries={"FR": 1.0, "DE": 0.5})
    weighed = fuse(WORLD, [*cues, against], Reliabilities({"t": 0.8})).weigh_near(np.array([52.5, 13.4]), 50)
    by_name = {one.cue.what: one for one in weighed}
    assert by_name["against"].nats < 0 and by_name["against"].alone < 0
    assert all(by_name[str(n)].nats > 0.1 for n in range(4))


def test_a_posterior_without_some_cues_is_that_of_the_other_cues(fuse_world: FuseWorld) -> None:
    """The places that the left out cues propose have no mass."""
    cues = cues_of([line("Ajuntament d'Altafulla"), line("www.barcelona.cat"), line("Multa 300 €")])
    effects, rest = fuse_world(cues).effects, fuse_world(cues[1:]).posterior
    spots = np.array([[41.1429, 1.3727], [41.39, 2.17], [48.85, 2.35]])
    left = effects.posterior(range(1, len(cues)))
    np.testing.assert_allclose(
        left[[0, 0, 0]].mass_within(spots, 25), rest[[0, 0, 0]].mass_within(spots, 25), rtol=1e-6
    )


def test_a_lone_cue_moved_all_that_was_moved() -> None:
    (weighed,) = fuse(WORLD, [named(MUNICH)], Reliabilities({"t": 0.6})).weigh_near(np.array([48.14, 11.58]), 25)
    before = WORLD.mass_within([[48.14, 11.58]], 25)[0]
    assert weighed.nats == pytest.approx(np.log(near_munich([named(MUNICH)], 25) / before))


def test_evidence_far_from_every_place_is_weighed_in_numbers() -> None:
    """Places without mass, and an answer where no place is."""
    hollow = Posterior.from_mass([[48.85, 2.35], [52.5, 13.4], [0.0, -30.0]], [[1.0, 0.0, 0.0]], [10.0, 10.0, 50.0])
    cues = [Cue("a", "", "", "t", countries={"DE": 1.0}), named(MUNICH)]
    for one in (WORLD, hollow):
        fused = fuse(one, cues, Reliabilities({"t": 0.8}))
        for answer in ([-80.0, -120.0], [52.5, 13.4]):
            assert np.isfinite([weighed.nats for weighed in fused.weigh_near(np.array(answer), 25)]).all()


def test_evidence_is_weighed_inside_the_region_that_was_asked_for(fuse_world: FuseWorld) -> None:
    """Inside Spain a cue that says "Spain" says nothing."""
    spain = areas.read_region("Spain")
    fused = fuse_world([Cue("text/word", "x", "y", "text/word", countries={"ES": 1.0})])
    answer = np.array([41.39, 2.17])
    assert fused.weigh_near(answer, 25)[0].nats > 1
    assert abs(fused.weigh_near(answer, 25, functools.partial(restricted, region=spain))[0].nats) < 0.05


# ---- what the text stands on


SURE = Reliabilities({"t": {"sign": 0.9, "package": 0.3, "clothing": 0.0}})


def german(surface: str, number: int = 1) -> list[Cue]:
    """Return cues for Germany that stand on one surface."""
    return [Cue("text/word", str(n), "", "t", countries={"DE": 1.0}, surfaces={surface: 1.0}) for n in range(number)]


def share_of_germany(cues: list[Cue]) -> float:
    return float(fuse(WORLD, cues, SURE).posterior.mass[0, 1])


def test_cues_on_a_sign_are_witnesses_of_their_own() -> None:
    assert share_of_germany(german("sign")) == pytest.approx(0.1 * 0.3 + 0.9)
    assert share_of_germany(german("sign", 3)) > 0.998


def test_cues_on_one_package_stand_or_fall_together() -> None:
    """However many they are, they count as often as the package speaks of the place."""
    assert share_of_germany(german("package")) == pytest.approx(0.7 * 0.3 + 0.3)
    share = 0.3 / 0.9  # how often the package speaks of the place at all
    assert share_of_germany(german("package", 6)) == pytest.approx((1 - share) * 0.3 + share, abs=0.001)


def test_a_shirt_says_nothing() -> None:
    assert share_of_germany(german("clothing", 4)) == pytest.approx(0.3)


def test_a_sign_beside_a_package_counts_in_full() -> None:
    mixed = [*german("sign"), *(replace(cue, countries={"FR": 1.0}) for cue in german("package", 3))]
    assert fuse(WORLD, mixed, SURE).posterior.mass[0, 1] > 0.8


def test_a_town_on_a_package_is_proposed_with_the_reliability_of_packages() -> None:
    cue = replace(named(MUNICH), surfaces={"package": 1.0})
    near = fuse(WORLD, [cue], SURE).posterior.mass_within([[48.14, 11.58]], 60.0)[0]
    assert near == pytest.approx(0.3, abs=0.02)
