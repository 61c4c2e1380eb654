"""Train by a run file: features, head, gallery, calibration, model folder. A killed run can be resumed."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import ConfigError, InputError, OutputError
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import rejects_table, write_parquet
from whereshot.foundation.version import VERSION
from whereshot.models import card, features, manifest, model_folder, networks, runtime
from whereshot.models.description import BackboneDescription, ModelDescription
from whereshot.models.learned_photos import FILE, LearnedPhotos, PhotoDigests, digest_photos
from whereshot.models.networks import BackboneSettings, Network, mean_of_crops
from whereshot.models.optimize import processes
from whereshot.models.optimize.processes import ProcessGroup
from whereshot.models.readout.gallery import Gallery, gallery_of
from whereshot.models.readout.mixture import Calibration
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.records import Records
from whereshot.photos.reject_reasons import UNREADABLE
from whereshot.posterior.prior import density_prior
from whereshot.training import held_out, run_photos
from whereshot.training.calibration import HeldOut, calibrate
from whereshot.training.run_file import Run, check
from whereshot.training.steps import Fitting, TrainingPhotos

__all__ = ["Run", "train"]

STATE = "training"


def train(
    run: Run,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    workers: int | None = None,
    cache: Path | None = None,
    track: Track = silent,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train, calibrate and write the model folder ``run.out``; return its path.

    ``resume`` continues a run that was killed after its last finished epoch. Started by torchrun, the processes share
    the work, and the first process prints and writes. Raises InputError, ModelError, OutputError.
    """
    started = time.perf_counter()
    out, state_folder = run.out, run.out.with_name(f"{run.out.name}.{STATE}")
    if processes.rank() > 0:  # only the first process prints
        track, say = silent, _quiet
    if manifest.is_model(out) and not overwrite:
        if resume:
            say(f"{out} is finished already")
            return out
        raise OutputError(f"{out}: holds a model already; choose another out, or give --overwrite")
    if out.exists() and not manifest.is_model(out) and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: exists and is not a model folder; choose another out")
    with processes.join_group(_device(device)) as group:
        check(run, group.count)
        job = TrainingJob(run, state_folder, group, workers, cache, track, say)
        records, rejects = run_photos.read_records(run.data)
        if group.is_first:
            prepare_state(run, state_folder, resume)
        group.wait()
        job.finish(job.readable(records, rejects), started)
        group.wait()
    if group.is_first:
        shutil.rmtree(state_folder, ignore_errors=True)
    return out


def prepare_state(run: Run, folder: Path, resume: bool) -> None:
    """Make an empty state folder, or keep the folder of the same run file to resume from it.

    Raises ConfigError where the folder belongs to other settings, OutputError.
    """
    wanted = settings_file.dump(run)
    known = folder / "run.toml"
    if resume and known.is_file():
        if known.read_text("utf-8") != wanted:
            raise ConfigError(f"{known}: the run was started with other settings; start again without --resume")
        return
    shutil.rmtree(folder, ignore_errors=True)
    output_files.make_folder(folder)
    output_files.write_text(known, wanted)


def _device(name: str | None) -> str:
    """Return the device of this process. Each of several processes has its own GPU. Raises InputError."""
    device = runtime.pick_device(name)
    if device == "cuda" and processes.is_launched():
        return runtime.pick_device(f"cuda:{processes.local_rank()}")
    return device


def _quiet(text: str) -> None:
    """Drop a line of the log."""


@dataclass
class TrainingJob:
    """A run: its settings, and the data that its steps share."""

    run: Run
    state_folder: Path
    group: ProcessGroup
    workers: int | None
    cache: Path | None
    track: Track
    say: Callable[[str], None]
    pooled: torch.Tensor | None = None
    """Features (n, dim) of a frozen backbone, from ``readable``."""
    digests: PhotoDigests | None = None
    """Digests of the photos that are learned, from ``readable`` or ``finish``."""

    @functools.cached_property
    def preprocess(self) -> Preprocess:
        """The settings that turn pictures into arrays."""
        return networks.default_preprocess(self.run.backbone, **self.run.preprocess)

    @functools.cached_property
    def backbone(self) -> networks.Backbone:
        """The backbone with the weights that training begins with."""
        return networks.create(self.run.backbone, seed=self.run.seed)

    @functools.cached_property
    def fitting(self) -> Fitting:
        """The training steps of the run."""
        return Fitting(self.run, self.group.device, self.group, self.track, self.say)

    def readable(self, records: Records, rejects: pa.Table) -> Records:
        """Return the records whose pictures can be read; the others are added to ``self.rejects``.

        For a frozen backbone ``self.pooled`` gets the features. Raises InputError where no picture can be read.
        """
        paths = records.strings("image")
        preprocess, backbone = self.preprocess, self.backbone  # wrong settings are found before the work
        if self.run.backbone.trained:
            errors = self._unreadable(paths)
        else:
            digests = self.photo_digests(paths)
            workers = self.workers or runtime.default_workers(len(paths), self.group.device)
            pooled, errors = features.cached_features(
                paths,
                preprocess,
                backbone.features_key,
                functools.partial(_make_pooled, self.run.backbone, self.run.seed, self.group.device),
                cache=self.cache,
                workers=workers,
                track=self.track,
                digests=digests.file_digests(),
            )
        good = np.array([row for row in range(len(paths)) if row not in errors], dtype=np.int64)
        ids = records.strings("id")
        broken = rejects_table((ids[row], paths[row], UNREADABLE, errors[row]) for row in sorted(errors))
        self.rejects = pa.concat_tables([rejects, broken])
        if len(good) == 0:
            raise InputError(f"none of {len(paths)} pictures could be read; first: {next(iter(errors.values()))}")
        if len(rejects):
            self.say(f"{len(rejects)} rows have no usable position; see rejects.parquet in the model folder")
        if errors:
            self.say(
                f"{len(errors)} of {len(paths)} pictures could not be read; see rejects.parquet in the model folder"
            )
        if not self.run.backbone.trained:
            self.pooled, self.digests = torch.from_numpy(pooled[good]), digests.take(good)
        return records[good]

    def _unreadable(self, paths: list[str | None]) -> dict[int, str]:
        """Return why pictures cannot be decoded, by row. The first process checks, and the others read its file."""
        found = self.state_folder / "unreadable.json"
        if self.group.is_first:
            output_files.write_text(found, json.dumps(run_photos.unreadable(paths, self.track)))
        self.group.wait()
        return {int(row): text for row, text in json.loads(found.read_text("utf-8")).items()}

    def split(self, records: Records) -> TrainingPhotos:
        """Return the photos to train on and those to validate on."""
        weight = run_photos.weights(records.points, self.run.optimizer.weigh_by)
        return TrainingPhotos(records.points, weight, *run_photos.split(records, self.run.data, self.run.seed))

    def fit(self, network: Network, records: Records, photos: TrainingPhotos, state: Path, log: Path) -> list[int]:
        """Train the head on cached features, or the backbone too; return the epochs of each phase that were kept."""
        if self.pooled is None:
            auxiliary = None
            if self.run.auxiliary:
                torch.manual_seed(self.run.seed)
                auxiliary = networks.Auxiliary(self.backbone.dim, self.run.auxiliary, records).to(self.group.device)
            sources = records.strings("image")
            return self.fitting.network(
                network,
                sources,
                self.preprocess,
                photos,
                workers=self.workers,
                state=state,
                log=log,
                auxiliary=auxiliary,
            )
        scaled = held_out.scale(network, self.pooled, photos.train_rows, self.group.device)
        return self.fitting.head(network.head, scaled, photos, state=state, log=log)

    def finish(self, records: Records, started: float) -> None:
        """Train. The first process then calibrates on photos that were held out, and writes the model folder."""
        run, device = self.run, self.group.device
        photos = self.split(records)
        hierarchy = held_out.build_hierarchy(run, photos.points[photos.train_rows])
        self.say(f"{len(records)} photos; {' / '.join(map(str, hierarchy.sizes))} cells")
        if self.digests is None and self.group.is_first:
            self.digests = self.photo_digests(records.strings("image"))
        network = held_out.build_network(run, self.backbone, hierarchy, device)
        log = self.state_folder / "train.jsonl"
        name = "head" if self.pooled is not None else "network"
        lengths = self.fit(network, records, photos, self.state_folder / name, log)
        if not self.group.is_first:
            return
        folds, gallery = self._hold_out(network, records, photos, lengths)
        self.say("calibrating on held-out photos")
        calibration = calibrate(folds, density_prior(), run.calibration)
        training = {
            "photos": len(photos.train_rows),
            "gallery": len(gallery.points),
            "places": len(np.unique(photos.points, axis=0)),
            "rejected": len(self.rejects),
            "epochs": sum(lengths),
            "seed": run.seed,
            "seconds": round(time.perf_counter() - started, 1),
        }
        description = self._describe(calibration, len(hierarchy.levels), training)
        extra: dict[str, str | bytes] = {
            "run.toml": settings_file.dump(run),
            "train.jsonl": log.read_text("utf-8"),
            "README.md": card.of_trained(description, hierarchy.sizes, calibration).to_markdown(),
        }
        if self.digests is not None:  # with the validation photos, which decide the epoch that is kept
            extra[FILE] = LearnedPhotos.of_digests(self.digests).to_bytes()
        if len(self.rejects):
            write_parquet(self.rejects, self.state_folder / "rejects.parquet")
            extra["rejects.parquet"] = (self.state_folder / "rejects.parquet").read_bytes()
        model_folder.write(run.out, description, network, hierarchy, gallery, calibration, extra)

    def photo_digests(self, paths: Sequence[str | None]) -> PhotoDigests:
        """Return the digests of photos. They are kept in the state folder, so a resumed run reads no photo again.

        Where the size or the modification time of a photo has changed, all photos are read again. Raises OutputError.
        """
        kept, key = self.state_folder / "digests.safetensors", _state_of_files(paths)
        try:
            arrays = load_file(kept)
            if arrays["key"].tobytes() == key:
                return PhotoDigests(arrays["files"], arrays["pictures"])
        except (OSError, SafetensorError, KeyError):
            pass  # missing, or incomplete after a kill: read the photos
        digests = digest_photos(paths, track=self.track)
        arrays = {"key": np.frombuffer(key, np.uint8), "files": digests.files, "pictures": digests.pictures}
        output_files.write_bytes(kept, save(arrays))
        return digests

    def _hold_out(
        self, network: Network, records: Records, photos: TrainingPhotos, lengths: list[int]
    ) -> tuple[list[HeldOut], Gallery]:
        """Return what networks answer for photos that they were not trained on, and the gallery of known photos.

        A frozen backbone is trained again without each fold of photos; a trained one keeps its validation photos apart.
        """
        if self.pooled is not None:
            scaled = network.scaling(self.pooled.to(self.group.device)).cpu()
            known_photos = held_out.Folds(
                self.fitting, self.backbone, records, photos.weight, self.pooled, self.state_folder
            )
            return known_photos.all(lengths), gallery_of(scaled.numpy(), records)
        scaled = self._features_of(network, records)
        gallery = gallery_of(scaled[photos.train_rows].numpy(), records[photos.train_rows])
        return [held_out.held_out(network, scaled, photos, photos.validation_rows, gallery)], gallery

    def _describe(self, calibration: Calibration, levels: int, training: dict[str, Any]) -> ModelDescription:
        """Return the content of model.toml."""
        run = self.run
        return ModelDescription(
            format=manifest.FORMAT,
            name=run.name,
            created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
            version=VERSION,
            backbone=BackboneDescription(
                name=run.backbone.name,
                options=run.backbone.options,
                trained=bool(run.backbone.trained),
                identity=self.backbone.identity,
            ),
            preprocess=self.preprocess,
            readouts=tuple(calibration.mixtures),
            scaling_power=run.scaling_power,
            head=run.head.kind,
            head_settings=run.head.settings,
            levels=levels,
            training=training,
        )

    def _features_of(self, network: Network, records: Records) -> torch.Tensor:
        """Compute the features (n, dim) of all photos with a trained network, in this process."""
        compute = runtime.TorchCompute(
            lambda crops, owner, photos: {"features": network.features(crops, owner, photos)}, self.group.device
        )
        scaled = torch.zeros(len(records), network.backbone.dim)
        parts = runtime.compute_outputs(records.strings("image"), self.preprocess, lambda: compute, track=self.track)
        for rows, outputs, errors in parts:
            if errors:
                raise InputError(f"a picture became unreadable during training: {next(iter(errors.values()))}")
            scaled[rows] = torch.from_numpy(outputs["features"])
        return scaled


def _state_of_files(paths: Sequence[str | None]) -> bytes:
    """Return 16 bytes that change when a path, or the size or the time of change of a file, changes."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(repr(path).encode())
        try:
            found = os.stat(path or "")
            digest.update(f"{found.st_size} {found.st_mtime_ns}".encode())
        except OSError:
            digest.update(b"none")  # a picture inside an archive, or a file that is missing
    return digest.digest()


def _make_pooled(settings: BackboneSettings, seed: int, device: str) -> runtime.Compute:
    """Return a function that computes the pooled features of a frozen backbone, for a new process."""
    backbone = networks.create(settings, seed=seed).to(device)
    return runtime.TorchCompute(
        lambda crops, owner, photos: {"pooled": mean_of_crops(backbone(crops), owner, photos)}, device
    )
