"""Search for near hashes: the same result as comparing every pair, also for many hashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.photos.curate import near_hashes


def by_hand(values: np.ndarray, near: Callable[[int, int], bool]) -> list[int]:
    kept: list[int] = []
    result = []
    for row in range(len(values)):
        before = [other for other in kept if near(other, row)]
        result.append(before[0] if before else row)
        if not before:
            kept.append(row)
    return result


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 16), st.integers(1, 60), st.sampled_from([3, 16, 1024]))
def test_leaders_are_those_of_going_through_them_in_order(seed: int, most: int, count: int, base: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**64, 4, dtype=np.uint64)
    flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, (count, 9), dtype=np.uint64), axis=1)
    values = centres[rng.integers(0, 4, count)] ^ (flips & rng.integers(0, 2**64, count, dtype=np.uint64))
    pairs = np.stack([values, rng.integers(0, 8, count, dtype=np.uint64)], axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_hashes, "_BASE", base)
        patch.setattr(near_hashes, "_CANDIDATES", 7)
        for hashed, limits in ((values, most), (pairs, (most, 1))):

            def near(a: int, b: int, second: bool = hashed is pairs) -> bool:
                edges = (int(pairs[a, 1]) ^ int(pairs[b, 1])).bit_count()
                return (int(values[a]) ^ int(values[b])).bit_count() <= most and (not second or edges <= 1)

            assert near_hashes.leaders(hashed, limits).tolist() == by_hand(values, near)
            half = count // 2
            expected = [next((k for k in range(half) if near(k, row)), -1) for row in range(half, count)]
            assert near_hashes.earliest(hashed[:half], hashed[half:], limits).tolist() == expected


def test_many_hashes_in_little_time_and_one_look_a_thousand_times() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2**64, 60_000, dtype=np.uint64)
    values[20_000:21_000] = values[7]
    values[40_000:41_000] = values[9] ^ (np.uint64(1) << rng.integers(0, 64, 1000, dtype=np.uint64))
    found = near_hashes.leaders(values, 6)
    assert (found[20_000:21_000] == 7).all() and (found[40_000:41_000] == 9).all()
    assert (
        np.delete(found, np.r_[20_000:21_000, 40_000:41_000])
        == np.delete(np.arange(60_000), np.r_[20_000:21_000, 40_000:41_000])
    ).all()


def test_a_chain_of_looks_keeps_what_is_unlike_all_that_stay(tmp_path: Path) -> None:
    """b is like a, c is like b but not like a: c stays, and every twin that is named stays too."""
    assert near_hashes.leaders(np.array([0, 0b111, 0b111111], np.uint64), 3).tolist() == [0, 0, 2]
