"""Settings of the shipped photo density: python benchmarks/photo_density.py prints one Markdown table.

The density is built by scripts/build_photo_density.py from one half of geoclip's 100,000 positions; smaller is better:
mean negative log-likelihood in nats per steradian on photos of the other half and, where shared/ lies beside the
checkout, on two test sets that geoclip's positions know nothing of. Knowing nothing is 2.531.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.posterior.base import Posterior

ROOT = Path(__file__).parents[1]
TABLES = ROOT.parent / "shared" / "data" / "tables"
MAX_PHOTOS = (5, 10, 20, 40)
SCALES = (0.6, 0.8, 1.0, 1.2)
PHOTOS = 3000
"""Photos of each test set, at most."""


def script(name: str) -> ModuleType:
    """A script of this repository as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: Path) -> NDArray[np.float64]:
    """The columns LAT and LON of a CSV file, (n, 2)."""
    table = pyarrow.csv.read_csv(path)
    return sphere.points(np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1))


def gallery() -> NDArray[np.float64]:
    """geoclip's positions, from the installed package or from shared/."""
    try:
        package = importlib.metadata.distribution("geoclip")
    except importlib.metadata.PackageNotFoundError:
        return read(TABLES / "geoclip_coordinates_100K.csv")
    return read(Path(str(package.locate_file("geoclip/model/gps_gallery/coordinates_100K.csv"))))


def posterior(table: pa.Table) -> Posterior:
    """A density table as ``posterior.prior.density_prior`` reads it."""
    latitude, longitude, mass, spread_km = (
        table[name].to_numpy() for name in ("latitude", "longitude", "mass", "spread_km")
    )
    return Posterior.from_mass(np.stack([latitude, longitude], axis=1), mass[None], spread_km)


def main() -> int:
    """Build, score, print; the shipped settings are marked."""
    places = script("build_photo_density")
    rng = np.random.default_rng(0)
    positions = rng.permutation(gallery())
    half, others = np.array_split(positions, 2)
    tests = {"geoclip, other half": others[:PHOTOS]}
    for name, file in (("im2gps3k", "im2gps3k_places365.csv"), ("yfcc25600", "yfcc25600_places365.csv")):
        if (TABLES / file).is_file():
            tests[name] = rng.permutation(read(TABLES / file))[:PHOTOS]

    print("| photos per cell | scale | places | " + " | ".join(tests) + " |")
    print("|---:|---:|---:|" + "---:|" * len(tests))
    for most, scale in itertools.product(MAX_PHOTOS, SCALES):
        density = posterior(places.density_table(half, most, scale))
        nll = [-density.repeat(len(truth)).log_density(truth).mean() for truth in tests.values()]
        shipped = " (shipped)" if (most, scale) == (places.DENSITY_MAX, places.DENSITY_SCALE) else ""
        values = " | ".join(f"{value:.3f}" for value in nll)
        print(f"| {most} | {scale:g}{shipped} | {density.log_mass.shape[1]:,} | {values} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
