"""The hour of the photo: fitted on records, it says something of the longitude."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from whereshot.evidence import PhotoFacts
from whereshot.evidence.time import HourModel, remark_on
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.photos.recorded import Recorded
from whereshot.photos.records import Records


def test_the_hour_says_something_of_the_longitude(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    longitude = rng.uniform(-180, 180, 3000)
    solar = rng.normal(14, 3, 3000) % 24
    utc = (solar - longitude / 15) % 24
    taken = [datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=float(h)) for h in utc]
    records = Records(
        pa.table(
            {
                "id": [str(number) for number in range(3000)],
                "latitude": np.zeros(3000),
                "longitude": longitude,
                "taken_at": pa.array(taken, pa.timestamp("us", tz="UTC")),
            }
        )
    )
    model = HourModel.fit(records)
    model.save(tmp_path / "hours.toml")
    model = HourModel.load(tmp_path / "hours.toml")
    likelihood = model.log_likelihood(14.0, np.array([[0.0, 0.0], [0.0, 179.0]]))
    assert likelihood[0] > 1 > -1 > likelihood[1]
    seen = PhotoFacts(recorded=Recorded(taken_at=datetime.datetime(2024, 5, 1, 14, tzinfo=datetime.UTC)))
    assert len(model.cues_of(seen)) == 1
    local = Recorded(taken_at=datetime.datetime(2024, 5, 1, 14), taken_at_is_local=True)
    assert model.cues_of(PhotoFacts(recorded=local)) == []


def test_the_hour_needs_photos() -> None:
    with pytest.raises(InputError, match="0 photos with a position and a UTC time; at least 200 are needed"):
        HourModel.fit(Records(pa.table({"id": ["a"], "latitude": [1.0], "longitude": [1.0]})))


def test_local_times_are_skipped_and_told() -> None:
    taken = [datetime.datetime(2024, 5, 1, hour, tzinfo=datetime.UTC) for hour in range(24)] * 20
    columns = {
        "id": [str(number) for number in range(480)],
        "latitude": np.zeros(480),
        "longitude": np.zeros(480),
        "taken_at": pa.array(taken, pa.timestamp("us", tz="UTC")),
        "taken_at_is_local": [number % 2 == 0 for number in range(480)],
    }
    fitted = HourModel.fit(Records(pa.table(columns)))
    assert (fitted.photos, fitted.skipped_local) == (240, 240)
    columns["taken_at_is_local"] = [True] * 480
    with pytest.raises(InputError, match=r"0 photos .* \(480 more have a local time, which cannot be used\)"):
        HourModel.fit(Records(pa.table(columns)))


def test_a_local_time_is_remarked_on() -> None:
    local = Recorded(taken_at=datetime.datetime(2024, 5, 1, 14, 5), taken_at_is_local=True)
    assert remark_on(PhotoFacts(recorded=local)) == (
        "the recorded time 14:05 is local and its time zone is unknown: it is not used"
    )
    assert remark_on(PhotoFacts(recorded=Recorded())) is None


def test_a_file_with_impossible_shares_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hours.toml").write_text("photos = 300\nshares = [" + ", ".join(["0.0"] * 24) + "]\n")
    with pytest.raises(ConfigError, match="shares"):
        HourModel.load(tmp_path / "hours.toml")
