"""One build of whereshot: its Python, the folders that belong to it, and one run of one of its commands."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
FIND_ROOTS = "import sys, whereshot; print(whereshot.__path__[0]); print(sys.prefix)"


@dataclass(frozen=True)
class Ended:
    """The end of a command. ``cpu_s`` includes all its processes; ``peak_mb`` is the memory of the largest process."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class Build:
    """A build, named by the Python that imports it. The path is used as given: a venv's Python is a link."""

    python: Path

    @property
    def command(self) -> list[str]:
        """Return the first arguments of every command of this build."""
        return [str(self.python), "-m", "whereshot.cli"]

    def roots(self) -> dict[str, str]:
        """Folders of this build that may appear in its answers: name -> path. Raises SystemExit."""
        found = subprocess.run([str(self.python), "-c", FIND_ROOTS], capture_output=True, text=True, check=False)
        if found.returncode:
            raise SystemExit(f"{self.python}: does not import whereshot: {found.stderr.strip()[-300:]}")
        package, prefix = found.stdout.splitlines()
        return {"package": package, "python": prefix}


def environment(home: Path, cache: Path) -> dict[str, str]:
    """The variables of a recorded command: one thread, no colour, a home of its own, nothing of the user's.

    ``home`` (a folder) holds what a build keeps for the user, ``cache`` the list of fonts that matplotlib makes.
    """
    passed = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    fixed = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "COLUMNS": "120",
        "LINES": "50",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "agg",
        "CUDA_VISIBLE_DEVICES": "",
    }
    return passed | fixed | dict.fromkeys(THREADS, "1")


def run(command: list[str], folder: Path, variables: dict[str, str], scratch: Path) -> Ended:
    """Run a command in a folder and wait for its end. Its outputs pass through files in ``scratch``.

    The memory is that of the process or of the largest one that it started and waited for, or of this process where
    that is more.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    out, err = scratch / "stdout", scratch / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = used.ru_utime + used.ru_stime
    return Ended(process.returncode, out.read_bytes(), err.read_bytes(), seconds, cpu_s, used.ru_maxrss / 1024)
