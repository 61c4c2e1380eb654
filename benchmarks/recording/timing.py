"""Two builds timed in turn: import, and the cold start of one answer. Only the standard library is loaded here.

The kernel counts a child's memory from that of its parent, so a parent that is larger than the child would hide it.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from recording import build

IMPORT = "import whereshot"
WORDS = {"seconds": "time", "cpu_s": "time of one core", "peak_mb": "peak memory"}


def table(first: Path, second: Path, photo: Path, pairs: int) -> str:
    """A table of medians, and of the median ratio of each pair (second over first); ``first`` and ``second`` are
    Pythons. Raises SystemExit where a build fails."""
    lines = ["| what | first | second | second / first |", "|---|---|---|---|"]
    for what, arguments in (
        ("import whereshot", ["-c", IMPORT]),
        ("locate one photo, --no-text", ["-m", "whereshot.cli", "locate", str(photo.absolute()), "--no-text"]),
    ):
        commands = [[str(python), *arguments] for python in (first, second)]
        ended = _in_turn(commands, pairs)
        for name, unit, digits in (("seconds", "s", 3), ("cpu_s", "s", 3), ("peak_mb", "MB", 1)):
            values = [[getattr(one, name) for one in runs] for runs in ended]
            medians = [statistics.median(one) for one in values]
            ratio = statistics.median(after / before for before, after in zip(*values, strict=True))
            told = " | ".join(f"{value:.{digits}f} {unit}" for value in medians)
            lines.append(f"| {what}: {WORDS[name]} | {told} | {ratio:.3f} |")
    lines.append(f"\nMedians of {pairs} runs of each build, in turn, after one run of each that is not counted.")
    return "\n".join(lines)


def _in_turn(commands: list[list[str]], pairs: int) -> list[list[build.Ended]]:
    """Runs of two commands; which is first changes from pair to pair."""
    ended: list[list[build.Ended]] = [[], []]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        variables = build.environment(folder, folder / "cache")
        for number in range(pairs + 1):
            for which in (0, 1) if number % 2 else (1, 0):
                run = build.run(commands[which], folder, variables, folder / "outputs")
                if run.exit_code:
                    said = run.stderr.decode("utf-8", "replace").strip()[-300:]
                    raise SystemExit(f"{' '.join(commands[which])}: exit {run.exit_code}: {said}")
                if number:
                    ended[which].append(run)
    return ended
