"""The command hours fit, and its file in locate --hours."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from command_line import Run
from conftest import MakePicture
from whereshot.photos.records import Records


def test_hours_end_to_end(run: Run, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    """Photos taken by day all round the Earth; then one of unknown place, taken at noon in UTC."""
    rng = np.random.default_rng(0)
    longitude = rng.uniform(-180, 180, 4000)
    utc = (rng.normal(13, 2.5, 4000) - longitude / 15) % 24
    start = np.datetime64("2024-05-01T00:00:00", "us")
    columns = {
        "id": [str(number) for number in range(4000)],
        "latitude": rng.uniform(-50, 60, 4000),
        "longitude": longitude,
        "taken_at": pa.array(start + (utc * 3.6e9).astype("timedelta64[us]"), pa.timestamp("us", tz="UTC")),
        "taken_at_is_local": np.arange(4000) < 100,
    }
    Records(pa.table(columns)).write(tmp_path / "records")
    out = tmp_path / "hours.toml"
    fitted = run("hours", "fit", tmp_path / "records", "--out", out)
    assert fitted.code == 0
    told = re.fullmatch(r"3900 photos; most are taken from (\d+) to (\d+) h solar time; wrote .*\n", fitted.out)
    assert int(told[1]) in (11, 12, 13, 14)
    assert "100 photos with a local time of an unknown zone were skipped" in fitted.err
    photo = jpeg_with_position(tmp_path / "noon.jpg", taken_at="2024:05:01 12:00:00", offset="+00:00")
    located = [
        run("locate", photo, "--no-text", *hours, "--format", "json").document["predictions"][0]
        for hours in ((), ("--hours", out))
    ]
    masses = [{c["country_code"]: c["probability"] for c in one["countries"]} for one in located]
    assert masses[1]["GB"] > 2 * masses[0]["GB"]
    assert masses[1].get("JP", 0) < 0.3 * masses[0]["JP"]
    (item,) = located[1]["evidence"]
    assert (item["kind"], item["what"]) == ("time", "12:00 UTC")
    assert item["nats"] > 0.3
    assert 'Recorded "12:00 UTC": the hour of the photo; made the answer ' in (
        run("locate", photo, "--no-text", "--hours", out).out
    )


def test_hours_refuse(run: Run, tiny: Path, tmp_path: Path) -> None:
    assert run("hours", "fit", tiny / "photos.csv", "--out", "x.csv").mistake == "--out names a .toml file; got x.csv"
    said = run("hours", "fit", tiny / "photos.csv", "--out", tmp_path / "x.toml").mistake
    assert said == "0 photos with a position and a UTC time; at least 200 are needed"
    gone = tmp_path / "gone.toml"
    assert run("locate", tiny / "lima-0.png", "--hours", gone).mistake == f"{gone}: no such file"
