"""Runs a command with an empty home, an empty temporary folder and an empty working folder, and says what it did there.

Python's own sockets, files and programs are heard by an audit hook (footprint_hooks/) in the command and in all its
processes. Look-ups and connections of native libraries are heard by a network of its own (footprint_network.py), where
the machine allows that. Files that stay are found by comparing the folders; native files elsewhere are not seen.
"""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import footprint_network
from footprint_cases import CASES, Case, folder_of

HERE = Path(__file__).parent
CACHE = ".cache/whereshot/"
"""Under the home folder: where whereshot itself keeps what is costly to compute."""
_PATIENCE_S = 500
_DEVICES = ("/dev/", "/proc/")


@dataclass(frozen=True)
class Footprint:
    """What a command did. Paths are relative to the folder that they lie in."""

    status: int
    stdout: str
    stderr: str
    asked: tuple[str, ...]
    """Files in the folder that the command was told to write to."""
    cached: tuple[str, ...]
    """Files in whereshot's own cache."""
    left: tuple[str, ...]
    """Other files and folders that stay, as "home/NAME", "temporary/NAME" or "here/NAME"."""
    elsewhere: tuple[str, ...]
    """Paths outside all these folders that Python wrote to."""
    names: tuple[str, ...]
    """Names that were looked up."""
    addresses: tuple[str, ...]
    """Hosts that were connected to, or sent to."""
    programs: tuple[str, ...]
    """Programs that were started, other than Python."""
    processes: int
    """Python processes."""

    def strays(self, named: frozenset[str] = frozenset(), may_cache: bool = False) -> list[str]:
        """One line for everything that the user did not ask for; ``named`` are the hosts that the user named."""
        lines = [f"leaves {path}" for path in (*self.left, *(() if may_cache else self.cached))]
        lines += [f"writes {path}" for path in self.elsewhere]
        lines += [f"looks up {name}" for name in self.names if name not in named]
        return lines + [f"connects to {host}" for host in self.addresses if host not in named]


@cache
def native_missing() -> str | None:
    """Why look-ups and connections of native libraries are not seen on this machine; None where they are."""
    return footprint_network.missing()


def watch(command: Sequence[str], work: Path, *, server: str = "-", given: Path | None = None, **env: str) -> Footprint:
    """Run the command in ``work``, an empty folder: it may write to ``work/out`` and read ``given``."""
    home, temporary, here, out = (work / name for name in ("home", "temporary", "here", "out"))
    for folder in (home, temporary, here, out):
        folder.mkdir(parents=True)
    report, log = work / "network.json", work / "log"
    environment = _environment(home, temporary, log, given) | env
    wrapper = [sys.executable, "-E", str(HERE / "footprint_network.py"), str(report), server]
    if native_missing() is None:
        wrapper = ["unshare", "--net", *wrapper]
    else:
        environment[footprint_network.OPEN] = "1"
    ran = subprocess.run(
        [*wrapper, *command],
        cwd=here,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    heard = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    native = json.loads(report.read_text()) if report.exists() else {"names": [], "addresses": []}
    kept = _files_in(home)
    left = [f"home/{name}" for name in kept if not f"{name}/".startswith(CACHE) and not CACHE.startswith(f"{name}/")]
    left += [f"{folder.name}/{name}" for folder in (temporary, here) for name in _files_in(folder)]
    names = [*native["names"], *(entry[1] for entry in heard if entry[0] == "name")]
    addresses = [address.rpartition(":")[0] for address in native["addresses"]]
    addresses += [entry[1] for entry in heard if entry[0] == "address"]
    return Footprint(
        status=ran.returncode,
        stdout=ran.stdout,
        stderr=ran.stderr,
        asked=tuple(name for name in _files_in(out) if (out / name).is_file()),
        cached=tuple(name for name in kept if (home / name).is_file() and name.startswith(CACHE)),
        left=tuple(left),
        elsewhere=_once(entry[1] for entry in heard if entry[0] == "write" and not _is_inside(entry[1], work)),
        names=_once(name for name in names if not _is_address(name)),
        addresses=_once(addresses),
        programs=_once(Path(entry[1]).name for entry in heard if entry[0] == "program" and not _is_python(entry[1])),
        processes=len({entry[1] for entry in heard if entry[0] == "process"}),
    )


def watch_all(work: Path, given: Path, cases: Mapping[str, Case] = CASES, at_a_time: int = 2) -> dict[str, Footprint]:
    """Run all cases, each after the case whose output it takes."""
    running: dict[str, Future[Footprint]] = {}

    def run(name: str, case: Case) -> Footprint:
        if case.after is not None:
            running[case.after].result()
        folder = work / folder_of(name)
        before = "" if case.after is None else str(work / folder_of(case.after) / "out")
        places = {"given": given, "out": folder / "out", "before": before, "server": "{server}"}
        command = [part.format(**places) for part in case.command]
        environment = case.environment | {"FOOTPRINT_BEFORE": before}
        return watch(command, folder, server=case.server, given=given, **environment)

    with ThreadPoolExecutor(at_a_time) as pool:
        for name, case in cases.items():
            running[name] = pool.submit(run, name, case)
    return {name: future.result() for name, future in running.items()}


def watch_together(work: Path, given: Path, names: Sequence[str]) -> Footprint:
    """Run the cases of these names in one process, after those of ``work`` whose output they take."""
    folder = work / "together"
    script = [sys.executable, str(HERE / "footprint_together.py"), str(given), str(folder / "out"), str(work)]
    return watch([*script, *names], folder, given=given)


def _environment(home: Path, temporary: Path, log: Path, given: Path | None) -> dict[str, str]:
    """As little as a command needs. Python writes no bytecode, as it does not for an installed package either."""
    paths = [str(HERE / "footprint_hooks"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "FOOTPRINT_LOG": str(log),
        "FOOTPRINT_GIVEN": str(given or ""),
    }


def _files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def _is_inside(path: str, work: Path) -> bool:
    return path.startswith((f"{work}{os.sep}", *_DEVICES))


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name.partition("%")[0]))
    except ValueError:
        return False


def _is_python(program: str) -> bool:
    return Path(program).name.startswith("python")


def _once(texts) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    return tuple(dict.fromkeys(texts))
