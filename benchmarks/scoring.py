"""A million predictions scored with all scores and 1,000 bootstrap draws; distances a second beside peers.

    python benchmarks/scoring.py [photos]

Needs pyproj and geopy (extra dev). Two cores. The distance column is measured on one, by the best of many chunks.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from whereshot import evaluate
from whereshot.earth import sphere
from whereshot.earth.towns import gazetteer
from whereshot.evaluate import DISTANCES_KM, LEVELS, Answers, Protocol, Truth

SECONDS, GIGABYTES = 30.0, 2.0


def made(photos: int, seed: int = 0) -> tuple[Answers, Truth]:
    """Photos near towns; answers off by metres to continents, with probabilities, circles and densities."""
    rng = np.random.default_rng(seed)
    towns = gazetteer().points
    truth = sphere.move(
        towns[rng.integers(0, len(towns), photos)], rng.uniform(0, 360, photos), rng.exponential(3, photos)
    )
    error_km = (10 ** rng.normal(2, 1.2, photos)).clip(0, 20_000)
    points = sphere.move(truth, rng.uniform(0, 360, photos), error_km)
    points[rng.uniform(size=photos) < 0.01] = np.nan
    answers = Answers(
        "made",
        points,
        log_density=rng.normal(0, 3, photos),
        radius_km={level: error_km * rng.uniform(0.3, 3, photos) for level in LEVELS},
        within={km: rng.uniform(size=photos) for km in DISTANCES_KM},
    )
    user = rng.integers(0, photos // 10 + 1, photos)
    scenes = {scene: rng.uniform(size=photos) for scene in ("indoor", "natural", "urban")}
    return answers, Truth(truth, cluster=user, cluster_by="user", user=user, scenes=scenes)


def score(photos: int) -> None:
    """Score in this process, and print."""
    answers, truth = made(photos)
    started, used = time.perf_counter(), time.process_time()
    row = evaluate.score(answers, truth, Protocol())
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    job = f"{photos:,} photos, {len(row.scores)} scores, 1,000 draws"
    print(f"| {job} | {seconds:.1f} s | {processor:.1f} s | {memory:.2f} GB |")
    value = row.scores["accuracy_200"]
    print(f"\nAccuracy at 200 km {value.value:.5f} [{value.low:.5f}, {value.high:.5f}]", end="")
    if photos >= 1_000_000:
        print(f"; {SECONDS / seconds:.1f} times the speed and {GIGABYTES / memory:.1f} times less memory than allowed")


def best_pairs(distances, count: int, repeats: int) -> float:
    """Pairs a second, the best of some repeats."""
    rng = np.random.default_rng(1)
    a, b = (np.stack([rng.uniform(-90, 90, count), rng.uniform(-180, 180, count)], axis=1) for _ in range(2))
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        distances(a, b)
        times.append(time.perf_counter() - started)
    return count / min(times)


def pairs() -> None:
    """Distances beside peers, on one core."""
    import geopy.distance
    import pyproj

    def one_by_one(distance):
        return lambda a, b: [distance(x, y).km for x, y in zip(a, b, strict=True)]

    ellipsoid = pyproj.Geod(ellps="WGS84")
    peers = {
        "whereshot, haversine": best_pairs(sphere.distance_km, 1 << 14, 500),
        "pyproj, geodesic": best_pairs(lambda a, b: ellipsoid.inv(a[:, 1], a[:, 0], b[:, 1], b[:, 0]), 1 << 13, 20),
        "geopy, great circle": best_pairs(one_by_one(geopy.distance.great_circle), 1 << 10, 10),
        "geopy, geodesic": best_pairs(one_by_one(geopy.distance.geodesic), 1 << 8, 10),
    }
    own = peers["whereshot, haversine"]
    print("\n| distance, one core | M pairs/s | ratio |\n|---|---:|---:|")
    for name, speed in peers.items():
        print(f"| {name} | {speed / 1e6:.3f} | {own / speed:.1f} |")


def files(photos: int) -> None:
    """The whole command, tables read and JSON written."""
    import pyarrow as pa
    import pyarrow.csv

    answers, truth = made(photos)
    with tempfile.TemporaryDirectory() as folder:
        ids = [str(number) for number in range(photos)]
        for name, points in (("truth", truth.points), ("predictions", answers.points)):
            table = pa.table({"id": ids, "latitude": points[:, 0], "longitude": points[:, 1]})
            pyarrow.csv.write_csv(table, Path(folder) / f"{name}.csv")
        command = [sys.executable, "-m", "whereshot.cli", "evaluate", "--format", "json"]
        started = time.perf_counter()
        for name in ("truth", "predictions"):
            command += [f"--{name}", f"{folder}/{name}.csv"]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(f"\nThe command on two CSV files of {photos:,} rows: {time.perf_counter() - started:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="?", type=float, default=1e6)
    photos = int(parser.parse_args().photos)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| job | time | processor | memory |\n|---|---:|---:|---:|")
    score(photos)
    files(photos)
    pairs()


if __name__ == "__main__":
    main()
