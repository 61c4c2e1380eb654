"""The commands on cells as scripts use them: what they write, what they print, and one line for every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from command_line import Run
from conftest import TOWNS
from whereshot.earth import partition
from whereshot.earth.partition import PARTITIONS, PRESETS
from whereshot.photos.records import Records

ACCURACY_KM = ["1", "25", "200", "750", "2500"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 photos of some 40 places."""
    rng = np.random.default_rng(8)
    spots = np.stack([np.degrees(np.arcsin(rng.uniform(-0.8, 0.9, 40))), rng.uniform(-180, 180, 40)], axis=1)
    points = spots[rng.integers(0, 40, 3000)] + rng.normal(0, 0.5, (3000, 2))
    rows = [f"{number},{a:.3f},{(b + 180) % 360 - 180:.3f}" for number, (a, b) in enumerate(points)]
    path = tmp_path_factory.mktemp("cells") / "photos.csv"
    path.write_text("id,latitude,longitude\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def cells(table: Path) -> Path:
    path = table.parent / "cells.parquet"
    points = np.loadtxt(table, delimiter=",", skiprows=1)[:, 1:]
    partition.build("s2", points, {"max": 200, "min_level": 1}).save(path)
    return path


# --- build


def test_build_a_preset_of_several_levels(run: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "levels"
    result = run("cells", "build", table, "--out", out, "--preset", "deep-locations", "--format", "json")
    document = result.document
    assert [*document] == ["kind", "cells", "photos", "photos_kept", "seconds", "levels"]
    levels = partition.load_levels(out)
    assert [len(level) for level in levels] == [level["cells"] for level in document["levels"]]
    assert (document["kind"], document["cells"], document["photos"]) == ("s2", len(levels[-1]), 3000)
    assert sorted(path.name for path in out.iterdir()) == [f"level-{number}.parquet" for number in range(3)]
    told = run("cells", "build", table, "--out", out, "--preset", "deep-locations").out
    assert re.fullmatch(rf"\d+ / \d+ / \d+ cells hold \d+ of 3000 photos; wrote {out} \(\d+\.\d\d s\)\n", told)


def test_build_tells_what_was_done_to_borders(run: Run, table: Path, tmp_path: Path) -> None:
    rings = {"A": [[-180, -90], [180, -90], [180, 90], [-180, 90]], "B": [[0, 0], [1, 0], [1, 1]]}
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in rings.items()
    ]
    file, note = tmp_path / "borders.geojson", "left out, as earlier regions cover them: B"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    asked = ("cells", "build", table, "--out", tmp_path / "c.parquet", "--kind", "regions", "--set", f"file={file}")
    assert run(*asked, "--format", "json").document["notes"] == [note]
    assert run(*asked).out.splitlines()[1:] == [f"  {note}"]


def test_fewer_levels_replace_more(table: Path, tmp_path: Path) -> None:
    points = np.loadtxt(table, delimiter=",", skiprows=1)[:, 1:]
    levels = partition.build_preset("deep-locations", points)
    partition.save_levels(levels, tmp_path)
    partition.save_levels(levels[:1], tmp_path)
    assert len(partition.load_levels(tmp_path)) == 1


def test_build_a_preset_of_one_level(run: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.parquet"
    result = run("cells", "build", table, "--out", out, "--preset", "geoestimation-coarse", "--format", "json")
    assert [*result.document] == ["kind", "cells", "photos", "photos_kept", "seconds"]
    again = run(
        "cells", "build", table, "--out", out, "--preset", "geoestimation-coarse", "--set", "min=10", "--format", "json"
    )
    assert again.document["cells"] >= result.document["cells"]


def test_refine_on_some_and_populate_with_others(run: Run, table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("\n".join(lines[:2001]) + "\n")
    other.write_text("\n".join([lines[0], *lines[2001:]]) + "\n")
    asked = ["--set", "max=100", "--set", "min_level=1", "--format", "json", "--out", tmp_path / "cells.parquet"]
    refined = run("cells", "build", "--refine-on", one, "--populate-with", other, *asked).document
    assert refined["photos"] == refined["photos_kept"] == 1000  # wherever they are
    assert run("cells", "build", other, "--refine-on", one, *asked).document["cells"] == refined["cells"]
    assert run("cells", "build", one, "--populate-with", other, *asked).document["cells"] == refined["cells"]
    alone = run("cells", "build", other, *asked).document
    assert alone["photos"] == 1000 and alone["cells"] < refined["cells"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "x.parquet"], "no positions: name tables, or both --refine-on and --populate-with"),
        (
            ["--refine-on", "TABLE", "--out", "x.parquet"],
            "no positions: name tables, or both --refine-on and --populate-with",
        ),
        (
            ["TABLE", "--refine-on", "TABLE", "--populate-with", "TABLE", "--out", "x.parquet"],
            "--refine-on and --populate-with replace the tables; leave the tables out",
        ),
        (["TABLE", "--out", "x.parquet", "--preset", "planett"], f"no preset 'planett'; known: {', '.join(PRESETS)}"),
        (
            ["TABLE", "--out", "x.parquet", "--preset", "planet", "--kind", "s2"],
            "--preset sets the kind; leave --kind out",
        ),
        (
            ["TABLE", "--out", "x.parquet", "--preset", "geoestimation"],
            "--out names a folder for the 3 levels of geoestimation; got x.parquet",
        ),
        (["TABLE", "--out", "folder", "--preset", "planet"], "--out names a .parquet file; got folder"),
        (
            ["TABLE", "--out", "x.parquet"],
            "partition s2: 'max' is missing; settings of s2: max (photos in a cell), min=0, min_level=0, max_level=30",
        ),
        (
            ["TABLE", "--out", "x.parquet", "--preset", "denmark-129"],
            f"preset denmark-129 needs the setting file: {PRESETS['denmark-129'].needs_file}",
        ),
    ],
)
def test_build_refuses(run: Run, table: Path, arguments: list[str], said: str) -> None:
    given = [str(table) if part == "TABLE" else part for part in arguments]
    assert run("cells", "build", *given).mistake == said


def test_lists(run: Run) -> None:
    kinds = run("cells", "kinds").out
    for kind in PARTITIONS:
        assert f"\n{kind}: " in "\n" + kinds
    assert [kind["name"] for kind in run("cells", "kinds", "--format", "json").document["kinds"]] == list(PARTITIONS)
    presets = run("cells", "presets").out.splitlines()
    assert [line.split(": ")[0] for line in presets] == list(PRESETS)
    assert all(preset.source in line for line, preset in zip(presets, PRESETS.values(), strict=True))
    assert len(run("cells", "presets", "--format", "json").document["presets"]) == len(PRESETS)
    told = run("cells", "build", "--help").out
    listed = re.search(r"Presets: ([^.]*)\.", " ".join(told.split()))
    assert listed is not None and set(listed[1].split(", ")) == set(PRESETS)


# --- show and export


def test_show_draws_everything(run: Run, cells: Path, tmp_path: Path) -> None:
    result = run("cells", "show", cells, "--out", tmp_path / "maps", "--title", "my cells")
    assert result.code == 0 and result.out.endswith(f"wrote {tmp_path / 'maps'}: world.png, zoom.png, cells.html\n")
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["cells.html", "world.png", "zoom.png"]
    assert "my cells" in (tmp_path / "maps" / "cells.html").read_text()


def test_show_one_file(run: Run, cells: Path, tmp_path: Path) -> None:
    world, zoom, page = (tmp_path / name for name in ("a.png", "b.png", "c.html"))
    run("cells", "show", cells, "--out", world)
    run("cells", "show", cells, "--out", zoom, "--zoom", "48.2,16.4,500")
    run("cells", "show", cells, "--out", page)
    with Image.open(world) as one, Image.open(zoom) as other:
        assert one.width > other.width
    assert page.read_text().startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 3


def test_show_needs_no_network_and_no_display(cells: Path, tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise RuntimeError('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        f"sys.argv = ['whereshot', 'cells', 'show', {str(cells)!r}, '--out', {str(tmp_path / 'm.png')!r}]\n"
        "from whereshot.cli import main\n"
        "main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"MPLBACKEND": "tkagg"})
    assert (result.returncode, result.stderr) == (0, "")


def test_the_page_needs_no_matplotlib(
    run: Run,
    cells: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("cells", "show", cells, "--out", tmp_path / "x.html").code == 0
    said = run("cells", "show", cells, "--out", tmp_path / "maps").mistake
    assert said == "matplotlib is not installed; run in the source folder: pip install '.[draw]'"
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "maps.svg"], "--out names a folder, a .png or an .html file; got maps.svg"),
        (["--out", "x.png", "--zoom", "Vienna"], "a zoom is LAT,LON,KM, as 48.86,2.35,300; got 'Vienna'"),
        (["--out", "x.html", "--zoom", "1,2,3"], "--zoom is for PNG; the page zooms by itself"),
    ],
)
def test_show_refuses(run: Run, cells: Path, arguments: list[str], said: str) -> None:
    assert run("cells", "show", cells, *arguments).mistake == said


def test_show_of_what_is_no_partition(run: Run, table: Path, tmp_path: Path) -> None:
    text, out = tmp_path / "text.parquet", tmp_path / "maps"
    text.write_text("no Parquet")
    assert run("cells", "show", text, "--out", out).mistake == (
        f"{text}: not a partition file; make one with: whereshot cells build"
    )
    assert run("cells", "show", tmp_path / "none.parquet", "--out", out).mistake.endswith("no such file")
    assert run("cells", "show", tmp_path, "--out", out).mistake == (
        f"{tmp_path}: a folder without level-0.parquet; name a file, or a folder of levels"
    )
    (tmp_path / "file").write_text("in the way")
    assert run("cells", "show", text, "--out", tmp_path / "file").mistake == (
        f"{tmp_path / 'file'}: a file is in the way; name a folder"
    )
    assert run("cells", "show", text, "--out", tmp_path / "file" / "x.png").mistake.startswith(
        f"{tmp_path / 'file' / 'x.png'}: cannot be written"
    )
    assert not out.exists()
    run("cells", "build", table, "--out", tmp_path / "levels", "--preset", "deep-locations")
    assert run("cells", "show", tmp_path / "levels", "--out", out).mistake == (
        f"{tmp_path / 'levels'}: a folder of 3 levels; name one of them, as {tmp_path / 'levels' / 'level-0.parquet'}"
    )


def test_a_partition_without_cells(run: Run, cells: Path, tmp_path: Path) -> None:
    none = tmp_path / "none.parquet"
    partition.load(cells).populate(np.empty((0, 2)), lambda counts: counts > 0).save(none)
    for command in (["show", none, "--out", tmp_path / "maps"], ["export", none, "--out", tmp_path / "x.geojson"]):
        assert run("cells", *command).mistake == "none: a partition without cells; there is nothing to draw"


def test_export(run: Run, cells: Path, tmp_path: Path) -> None:
    for name, options in (("a.geojson", []), ("b.parquet", []), ("c.dat", ["--format", "geojson"])):
        result = run("cells", "export", cells, "--out", tmp_path / name, *options)
        assert result.code == 0 and result.out.endswith(f"wrote {tmp_path / name}\n")
    count = len(partition.load(cells))
    assert len(json.loads((tmp_path / "a.geojson").read_text())["features"]) == count
    assert (tmp_path / "a.geojson").read_text() == (tmp_path / "c.dat").read_text()
    assert b"geo" in pq.read_schema(tmp_path / "b.parquet").metadata
    said = run("cells", "export", cells, "--out", tmp_path / "x.shp").mistake
    assert said.startswith(f"--out {tmp_path / 'x.shp'}: the ending is not that of a known format; known: .geojson")
    assert run("cells", "export", cells, "--out", cells).mistake == f"{cells}: the cells themselves; name another file"
    assert run("cells", "export", cells, "--out", tmp_path).mistake.startswith("--out")
    assert len(partition.load(cells)) == count


# --- compare


def test_compare_documents(run: Run, cells: Path, table: Path) -> None:
    document = run("cells", "compare", cells, "--on", table, "--format", "json").document
    assert [*document] == ["photos", "fitted", "seen", "partitions", "hierarchies"]
    (row,) = document["partitions"]
    assert (row["name"], row["cells"], row["photos_kept"]) == (str(cells), len(partition.load(cells)), 3000)
    assert list(row["best_possible"]) == ACCURACY_KM == list(row["by_cell_center"]["best_possible"])
    assert 0.9 < row["best_possible"]["2500"] <= 1


def test_compare_what_is_built_on_a_split(run: Run, cells: Path, table: Path) -> None:
    built = ["--build", "s2:max=100,min_level=1", "--build", "s2-level:level=3", "--preset", "deep-locations"]
    arguments = ["cells", "compare", cells, "--on", table, *built, "--format", "json"]
    document = run(*arguments).document
    assert document["photos"] + document["fitted"] == 3000
    assert 0 <= document["seen"] < 0.5
    names = [row["name"] for row in document["partitions"]]
    assert names == [str(cells), built[1], built[3], *(f"deep-locations, level {number}" for number in range(3))]
    (product,) = document["hierarchies"]
    assert (product["name"], product["torn"]) == ("deep-locations", 0)
    assert run(*arguments).document == document
    assert run(*arguments, "--seed", "1").document["photos"] != document["photos"]
    assert run(*arguments, "--split", "0.9").document["photos"] < 500
    whole = run(*arguments, "--fit-on", table).document
    assert (whole["photos"], whole["fitted"], whole["seen"]) == (3000, 3000, 1)


def test_compare_a_hierarchy(run: Run, cells: Path, table: Path, tmp_path: Path) -> None:
    run("cells", "build", table, "--out", tmp_path / "coarse.parquet", "--kind", "s2-level", "--set", "level=1")
    name = f"{tmp_path / 'coarse.parquet'}+{cells}"
    result = run("cells", "compare", cells, "--on", table, "--hierarchy", name)
    assert f"| {name} | " in result.out and "torn" in result.out
    said = run(
        "cells", "compare", cells, "--on", table, "--hierarchy", f"{cells}+{tmp_path / 'coarse.parquet'}"
    ).mistake
    assert said.startswith("the levels of a hierarchy go from coarse to fine")


def test_compare_prints_a_table(run: Run, cells: Path, table: Path) -> None:
    lines = run("cells", "compare", cells, "--on", table).out.splitlines()
    assert lines[0].startswith("| partition | cells | photos kept | entropy, bits | evenness |")
    assert lines[2].startswith(f"| {cells} | ")
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--on", "TABLE"], "nothing to compare: name files of cells, or give --build or --preset"),
        (["CELLS", "CELLS", "--on", "TABLE"], "CELLS is named twice"),
        (
            ["CELLS", "--build", "s2:max=9", "--on", "TABLE", "--split", "2"],
            "the share to fit on must lie between 0 and 1; got 2",
        ),
        (
            ["CELLS", "--on", "TABLE", "--split", "0.5"],
            "--split goes with --build or --preset; the cells in files are built already",
        ),
        (["CELLS", "--on", "TABLE", "--split", "0.5", "--fit-on", "TABLE"], "give either --fit-on or --split"),
        (["--on", "TABLE", "--build", "s4"], "no partition kind 's4'; did you mean 's2'?"),
        (
            ["--on", "TABLE", "--build", "s2:max"],
            "a partition to build is kind:key=value,key=value, as s2:max=1000,min=5; got 's2:max'",
        ),
        (["none.parquet", "--on", "TABLE"], "none.parquet: no such file"),
        (["CELLS", "--on", "none.csv"], "none.csv: no such file or folder"),
    ],
)
def test_compare_refuses(run: Run, table: Path, cells: Path, arguments: list[str], said: str) -> None:
    words = {"TABLE": str(table), "CELLS": str(cells)}
    mistake = run("cells", "compare", *[words.get(part, part) for part in arguments]).mistake
    assert mistake == said.replace("CELLS", str(cells))


def test_cells_build(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "cells.parquet"
    settings = ["--set", "max=8", "--set", "max_level=9"]
    result = run("cells", "build", tiny / "photos.csv", "--out", out, *settings, "--format", "json")
    document = result.document
    assert (result.code, [*document]) == (0, ["kind", "cells", "photos", "photos_kept", "seconds"])
    built = partition.load(out)
    assert (document["cells"], document["photos"], document["photos_kept"]) == (len(built), 48, 48)
    points = np.array([[latitude, longitude] for latitude, longitude, _ in TOWNS.values()])
    assert len({*built.assign(points).tolist()}) == 6

    result = run("cells", "build", tiny / "photos.csv", "--out", out, "--kind", "s2-level", "--set", "level=0")
    assert re.fullmatch(rf"\d cells hold 48 of 48 photos; wrote {out} \(\d\.\d\d s\)\n", result.out)


def test_cells_of_parquet_tables(run: Run, tmp_path: Path) -> None:
    """Records as they are; with --column any Parquet table."""
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"LAT": [1.0, 2.0, None], "LON": [3.0, 4.0, 5.0]}), plain)
    out = tmp_path / "cells.parquet"
    arguments = ["--set", "max=5", "--out", out, "--format", "json"]
    assert run("cells", "build", plain, *arguments).mistake == "records need a column 'id'"
    result = run("cells", "build", plain, *arguments, "--column", "latitude=LAT", "--column", "longitude=LON")
    assert result.document["photos"] == 2
    assert result.err.splitlines()[-1] == f"{plain}: 1 of 3 rows have no usable position and are left out"
    records = Records(pa.table({"id": ["a", "b"], "latitude": [1.0, None], "longitude": [3.0, 4.0]}))
    records.write(tmp_path / "records")
    result = run("cells", "build", tmp_path / "records", *arguments)
    assert result.document["photos"] == 1
    assert result.err == f"{tmp_path / 'records'}: 1 of 2 rows have no usable position and are left out\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "max=8", "--out", "cells.csv"], "--out names a .parquet file; got cells.csv"),
        (["--kind", "s3", "--set", "max=8", "--out", "x.parquet"], "no partition kind 's3'; did you mean 's2'?"),
        (["--set", "maxi=8", "--out", "x.parquet"], "partition s2: 'max' is missing; "),
        (["--set", "max", "--out", "x.parquet"], "--set takes name=value; got 'max'"),
    ],
)
def test_cells_build_refuses(run: Run, tiny: Path, arguments: list[str], said: str) -> None:
    told = run("cells", "build", tiny / "photos.csv", *arguments).mistake
    assert told.startswith(said)
    assert told == said or said.endswith("; ")
