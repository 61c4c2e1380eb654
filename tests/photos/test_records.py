"""Records keep every row and every column through reading, writing, selecting and splitting."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whereshot.earth import s2
from whereshot.foundation import tables
from whereshot.foundation.errors import InputError, OutputError
from whereshot.photos import records
from whereshot.photos.records import Records


def some(n: int = 5, **columns: object) -> Records:
    """n photos along a meridian, by two users, with two columns of the user's own."""
    table = {
        "id": [f"p{row}" for row in range(n)],
        "latitude": np.linspace(-80, 80, n),
        "longitude": [180.0] * n,
        "user": [None if row % 4 == 3 else f"u{row % 2}" for row in range(n)],
        "tags": [["a", "b"] if row % 2 else None for row in range(n)],
        "zip": [f"0{row}" for row in range(n)],
        "nested": [{"x": row} for row in range(n)],
    }
    return Records(pa.table({**table, **columns}))


def test_columns_are_completed_and_keep_their_order() -> None:
    made = some()
    assert made.table.column_names == [*records.SCHEMA.names, "zip", "nested"]
    assert made.table.schema.field("taken_at").type == pa.timestamp("us", tz="UTC")
    assert made.table["title"].null_count == len(made) == 5
    assert repr(made).startswith("Records(5 photos, columns: id, latitude, longitude, ")


def test_types_are_cast() -> None:
    made = Records(
        pa.table(
            {
                "id": [7, 8],
                "latitude": ["12.5", None],
                "longitude": pa.array([3, 4], pa.int8()),
                "taken_at": [datetime.datetime(2024, 5, 1, 10), None],
                "posted_at": pa.array([datetime.date(2024, 5, 1), None], pa.date32()),
                "accuracy_km": pa.array([1, 2], pa.int32()),
                "title": pa.array(["x", "y"]).dictionary_encode(),
                "url": pa.array(["x", "y"], pa.large_string()),
            }
        )
    )
    assert made.strings("id") == ["7", "8"]
    assert made[0]["latitude"] == 12.5
    assert made[0]["taken_at"] == datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)  # without a zone: UTC
    assert made[0]["posted_at"] == datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    assert made.table.schema.field("accuracy_km").type == pa.float64()
    assert made.table.schema.field("title").type == made.table.schema.field("url").type == pa.string()


def test_zones_become_utc() -> None:
    local = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    made = Records(pa.table({"id": ["a"], "taken_at": pa.array([local], pa.timestamp("s", tz="Europe/Vienna"))}))
    assert made[0]["taken_at"] == datetime.datetime(2024, 5, 1, 8, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a"]}, "records need a column 'id'"),
        ({"id": ["a", None, None]}, "2 records have no id"),
        (
            {"id": ["a"], "latitude": ["north"]},
            "column 'latitude' must be double: Failed to parse string: 'north' as a scalar of type double",
        ),
        (
            {"id": ["a"], "tags": ["x y"]},
            "column 'tags' must be list<item: string>: Unsupported cast from string to list using function cast_list",
        ),
        (
            {"id": ["a"], "taken_at": [1_700_000_000]},
            "column 'taken_at' must be timestamp[us, tz=UTC]: int64 does not state its unit",
        ),
        (
            {"id": ["a"], "scene_indoor": ["yes"]},
            "column 'scene_indoor' must be double: Failed to parse string: 'yes' as a scalar of type double",
        ),
    ],
)
def test_tables_that_are_no_records(columns: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Records(pa.table(columns))
    assert str(caught.value) == message


def test_selecting() -> None:
    made = some()
    assert made[-1]["id"] == "p4"
    assert made[np.int64(1)]["nested"] == {"x": 1}
    assert made[1:3].strings("id") == ["p1", "p2"]
    assert made[::-2].strings("id") == ["p4", "p2", "p0"]
    assert made[[3, 3, 0]].strings("zip") == ["03", "03", "00"]
    assert made[np.array([True, False, False, False, True])].strings("id") == ["p0", "p4"]
    assert len(made[[]]) == 0
    assert made[[]].table.schema == made.table.schema
    assert [row["id"] for row in made] == ["p0", "p1", "p2", "p3", "p4"]
    with pytest.raises(IndexError):
        made[5]


def test_points() -> None:
    made = some(3)
    np.testing.assert_array_equal(made.points, [[-80, 180], [0, 180], [80, 180]])
    missing = some(3, latitude=[None, 1.0, np.nan])
    assert missing.has_position.tolist() == [False, True, False]
    with pytest.raises(InputError) as caught:
        _ = missing.points
    assert str(caught.value) == "2 of 3 records have no position; first: p0"
    with pytest.raises(
        InputError, match=r"^1 of 3 positions is impossible; the first is \(95, 180\) in row 2: latitude must lie"
    ):
        _ = some(3, latitude=[0.0, 95.0, 0.0]).points
    assert some(0).points.shape == (0, 2)


def test_columns_by_name() -> None:
    made = some(3)
    assert np.isnan(made.numbers("title")).all()  # all null
    assert made.numbers("zip").tolist() == [0, 1, 2]
    assert made.strings("latitude") == ["-80", "0", "80"]
    with pytest.raises(InputError) as caught:
        made.numbers("latitud")
    assert str(caught.value) == "no column 'latitud'; did you mean 'latitude'?"
    with pytest.raises(InputError) as caught:
        made[:1].numbers("id")
    assert str(caught.value) == "column 'id' must be double: Failed to parse string: 'p0' as a scalar of type double"


def test_with_column() -> None:
    made = some(3)
    more = made.with_column("split", ["train", "train", "test"]).with_column("latitude", [1, 2, 3])
    assert more.strings("split") == ["train", "train", "test"]
    assert more.points[:, 0].tolist() == [1, 2, 3]
    assert more.table.column_names == [*made.table.column_names, "split"]
    assert made.points[0, 0] == -80  # the old one is as it was


def test_concat_unites_columns() -> None:
    one = some(2).with_column("only_here", [1, 2])
    other = some(1, id=["other"]).with_column("camera", ["X100"])
    both = Records.concat([one, other])
    assert both.strings("id") == ["p0", "p1", "other"]
    assert both.table["only_here"].to_pylist() == [1, 2, None]
    assert both.strings("camera") == [None, None, "X100"]
    with pytest.raises(InputError) as caught:
        Records.concat([one, other.with_column("only_here", ["text"])])
    assert str(caught.value) == (
        "the tables do not fit together (Unable to merge: Field only_here has incompatible types: int64 vs string)"
    )


# --- files


def test_round_trip_of_a_file(tmp_path: Path) -> None:
    made = some().with_column("accuracy_km", [0.5, None, 1, 2, 3])
    path = tmp_path / "photos.parquet"
    made.write(path)
    assert Records.read(path).table.equals(made.table)
    assert Records.read(str(path)).table.schema == made.table.schema
    assert [p.name for p in path.parent.iterdir()] == ["photos.parquet"]


def test_round_trip_of_shards(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(records, "SHARD_ROWS", 10)
    folder = tmp_path / "country=FR"  # a name that other readers take for a column
    made = some(25)
    made.write(folder)
    assert sorted(p.name for p in folder.iterdir()) == [f"part-0000{k}.parquet" for k in range(3)]
    assert Records.read(folder).table.equals(made.table)

    tables.write_rejects(tables.rejects_table([("x", None, "no position", "")]), folder)
    (folder / ".part-00007.parquet.0badc0de").write_bytes(b"half")  # what a killed run leaves
    some(5).write(folder)  # fewer shards than before: no old row may come back
    assert Records.read(folder).table.equals(some(5).table)
    assert pq.read_table(tables.rejects_path(folder))["id"].to_pylist() == ["x"]

    Records(some(3).table.slice(0, 0)).write(folder)
    assert len(Records.read(folder)) == 0
    assert Records.read(folder).table.schema == made.table.schema


def test_shards_with_different_columns(tmp_path: Path) -> None:
    some(2).with_column("extra", [1, 2]).write(tmp_path / "a.parquet")
    some(1).write(tmp_path / "b.parquet")
    assert Records.read(tmp_path).table["extra"].to_pylist() == [1, 2, None]
    some(1).with_column("extra", ["text"]).write(tmp_path / "b.parquet")
    with pytest.raises(InputError) as caught:
        Records.read(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the tables do not fit together "
        "(Unable to merge: Field extra has incompatible types: int64 vs string)"
    )


def test_reading_what_is_none(tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            Records.read(path)
        return str(caught.value)

    missing = tmp_path / "none.parquet"
    assert refused(missing) == f"{missing}: no such file or folder"
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == (
        f"{tmp_path / 'empty'}: a folder without .parquet shards; make records with: whereshot ingest"
    )
    broken = tmp_path / "broken.parquet"
    broken.write_text("id,latitude\n")
    assert refused(broken).startswith(f"{broken}: not a readable Parquet file (")
    assert refused(tmp_path).startswith(f"{broken}: not a readable Parquet file (")
    pq.write_table(pa.table({"name": ["a"]}), broken)
    assert refused(broken) == "records need a column 'id'"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """The writer stops in the middle: what was there stays, and nothing half-written is left."""
    path = tmp_path / "photos.parquet"
    some(3).write(path)
    unwritable = pa.array([pa.MonthDayNano([1, 2, 3])] * 2)  # Parquet has no such type
    with pytest.raises(pa.ArrowNotImplementedError):
        tables.write_parquet(pa.table({"id": ["a", "b"], "span": unwritable}), path)
    assert Records.read(path).table.equals(some(3).table)
    assert [p.name for p in tmp_path.iterdir()] == ["photos.parquet"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file / "photos.parquet", file / "deeper" / "photos.parquet"):
        with pytest.raises(OutputError) as caught:
            some(1).write(path)
        assert str(caught.value) == f"{path}: cannot be written ({file} is a file); choose another place"
    gone = tmp_path / "gone" / "photos.parquet"
    with pytest.raises(OutputError) as caught:
        some(1).write(gone)  # no folder is made for a file
    assert str(caught.value) == (
        f"{gone}: cannot be written (the folder {gone.parent} does not exist); make it first, or choose another place"
    )
    with pytest.raises(OutputError) as caught:
        some(1).write(file)  # a folder of shards where a file is
    assert str(caught.value) == f"{file}: a file is in the way; name a folder"
    folder = tmp_path / "folder.parquet"
    folder.mkdir()
    with pytest.raises(OutputError) as caught:
        some(1).write(folder)
    assert str(caught.value) == f"{folder}: a folder; name a file"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.parquet"]
    assert file.read_text() == "mine"


def test_rejects_path() -> None:
    assert tables.rejects_path("out/photos.parquet") == Path("out/rejects/photos.parquet")
    assert tables.rejects_path("out/photos") == Path("out/photos/rejects/part-00000.parquet")


# --- split


@pytest.fixture
def crowd(rng: np.random.Generator) -> Records:
    """4,000 photos by 400 users, a tenth of them without a name."""
    n = 4000
    user = rng.integers(0, 400, n)
    return Records(
        pa.table(
            {
                "id": [f"photo {row}" for row in range(n)],
                "latitude": np.degrees(np.arcsin(rng.uniform(-1, 1, n))),
                "longitude": rng.uniform(-180, 180, n),
                "user": [None if name % 10 == 0 else f"user {name}" for name in user],
                "trip": user // 4,
            }
        )
    )


@pytest.mark.parametrize("by", ["user", "trip", "cell", "id"])
@pytest.mark.parametrize("validation", [0.02, 0.2])
def test_split_is_whole_and_disjoint(crowd: Records, by: str, validation: float) -> None:
    train, held = crowd.split(validation, by=by)
    assert sorted(train.strings("id") + held.strings("id")) == sorted(crowd.strings("id"))
    assert not set(train.groups(by)) & set(held.groups(by))
    assert 0 < len(held) < len(train)
    spread = 4 * np.sqrt(validation * (1 - validation) / len(set(crowd.groups(by))))
    assert abs(len(held) / len(crowd) - validation) < spread + 0.02


def test_split_does_not_move_when_photos_are_added(crowd: Records) -> None:
    """Yesterday's validation photo must never become today's training photo."""
    few, seed = crowd[::3], 5
    before = set(few.split(0.2, seed=seed)[1].strings("id"))
    after = set(crowd.split(0.2, seed=seed)[1].strings("id"))
    assert before == after & set(few.strings("id"))
    backwards = crowd[::-1].split(0.2, seed=seed)[1]
    assert set(backwards.strings("id")) == after


def test_split_with_a_larger_share_only_adds(crowd: Records) -> None:
    small, large = (set(crowd.split(share)[1].strings("id")) for share in (0.1, 0.3))
    assert small < large


def test_split_depends_on_the_seed(crowd: Records) -> None:
    first, again, other = (crowd.split(0.2, seed=seed)[1].strings("id") for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_split_is_the_same_on_every_machine() -> None:
    """These numbers are written down: a change of the hash would leak validation photos into training."""
    shares = tables.hashed_share(["user 1", "user 2", "Zürich"])
    assert shares.tolist() == [0.895814755692937, 0.48016088855822636, 0.985373241875048]
    assert tables.hashed_share([]).shape == (0,)


def test_nameless_rows_are_groups_of_their_own(crowd: Records) -> None:
    """All photos without a user in one group would put a tenth of the data on one side by one throw."""
    nameless = crowd[np.array([user is None for user in crowd.strings("user")])]
    assert len(set(nameless.groups("user"))) == len(nameless)
    blank = nameless.with_column("user", [""] * len(nameless))
    assert len(set(blank.groups("user"))) == len(nameless)
    train, held = nameless.split(0.3)
    assert min(len(train), len(held)) > 0.2 * len(nameless)


def test_split_by_cell_keeps_a_place_together() -> None:
    center = s2.center(s2.encode([[48.2, 16.37]], records.SPLIT_CELL_LEVEL))[0]
    near = [(center[0] + 0.001 * row, center[1]) for row in range(20)]
    table = {"id": [f"{row}" for row in range(22)], "latitude": [p[0] for p in near] + [None, 50.0]}
    made = Records(pa.table({**table, "longitude": [p[1] for p in near] + [16.0, None]}))
    groups = made.groups("cell")
    assert len(set(groups[:20])) == 1
    assert groups[20:].tolist() == ["id:20", "id:21"]


@pytest.mark.parametrize("validation", [0, 1, -0.1, 2, float("nan")])
def test_shares_that_are_none(validation: float) -> None:
    with pytest.raises(InputError) as caught:
        some().split(validation)
    assert str(caught.value) == f"validation must be a share between 0 and 1; got {validation}"


def test_split_by_an_unknown_column() -> None:
    with pytest.raises(InputError) as caught:
        some().split(by="users")
    assert str(caught.value) == "no column 'users'; did you mean 'user'?"


# --- rejects


def test_rejects() -> None:
    rows = [
        ("a", "/a.jpg", "no position", "EXIF has no position"),
        (None, None, "broken row", "row 3"),
        ("b", None, "no position", ""),
        ("c", None, "another", ""),
    ]
    table = tables.rejects_table(rows)
    assert table.schema == tables.REJECTS
    assert [tuple(row.values()) for row in table.to_pylist()] == rows
    assert list(tables.count_reasons(table).items()) == [("no position", 2), ("another", 1), ("broken row", 1)]


def test_no_rejects() -> None:
    table = tables.rejects_table([])
    assert table.schema == tables.REJECTS
    assert len(table) == 0
    assert tables.count_reasons(table) == {}


def test_numbers_of_a_column_of_text() -> None:
    """As a CSV gives a column that is not known; an empty field is no number."""
    records = Records(pa.table({"id": ["a", "b"], "height": ["171.5", ""]}))
    np.testing.assert_array_equal(records.numbers("height"), [171.5, np.nan])
    with pytest.raises(InputError, match="column 'height' must be double"):
        Records(pa.table({"id": ["a"], "height": ["tall"]})).numbers("height")
