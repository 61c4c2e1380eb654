"""Fit a refiner by a run file, and apply a fitted refiner to photos.

A refiner changes the posteriors of a model's cells, or posteriors in a file. It learns from photos that the model never
saw, by default from those that the model's own run kept for validation.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from whereshot.evaluate import Truth
from whereshot.evaluate.tables import Problems, read_distributions
from whereshot.evidence import refiners
from whereshot.evidence.refiners import Examples, FixedPlaces, scene_experts
from whereshot.foundation import output_files, settings_file
from whereshot.foundation.errors import ConfigError, InputError, ModelError, OutputError
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.settings_file import ConfigPath, Settings
from whereshot.locate.geolocator import Geolocator
from whereshot.models import manifest, model_folder
from whereshot.models.readout.cells import Cells, CellsSettings
from whereshot.photos import scenes
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior
from whereshot.training.run_file import DataSettings, Run
from whereshot.training.run_photos import read_records, split

STATE = "fitting"


class RefinerSettings(Settings):
    """A kind of refiner and its own settings."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)


class RefineRun(Settings):
    """A run file of a refiner.

    ``model`` is the base model, whose cells are refined, or ``posterior`` a file of posteriors as ``whereshot locate
    --posterior`` writes them. ``records`` are photos with positions that the base model never saw; without them those
    that the model's own run kept for validation.
    """

    name: str
    out: ConfigPath
    seed: int = 0
    model: ConfigPath | None = None
    posterior: ConfigPath | None = None
    records: ConfigPath | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    refiner: RefinerSettings

    @model_validator(mode="after")
    def _one_source(self) -> RefineRun:
        if (self.model is None) == (self.posterior is None):
            raise ValueError("give either model or posterior")
        if self.posterior is not None and self.records is None:
            raise ValueError("posterior needs records: its photos, with their positions")
        return self


@dataclass(frozen=True)
class RowPosteriors:
    """The posteriors of ``rows`` of the records, and the reason by row why the others have none."""

    posterior: Posterior
    rows: NDArray[np.int64]
    errors: dict[int, str]


def fit(
    run: RefineRun,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: str | None = None,
    track: Track = silent,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Fit a refiner, write its folder ``run.out`` and return the path.

    ``resume`` continues a fit that was killed. Raises InputError, ConfigError, ModelError, OutputError.
    """
    started = time.perf_counter()
    kind = refiners.kind_of(run.refiner.kind)
    settings = settings_file.parse(run.refiner.settings, kind.settings_type, name="refiner.settings")
    _check_out(run.out, overwrite)
    examples = _examples(run, device, track, say)
    say(f"{len(examples.cell)} photos, {examples.posterior.log_mass.shape[1]} cells")
    state = _state(run, resume)
    refiner = kind.fit(examples, settings, state=state / "training", seed=run.seed, track=track)
    training = {"photos": len(examples.cell), "seed": run.seed, "seconds": round(time.perf_counter() - started, 1)}
    model = None if run.model is None else str(run.model)
    extra = {"run.toml": settings_file.dump(run)}
    refiners.save(refiner, run.out, run.name, model=model, training=training, extra_files=extra)
    shutil.rmtree(state, ignore_errors=True)
    return run.out


def apply(
    folder: Path,
    records: Records,
    *,
    model: str | Path | None = None,
    posterior: Path | None = None,
    device: str | None = None,
    track: Track = silent,
) -> RowPosteriors:
    """Return the refined posteriors of the photos of records, from a file of posteriors or from a model.

    By default the model is that for which the refiner was fitted. Raises InputError where it was fitted on other cells.
    """
    refiner, description = refiners.load(folder)
    if posterior is not None:
        found = of_file(posterior, records, refiner.support)
    else:
        base = model or description.model
        if base is None:
            raise InputError(f"{folder}: was fitted on a file of posteriors; give --posterior with these photos")
        found, _ = _of_model(Geolocator.load(base, device), records, track)
    return RowPosteriors(refiner(found.posterior, records[found.rows]), found.rows, found.errors)


def _examples(run: RefineRun, device: str | None, track: Track, say: Callable[[str], None]) -> Examples:
    """Return the photos to learn from with the posteriors of the base model. Photos that fail are left out."""
    records = _photos(run)
    if run.model is not None:
        found, cell_of = _of_model(Geolocator.load(run.model, device), records, track)
    elif run.posterior is not None:
        found = of_file(run.posterior, records, None)
        cell_of = FixedPlaces.of(found.posterior).nearest
    else:
        raise ConfigError("a refiner learns from a model or a file of posteriors; give model or posterior")
    if found.errors:
        first = next(iter(found.errors.values()))
        say(f"{len(found.errors)} of {len(records)} photos have no posterior; first: {first}")
    records = records[found.rows]
    return Examples(found.posterior, records, cell_of(records.points))


def _check_out(out: Path, overwrite: bool) -> None:
    if manifest.is_model(out) and not overwrite:
        raise OutputError(f"{out}: holds a model already; choose another out, or give --overwrite")
    if out.exists() and not manifest.is_model(out) and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: exists and is not the folder of a refiner; choose another out")


def _state(run: RefineRun, resume: bool) -> Path:
    """Return the state folder of the fit: empty, or the folder of the same run file to resume from.

    Raises ConfigError.
    """
    state, wanted = run.out.with_name(f"{run.out.name}.{STATE}"), settings_file.dump(run)
    known = state / "run.toml"
    if resume and known.is_file():
        if known.read_text("utf-8") != wanted:
            raise ConfigError(f"{known}: the fit was started with other settings; start again without --resume")
        return state
    shutil.rmtree(state, ignore_errors=True)
    output_files.make_folder(state)
    output_files.write_text(known, wanted)
    return state


def _photos(run: RefineRun) -> Records:
    """Return the photos to learn from: the records, else the validation photos of the model's own run."""
    if run.records is not None:
        return read_records(DataSettings(train=run.records, columns=run.columns, split_by="id"))[0]
    if run.model is None:
        raise ConfigError("a refiner needs model or posterior, and records with the latter")
    folder = model_folder.find(run.model)
    manifest.verify(folder)
    own = folder / "run.toml"
    if not own.is_file():
        raise ModelError(f"{run.model}: has no run.toml with its photos; set records to photos it has never seen")
    made = settings_file.load(own, Run)
    if made.data.validation == 0:
        raise ConfigError(f"{run.model}: learned from all its photos; set records to photos it has never seen")
    records, _ = read_records(made.data)
    return records[split(records, made.data, made.seed)[1]]


def _of_model(
    locator: Geolocator, records: Records, track: Track
) -> tuple[RowPosteriors, Callable[[NDArray[np.float64]], NDArray[np.int64]]]:
    """Return the posteriors of the model's cells for the readable pictures, and a function from positions to cells."""
    folder = locator.model.described_by
    if folder is None or "cells" not in folder.description.readouts:
        raise InputError(f"{locator.name}: has no cells to refine; give a model that whereshot train made")
    outputs, rows, errors = locator.model.network_model.outputs(records.strings("image"), track=track)
    if not len(rows):
        raise InputError(f"none of {len(records)} pictures could be read; first: {next(iter(errors.values()))}")
    order = np.argsort(rows)
    own = folder.mixtures["cells"].cells
    fixed = own.position if own.position in ("centroid", "center") else "centroid"
    settings = CellsSettings(
        position=fixed, temperature=own.temperature, spread_scale=own.spread_scale, floor_km=own.floor_km
    )
    posterior = Cells(folder.hierarchy, settings)({name: values[order] for name, values in outputs.items()})
    return RowPosteriors(posterior, rows[order], errors), folder.hierarchy.finest.assign


def of_file(path: Path, records: Records, support: FixedPlaces | None) -> RowPosteriors:
    """Return the posteriors of records from a file, on all its places or on ``support``. Raises InputError."""
    blocks, errors = _read(path, records)
    support = FixedPlaces.of_parts([part for _, part in blocks]) if support is None else support
    return _in_order([(rows, support.gather(part)) for rows, part in blocks], errors)


def combine_experts(
    records: Records, experts: Mapping[str, Path], how: scene_experts.ExpertChoice = "likeliest"
) -> RowPosteriors:
    """Combine the posteriors of experts by the scenes of the records. ``experts`` are files by scene.

    A photo without a posterior of an expert has an error. Raises InputError unless every scene has exactly one expert.
    """
    shares, read = scenes.scene_shares(records), {}
    errors: dict[int, str] = {}
    for name, path in experts.items():
        read[name] = _in_order(*_read(path, records))
        errors = read[name].errors | errors
    rows = np.array([row for row in range(len(records)) if row not in errors], dtype=np.int64)
    if not len(rows):
        raise InputError(f"no photo has a posterior of all {len(experts)} experts; first: {errors[0]}")
    parts = {name: own.posterior[np.searchsorted(own.rows, rows)] for name, own in read.items()}
    return RowPosteriors(scene_experts.combine_experts(parts, shares[rows], how), rows, dict(sorted(errors.items())))


_Blocks = list[tuple[NDArray[np.int64], Posterior]]


def _read(path: Path, records: Records) -> tuple[_Blocks, dict[int, str]]:
    """Return blocks of rows with their posteriors, in the order of the file, and the errors of the other rows."""
    if not len(records):
        raise InputError("there is no photo in the records")
    ids = records.table["id"].to_numpy()
    blocks = list(read_distributions(path, Truth(np.zeros((len(records), 2)), ids=ids), Problems()))
    missing = np.setdiff1d(np.arange(len(records)), np.concatenate([rows for rows, _ in blocks]))
    return blocks, {int(row): f"{path}: no posterior of {ids[row]}" for row in missing}


def _in_order(blocks: _Blocks, errors: dict[int, str]) -> RowPosteriors:
    rows = np.concatenate([own for own, _ in blocks])
    order = np.argsort(rows)
    return RowPosteriors(Posterior.concat([part for _, part in blocks])[order], rows[order], errors)
