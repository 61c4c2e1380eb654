"""Learn the places of a user's own photos and write a model folder. No torch is needed.

During a run, features are stored beside the output, so that a killed run continues where it stopped. When photos are
added later, only the new ones are read: the private file of the folder (``learned_photos``) knows the others.
"""

from __future__ import annotations

import datetime
import functools
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save_file

from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import InputError, ModelError, OutputError
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import rejects_table, write_parquet
from whereshot.foundation.version import VERSION
from whereshot.models import card, features, manifest, model_folder, runtime
from whereshot.models.description import ModelDescription
from whereshot.models.learned_photos import FILE, LearnedPhotos, digest_photos
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout import whitening
from whereshot.models.readout.library import library_of
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.records import Records
from whereshot.photos.reject_reasons import UNREADABLE
from whereshot.posterior.prior import density_prior
from whereshot.training.learn_holdout import fit_memory
from whereshot.training.photos_to_learn import (
    PhotosToLearn,
    find_copies,
    known_features,
    library_of_folder,
    merged,
    photo_table,
)

KNOWN_SHARE = 0.7
"""Assumed share of later photos that show a place of the library. A larger share gives surer answers for known places
and more wrong answers for other places: docs/results-learn.md."""
LEAST_TRUSTED = 20
"""A library with fewer photos than this gets a remark that it is small."""
STATE = "learning"
"""Suffix of the folder beside the output where features are stored during a run."""
SHARD_PHOTOS = 32
"""Number of photos whose features are written at a time. A killed run loses at most this number."""
COPY = "copy of another photo"
"""Reject reason of a file that is equal to the file of another photo."""


@dataclass(frozen=True)
class LearnResult:
    """The result of ``learn``: the folder, the numbers of photos and places, the new photos, the rejects, the seconds.

    ``copies`` of the rejects are files that were given more than once.
    """

    folder: Path
    photos: int
    places: int
    new: int
    rejects: pa.Table
    calibrated: bool
    seconds: float
    copies: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return {
            "model": str(self.folder),
            "photos": self.photos,
            "places": self.places,
            "new": self.new,
            "rejected": len(self.rejects),
            "copies": self.copies,
            "calibrated": self.calibrated,
            "seconds": round(self.seconds, 3),
        }


def learn(
    records: Records,
    out: Path,
    *,
    model: str | Path = model_folder.COMPACT,
    rejects: pa.Table | None = None,
    one_crop: bool = False,
    known_share: float = KNOWN_SHARE,
    overwrite: bool = False,
    cache: Path | None = None,
    workers: int | None = None,
    track: Track = silent,
    say: Callable[[str], None] = lambda text: None,
) -> LearnResult:
    """Learn the places of records with positions into the model folder ``out``, adding to what it knows already.

    ``model`` gives the backbone. ``one_crop`` uses only the middle of each photo, which is faster. ``known_share`` is
    the assumed share of later photos that show a place of the library. ``overwrite`` deletes the photos in ``out``.
    ``rejects`` are listed in the folder together with pictures that cannot be read. Raises InputError without a usable
    photo, OutputError where ``out`` cannot be written, ModelError for a model that has no features.
    """
    started = time.perf_counter()
    if not 0 < known_share < 1:
        raise InputError(f"known_share lies between 0 and 1; got {known_share:g}")
    if len(records) == 0:
        raise InputError("there is no photo with a position to learn from")
    base, settings = _base_model(model, one_crop)
    before = _known_before(out, base, settings, overwrite)
    output_files.check_folder(out, replaced=True)
    state = out.with_name(f"{out.name}.{STATE}")
    read = _read_photos(records, base, settings, before, cache, state, workers, track, say)
    parts = [read.rejects] if rejects is None else [rejects, read.rejects]
    rejects = pa.concat_tables(parts)
    library = read.library if before is None else merged(library_of_folder(before), read.library)
    say(f"{len(library.table)} photos, {read.new} of them new; calibrating on photos held out")
    folder = _write(out, base, settings, library, rejects, read.copies, known_share)
    shutil.rmtree(state, ignore_errors=True)
    place_count = len(set(folder.photos["place"].to_pylist()))
    calibrated = folder.memory_settings is not None and folder.memory_settings.confidence is not None
    for remark in remarks(len(library.table), place_count, calibrated):
        say(remark)
    seconds = time.perf_counter() - started
    return LearnResult(
        folder.path, len(library.table), place_count, read.new, rejects, calibrated, seconds, read.copies
    )


def _base_model(model: str | Path, one_crop: bool) -> tuple[ModelFolder, Preprocess]:
    """Return the model that gives the features, and how it prepares pictures. Raises ModelError."""
    base = ModelFolder(model)
    if base.onnx is None or base.description.head is not None:
        raise ModelError(f"{base.path}: has no features to learn with; use {model_folder.COMPACT}")
    settings = base.description.preprocess
    if one_crop:
        settings = Preprocess(**(settings.model_dump() | {"whole": False, "crops": 1}))
    return base, settings


@dataclass(frozen=True)
class _PhotosRead:
    """The photos that can be learned, how many of them are new, and the rejects, of which ``copies`` are copies."""

    library: PhotosToLearn
    new: int
    rejects: pa.Table
    copies: int


def _read_photos(
    records: Records,
    base: ModelFolder,
    settings: Preprocess,
    before: ModelFolder | None,
    cache: Path | None,
    state: Path,
    workers: int | None,
    track: Track,
    say: Callable[[str], None],
) -> _PhotosRead:
    """Compute the features of the photos that ``before`` does not have. Raises InputError without a usable photo."""
    table = photo_table(records)
    paths = table["image"].to_pylist()
    digests = digest_photos(paths, track=track)
    salted = LearnedPhotos.of_digests(digests, None if before is None else before.known_photos.salt)
    already = {} if before is None else known_features(before, salted)
    pooled, errors = features.cached_features(
        paths,
        settings,
        base.hashes[model_folder.ONNX][:32],
        functools.partial(runtime.OnnxCompute, str(base.onnx)),
        cache=cache or state,
        workers=workers or runtime.default_workers(len(paths)),
        track=track,
        already=already,
        digests=digests.file_digests(),
        shard_photos=SHARD_PHOTOS if cache is None else None,
        say=say,
    )
    good = np.array([row for row in range(len(paths)) if row not in errors], dtype=np.int64)
    if len(good) == 0 and before is None:
        raise InputError(f"none of {len(paths)} pictures could be read; first: {next(iter(errors.values()))}")
    ids = table["id"].to_pylist()
    broken = rejects_table((ids[row], paths[row], UNREADABLE, errors[row]) for row in sorted(errors))
    copied, again = find_copies(salted.files[good])
    copies = rejects_table(
        (ids[good[row]], paths[good[row]], COPY, f"the same file as {ids[good[other]]}, which is learned")
        for row, other in zip(copied, again, strict=True)
    )
    if len(copies):
        say(f"copies dropped: {len(copies)} (the same file as another photo, whose position counts)")
    kept = np.setdiff1d(good, good[copied])
    new = len(kept) - len(already.keys() & set(kept.tolist()))
    library = PhotosToLearn(table.take(pa.array(kept)), pooled[kept].astype(np.float16), salted.take(kept))
    return _PhotosRead(library, new, pa.concat_tables([broken, copies]), len(copies))


def remarks(photos: int, place_count: int, calibrated: bool) -> list[str]:
    """Return sentences that warn of a small library, or of a library of one place."""
    found = []
    if place_count == 1:
        found.append("all photos are of one place: the model can only judge whether a photo looks like it")
    if photos < LEAST_TRUSTED:
        found.append(f"{photos} photos are few: the model recognises only near repetitions of them")
    elif not calibrated:
        found.append("too few places have several photos to hold some out: the model recognises only near repetitions")
    return found


def _known_before(out: Path, base: ModelFolder, settings: Preprocess, overwrite: bool) -> ModelFolder | None:
    """Return the library in ``out`` that photos are added to; None for a new one. Raises OutputError, ModelError."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    if not manifest.is_model(out):
        raise OutputError(f"{out}: exists and is not a model folder; choose another out")
    if overwrite:
        return None
    before = ModelFolder(out)
    if before.memory_settings is None:
        raise OutputError(f"{out}: holds a model that was not learned; choose another out, or give --overwrite")
    same = before.hashes.get(model_folder.ONNX) == base.hashes[model_folder.ONNX]
    if not same or before.description.preprocess != settings:
        raise OutputError(f"{out}: was learned with other features; choose another out, or give --overwrite")
    if before.learned is None:
        raise OutputError(
            f"{out}: has no {FILE}, so it is not known which photos it learned from; choose another out, or give "
            "--overwrite"
        )
    return before


def _write(
    out: Path,
    base: ModelFolder,
    settings: Preprocess,
    given: PhotosToLearn,
    rejects: pa.Table,
    copies: int,
    known_share: float,
) -> ModelFolder:
    """Fit the whitening and the settings of the memory, and write the model folder. Raises OutputError."""
    table = given.table
    points = np.stack([table[name].to_numpy() for name in ("latitude", "longitude")], axis=1)
    accuracy = table["accuracy_km"].to_numpy()
    groups = table["group"].to_pylist()
    fitted = fit_memory(
        given.pooled, points, accuracy, groups, density_prior(), known_share=known_share, usual=base.usual
    )
    places = library_of(np.zeros((len(table), 1), np.float32), points, accuracy)
    white = whitening.fit(given.pooled, places.place, base.usual)
    library = library_of(white(given.pooled).astype(np.float16), points, accuracy)
    training = {
        "photos": len(table),
        "places": len(library.counts),
        "rejected": len(rejects),
        "copies": copies,
        "backbone": base.description.name,
        "known_share": known_share,
    }
    description = _describe(out.name, base, settings, training)
    arrays: dict[str, NDArray[Any]] = {
        "pooled": given.pooled,
        "features": library.features.astype(np.float16),
        "hubness": library.hubness,
        "mean": white.mean,
        "factor": white.factor,
    }

    def fill(beside: Path) -> None:
        settings_file.save(description, beside / "model.toml")
        settings_file.save(fitted, beside / "memory.toml")
        for name in (model_folder.ONNX, model_folder.ONNX_DOCUMENT, model_folder.USUAL):
            if (base.path / name).is_file():
                output_files.copy_file(base.path / name, beside / name)
        save_file(arrays, beside / "photos.safetensors")
        write_parquet(table.append_column("place", pa.array(library.place)), beside / model_folder.PHOTOS)
        output_files.write_bytes(beside / FILE, given.learned.to_bytes())
        if len(rejects):
            write_parquet(rejects, beside / "rejects.parquet")
        output_files.write_text(beside / "README.md", card.of_learned(description, fitted).to_markdown())

    manifest.write_files(out, fill)
    return ModelFolder(out)


def _describe(name: str, base: ModelFolder, settings: Preprocess, training: dict[str, Any]) -> ModelDescription:
    """Return the content of model.toml for a learned library."""
    return ModelDescription(
        format=manifest.FORMAT,
        name=name,
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        version=VERSION,
        backbone=base.description.backbone,
        preprocess=settings,
        readouts=("memory",),
        training=training,
    )


def summary(learned: LearnResult, rejects: Sequence[tuple[str, int]]) -> list[str]:
    """Return the lines that are printed at the end."""
    lines = [
        f"{learned.folder}: {learned.photos} photos of {learned.places} places, {learned.new} of them new "
        f"({learned.seconds:.0f} s)"
    ]
    return lines + [f"  rejected: {count} {reason}" for reason, count in rejects]
