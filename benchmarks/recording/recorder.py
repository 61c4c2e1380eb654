"""Records a build: a folder with the outputs of every command, and the files that it wrote.

``recording.json`` has the build's folders, the day, and for each step its arguments and exit code. ``steps/NAME`` has
``stdout.json`` (or .txt, .csv, .html, by the format that was asked for), ``stderr.txt``, and under ``files`` what the
step wrote or changed.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recording import build, commands, inputs, service

FORMAT = 1
PORT = 18437
"""Of the server of pictures."""
NAMED = {"json": "json", "geojson": "json", "csv": "csv", "html": "html"}
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "village-sign.jpg"

Snapshot = dict[str, tuple[int, int]]


def record(
    python: Path, out: Path, shared: Path, photos: int, only: str | None = None, models: Path | None = None
) -> None:
    """Run all steps with a build and write their outputs. Raises SystemExit where there is nothing to run.

    ``only`` keeps the steps whose name contains it. ``models`` is an earlier recording, whose models, cells and
    refiners replace those that this build makes: later steps show whether it reads them.
    """
    if (out / "recording.json").exists() or (out.exists() and any(out.iterdir())):
        raise SystemExit(f"{out}: not empty; name a new folder, or remove it")
    if models is not None and not (models / "recording.json").is_file():
        raise SystemExit(f"{models}: no recording; make one with: compare_builds.py record")
    made = build.Build(python)
    began = time.perf_counter()
    with workspace() as (folder, cache), service.pictures(folder / "known", PORT) as pictures:
        inputs.make(folder, shared, photos, pictures)
        shutil.copyfile(EXAMPLE, folder / "sign.jpg")
        regions = shared / "data" / "tables" / "ne_110m_admin_0_countries.json"
        shutil.copyfile(regions, folder / "regions.json")
        recorder = Recorder(made, folder, cache, out, pictures, models)
        for step in commands.steps():
            if only is None or only in step.name:
                recorder.run(step)
        if only is None or only in "serve":
            recorder.serve()
    recorder.write(photos)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = f"{time.perf_counter() - began:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of one core"
    print(f"{len(recorder.steps)} commands in {told}; wrote {out}", file=sys.stderr)


@contextmanager
def workspace() -> Iterator[tuple[Path, Path]]:
    """The folder in which all commands run, always the same, so that paths in answers and their hashes are the same.

    The other folder is kept from recording to recording. One recording runs at a time: others wait.
    """
    base = Path(tempfile.gettempdir()) / "whereshot-recording"
    base.mkdir(exist_ok=True)
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = base / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in ("answers", "cells", "records"):  # no command makes the folder of a file
            (folder / name).mkdir()
        yield folder, base / "cache"
        shutil.rmtree(folder)


@contextmanager
def narrowed(cores: list[int], turn: int, count: int) -> Iterator[None]:
    """Use ``count`` cores, other ones from turn to turn, so that other work on the machine is not always beside it."""
    os.sched_setaffinity(0, {cores[(turn + number) % len(cores)] for number in range(count)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Recorder:
    """Runs steps and keeps their outputs."""

    def __init__(
        self, made: build.Build, folder: Path, cache: Path, out: Path, pictures: str, models: Path | None
    ) -> None:
        self._build, self._folder, self._out, self._models = made, folder, out, models
        self._home = folder.parent / "home"
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir()
        self._variables = build.environment(self._home, cache) | service.environment_keys()
        self._names = {"pictures": pictures, "sign": "sign.jpg"}
        self._cores = sorted(os.sched_getaffinity(0))
        self._day = datetime.datetime.now(datetime.UTC).date()
        self.steps: list[dict[str, Any]] = []

    def run(self, step: commands.Step) -> None:
        """Run one command."""
        arguments = [argument.format(**self._names) if argument in ("{pictures}", "{sign}") else argument
                     for argument in step.arguments]  # fmt: skip
        before = snapshot(self._folder)
        with narrowed(self._cores, len(self.steps), step.cores):
            ended = build.run([*self._build.command, *arguments], self._folder, self._variables, self._home / "outputs")
        folder = self._out / "steps" / step.name
        folder.mkdir(parents=True)
        (folder / f"stdout.{format_of(arguments)}").write_bytes(ended.stdout)
        (folder / "stderr.txt").write_bytes(ended.stderr)
        self._keep(before, folder)
        made = None if self._models is None else self._models / "steps" / step.name / "files"
        if made is not None and made.is_dir() and step.name.startswith(commands.MAKERS):
            shutil.copytree(made, self._folder, dirs_exist_ok=True)
        told = {"name": step.name, "arguments": arguments, "exit": ended.exit_code, "cpu_s": round(ended.cpu_s, 2)}
        self.steps.append(told)
        print(f"{step.name:28} exit {ended.exit_code} {ended.cpu_s:7.2f} s of one core", file=sys.stderr)

    def serve(self) -> None:
        """Start the build's server and record its answers."""
        arguments = ["serve", "--model", "learned", "--gallery", "gallery", "--port", "0", "--workers", "1"]
        folder = self._out / "steps" / "serve"
        folder.mkdir(parents=True)
        log = folder / "stderr.txt"
        command = [*self._build.command, *arguments]
        with narrowed(self._cores, 0, 1), service.served(command, self._folder, self._variables, log) as host:
            count = service.record(host, self._folder, folder / "files")
        self.steps.append({"name": "serve", "arguments": arguments, "exit": 0})
        print(f"{'serve':28} {count} requests", file=sys.stderr)

    def write(self, photos: int) -> None:
        """Write recording.json."""
        days = sorted({str(self._day), str(datetime.datetime.now(datetime.UTC).date())})
        roots = self._build.roots() | {"work": str(self._folder), "home": str(self._home)}
        document = {"format": FORMAT, "roots": roots, "days": days, "photos": photos, "steps": self.steps}
        (self._out / "recording.json").write_text(json.dumps(document, indent=1) + "\n")

    def _keep(self, before: Snapshot, folder: Path) -> None:
        after = snapshot(self._folder)
        for name, state in after.items():
            if before.get(name) != state:
                target = folder / "files" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._folder / name, target)
        removed = sorted(set(before) - set(after))
        if removed:
            (folder / "removed.txt").write_text("\n".join(removed) + "\n")


def snapshot(folder: Path) -> Snapshot:
    """Every file below a folder: its path, when it was changed (ns), and its size."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            status = os.stat(path)
            found[os.path.relpath(path, folder)] = (status.st_mtime_ns, status.st_size)
    return found


def format_of(arguments: list[str]) -> str:
    """The ending for what a command printed: by its --format, where it was not written to a file instead."""
    if "--format" in arguments and not ("--out" in arguments and arguments[0] == "locate"):
        return NAMED.get(arguments[arguments.index("--format") + 1], "txt")
    return "txt"
