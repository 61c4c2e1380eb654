"""Conditions on rows: what is selected, what becomes a reject, and texts that are no condition."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.foundation import tables
from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records
from whereshot.photos.sources import row_conditions
from whereshot.photos.sources.base import Ingested


def rows(**columns: list[Any]) -> pa.Table:
    count = len(next(iter(columns.values())))
    given_ = {"id": [f"{number}" for number in range(count)], "image": [f"{number}.jpg" for number in range(count)]}
    return pa.table(given_ | columns)


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        (["country=US"], ["0"]),
        (["country=US,CA"], ["0", "1"]),
        (["country = US , CA "], ["0", "1"]),
        (["country!=US"], ["1", "2"]),
        (["country="], ["2"]),
        (["country!="], ["0", "1"]),
        (["country=US,CA", "number=7"], ["1"]),
        (["country=us"], []),
        ([], ["0", "1", "2"]),
    ],
)
def test_rows_that_are_selected(conditions: list[str], ids: list[str]) -> None:
    table = rows(country=["US", "CA", None], number=[5, 7, 7])
    kept, rejects = row_conditions.select(table, row_conditions.parse(conditions))
    assert kept["id"].to_pylist() == ids
    assert rejects.schema == tables.REJECTS
    lost = [name for name in ("0", "1", "2") if name not in ids]
    assert [(row["id"], row["image"], row["reason"]) for row in rejects.to_pylist()] == [
        (name, f"{name}.jpg", "not selected") for name in lost
    ]


def test_rejects_name_all_conditions() -> None:
    conditions = row_conditions.parse(["country=US", "split!=test, val"])
    _, rejects = row_conditions.select(rows(country=["CA"], split=["train"]), conditions)
    assert rejects["detail"].to_pylist() == ["--where country=US split!=test,val"]


@given(
    st.lists(
        st.tuples(
            st.text("abz_", min_size=1, max_size=5),
            st.booleans(),
            st.lists(st.text("ab =!é", max_size=5).map(str.strip), min_size=1, max_size=3),
        ),
        max_size=4,
    )
)
def test_a_condition_reads_as_it_is_written(parts: list[tuple[str, bool, list[str]]]) -> None:
    conditions = [row_conditions.Condition(column, tuple(values), negated) for column, negated, values in parts]
    assert row_conditions.parse([str(condition) for condition in conditions]) == conditions


@pytest.mark.parametrize("text", ["country", "", "=US", "!=US", " =US"])
def test_texts_that_are_no_condition(text: str) -> None:
    with pytest.raises(InputError) as caught:
        row_conditions.parse([text])
    assert str(caught.value) == f"--where takes column=value, column!=value or column=value,value; got {text!r}"


def test_columns_that_cannot_be_asked() -> None:
    table = rows(country=["US"], tags=[["a", "b"]])
    for text, message in (
        ("contry=US", "--where contry=US: no column 'contry'; did you mean 'country'?"),
        ("tags=a", "--where tags=a: 'tags' holds lists; choose a column of single values"),
    ):
        with pytest.raises(InputError) as caught:
            row_conditions.select(table, row_conditions.parse([text]))
        assert str(caught.value) == message


def test_a_source_that_is_selected_from_keeps_its_rejects_and_notes() -> None:
    records = Records(rows(latitude=[1.0, 2.0], longitude=[1.0, 2.0], country=["US", "CA"]))
    ingested = Ingested(records, tables.rejects_table([("x", None, "no position", "none")]), ("a remark",))
    chosen = row_conditions.choose(ingested, row_conditions.parse(["country=CA"]))
    assert chosen.records.strings("id") == ["1"]
    assert chosen.rejects["reason"].to_pylist() == ["no position", "not selected"]
    assert (chosen.rows, chosen.notes) == (3, ("a remark",))
    assert row_conditions.choose(ingested, []) is ingested
