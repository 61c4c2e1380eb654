"""The run file of a training: photos, network, cells, head and procedure, checked before any work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationInfo, field_validator, model_validator

from whereshot.earth import partition
from whereshot.foundation import errors, settings_file
from whereshot.foundation.errors import ConfigError, nearest_name
from whereshot.foundation.settings_file import ConfigPath, Settings
from whereshot.models import networks
from whereshot.models.networks import BackboneSettings
from whereshot.models.optimize.optimizers import OptimizerSettings
from whereshot.models.readout.cells import PositionSettings
from whereshot.photos.augment import AugmentSettings
from whereshot.training.sampling import SamplingSettings

PLACE = "cell"
"""Value of ``split_by`` that groups photos by their position."""


class DataSettings(Settings):
    """The photos to learn from: Records, or a table with positions and paths of pictures."""

    train: ConfigPath
    columns: dict[str, str] = Field(default_factory=dict)
    validation: float = Field(0.0, ge=0, lt=1)
    """Share of the groups that are kept for validation, which decides when training stops; 0 for none."""
    split_by: str = "group"
    loader: Literal["pillow", "dali"] = "pillow"
    """The decoder of pictures for a trained backbone: "pillow", or "dali" (NVIDIA DALI, on a GPU if possible)."""


class PartitionLevels(Settings):
    """The kind of partition, and its settings for each level, coarse to fine."""

    kind: str = "s2"
    levels: list[dict[str, Any]] = Field(min_length=1)

    @field_validator("levels")
    @classmethod
    def _relative_to_the_run_file(cls, levels: list[dict[str, Any]], info: ValidationInfo) -> list[dict[str, Any]]:
        """Resolve relative paths of border files against the folder of the run file."""
        path = TypeAdapter(ConfigPath)
        return [
            level | {"file": str(path.validate_python(level["file"], context=info.context))}
            if "file" in level
            else level
            for level in levels
        ]


class HeadSettings(Settings):
    """The kind of the head and its own settings."""

    kind: str = "classify"
    settings: dict[str, Any] = Field(default_factory=dict)


class CalibrationSettings(PositionSettings):
    """Settings of the calibration: where in a cell the answer lies, and the number of folds.

    For a frozen backbone, the folds are held out in turn by group, and again by place.
    """

    folds: int = Field(5, ge=2)


class Candidates(Settings):
    """The values to try for a setting: numbers from ``low`` to ``high``, or ``choices``.

    The numbers are integers where ``low`` and ``high`` are. With ``log`` the logarithm is uniform.
    """

    low: int | float | None = Field(None, allow_inf_nan=False)
    high: int | float | None = Field(None, allow_inf_nan=False)
    log: bool = False
    choices: list[bool | int | float | str] | None = Field(None, min_length=2)

    @model_validator(mode="after")
    def _one_kind(self) -> Candidates:
        if (self.low is None) != (self.high is None) or (self.low is None) == (self.choices is None):
            raise ValueError("give low and high, or choices")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low must be below high; got {self.low} and {self.high}")
        if self.log and not (self.low or 0) > 0:
            raise ValueError(f"log needs a low above 0; got {self.low}")
        return self


class SearchSettings(Settings):
    """The values that ``train --search`` tries, by the name of the setting, such as "optimizer.learning_rate"."""

    space: dict[str, Candidates] = Field(default_factory=dict)
    """By default the learning rate, log-uniform from 1/30 to 30 times the rate of the run."""


class Run(Settings):
    """The content of a run file."""

    name: str
    out: ConfigPath
    seed: int = 0
    data: DataSettings
    backbone: BackboneSettings
    preprocess: dict[str, Any] = Field(default_factory=dict)
    augment: AugmentSettings = AugmentSettings()
    scaling_power: float = Field(1.0, gt=0)
    partition: PartitionLevels
    head: HeadSettings = HeadSettings()
    auxiliary: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Auxiliary losses by their names in ``networks.AUXILIARIES``, each with its settings."""
    sampling: SamplingSettings = SamplingSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    search: SearchSettings = SearchSettings()
    calibration: CalibrationSettings = CalibrationSettings()


def load(path: Path, overrides: Iterable[str] = ()) -> Run:
    """Read and check a run file. Raises ConfigError, which names all wrong keys at once.

    Tables whose keys depend on a kind (of a head, a partition or an auxiliary loss) are checked too. ``overrides`` are
    settings as key=value.
    """
    data = settings_file.read(path, overrides)
    problems = [
        text
        for name, table, settings in _tables_by_kind(data)
        for text in settings_file.unknown_keys(table, settings, name=name)
    ]
    try:
        run = settings_file.parse(data, Run, name=str(path), base=path.absolute().parent)
    except ConfigError as error:
        raise ConfigError("; ".join([str(error), *problems])) from None
    if problems:
        raise ConfigError("; ".join(problems))
    return run


def _tables_by_kind(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], type[Settings]]]:
    """Yield (name, table, class of settings) for each table whose keys depend on a kind, where the kind is known."""

    tables = {name: data[name] for name in ("head", "partition", "auxiliary") if isinstance(data.get(name), dict)}
    head = {"kind": "classify", **tables.get("head", {})}
    if head["kind"] in list(networks.HEADS):
        yield "head.settings", head.get("settings", {}), networks.HEADS[head["kind"]].settings
    divided = {"kind": "s2", **tables.get("partition", {})}
    levels = divided.get("levels")
    if divided["kind"] in list(partition.PARTITIONS) and isinstance(levels, list):
        for number, level in enumerate(levels):
            yield f"partition.levels.{number}", level, partition.PARTITIONS[divided["kind"]].settings
    for name, own in tables.get("auxiliary", {}).items():
        if name in networks.AUXILIARIES:
            yield f"auxiliary.{name}", own, networks.AUXILIARIES[name].settings


def check(run: Run, processes: int = 1) -> None:
    """Check settings that would otherwise fail only after the features are computed. Raises ConfigError."""
    head_settings(run.head)
    networks.parse_auxiliary(run.auxiliary)
    if run.partition.kind not in partition.PARTITIONS:
        hint = nearest_name(run.partition.kind, partition.PARTITIONS)
        raise ConfigError(f"partition.kind: no partition kind {run.partition.kind!r}; {hint}")
    for number, level in enumerate(run.partition.levels):
        settings_file.parse(level, partition.PARTITIONS[run.partition.kind].settings, name=f"partition.levels.{number}")
    if run.calibration.position == "offset" and not getattr(head_settings(run.head), "offset", False):
        raise ConfigError('calibration.position "offset" needs head.settings.offset = true')
    if run.calibration.position == "components" and run.head.kind != "mvmf":
        raise ConfigError('calibration.position "components" needs head.kind = "mvmf"')
    if run.backbone.trained and run.data.validation == 0:
        raise ConfigError("data.validation must be above 0 for a trained backbone: its photos are for the calibration")
    _check_procedure(run, processes)


def _check_procedure(run: Run, processes: int) -> None:
    levels, parts = len(run.partition.levels), run.optimizer.accumulate * processes
    if not -levels <= run.sampling.level < levels:
        raise ConfigError(
            f"sampling.level: the partition has {levels} levels, the coarsest is 0; got {run.sampling.level}"
        )
    if run.optimizer.batch_size % parts:
        shared = f"{run.optimizer.accumulate} parts" + (f" on {processes} processes" if processes > 1 else "")
        raise ConfigError(
            f"optimizer.batch_size {run.optimizer.batch_size} cannot be shared evenly by {shared}; "
            f"set a multiple of {parts}"
        )
    aligned = run.head.kind == "align" and getattr(head_settings(run.head), "loss", None) == "contrastive"
    if parts > 1 and (aligned or "captions" in run.auxiliary):
        raise ConfigError(
            "the contrastive loss compares the photos of a step with each other, which cannot be computed in parts; "
            "set optimizer.accumulate = 1 and use one process"
        )
    if run.backbone.trained:
        if run.data.loader == "dali":
            errors.require("nvidia.dali", extra="dali")
        return
    if processes > 1:
        raise ConfigError(
            "several processes cannot train a frozen backbone; start without torchrun, and give --workers for its "
            "features"
        )
    if run.augment != AugmentSettings():
        raise ConfigError("augment needs a trained backbone, and this one is frozen; set backbone.trained")
    if run.auxiliary:
        raise ConfigError("auxiliary losses need a trained backbone, and this one is frozen; set backbone.trained")
    if run.optimizer.layer_decay != 1:
        raise ConfigError(
            "optimizer.layer_decay needs a trained backbone, and this one is frozen; set backbone.trained"
        )


def head_settings(head: HeadSettings) -> Settings:
    """Parse and return the settings of a head. Raises ConfigError."""
    if head.kind not in networks.HEADS:
        raise ConfigError(f"head.kind: no head {head.kind!r}; {nearest_name(head.kind, networks.HEADS)}")
    return settings_file.parse(head.settings, networks.HEADS[head.kind].settings, name="head.settings")
