"""A run file in, a calibrated model folder out: features, head, gallery, calibration; resumed after a kill."""

from __future__ import annotations

import datetime
import functools
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationInfo, field_validator

from whereshot import card, checkpoint, config, features, images, model, partition, places, runtime
from whereshot.calibrate import HeldOut, calibrate, merged
from whereshot.config import ConfigPath, Settings
from whereshot.dataset import NO_FILE, batches
from whereshot.errors import ConfigError, ImageError, InputError, OutputError, nearest_name
from whereshot.model import BackboneSettings, Network, mean_of_crops
from whereshot.optimize import OptimizerSettings, optimize
from whereshot.partition import Hierarchy
from whereshot.preprocess import Preprocess
from whereshot.progress import Track, silent
from whereshot.readout import PositionSettings
from whereshot.records import Records, hashed_share, rejects_table, write_parquet
from whereshot.sources import SOURCES
from whereshot.sources.base import NO_POSITION, UNREADABLE

STATE = "training"
CLUSTER_LEVEL = "cell"


class DataSettings(Settings):
    """Photos to learn from: Records, or a table with positions and image paths."""

    train: ConfigPath
    columns: dict[str, str] = Field(default_factory=dict)
    validation: float = Field(0.0, ge=0, lt=1)
    """Share of groups kept for early stopping; none for 0."""
    split_by: str = "group"


class PartitionSettings(Settings):
    """A partition kind and its settings per level, coarse to fine."""

    kind: str = "s2"
    levels: list[dict[str, Any]] = Field(min_length=1)

    @field_validator("levels")
    @classmethod
    def _relative_to_the_run_file(cls, levels: list[dict[str, Any]], info: ValidationInfo) -> list[dict[str, Any]]:
        """Borders in a file are looked for beside the run file, as photos are."""
        path = TypeAdapter(ConfigPath)
        return [
            level | {"file": str(path.validate_python(level["file"], context=info.context))}
            if "file" in level
            else level
            for level in levels
        ]


class HeadSettings(Settings):
    kind: str = "classify"
    settings: dict[str, Any] = Field(default_factory=dict)


class CalibrationSettings(PositionSettings):
    """How many folds are held out in turn, by group and again by place (frozen backbones only); where cells answer."""

    folds: int = Field(5, ge=2)


class Run(Settings):
    """A run file."""

    name: str
    out: ConfigPath
    seed: int = 0
    data: DataSettings
    backbone: BackboneSettings
    preprocess: dict[str, Any] = Field(default_factory=dict)
    scaling_power: float = Field(1.0, gt=0)
    partition: PartitionSettings
    head: HeadSettings = HeadSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    calibration: CalibrationSettings = CalibrationSettings()


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
    """Train, calibrate and write the model folder ``run.out``; returns it.

    ``resume`` goes on from the last epoch of a run that was killed. Raises InputError, ModelError, OutputError.
    """
    started = time.perf_counter()
    out, state_folder = run.out, run.out.with_name(f"{run.out.name}.{STATE}")
    if checkpoint.is_model(out) and not overwrite:
        if resume:
            say(f"{out} is finished already")
            return out
        raise OutputError(f"{out}: holds a model already; choose another out, or give --overwrite")
    if out.exists() and not checkpoint.is_model(out) and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: exists and is not a model folder; choose another out")
    _check(run)
    job = _Job(run, state_folder, runtime.pick_device(device), workers, cache, track, say)
    records, rejects = _read_records(run.data)
    job.prepare_state(resume)
    records = job.readable(records, rejects)
    folder = job.finish(records, started)
    shutil.rmtree(state_folder, ignore_errors=True)
    return folder


def _check(run: Run) -> None:
    """Refuse settings that would fail only after the features are computed."""
    _head_settings(run.head)
    if run.partition.kind not in partition.PARTITIONS:
        hint = nearest_name(run.partition.kind, partition.PARTITIONS)
        raise ConfigError(f"partition.kind: no partition kind {run.partition.kind!r}; {hint}")
    for number, level in enumerate(run.partition.levels):
        config.parse(level, partition.PARTITIONS[run.partition.kind].settings, name=f"partition.levels.{number}")
    if run.calibration.position == "offset" and not getattr(_head_settings(run.head), "offset", False):
        raise ConfigError('calibration.position "offset" needs head.settings.offset = true')
    if run.calibration.position == "components" and run.head.kind != "mvmf":
        raise ConfigError('calibration.position "components" needs head.kind = "mvmf"')
    if run.backbone.trained and run.data.validation == 0:
        raise ConfigError("data.validation must be above 0 for a trained backbone: it is calibrated on it")


def _head_settings(head: HeadSettings) -> Settings:
    if head.kind not in model.HEADS:
        raise ConfigError(f"head.kind: no head {head.kind!r}; {nearest_name(head.kind, model.HEADS)}")
    return config.parse(head.settings, model.HEADS[head.kind].settings, name="head.settings")


def _read_records(settings: DataSettings) -> tuple[Records, pa.Table]:
    """The records with a position, and the rejects."""
    path = settings.train
    if path.is_file() and (settings.columns or path.suffix.lower() != ".parquet"):
        ingested = SOURCES["table"]([path], settings.columns, silent)
        records, rejects = ingested.records, ingested.rejects
    else:
        records = Records.read(path)
        lost = records[~records.has_position]
        rejects = rejects_table(
            (name, image, NO_POSITION, "latitude or longitude is missing")
            for name, image in zip(lost.strings("id"), lost.strings("image"), strict=True)
        )
        records = records[records.has_position]
    if len(records) == 0:
        raise InputError(f"{path}: no photo with a position to train on")
    if settings.split_by != CLUSTER_LEVEL and settings.split_by not in records.table.column_names:
        known = [*records.table.column_names, CLUSTER_LEVEL]
        raise ConfigError(f"data.split_by: no column {settings.split_by!r}; {nearest_name(settings.split_by, known)}")
    return records, rejects


@dataclass
class _Job:
    """One run: what its steps share."""

    run: Run
    state_folder: Path
    device: str
    workers: int | None
    cache: Path | None
    track: Track
    say: Callable[[str], None]

    def prepare_state(self, resume: bool) -> None:
        """An empty state folder, or the one of the same run file to resume from."""
        wanted = config.dump(self.run)
        known = self.state_folder / "run.toml"
        if resume and known.is_file():
            if known.read_text("utf-8") != wanted:
                raise ConfigError(f"{known}: the run was started with other settings; start again without --resume")
            return
        shutil.rmtree(self.state_folder, ignore_errors=True)
        try:
            self.state_folder.mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"{self.state_folder}: cannot be made ({error.strerror})") from error
        known.write_text(wanted, "utf-8")

    @functools.cached_property
    def preprocess(self) -> Preprocess:
        return model.default_preprocess(self.run.backbone, **self.run.preprocess)

    @functools.cached_property
    def backbone(self) -> model.Backbone:
        return model.create(self.run.backbone, seed=self.run.seed)

    def readable(self, records: Records, rejects: pa.Table) -> Records:
        """The records whose pictures can be read, with frozen features in ``self.pooled``; the others are rejects."""
        paths = records.strings("image")
        if self.run.backbone.trained:
            errors = _unreadable(paths, self.track)
            self.pooled = None
        else:
            workers = self.workers or runtime.default_workers(len(paths), self.device)
            pooled, errors = features.cached_features(
                paths,
                self.preprocess,
                self.backbone.features_key,
                functools.partial(_make_pooled, self.run.backbone, self.run.seed, self.device),
                cache=self.cache,
                workers=workers,
                track=self.track,
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
            self.pooled = torch.from_numpy(pooled[good])
        return records[good]

    def build_hierarchy(self, points: NDArray) -> Hierarchy:
        settings = self.run.partition
        return Hierarchy(tuple(partition.build(settings.kind, points, level) for level in settings.levels))

    def build_network(self, hierarchy: Hierarchy) -> Network:
        settings = _head_settings(self.run.head)
        torch.manual_seed(self.run.seed)
        dim = self.backbone.dim
        head = model.HEADS[self.run.head.kind].head(dim, hierarchy, settings)
        return Network(self.backbone, model.FeatureScaling(dim, self.run.scaling_power), head).to(self.device)

    def finish(self, records: Records, started: float) -> Path:
        run = self.run
        points = records.points
        weight = _weights(points, run.optimizer.weigh_by)
        train_rows, validation_rows = self._split(records)
        hierarchy = self.build_hierarchy(points[train_rows])
        self.say(f"{len(records)} photos; {' / '.join(map(str, hierarchy.sizes))} cells")
        network = self.build_network(hierarchy)
        log = self.state_folder / "train.jsonl"
        if self.pooled is not None:
            scaled = self._scaled(network, train_rows)
            epochs = self._fit_head(
                network, scaled, points, weight, train_rows, validation_rows, self.state_folder / "head", log
            )
            folds = self._folds(records, weight, epochs)
            known_rows = np.arange(len(records))
        else:
            epochs = self._fit_network(
                network, records, points, weight, train_rows, validation_rows, self.state_folder / "network", log
            )
            scaled = self._features_of(network, records)
            gallery = checkpoint.gallery_of(scaled[train_rows].numpy(), records[train_rows])
            folds = [self._held_out(network, scaled, points, weight, validation_rows, gallery)]
            known_rows = train_rows
        gallery = checkpoint.gallery_of(scaled[known_rows].numpy(), records[known_rows])
        self.say("calibrating on held-out photos")
        calibration = calibrate(folds, places.density_prior(), run.calibration)
        description = checkpoint.Description(
            format=checkpoint.FORMAT,
            name=run.name,
            created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
            version=checkpoint.version(),
            backbone=checkpoint.BackboneDescription(
                name=run.backbone.name,
                options=run.backbone.options,
                trained=run.backbone.trained,
                identity=self.backbone.identity,
            ),
            preprocess=self.preprocess,
            scaling_power=run.scaling_power,
            head=run.head.kind,
            head_settings=run.head.settings,
            levels=len(hierarchy.levels),
            training={
                "photos": len(train_rows),
                "gallery": len(known_rows),
                "places": len(np.unique(points, axis=0)),
                "rejected": len(self.rejects),
                "epochs": epochs,
                "seed": run.seed,
                "seconds": round(time.perf_counter() - started, 1),
            },
        )
        extra: dict[str, str | bytes] = {
            "run.toml": config.dump(run),
            "train.jsonl": log.read_text("utf-8"),
            "README.md": card.of_trained(description, hierarchy.sizes, calibration).to_markdown(),
        }
        if len(self.rejects):
            write_parquet(self.rejects, self.state_folder / "rejects.parquet")
            extra["rejects.parquet"] = (self.state_folder / "rejects.parquet").read_bytes()
        checkpoint.write(run.out, description, network, hierarchy, gallery, calibration, extra)
        return run.out

    def _split(self, records: Records) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        share = self.run.data.validation
        rows = np.arange(len(records))
        if share == 0:
            return rows, rows[:0]
        numbered = records.with_column("_row", rows)
        parts = numbered.split(share, by=self.run.data.split_by, seed=self.run.seed)
        train_rows, validation_rows = (part.table["_row"].to_numpy().copy() for part in parts)
        if len(train_rows) == 0 or len(validation_rows) == 0:
            raise InputError(f"data.validation = {share} leaves {len(train_rows)} photos and {len(validation_rows)}")
        return train_rows, validation_rows

    def _scaled(self, network: Network, train_rows: NDArray) -> torch.Tensor:
        """Features of all photos on the CPU, scaled by what ``train_rows`` are like."""
        pooled = self.pooled.to(self.device)
        network.scaling.fit(pooled[torch.from_numpy(train_rows)])
        return network.scaling(pooled).cpu()

    def _fit_head(
        self,
        network: Network,
        scaled: torch.Tensor,
        points: NDArray,
        weight: NDArray,
        train_rows: NDArray,
        validation_rows: NDArray,
        state: Path,
        log: Path | None,
        what: str = "training",
        epochs: int | None = None,
    ) -> int:
        """Train the head on features; returns the number of epochs whose weights were kept."""
        head = network.head
        target, weights = head.target(points).to(self.device), torch.tensor(weight, dtype=torch.float32)
        inputs, weights = scaled.to(self.device), weights.to(self.device)

        def steps(epoch: int) -> Iterator[torch.Tensor]:
            order = train_rows[np.random.default_rng([self.run.seed, epoch]).permutation(len(train_rows))]
            for start in range(0, len(order), self.run.optimizer.batch_size):
                rows = torch.from_numpy(order[start : start + self.run.optimizer.batch_size])
                yield head.loss(inputs[rows], target[rows], weights[rows])

        def validate() -> float | None:
            if len(validation_rows) == 0:
                return None
            rows = torch.from_numpy(validation_rows)
            return float(head.loss(inputs[rows], target[rows], weights[rows]))

        batches_per_epoch = math.ceil(len(train_rows) / self.run.optimizer.batch_size)
        return self._optimize(head, steps, validate, batches_per_epoch, state=state, log=log, what=what, epochs=epochs)

    def _fit_network(
        self,
        network: Network,
        records: Records,
        points: NDArray,
        weight: NDArray,
        train_rows: NDArray,
        validation_rows: NDArray,
        state: Path,
        log: Path,
    ) -> int:
        """Train backbone and head end to end on random crops."""
        sources, optimizer = records.strings("image"), self.run.optimizer
        target = network.head.target(points)
        weights = torch.tensor(weight, dtype=torch.float32)
        seed = self.run.seed

        def losses(rows: NDArray, random_crops: tuple[int, int] | None) -> Iterator[tuple[torch.Tensor, int]]:
            loaded = batches(
                sources,
                self.preprocess,
                batch_size=optimizer.batch_size,
                threads=2,
                order=rows,
                random_crops=random_crops,
            )
            for batch in loaded:
                for row, text in batch.errors.items():
                    self.say(f"skipped {sources[row]}: {text}")
                if len(batch.rows):
                    crops, owner = torch.from_numpy(batch.crops), torch.from_numpy(batch.owner)
                    part = torch.from_numpy(batch.rows)
                    scaled = network.features(crops.to(self.device), owner.to(self.device), len(batch.rows))
                    wanted, counted = target[part].to(self.device), weights[part].to(self.device)
                    yield network.head.loss(scaled, wanted, counted), len(batch.rows)

        def steps(epoch: int) -> Iterator[torch.Tensor]:
            order = train_rows[np.random.default_rng([seed, epoch]).permutation(len(train_rows))]
            for loss, _ in losses(order, (seed, epoch)):
                yield loss

        def validate() -> float:
            sums = [(float(loss) * count, count) for loss, count in losses(validation_rows, None)]
            return sum(total for total, _ in sums) / max(sum(count for _, count in sums), 1)

        batches_per_epoch = math.ceil(len(train_rows) / optimizer.batch_size)
        return self._optimize(network, steps, validate, batches_per_epoch, state=state, log=log)

    def _optimize(self, *args: Any, **options: Any) -> int:
        shared = {"seed": self.run.seed, "device": self.device, "track": self.track}
        return optimize(*args, self.run.optimizer, **shared, **options)

    def _folds(self, records: Records, weight: NDArray, epochs: int) -> list[HeldOut]:
        """Photos held out in turn: by group, so that their place is mostly known, and by place, so that it is not."""
        by_group = self._cross_validate(records, weight, self.run.data.split_by, epochs)
        by_place = self._cross_validate(records, weight, CLUSTER_LEVEL, epochs)
        return merged(by_group, 1.0) + merged(by_place, 1.0)

    def _cross_validate(self, records: Records, weight: NDArray, by: str, epochs: int) -> list[HeldOut]:
        count = self.run.calibration.folds
        fold_of = (hashed_share(records.groups(by), self.run.seed) * count).astype(int)
        points = records.points
        folds = []
        for fold in range(count):
            held, rest = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
            if len(held) == 0 or len(rest) == 0:
                continue
            hierarchy = self.build_hierarchy(points[rest])
            network = self.build_network(hierarchy)
            scaled = self._scaled(network, rest)
            state = self.state_folder / f"fold-{by}-{fold}"
            what = f"held-out fold {fold + 1} of {count} by {'place' if by == CLUSTER_LEVEL else by}"
            self._fit_head(network, scaled, points, weight, rest, held[:0], state, None, what, epochs)
            gallery = checkpoint.gallery_of(scaled[rest].numpy(), records[rest])
            folds.append(self._held_out(network, scaled, points, weight, held, gallery))
        return folds

    @torch.inference_mode()
    def _held_out(
        self,
        network: Network,
        scaled: torch.Tensor,
        points: NDArray,
        weight: NDArray,
        rows: NDArray,
        gallery: checkpoint.Gallery,
    ) -> HeldOut:
        outputs = network.from_features(scaled[rows].to(self.device))
        arrays = {name: value.float().cpu().numpy() for name, value in outputs.items()}
        return HeldOut(arrays, points[rows], weight[rows], network.head.hierarchy, gallery)

    def _features_of(self, network: Network, records: Records) -> torch.Tensor:
        """Features of all photos by a network that was trained, in this process."""
        compute = runtime.TorchCompute(
            lambda crops, owner, photos: {"features": network.features(crops, owner, photos)}, self.device
        )
        scaled = torch.zeros(len(records), network.backbone.dim)
        parts = runtime.compute_outputs(records.strings("image"), self.preprocess, lambda: compute, track=self.track)
        for rows, outputs, errors in parts:
            if errors:
                raise InputError(f"a picture became unreadable during training: {next(iter(errors.values()))}")
            scaled[rows] = torch.from_numpy(outputs["features"])
        return scaled


def _weights(points: NDArray, weigh_by: str) -> NDArray[np.float64]:
    """Weight (n,) of each photo, 1 on average: equal, or one share per position."""
    if weigh_by == "photo":
        return np.ones(len(points))
    _, inverse, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    weight = 1 / counts[inverse]
    return weight / weight.mean()


def _unreadable(paths: Sequence[str | None], track: Track) -> dict[int, str]:
    """Why pictures cannot be decoded, by row: told before a long training, not after it."""

    def problem(path: str | None) -> str | None:
        if path is None:
            return NO_FILE
        try:
            images.open_rgb(path, min_side=64)
        except ImageError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=2) as pool:
        problems = track(pool.map(problem, paths), total=len(paths), what="checking pictures")
        return {row: text for row, text in enumerate(problems) if text is not None}


def _make_pooled(settings: BackboneSettings, seed: int, device: str) -> runtime.Compute:
    """Pooled features of a frozen backbone, for a process of its own."""
    backbone = model.create(settings, seed=seed).to(device)
    return runtime.TorchCompute(
        lambda crops, owner, photos: {"pooled": mean_of_crops(backbone(crops), owner, photos)}, device
    )
