"""How often photos of each kind lie in the 90 % circle, and how far circles must be widened for that.

    python benchmarks/circles.py --cache FOLDER > docs/results-circles.md     # cross-validated by group
    python benchmarks/circles.py --cache FOLDER --fit > docs/results-circles.md   # the same; the fitted one is shipped

What is read in each photo is kept in FOLDER, as for ``benchmarks/surfaces.py``. Every kind of photo counts as much as
every other, whatever its number of photos: the widening is the smallest with which 90 % of the photos of each kind lie
in their circle. It is fitted on photos of other groups (places and photographers) than those that it is measured on.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from surfaces import FOLDS, PHOTOS, TABLES, Picture, Scale, cases_of, percent, read_table

from whereshot.earth import sphere
from whereshot.evidence import surfaces
from whereshot.evidence.reliability import fitted_reliabilities
from whereshot.foundation import output_files
from whereshot.foundation.tables import hashed_share
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import decide
from whereshot.posterior.prior import density_prior, prior_widening
from whereshot.posterior.widening import AS_IT_IS, Widening

OUT = Path(__file__).parents[1] / "src" / "whereshot" / "posterior" / "data" / "photo_density.toml"
WORLD = PHOTOS.parent / "tables"
LEVEL = 0.9
LEAST_KM, MOST_KM, STEP_KM = 5_000.0, 30_000.0, 100.0
"""The radii among which the doubling one is searched."""
NOTHING_READ = {
    "sunsets": PHOTOS / "sunsets.csv",
    "test_a": PHOTOS / "test_a.csv",
    "im2gps3k": WORLD / "im2gps3k_places365.csv",
    "yfcc25600": WORLD / "yfcc25600_places365.csv",
}
"""Positions of photos that are not looked at: the photo density alone is asked, and nothing is fitted on them."""


class Circle(NamedTuple):
    """The 90 % circle of one photo as the posterior gives it, and how far off the photo was taken."""

    kind: str
    group: str
    radius_km: float
    error_km: float

    def holds(self, widening: Widening) -> bool:
        """Whether the photo lies in the circle once it is widened."""
        return self.error_km <= float(widening.wider(self.radius_km))


def circle_of(posterior: Posterior, picture: Picture) -> Circle | None:
    """The circle of a picture, None where only its country is known."""
    if picture.position is None:
        return None
    decided = decide(posterior)
    radius = float(radius_km(posterior, decided, LEVEL)[0])
    error = float(sphere.distance_km(decided[0], picture.position))
    return Circle(picture.kind, picture.group, radius, error)


def circles_of(cache: Path) -> Iterator[Circle]:
    """The circles of the photos of the development tables, with the evidence that is read in them."""
    scale, reliabilities = Scale(), fitted_reliabilities()
    pictures = [picture for table in TABLES for picture in read_table(table, cache)]
    for case in cases_of(pictures, [surfaces.fitted_weights()] * len(pictures)):
        found = circle_of(scale.posterior(case, reliabilities), case.picture)
        if found is not None:
            yield found


def circles_with_nothing_read(name: str) -> list[Circle]:
    """The circles of positions of which nothing is known."""
    prior = density_prior()
    decided = decide(prior)
    radius = float(radius_km(prior, decided, LEVEL)[0])
    with NOTHING_READ[name].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    latitude, longitude = ("LAT", "LON") if "LAT" in rows[0] else ("latitude", "longitude")
    spots = np.array([[float(row[latitude]), float(row[longitude])] for row in rows])
    return [Circle(name, "", radius, float(error)) for error in sphere.distance_km(decided[0], spots)]


def fitted(circles: Sequence[Circle]) -> Widening:
    """The smallest widening with which the photos of every kind lie in their circles often enough.

    Of n photos of a kind, ceil(0.9 (n + 1)) must: as in split conformal prediction, the next photo counts with them.
    """
    kinds = sorted({circle.kind for circle in circles})
    own = {kind: [circle for circle in circles if circle.kind == kind] for kind in kinds}
    for doubling_km in np.arange(MOST_KM, LEAST_KM, -STEP_KM).tolist():
        widening = Widening(doubling_km=doubling_km)
        inside = {kind: sum(circle.holds(widening) for circle in own[kind]) for kind in kinds}
        if all(inside[kind] >= min(math.ceil(LEVEL * (len(own[kind]) + 1)), len(own[kind])) for kind in kinds):
            return widening
    return Widening(doubling_km=LEAST_KM)


def by_fold(circles: Sequence[Circle]) -> tuple[list[Widening], NDArray[np.int64]]:
    """For each circle the widening that was fitted on the other folds, and the folds."""
    fold_of = (hashed_share([circle.group for circle in circles], seed=1) * FOLDS).astype(int)
    on = {
        fold: fitted([circle for circle, own in zip(circles, fold_of, strict=True) if own != fold])
        for fold in np.unique(fold_of)
    }
    return [on[fold] for fold in fold_of], fold_of


def row_of(circles: Sequence[Circle], widenings: Sequence[Widening]) -> str:
    """A row of the table: how many photos lie in their circles before and after, and how wide the circles are."""
    count = len(circles)
    before = sum(circle.holds(AS_IT_IS) for circle in circles)
    after = sum(circle.holds(widening) for circle, widening in zip(circles, widenings, strict=True))
    radius = np.array([circle.radius_km for circle in circles])
    wider = [float(widening.wider(circle.radius_km)) for circle, widening in zip(circles, widenings, strict=True)]
    return (
        f"| {circles[0].kind} | {count} | {percent(before, count)} | {percent(after, count)} "
        f"| {np.median(radius):,.0f} | {np.median(wider):,.0f} |"
    )


def print_results(circles: Sequence[Circle]) -> None:
    """The document."""
    widenings, fold_of = by_fold(circles)
    print("# How often photos lie in their 90 % circles\n")
    print(
        "Made by `python benchmarks/circles.py`. Percent of the photos in their circles, with 95 % intervals (Wilson),"
    )
    print(
        "as the posterior gives the circles and after they are widened; and the median radius in km. A radius r becomes"
    )
    print("r (1 + (r / d)^2): circles around towns stay as they are, and the widest reach around most of the Earth.")
    print(
        "The widening is fitted so that every kind of photo has 90 %, each kind counting as much as the others; it is"
    )
    print("measured on the photos of other groups (five folds).\n")
    print("| photos | n | before | after | radius before | after |\n|---|---:|---:|---:|---:|---:|")
    for name in TABLES:
        rows = [number for number, circle in enumerate(circles) if circle.kind == name]
        print(row_of([circles[row] for row in rows], [widenings[row] for row in rows]))
    found = sorted({widenings[int(np.flatnonzero(fold_of == fold)[0])].doubling_km for fold in np.unique(fold_of)})
    print(f"\nThe folds double the radius of {', '.join(f'{km:,.0f}' for km in found)} km; all photos together that of")
    print(f"{fitted(circles).doubling_km:,.0f} km. The package ships {prior_widening().doubling_km:,.0f} km.\n")
    print("Other photos, by the photo density alone, as if nothing were read; nothing was fitted on them:\n")
    print("| photos | n | before | after | radius before | after |\n|---|---:|---:|---:|---:|---:|")
    for name in NOTHING_READ:
        own = circles_with_nothing_read(name)
        print(row_of(own, [prior_widening()] * len(own)))


def write(circles: Sequence[Circle]) -> None:
    """Write the fitted widening."""
    output_files.write_text(
        OUT,
        "# How far circles are widened where little more than the photo density is known: the radius in km that "
        "doubles.\n\n"
        f'provenance = "benchmarks/circles.py --fit on {len(circles)} photos of {", ".join(TABLES)}, 90 % of each"\n'
        f"doubling_km = {fitted(circles).doubling_km:.1f}\n",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="write posterior/data/photo_density.toml first")
    parser.add_argument("--cache", type=Path, help="keep what was read here")
    arguments = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"circles: no photos at {PHOTOS}")
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary) if arguments.cache is None else arguments.cache
        cache.mkdir(parents=True, exist_ok=True)
        circles = list(circles_of(cache))
    if arguments.fit:
        write(circles)
    print_results(circles)


if __name__ == "__main__":
    main()
