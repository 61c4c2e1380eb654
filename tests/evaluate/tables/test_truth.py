"""Tables of the truth: users, scenes, labels and times; positions that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from prediction_tables import N, table, write
from whereshot.evaluate.tables import Problems, read_truth
from whereshot.foundation.errors import InputError


def test_truth_has_users_scenes_labels_and_times(places: NDArray, tmp_path: Path) -> None:
    more = {
        "owner": [f"u{row // 3}" for row in range(N)],
        "prob_indoor": [0.5] * N,
        "prob_natural": [0.25] * N,
        "prob_urban": [0.25] * N,
        "country": ["FR"] * (N - 1) + [""],
        "area": ["a"] * N,
        "posted_at": ["2014-05-06T07:08:09"] * N,
        "camera": [f"c{row % 2}" for row in range(N)],
    }
    path = write(tmp_path / "truth.csv", table(places, **more))
    truth = read_truth(path, {}, None, Problems())
    assert (len(truth), truth.cluster_by, len(set(truth.cluster))) == (N, "user", 10)
    assert truth.scenes["indoor"].tolist() == [0.5] * N
    assert (truth.labels["country"][0], truth.labels["country"][-1], truth.labels["sub-region"][3]) == ("FR", None, "a")
    assert truth.posted_at[0] == np.datetime64("2014-05-06T07:08:09")
    by_camera = read_truth(path, {}, "camera", Problems())
    assert (by_camera.cluster_by, sorted(set(by_camera.cluster))) == ("camera", ["c0", "c1"])
    with pytest.raises(InputError, match=r"truth.csv: no column 'album' to group photos by$"):
        read_truth(path, {}, "album", Problems())


def test_truth_without_a_position_is_refused(places: NDArray, tmp_path: Path) -> None:
    columns = table(places)
    columns["latitude"][3], columns["longitude"][9] = "north", "500"
    path = write(tmp_path / "truth.csv", columns)
    with pytest.raises(InputError) as caught:
        read_truth(path, {}, None, Problems())
    said = "row 4 (id 003) cannot be scored: latitude is not a number: 'north'; so are 1 more rows"
    assert str(caught.value) == f"{path}: {said}"
    path = write(tmp_path / "swapped.csv", table(places[:, ::-1]))
    with pytest.raises(InputError, match=r"did you swap latitude and longitude\?$"):
        read_truth(path, {}, None, Problems())
