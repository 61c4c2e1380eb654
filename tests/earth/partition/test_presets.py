"""Every preset is a partition that can be built; those with a published result on data at hand give it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
import shapely
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth import towns as towns_module
from whereshot.earth.partition import PARTITIONS
from whereshot.earth.partition.presets import PRESETS
from whereshot.foundation import settings_file

LEVELS = [(name, level) for name, preset in PRESETS.items() for level in range(preset.levels)]


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_settings_are_those_of_the_kind(name: str, level: int, tmp_path: Path) -> None:
    preset = PRESETS[name]
    asked = {**preset.settings[level], **({"file": str(tmp_path / "borders.json")} if preset.needs_file else {})}
    kind = PARTITIONS[preset.kind]
    parsed = settings_file.parse(asked, kind.settings, name=name)
    assert ("file" in kind.settings.model_fields) == bool(preset.needs_file)
    for key, value in preset.settings[level].items():
        read = getattr(parsed, key)
        assert (list(read) if isinstance(read, tuple) else read) == value


@pytest.mark.parametrize("name", PRESETS)
def test_levels_go_from_coarse_to_fine_and_say_where_they_come_from(name: str) -> None:
    preset = PRESETS[name]
    most = [one["max"] for one in preset.settings if "max" in one]
    assert most == sorted(most, reverse=True) and preset.source and preset.published


@pytest.fixture(scope="module")
def towns() -> towns_module.Gazetteer:
    return towns_module.gazetteer()


def photos(towns: towns_module.Gazetteer, here: NDArray[np.bool_], n: int) -> NDArray:
    """(n, 2) positions round the towns that are here, in proportion to their inhabitants."""
    rng = np.random.default_rng(3)
    size = np.maximum(np.asarray(towns.populations)[here], 50)
    around = towns.points[here]
    return around[rng.choice(len(around), n, p=size / size.sum())] + rng.normal(0, 0.02, (n, 2))


def test_denmark_has_129_cells(shared: Path, towns: towns_module.Gazetteer) -> None:
    points = photos(towns, np.array(towns.country_codes) == "DK", 8000)
    file = {"file": str(shared / "data" / "tables" / "denmark_municipalities.geojson")}
    cells = partition.build("regions", points, {**PRESETS["denmark-129"].settings[0], **file})
    assert len(cells) == 129
    assert len(set(cells.names)) >= 95  # each municipality with photos; Christiansø has hardly any
    assert cells.counts.sum() > 0.98 * len(points)


def test_california_has_a_north_and_a_south(shared: Path, towns: towns_module.Gazetteer) -> None:
    california = (np.array(towns.country_codes) == "US") & (np.array(towns.regions) == "California")
    file = {"file": str(shared / "data" / "tables" / "ne_50m_admin_1_states_provinces.json")}
    points = photos(towns, california, 4000)
    cells = partition.build("regions", points, {**PRESETS["california-2"].settings[0], **file})
    assert cells.names == ["California", "California"]
    san_francisco, sacramento, los_angeles, san_diego, reno = cells.assign(
        [[37.77, -122.42], [38.58, -121.49], [34.05, -118.24], [32.72, -117.16], [39.53, -119.81 + 2]]
    )
    assert {san_francisco, los_angeles} == {0, 1}
    assert sacramento == san_francisco and san_diego == los_angeles and reno == -1


def test_first_order_divisions_and_photos_of_the_world(shared: Path) -> None:
    tables = shared / "data" / "tables"
    table = pyarrow.csv.read_csv(tables / "geoclip_coordinates_100K.csv")
    points = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)[::3]
    file = {"file": str(tables / "ne_50m_admin_1_states_provinces.json")}
    cells = partition.build("regions", points, {**PRESETS["world-admin1"].settings[0], **file, "max": 300, "min": 15})
    label = cells.assign(points)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    assert cells.counts.max() <= 300 and cells.counts.min() > 15
    assert set(cells.parents) == {"Australia", "Brazil", "Canada", "United States of America"}
    found, cell = shapely.STRtree(cells.shapes).query(shapely.points(points[:, ::-1]), predicate="intersects")
    assert (label[found] == cell).mean() > 0.999
    # the rest are strays within the limit
    far = shapely.STRtree(cells.shapes).query_nearest(shapely.points(points[label < 0][:, ::-1]), return_distance=True)[
        1
    ]
    assert far.min() > 0
