"""Record what a build of whereshot answers and writes; compare two recordings; time two builds.

    python benchmarks/compare_builds.py record --python PYTHON --out DIR [--photos 60] [--models DIR]
    python benchmarks/compare_builds.py compare DIR_A DIR_B [--allow-words] [--allow-added]
    python benchmarks/compare_builds.py time PYTHON_A PYTHON_B [--pairs 7]

PYTHON is a Python that imports the build, such as .venv/bin/python of its checkout. ``record`` needs the shared photos
and runs every command, most of them on one core. With ``--models`` the models, cells and refiners of an earlier
recording replace those that the build makes, which shows whether it reads them. ``compare`` demands that every number,
field and file is the same; it exits with 1 where one is not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
SHARED = BENCHMARKS.parents[1] / "shared"
LEAST_PHOTOS = 6


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="run a build's commands and keep what they answer and write")
    record.add_argument("--python", type=Path, required=True, help="the Python that imports the build")
    record.add_argument("--out", type=Path, required=True, help="a new folder for the recording")
    record.add_argument("--photos", type=int, default=60, help="shared photos to locate (default 60)")
    record.add_argument("--shared", type=Path, default=SHARED, help="the folder with data/photos and data/tables")
    record.add_argument("--models", type=Path, help="an earlier recording, whose models, cells and refiners are used")
    record.add_argument("--only", help="only steps whose name contains this; for work on this script")
    compare = commands.add_parser("compare", help="compare two recordings")
    compare.add_argument("first", type=Path)
    compare.add_argument("second", type=Path)
    compare.add_argument("--allow-words", action="store_true", help="changed words of messages and help are no failure")
    compare.add_argument("--allow-added", action="store_true", help="new fields, files and steps are no failure")
    compare.add_argument("--most", type=int, default=200, help="differences to list (default 200)")
    timed = commands.add_parser("time", help="time two builds, pair by pair")
    timed.add_argument("first", type=Path)
    timed.add_argument("second", type=Path)
    timed.add_argument("--pairs", type=int, default=7, help="runs of each build (default 7)")
    timed.add_argument("--photo", type=Path, default=BENCHMARKS.parent / "examples" / "village-sign.jpg")
    given = parser.parse_args(arguments)
    if given.command == "record" and given.photos < LEAST_PHOTOS:
        parser.error(f"--photos: at least {LEAST_PHOTOS}, one of each set; got {given.photos}")
    if given.command == "record" and not (given.shared / "data" / "photos").is_dir():
        parser.error(f"--shared: no folder {given.shared}/data/photos")
    if given.command == "time" and given.pairs < 1:
        parser.error(f"--pairs: at least 1; got {given.pairs}")
    return given


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = parse(arguments)
    sys.path.insert(0, str(BENCHMARKS))
    if given.command == "record":
        from recording import recorder

        recorder.record(given.python.absolute(), given.out, given.shared, given.photos, given.only, given.models)
        return 0
    if given.command == "time":
        from recording import timing

        print(timing.table(given.first.absolute(), given.second.absolute(), given.photo, given.pairs))
        return 0
    from recording import comparison

    report = comparison.compare(given.first, given.second)
    print(report.words(given.most))
    return report.exit_code(allow_words=given.allow_words, allow_added=given.allow_added)


if __name__ == "__main__":
    sys.exit(main())
