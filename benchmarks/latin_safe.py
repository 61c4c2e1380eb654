"""Latin lines are never read as Cyrillic or Greek, and lines in other scripts are never read as Latin.

    python benchmarks/latin_safe.py --fonts FOLDER
    python benchmarks/latin_safe.py --fonts FOLDER --drawn 100 --others 5 --only drawn others      # a quick look

* drawn: lines of Latin capitals and of digits, with words and fonts kept apart from training, a third clean, the rest
  as a street shows them. Each four of them are read as the lines of one picture.
* signs_dev: the lines of the shared photos in which RapidOCR reads at least three Latin letters with confidence 0.9.
* others: drawn lines in the scripts that RapidOCR does not know.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from drawn_lines import PHOTOS, TEST_GRADES, draw_line, test_fonts, test_renderer
from numpy.typing import NDArray
from rendered_lines import Renderer

from whereshot.evidence.line_readers import GROUPS, SCRIPTS_READ
from whereshot.evidence.ocr import EDGE, LineText, Reader, scripts_of, tiles_of
from whereshot.evidence.text_segments import script_of
from whereshot.foundation.progress import bar
from whereshot.photos import images

SEED = 1803
LINES_OF_PICTURE = 4
CLEAN_SHARE, DIGITS_SHARE = 1 / 3, 0.2
LATIN_SCORE, LATIN_LETTERS = 0.9, 3
"""A line of a photo is Latin if RapidOCR reads so many Latin letters with this confidence."""
MISTAKEN = frozenset({"Cyrillic", "Greek"})
WANTED = 99.5
Crops = list[NDArray[np.uint8]]


def scripts_in(text: LineText | None) -> set[str]:
    """Return the scripts of the letters of a line; none where it was not read."""
    return {script_of(char) for char in text.text if char.isalpha()} if text is not None else set()


def read_picture(reader: Reader, crops: Crops) -> list[LineText | None]:
    """Return what is read on each crop of a picture, in BGR."""
    return reader.recognise(crops)[0]


def as_detected(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a drawn line (height, width) as a crop (height, width, 3) of the detector, which leaves room around it.

    ``scripts_of`` and the readers of this package cut the room off again, so that they see the line as it was drawn.
    """
    room = round(EDGE / (1 - 2 * EDGE) * min(grey.shape))
    return np.repeat(np.pad(grey, room, mode="edge")[..., None], 3, axis=2)


def latin_line(renderer: Renderer, number: int) -> NDArray[np.uint8]:
    """Draw a line of Latin capitals or of digits."""
    rng = np.random.default_rng((SEED, number))
    grade = TEST_GRADES["clean" if rng.random() < CLEAN_SHARE else "street"]
    script = "digits" if rng.random() < DIGITS_SHARE else "Latin"
    while True:
        try:
            return renderer.line(script, rng, grade, renderer.words.line(script, rng, mixed=0.0).upper()).pixels
        except ValueError:  # the text is too long, or no font has its letters
            continue


def pictures_of(crops: Sequence[NDArray[np.uint8]]) -> Iterator[Crops]:
    """Yield the crops by picture."""
    for start in range(0, len(crops), LINES_OF_PICTURE):
        yield [as_detected(crop) for crop in crops[start : start + LINES_OF_PICTURE]]


def row(lines: str, measure: str, right: Sequence[bool], wanted: str = "") -> None:
    share = f"{100 * np.mean(right):.2f} % of {len(right)}" if right else "no lines"
    print(f"| {lines} | {measure} | {share} | {wanted} |", flush=True)


def drawn(reader: Reader, renderer: Renderer, arguments: argparse.Namespace) -> None:
    crops = [latin_line(renderer, number) for number in range(arguments.drawn)]
    pictures = list(pictures_of(crops))
    shown = bar(pictures, total=len(pictures), what="drawn pictures")
    texts = [text for picture in shown for text in read_picture(reader, picture)]
    row("drawn Latin capitals and digits", "not read as Cyrillic or Greek",
        [MISTAKEN.isdisjoint(scripts_in(text)) for text in texts], f"at least {WANTED} %")  # fmt: skip
    row("the same", "not read in any other script", [scripts_in(text) <= {"Latin", ""} for text in texts])
    row("the same", "read at all", [text is not None for text in texts])


def signs_dev(reader: Reader, renderer: Renderer, arguments: argparse.Namespace) -> None:
    with (PHOTOS / "signs_dev.csv").open(encoding="utf-8", newline="") as file:
        paths = [PHOTOS / row["path"] for row in csv.DictReader(file)]
    safe, same = [], []
    for path in bar(paths, total=len(paths), what="photos"):
        for tile in tiles_of(images.open_rgb(path, min_side=1600)):
            crops, _ = reader.detector.detect(np.ascontiguousarray(np.asarray(tile.image)[:, :, ::-1]))
            texts = read_picture(reader, crops) if crops else []
            for (known, score), text in zip(reader.known_lines.read(crops), texts, strict=True):
                letters = sum(char.isalpha() and script_of(char) == "Latin" for char in known)
                if score >= LATIN_SCORE and letters >= LATIN_LETTERS:
                    safe.append(MISTAKEN.isdisjoint(scripts_in(text)))
                    same.append(text is not None and text.text == known.strip())
    row("Latin lines of signs_dev", "not read as Cyrillic or Greek", safe, f"at least {WANTED} %")
    row("the same", "read as RapidOCR reads them", same, f"at least {WANTED} %")


def others(reader: Reader, renderer: Renderer, arguments: argparse.Namespace) -> None:
    scripts = [script for own in GROUPS.values() for script in own if script != "Greek"]
    latin, named, right, no_third, certain = [], [], [], [], []
    for script in bar(scripts, total=len(scripts), what="scripts"):
        crops = [draw_line(renderer, script, "street", number)[0] for number in range(arguments.others)]
        for crop in map(as_detected, crops):  # each as a picture of its own
            (text,) = read_picture(reader, [crop])
            ((_, score),) = reader.known_lines.read([crop])
            latin.append("Latin" not in scripts_in(text))
            named.append(scripts_of([crop])[0].best == script)
            if script in SCRIPTS_READ:
                right.append(script in scripts_in(text))
                no_third.append(scripts_in(text) <= {script, "Latin", ""})
            if score >= LATIN_SCORE and script in SCRIPTS_READ:
                certain.append(script in scripts_in(text))
    row(f"drawn lines in {len(scripts)} other scripts", "not read as Latin", latin)
    row("the same", "the script network names their script", named)
    row("those in scripts that are read", "read in their script", right)
    row("the same", "not read in a third script", no_third)
    row(f"of these, RapidOCR's confidence is {LATIN_SCORE} or more", "read in their script", certain)


PARTS = {"drawn": drawn, "signs_dev": signs_dev, "others": others}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--font-cache", type=Path, help="file in which the fonts found are kept")
    parser.add_argument("--drawn", type=int, default=1000, help="drawn Latin lines")
    parser.add_argument("--others", type=int, default=20, help="drawn lines in each other script")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    reader, renderer = Reader(), test_renderer(test_fonts(arguments.fonts, arguments.font_cache))
    print(f"\n## Latin stays Latin\n\nMade by `python benchmarks/latin_safe.py --drawn {arguments.drawn} --others "
          f"{arguments.others} --fonts FOLDER`; the package reads {len(SCRIPTS_READ)} other scripts.\n")  # fmt: skip
    print("| lines | measure | result | wanted |\n|---|---|---:|---|", flush=True)
    for name in arguments.only:
        PARTS[name](reader, renderer, arguments)


if __name__ == "__main__":
    main()
