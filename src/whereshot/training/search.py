"""Search for the settings with the best validation loss. A killed search can be resumed.

Optuna chooses (its tree-structured Parzen estimator, Bergstra et al. 2011) and keeps the trials in a journal, a text
file beside the model folder. Every trial is a whole training without calibration.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whereshot.foundation import errors, settings_file
from whereshot.foundation.errors import ConfigError, InputError, OutputError
from whereshot.foundation.progress import Track, silent
from whereshot.models import manifest, runtime
from whereshot.models.optimize import processes
from whereshot.models.optimize.processes import ProcessGroup
from whereshot.training import held_out, run_photos
from whereshot.training.run_file import Candidates, Run, check
from whereshot.training.train import TrainingJob, prepare_state

FOLDER = "search"
SEARCHED = ("optimizer.", "sampling.", "augment.", "head.settings.", "scaling_power")
"""Settings that may be searched. Photos, cells and backbone stay the same, so that losses can be compared."""
SettingValue = bool | int | float | str
"""A value that a search chooses for a setting."""
_SPREAD = 30.0
_REASON = "reason"


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, the best validation loss, and the number of epochs; or why there is no loss."""

    settings: dict[str, SettingValue]
    loss: float | None
    epochs: int = 0
    reason: str | None = None


def search(
    run: Run,
    trials: int,
    *,
    overwrite: bool = False,
    device: str | None = None,
    workers: int | None = None,
    cache: Path | None = None,
    track: Track = silent,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[list[Trial], Path]:
    """Search until there are ``trials`` trials; return them, best first, and the run file with the best settings.

    Trials of earlier calls count; ``overwrite`` deletes them. Raises ConfigError, InputError.
    """
    optuna = errors.require("optuna", extra="search")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if trials < 1:
        raise InputError(f"a search has at least 1 trial; got {trials}")
    if processes.is_launched():
        raise ConfigError("a search runs in one process; start it without torchrun")
    if run.data.validation == 0:
        raise ConfigError("a search compares validation losses; set data.validation above 0")
    space = space_of(run)
    folder = run.out.with_name(f"{run.out.name}.{FOLDER}")
    _prepare(run, folder, overwrite)
    group = ProcessGroup(device=runtime.pick_device(device))
    trainer = _TrialTrainer(TrainingJob(run, folder, group, workers, cache, track, say))
    study = _study(optuna, folder / "study.log", run.name)
    _put_back(optuna, study)
    while (done := len(_finished(study))) < trials:
        number = int(np.random.SeedSequence([run.seed, done]).generate_state(1)[0])
        study.sampler = optuna.samplers.TPESampler(seed=number)  # a resumed search chooses the same settings
        trial = study.ask()
        chosen = {name: _suggested(trial, name, candidates) for name, candidates in space.items()}
        say(f"trial {done + 1} of {trials}: {written(chosen)}")
        try:
            loss, epochs = trainer.train(chosen)
        except InputError as error:  # the learning rate was so high that the loss became NaN
            trial.set_user_attr(_REASON, str(error))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            trial.set_user_attr("epochs", epochs)
            study.tell(trial, loss)
    found = sorted((_trial_of(trial) for trial in _finished(study)), key=lambda trial: (trial.loss is None, trial.loss))
    best = folder / "best.toml"
    if found[0].loss is not None:
        settings_file.save(with_settings(run, found[0].settings), best)
    return found, best


class _TrialTrainer:
    """Trains a run with changed settings; all trials share the photos, the cells and the features."""

    def __init__(self, job: TrainingJob) -> None:
        self.job = job
        self.records = job.readable(*run_photos.read_records(job.run.data))
        photos = job.split(self.records)
        self.hierarchy = held_out.build_hierarchy(job.run, photos.points[photos.train_rows])
        job.say(f"{len(self.records)} photos; {' / '.join(map(str, self.hierarchy.sizes))} cells")

    def train(self, chosen: dict[str, SettingValue]) -> tuple[float, int]:
        """Train once, or finish a trial that was killed; return the best validation loss and the number of epochs.

        Raises InputError where the loss is not a number.
        """
        shared = self.job
        changed = with_settings(shared.run, chosen)
        state = shared.state_folder / "trial"
        prepare_state(changed, state, resume=_is_of(changed, state))
        job = TrainingJob(
            changed, state, shared.group, shared.workers, shared.cache, shared.track, shared.say, shared.pooled
        )
        backbone = job.backbone if changed.backbone.trained else shared.backbone
        network = held_out.build_network(changed, backbone, self.hierarchy, shared.group.device)
        log = state / "train.jsonl"
        lengths = job.fit(network, self.records, job.split(self.records), state / "network", log)
        losses = [json.loads(line)["validation_loss"] for line in log.read_text("utf-8").splitlines()]
        shutil.rmtree(state)
        return min(losses), sum(lengths)


def space_of(run: Run) -> dict[str, Candidates]:
    """Return the values to try for each setting. Raises ConfigError for a setting or a value that is not possible."""
    rate = run.optimizer.learning_rate
    default = {"optimizer.learning_rate": Candidates(low=rate / _SPREAD, high=rate * _SPREAD, log=True)}
    space = run.search.space or default
    for name, candidates in space.items():
        if not name.startswith(SEARCHED):
            raise ConfigError(f"search.space: {name!r} cannot be searched; known prefixes: {', '.join(SEARCHED)}")
        for value in candidates.choices or (candidates.low, candidates.high):
            if value is not None:
                check(with_settings(run, {name: value}))
    return space


def with_settings(run: Run, chosen: dict[str, SettingValue]) -> Run:
    """Return the run with changed settings, which are named with dots. Raises ConfigError."""
    document = run.model_dump(mode="json", exclude_none=True)
    for name, value in chosen.items():
        *sections, last = name.split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return settings_file.parse(document, Run, name="search.space")


def written(settings: dict[str, SettingValue]) -> str:
    """Return settings as one line of text."""
    return ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}" for name, value in settings.items()
    )


def table(trials: list[Trial]) -> list[str]:
    """Return the trials as lines of a table: validation loss, epochs, settings."""
    lines = [f"{'loss':>10}  {'epochs':>6}  settings"]
    for trial in trials:
        numbers = f"{'-':>10}  {'-':>6}" if trial.loss is None else f"{trial.loss:10.4f}  {trial.epochs:6d}"
        lines.append(f"{numbers}  {written(trial.settings)}" + (f"  ({trial.reason})" if trial.reason else ""))
    return lines


def _prepare(run: Run, folder: Path, overwrite: bool) -> None:
    """Make the folder of a search, or check that it belongs to the same settings. Raises OutputError."""
    if manifest.is_model(folder):
        raise OutputError(f"{folder}: is a model folder; choose another out")
    if overwrite:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        prepare_state(run, folder, resume=True)
    except ConfigError as error:
        message = f"{folder}: was started with other settings; give --overwrite to start again, or choose another out"
        raise ConfigError(message) from error


def _study(optuna: Any, journal: Path, name: str) -> Any:
    """Open the trials in a journal. Raises InputError where it cannot be read."""
    try:
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
        return optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{journal}: is not a journal of trials ({error}); start again with --overwrite") from error


def _is_of(run: Run, state: Path) -> bool:
    known = state / "run.toml"
    return known.is_file() and known.read_text("utf-8") == settings_file.dump(run)


def _put_back(optuna: Any, study: Any) -> None:
    """Put trials that a kill left unfinished at the front of the queue."""
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        if trial.params:
            study.enqueue_trial(trial.params)


def _finished(study: Any) -> list[Any]:
    """Return the trials that ended without a kill, with or without a loss."""
    return [t for t in study.get_trials(deepcopy=False) if t.value is not None or _REASON in t.user_attrs]


def _trial_of(trial: Any) -> Trial:
    """Return what Optuna keeps of a trial as a ``Trial``."""
    attributes = trial.user_attrs
    return Trial(trial.params, trial.value, attributes.get("epochs", 0), attributes.get(_REASON))


def _suggested(trial: Any, name: str, candidates: Candidates) -> Any:
    if candidates.choices is not None:
        return trial.suggest_categorical(name, candidates.choices)
    if isinstance(candidates.low, int) and isinstance(candidates.high, int):
        return trial.suggest_int(name, candidates.low, candidates.high, log=candidates.log)
    return trial.suggest_float(name, candidates.low, candidates.high, log=candidates.log)
