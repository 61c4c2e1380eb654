"""Runs the commands of several cases in one process, one after the other, which loads the libraries once.

    python footprint_together.py GIVEN OUT WORK CASE ...

GIVEN is the folder of inputs. Each case writes to its own folder of OUT. WORK holds the folders of the cases that ran
before, each with its folder ``out``. Where a case ends with another status than its own, exits with 1 and names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from footprint_cases import CASES, WHERESHOT, folder_of
from whereshot.cli import main


def run(name: str, given: Path, out: Path, work: Path) -> int:
    """Run the command of a case and return its exit status."""
    case = CASES[name]
    before = out / folder_of(case.after or "")
    if not before.is_dir():
        before = work / folder_of(case.after or "") / "out"
    own = out / folder_of(name)
    own.mkdir()
    words = [part.format(given=given, out=own, before=before) for part in case.command[len(WHERESHOT) :]]
    sys.argv = ["whereshot", *words]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)


if __name__ == "__main__":
    folders, names = map(Path, sys.argv[1:4]), sys.argv[4:]
    places = list(folders)
    ended = {name: run(name, *places) for name in names}
    wrong = [f"{name} ended with {status}" for name, status in ended.items() if status != CASES[name].status]
    if wrong:
        sys.exit("; ".join(wrong))
