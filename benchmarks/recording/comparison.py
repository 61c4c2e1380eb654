"""Compares two recordings and lists all differences: numbers, values, missing or added fields, and words."""

from __future__ import annotations

import difflib
import fnmatch
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recording.readers import Help, Prose, Raw, Steady, read

KINDS = ("number", "value", "missing", "added", "words")
"""Kinds of differences: a number; another value (text, boolean or null); a field, file or step that is missing in or
added to the second recording; words of messages and help."""

VARYING: dict[str, str] = {
    "*/stdout.json:*seconds": "how long it took",
    "*/_manifest.jsonl:*.seconds": "how long it took",
    "*/train.jsonl:*.seconds": "how long it took",
    "*.toml:training.seconds": "how long it took",
    "*:*created": "when a model was made",
    "*/manifest.json:sha256.model.toml": "hash of a file that says when the model was made",
    "*/_manifest.jsonl:*.settings.model": "a name, and a hash of a model that says when it was made",
    "*:*.modified_ns": "when an input was written",
    "*/learned-photos.safetensors:arrays.*": "digests of photos with a random salt",
    "*/manifest.json:sha256.learned-photos.safetensors": "hash of digests with a random salt",
    "*/manifest.json:sha256.train.jsonl": "hash of a file that says how long it took",
    "*/manifest.json:sha256.refiner.toml": "hash of a file that says how long it took",
    "models-show-compact-json/stdout.json:path": "where the installed package lies",
}
"""FILE:FIELD patterns of what differs between two recordings of one build, and why."""

WORDED = {"means", "error", "errors", "detail", "note", "notes", "description", "summary", "why", "told",
          "limits", "help", "card", "message"}  # fmt: skip
"""Fields whose texts are sentences for people."""

NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[-−+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
OPTION = re.compile(r"^ {2,4}(--?[a-z][\w-]*)", re.MULTILINE)
COMMAND = re.compile(r"^ {2}([a-z][\w-]*) ", re.MULTILINE)
DEFAULT = re.compile(r"\[default:\s+([^\]]*)\]")
CHOICES = re.compile(r"<([\w-]+(?:\|[\w-]+)+)>")
SHOWN = 160


@dataclass(frozen=True)
class Difference:
    """A difference: its kind (one of KINDS), its place, and the two values."""

    kind: str
    where: str
    before: str = ""
    after: str = ""


@dataclass
class Report:
    """The result of a comparison: counts of what was compared, and all differences."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, kind: str, where: str, before: Any = "", after: Any = "") -> None:
        """List a difference."""
        self.differences.append(Difference(kind, where, _short(before), _short(after)))

    def exit_code(self, *, allow_words: bool = False, allow_added: bool = False) -> int:
        """Return 0 where all differences are allowed, else 1."""
        allowed = {kind for kind, is_allowed in (("words", allow_words), ("added", allow_added)) if is_allowed}
        return int(any(one.kind not in allowed for one in self.differences))

    def words(self, most: int = 200) -> str:
        """The report as text: the first ``most`` differences of each kind, and all counts."""
        lines = []
        for kind in KINDS:
            found = [one for one in self.differences if one.kind == kind]
            lines += [f"{kind}: {one.where}: {one.before} -> {one.after}" for one in found[:most]]
            if len(found) > most:
                lines.append(f"{kind}: {len(found) - most} more")
        names = ("commands", "files", "fields", "numbers", "varying")
        lines.append("compared: " + ", ".join(f"{self.counts[name]:,} {name}" for name in names))
        kinds = Counter(one.kind for one in self.differences)
        lines.append("differences: " + ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS))
        return "\n".join(lines)


def compare(first: Path, second: Path) -> Report:
    """Compare two folders that ``record`` wrote. Raises SystemExit where a folder is not a recording."""
    before, after = _load(first), _load(second)
    report = Report()
    steps, others = ({step["name"]: step for step in one["steps"]} for one in (before, after))
    for name in [*steps, *(name for name in others if name not in steps)]:
        if name not in others:
            report.add("missing", name, "a command", "")
        elif name not in steps:
            report.add("added", name, "", "a command")
        else:
            report.counts["commands"] += 1
            _compare_step(report, name, (steps[name], others[name]), (first, second), (_steady(before), _steady(after)))
    return report


def _load(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "recording.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{folder}: no recording ({error}); make one with: compare_builds.py record") from None


def _steady(recording: dict[str, Any]) -> Steady:
    return Steady(recording["roots"], tuple(recording["days"]))


def _compare_step(
    report: Report, name: str, told: tuple[Any, Any], folders: tuple[Path, Path], steady: tuple[Steady, Steady]
) -> None:
    Walk(report, f"{name}/exit").go("", told[0]["exit"], told[1]["exit"])
    trees = [_files(folder / "steps" / name) for folder in folders]
    is_help = "--help" in told[0]["arguments"]
    for path in sorted(set(trees[0]) | set(trees[1])):
        where = f"{name}/{path}"
        if path not in trees[1]:
            report.add("missing", where, "a file", "")
        elif path not in trees[0]:
            report.add("added", where, "", "a file")
        else:
            report.counts["files"] += 1
            values = [read(tree[path], one) for tree, one in zip(trees, steady, strict=True)]
            if is_help and all(isinstance(value, Prose) for value in values):
                values = [Help(value.text) for value in values]
            Walk(report, where).go("", *values)


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


@dataclass
class Walk:
    """Goes through the values of one file of both recordings; ``where`` names the file."""

    report: Report
    where: str

    def go(self, place: str, before: Any, after: Any, worded: bool = False) -> None:
        """Compare two values at a field; ``worded`` where their texts are sentences for people."""
        if isinstance(before, dict) and isinstance(after, dict):
            self._objects(place, before, after, worded)
        elif isinstance(before, list) and isinstance(after, list):
            self._lists(place, before, after, worded)
        elif isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
            self._arrays(place, before, after)
        elif isinstance(before, Help) and isinstance(after, Help):
            self._help(place, before.text, after.text)
        elif isinstance(before, Prose) and isinstance(after, Prose):
            self._prose(place, before.text, after.text)
        else:
            self._scalars(place, before, after, worded)

    def _add(self, kind: str, place: str, before: Any = "", after: Any = "") -> None:
        self.report.add(kind, f"{self.where}:{place}" if place else self.where, before, after)

    def _objects(self, place: str, before: dict[str, Any], after: dict[str, Any], worded: bool) -> None:
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{place}.{key}" if place else key
            if key not in after:
                self._add("missing", inner, before[key], "no such field")
            elif key not in before:
                self._add("added", inner, "no such field", after[key])
            elif any(fnmatch.fnmatchcase(f"{self.where}:{inner}", pattern) for pattern in VARYING):
                self.report.counts["varying"] += 1
            else:
                self.go(inner, before[key], after[key], worded or key in WORDED)

    def _lists(self, place: str, before: list[Any], after: list[Any], worded: bool) -> None:
        if len(before) != len(after):
            self._add("number", f"{place}.length", len(before), len(after))
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            self.go(f"{place}[{number}]", one, other, worded)

    def _arrays(self, place: str, before: np.ndarray, after: np.ndarray) -> None:
        self.report.counts["fields"] += 1
        self.report.counts["numbers"] += before.size
        if before.dtype != after.dtype or before.shape != after.shape:
            sizes = [f"{one.size} of {one.dtype}" for one in (before, after)]
            self._add("value", place, *sizes)
            return
        same = (before == after) | ((before != before) & (after != after))
        if not same.all():
            at = np.flatnonzero(~same)
            self._add("number", f"{place}[{at[0]}] and {len(at) - 1} more", before[at[0]], after[at[0]])

    def _scalars(self, place: str, before: Any, after: Any, worded: bool) -> None:
        self.report.counts["fields"] += 1
        is_number = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (before, after)]
        self.report.counts["numbers"] += is_number[0]
        if all(is_number):
            same = before == after or (math.isnan(before) and math.isnan(after))
            if not same or isinstance(before, float) != isinstance(after, float):
                self._add("number", place, repr(before), repr(after))
        elif type(before) is not type(after) or before != after:
            if worded and isinstance(before, str) and isinstance(after, str):
                self._prose(place, before, after)
            else:
                self._add("value", place, before, after)

    def _prose(self, place: str, before: str, after: str) -> None:
        """The numbers of a text must stay, in their order; its words are listed where they change."""
        self.report.counts["fields"] += 1
        numbers = NUMBER.findall(before)
        self.report.counts["numbers"] += len(numbers)
        if before != after:
            kind = "words" if numbers == NUMBER.findall(after) else "number"
            self._add(kind, place, *_first_change(before, after))

    def _help(self, place: str, before: str, after: str) -> None:
        """Commands, options, their choices and defaults must stay; new ones are added, and all else is words."""
        self.report.counts["fields"] += 1
        offered, others = _offered(before), _offered(after)
        for name, (default, choices) in offered.items():
            where = f"{place}{name}"
            if name not in others:
                self._add("missing", where, "an option or command", "")
                continue
            other_default, other_choices = others[name]
            if default != other_default:
                self._add("value", where, f"default {default}", f"default {other_default}")
            for kind, only in (("missing", choices - other_choices), ("added", other_choices - choices)):
                for choice in sorted(only):
                    self._add(kind, f"{where} {choice}", "a choice" if kind == "missing" else "")
        for name in sorted(others.keys() - offered.keys()):
            self._add("added", f"{place}{name}", "", "an option or command")
        if before != after:
            self._add("words", place, *_first_change(before, after))


def _offered(text: str) -> dict[str, tuple[str | None, set[str]]]:
    """Options of a help page with their defaults and choices, and commands."""
    options, _, commands = text.partition("\nCommands:\n")
    starts = [(found.start(), found[1]) for found in OPTION.finditer(options)]
    ends = [*(start for start, _ in starts), len(options)][1:]
    found: dict[str, tuple[str | None, set[str]]] = {name: (None, set()) for name in COMMAND.findall(commands)}
    for (start, name), end in zip(starts, ends, strict=True):
        part = options[start:end]
        default, choices = DEFAULT.search(part), CHOICES.search(part)
        words = None if default is None else " ".join(default[1].split())
        found[name] = (words, set() if choices is None else set(choices[1].split("|")))
    return found


def _first_change(before: str, after: str) -> tuple[str, str]:
    """The first lines that differ."""
    lines, others = before.split("\n"), after.split("\n")
    for tag, start, stop, first, last in difflib.SequenceMatcher(None, lines, others, autojunk=False).get_opcodes():
        if tag != "equal":
            return _around("\n".join(lines[start:stop]), "\n".join(others[first:last]))
    return "", ""


def _around(before: str, after: str) -> tuple[str, str]:
    """Both texts from shortly before their first difference."""
    at = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    start = max(0, at - SHOWN // 2)
    return before[start : start + SHOWN], after[start : start + SHOWN]


def _short(value: Any) -> str:
    text = f"{len(value.content)} bytes" if isinstance(value, Raw) else str(value)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")
