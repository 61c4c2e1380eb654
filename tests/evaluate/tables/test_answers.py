"""Tables of predictions: three formats give the same answers, and every fault is named with its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from prediction_tables import N, read, table, write
from whereshot.earth import sphere
from whereshot.evaluate import Protocol, Truth, score
from whereshot.evaluate.tables import Problems, read_truth
from whereshot.foundation.errors import InputError


def warnings(points: NDArray, truth: Truth, folder: Path) -> list[str]:
    return read(write(folder / "them.csv", table(points)), truth)[1].warnings


@pytest.mark.parametrize("name", ["them.csv", "them.parquet", "them.jsonl"])
def test_three_formats_are_read_alike(
    rng: np.random.Generator, places: NDArray, truth: Truth, tmp_path: Path, name: str
) -> None:
    points = sphere.move(places, 30.0, 40.0)
    share = rng.uniform(size=N).round(3)
    shuffled = rng.permutation(N)
    columns = table(points, within_200=share.tolist(), confidence=share.tolist(), radius_90=(100 * share).tolist())
    columns = {key: [values[row] for row in shuffled] for key, values in columns.items()}
    answers, problems = read(write(tmp_path / name, columns), truth)
    assert problems.notes() == []
    np.testing.assert_allclose(answers.points, points)
    np.testing.assert_allclose(answers.within[200], share)
    np.testing.assert_allclose(answers.radius_km[0.9], 100 * share)
    np.testing.assert_allclose(answers.confidence, share)


def test_every_faulty_row_is_named_and_a_miss(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    columns = table(places)
    faults = {
        1: ("latitude", "nan", "(nan, {east}): not a finite number"),
        2: ("latitude", "inf", "(inf, {east}): not a finite number"),
        3: ("longitude", "", "({north}, nan): not a finite number"),
        4: ("latitude", "twelve", "latitude is not a number: 'twelve'"),
        5: ("latitude", "91", "(91, {east}): latitude must lie between -90 and 90 degrees"),
        6: (
            "longitude",
            "1e3",
            "({north}, 1000): longitude must lie between -180 and 180 degrees (one turn more is wrapped)",
        ),
    }
    for row, (column, value, _) in faults.items():
        columns[column][row] = value
    columns["id"][7] = "stranger"
    columns["latitude"][8] = columns["longitude"][8] = ""
    answers, problems = read(write(tmp_path / "them.csv", columns), truth)
    expected = []
    for row, (_, _, what) in faults.items():
        north, east = (f"{value:.10g}" for value in places[row])
        told = what.format(north=north, east=east)
        expected.append(f"them.csv: row {row + 1} (id {row:03d}): {told}; counted as a miss")
    expected += [
        "them.csv: row 9 (id 008): no position; counted as a miss",
        "them.csv: row 8 (id stranger): an id too many; left aside: it is not in the truth",
        "them.csv: id 007: no prediction; counted as a miss",
    ]
    assert problems.notes() == expected
    row = score(answers, truth, Protocol(draws=10))
    assert (row.photos, row.failed) == (N, 8)
    assert row.scores["accuracy_1"].value == pytest.approx((N - 8) / N)


@pytest.mark.parametrize(
    ("delimiter", "number"), [(";", "{:.4f}"), ("|", "{:.4f}"), ("\t", "{:.4f}"), (";", "{:+.4f}")]
)
def test_decimal_commas(delimiter: str, number: str, places: NDArray, truth: Truth, tmp_path: Path) -> None:
    lines = [delimiter.join(["id", "lat", "lon", "confidence"])]
    for row, point in enumerate(places):
        lines.append(
            delimiter.join([f" {row:03d} ", *(number.format(value).replace(".", ",") for value in point), "0,5"])
        )
    path = tmp_path / "them.csv"
    path.write_bytes("\r".join(lines).encode())  # and lines end as old Mac programs end them
    answers, problems = read(path, truth)
    assert problems.notes() == []
    np.testing.assert_allclose(answers.points, places, atol=1e-4)
    assert answers.confidence.tolist() == [0.5] * N


def test_hemispheres_of_predictions_and_truth(places: NDArray, tmp_path: Path) -> None:
    columns = table(np.abs(places))
    columns["lat_ref"] = ["South" if value < 0 else "North" for value in places[:, 0]]
    columns["lon_ref"] = ["W" if value < 0 else "E" for value in places[:, 1]]
    path = write(tmp_path / "both.csv", columns)
    truth = read_truth(path, {}, None, Problems())
    np.testing.assert_allclose(truth.points, places)
    answers, problems = read(path, truth)
    assert problems.notes() == []
    np.testing.assert_allclose(answers.points, places)


def test_hemispheres_known_by_their_content_alone(places: NDArray, tmp_path: Path) -> None:
    """A table without signs and with columns N/S and E/W of any name; a note names the columns that were taken."""
    north = np.where(places[:, 0] < 0, "S", "N")
    east = np.where(places[:, 1] < 0, "W", "E")
    columns = {
        "id": [f"{row:03d}" for row in range(N)],
        "latitude": np.abs(places[:, 0]).tolist(),
        "dir1": north.tolist(),
        "longitude": np.abs(places[:, 1]).tolist(),
        "dir2": east.tolist(),
    }
    path, problems = write(tmp_path / "t.csv", columns), Problems()
    truth = read_truth(path, {}, None, problems)
    np.testing.assert_allclose(truth.points, places)
    assert [note.split(" has only")[0] for note in problems.warnings] == ["t.csv: 'dir1'", "t.csv: 'dir2'"]
    answers, problems = read(path, truth)
    np.testing.assert_allclose(answers.points, places)
    assert [note.split(" has only")[0] for note in problems.warnings] == ["t.csv: 'dir1'", "t.csv: 'dir2'"]


def test_a_ragged_row_is_named_and_its_photo_is_a_miss(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    path = write(tmp_path / "them.csv", table(places))
    lines = path.read_text().splitlines()
    lines[2] = "001,5"
    path.write_text("\n".join(lines[:3] + lines[3:]) + "\n")
    _, problems = read(path, truth)
    assert problems.notes() == [
        "them.csv: row 2: 2 fields where 3 were expected: '001,5'; left aside: it cannot be read",
        "them.csv: id 001: no prediction; counted as a miss",
    ]
    with pytest.raises(InputError, match=r"row 2 cannot be scored: 2 fields where 3 were expected: '001,5'$"):
        read_truth(path, {}, None, Problems())


def test_mix_ups_are_asked_about(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    near = sphere.move(places, 100.0, 30.0)
    assert warnings(near, truth, tmp_path) == []
    (swapped,) = warnings(near[:, ::-1], truth, tmp_path)
    assert swapped.startswith(
        "them.csv: did you swap latitude and longitude, here or in the truth? The mean GeoScore would be 4901"
    )
    (radians,) = warnings(np.radians(near), truth, tmp_path)
    assert radians.startswith("them.csv: are these radians? Degrees are expected. The mean GeoScore would be 4901")
    (nowhere,) = warnings(np.where(np.arange(N)[:, None] < 20, 0.0, near), truth, tmp_path)
    assert nowhere.startswith("them.csv: about 20 answers are exactly (0, 0)")
    small = Truth(np.radians(places), ids=truth.ids)
    assert (
        "all positions, also those of the truth, lie within pi of zero"
        in warnings(np.radians(near), small, tmp_path)[0]
    )


def test_one_file_may_hold_predictions_and_truth(tmp_path: Path) -> None:
    """As OSV-5M's game does: neither is taken for the other."""
    path = tmp_path / "both.csv"
    path.write_text("id,pred_lat,pred_lon,true_lat,true_lon\na,10,20,11,21\n")
    truth = read_truth(path, {}, None, Problems())
    answers, _ = read(path, truth)
    np.testing.assert_allclose(truth.points, [[11, 21]])
    np.testing.assert_allclose(answers.points, [[10, 20]])
