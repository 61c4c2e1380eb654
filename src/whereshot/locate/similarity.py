"""How similar two photos look, in words: their distance against the distances of random pairs of a gallery's photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.locate import words

LEAST_PHOTOS = 20
"""A gallery of fewer photos has no usual distance."""
SAME = 0.05
"""Up to this part of the usual (median) distance, two pictures are nearly the same."""
VERY_SIMILAR = 0.99
"""From this share of random pairs that are less alike, two photos are very similar."""
SIMILAR = 0.9
"""From this share on, two photos are similar; below it, they are as alike as photos by chance are."""
TOO_FEW = f"A gallery of fewer than {LEAST_PHOTOS} photos has only distances: smaller is more alike."
MEANING = (
    "Similarity compares the look of two photos with that of random pairs of these photos: very similar from "
    f"{100 * VERY_SIMILAR:.0f} % of the pairs on, similar from {100 * SIMILAR:.0f} % on. "
    "A similar look is not the same place."
)


@dataclass(frozen=True)
class Similarity:
    """How similar two photos look.

    ``word`` is "nearly the same picture", "very similar", "similar" or "not similar". ``share`` is the share of random
    pairs of the gallery's photos, 0 to 1, that look less alike than the two.
    """

    word: str
    share: float

    def in_words(self) -> str:
        """Return the share as part of a sentence, such as "97 % of pairs are less alike"."""
        return f"{words.percent(self.share)} of pairs are less alike"


def similarity(distance: float, usual: NDArray[np.float64]) -> Similarity | None:
    """Return how similar two photos at this distance look; None where the gallery has too few photos.

    ``usual`` are the distances of random pairs, in ascending order, empty for a gallery of too few photos.
    """
    if len(usual) == 0:
        return None
    share = 1 - float(np.searchsorted(usual, distance, "right")) / len(usual)
    if distance <= SAME * float(np.median(usual)):
        word = "nearly the same picture"
    elif share >= SIMILAR:
        word = "very similar" if share >= VERY_SIMILAR else "similar"
    else:
        word = "not similar"
    return Similarity(word, share)
