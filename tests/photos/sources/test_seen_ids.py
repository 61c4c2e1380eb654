"""Ids that have been before: each is new once, within one call, over calls and over runs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from whereshot.photos.sources.seen_ids import SeenIds, hashed


@given(st.lists(st.lists(st.sampled_from(["", "a", "b", "A", "é", "photo 1", "photo 10"]), max_size=8), max_size=5))
def test_an_id_is_new_the_first_time(portions: list[list[str]]) -> None:
    seen, before = SeenIds(), set()
    for ids in portions:
        expected = []
        for name in ids:
            expected.append(name not in before)
            before.add(name)
        assert seen.add(ids).tolist() == expected
        assert len(seen) == len(before)


def test_shards_of_an_earlier_run(tmp_path: Path) -> None:
    for number, ids in enumerate((["a", "b"], ["c"])):
        pq.write_table(pa.table({"id": ids, "latitude": [1.0] * len(ids)}), tmp_path / f"{number}.parquet")
    seen = SeenIds()
    seen.add_shards(sorted(tmp_path.glob("*.parquet")))
    assert seen.add(["c", "d", "a"]).tolist() == [False, True, False]


def test_numbers_are_the_same_on_every_machine() -> None:
    """The order of sampled addresses and the index of archives follow from them."""
    assert hashed(["", "photo 1"]).tolist() == [0xE4A6A0577479B2B4, int(hashed(["photo 1"])[0])]
    assert len(set(hashed([str(number) for number in range(5000)]).tolist())) == 5000
    assert hashed([]).shape == (0,)
