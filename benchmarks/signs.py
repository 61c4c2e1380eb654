"""Text as evidence on photos of signs: right country, within 25 km, likelihood, what each cue is worth.

    python benchmarks/signs.py > docs/results-signs.md      # cross-validated by group

The photos are those of the shared development table: phone photos of signs in eight countries of Europe. The
posterior starts from the photo-density prior of the world. Reliabilities are fitted on the other folds, never on the
photo.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from reliabilities import shipped, with_value
from surfaces import SHARES, on_signs

from whereshot.earth import sphere
from whereshot.evidence import EVIDENCE, Cue, Fused, PhotoFacts, read_photos
from whereshot.evidence.fusion import PosteriorBeforeCues
from whereshot.evidence.reliability import Reliabilities
from whereshot.foundation.progress import bar, silent
from whereshot.foundation.tables import hashed_share
from whereshot.photos.sources import SOURCES
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import decide
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
FOLDS = 5
GRID = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.985)
SWEEPS = 2
BELIEF = 4.0
"""Weight of the initial values, as a number of photos, so that few photos cannot make a reliability certain."""
FIRST = {
    "text/language": 0.9,
    "text/language/short": 0.6,
    "text/language/word": 0.3,
    "text/domain": 0.85,
    "text/phone": 0.8,
    "text/currency": 0.85,
    "text/postcode": 0.7,
    "text/word": 0.85,
    "text/place/named": 0.6,
    "text/place/plain": 0.3,
}
"""First values. Not fitted: exif, and text/place/weak, which is held so low that no shirt moves an answer by a nat."""


@dataclass(frozen=True)
class Photo:
    """The cues and the true place of a photo."""

    cues: tuple[Cue, ...]
    truth: NDArray[np.float64]
    country_code: str
    group: str


class Scale:
    """The world prior, its countries, and scoring of cues on it."""

    def __init__(self) -> None:
        self.prior = density_prior()
        self.before = PosteriorBeforeCues.of(self.prior)

    def fused(self, photo: Photo, reliability: Mapping[str, float], kinds: Sequence[str] | None = None) -> Fused:
        cues = [cue for cue in photo.cues if kinds is None or cue.kind in kinds]
        table = shipped()
        for trust, value in reliability.items():
            table = with_value(table, trust, "sign", value)
        return self.before.fuse(cues, Reliabilities(table, SHARES))

    def nll(self, photo: Photo, reliability: Mapping[str, float]) -> float:
        return -float(self.fused(photo, reliability).posterior.log_density(photo.truth[None])[0])


def load(table: Path) -> list[Photo]:
    records = SOURCES["table"]([table], {}, silent).records
    readings = read_photos(records.strings("image"), track=bar)
    photos = []
    for row, reading in enumerate(readings):
        cues = [] if reading.not_a_photo else EVIDENCE["text"](PhotoFacts(reading.lines))
        photos.append(
            Photo(tuple(cues), records.points[row], records.strings("country_code")[row], records.strings("group")[row])
        )
    return photos


def fit(scale: Scale, photos: Sequence[Photo]) -> dict[str, float]:
    """Reliabilities with the highest likelihood, one after another, held near the first values by a weak belief."""
    reliability = {**on_signs(), **FIRST}
    for _ in range(SWEEPS):
        for trust in FIRST:
            concerned = [photo for photo in photos if any(cue.trust == trust for cue in photo.cues)]
            if not concerned:
                continue
            losses = []
            for value in GRID:
                tried = reliability | {trust: value}
                belief = BELIEF * (FIRST[trust] * np.log(value) + (1 - FIRST[trust]) * np.log(1 - value))
                losses.append(sum(scale.nll(photo, tried) for photo in concerned) - belief)
            reliability[trust] = GRID[int(np.argmin(losses))]
    return reliability


@dataclass(frozen=True)
class Score:
    first: NDArray
    five: NDArray
    error_km: NDArray
    nll: NDArray
    inside: NDArray

    def row(self, name: str) -> str:
        within = " | ".join(f"{100 * (self.error_km <= km).mean():.0f}" for km in (1, 25, 200, 750, 2500))
        return (
            f"| {name} | {100 * self.first.mean():.0f} | {100 * self.five.mean():.0f} | {within} | "
            f"{self.nll.mean():.2f} | {100 * self.inside.mean():.0f} |"
        )


def score(
    scale: Scale,
    photos: Sequence[Photo],
    reliabilities: Sequence[Mapping[str, float]],
    kinds: Sequence[str] | None = None,
) -> Score:
    columns: list[tuple] = []
    for photo, reliability in zip(photos, reliabilities, strict=True):
        fused = scale.fused(photo, reliability, kinds)
        posterior = fused.posterior
        ranked = [code for code, _ in country_masses(posterior)[0]]
        decided = decide(posterior)
        error = float(sphere.distance_km(decided[0], photo.truth))
        radius = float(radius_km(posterior, decided, 0.9)[0])
        density = float(posterior.log_density(photo.truth[None])[0])
        rank = ranked.index(photo.country_code) if photo.country_code in ranked else 999
        columns.append((rank == 0, rank < 5, error, -density, error <= radius))
    return Score(*(np.array(column, dtype=float) for column in zip(*columns, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=PHOTOS / "signs_dev.csv")
    arguments = parser.parse_args()
    if not arguments.table.is_file():
        sys.exit(f"signs: no table at {arguments.table}")
    scale, photos = Scale(), load(arguments.table)
    fold_of = (hashed_share([photo.group for photo in photos], seed=1) * FOLDS).astype(int)
    by_fold = {
        fold: fit(scale, [photo for photo, own in zip(photos, fold_of, strict=True) if own != fold])
        for fold in np.unique(fold_of)
    }
    reliabilities = [by_fold[fold] for fold in fold_of]
    kinds = sorted({cue.kind for photo in photos for cue in photo.cues})
    print("# Text as evidence: photos of signs\n")
    print(f"Made by `python benchmarks/signs.py`: {len(photos)} photos of {arguments.table.name}, all of them counted,")
    print(
        "reliabilities fitted on the other folds (five, by group), no visual model. Percent, except the likelihood in"
    )
    print("nats per steradian.\n")
    print("| evidence | country first | among five | 1 km | 25 km | 200 km | 750 km | 2500 km | NLL | in 90 % circle |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    print(score(scale, photos, reliabilities, []).row("the prior alone"))
    print(score(scale, photos, reliabilities).row("all cues"))
    for kind in kinds:
        print(score(scale, photos, reliabilities, [kind]).row(f"only {kind}"))
    for kind in kinds:
        print(score(scale, photos, reliabilities, [other for other in kinds if other != kind]).row(f"all but {kind}"))
    read = sum(bool(photo.cues) for photo in photos)
    print(f"\n{read} of {len(photos)} photos gave at least one cue.")


if __name__ == "__main__":
    main()
