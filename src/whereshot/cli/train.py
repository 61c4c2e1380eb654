"""The command train: make a model folder from a run file or, with --search, a table of the settings that were tried."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import DeviceOption, ReplaceModelOption, SetOption, check_folder, resumable, say, watch
from whereshot.foundation.errors import InputError, WhereshotError

if TYPE_CHECKING:
    from whereshot.training.run_file import Run


def train(
    run: Annotated[Path, typer.Argument(help="Run file (TOML).", show_default=False)],
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option(help="Continue a stopped run.")] = False,
    overwrite: ReplaceModelOption = False,
    search: Annotated[
        int | None,
        typer.Option(min=1, metavar="TRIALS", help="Search for good settings instead, with this number of trials."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Number of processes that load pictures.")] = None,
    device: DeviceOption = None,
) -> None:
    """Train a model by a run file and write a model folder.

    To train with several processes: torchrun -m whereshot.cli train RUN.
    """
    from whereshot.foundation import errors, progress
    from whereshot.training import run_file

    errors.require("torch", extra="torch")
    from whereshot.models.optimize import processes
    from whereshot.training import train as training

    settled = run_file.load(run, settings or ())
    check_folder(settled.out, replaced=True)
    started = time.perf_counter()
    if search is not None:
        if resume:
            raise InputError("--search always continues an earlier search; leave --resume out")
        _search(settled, search, overwrite=overwrite, device=device, workers=workers)
        return
    resumable(add=["--resume"])
    try:
        folder = training.train(
            settled,
            resume=resume,
            overwrite=overwrite,
            device=device,
            workers=workers,
            track=progress.bar,
            say=say,
        )
    except WhereshotError:
        if processes.rank() > 0:
            sys.exit(2)  # the first process prints the error
        raise
    if processes.rank() == 0:
        print(f"{folder} ({time.perf_counter() - started:.0f} s)")


def _search(settled: Run, trials: int, *, overwrite: bool, device: str | None, workers: int | None) -> None:
    from whereshot.foundation import progress
    from whereshot.training import search as searching

    watch(settled.out.with_name(f"{settled.out.name}.{searching.FOLDER}"))
    resumable(drop=["--overwrite"])
    found, best = searching.search(
        settled, trials, overwrite=overwrite, device=device, workers=workers, track=progress.bar, say=say
    )
    print("\n".join(searching.table(found)))
    if best.is_file():
        print(f"train the best with: whereshot train {best}")
