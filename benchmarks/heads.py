"""The ideas side by side, on the same features and splits: python benchmarks/heads.py > docs/results-heads.md

Learned from ../shared/data/photos/train.csv, scored on test_a.csv; the features are those of runs/landmarks.toml (a
frozen MobileNetV2, three crops, square root, centred), computed once and kept. Every head is trained in the same way on
all training photos; its temperature, extents, share of the photo-density prior and radii are fitted on training photos
that two further networks had not seen: held out by scene, so that their place is mostly known, and by place. Nothing is
chosen on test_a. One thread.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Hierarchy
from whereshot.evaluate import DEFAULT, METRICS, Answers, Row, Truth, answers_of_posterior, compare, score
from whereshot.evaluate.conformal import conformal_factor
from whereshot.foundation import settings_file
from whereshot.foundation.errors import MissingExtraError
from whereshot.foundation.progress import bar, silent
from whereshot.foundation.tables import hashed_share
from whereshot.models import networks, runtime
from whereshot.models.features import cached_features
from whereshot.models.networks.position_decoder import PositionDecoder, PositionDecoderSettings
from whereshot.models.readout import encoded_places, gallery, memory, whitening
from whereshot.models.readout.base import Readout
from whereshot.models.readout.cells import Cells
from whereshot.models.readout.encoded_places import PlacesSettings
from whereshot.models.readout.gallery import Gallery
from whereshot.models.readout.hill_climbing import ClimbSettings
from whereshot.models.readout.library import library_of
from whereshot.models.readout.mixture import Gate, Mixture
from whereshot.models.readout.prototypes import cells_of, places_of
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import decide
from whereshot.posterior.prior import density_prior
from whereshot.training import calibration, learn_holdout
from whereshot.training.calibration import CELLS_GRID, GALLERY_GRID, PROTOTYPES_GRID, HeldOut
from whereshot.training.run_file import Run

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
COMMAND = "python benchmarks/heads.py > docs/results-heads.md"
GALLERIES = ("where photos are taken (prior)", "nearest photo", "votes of the 10 nearest", "votes of all photos")
MEMORY = "memory of photos (learn)"
REFERENCE = "cross-entropy, three levels"
EPOCHS, BATCH, RATE, DECAY = 15, 256, 0.006, 0.05
FOLDS = 3
"""One of this many groups of photos is held out from a second network, on which everything is calibrated."""
FITTED_ON = 200
"""Held-out photos of known places, and as many of others, that calibrations are fitted on: of more a random choice."""
MEASURED = 80
"""Number of held-out photos of known places whose radii are measured."""
KEPT = ROOT / "out" / "heads"
"""Where answers are kept, so that a run that was killed goes on; remove it to start anew."""
SCORES = ("accuracy_1", "accuracy_25", "accuracy_200", "accuracy_750", "accuracy_2500", "geoscore", "median_km")
HONESTY = ("nll", "ece_200", "coverage_90", "region_coverage_90")
TITLES = {
    **{name: f"{name.removeprefix('accuracy_')} km" for name in SCORES[:5]},
    "geoscore": "GeoScore",
    "median_km": "median km",
    "nll": "NLL",
    "ece_200": "calibration error, 200 km",
    "coverage_90": "in 90 % circle",
    "region_coverage_90": "in 90 % region",
}


@dataclass(frozen=True)
class Photo:
    """Photos with pooled features (n, d), positions (n, 2), weights (n,) and the accuracy of positions (n,)."""

    records: Records
    pooled: torch.Tensor
    points: NDArray
    weight: NDArray
    accuracy_km: NDArray

    def take(self, rows: NDArray) -> Photo:
        return Photo(
            self.records[rows],
            self.pooled[torch.from_numpy(rows)],
            self.points[rows],
            self.weight[rows],
            self.accuracy_km[rows],
        )


@dataclass(frozen=True)
class Split:
    """Training photos and test photos, with features that are scaled by the training photos."""

    learned: Photo
    asked: Photo
    features: torch.Tensor
    questions: torch.Tensor
    levels: Hierarchy

    def gallery(self) -> Gallery:
        return Gallery(self.features.numpy(), self.learned.points, self.learned.accuracy_km)


class Fitted(NamedTuple):
    """A calibrated answer: of the test photos, its factor on radii, and how it did on photos held out by place."""

    posterior: Posterior
    factor: float
    apart_nll: float


Makers = Sequence[Callable[[HeldOut], Readout]]


def say(text: str, started: float) -> None:
    print(f"{time.perf_counter() - started:6.0f} s  {text}", file=sys.stderr, flush=True)


# --- photos and splits


def read(run: Run, name: str) -> Photo:
    records = SOURCES["table"]([PHOTOS / f"{name}.csv"], {}, silent).records
    settings = networks.default_preprocess(run.backbone, **run.preprocess)
    backbone = networks.create(run.backbone)
    pooled, errors = cached_features(
        records.strings("image"), settings, backbone.features_key, functools.partial(make_pooled, run), track=bar
    )
    good = np.array([row for row in range(len(records)) if row not in errors], dtype=np.int64)
    records, points = records[good], records.points[good]
    _, inverse, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    weight = 1 / counts[np.ravel(inverse)]
    accuracy = (
        np.nan_to_num(records.numbers("accuracy_km")) if "accuracy_km" in records.table.column_names else 0 * weight
    )
    return Photo(records, torch.from_numpy(pooled[good]), points, weight / weight.mean(), accuracy)


def make_pooled(run: Run) -> runtime.Compute:
    backbone = networks.create(run.backbone)
    return runtime.TorchCompute(
        lambda crops, owner, photos: {"pooled": networks.mean_of_crops(backbone(crops), owner, photos)}
    )


def split(run: Run, learned: Photo, asked: Photo) -> Split:
    scaling = networks.FeatureScaling(learned.pooled.shape[1], run.scaling_power)
    scaling.fit(learned.pooled)
    levels = Hierarchy(
        tuple(partition.build(run.partition.kind, learned.points, level) for level in run.partition.levels)
    )
    return Split(learned, asked, scaling(learned.pooled), scaling(asked.pooled), levels)


def held_out(run: Run, train: Photo) -> Split:
    """Hold out a third of the groups: as many photos of places that the rest knows as of other places."""
    fold = (hashed_share(train.records.groups("group"), run.seed) * FOLDS).astype(int)
    asked, rest = np.flatnonzero(fold == 0), np.flatnonzero(fold != 0)
    known = sphere.Nearest(train.points[rest]).query(train.points[asked])[0].ravel() <= gallery.SEEN_KM
    rng = np.random.default_rng(run.seed)
    some = [np.sort(rng.permutation(asked[of_kind])[:FITTED_ON]) for of_kind in (known, ~known)]
    return split(run, train.take(rest), train.take(np.concatenate(some)))


# --- training


def trained(kind: str, settings: dict[str, Any], one: Split, hierarchy: Hierarchy) -> tuple[networks.Head, HeldOut]:
    """Train a head on the features of a split, and return its outputs for the test photos."""
    torch.manual_seed(0)
    parsed = settings_file.parse(settings, networks.HEADS[kind].settings, name="head.settings")
    head = networks.HEADS[kind].head(one.features.shape[1], hierarchy, parsed).train()
    target, weight = head.target(one.learned.points), torch.tensor(one.learned.weight, dtype=torch.float32)
    learning = [parameter for parameter in head.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * -(-len(target) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(EPOCHS):
        order = torch.from_numpy(np.random.default_rng([0, epoch]).permutation(len(target)))
        for rows in order.split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            head.loss(one.features[rows], target[rows], weight[rows]).backward()
            optimizer.step()
            schedule.step()
    head.eval()
    with torch.inference_mode():
        outputs = {name: value.float().numpy() for name, value in head.outputs(one.questions).items()}
    outputs["features"] = one.questions.numpy()
    gallery, weights = one.gallery(), head.place_weights()
    found = None
    if weights is not None:
        cache = None if parsed.learns_locations else encoded_places.encodings_cache()
        found = encoded_places.places_of_gallery(weights, gallery, hierarchy, cache=cache)
    return head, HeldOut(outputs, one.asked.points, one.asked.weight, hierarchy, gallery, found)


# --- calibration: one way for all


def fitted(makers: dict[str, Makers], known: HeldOut, test: HeldOut, prior: Posterior) -> Fitted:
    """Choose each part's settings and the gate to the prior by the likelihood of held-out photos; answer the test's.

    Photos of known places and of others count the same.
    """
    seen, truth = known.seen, known.truth
    weight = known.weight / np.where(seen, known.weight[seen].sum(), known.weight[~seen].sum())
    familiarity = known.gallery.nearest(known.outputs)[1]
    prior_density = prior.repeat(len(truth)).log_density(truth)
    chosen: dict[str, Callable[[HeldOut], Readout]] = {}
    densities: dict[str, NDArray] = {}
    for name, candidates in makers.items():
        best = np.inf
        for make in candidates:
            density = make(known)(known.outputs).log_density(truth)
            loss = -np.average(mixed({name: density}, prior_density, familiarity, weight)[0], weights=weight)
            if loss < best:
                best, chosen[name], densities[name] = loss, make, density
    total, gate = mixed(densities, prior_density, familiarity, weight)

    def answer(fold: HeldOut) -> Mixture:
        return Mixture({name: make(fold) for name, make in chosen.items()}, gate, fold.gallery, prior)

    some = np.sort(np.random.default_rng(0).permutation(np.flatnonzero(seen))[:MEASURED])
    posterior = answer(known)({name: values[some] for name, values in known.outputs.items()})
    decided = decide(posterior)
    off = sphere.distance_km(decided, truth[some])
    factor = conformal_factor(off, radius_km(posterior, decided, 0.9), 0.9, weight[some])
    apart_nll = -float(np.average(total[~seen], weights=weight[~seen]))
    return Fitted(answer(test)(test.outputs), factor, apart_nll)


def mixed(densities: dict[str, NDArray], prior: NDArray, familiarity: NDArray, weight: NDArray) -> tuple[NDArray, Gate]:
    """Log densities (n,) of parts and prior under the best gate, and that."""
    gate = calibration.fit_gate(densities, prior, familiarity, weight)
    terms = densities | {"prior": prior}
    with np.errstate(divide="ignore"):
        logs = [np.log(share) + terms[name] for name, share in gate.weights(familiarity).items()]
    return np.logaddexp.reduce(logs), gate


def at_cells(position: str, **more: Any) -> dict[str, Makers]:
    grid = PROTOTYPES_GRID if position == "prototypes" else CELLS_GRID
    settings = [one.model_copy(update={"position": position, **more}) for one in grid]

    made: list[tuple[HeldOut, Cells]] = []  # clusters are the same whatever the settings

    def reader(fold: HeldOut) -> Cells:
        for known, cells in made:
            if known is fold:
                return cells
        made.append((fold, cells_of(fold.hierarchy, fold.gallery, settings[0])))
        del made[:-2]
        return made[-1][1]

    return {"cells": [lambda fold, s=s: reader(fold).with_settings(s) for s in settings]}


def by_gallery(voters: int | None = None) -> dict[str, Makers]:
    settings = [one.model_copy(update={"voters": voters}) for one in GALLERY_GRID]
    return {"gallery": [lambda fold, s=s: gallery.with_settings(fold.gallery, s) for s in settings]}


def by_places(shares: Sequence[float]) -> dict[str, Makers]:
    grid = itertools.product((0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.15), (0.3, 1.0, 5.0, 25.0), shares)
    settings = [PlacesSettings(temperature=t, floor_km=f, share=s, climb=CLIMB) for t, f, s in grid]
    return {"places": [lambda fold, s=s: fold.places.with_settings(s) for s in settings]}


# --- the ideas

CLIMB = ClimbSettings(hills=3, steps=6)
MILLE = {"unit_km": 1000.0}
OWN = {"sigmas": [1.0, 16.0, 256.0], "features": 128, "width": 256, "depth": 1, "dim": 256, "surface": "sphere"}
CLASSIFY = {"dropout": 0.5, "scale": 20.0}


def with_loss(name: str, **settings: Any) -> dict[str, Any]:
    return CLASSIFY | {"loss": name, "loss_settings": settings}


DECODED = ", position decoder"
CENTROID = {"": at_cells("centroid")}
ALIGNED = {
    ", its cells": at_cells("centroid"),
    ", gallery of places": by_places([0.0]),
    ", refined on the sphere": by_places([0.5, 0.9]),
}
NETWORKS: dict[str, tuple[str, dict[str, Any], dict[str, dict[str, Makers]]]] = {
    REFERENCE: (
        "classify",
        CLASSIFY,
        {
            "": at_cells("centroid"),
            ", at cells' own centres": at_cells("center"),
            ", mean of the best 5": at_cells("mean-of-best"),
            ", prototypes in the cells": at_cells("prototypes", best=40),
            " + gallery (runs/landmarks)": at_cells("centroid") | by_gallery(),
            ", prototypes + gallery": at_cells("prototypes", best=40) | by_gallery(),
        },
    ),
    "cross-entropy, one level": ("classify", CLASSIFY, CENTROID),
    "cross-entropy and offset (OSV-5M)": ("classify", CLASSIFY | {"offset": True}, {"": at_cells("offset")}),
    "haversine-smoothed targets, 75 km (PIGEON)": ("classify", with_loss("haversine"), CENTROID),
    "squared expected distance alone": ("classify", with_loss("expected-distance", **MILLE), CENTROID),
    "squared expected distance + cross-entropy": (
        "classify",
        with_loss("expected-distance", cross_entropy=1.0, **MILLE),
        CENTROID,
    ),
    "squared expected distance to the place + cross-entropy": (
        "classify",
        with_loss("expected-distance", cross_entropy=1.0, to="place", **MILLE),
        CENTROID,
    ),
    "log distance + cross-entropy": ("classify", with_loss("log-distance", **MILLE), CENTROID),
    "von Mises-Fisher mixture": ("mvmf", {"dropout": 0.5}, {"": at_cells("components")}),
    "aligned with GeoCLIP by cosine": ("align", {"loss": "cosine", "dropout": 0.3}, ALIGNED),
    "aligned with GeoCLIP by contrast": ("align", {"queue": 0, "dropout": 0.3}, ALIGNED),
    "aligned with an own encoder by contrast": (
        "align",
        {"locations": "fourier", "location_settings": OWN, "queue": 1024, "dropout": 0.3},
        ALIGNED,
    ),
}
"""A network by name: its head, settings, and the ways in which its answer is read."""


class Answer(NamedTuple):
    """One line of the table."""

    answers: Answers
    apart_nll: float | None


def of_networks(
    splits: Sequence[Split], prior: Posterior, wanted: Sequence[str] | None, train: bool, started: float
) -> Iterator[Answer]:
    """Return the answers of every network with every readout. Stored answers of an earlier run are reused."""
    for name, (kind, settings, readings) in NETWORKS.items():
        if wanted and not any(part in name for part in wanted):
            continue
        names = [name + reading for reading in readings] + [f"{name}{DECODED}"] * (kind == "align")
        if all(file_of(own).is_file() for own in names):
            yield from map(kept, names)
            continue
        if not train:
            yield from filter(None, map(kept, names))
            continue
        try:
            made = [
                trained(kind, settings, one, Hierarchy(one.levels.levels[-1:]) if "one level" in name else one.levels)
                for one in splits
            ]
        except MissingExtraError as problem:
            say(f"{name}: left out ({problem})", started)
            continue
        test, known = (fold for _, fold in made)
        say(f"{name}: trained", started)
        for reading, makers in readings.items():
            yield keep(line(name + reading, fitted(makers, known, test, prior), test.truth))
            say(f"{name}{reading}", started)
        if kind == "align":
            yield keep(Answer(Answers(f"{name}{DECODED}", decoded(made[0][0], splits[0], test)), None))
            say(f"{name}{DECODED}", started)


def decoded(head: Any, one: Split, test: HeldOut) -> NDArray:
    """A perceptron from encodings to positions, learned on half training places, half where photos are taken."""
    prior = density_prior()
    at = np.concatenate([np.unique(one.learned.points, axis=0), prior.places])
    known = len(at) - len(prior.places)
    weight = np.concatenate([np.full(known, 0.5 / known), 0.5 * prior.mass[0]])
    with torch.no_grad():
        encodings = torch.cat([head.places(part) for part in torch.from_numpy(at).split(2048)])
    torch.manual_seed(0)
    decoder = PositionDecoder(encodings.shape[1], PositionDecoderSettings(steps=1500, batch_size=256, cosine=0.3))
    return decoder.fit(encodings, at, weight).positions(test.outputs["encoding"])


def of_galleries(splits: Sequence[Split], prior: Posterior) -> Iterator[Answer]:
    """Return the methods without training: the prior, the nearest photo, votes."""
    test, known = (
        HeldOut({"features": one.questions.numpy()}, one.asked.points, one.asked.weight, one.levels, one.gallery())
        for one in splits
    )
    alone = answers_of_posterior(GALLERIES[0], prior, test.truth, decide(prior))
    apart = ~known.seen
    density = prior.repeat(int(apart.sum())).log_density(known.truth[apart])
    yield Answer(alone, -float(np.average(density, weights=known.weight[apart])))
    yield Answer(Answers(GALLERIES[1], test.gallery.points[test.gallery.nearest(test.outputs)[0]]), None)
    for name, voters in zip(GALLERIES[2:], (10, None), strict=True):
        yield line(name, fitted(by_gallery(voters), known, test, prior), test.truth)


def of_memory(splits: Sequence[Split], prior: Posterior) -> Answer:
    """Return the answers of ``learn`` with the same pooled features: whitening, places, confidence."""
    learned, asked = splits[0].learned, splits[0].asked
    pooled, groups = learned.pooled.numpy(), learned.records.groups("group")
    settings = learn_holdout.fit_memory(pooled, learned.points, learned.accuracy_km, groups.tolist(), prior)
    white = whitening.fit(pooled, places_of(learned.points))
    library = library_of(white(pooled), learned.points, learned.accuracy_km)
    answer = memory.Memory(library, white, settings, prior)({"pooled": asked.pooled.numpy()})
    factor = settings.radius_factor.get("either", 1.0)
    told = answers_of_posterior(MEMORY, answer, asked.points, decide(answer), factor)
    return Answer(told, settings.nll.get("other"))


def line(name: str, one: Fitted, truth: NDArray) -> Answer:
    answers = answers_of_posterior(name, one.posterior, truth, decide(one.posterior), one.factor)
    return Answer(answers, one.apart_nll)


# --- kept answers


def keep(one: Answer) -> Answer:
    """Write an answer as arrays by name, and return it."""
    arrays = {"apart_nll": np.array(np.nan if one.apart_nll is None else one.apart_nll)}
    for field, value in vars(one.answers).items():
        if isinstance(value, dict):
            arrays |= {f"{field}/{key}": inner for key, inner in value.items()}
        elif isinstance(value, np.ndarray):
            arrays[field] = value
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez(file_of(one.answers.name), **arrays)
    return one


def file_of(name: str) -> Path:
    return KEPT / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.npz"


def kept(name: str) -> Answer | None:
    """Read an answer of an earlier run."""
    if not file_of(name).is_file():
        return None
    fields: dict[str, Any] = {}
    with np.load(file_of(name)) as arrays:
        apart = float(arrays["apart_nll"])
        for key in arrays.files:
            field, _, inner = key.partition("/")
            if inner:
                fields.setdefault(field, {})[float(inner)] = arrays[key]
            elif key != "apart_nll":
                fields[field] = arrays[key]
    return Answer(Answers(name, **fields), None if np.isnan(apart) else apart)


# --- the tables


def cell(name: str, row: Row) -> str:
    if name not in row.scores:
        return ""
    value, low, high = row.scores[name]
    factor, digits = (100, 1) if name.startswith(("accuracy", "coverage", "region", "ece")) else (1, 2)
    digits = 0 if name == "geoscore" else digits
    return f"{factor * value:.{digits}f} [{factor * low:.{digits}f}, {factor * high:.{digits}f}]"


def table(rows: list[Row], apart: dict[str, float | None]) -> list[str]:
    names = (*SCORES, *HONESTY)
    lines = [f"| method | {' | '.join(TITLES[name] for name in names)} | NLL, places kept apart |"]
    lines.append("|---|" + "---:|" * (len(names) + 1))
    for row in rows:
        told = apart[row.name]
        cells = [cell(name, row) for name in names] + ["" if told is None else f"{told:.2f}"]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return lines


def differences(rows: list[Row]) -> tuple[list[str], list[str]]:
    """Each method less the reference, paired; and in words, which are better or worse beyond their interval."""
    reference = next(row for row in rows if row.name == REFERENCE)
    names = ("accuracy_1", "accuracy_25", "accuracy_200", "geoscore", "nll")
    lines = [f"| method | {' | '.join(TITLES[name] for name in names)} | Wilcoxon p (errors) |"]
    lines.append("|---|" + "---:|" * (len(names) + 1))
    sure: dict[tuple[str, bool], list[str]] = {}
    for row in rows:
        if row is reference:
            continue
        told = compare(row, reference)
        cells = []
        for name in names:
            if name not in told.differences:
                cells.append("")
                continue
            value, low, high = told.differences[name]
            factor, digits = (100, 1) if name.startswith("accuracy") else (1, 0 if name == "geoscore" else 2)
            text = f"{factor * value:+.{digits}f} [{factor * low:+.{digits}f}, {factor * high:+.{digits}f}]"
            if low > 0 or high < 0:
                text = f"**{text}**"
                sure.setdefault((name, (value > 0) != (name == "nll")), []).append(row.name)
            cells.append(text)
        lines.append(f"| {row.name} | " + " | ".join(cells) + f" | {told.wilcoxon:.3f} |")
    words = [
        f"* {TITLES[name]}, {'better' if better else 'worse'}: {'; '.join(sure.get((name, better), ['none']))}."
        for name in ("accuracy_25", "nll")
        for better in (True, False)
    ]
    return lines, words


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="only answer, and keep, networks whose names hold one of these")
    parser.add_argument("--kept", action="store_true", help="train nothing: the table of what earlier runs kept")
    chosen = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"heads: the shared photos are not at {PHOTOS}")
    torch.set_num_threads(1)
    started = time.perf_counter()
    run = settings_file.load(ROOT / "runs" / "landmarks.toml", Run)
    train, test = read(run, "train"), read(run, "test_a")
    say("features", started)
    splits = [split(run, train, test), held_out(run, train)]
    prior = density_prior()
    networks = [*of_networks(splits, prior, chosen.only, not chosen.kept, started)]
    if chosen.only:
        return 0
    galleries = [kept(name) for name in GALLERIES]
    told = [*(galleries if all(galleries) else map(keep, of_galleries(splits, prior))), *networks]
    told.append(kept(MEMORY) or keep(of_memory(splits, prior)))
    truth = Truth.of_records(test.records)
    metrics = {name: METRICS[name] for name in (*SCORES, *HONESTY)}
    rows = [score(one.answers, truth, DEFAULT, metrics=metrics) for one in told]
    apart = {one.answers.name: one.apart_nll for one in told}
    print("# The ideas side by side\n")
    print(f"Made by `{COMMAND}`.\n")
    known = int(splits[1].asked.points.shape[0])
    cells, crops = " / ".join(map(str, splits[0].levels.sizes)), run.preprocess["crops"]
    spots = len(np.unique(test.points, axis=0))
    print(
        f"{len(train.points)} training photos, {len(test.points)} test photos of {spots} places, nearly all known. "
        f"One backbone, frozen: {run.backbone.name}, {crops} crops, the same features for all. {cells} cells. "
        f"Networks: {EPOCHS} epochs, batches of {BATCH}, AdamW at {RATE}, each place counting once. "
        f"Temperature, extents, the prior's share and radii of every row are fitted alike, on {known} training photos "
        "that a second network had not seen, half of them of places that it knew. The last column is the NLL of the "
        "other half. Intervals: 95 %, bootstrap over groups, 1,000 draws. NLL in nats per steradian; shares in %.\n"
    )
    print("\n".join(table(rows, apart)))
    if any(row.name == REFERENCE for row in rows):
        lines, words = differences(rows)
        print(f"\n## Less {REFERENCE}\n\nPaired differences on the same photos; bold: the interval leaves out zero.\n")
        print("\n".join(lines))
        print("\nBeyond the interval:\n\n" + "\n".join(words))
    print(READING)
    return 0


READING = """
## What the table shows

* 117 photos of 60 places: less than about 10 points of accuracy is mostly noise. Nearly all places are known, so what
  helps here helps to recognise places, not to judge unknown ones: read the last column beside the others.
* Looking up known photos helps most. The memory of `learn` is first in accuracy and in likelihood; the gallery beside
  the cells adds 4 to 6 points at every distance. Alone, votes are no better than the one nearest photo.
* Prototypes in the cells change no accuracy beyond the interval, and 2.2 nats of likelihood: they say where in the
  right cell. For places kept apart they are 1.5 nats worse than the cells' middles: too sure of the old places.
* Where the answer lies counts as much as the loss: the mean of the best five cells costs half of the accuracy at 25 km,
  because the best cells of an unsure network lie on different continents.
* No loss that knows distances beats plain cross-entropy here. Targets smoothed over 75 km lose 13 points at 25 km: our
  cells are far smaller than PIGEON's, so that neighbours are not told apart. The squared distance alone is far behind,
  its gradient vanishes where a wrong cell is sure; beside cross-entropy it costs 12 points, measured to the place 14.
  The log distance changes nothing. Their unit, 1,000 km, is ours; another one weighs them otherwise.
* A mixture of von Mises-Fisher distributions, OSV-5M's offset and one fine level do as well as three levels in
  accuracy, within the noise.
* Alignment needs the contrast: towards the same frozen GeoCLIP encoder it is right for 52 % to 25 km at the cells, by
  the cosine alone for 22 %. Both are behind classes, and an own encoder far behind: 860 places are too few to learn a
  space in which places lie smoothly. Going to the tops between places (here always at least half of the votes) helps
  none where nearly all test places are in the gallery; in a model the calibration may choose no refinement. The
  position decoder, which knows no places, is right for none to 25 km; on clean encodings climbing is exact
  (docs/results-usa-decoder.md).
* All networks had the same short training; more of it would suit the aligned ones.
"""

if __name__ == "__main__":
    sys.exit(main())
