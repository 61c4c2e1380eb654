"""Scenes of records: probabilities that sum to one, or are unknown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records
from whereshot.photos.scenes import SCENE_COLUMNS, scene_shares


def test_shares_sum_to_one_or_are_unknown() -> None:
    rows = [(0.2, 0.2, 0.4), (None, 0.5, 0.5), (0.0, 0.0, 0.0), (-0.1, 0.6, 0.5), (3.0, 0.0, 1.0)]
    columns = dict(
        zip(SCENE_COLUMNS, (pa.array(values, pa.float64()) for values in zip(*rows, strict=True)), strict=True)
    )
    shares = scene_shares(Records(pa.table({"id": list("abcde"), **columns})))
    np.testing.assert_allclose(shares[[0, 4]], [[0.25, 0.25, 0.5], [0.75, 0.0, 0.25]])
    assert np.isnan(shares[1:4]).all()
    with pytest.raises(InputError) as caught:
        scene_shares(Records(pa.table({"id": ["a"]})))
    assert str(caught.value) == (
        "needs the columns scene_indoor, scene_natural, scene_urban; "
        "classify the photos with: whereshot curate --scene-model"
    )
