"""The step duplicates: the first of the same bytes or look stays, and every other names the photo that stays."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from curating import clean, picture, rejects_of, saved, write_records
from whereshot.foundation.errors import InputError
from whereshot.photos.curate import duplicates
from whereshot.photos.records import Records


def test_every_copy_names_the_photo_that_stays(tmp_path: Path) -> None:
    rows = [saved(tmp_path / "first.jpg", picture(1), quality=95), saved(tmp_path / "other.jpg", picture(2))]
    rows.append(saved(tmp_path / "coarse.jpg", picture(1), quality=40))
    (tmp_path / "copy.jpg").write_bytes((tmp_path / "first.jpg").read_bytes())
    (tmp_path / "late.jpg").write_bytes((tmp_path / "coarse.jpg").read_bytes())
    rows += [{"id": name, "image": str(tmp_path / f"{name}.jpg")} for name in ("copy", "late")]
    source = write_records(tmp_path / "in.parquet", rows)
    found = clean(source, tmp_path / "out", duplicates={})
    assert found["rejected"] == {"duplicate bytes": 2, "duplicate look": 1}
    assert Records.read(tmp_path / "out").strings("id") == ["first", "other"]
    why, first = rejects_of(tmp_path / "out"), f"'first' ({tmp_path}/first.jpg)"
    assert why["copy"] == ("duplicate bytes", f"the same bytes as {first}")
    assert why["coarse"][0] == "duplicate look" and why["coarse"][1].startswith(f"looks like {first}: ")
    assert why["late"] == (
        "duplicate bytes",
        f"the same bytes as 'coarse' ({tmp_path}/coarse.jpg), which looks like {first}",
    )


@pytest.mark.parametrize(
    ("look", "edge", "stays"), [(0, 0, [0]), (8, 12, [0]), (9, 0, [0, 1]), (0, 13, [0, 1]), (9, 13, [0, 1])]
)
def test_both_hashes_must_agree(look: int, edge: int, stays: list[int]) -> None:
    """8 bits of the look and 12 bits of the edges may differ, each limit included."""
    table = pa.table(
        {
            "id": ["a", "b"],
            "image": ["a.jpg", "b.jpg"],
            "content_hash": ["1" * 32, "2" * 32],
            "look_hash": pa.array([0, 2**look - 1], pa.uint64()),
            "edge_hash": pa.array([0, 2**edge - 1], pa.uint64()),
        }
    )
    _, alike = duplicates.choose(table, {})
    assert [row for row in range(2) if row not in alike.rows] == stays
    if len(alike.rows):
        assert alike.sentence(0) == f"looks like 'a' (a.jpg): {look} of 64 bits differ"


def test_no_photos_and_bits_that_cannot_be() -> None:
    table = pa.table({name: pa.array([], pa.uint64()) for name in ("look_hash", "edge_hash")})
    for name in ("id", "image", "content_hash"):
        table = table.append_column(name, pa.array([], pa.string()))
    assert [len(dropped.rows) for dropped in duplicates.choose(table, {})] == [0, 0]
    for bits in (-1, 17):
        with pytest.raises(InputError, match=f"--look-bits must be 0 to 16; got {bits}"):
            duplicates.check({"look_bits": bits}, None)
