"""The refiner that averages the posteriors of a user."""

from __future__ import annotations

from typing import Any

import numpy as np

from refiner_cases import fitted


def test_user_mean_as_published_is_the_mean_of_all_of_the_user_s_photos(world: Any) -> None:
    examples, posterior, records, _ = world
    refined = fitted("user-mean", examples, {"rule": "mean"})(posterior, records)
    mine = np.array([user == "user 7" for user in records.strings("user")])
    np.testing.assert_allclose(refined.mass[mine], np.broadcast_to(posterior.mass[mine].mean(axis=0), (4, 4)))


def test_a_user_s_only_photo_keeps_its_posterior(world: Any) -> None:
    examples, posterior, records, _ = world
    np.testing.assert_allclose(fitted("user-mean", examples)(posterior[:1], records[:1]).mass, posterior[:1].mass)
