"""A table of photos: names of columns, spellings of positions and times, and rows that cannot be used."""

from __future__ import annotations

import csv
import datetime
import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import MakePicture
from ingesting import rejected
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.photos.sources import SOURCES, Ingested


def table(path: Path, content: str | bytes | pa.Table, **columns: str) -> Ingested:
    """What the table source makes of a file with this content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return SOURCES["table"]([path], columns, silent)


@pytest.mark.parametrize(
    "header",
    [
        "id,lat,lon",
        "IMG_ID,LAT,LON",
        "photo_id,Latitude,Longitude",
        "key,true_lat,true_lon",
        "image_id,y,x",
        "id,Lat,lng",
    ],
)
def test_usual_names(header: str, tmp_path: Path) -> None:
    result = table(tmp_path / "t.csv", f"{header}\np1,48.2,16.4\n")
    assert result.records.strings("id") == ["p1"]
    assert result.records.points.tolist() == [[48.2, 16.4]]


def test_other_aliases_and_own_columns(tmp_path: Path) -> None:
    text = "id,lat,lon,author,prob_indoor,label_precision_km,group_id,Zip,n\np1,1,2,ann,0.25,20,g1,x9,7\n"
    made = table(tmp_path / "t.csv", text).records
    row = made[0]
    assert (row["user"], row["scene_indoor"], row["accuracy_km"], row["group"]) == ("ann", 0.25, 20, "g1")
    assert (row["Zip"], row["n"], row["source"]) == ("x9", "7", "table")
    assert "author" not in made.table.column_names


def test_named_columns(tmp_path: Path) -> None:
    text = "id,lat,lon,breite,länge\np1,1,2,48.2,16.4\n"
    made = table(tmp_path / "t.csv", text, latitude="breite", longitude="länge").records
    assert made.points.tolist() == [[48.2, 16.4]]
    assert made[0]["lat"] == "1"  # not used, and so kept as it is
    latin = table(tmp_path / "l.csv", text.encode("latin-1"), latitude="breite", longitude="länge").records
    assert latin.points.tolist() == [[48.2, 16.4]]


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("", {}, "{path}: an empty table; the first line must name the columns"),
        ("\nid,lat,lon\n", {}, "{path}: an empty table; the first line must name the columns"),
        ("a,b\n1,2\n", {}, "{path}: no latitude column among a, b; name it with --column latitude=NAME"),
        ("lat,b\n1,2\n", {}, "{path}: no longitude column among lat, b; name it with --column longitude=NAME"),
        ("id,lat,lon\n", {"latitude": "latt"}, "{path}: no column 'latt'; did you mean 'lat'?"),
        ("id,lat,lon\n", {"latitud": "lat"}, "--column latitud=...: not a column of records; did you mean 'latitude'?"),
        ("id,lat,lon,lat\na,1,2,3\n", {}, "{path}: more than one column is called 'lat'; rename all but one"),
    ],
)
def test_tables_that_cannot_be_used(content: str, columns: dict[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with pytest.raises(InputError) as caught:
        table(path, content, **columns)
    assert str(caught.value) == message.format(path=path)


def test_files_that_are_no_tables(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    junk = tmp_path / "t.parquet"
    junk.write_text("id,lat,lon\n")
    with pytest.raises(InputError) as caught:
        SOURCES["table"]([junk], {}, silent)
    assert str(caught.value).startswith(f"{junk}: not a readable Parquet file (")
    picture = jpeg_with_position(tmp_path / "a.jpg", 1, 2)
    with pytest.raises(InputError) as caught:
        SOURCES["table"]([picture], {}, silent)
    assert str(caught.value).startswith(f"{picture}: ")


def test_header_without_rows(tmp_path: Path) -> None:
    result = table(tmp_path / "t.csv", "id,lat,lon\n")
    assert result.rows == 0


@pytest.mark.parametrize(
    "content",
    [
        "id,lat,lon,title\np1,48.5,16.25,Zürich\n",
        "\ufeffid,lat,lon,title\np1,48.5,16.25,Zürich\n",  # Excel's mark in front
        "id\tlat\tlon\ttitle\np1\t48.5\t16.25\tZürich\n",
        "id|lat|lon|title\np1|48.5|16.25|Zürich\n",
        "id;lat;lon;title\np1;48,5;16,25;Zürich\n",  # as a German or French Excel writes it
        "id;lat;lon;title\np1;48.5;16.25;Zürich\n",
        "id,lat,lon,title\r\np1,48.5,16.25,Zürich\r\n",
        'id,lat,lon,title\n"p1","48.5","16.25","Zürich"\n',
        'id,lat,lon,title\np1,"48,5","16,25",Zürich\n',
        "id,lat,lon,title\np1, 48.5 , 16.25 ,Zürich",
        "id,lat,lon,title\n\np1,48.5,16.25,Zürich\n\n",
        "id,lat,lon,title\np1,48.5,16.25,Zürich\n".encode("latin-1"),
        "id\tlat\tlon\ttitle\r\np1\t48.5\t16.25\tZürich\r\n".encode("utf-16"),  # Excel's "Unicode text"
        "id,lat,lon,title\rp1,48.5,16.25,Zürich\r",  # as old Mac programs end lines
        "id,lat,lon,title\n p1 ,48.5,16.25,Zürich\n",
    ],
)
def test_spellings_of_one_table(content: str | bytes, tmp_path: Path) -> None:
    result = table(tmp_path / "t.csv", content)
    assert result.rows == 1
    assert result.records.strings("id") == ["p1"]
    assert result.records.points.tolist() == [[48.5, 16.25]]
    assert result.records.strings("title") == ["Zürich"]


def test_latin_1_in_a_column_of_ones_own(tmp_path: Path) -> None:
    """Arrow gives such a column as bytes, without an error."""
    made = table(tmp_path / "t.csv", "id,lat,lon,ort\np1,1,2,Zürich\n".encode("latin-1")).records
    assert made.strings("ort") == ["Zürich"]


def test_decimal_commas_in_other_columns(tmp_path: Path) -> None:
    """A known number is a number; a column that is not known stays as it is written."""
    made = table(tmp_path / "t.csv", "id;lat;lon;accuracy_km;height\np1;48,5;16,25;0,5;171,5\n").records
    assert (made[0]["accuracy_km"], made[0]["height"]) == (0.5, "171,5")


def test_rows_that_cannot_be_used(tmp_path: Path) -> None:
    """Each with its number in the file, counted without the header, also behind a broken row."""
    lines = [
        "id,lat,lon,path",
        "good,48.2,16.4,a.jpg",
        "short,1",
        "north,pole,3,b.jpg",
        "steep,95,1,",
        "round,1,540,",
        "nan,nan,1,",
        "blank,,1,",
        "island,0,0,",
        "inf,1,inf,",
        "good,50,10,",
        "long,1,2,3,4,5",
        "wrapped,-17.5,181.5,",
    ]
    result = table(tmp_path / "t.csv", "\n".join(lines) + "\n")
    assert result.rows == len(lines) - 1
    assert result.records.strings("id") == ["good", "wrapped"]
    assert result.records.table["longitude"].to_pylist() == [16.4, -178.5]
    found = [tuple(row.values()) for row in result.rejects.to_pylist()]
    assert found == [
        ("north", str(tmp_path / "b.jpg"), "impossible position", "row 3: latitude is not a number: 'pole'"),
        (
            "steep",
            None,
            "impossible position",
            "row 4: (95, 1): latitude must lie between -90 and 90 degrees",
        ),
        (
            "round",
            None,
            "impossible position",
            "row 5: (1, 540): longitude must lie between -180 and 180 degrees (one turn more is wrapped)",
        ),
        ("nan", None, "no position", "row 6: latitude or longitude is missing"),
        ("blank", None, "no position", "row 7: latitude or longitude is missing"),
        ("island", None, "position (0, 0)", "row 8: (0, 0) is where devices without a fix put their photos"),
        ("inf", None, "impossible position", "row 9: (1, inf): not a finite number"),
        ("good", None, "duplicate id", "row 10: id 'good' stands in an earlier row"),
        (None, None, "broken row", "row 2: 2 fields where 4 were expected: 'short,1'"),
        (None, None, "broken row", "row 11: 6 fields where 4 were expected: 'long,1,2,3,4,5'"),
    ]


def test_a_rejected_row_does_not_block_its_id(tmp_path: Path) -> None:
    """The first row of an id is unusable, the second is not: the photo has a position after all."""
    result = table(tmp_path / "t.csv", "id,lat,lon\na,,\na,1,2\n")
    assert result.records.strings("id") == ["a"]
    assert result.rejects["reason"].to_pylist() == ["no position"]


def test_ids_stay_text(tmp_path: Path) -> None:
    """As numbers 007 would be 7, and 20 digits would lose the last four and become duplicates."""
    text = "id,lat,lon,user\n007,1,2,08\n99999999999999999999,1,2,1e5\n99999999999999999998,1,2,\n"
    result = table(tmp_path / "t.csv", text)
    assert result.records.strings("id") == ["007", "99999999999999999999", "99999999999999999998"]
    assert result.records.strings("user") == ["08", "1e5", None]


def test_rows_without_an_id(tmp_path: Path) -> None:
    assert table(tmp_path / "t.csv", "lat,lon\n1,2\n,\n3,4\n").records.strings("id") == ["t:1", "t:3"]
    made = table(tmp_path / "u.csv", "path,lat,lon\nx/a.jpg,1,2\n,3,4\n").records
    assert made.strings("id") == ["x/a.jpg", "u:2"]
    assert table(tmp_path / "v.csv", "id,lat,lon\n ,1,2\nb,1,2\n").records.strings("id") == ["v:1", "b"]


def test_blank_users_are_no_user(tmp_path: Path) -> None:
    """Else all anonymous photos would be one user's, and fall on one side of a split."""
    made = table(tmp_path / "t.csv", 'id,lat,lon,user,title\na,1,2,,""\nb,1,2,  ,NA\nc,1,2,ann,x\n').records
    assert made.strings("user") == [None, None, "ann"]
    assert made.strings("title") == [None, "NA", "x"]


def test_image_paths_are_relative_to_the_table(tmp_path: Path, monkeypatch) -> None:
    text = "id,image,lat,lon\na,photos/a.jpg,1,2\nb,/elsewhere/b.jpg,1,2\nc,,1,2\n"
    expected = [str(tmp_path / "in" / "photos" / "a.jpg"), "/elsewhere/b.jpg", None]
    assert table(tmp_path / "in" / "t.csv", text).records.strings("image") == expected
    monkeypatch.chdir(tmp_path)
    assert SOURCES["table"]([Path("in/t.csv")], {}, silent).records.strings("image") == expected


def test_times(tmp_path: Path) -> None:
    rows = ["a,1,2,2024-05-01T10:00:00", "b,1,2,2024-05-01 10:00:00+02:00", "c,1,2,yesterday", "d,1,2,"]
    result = table(tmp_path / "t.csv", "\n".join(["id,lat,lon,taken_at", *rows]))
    ten = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
    assert [row["taken_at"] for row in result.records] == [ten, ten.replace(hour=8), None, None]
    assert result.notes == ("t.csv: 1 values of 'taken_at' are no ISO times and were left empty",)


@pytest.mark.parametrize(("text", "day"), [("2024-05-01", 1), ("2024-05-02T00:00:00Z", 2), ("20240503", 3)])
def test_times_of_one_kind(text: str, day: int, tmp_path: Path) -> None:
    result = table(tmp_path / "t.csv", f"id,lat,lon,posted_at\na,1,2,{text}\n")
    assert result.records[0]["posted_at"] == datetime.datetime(2024, 5, day, tzinfo=datetime.UTC)
    assert result.notes == ()


@pytest.mark.parametrize("text", ["1700000000", "10:30:00", "1.7e9"])
def test_times_that_are_none(text: str, tmp_path: Path) -> None:
    """Seconds since 1970 could be milliseconds: taken for microseconds they would all be of January 1970."""
    result = table(tmp_path / "t.csv", f"id,lat,lon,taken_at\na,1,2,{text}\n")
    assert result.records[0]["taken_at"] is None
    assert result.notes == ("t.csv: 1 values of 'taken_at' are no ISO times and were left empty",)


def test_tags(tmp_path: Path) -> None:
    made = table(tmp_path / "t.csv", 'id,lat,lon,tags\na,1,2,"sea, sun,,old town"\nb,1,2,\nc,1,2,one\n').records
    assert made.table["tags"].to_pylist() == [["sea", "sun", "old town"], None, ["one"]]


def test_parquet_is_the_same_as_csv(tmp_path: Path) -> None:
    content = pa.table(
        {
            "id": pa.array(["a", "b", "c", "d", None], pa.large_string()),
            "lat": pa.array([48.5, None, 95, 1, 2], pa.float32()),
            "lon": ["16.25", "1", "1", "east", "-190"],
            "tags": [["x"], None, None, None, []],
            "image": ["p/a.jpg", None, None, None, None],
            "taken_at": pa.array([datetime.datetime(2024, 5, 1)] * 5, pa.timestamp("ns")),
        }
    )
    result = table(tmp_path / "t.parquet", content)
    assert result.records.strings("id") == ["a", "t:5"]
    assert result.records.points.tolist() == [[48.5, 16.25], [2, 170]]
    assert result.records.table["tags"].to_pylist() == [["x"], []]
    assert result.records[0]["image"] == str(tmp_path / "p" / "a.jpg")
    assert {name: reason for name, (reason, _) in rejected(result).items()} == {
        "b": "no position",
        "c": "impossible position",
        "d": "impossible position",
    }


def test_records_read_as_a_table_are_the_same_records(tmp_path: Path) -> None:
    first = table(tmp_path / "t.csv", "id,lat,lon,image,zip\na,1,2,a.jpg,007\nb,3,4,b.jpg,008\n").records
    first.write(tmp_path / "shards")
    again = SOURCES["table"]([tmp_path / "shards"], {}, silent).records
    assert again.table.equals(first.table)


def test_several_tables(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("id,lat,lon,extra\na,1,2,7\nb,3,4,8\n")
    other.write_text("id,lat,lon,user\nb,5,6,ann\nc,7,8,bob\n")
    result = SOURCES["table"]([one, other], {}, silent)
    assert result.records.strings("id") == ["a", "b", "c"]
    assert result.records.table["extra"].to_pylist() == ["7", "8", None]
    assert rejected(result) == {"b": ("duplicate id", "id 'b' stands in an earlier table")}
    assert result.rows == 4


def test_two_tables_of_the_same_name(tmp_path: Path) -> None:
    """Rows without ids are named after their table; 2023/data.csv is not 2024/data.csv."""
    paths = [tmp_path / year / "data.csv" for year in ("2023", "2024")]
    for path in paths:
        path.parent.mkdir()
        path.write_text("lat,lon\n1,2\n")
    result = SOURCES["table"](paths, {}, silent)
    assert result.records.strings("id") == [f"{path.as_posix()}:1" for path in paths]
    assert len(result.rejects) == 0


def test_tables_that_do_not_fit_together(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", [1])):
        columns = {"id": [name], "lat": [1.0], "lon": [2.0], "zip": [value]}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    with pytest.raises(InputError) as caught:
        SOURCES["table"]([tmp_path / "a.parquet", tmp_path / "b.parquet"], {}, silent)
    assert str(caught.value) == (
        "the tables do not fit together (Unable to merge: Field zip has incompatible types: "
        "int64 vs list<element: int64>)"
    )


def test_codes_of_several_tables_fit_together(tmp_path: Path) -> None:
    """12e7 is a code, not a number; a Parquet table with whole numbers fits beside it."""
    for name, value in (("a", "12e7"), ("b", "ab12")):
        (tmp_path / f"{name}.csv").write_text(f"id,lat,lon,code\n{name},1,2,{value}\n")
    pq.write_table(pa.table({"id": ["c"], "lat": [1.0], "lon": [2.0], "code": [7]}), tmp_path / "c.parquet")
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.parquet")]
    assert SOURCES["table"](paths, {}, silent).records.strings("code") == ["12e7", "ab12", "7"]


def test_columns_of_ones_own_stay_as_they_are_written(tmp_path: Path) -> None:
    """NA is Namibia, a postcode keeps its zero, a code with an e is no number."""
    text = "id,lat,lon,country,postcode,code,flag\na,1,2,NA,01067,12e7,true\nb,1,2,null,,1.50,\n"
    records = table(tmp_path / "t.csv", text).records
    assert records.strings("country") == ["NA", "null"]
    assert records.strings("postcode") == ["01067", ""]
    assert records.strings("code") == ["12e7", "1.50"]
    assert records.strings("flag") == ["true", ""]


def test_hemispheres_without_a_name_of_their_own_and_commas_of_thousands(tmp_path: Path) -> None:
    text = 'id,Latitude,NS,Longitude,EW,accuracy_km\na,33.85,S,151.2,E,"1,500"\nb,33.0,S,70.6,W,2\n'
    result = table(tmp_path / "t.csv", text)
    assert result.records.points.tolist() == [[-33.85, 151.2], [-33.0, -70.6]]
    assert result.records.table["NS"].to_pylist() == ["S", "S"]
    np.testing.assert_array_equal(result.records.numbers("accuracy_km"), [np.nan, 2])
    assert result.notes == (
        "t.csv: 1 values of 'accuracy_km' are no usable values and were left empty",
        "t.csv: 'NS' has only hemispheres, so they are used for 'Latitude'; if this is wrong, leave the column out",
        "t.csv: 'EW' has only hemispheres, so they are used for 'Longitude'; if this is wrong, leave the column out",
    )


EXIFTOOL = ("SourceFile", "GPSLatitude", "GPSLatitudeRef", "GPSLongitude", "GPSLongitudeRef")


@pytest.mark.parametrize("columns", [{}, {"latitude": "GPSLatitude", "longitude": "GPSLongitude"}])
def test_hemispheres_in_columns_of_their_own(columns: dict[str, str], tmp_path: Path) -> None:
    rows = [
        ("./a.jpg", "33.85", "South", "151.2", "East"),
        ("./b.jpg", "33.85", "S", "70.5", "w"),
        ("./c.jpg", "-33.85", "S", "151.2", "E"),
        ("./d.jpg", "48 deg 12' 30.00\" N", "North", "16 deg 22' 12.00\" E", "East"),
        ("./e.jpg", "", "", "", ""),
        ("./f.jpg", "33.85", "up", "151.2", "E"),
        ("./g.jpg", "-33.85", "N", "151.2", "E"),
        ("./h.jpg", "33.85", "", "151.2", "E"),
        ("./i.jpg", "33 deg 51' 0.00\" S", "North", "151.2", "E"),
        ("./j.jpg", "+33.85", "S", "151.2", "E"),
    ]
    out = io.StringIO()
    csv.writer(out).writerows([EXIFTOOL, *rows])
    text = out.getvalue()
    result = table(tmp_path / "t.csv", text, **columns)
    assert result.records.strings("id") == ["./a.jpg", "./b.jpg", "./c.jpg", "./d.jpg"]
    assert result.records.strings("image")[0] == str(tmp_path / "a.jpg")
    expected = [[-33.85, 151.2], [-33.85, -70.5], [-33.85, 151.2], [48 + 12.5 / 60, 16.37]]
    np.testing.assert_allclose(result.records.points, expected, atol=1e-12)
    assert rejected(result) == {
        "./e.jpg": ("no position", "row 5: latitude or longitude is missing"),
        "./f.jpg": ("impossible position", "row 6: latitude has no hemisphere (N or S); got 'up'"),
        "./g.jpg": ("impossible position", "row 7: latitude -33.85 has a minus sign, but its hemisphere is N"),
        "./h.jpg": ("impossible position", "row 8: latitude '33.85' has no hemisphere (N or S): its field is empty"),
        "./i.jpg": (
            "impossible position",
            f"row 9: latitude {rows[8][1]!r} has the letter S, but its hemisphere is N",
        ),
        "./j.jpg": ("impossible position", "row 10: latitude +33.85 has a plus sign, but its hemisphere is S"),
    }
    assert result.notes == ("t.csv: hemispheres are taken from 'GPSLatitudeRef' and 'GPSLongitudeRef'",)


def test_named_hemispheres(tmp_path: Path) -> None:
    text = "id,lat,lon,half,side\na,33.85,151.2,south,E\n"
    result = table(tmp_path / "t.csv", text, latitude_ref="half", longitude_ref="side")
    assert result.records.points.tolist() == [[-33.85, 151.2]]
    assert result.records[0]["half"] == "south"
    written = tmp_path / "again.parquet"
    result.records.write(written)
    again = SOURCES["table"]([written], {"latitude_ref": "half", "longitude_ref": "side"}, silent)
    assert again.records.points.tolist() == [[-33.85, 151.2]]


def test_empty_columns_of_hemispheres_say_nothing(tmp_path: Path) -> None:
    result = table(tmp_path / "t.csv", "id,lat,lat_ref,lon,lon_ref\na,-33.85,,151.2,\n")
    assert result.records.points.tolist() == [[-33.85, 151.2]]


MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize("lat", ["48.2083° N", '48°12\'29.88""N', "N48.2083", "48,2083", "48 12 29.88 N", "+48.2083"])
def test_notations_of_degrees(lat: str, tmp_path: Path) -> None:
    result = table(tmp_path / "t.csv", f'id,lat,lon\na,"{lat}","{MINUS}16.5"\nb,1,2\n')
    np.testing.assert_allclose(result.records.points, [[48.2083, -16.5], [1, 2]], atol=1e-9)


def test_long_tables_number_their_rows_rightly(tmp_path: Path) -> None:
    """Beyond one megabyte Arrow reads in blocks."""
    lines = [f"p{row},1,2,{'x' * 60}" for row in range(30_000)]
    lines[25_000] = "broken"
    lines[28_000] = "far,99,2,"
    content = "\n".join(["id,lat,lon,note", *lines])
    assert len(content) > 1 << 21
    result = table(tmp_path / "t.csv", content)
    assert result.rejects["detail"].to_pylist() == [
        "row 28001: (99, 2): latitude must lie between -90 and 90 degrees",
        "row 25001: 1 fields where 4 were expected: 'broken'",
    ]


def test_real_tables(shared: Path) -> None:
    """The benchmarks' own files, as published: nothing to name, nothing lost."""
    tables = shared / "data" / "tables"
    result = SOURCES["table"]([tables / "im2gps3k_places365.csv"], {}, silent)
    assert (result.rows, len(result.rejects)) == (2997, 0)
    first = result.records[0]
    assert first["id"] == "1000269685_e60e9cdfb4_1125_78841376@N00.jpg"
    assert first["user"] == "78841376@N00"
    assert first["scene_urban"] == pytest.approx(0.6806452318)
    assert (first["latitude"], first["longitude"]) == (32.325436, -64.764404)

    photos = SOURCES["table"]([shared / "data" / "photos" / "sunsets.csv"], {}, silent).records
    assert len(photos) == 82
    assert os.path.isfile(photos[0]["image"])
    with Image.open(io.BytesIO(Path(photos[0]["image"]).read_bytes())) as image:
        assert min(image.size) > 32
    train, held = SOURCES["table"]([shared / "data" / "photos" / "train.csv"], {}, silent).records.split(
        0.1, by="group"
    )
    assert len(train) + len(held) == 2418
    assert not set(train.strings("group")) & set(held.strings("group"))
