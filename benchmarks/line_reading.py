"""How well lines of writing are read, by script and grade, beside tesseract on the same crops; and how fast.

    apt-get install tesseract-ocr 'tesseract-ocr-script-*'
    python benchmarks/line_reading.py --fonts FOLDER --cache DIR > docs/results-writing.md
    python benchmarks/latin_safe.py --fonts FOLDER >> docs/results-writing.md
    python benchmarks/native_names.py --drawn 2000 --fonts FOLDER >> docs/results-writing.md
    python benchmarks/script_photos.py --fonts FOLDER >> docs/results-writing.md
    python benchmarks/line_reading.py --cache DIR --count 100 --scripts Thai Lao --only ours       # a quick look

Lines are drawn from words, fonts and photos kept apart from training; ``drawn_lines.py`` has the seed and
``scripts/rendered_lines.py`` the three grades: a clean sign, a street, and hard (small, oblique, blurred). Characters
right are 1 - edit distance / characters, after ``fold_writing`` on both sides; spaces and Latin letters do not count.
Lines and tesseract's answers stay in the folder of ``--cache``, so that a new network is measured in a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tesseract_lines
from drawn_lines import GRADES, DrawnLines, drawn_lines, test_fonts, test_renderer
from line_errors import edit_distance, letters_of
from tesseract_lines import PeerRead

from whereshot.evidence.line_readers import GROUPS, SCRIPTS_READ, read_line_crops

SCRIPTS = tuple(script for scripts in GROUPS.values() for script in scripts)
WANTED_CLEAN = {
    **dict.fromkeys(("Cyrillic", "Greek", "Georgian", "Armenian", "Hebrew"), 97.0),
    **dict.fromkeys(("Hangul", "Thai", "Lao"), 94.0),
    "Arabic": 88.0,
}
OTHERS_WANTED_CLEAN = 91.0
"""Characters right on clean signs, in percent, that a script needs to be switched on."""
WARM_UP = 8
"""Lines that are read first, so that the loading of the networks does not count."""


class Side(NamedTuple):
    """What one reader gives for the lines of a script and grade: characters right, lines right, lines a second."""

    characters: float
    lines: float
    speed: float


def score(read: PeerRead, lines: DrawnLines) -> Side:
    """Return the scores of what was read. A line counts at most as all wrong, however much was read in it."""
    wrong, letters, right = 0, 0, 0
    for text, truth in zip(read.texts, map(letters_of, lines.texts), strict=True):
        errors = min(edit_distance(letters_of(text), truth), len(truth))
        wrong, letters, right = wrong + errors, letters + len(truth), right + (errors == 0)
    return Side(100 * (1 - wrong / max(1, letters)), 100 * right / len(lines.texts), len(lines.texts) / read.seconds)


def our_reading(lines: DrawnLines, script: str) -> PeerRead:
    """Read the lines with the package's networks: all in one call, as tesseract reads them in one process."""
    read_line_crops(lines.pixels[:WARM_UP], [script] * len(lines.pixels[:WARM_UP]))
    started = time.process_time()
    texts = [text for text, _ in read_line_crops(lines.pixels, [script] * len(lines.pixels))]
    return PeerRead(texts, time.process_time() - started)


def peer_reading(lines: DrawnLines, script: str, grade: str, arguments: argparse.Namespace) -> PeerRead | None:
    """Return what tesseract reads, from the cache where it is there; None without its model."""
    mode, models, may_read = arguments.mode, arguments.tessdata, arguments.only != "ours"
    path = arguments.cache / f"{script}-{grade}-tesseract{mode}.json" if arguments.cache is not None else None
    known = PeerRead(**json.loads(path.read_text("utf-8"))) if path is not None and path.is_file() else None
    missing = lines.pixels[len(known.texts) if known else 0 :]
    if missing and may_read and tesseract_lines.model_file(script, models) is not None:
        more = tesseract_lines.read_lines(missing, script, models, mode)
        known = PeerRead([*known.texts, *more.texts], known.seconds + more.seconds) if known else more
        if path is not None:
            path.write_text(json.dumps(known._asdict(), ensure_ascii=False), "utf-8")
    if known is None or len(known.texts) < len(lines.texts):
        return None
    return PeerRead(known.texts[: len(lines.texts)], known.seconds * len(lines.texts) / len(known.texts))


def measured(arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, tuple[Side | None, Side | None]]]]:
    """Yield each script with our scores and tesseract's by grade."""
    renderer = None
    if arguments.fonts or arguments.font_cache:
        renderer = test_renderer(test_fonts(arguments.fonts, arguments.font_cache))
    for script in arguments.scripts:
        found: dict[str, tuple[Side | None, Side | None]] = {}
        for grade in arguments.grades:
            lines = drawn_lines(script, grade, arguments.count, renderer, arguments.cache)
            peer = peer_reading(lines, script, grade, arguments)
            is_asked = arguments.only != "tesseract" and script in SCRIPTS_READ
            ours = score(our_reading(lines, script), lines) if is_asked else None
            found[grade] = ours, peer and score(peer, lines)
        yield script, found


def cell(ours: Side | None, peer: Side | None) -> str:
    return " / ".join("-" if side is None else f"{side.characters:.1f}" for side in (ours, peer))


def wanted_clean(script: str) -> float:
    return WANTED_CLEAN.get(script, OTHERS_WANTED_CLEAN)


def lacking(script: str, found: dict[str, tuple[Side | None, Side | None]]) -> list[str]:
    """Return what a script lacks to be switched on, in words; nothing where it is good enough."""
    words = []
    for grade, (ours, peer) in found.items():
        if ours is None:
            return ["not read yet"]
        if grade == "clean" and ours.characters < wanted_clean(script):
            words.append(f"clean below {wanted_clean(script):.0f}")
        if grade != "clean" and peer is not None and ours.characters <= peer.characters:
            words.append(f"{grade} not ahead")
    return words


def print_table(rows: Sequence[tuple[str, dict[str, tuple[Side | None, Side | None]]]], grades: Sequence[str]) -> None:
    for script, found in rows:
        shown = " | ".join(cell(*found[grade]) for grade in grades)
        ours, peer = ([found[grade][side] for grade in grades if found[grade][side] is not None] for side in (0, 1))
        speeds = [_mean_speed(side) for side in (ours, peer)]
        words = " / ".join("-" if np.isnan(speed) else f"{speed:.0f}" for speed in speeds)
        ratio = speeds[0] / speeds[1]
        state = "on" if script in SCRIPTS_READ else "off"
        times = "-" if np.isnan(ratio) else f"{ratio:.1f}"
        print(f"| {script} | {shown} | {words} | {times} | {state} | {'; '.join(lacking(script, found))} |", flush=True)


def _mean_speed(sides: Sequence[Side | None]) -> float:
    """Return the lines a second over grades of as many lines each."""
    seconds = [1 / side.speed for side in sides if side is not None]
    return 1 / float(np.mean(seconds)) if seconds else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--font-cache", type=Path, help="file in which the fonts found are kept")
    parser.add_argument("--cache", type=Path, help="folder in which lines and tesseract's answers are kept")
    parser.add_argument("--tessdata", type=Path, default=Path("/usr/share/tesseract-ocr/5/tessdata"))
    parser.add_argument("--mode", type=int, default=tesseract_lines.SEGMENTATION, help="tesseract's --psm")
    parser.add_argument("--count", type=int, default=500, help="lines by script and grade")
    parser.add_argument("--scripts", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument("--grades", nargs="+", choices=tuple(GRADES), default=list(GRADES))
    parser.add_argument("--only", choices=("ours", "tesseract"), help="read with one side; the other is not asked")
    arguments = parser.parse_args()
    grades = arguments.grades
    print("# Reading the world's writing\n\nMade by `python benchmarks/line_reading.py --count "
          f"{arguments.count} --fonts FOLDER`: {arguments.count} lines by script and grade.\n")  # fmt: skip
    print("Characters right in percent, ours / tesseract on the same crops; lines a second on one core. A script is")
    print("switched on where nothing lacks: on clean signs the share that is wanted, and more than tesseract on the")
    print("others.\n")
    print(f"| script | {' | '.join(grades)} | lines a second | times as fast | switched | lacks |")
    print("|---|" + "---:|" * (len(grades) + 2) + "---|---|", flush=True)
    rows = []
    for row in measured(arguments):
        rows.append(row)
        print_table([row], grades)
    for name, scripts in {"all": arguments.scripts, "switched on": sorted(SCRIPTS_READ)}.items():
        own = [found for script, found in rows if script in scripts]
        if len(own) > 1:
            means = [" / ".join(_mean(own, grade, side) for side in (0, 1)) for grade in grades]
            print(f"| mean of {len(own)} scripts ({name}) | {' | '.join(means)} | | | | |")


def _mean(rows: Sequence[dict[str, tuple[Side | None, Side | None]]], grade: str, side: int) -> str:
    values = [found[grade][side] for found in rows]
    known = [value.characters for value in values if value is not None]
    return f"{np.mean(known):.1f}" if len(known) == len(values) else "-"


if __name__ == "__main__":
    main()
