"""The draws of an epoch: all photos once by default; cells evened out, epochs that grow; the same in every run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from whereshot.training.sampling import Repeated, Sampler, SamplingSettings

CELLS = np.repeat([0, 1, 3], [80, 15, 5])
"""Cell 2 has no photo."""
ROWS = np.arange(100) + 7
PHOTOS = 200


def sampler(seed: int = 3, cells: np.ndarray = CELLS, **settings: object) -> Sampler:
    return Sampler(SamplingSettings.model_validate(settings), ROWS, PHOTOS, seed, cells)


def of_cells(draws: np.ndarray) -> np.ndarray:
    """How many draws (4,) are of each cell."""
    return np.bincount(CELLS[draws % PHOTOS - 7], minlength=4)


def test_by_default_every_photo_once_in_the_order_of_seed_and_epoch() -> None:
    plain = sampler()
    for epoch in range(3):
        draws = plain.draws(epoch)
        assert sorted(draws) == ROWS.tolist() and len(draws) == plain.count(epoch)
        np.testing.assert_array_equal(draws, ROWS[np.random.default_rng([3, epoch]).permutation(100)])
    assert plain.draws(0).tolist() != plain.draws(1).tolist() != sampler(seed=4).draws(1).tolist()


def test_balanced_cells_are_drawn_alike() -> None:
    draws = sampler(balance=1.0).draws(0)
    assert len(draws) == 100
    assert np.abs(of_cells(draws) - [100 / 3, 100 / 3, 0, 100 / 3]).max() <= 1
    np.testing.assert_array_equal(draws, sampler(balance=1.0).draws(0))


def test_the_bias_is_annealed_to_zero() -> None:
    falling = sampler(balance=0.8, anneal_epochs=4)
    assert [falling.balance(epoch) for epoch in range(6)] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0, 0])
    shares = [of_cells(falling.draws(epoch))[3] for epoch in range(6)]
    expected = [100 * (b / 3 + (1 - b) * 0.05) for b in (0.8, 0.6, 0.4, 0.2, 0, 0)]
    np.testing.assert_allclose(shares, expected, atol=1)
    assert sorted(falling.draws(5)) == ROWS.tolist()  # without a bias, every photo once


def test_epochs_grow_from_so_many_for_each_cell() -> None:
    growing = sampler(per_cell=200, growth=0.06)
    counts = [growing.count(epoch) for epoch in range(20)]
    assert counts[:2] == [600, 636]  # three cells have photos
    np.testing.assert_allclose(counts, 600 * 1.06 ** np.arange(20), atol=0.5)
    for epoch in (0, 7):
        draws = growing.draws(epoch)
        assert len(draws) == counts[epoch]
        times = np.bincount(draws % PHOTOS - 7)
        assert times.min() >= len(draws) // 100 and times.max() <= len(draws) // 100 + 1


def test_no_draw_of_an_epoch_is_like_another() -> None:
    """Each repetition has a number of its own, and so a crop of its own; they are counted from 0 for every photo."""
    draws = sampler(balance=1.0, per_cell=60).draws(2)
    assert len(np.unique(draws)) == len(draws) == 180
    for row in np.unique(draws % PHOTOS):
        repeats = np.sort(draws[draws % PHOTOS == row] // PHOTOS)
        np.testing.assert_array_equal(repeats, np.arange(len(repeats)))


def test_photos_outside_of_all_cells_are_drawn_photo_by_photo_only() -> None:
    cells = np.where(np.arange(100) < 50, -1, 0)
    inside = (sampler(cells=cells, balance=0.5).draws(0) % PHOTOS - 7 >= 50).sum()
    assert inside == pytest.approx(75, abs=1)
    assert sorted(sampler(cells=np.full(100, -1), balance=1.0).draws(0)) == ROWS.tolist()


@given(
    cells=st.lists(st.integers(-1, 6), min_size=1, max_size=40),
    balance=st.floats(0, 1),
    per_cell=st.integers(1, 50),
    epoch=st.integers(0, 30),
    seed=st.integers(0, 5),
)
def test_any_epoch_has_as_many_draws_as_it_says(
    cells: list[int], balance: float, per_cell: int, epoch: int, seed: int
) -> None:
    settings = SamplingSettings(balance=balance, per_cell=per_cell, growth=0.06)
    made = Sampler(settings, np.arange(len(cells)), len(cells), seed, np.array(cells))
    draws = made.draws(epoch)
    assert len(draws) == made.count(epoch) >= 1
    assert len(np.unique(draws)) == len(draws) and draws.min() >= 0


def test_sources_by_draw() -> None:
    sources = Repeated(["a", "b", "c"])
    assert [sources[draw] for draw in (0, 2, 3, 8, np.int64(10))] == ["a", "c", "a", "c", "b"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"anneal_epochs": 3}, "anneal_epochs needs a balance above 0, which falls to 0"),
        ({"growth": 0.06}, "growth needs per_cell, the draws for each cell in the first epoch"),
        ({"balance": 1.5}, "balance"),
        ({"per_cell": 0}, "per_cell"),
    ],
)
def test_settings_that_make_no_sense(wrong: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SamplingSettings.model_validate(wrong)
