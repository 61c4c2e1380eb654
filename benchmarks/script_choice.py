"""Which reading of a line counts: fit the values of ``evidence/foreign_lines.py``, and measure them on other lines.

    python benchmarks/script_choice.py --fonts FOLDER > docs/results-script-choice.md

Lines in every script, in Latin and without writing are drawn as a detector crops them. Each is read as every script
and by RapidOCR. A conditional logit (McFadden, 1974) is fitted on lines with the fonts and words of the training. It
has the log probability of a script and the confidence of its reading, the same of RapidOCR, and the log probability
that nothing is to be read. It is measured on lines with fonts and words kept apart.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from drawn_lines import LONGEST_PX
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from line_backgrounds import Backgrounds
from line_errors import edit_distance, letters_of
from line_fonts import find_fonts, split
from line_texts import Words
from rendered_lines import GRADES, PHOTOS, PLATES, Renderer, photo_names, photos_of

from whereshot.evidence.foreign_lines import LEAST_LIKELY
from whereshot.evidence.line_readers import SCRIPTS_READ, read_line_crops
from whereshot.evidence.line_scripts import CLASSES, KNOWN_CLASSES, line_scripts
from whereshot.evidence.ocr import Reader

SEEDS = {"train": 77, "test": 78}
PHOTO_SEEDS = {"train": 5, "test": 20261130}
WEIGHTS = {"Latin": 5.0, "none": 3.0, "Han": 1.5, "Kana": 1.5}
"""How often a class is drawn, relative to the others."""
GRADE_SHARES = {"clean": 0.2, "street": 0.6, "hard": 0.2}
HEIGHTS_PX = (24, 110)
KNOWN, NOTHING = "known", "nothing"
READ = sorted(SCRIPTS_READ)
OTHERS = [name for name in CLASSES if name not in KNOWN_CLASSES and name not in SCRIPTS_READ]
FEATURES = ("log probability", "confidence", "constant", "log probability of Latin", "confidence of RapidOCR",
            "constant of RapidOCR", "log probability of nothing")  # fmt: skip
LEAST = 1e-4
THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


class Case(NamedTuple):
    """A drawn line: its class and text, the probabilities of ``CLASSES``, RapidOCR's reading, and those by script."""

    script: str
    text: str
    probabilities: NDArray[np.float32]
    known: tuple[str, float]
    readings: dict[str, tuple[str, float]]

    @property
    def truth(self) -> str:
        if self.script in SCRIPTS_READ:
            return self.script
        return KNOWN if self.script in KNOWN_CLASSES else NOTHING

    def share(self, names: list[str]) -> float:
        return max(LEAST, float(sum(self.probabilities[CLASSES.index(name)] for name in names)))

    def choices(self) -> tuple[list[str], NDArray[np.float64]]:
        """Return what can be chosen (n,) and the features of each (n, features)."""
        names, rows = [], []
        for script in READ:
            text, confidence = self.readings[script]
            if self.share([script]) >= LEAST_LIKELY and any(map(str.isalnum, text)):
                names.append(script)
                rows.append([np.log(self.share([script])), confidence, 1.0, 0, 0, 0, 0])
        if self.known[0].strip():
            names.append(KNOWN)
            rows.append([0, 0, 0, np.log(self.share(sorted(KNOWN_CLASSES - SCRIPTS_READ))), self.known[1], 1.0, 0])
        names.append(NOTHING)
        rows.append([0] * 6 + [np.log(self.share(OTHERS))])
        return names, np.array(rows)


def draw(part: str, count: int, fonts: list[Path], font_cache: Path | None) -> list[Case]:
    """Draw and read ``count`` lines of a part, "train" or "test"."""
    families = split(find_fonts([Path("/usr/share/fonts"), *fonts], font_cache), part)
    backgrounds = Backgrounds(photos_of(PHOTOS, photo_names(200, PHOTO_SEEDS[part])))
    renderer = Renderer(Words(part), families, backgrounds, height_px=None, longest_px=LONGEST_PX, is_whole=True)
    grades = {
        name: dataclasses.replace(grade, upside_down=0.0, mirrored=0.0, plates=PLATES) for name, grade in GRADES.items()
    }
    rng, reader, cases = np.random.default_rng(SEEDS[part]), Reader(), list[Case]()
    weights = np.array([WEIGHTS.get(name, 1.0) for name in CLASSES])
    while len(cases) < count:
        script = str(rng.choice(CLASSES, p=weights / weights.sum()))
        grade = grades[str(rng.choice(list(GRADE_SHARES), p=list(GRADE_SHARES.values())))]
        try:
            line = renderer.line(script, rng, grade)
        except ValueError:  # the text is too long, or no font has its letters
            continue
        scale = float(np.exp(rng.uniform(*np.log(HEIGHTS_PX)))) / line.pixels.shape[0]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        crop = cv2.cvtColor(cv2.resize(line.pixels, None, fx=scale, fy=scale, interpolation=method), cv2.COLOR_GRAY2BGR)
        (seen,), (known,) = line_scripts([crop]), reader.known_lines.read([crop])
        readings = dict(zip(READ, read_line_crops([crop] * len(READ), READ), strict=True))
        cases.append(Case(script, line.text, np.asarray(seen.probabilities), known, readings))
    return cases


def fit(cases: list[Case]) -> NDArray[np.float64]:
    """Return the weights (features,) of the conditional logit."""
    known = [
        (names.index(case.truth), rows) for case in cases for names, rows in [case.choices()] if case.truth in names
    ]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = 1e-3 * float(weights @ weights), 2e-3 * weights
        for right, rows in known:
            shares = shares_of(rows, weights)
            total -= np.log(shares[right] + 1e-12)
            gradient = gradient - rows[right] + shares @ rows
        return total / len(known), gradient / len(known)

    return np.asarray(minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B").x)


def shares_of(rows: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    worth = np.exp(rows @ weights - (rows @ weights).max())
    return np.asarray(worth / worth.sum())


def measure(cases: list[Case], choose: Callable[[Case], str]) -> str:
    """Return the cells of a row: own script, another script, letters, and scripts seen in Latin and in nothing."""
    own, other, letters, latin, nothing = [], [], [], [], []
    for case in cases:
        choice = choose(case)
        if case.truth in SCRIPTS_READ:
            own.append(choice == case.truth)
            other.append(choice in SCRIPTS_READ and choice != case.truth)
            truth = letters_of(case.text)
            read = letters_of(case.readings[choice][0]) if choice in SCRIPTS_READ else ""
            letters.append(1 - min(edit_distance(read, truth), len(truth)) / max(1, len(truth)))
        else:
            (latin if case.truth == KNOWN else nothing).append(choice in SCRIPTS_READ)
    return " | ".join(f"{100 * np.mean(part):.1f}" for part in (own, other, letters, latin, nothing))


def by_logit(weights: NDArray[np.float64], least: float) -> Callable[[Case], str]:
    def choose(case: Case) -> str:
        names, rows = case.choices()
        shares = shares_of(rows, weights)
        best = int(shares.argmax())
        return names[best] if shares[best] >= least else NOTHING

    return choose


def by_network(case: Case) -> str:
    return CLASSES[int(case.probabilities.argmax())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--font-cache", type=Path, help="file in which the fonts found are kept")
    parser.add_argument(
        "--count", type=int, default=3000, help="lines that the fit is made on; half as many are tested"
    )
    arguments = parser.parse_args()
    counts = {"train": arguments.count, "test": arguments.count // 2}
    cases = {part: draw(part, n, arguments.fonts, arguments.font_cache) for part, n in counts.items()}
    weights = fit(cases["train"])
    print("# Which reading of a line counts\n\nMade by `python benchmarks/script_choice.py --fonts FOLDER`: fitted on "
          f"{len(cases['train'])} drawn lines, measured on {len(cases['test'])} others.\n")  # fmt: skip
    print("| value | fitted, in nats |\n|---|---:|")
    for name, value in zip(FEATURES, weights, strict=True):
        print(f"| {name} | {value:.2f} |")
    print("\nPercent of the lines in scripts that are read: chosen as their script, as another one, letters right; and "
          "percent of\nLatin lines and of crops without writing that are chosen as such a script.\n")  # fmt: skip
    print("| choice | own script | another | letters | Latin | nothing |\n|---|---:|---:|---:|---:|---:|")
    print(f"| script network alone | {measure(cases['test'], by_network)} |")
    for least in THRESHOLDS:
        print(f"| fitted, share at least {least} | {measure(cases['test'], by_logit(weights, least))} |")


if __name__ == "__main__":
    main()
