"""Draws by lot: the same photos in every run, whatever else is in the table, and never too many of a group."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from whereshot.photos.curate import draw_by_lot


def test_a_lot_depends_on_the_id_and_the_seed_alone() -> None:
    whole = draw_by_lot.lots(pa.chunked_array([["a", "b"], [], ["c"]]), 1)
    assert draw_by_lot.lots(pa.chunked_array([["c", "a"]]), 1).tolist() == [whole[2], whole[0]]
    assert not set(draw_by_lot.lots(pa.chunked_array([["a", "b", "c"]]), 2)) & set(whole)
    assert draw_by_lot.lots(pa.chunked_array([[]], pa.string()), 1).tolist() == []


def test_numbers_are_equal_for_equal_texts_and_for_nulls() -> None:
    found = draw_by_lot.numbered(pa.chunked_array([["a", None, "b"], ["a", None, ""]])).tolist()
    assert found[0] == found[3] and found[1] == found[4]
    assert len(set(found)) == 4


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 5)), max_size=40),
    st.integers(1, 4),
)
def test_the_lowest_lots_of_each_group_are_drawn(rows: list[tuple[int, int, int]], most: int) -> None:
    cells, users, lots = (np.array([row[at] for row in rows], np.int64) for at in range(3))
    chosen, winner = draw_by_lot.drawn([cells, users], lots.astype(np.uint64), most)
    for row, (cell, user, _) in enumerate(rows):
        group = [other for other in range(len(rows)) if rows[other][:2] == (cell, user)]
        in_order = sorted(group, key=lambda other: (rows[other][2], other))
        assert chosen[row] == (row in in_order[:most])
        assert winner[row] == in_order[0]
