"""Anyone's tables: three formats score alike; every fault is named with its row, and no photo leaves the count."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate import Answers, Protocol, Truth, answers_of_posterior, score
from whereshot.evaluate.tables import NAMED, Problems, read_answers, read_distributions, read_posterior, read_truth
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior

N = 30
WRAPPED = "longitude must lie between -180 and 180 degrees (one turn more is wrapped)"


@pytest.fixture
def places(rng: np.random.Generator) -> NDArray:
    """Where thirty photos were taken: all over, none where its latitude could be its longitude."""
    return np.stack([rng.uniform(-60, 60, N), rng.uniform(60, 170, N) * rng.choice([-1, 1], N)], axis=1)


def write(path: Path, columns: dict[str, Any]) -> Path:
    """A table in the format of its name."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
        return path
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text("\n".join([",".join(columns), *(",".join(map(str, row.values())) for row in rows)]) + "\n")
    return path


def table(points: NDArray, **more: Any) -> dict[str, Any]:
    return {
        "id": [f"{row:03d}" for row in range(len(points))],
        "latitude": points[:, 0].tolist(),
        "longitude": points[:, 1].tolist(),
        **more,
    }


@pytest.fixture
def truth(places: NDArray, tmp_path: Path) -> Truth:
    return read_truth(write(tmp_path / "truth.csv", table(places)), {}, None, Problems())


def read(path: Path, truth: Truth, **columns: str) -> tuple[Answers, Problems]:
    problems = Problems()
    return read_answers(path, truth, columns, "them", problems), problems


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


def test_columns_are_named_or_known_by_their_usual_names(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    plain = table(places)
    usual = {"image_id": plain["id"], "Lat": plain["latitude"], "LNG": plain["longitude"]}
    np.testing.assert_allclose(read(write(tmp_path / "a.csv", usual), truth)[0].points, places)
    odd = {"what": plain["id"], "north": plain["latitude"], "east": plain["longitude"]}
    path = write(tmp_path / "b.csv", odd)
    named = read(path, truth, id="what", latitude="north", longitude="east")[0]
    np.testing.assert_allclose(named.points, places)
    with pytest.raises(InputError) as caught:
        read(path, truth)
    said = f"{path}: no id column among what, north, east; name it: --column id=NAME"
    assert str(caught.value) == said
    with pytest.raises(InputError, match=r"no column 'nort'; did you mean 'north'\?$"):
        read(path, truth, latitude="nort")


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


def test_many_faults_are_counted(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    columns = table(places)
    columns["latitude"][:25] = [""] * 25
    _, problems = read(write(tmp_path / "them.csv", columns), truth)
    assert len(problems.rows) == 25
    assert problems.notes()[NAMED:] == ["them.csv: 5 more counted as a miss"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda columns: columns["id"].__setitem__(4, "002"),
            "id '002' occurs in rows 3, 5; keep one answer per photo",
        ),
        (lambda columns: columns["id"].__setitem__(4, ""), "row 5 has no id, nor have 0 others"),
        (
            lambda columns: columns.update(id=[f"x{n}" for n in range(N)]),
            "none of 30 ids is in the truth, whose first is '000'; the first here is 'x0'",
        ),
    ],
)
def test_ids_that_are_refused(places: NDArray, truth: Truth, tmp_path: Path, change: Any, said: str) -> None:
    columns = table(places)
    change(columns)
    path = write(tmp_path / "them.csv", columns)
    with pytest.raises(InputError) as caught:
        read(path, truth)
    assert str(caught.value) == f"{path}: {said}"


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
    assert [note.split(" holds")[0] for note in problems.warnings] == ["t.csv: 'dir1'", "t.csv: 'dir2'"]
    answers, problems = read(path, truth)
    np.testing.assert_allclose(answers.points, places)
    assert [note.split(" holds")[0] for note in problems.warnings] == ["t.csv: 'dir1'", "t.csv: 'dir2'"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda name: f"{name}.jpg",
            "30 ids differ from the truth's in folder or ending; '000.jpg' is taken for '000'",
        ),
        (
            lambda name: f"/data/{name}.JPG",
            "30 ids differ from the truth's in folder or ending; '/data/000.JPG' is taken for '000'",
        ),
        (lambda name: str(int(name)), "30 ids differ from the truth's in leading zeros; '0' is taken for '000'"),
    ],
)
def test_ids_written_in_another_way(change: Any, note: str, places: NDArray, truth: Truth, tmp_path: Path) -> None:
    columns = table(places)
    columns["id"] = [change(name) for name in columns["id"]]
    answers, problems = read(write(tmp_path / "them.csv", columns), truth)
    assert problems.notes() == [f"them.csv: {note}"]
    np.testing.assert_allclose(answers.points, places)


def test_ids_that_could_be_two_photos_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(
        "id,lat,lon\n007,1,2\n07,3,4\na/x.jpg,5,6\nb/x.jpg,7,8\nc/y.jpg,1,1\nz.png,1,1\n"
    )
    (tmp_path / "them.csv").write_text("id,lat,lon\n7,1,2\nx.jpg,5,6\nd/y.jpg,1,1\nz.jpg,1,1\n07,3,4\n")
    truth = read_truth(tmp_path / "truth.csv", {}, None, Problems())
    _, problems = read(tmp_path / "them.csv", truth)
    assert [problem.id for problem in problems.rows if problem.what == "an id too many"] == [
        "7",
        "x.jpg",
        "d/y.jpg",
        "z.jpg",
    ]


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


def warnings(points: NDArray, truth: Truth, folder: Path) -> list[str]:
    return read(write(folder / "them.csv", table(points)), truth)[1].warnings


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
    assert "all positions, the truth's too, lie within pi of zero" in warnings(np.radians(near), small, tmp_path)[0]


# --- the truth


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
    with pytest.raises(InputError, match=r"truth.csv: no column 'album' to cluster by$"):
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


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "an empty table; the first line must name the columns"),
        ("a.csv", "id,latitude,longitude\n", "no photo in this table"),
        ("a.csv", "id,id,latitude\n", "more than one column is called 'id'; rename all but one"),
        ("a.jsonl", '{"id": "1"\n', "line 1 is not JSON (Expecting ',' delimiter); one object a line is expected"),
        ("a.jsonl", "[1]\n", "line 1 is not a JSON object"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_truth(path, {}, None, Problems())
    assert str(caught.value) == f"{path}: {said}"


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.csv: no such file$"):
        read_truth(tmp_path / "gone.csv", {}, None, Problems())
    (tmp_path / "a.parquet").write_text("text")
    with pytest.raises(InputError, match=r"a.parquet: not a readable Parquet file"):
        read_truth(tmp_path / "a.parquet", {}, None, Problems())


# --- distributions


@pytest.fixture
def spread(rng: np.random.Generator, places: NDArray, tmp_path: Path) -> tuple[Posterior, Path]:
    """Distributions of all photos but two, with different numbers of places, in an order of their own."""
    around = sphere.move(places[:, None], rng.uniform(0, 360, (N, 7)), rng.exponential(300, (N, 7)))
    mass = rng.uniform(0.1, 1, (N, 7)) * (np.arange(7) < rng.integers(1, 8, (N, 1)))
    posterior = Posterior.from_mass(around, mass, 10 ** rng.uniform(0, 2, (N, 7)))
    kept = rng.permutation(N)[: N - 2]
    posterior[kept].write(tmp_path / "spread.parquet", [f"{row:03d}" for row in kept])
    return posterior[np.sort(kept)], tmp_path / "spread.parquet"


def test_distributions_are_read_back(spread: tuple[Posterior, Path], truth: Truth) -> None:
    posterior, path = spread
    problems = Problems()
    lots = list(read_distributions(path, truth, problems))
    rows = np.concatenate([at for at, _ in lots])
    lost = sorted(set(range(N)) - set(rows.tolist()))
    assert [problem.id for problem in problems.rows] == [f"{row:03d}" for row in lost] and len(lost) == 2
    found = np.concatenate([part.log_density(truth.points[at]) for at, part in lots])
    np.testing.assert_allclose(found[np.argsort(rows)], posterior.log_density(truth.points[np.sort(rows)]), rtol=1e-9)


def test_a_posterior_is_scored_as_in_memory(spread: tuple[Posterior, Path], truth: Truth, places: NDArray) -> None:
    posterior, path = spread
    problems = Problems()
    answers = read_posterior(path, truth, None, "them", problems)
    rows = np.flatnonzero(np.isfinite(answers.points[:, 0]))
    direct = answers_of_posterior("them", posterior, places[rows], posterior.best(25.0, 1.0)).scatter(rows, N)
    mine, theirs = (score(each, truth, Protocol(draws=10)) for each in (direct, answers))
    assert (theirs.photos, theirs.failed) == (N, 2)
    for name in ("accuracy_200", "nll", "coverage_90", "ece_200", "area_90_km2"):
        assert theirs.scores[name].value == pytest.approx(mine.scores[name].value, rel=1e-6), name
    given = Answers("them", np.zeros((N, 2)))
    decided = read_posterior(path, truth, given, "them", problems)
    np.testing.assert_array_equal(decided.points, 0)
    np.testing.assert_allclose(decided.log_density, answers.log_density)


def test_a_photo_without_a_distribution_is_told_of(spread: tuple[Posterior, Path], truth: Truth) -> None:
    problems = Problems()
    answers = read_posterior(spread[1], truth, Answers("them", truth.points), "them", problems)
    assert {problem.counted for problem in problems.rows} == {"scored as without a distribution"}
    scores = score(answers, truth, Protocol(draws=10)).scores
    assert scores["accuracy_1"].value == 1.0
    lost = ~np.isfinite(answers.log_density)
    assert lost.sum() == 2
    expected = -np.where(lost, -math.log(4 * math.pi), answers.log_density).mean()
    assert scores["nll"].value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("column", "value"), [("mass", -0.1), ("spread_km", 0.0), ("latitude", 95.0), ("mass", math.nan)]
)
def test_places_that_are_none(spread: tuple[Posterior, Path], truth: Truth, column: str, value: float) -> None:
    path = spread[1]
    old = pq.read_table(path)
    values = old[column].to_numpy().copy()
    values[5] = value
    pq.write_table(old.set_column(old.column_names.index(column), column, pa.array(values)), path)
    with pytest.raises(
        InputError, match=rf"spread.parquet: 1 rows are no weighted places; first: row 6 \(.*{column} {value:g}"
    ):
        read_posterior(path, truth, None, "them", Problems())
    pq.write_table(old.drop_columns(column), path)
    with pytest.raises(
        InputError, match=rf"no column '{column}'; a posterior has id, latitude, longitude, mass, spread_km$"
    ):
        read_posterior(path, truth, None, "them", Problems())


def test_one_file_may_hold_predictions_and_truth(tmp_path: Path) -> None:
    """As OSV-5M's game does: neither is taken for the other."""
    path = tmp_path / "both.csv"
    path.write_text("id,pred_lat,pred_lon,true_lat,true_lon\na,10,20,11,21\n")
    truth = read_truth(path, {}, None, Problems())
    answers, _ = read(path, truth)
    np.testing.assert_allclose(truth.points, [[11, 21]])
    np.testing.assert_allclose(answers.points, [[10, 20]])
