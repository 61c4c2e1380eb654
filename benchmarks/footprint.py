"""What every command leaves on the machine and whom it asks: the table of docs/responsible-use.md.

    python benchmarks/footprint.py            # writes the section of docs/responsible-use.md
    python benchmarks/footprint.py --check    # only says what commands did that nobody asked for

Each command runs once, on small made inputs, with an empty home and an empty temporary folder
(tests/footprint_watch.py). The server stays for 40 seconds after its answer. Look-ups and connections of native
libraries are seen on Linux, as root. Exit 1 where a command did something that nobody asked for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from footprint_cases import CASES, Case, serve, write_inputs  # noqa: E402
from footprint_watch import CACHE, Footprint, native_missing, watch_all  # noqa: E402

DOCUMENT = ROOT / "docs" / "responsible-use.md"
HEADING = "## What each command leaves and asks"
STAY_S = 40.0
TOP = """
Each command was run once, on small inputs, with an empty home and an empty folder for temporary files. "Writes" is what
it wrote where it was told to. "Keeps" is what it keeps of costly work under `~/.cache/whereshot`; the folder may be
removed at any time. Nothing else was left. Temporary files are gone at the end, unless the command is killed.
{native}
Made by `python benchmarks/footprint.py`; `tests/test_footprint.py` holds it for every command.

| command | writes | keeps | looks up | connects to | starts |
|---|---|---|---|---|---|
"""
SEEN = "Look-ups and connections are those of all libraries, native ones included."
UNSEEN = "Look-ups and connections are those of Python alone ({missing})."


def row(name: str, case: Case, seen: Footprint) -> str:
    """One line of the table."""
    command = f"`{name}`" + (f" ({case.about})" if case.about else "")
    kept = sorted({path.removeprefix(CACHE).split("/")[0] for path in seen.cached})
    hosts = ["the server that you name" if host in case.named else host for host in seen.addresses]
    if name == "serve":
        hosts = ["nobody; it is asked"] if set(seen.addresses) <= case.named else hosts
    cells = [_summary(seen.asked), kept, seen.names, dict.fromkeys(hosts), seen.programs]
    return f"| {' | '.join([command, *(', '.join(cell) or 'nothing' for cell in cells)])} |"


def _summary(files: tuple[str, ...]) -> list[str]:
    """Files by name, and folders with how many files they hold."""
    counts = Counter(path.split("/")[0] + ("/" if "/" in path else "") for path in files)
    told = {name: f"{name} ({count} file{'s' * (count > 1)})" for name, count in counts.items()}
    return [told[name] if name.endswith("/") else name for name in sorted(counts)]


def section(cases: dict[str, Case], footprints: dict[str, Footprint]) -> str:
    """The heading, what was done, and the table."""
    missing = native_missing()
    top = TOP.format(native=SEEN if missing is None else UNSEEN.format(missing=missing))
    rows = [row(name, cases[name], footprints[name]) for name in sorted(cases)]
    return f"{HEADING}\n{top}" + "\n".join(rows) + "\n"


def replaced(document: str, new: str) -> str:
    """The document with its section of that heading replaced, or with the section at its end."""
    before, found, after = document.partition(HEADING)
    _, follows, rest = after.partition("\n## ")
    return before.rstrip("\n") + "\n\n" + new + (f"\n## {rest}" if found and follows else "")


def main() -> None:
    """Run all commands, write the section, and print files and hosts that no command should use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    only_check = parser.parse_args().check
    cases = CASES | {"serve": serve(STAY_S)}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "given")
        given.mkdir()
        write_inputs(given, ROOT / "examples" / "village-sign.jpg")
        footprints = watch_all(Path(folder), given, cases)
    strays = []
    for name, seen in footprints.items():
        strays += [f"{name}: {line}" for line in seen.strays(cases[name].named, cases[name].caches)]
        if seen.status != cases[name].status:
            strays.append(f"{name}: exit {seen.status}: {seen.stderr[-500:]}")
    if not only_check and not strays:  # the section says that there are none
        DOCUMENT.write_text(replaced(DOCUMENT.read_text("utf-8"), section(cases, footprints)), "utf-8")
    print("\n".join(strays or ["no command does what nobody asked for"]))
    sys.exit(bool(strays))


if __name__ == "__main__":
    main()
