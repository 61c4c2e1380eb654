"""Exports that other programs read: valid everywhere, the same rows in each, nothing lost; a page that works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from geojson_areas import check_area
from waiting import PATIENCE_S
from whereshot.earth import partition, sphere
from whereshot.earth.partition import Partition
from whereshot.foundation.errors import InputError, OutputError
from whereshot.report.cell_atlas import Atlas

ROUND_THE_WORLD = np.array(
    [[90, 0], [89.9, 10], [-90, 0], [0, 179.99], [0, -179.99], [-17, 180], [48.2, 16.4], [48.2, 16.5], [51.5, -0.1]]
)


@pytest.fixture(scope="module")
def cells() -> Partition:
    """Cells over both poles and the date line."""
    rng = np.random.default_rng(3)
    grid = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 500))), rng.uniform(-180, 180, 500)], axis=1)
    return partition.build("s2", np.concatenate([ROUND_THE_WORLD, grid]), {"max": 20, "min_level": 0})


@pytest.fixture(scope="module")
def atlas(cells: Partition) -> Atlas:
    return Atlas.of(cells, "round <the> world")


def test_geojson_is_rfc_7946(atlas: Atlas, cells: Partition) -> None:
    document = json.loads(atlas.to_geojson())
    assert (document["type"], len(document["features"])) == ("FeatureCollection", len(cells))
    total = 0.0
    for number, feature in enumerate(document["features"]):
        shape = check_area(feature)
        properties = feature["properties"]
        assert (feature["id"], properties["cell"], properties["count"]) == (number, number, cells.counts[number])
        assert properties["area_km2"] == pytest.approx(cells.area_sr[number] * sphere.EARTH_KM**2, rel=1e-8)
        assert [properties["latitude"], properties["longitude"]] == pytest.approx(cells.centers[number], abs=1e-6)
        assert properties["s2_token"] == cells.own_columns()["s2_token"][number].as_py()
        total += shape.area
    assert total == pytest.approx(360 * 180, rel=1e-4)  # the world, poles included, once
    one, other = cells.neighbours()[0].tolist()
    assert other in document["features"][one]["properties"]["neighbours"]
    assert one in document["features"][other]["properties"]["neighbours"]


@pytest.mark.parametrize("level", [10, 20, 22])
def test_cells_of_metres_stay_valid(level: int) -> None:
    tiny = Atlas.of(partition.build("s2-level", [[48.2, 16.4], [-89.9999, 179.9999]], {"level": level}), "tiny")
    for feature in json.loads(tiny.to_geojson())["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid and shape.area > 0
    assert "cells.html" not in tiny.to_html()


def test_geoparquet(atlas: Atlas, cells: Partition, tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    atlas.write_geoparquet(path)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], geo["primary_column"], column["encoding"]) == ("1.1.0", "geometry", "WKB")
    assert "crs" not in column  # absent means OGC:CRS84, longitude first
    assert (column["orientation"], column["edges"]) == ("counterclockwise", "planar")
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    assert set(column["geometry_types"]) == {shape.geom_type for shape in shapes}
    assert shapely.is_valid(shapes).all()
    assert column["bbox"] == shapely.total_bounds(shapes).tolist()
    box = table["bbox"].combine_chunks().flatten()
    np.testing.assert_array_equal(np.stack([side.to_numpy() for side in box], axis=1), shapely.bounds(shapes))
    np.testing.assert_array_equal(table["count"], cells.counts)
    assert table["neighbours"].to_pylist() == atlas.neighbours
    assert table["geometry"].type == "binary"


def test_both_exports_have_the_same_columns(atlas: Atlas, tmp_path: Path) -> None:
    atlas.write_geoparquet(tmp_path / "x.parquet")
    properties = json.loads(atlas.to_geojson())["features"][0]["properties"]
    assert set(pq.read_schema(tmp_path / "x.parquet").names) == {*properties, "bbox", "geometry"}


def test_where_nothing_can_be_written(atlas: Atlas, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"file/x.parquet: cannot be written"):
        atlas.write_geoparquet(tmp_path / "file" / "x.parquet")


def test_no_cells_are_refused(cells: Partition) -> None:
    none = cells.populate(np.empty((0, 2)), lambda counts: counts > 0)
    with pytest.raises(InputError) as caught:
        Atlas.of(none, "empty.parquet")
    assert str(caught.value) == "empty.parquet: a partition without cells; there is nothing to draw"


def test_one_cell() -> None:
    atlas = Atlas.of(partition.build("s2-level", [[90, 0]], {"level": 0}), "the north")
    (feature,) = json.loads(atlas.to_geojson())["features"]
    assert feature["properties"]["neighbours"] == []
    assert shapely.geometry.shape(feature["geometry"]).contains(shapely.Point(0, 89.99))
    assert re.fullmatch(r"1 cell · 1 photo · median area 8\d,\d00,000 km²", atlas.facts)
    assert data_of(atlas.to_html())["range"][0] > 0


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(text)


def test_page_holds_every_cell(atlas: Atlas, cells: Partition) -> None:
    page = atlas.to_html()
    data = data_of(page)
    assert [cell["count"] for cell in data["cells"]] == cells.counts.tolist()
    assert data["title"] == "round <the> world" and "<the>" not in page
    for cell, polygon in zip(data["cells"], atlas.polygons, strict=True):
        rings = [np.array(ring).reshape(-1, 2).cumsum(axis=0) / data["unit"] for ring in cell["rings"]]
        drawn = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in rings])
        assert drawn.symmetric_difference(polygon).area < 0.03 * polygon.area
    counts = [data["cells"][index]["count"] for index, _ in data["most"]]
    assert counts == sorted(counts, reverse=True)
    assert not re.findall(r"https?://|@import|url\(", page)


def test_page_opens_in_a_browser(atlas: Atlas, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium to open the page")
    (tmp_path / "cells.html").write_text(atlas.to_html(), "utf-8")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    more = "--disable-component-update --disable-sync --virtual-time-budget=4000 --enable-logging=stderr --dump-dom"
    address = (tmp_path / "cells.html").as_uri()
    command = [chromium, *flags.split(), *more.split(), f"--user-data-dir={tmp_path / 'profile'}", address]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert "CONSOLE" not in result.stderr
    shown = result.stdout[: result.stdout.index('<script type="application/json"')]
    assert "round &lt;the&gt; world</h1>" in shown
    most = data_of(atlas.to_html())["most"][0]
    assert f"<h2>Cell {most[0]}</h2>" in shown and f"<td>{most[1]}</td>" in shown
