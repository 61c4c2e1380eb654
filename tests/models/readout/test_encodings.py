"""Encodings of places as a readout."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.models.readout.encodings import Encodings, EncodingsSettings


def test_encodings_vote_for_their_places() -> None:
    places = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    readout = Encodings(places, np.eye(3), [1.0, 2.0, 3.0], EncodingsSettings(temperature=0.5))
    posterior = readout({"encoding": np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])})
    wanted = np.exp(2 * np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(posterior.mass, wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(posterior.mode(), places[[1, 2]])
    np.testing.assert_array_equal(posterior.spread_km, [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"^2 encodings for 3 places; give one for each$"):
        Encodings(places, np.eye(3)[:2], 1.0)
