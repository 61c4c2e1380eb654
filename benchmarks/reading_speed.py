"""How fast a build reads photos beside another build, photo by photo, and whether both read the same.

    python benchmarks/reading_speed.py BEFORE [AFTER] > docs/results-reading-speed.md
    python benchmarks/reading_speed.py --parts                          # where the time of one photo goes
    python benchmarks/reading_speed.py --options                        # options of ONNX Runtime

BEFORE and AFTER are Pythons that import a build, such as .venv/bin/python of its checkout; AFTER is this Python unless
it is named. Each build runs in one process on one thread and opens each photo by its path, as ``locate`` does. The two
take turns, and the first of a pair alternates. Times are those of the processor, so that a busy machine disturbs them
little; a ratio is the time before by the time after. The photos are those of the shared tables, scaled to one size.
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos"
SIZE = (1024, 768)
KINDS = {"without text": ("sunsets", 0), "with text": ("signs_dev", 2)}
"""Kinds of photos: their table, and the least number of lines that are read in each."""
CHILD = """
import json, resource, sys, time
from whereshot.evidence.ocr import shared_reader
from whereshot.evidence.read_photos import read_photo
reader = shared_reader()
for line in sys.stdin:
    began = time.process_time()
    reading = read_photo(json.loads(line), reader)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, len(reading.lines), repr(reading), peak]), flush=True)
"""


class Read(NamedTuple):
    """What a build says of a photo: the seconds of its processor, the lines, all that was read, its peak memory."""

    seconds: float
    lines: int
    reading: str
    peak_mib: float


class Build:
    """A process that reads photos with the build that a Python imports."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def read(self, path: Path) -> Read:
        """Read the text in a photo."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(str(path)) + "\n")
        self._process.stdin.flush()
        return Read(*json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


def photos_of(table: str, folder: Path) -> Iterator[Path]:
    """Write the photos of a table, scaled to SIZE, as JPEG files; yield their paths."""
    with (PHOTOS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            path = folder / f"{table}-{number}.jpg"
            Image.open(PHOTOS / row["path"]).convert("RGB").resize(SIZE).save(path, quality=92)
            yield path


def compare(before: str, after: str, count: int) -> None:
    """Print the table of two builds."""
    builds = [Build(before), Build(after)]
    print("| photos | number | ms before | ms after | ratio, median | ratios, quartiles | read alike |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    peaks = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        for kind, (table, least) in KINDS.items():
            pairs: list[tuple[Read, Read]] = []
            for path in photos_of(table, Path(folder)):
                if not pairs:
                    for build in builds:
                        build.read(path)  # it loads its models
                first, second = builds if len(pairs) % 2 == 0 else builds[::-1]
                pair = first.read(path), second.read(path)
                if len(pairs) % 2:
                    pair = pair[::-1]
                if pair[0].lines >= least and (least or not pair[0].lines):
                    pairs.append(pair)
                    peaks = [max(peak, one.peak_mib) for peak, one in zip(peaks, pair, strict=True)]
                if len(pairs) == count:
                    break
            times = 1000 * np.array([[one.seconds for one in pair] for pair in pairs])
            low, middle, high = np.percentile(times[:, 0] / times[:, 1], (25, 50, 75))
            alike = sum(one.reading == other.reading for one, other in pairs)
            ms = " | ".join(f"{value:.0f}" for value in np.median(times, axis=0))
            print(f"| {kind} | {len(pairs)} | {ms} | {middle:.2f} | {low:.2f} to {high:.2f} | {alike} |", flush=True)
    for build in builds:
        build.end()
    print(f"\nPeak memory of a process: {peaks[0]:.0f} MiB before, {peaks[1]:.0f} MiB after.")


PARTS = (
    ("photos.photo", "Photo.rgb", "decode the file"),
    ("evidence.is_photo", "surface_of", "is it a photo?"),
    ("evidence.surfaces", "shrunk", "small copy for the surfaces"),
    ("evidence.text_detector", "TextDetector.detect", "find the lines"),
    ("evidence.ocr", "line_scripts", "scripts of the lines"),
    ("evidence.known_lines", "KnownLines.read", "read Latin, Greek, Chinese, Japanese"),
    ("evidence.ocr", "read_foreign", "read other scripts"),
    ("evidence.surfaces", "judge_lines", "surfaces of the lines"),
)
"""Module, function and name of each part of reading a photo; none of them calls another."""


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def measured(*arguments: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.process_time() - began

    return measured


def parts(count: int) -> None:
    """Print how the time of a photo is spent by this build."""
    from whereshot.evidence.ocr import shared_reader

    spent: dict[str, float] = defaultdict(float)
    for module, path, name in PARTS:
        *owners, last = path.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(f"whereshot.{module}"))
        setattr(owner, last, _timed(getattr(owner, last), name, spent))
    read_photo = importlib.import_module("whereshot.evidence.read_photos").read_photo
    columns = []
    with tempfile.TemporaryDirectory() as folder:
        for table, least in KINDS.values():
            own, total = [], []
            for number, path in enumerate(photos_of(table, Path(folder))):
                spent.clear()
                began = time.process_time()
                reading = read_photo(path, shared_reader())
                whole = time.process_time() - began
                if number and len(reading.lines) >= least and (least or not reading.lines):
                    own.append([spent[name] for _, _, name in PARTS])
                    total.append(whole)
                if len(total) == count:
                    break
            mean = np.mean(own, axis=0)
            columns.append([*mean, np.mean(total) - mean.sum(), np.mean(total)])
    print(f"| mean ms of {count} photos of each kind | {' | '.join(KINDS)} |\n|---|---:|---:|")
    for row, name in enumerate([*(name for _, _, name in PARTS), "everything else", "**in all**"]):
        print(f"| {name} | {' | '.join(f'{1000 * column[row]:.0f}' for column in columns)} |", flush=True)


OPTIONS: dict[str, tuple[bool, bool, bool, bool]] = {
    "RapidOCR's own": (False, True, False, False),
    "memory kept (chosen)": (True, True, False, False),
    "memory kept, denormals are zero": (True, True, True, False),
    "memory kept, no change of layout": (True, False, False, False),
    "memory kept, whole numbers of 8 bits (the look)": (True, True, False, True),
}
"""Options of ONNX Runtime: whether it keeps its memory, changes the layout of tensors, takes denormal numbers for 0,
and whether the network is in whole numbers of 8 bits."""


def options(pairs: int) -> None:
    """Print what options of ONNX Runtime make of the time of the detector; they take turns."""
    import onnxruntime
    import rapidocr

    from whereshot.evidence.text_look import INT8_DETECTOR
    from whereshot.foundation.package_data import read_bytes

    model = next((Path(rapidocr.__file__).parent / "models").glob("*_det_*.onnx"))
    sessions = {}
    for name, (keeps, changes, is_zero, is_int8) in OPTIONS.items():
        own = onnxruntime.SessionOptions()
        own.intra_op_num_threads = own.inter_op_num_threads = 1
        own.enable_cpu_mem_arena = keeps
        levels = onnxruntime.GraphOptimizationLevel
        own.graph_optimization_level = levels.ORT_ENABLE_ALL if changes else levels.ORT_ENABLE_EXTENDED
        own.add_session_config_entry("session.set_denormal_as_zero", str(int(is_zero)))
        network = read_bytes(INT8_DETECTOR) if is_int8 else model
        sessions[name] = onnxruntime.InferenceSession(network, own, providers=["CPUExecutionProvider"])
    picture = Image.open(Path(__file__).parents[1] / "examples" / "village-sign.jpg").convert("RGB").resize(SIZE)
    values = np.ascontiguousarray(np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)
    times: dict[str, list[float]] = defaultdict(list)
    found = {}
    for _ in range(pairs + 1):
        for name, session in sessions.items():
            began = time.process_time()
            (found[name],) = session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: values})
            times[name].append(time.process_time() - began)
    first = next(iter(OPTIONS))
    print(
        "\n| the detector with options of ONNX Runtime | ms | ratio | largest difference of a probability |"
        " pixels of lines in common |"
    )
    print("|---|---:|---:|---:|---:|")
    for name in OPTIONS:
        own_times, base = np.array(times[name][1:]), np.array(times[first][1:])
        apart = np.abs(found[name] - found[first]).max()
        lines, of_base = found[name] > 0.3, found[first] > 0.3
        alike = 100 * (lines & of_base).sum() / (lines | of_base).sum()
        cells = f"{1000 * np.median(own_times):.0f} | {np.median(base / own_times):.2f} | {apart:.1g} | {alike:.1f} %"
        print(f"| {name} | {cells} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", nargs="?", help="Python of the build before")
    parser.add_argument("after", nargs="?", default=sys.executable, help="Python of the build after (this one)")
    parser.add_argument("--photos", type=int, default=13, help="photos of each kind (default 13)")
    parser.add_argument("--parts", action="store_true", help="only where the time of one photo goes")
    parser.add_argument("--options", action="store_true", help="only the options of ONNX Runtime")
    given = parser.parse_args()
    if not PHOTOS.is_dir():
        sys.exit(f"reading_speed: the shared photos are not at {PHOTOS}")
    if given.options:
        options(7)
        return
    if not given.parts and given.before is None:
        parser.error("name the Python of the build before, or give --parts or --options")
    if not given.parts:
        versions = subprocess.run(
            [given.after, "-c", "import onnxruntime, rapidocr; print(onnxruntime.__version__)"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        print(
            "# Speed of reading\n\nMade by `python benchmarks/reading_speed.py BEFORE`, where BEFORE is a Python of the"
        )
        print(f"build before. {SIZE[0]} x {SIZE[1]} pixels, one thread, processor time; {platform.machine()},")
        print(f"Python {platform.python_version()}, ONNX Runtime {versions}.\n")
        compare(given.before, given.after, given.photos)
        print()
    parts(given.photos)
    if not given.parts:
        options(7)


if __name__ == "__main__":
    main()
