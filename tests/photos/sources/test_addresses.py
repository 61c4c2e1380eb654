"""A sample of addresses: as many for each cell as wanted, spread over its units, the same in every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from street_picture_apis import address, write_csv, write_features
from whereshot.earth import partition
from whereshot.foundation.progress import silent
from whereshot.photos.sources import addresses


def test_units_share_in_proportion() -> None:
    assert addresses.allot({"a": 600, "b": 300, "c": 100}, 330) == {"a": 198, "b": 99, "c": 33}
    assert addresses.allot({"a": 5, "b": 2}, 330) == {"a": 5, "b": 2}
    for counts in ({"a": 1, "b": 1, "c": 1}, {"a": 997, "b": 2, "c": 1}, {str(n): n + 1 for n in range(50)}):
        total = sum(counts.values()) * 2 // 3
        given = addresses.allot(counts, total)
        assert sum(given.values()) == total
        for name, count in counts.items():
            assert abs(given[name] - count * total / sum(counts.values())) < 1
            assert given[name] <= count


@pytest.mark.parametrize("write", [write_csv, write_features])
def test_a_sample_of_either_format(write: Any, tmp_path: Path) -> None:
    rows = [address(number) for number in range(400)]
    sampling = addresses.Sampling(cells="region", units="city", per_cell=60)
    drawn = addresses.draw(
        [write(tmp_path / "a.geojson.gz" if write is write_features else tmp_path / "a.csv", rows)], sampling, silent
    )
    counted = {cell: {unit.name: unit.wanted for unit in units} for cell, units in drawn.cells.items()}
    assert counted == {"east": {"Ober": 60}, "west": {"Ober": 30, "Unter": 30}}
    (ober,) = drawn.cells["east"]
    assert len(ober.addresses) == 200 and len({one.id for one in ober.addresses}) == 200  # all, though 300 are held
    numbers = [int(one.id, 16) for one in ober.addresses]
    assert numbers != sorted(numbers)
    assert {(one.latitude, one.longitude) for one in ober.addresses} == {
        (48.2, round(16 + n / 1000, 6)) for n in numbers
    }
    other = addresses.draw([write_csv(tmp_path / "b.csv", rows[::-1])], sampling, silent)
    assert other.cells == drawn.cells  # the order of the file does not matter
    seeded = addresses.draw([tmp_path / "b.csv"], addresses.Sampling(**{**sampling.model_dump(), "seed": 1}), silent)
    assert seeded.cells != drawn.cells


def test_the_preset_is_330_for_each_cell(tmp_path: Path) -> None:
    rows = [address(n, LON=f"{16 + n % 50 / 500:.6f}", LAT=f"{48 + n // 50 / 500:.6f}") for n in range(1500)]
    drawn = addresses.draw([write_csv(tmp_path / "a.csv", rows)], addresses.Sampling(cells="s2:4"), silent)
    assert [sum(unit.wanted for unit in units) for units in drawn.cells.values()] == [330] * len(drawn.cells)
    assert all(len(units) > 1 for units in drawn.cells.values())


def test_cells_of_a_file(tmp_path: Path) -> None:
    """The cells that a model is to have are those in which pictures are counted; addresses outside are told."""
    rows = [address(n, LON=f"{10 + 20 * (n % 2)}.{n:04d}", LAT="48.2") for n in range(60)]
    path = write_csv(tmp_path / "a.csv", [*rows, address(99, LON="-100", LAT="-48.2")])
    points = np.array([[float(row["LAT"]), float(row["LON"])] for row in rows])
    partition.build("s2", points, {"max": 40}).save(tmp_path / "cells.parquet")
    cells = partition.load(tmp_path / "cells.parquet")
    sampling = addresses.Sampling(cells=str(tmp_path / "cells.parquet"), units="s2:12", per_cell=20)
    drawn = addresses.draw([path], sampling, silent)
    assert list(drawn.cells) == [f"{cell:06d}" for cell in sorted(set(cells.assign(points).tolist()))]
    assert len(drawn.cells) == 2 and drawn.outside == 1
    for name, units in drawn.cells.items():
        assert sum(unit.wanted for unit in units) == 20
        places = [[one.latitude, one.longitude] for unit in units for one in unit.addresses]
        assert set(cells.assign(places).tolist()) == {int(name)}


def test_addresses_that_tell_no_place(tmp_path: Path) -> None:
    rows = [address(1), address(2, LAT=""), address(3, LON="x"), address(4, LAT="95"), address(5, LAT="0", LON="0")]
    path = write_csv(tmp_path / "a.csv", [*rows, address(6, REGION="")])
    with path.open("a") as file:
        file.write("1,2\n")
    drawn = addresses.draw([path], addresses.Sampling(cells="region", units="city"), silent)
    assert (drawn.addresses, drawn.without_place, drawn.outside) == (1, 5, 1)
    features = tmp_path / "b.geojson"
    features.write_text('{"type": "Feature", "geometry": null}\nnot json\n')
    assert addresses.draw([features], addresses.Sampling(), silent).without_place == 2
