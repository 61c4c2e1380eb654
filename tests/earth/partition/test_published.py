"""Published tables of cells, read to the cell; small tables with one thing wrong, refused by line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

from whereshot.earth import partition, s2, sphere
from whereshot.earth.partition.published import PublishedS2Cells
from whereshot.earth.partition.quadtree import Quadtree
from whereshot.foundation.errors import InputError


def table(shared: Path, name: str) -> Path:
    path = shared / "data" / "tables" / name
    if not path.is_file():
        pytest.skip(f"needs {name}")
    return path


@pytest.mark.parametrize(
    ("name", "cells", "photos"),
    [
        ("geoestimation_cells_50_5000.csv", 3298, 4_718_111),
        ("geoestimation_cells_50_2000.csv", 7202, 4_702_026),
        ("geoestimation_cells_50_1000.csv", 12_893, 4_658_503),
    ],
)
def test_geoestimation(shared: Path, name: str, cells: int, photos: int, tmp_path: Path) -> None:
    path = table(shared, name)
    read = partition.load(path)
    assert isinstance(read, PublishedS2Cells) and len(read) == cells and read.counts.sum() == photos
    rows = pyarrow.csv.read_csv(path, pyarrow.csv.ReadOptions(skip_rows=2))
    published = np.stack([rows["latitude_mean"].to_numpy(), rows["longitude_mean"].to_numpy()], axis=1)
    # every published mean lies in its own cell, and the class number leads back to the row
    np.testing.assert_array_equal(read.class_labels[read.assign(published)], rows["class_label"].to_numpy())
    np.testing.assert_array_equal(published[read.class_labels], read.centers)
    assert (np.diff(read.class_labels) < 0).any()  # the file is not in the order of the ids
    read.save(tmp_path / "cells.parquet")
    again = partition.load(tmp_path / "cells.parquet")
    np.testing.assert_array_equal(again.class_labels, read.class_labels)
    np.testing.assert_array_equal(again.ids, read.ids)


def test_osv5m(shared: Path, tmp_path: Path) -> None:
    path = table(shared, "osv5m_quadtree_10_1000.csv")
    read = partition.load(path)
    assert isinstance(read, Quadtree) and len(read) == 11_399
    rows = pyarrow.csv.read_csv(path)
    assert rows["cluster_id"].to_pylist() == list(range(11_399))  # the published order is ours
    edges = np.stack([rows[name].to_numpy() for name in ("min_lat", "min_lon", "max_lat", "max_lon")], axis=1)
    np.testing.assert_array_equal(read.boxes, edges)  # to the last bit
    np.testing.assert_array_equal(read.assign(read.centers), np.arange(11_399))
    assert (read.counts == 0).all()  # unknown
    assert read.depths.max() == 10  # what "10" in the name means
    read.save(tmp_path / "cells.parquet")
    np.testing.assert_array_equal(partition.load(tmp_path / "cells.parquet").boxes, edges)
    # counting anew on photos of one's own
    counted = read.populate(np.repeat(read.centers, 2, axis=0), lambda counts: counts > 0)
    assert (counted.counts == 2).all() and counted.spread_km.max() < 1e-3


def test_a_part_of_osv5m_whose_start_box_is_lost_is_refused(shared: Path, tmp_path: Path) -> None:
    lines = table(shared, "osv5m_quadtree_10_1000.csv").read_text().splitlines()
    (tmp_path / "none.csv").write_text("\n".join([lines[0], *lines[200:260]]))
    with pytest.raises(InputError, match=r"none.csv: line 2: the box does not belong to the quadtree that halves \("):
        partition.load(tmp_path / "none.csv")


def test_spreads_are_those_of_photos_spread_evenly(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(OSV.format("0,-8,-8,0,0,-4,-4\n1,0,0,8,8,4,4"))
    square = rng.uniform(0, 8, (200_000, 2))
    rms = float(np.sqrt((sphere.distance_km(square, np.array([4, 4])) ** 2).mean()))
    # a square's corners lie farther out than a disc's rim: 2.3 %
    assert partition.load(path).spread_km[1] == pytest.approx(rms, rel=0.03)


GEO = "num_images: 9\nmin_concept_probability: ---\nclass_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean\n{}\n"
OSV = "cluster_id,min_lat,min_lon,max_lat,max_lon,mean_lat,mean_lon\n{}\n"

VIENNA, PARIS = (s2.token(s2.encode([place], 10))[0] for place in ([48.2, 16.4], [48.86, 2.35]))
OUTER = s2.token(s2.encode([[48.2, 16.4]], 6))[0]


def test_small_tables(tmp_path: Path) -> None:
    path = tmp_path / "cells.CSV"
    path.write_text(GEO.format(f"0,{PARIS},7,48.86,2.35\n1,{VIENNA},2,48.2,16.4"))
    read = partition.load(path)
    assert read.assign([[48.2, 16.4], [48.86, 2.35], [0, 0]]).tolist() == [0, 1, -1]
    assert read.class_labels.tolist() == [1, 0] and read.counts.tolist() == [2, 7]
    path.write_text(OSV.format("0,0,0,4,4,1,1\n1,4,4,8,8,5,5").replace("\n", "\r\n"))
    read = partition.load(path)
    assert read.boxes.tolist() == [[0, 0, 4, 4], [4, 4, 8, 8]]
    assert read.assign([[3, 3], [4, 4], [8, 8], [3, 5], [9, 9]]).tolist() == [0, 1, 1, -1, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GEO.format(f"0,{PARIS},7,48.86,2.35\n1,{PARIS},2,48.2,16.4"),
            f"line 5: hex_id {PARIS} is also in line 4",
        ),
        (GEO.format(f"3,{PARIS},7,48.86,2.35\n3,{VIENNA},2,48.2,16.4"), "line 5: class_label 3 is also in line 4"),
        (GEO.format(f"0,{OUTER},7,48.2,16.4\n1,{VIENNA},2,48.2,16.4"), "line 5: the cell overlaps the cell of line 4"),
        (GEO.format(f"0,{VIENNA},7,48.2,16.4\n1,{OUTER},2,48.2,16.4"), "line 5: the cell overlaps the cell of line 4"),
        (GEO.format("0,xyz,7,48.2,16.4"), "line 4: hex_id must be an S2 cell in hexadecimal digits; got 'xyz'"),
        (GEO.format("0,,7,48.2,16.4"), "line 4: hex_id must be an S2 cell in hexadecimal digits; got ''"),
        (GEO.format(f"0,{PARIS},7.5,48.2,16.4"), "line 4: imgs_per_cell must be a whole number; got '7.5'"),
        (GEO.format(f"0,{PARIS},-7,48.2,16.4"), "line 4: imgs_per_cell must be at least 0; got -7"),
        (GEO.format(f"0,{PARIS},{2**63},48.2,16.4"), f"line 4: imgs_per_cell is too large: {2**63}"),
        (GEO.format(f"0,{PARIS},7,95,16.4"), "line 4: (95, 16.4): latitude must lie between -90 and 90 degrees"),
        (GEO.format(f"0,{PARIS},7,nan,16.4"), "line 4: (nan, 16.4): not a finite number"),
        (GEO.format(f"0,{PARIS},7,x,16.4"), "line 4: latitude_mean must be a number; got 'x'"),
        (GEO.format(f"0,{PARIS},7,48.2"), "line 4: expected 5 columns"),
        (GEO.format(f"0,{PARIS},7,48.86,2.35\n1,{VIENNA},2,48.2,16.4,9"), "line 5: expected 5 columns"),
        (GEO.format("").rstrip() + "\n", "holds no cells"),
        (OSV.format("0,0,0,4,4,1,1\n1,0,0,4,4,1,1\n2,4,4,8,8,5,5"), "line 3: the cell overlaps the cell of line 2"),
        (OSV.format("0,0,0,8,8,1,1\n1,4,4,8,8,5,5"), "line 3: the cell overlaps the cell of line 2"),
        (OSV.format("0,0,0,4,4,1,1\n0,4,4,8,8,5,5"), "line 3: cluster_id 0 is also in line 2"),
        (OSV.format("0,0,0,4,4,1,1\n1,4,8,8,8,5,8"), "line 3: the box from (4.0, 8.0) to (8.0, 8.0) holds nothing"),
        (
            OSV.format("0,0,0,4,4,1,1\n1,4,4,8,8,5,5\n2,4,1,8,4,5,2"),
            "line 4: the box does not belong to the quadtree that halves (0.0, 0.0, 8.0, 8.0) "
            "(south, west, north, east)",
        ),
        (OSV.format("0,0,0,4,x,1,1"), "line 2: max_lon must be a number; got 'x'"),
        (
            "a,b\n1,2\n",
            "not a known table of cells; expected the columns "
            "class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean (GeoEstimation) "
            "or cluster_id,min_lat,min_lon,max_lat,max_lon,mean_lat,mean_lon (OSV-5M)",
        ),
    ],
)
def test_broken_tables_are_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        partition.load(path)
    assert str(caught.value) == f"{path}: {message}"


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such file$"):
        partition.load(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.csv: cannot be read"):
        partition.load(tmp_path / "binary.csv")
