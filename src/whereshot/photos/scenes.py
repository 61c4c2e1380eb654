"""The three kinds of scene, indoor, natural and urban, and their probabilities in records.

``whereshot curate --scene-model`` computes the probabilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records

SCENES = ("indoor", "natural", "urban")
SCENE_COLUMNS = tuple(f"scene_{kind}" for kind in SCENES)
"""The columns of records."""


def scene_shares(records: Records) -> NDArray[np.float64]:
    """Return the probabilities (n, 3) of indoor, natural and urban; each row sums to 1, or is NaN where it is not
    known.

    Raises InputError where records have no such columns.
    """
    if not set(SCENE_COLUMNS) <= set(records.table.column_names):
        raise InputError(
            f"needs the columns {', '.join(SCENE_COLUMNS)}; classify the photos with: whereshot curate --scene-model"
        )
    shares = np.stack([records.numbers(name) for name in SCENE_COLUMNS], axis=1)
    total = shares.sum(axis=1, keepdims=True)
    known = (shares >= 0).all(axis=1, keepdims=True) & (total > 0) & np.isfinite(total)
    result: NDArray[np.float64] = np.divide(shares, total, out=np.full(shares.shape, np.nan), where=known)
    return result
