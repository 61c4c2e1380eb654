"""Columns of degrees and hemispheres: every row is right, empty or named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth.position_columns import read_axis

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
