"""Published test sets: their counts and ids are held to, whatever the ids' folders and endings."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from whereshot.foundation.errors import InputError
from whereshot.photos import test_sets
from whereshot.photos.records import Records
from whereshot.photos.test_sets import Benchmark, Published

COUNTS = {"im2gps": 237, "im2gps3k": 2997, "yfcc4k": 4536, "yfcc26k": 25600, "osv5m": 210122}
TABLES = {"im2gps": "im2gps", "im2gps3k": "im2gps3k", "yfcc26k": "yfcc25600"}
SMALL = Benchmark(
    "small", "Small", 3, "ids are numbers.", r"(?:.*/)?(\d+)(?:\.\w+)?", test_sets.digest(["1", "2", "30"])
)


def test_what_is_known() -> None:
    known = test_sets.benchmarks()
    assert {name: one.photos for name, one in known.items()} == COUNTS
    assert {name for name, one in known.items() if one.sha256 is None} == {"yfcc4k", "osv5m"}
    for one in known.values():
        for row in one.published:
            assert row.source and row.track in (None, *test_sets.TRACKS)
            assert len(row.accuracy) in (0, 5) and list(row.accuracy) == sorted(row.accuracy)
    assert test_sets.find("IM2GPS3k").published[0].scores()["accuracy_2500"] == 64.6
    assert test_sets.find("osv5m").published[0].scores() == {"geoscore": 3361, "mean_km": 1814}
    with pytest.raises(InputError, match=r"no benchmark 'im2gps4k'; did you mean 'im2gps3k'\?"):
        test_sets.find("im2gps4k")


@pytest.mark.parametrize("name", TABLES)
def test_the_published_tables_are_recognised(shared: Path, name: str) -> None:
    with (shared / "data" / "tables" / f"{TABLES[name]}_places365.csv").open() as file:
        ids = [row["IMG_ID"] for row in csv.DictReader(file)]
    one = test_sets.find(name)
    assert one.check(ids) == f"all {COUNTS[name]:,} photos, by the hash of their ids"
    keys = one.keys(ids)
    assert all(key.isdigit() for key in keys)
    assert one.check([f"pictures/{key}.png" for key in reversed(keys)]) == one.check(ids)
    with pytest.raises(InputError, match="are not those of"):
        one.check([*ids[1:], "7"])


def test_ids_are_held_to() -> None:
    assert SMALL.check(["a/30.jpg", "1", "2.png"]) == "all 3 photos, by the hash of their ids"
    with pytest.raises(InputError) as few:
        SMALL.check(["1", "2"])
    hint = "give the whole published table as --truth: missing photos count as misses"
    assert str(few.value) == f"Small has 3 photos; these are 2; {hint}"
    with pytest.raises(InputError, match=r"^Small has 3 photos; these are 4$"):
        SMALL.check(["1", "2", "3", "4"])
    with pytest.raises(InputError, match=r"^Small: 1 of 3 photos occur twice$"):
        SMALL.check(["1", "1.jpg", "2"])
    with pytest.raises(InputError) as other:
        SMALL.check(["x", "2", "3"])
    assert str(other.value) == "these 3 ids are not those of Small; the first is 'x'; ids are numbers."
    counted = Benchmark("c", "Counted", 2, "", r"(.*)")
    assert counted.check(["a", "b"]) == "2 photos, their ids not checked: only the count is known"


def test_missing_pictures_are_rows_without_one() -> None:
    table = Records(pa.table({"id": ["1.jpg", "2.jpg", "30.jpg"], "latitude": [1.0, 2, 3], "longitude": [4.0, 5, 6]}))
    have = {"id": ["30", "1", "99"], "latitude": [0.0] * 3, "longitude": [0.0] * 3, "image": ["c", "a", "x"]}
    whole = SMALL.complete(Records(pa.table(have)), table)
    assert whole.table["id"].to_pylist() == ["1.jpg", "2.jpg", "30.jpg"]
    assert whole.table["image"].to_pylist() == ["a", None, "c"]
    assert whole.points[:, 0].tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="none of 3 photos is in the published table"):
        SMALL.complete(Records(pa.table(have | {"id": ["7", "8", "9"]})), table)


def test_the_document_names_track_and_sources() -> None:
    one = Benchmark("s", "S", 1, "", "(.*)", published=(Published("A", "its authors", "image", mean_km=5.0),))
    row = {"name": "A", "track": "image", "source": "its authors", "mean_km": 5.0}
    assert one.to_json("text", "ok") == {
        "name": "s",
        "title": "S",
        "track": "text",
        "checked": "ok",
        "published": [row],
    }
