"""Names of towns in the script of their own country: is a town of that name the answer, and is its country?

    python benchmarks/native_names.py --drawn 2000 --fonts FOLDER    # drawn on photos and read
    python benchmarks/native_names.py --text 2000                     # as text in which 10 % of the letters are wrong
    python benchmarks/native_names.py --drawn 110 --fonts FOLDER     # five towns a script, for a quick look

``native_towns.py`` draws the towns, ``drawn_signs.py`` the photos. Each photo has one name and is located as a user
would, without a model that looks at pictures. A town of the name is first if the answer lies within 25 km of one.
As text, a name is folded as readers give it, and wrong letters are letters of other drawn names in the script.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from country_outcomes import outcome_of
from drawn_lines import test_fonts
from drawn_signs import PhotoSigns
from native_towns import NATIVE_SCRIPTS, NativeTown, native_towns

from whereshot.evidence.base import Line
from whereshot.evidence.fusion import fuse
from whereshot.evidence.text import cues_of
from whereshot.evidence.writing import fold_writing
from whereshot.foundation.progress import bar
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.prediction import Prediction
from whereshot.posterior.masses import country_masses
from whereshot.posterior.prior import density_prior

SEED = 1801
WRONG_LETTERS = 0.1
"""Share of the letters that are wrong in names as text."""
SURE = 0.9
WANTED = {"town": 60.0, "country": 93.0}


class Answer(NamedTuple):
    """Whether a town of the name is first, whether its country is, and whether another country is sure."""

    town: bool
    country: bool
    sure_and_wrong: bool


def answer_of(town: NativeTown, prediction: Prediction) -> Answer:
    outcome = outcome_of(prediction, town.country_code)
    latitude, longitude, *_ = prediction.answered
    return Answer(town.is_first(latitude, longitude), outcome.first, outcome.sure_and_wrong)


def misread(text: str, letters: Sequence[str], rng: np.random.Generator) -> str:
    """Return a text in which ``WRONG_LETTERS`` of the letters are replaced by others."""
    return "".join(
        letters[rng.integers(len(letters))] if char.isalpha() and rng.random() < WRONG_LETTERS else char
        for char in text
    )


def as_text(count: int) -> dict[str, list[Answer]]:
    """Weigh the names of ``count`` towns as text with wrong letters; return the answers by script."""
    towns = native_towns(count)
    letters: dict[str, list[str]] = defaultdict(list)
    for town in towns:
        letters[town.script] += [char for char in fold_writing(town.name) if char.isalpha()]
    found: dict[str, list[Answer]] = defaultdict(list)
    seconds = []
    for number, town in enumerate(bar(towns, total=count, what="towns")):
        text = misread(fold_writing(town.name), letters[town.script], np.random.default_rng((SEED, number)))
        start = time.process_time()
        cues = cues_of([Line(text, 0.9, (100, 100, 400, 150), script=town.script)])
        seconds.append(time.process_time() - start)
        posterior = fuse(density_prior(), cues).posterior if cues else density_prior()
        latitude, longitude = posterior.places[int(posterior.log_mass[0].argmax())].tolist()
        first, share = country_masses(posterior)[0][0]
        right = first == town.country_code
        found[town.script].append(Answer(town.is_first(latitude, longitude), right, not right and share >= SURE))
        if not right:
            print(f"{town.script}: {town.name} in {town.country_code}, read as {text}", file=sys.stderr)
    print(f"{1000 * np.median(seconds):.1f} ms of the processor for the cues of a name (median).\n")
    return found


def drawn(count: int, signs: PhotoSigns) -> dict[str, list[Answer]]:
    """Locate drawn photos of ``count`` towns; return the answers by script. Names that no font has are left out."""
    found: dict[str, list[Answer]] = defaultdict(list)
    unwritten: list[str] = []
    with Geolocator.load("prior") as locator:
        for number, town in enumerate(bar(native_towns(count), total=count, what="towns")):
            try:
                picture = signs.draw(town.script, [town.name], np.random.default_rng((SEED, number)))
            except ValueError:
                unwritten.append(town.name)
                continue
            found[town.script].append(answer_of(town, locator.locate(picture)[0]))
    if unwritten:
        print(f"native_names: no font has all letters of {', '.join(unwritten)}", file=sys.stderr)
    return found


def percent(answers: Sequence[Answer], name: str) -> str:
    return f"{100 * np.mean([getattr(answer, name) for answer in answers]):.1f} %"


def print_table(found: Mapping[str, Sequence[Answer]]) -> None:
    print("| script | towns | a town of the name first | its country first | sure of another country |")
    print("|---|---:|---:|---:|---:|")
    rows = {script: found[script] for script in NATIVE_SCRIPTS if found.get(script)}
    rows["all"] = [answer for answers in found.values() for answer in answers]
    for script, answers in rows.items():
        shown = " | ".join(percent(answers, name) for name in Answer._fields)
        print(f"| {script} | {len(answers)} | {shown} |")
    print(f"| wanted | | {WANTED['town']:.1f} % | {WANTED['country']:.1f} % | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawn", type=int, default=110, metavar="TOWNS", help="towns that are drawn and read")
    parser.add_argument("--text", type=int, metavar="TOWNS", help="towns whose names are read as text, not drawn")
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--font-cache", type=Path, help="file in which the fonts found are kept")
    arguments = parser.parse_args()
    if arguments.text:
        print(f"\n## Native names of towns, as text with {100 * WRONG_LETTERS:.0f} % wrong letters\n\nMade by `python "
              f"benchmarks/native_names.py --text {arguments.text}`.\n")  # fmt: skip
        print_table(as_text(arguments.text))
        return
    print(f"\n## Native names of towns, drawn on photos\n\nMade by `python benchmarks/native_names.py --drawn "
          f"{arguments.drawn} --fonts FOLDER`.\n")  # fmt: skip
    print_table(drawn(arguments.drawn, PhotoSigns(test_fonts(arguments.fonts, arguments.font_cache))))


if __name__ == "__main__":
    main()
