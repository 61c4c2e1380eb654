"""Two builds timed in turn: import, and the cold start of one answer.

The memory is what each process reads of itself at its end. The value that its parent gets (ru_maxrss) is never less
than the memory of the parent, which is more than an import takes.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from recording import build

WORDS = {"seconds": "time", "cpu_s": "time of one core", "peak_mb": "peak memory"}
"""What is measured of a run -> how the table calls it."""

REPORT = """
import atexit

def report():
    with open("/proc/self/status") as status, open({path!r}, "a") as peaks:
        peaks.write(next(line.split()[1] for line in status if line.startswith("VmHWM")) + "\\n")

atexit.register(report)
"""
"""A sitecustomize.py: every Python process adds the most kilobytes that it held to a file."""


def table(first: Path, second: Path, photo: Path, pairs: int) -> str:
    """A table of medians, and of the median ratio of each pair (second over first); ``first`` and ``second`` are
    Pythons. Raises SystemExit where a build fails."""
    lines = ["| what | first | second | second / first |", "|---|---|---|---|"]
    for what, arguments in (
        ("import whereshot", ["-c", "import whereshot"]),
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
        for number in range(pairs + 1):
            for which in (0, 1) if number % 2 else (1, 0):
                run = _measured(commands[which], folder)
                if number:
                    ended[which].append(run)
    return ended


def _measured(command: list[str], folder: Path) -> build.Ended:
    """One run, with the memory of its largest process. Raises SystemExit where it fails."""
    peaks = folder / "peaks"
    peaks.unlink(missing_ok=True)
    (folder / "sitecustomize.py").write_text(REPORT.format(path=str(peaks)))
    variables = build.environment(folder, folder / "cache") | {"PYTHONPATH": str(folder)}
    run = build.run(command, folder, variables, folder / "outputs")
    if run.exit_code:
        said = run.stderr.decode("utf-8", "replace").strip()[-300:]
        raise SystemExit(f"{' '.join(command)}: exit {run.exit_code}: {said}")
    return replace(run, peak_mb=max(map(int, peaks.read_text().split())) / 1024)
