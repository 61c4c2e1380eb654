"""How similar photos look, in words, from the distances of random pairs."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.locate.similarity import Similarity, similarity

USUAL = np.linspace(0.5, 1.5, 1000)


@pytest.mark.parametrize(
    ("distance", "word", "share"),
    [
        (0.0, "nearly the same picture", 1.0),
        (0.05, "nearly the same picture", 1.0),
        (0.2, "very similar", 1.0),
        (0.505, "very similar", 0.995),
        (0.55, "similar", 0.95),
        (1.0, "not similar", 0.5),
        (2.0, "not similar", 0.0),
    ],
)
def test_a_word_for_every_distance(distance: float, word: str, share: float) -> None:
    found = similarity(distance, USUAL)
    assert found is not None and found.word == word
    assert found.share == pytest.approx(share, abs=2e-3)


def test_a_gallery_of_few_photos_has_no_word() -> None:
    assert similarity(0.3, np.empty(0)) is None


def test_the_share_is_part_of_a_sentence() -> None:
    assert Similarity("similar", 0.95).in_words() == "95 % of pairs are less alike"
    assert Similarity("nearly the same picture", 1.0).in_words() == "over 99 % of pairs are less alike"
