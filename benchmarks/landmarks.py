"""Evaluate out/landmarks on the shared photos and print the tables of docs/results-landmarks.md.

whereshot train runs/landmarks.toml && python benchmarks/landmarks.py > docs/results-landmarks.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from whereshot.evaluate.known_photos import score_model
from whereshot.foundation.progress import bar, silent
from whereshot.locate.geolocator import Geolocator
from whereshot.photos.sources import SOURCES
from whereshot.report.scorecard import summary

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
TITLES = {
    "test_a": "`test_a.csv`: 117 photos of 60 places, all but one of them in the training set",
    "sunsets": "`sunsets.csv`: 82 sunsets, nearly nothing says where",
}


def main() -> None:
    if not PHOTOS.is_dir():
        sys.exit(f"landmarks: the shared photos are not at {PHOTOS}")
    locator = Geolocator.load(ROOT / "out" / "landmarks")
    folder = locator.model.network_model.folder
    description, calibration = folder.description, folder.calibration
    training = description.training
    print("# Results of runs/landmarks.toml\n")
    print(
        "Made by `make landmarks`, which trains, calibrates and evaluates. Training photos, weights and test photos are"
    )
    print("test data of the project and not part of it.\n")
    print(f"{training['photos']} photos of {training['places']} places, {training['epochs']} epochs; training with")
    print(f"features and calibration took {training['seconds']:.0f} s on two cores")
    print("(features of photos seen before are taken from the cache).\n")
    for name, title in TITLES.items():
        table = SOURCES["table"]([PHOTOS / f"{name}.csv"], {}, silent).records
        print(f"## {title}\n")
        print(summary(score_model(locator, table, track=bar)))
    print("## Held-out photos of the training table, by cross-validation\n")
    print("| method | NLL, known places | NLL, places kept apart | radius factor, known | radius factor, apart |")
    print("|---|---:|---:|---:|---:|")
    for name, mixture in calibration.mixtures.items():
        nll, factor = mixture.nll, mixture.radius_factor
        print(f"| {name} | {nll['seen']:.2f} | {nll['unseen']:.2f} | {factor['seen']:.2f} | {factor['unseen']:.2f} |")
    print(f"\nHeld-out photos: {json.dumps(calibration.photos)}; the fit counts each place once.")


if __name__ == "__main__":
    main()
