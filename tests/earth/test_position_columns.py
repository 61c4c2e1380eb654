"""Columns of degrees and hemispheres: every row is right, empty or named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth.position_columns import find_hemispheres, read_axis
from whereshot.foundation.errors import InputError

ROW = st.tuples(
    st.floats(0.0001, 90), st.booleans(), st.sampled_from(["", "-", "+"]), st.sampled_from(["", "word", "letter"])
)


@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_no_row_is_in_the_wrong_hemisphere(rows: list[tuple[float, bool, str, str]]) -> None:
    """With a hemisphere anywhere in the column, a row has one, or a minus sign, or is refused."""
    texts = [f"{sign}{size:.6f}" for size, _, sign, _ in rows]
    words = {"": ("", ""), "word": ("North", "south"), "letter": ("n", "S")}
    references = [words[kind][is_south] for _, is_south, _, kind in rows]
    values, wrong = read_axis(
        {"latitude": pa.chunked_array([texts]), "latitude_ref": pa.chunked_array([references])}, "latitude"
    )
    is_told = any(references)
    for row, (size, is_south, sign, kind) in enumerate(rows):
        size = float(f"{size:.6f}")
        if not is_told:
            assert values[row] == (-size if sign == "-" else size)
        elif kind == "":
            assert values[row] == -size if sign == "-" else row in wrong
        elif (sign == "-" and not is_south) or (sign == "+" and is_south):
            assert "hemisphere is" in wrong[row]
        else:
            assert values[row] == (-size if is_south else size)
    assert np.isnan(values[list(wrong)]).all()


def test_numbers_of_parquet_follow_the_same_rule() -> None:
    columns = {
        "longitude": pa.chunked_array([[70.5, -70.5, -70.5, 70.5, None, 0.0]]),
        "longitude_ref": pa.chunked_array([["West", "W", "E", None, None, "W"]]),
    }
    values, wrong = read_axis(columns, "longitude")
    np.testing.assert_array_equal(values, [-70.5, -70.5, np.nan, np.nan, np.nan, 0.0])
    assert wrong == {
        2: "longitude -70.5 has a minus sign, but its hemisphere is E",
        3: "longitude '70.5' has no hemisphere (E or W): its field is empty",
    }


PATH = Path("t.csv")
NAMES = {"id": "id", "latitude": "Latitude", "longitude": "Longitude"}


def table_of(header: str, *rows: str) -> pa.Table:
    columns = zip(*(row.split(",") for row in rows), strict=True)
    return pa.table({name: pa.array(values) for name, values in zip(header.split(","), columns, strict=True)})


@pytest.mark.parametrize("header", ["id,Latitude,NS,Longitude,EW", "id,Latitude,q,Longitude,r"])
def test_hemispheres_beside_the_axes_are_found(header: str) -> None:
    table = table_of(header, "a,33.85,S,151.2,E", "b,48.2,N,16.4,E", "c,33.0,south,70.6,West")
    found = find_hemispheres(table, NAMES, PATH)
    second, fourth = header.split(",")[2], header.split(",")[4]
    assert found.columns == {"latitude_ref": second, "longitude_ref": fourth}
    assert found.notes[0] == (
        f"t.csv: {second!r} has only hemispheres, so they are used for 'Latitude'; "
        "if this is wrong, leave the column out"
    )
    columns = {known: table[name] for known, name in (NAMES | found.columns).items()}
    assert read_axis(columns, "latitude")[0].tolist() == [-33.85, 48.2, -33.0]
    assert read_axis(columns, "longitude")[0].tolist() == [151.2, 16.4, -70.6]


@pytest.mark.parametrize("name", ["NS", "n_s", "Lat dir", "hemisphere"])
def test_hemispheres_apart_are_found_by_their_name(name: str) -> None:
    table = table_of(f"id,Latitude,Longitude,Title,{name}", "a,33.85,151.2,x,S")
    assert find_hemispheres(table, NAMES, PATH).columns == {"latitude_ref": name}


def test_a_column_of_other_directions_is_refused() -> None:
    """A street's side would turn half of the photos round: the user decides."""
    table = table_of("id,Latitude,Longitude,side", "a,48.2,16.4,S", "b,48.3,16.4,N")
    with pytest.raises(InputError) as caught:
        find_hemispheres(table, NAMES, PATH, "--truth-column")
    assert str(caught.value) == (
        "t.csv: 'side' has only hemispheres, and 'Latitude' has values without a sign; if they belong "
        "together, add --truth-column latitude_ref=side; if not, leave that column out"
    )


@pytest.mark.parametrize(
    ("latitudes", "marks"),
    [
        (["-33.85", "48.2"], ["S", "N"]),  # the signs say the same
        (["-33.85", "48.2"], ["N", "S"]),  # the signs say something else: the column is about something else
        (["33.85 S", "48.2"], ["S", "N"]),
        (["33.85", "48.2"], ["N", "N"]),
        (["33.85", "48.2"], ["S", "x"]),
        (["33.85", "48.2"], ["", ""]),
    ],
)
def test_columns_that_move_nothing_are_left_alone(latitudes: list[str], marks: list[str]) -> None:
    table = pa.table({"id": ["a", "b"], "Latitude": latitudes, "NS": marks, "Longitude": ["1", "2"]})
    assert find_hemispheres(table, NAMES, PATH) == ({}, [])


def test_a_sign_and_a_bare_number_in_one_column_are_refused() -> None:
    table = pa.table({"id": ["a", "b"], "Latitude": [-33.85, 33.9], "NS": ["S", "S"], "Longitude": [18.4, 18.5]})
    with pytest.raises(InputError, match="'NS' has only hemispheres"):
        find_hemispheres(table, NAMES, PATH)
    assert find_hemispheres(table, NAMES | {"latitude_ref": "NS"}, PATH) == ({}, [])
