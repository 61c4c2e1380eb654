"""Maps: projections that keep areas, pictures that show cells where they are, zooms that are refused with a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whereshot.earth import partition
from whereshot.foundation.errors import InputError, MissingExtraError, OutputError
from whereshot.report import cell_maps
from whereshot.report.cell_atlas import Atlas
from whereshot.report.cell_maps import Zoom


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    rng = np.random.default_rng(4)
    spots = np.concatenate(
        [rng.normal([48, 10], 4, (400, 2)), rng.normal([-17, 178], 3, (60, 2)), [[89.9, 0], [-89.9, 0]]]
    )
    spots[:, 1] = (spots[:, 1] + 180) % 360 - 180
    return Atlas.of(partition.build("s2", spots, {"max": 20, "max_level": 8}), "spots")


def test_world_map(atlas: Atlas, tmp_path: Path) -> None:
    cell_maps.draw_world(atlas, tmp_path / "world.png")
    seen = pixels(tmp_path / "world.png")
    assert seen.shape[1] > 1000 and seen.shape[0] > 600
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 20
    assert (tmp_path / "world.png").stat().st_size < 200_000
    assert (seen[:2] == 255).all() and (seen[:, :2] == 255).all()  # nothing is cut off at the edges


def test_cells_are_drawn_where_they_are(tmp_path: Path) -> None:
    """A single cell in the west of the map leaves the east as it is, date line or not."""
    west = Atlas.of(partition.build("s2-level", [[10, -100]], {"level": 1}), "same name")
    east = Atlas.of(partition.build("s2-level", [[10, 100]], {"level": 1}), "same name")
    for name, one in (("west", west), ("east", east)):
        cell_maps.draw_world(one, tmp_path / f"{name}.png")
    differ = (np.abs(pixels(tmp_path / "west.png") - pixels(tmp_path / "east.png")).sum(axis=2) > 60)[120:-130]
    half = differ.shape[1] // 2
    assert differ[:, :half].sum() > 2000 and differ[:, half:].sum() > 2000
    assert differ[:, half - 50 : half + 50].sum() < 100  # the middle belongs to neither


@pytest.mark.parametrize("zoom", [None, "89.5,0,2000", "-17,180,900", "-90,0,10000", "48.2,16.4,0.01", "0,0,10000"])
def test_zoomed_map(atlas: Atlas, tmp_path: Path, zoom: str | None) -> None:
    cell_maps.draw_zoom(atlas, tmp_path / "zoom.png", None if zoom is None else Zoom.parse(zoom))
    assert len(np.unique(pixels(tmp_path / "zoom.png").reshape(-1, 3), axis=0)) > 20


def test_the_densest_part_is_found(atlas: Atlas) -> None:
    zoom = Zoom.densest(atlas)
    assert abs(zoom.latitude - 48) < 3 and abs(zoom.longitude - 10) < 4
    assert 20 <= zoom.km <= 3000
    uncounted = atlas.partition.populate(np.empty((0, 2)), lambda counts: counts >= 0)
    assert Zoom.densest(Atlas.of(uncounted, "no counts")).latitude > -89


def test_one_cell_without_photos_is_drawn(tmp_path: Path) -> None:
    cells = partition.build("s2-level", [[10, 10]], {"level": 2}).populate([[50, 50]], lambda counts: counts >= 0)
    atlas = Atlas.of(cells, "nobody was here")
    assert atlas.facts.startswith("1 cell · photos not counted · ")
    cell_maps.draw_world(atlas, tmp_path / "world.png")
    cell_maps.draw_zoom(atlas, tmp_path / "zoom.png")
    assert pixels(tmp_path / "zoom.png").size > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a zoom is LAT,LON,KM, as 48.86,2.35,300; got ''"),
        ("48,2", "a zoom is LAT,LON,KM, as 48.86,2.35,300; got '48,2'"),
        ("a,b,c", "a zoom is LAT,LON,KM, as 48.86,2.35,300; got 'a,b,c'"),
        ("1,2,3,4", "a zoom is LAT,LON,KM, as 48.86,2.35,300; got '1,2,3,4'"),
        ("1,2,0", "the radius of a zoom is a number of km from 0.01 to 10000; got 0"),
        ("1,2,-5", "the radius of a zoom is a number of km from 0.01 to 10000; got -5"),
        ("1,2,nan", "the radius of a zoom is a number of km from 0.01 to 10000; got nan"),
        ("1,2,1e9", "the radius of a zoom is a number of km from 0.01 to 10000; got 1e+09"),
        (
            "95,2,5",
            "the position (95, 2) is impossible: latitude must lie between -90 and 90 degrees",
        ),
    ],
)
def test_zooms_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Zoom.parse(text)
    assert str(caught.value) == message


def test_without_matplotlib(atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what Python takes for a module that is not there
    with pytest.raises(MissingExtraError) as caught:
        cell_maps.draw_world(atlas, tmp_path / "x.png")
    assert str(caught.value) == ("matplotlib is not installed; run in the source folder: pip install '.[draw]'")


def test_where_nothing_can_be_written(atlas: Atlas, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"file/x.png: cannot be written"):
        cell_maps.draw_zoom(atlas, tmp_path / "file" / "x.png")
