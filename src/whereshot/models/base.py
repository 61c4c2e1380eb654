"""What every model answers: the posteriors of some photos, the numbers of these, and the errors of the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.posterior.base import Posterior


class Posteriors(NamedTuple):
    """The answer of a model for some photos.

    ``posterior`` has a row for each of ``rows`` (n,), the numbers of the photos that can be read; it is None where no
    photo can be read. ``errors`` has the error of every other photo by its number.
    """

    posterior: Posterior | None
    rows: NDArray[np.int64]
    errors: dict[int, str]


class Block(NamedTuple):
    """The posteriors of the photos with the numbers ``start`` to ``stop`` (exclusive).

    ``empty`` (n,) is whether the photo of each row shows nothing: one colour, or noise.
    """

    start: int
    stop: int
    found: Posteriors
    empty: NDArray[np.bool_]
