"""The list of steps: its order is the order in which they work."""

from __future__ import annotations

from whereshot.photos.curate import STEPS


def test_the_order_of_steps_is_that_of_their_list() -> None:
    assert list(STEPS) == ["verify", "faces", "scene", "duplicates", "one_per_user_cell", "balance"]
