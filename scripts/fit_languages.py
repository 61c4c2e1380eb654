"""Fit the weights of whereshot.evidence.language on one half of tests/evidence/data/language_lines.tsv.

    python scripts/fit_languages.py            writes src/whereshot/evidence/data/language.toml

Every other line of each language is fitted on. The rest is held out, for tests/evidence/test_language.py and for the
figures printed here. Whole lines, single words, several lines together, lines without their accents and lines that
lost a space are fitted at once, by the mean log loss of the true language, so that a stated probability holds for one
word as for a notice board.
"""

from __future__ import annotations

import csv
import datetime
import random
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import tomli_w
from scipy.optimize import minimize

from whereshot.evidence.known_languages import NUMBER
from whereshot.evidence.language import (
    LanguageParameters,
    SegmentScores,
    combine_segments,
    score_segment,
    segment_likelihoods,
)
from whereshot.evidence.lexicon import fold
from whereshot.evidence.text_segments import split_line
from whereshot.foundation import output_files

ROOT = Path(__file__).parents[1]
LINES = ROOT / "tests" / "evidence" / "data" / "language_lines.tsv"
OUT = ROOT / "src" / "whereshot" / "evidence" / "data" / "language.toml"

Sample = tuple[str, tuple[str, ...]]
"""A language and the lines of one text in it."""

CHOSEN = {"foreign": 0.02, "foreign_english": 0.001, "romanised": 0.03}
"""Not to be learned from texts in one language: how often signs are in another one."""
START = {
    "words": 0.6,
    "words_power": 0.3,
    "sequences": 0.8,
    "sequences_power": 0.4,
    "letters": 6.0,
    "unknown": -14.0,
    "unlisted": -12.5,
    "related": 2.0,
    "most": 6.0,
    "accent_lost": 1.0,
    "accent_other": 2.5,
    "joined": 2.0,
    "lines_power": 0.15,
}
NEGATIVE = {"unknown", "unlisted"}


def read_halves() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(language, line) to fit on, and held out."""
    with LINES.open(encoding="utf-8") as file:
        rows = [(row["language"], row["line"]) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    seen: dict[str, int] = defaultdict(int)
    halves: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for code, line in rows:
        halves[seen[code] % 2].append((code, line))
        seen[code] += 1
    return halves


def samples_of(rows: list[tuple[str, str]], seed: int = 0) -> dict[str, list[Sample]]:
    """Texts of several kinds out of lines, by kind."""
    draw = random.Random(seed)
    by_language: dict[str, list[str]] = defaultdict(list)
    for code, line in rows:
        by_language[code].append(line)
    words = sorted({(code, word) for code, line in rows for word in line.split() if sum(map(str.isalpha, word)) > 2})
    several = [
        (code, tuple(draw.sample(lines, count))) for code, lines in sorted(by_language.items()) for count in (2, 3, 4)
    ]
    return {
        "line": [(code, (line,)) for code, line in rows],
        "joined": [(code, (_without_a_space(line, draw),)) for code, line in rows if " " in line],
        "bare": [(code, (fold(line),)) for code, line in rows if fold(line) != line.lower()],
        "word": [(code, (word,)) for code, word in draw.sample(words, min(len(words), 500))],
        "several": several,
    }


def _without_a_space(line: str, draw: random.Random) -> str:
    """Return the line as the reader returns it when two words are close together."""
    words = line.split()
    place = draw.randrange(1, len(words))
    return " ".join([*words[: place - 1], words[place - 1] + words[place], *words[place + 1 :]])


ScoredText = tuple[int, list[SegmentScores]]
"""The number of the true language, and the scores of each segment."""


def score_texts(samples: list[Sample]) -> list[ScoredText]:
    """Score every segment of every text once, before the parameters weigh the scores."""
    return [
        (NUMBER[code], [score_segment(segment) for line in lines for segment in split_line(line)])
        for code, lines in samples
    ]


def shares(texts: list[ScoredText], parameters: LanguageParameters) -> np.ndarray:
    """P(language | text) (samples, languages)."""
    return np.stack(
        [combine_segments([segment_likelihoods(part, parameters) for part in parts], parameters) for _, parts in texts]
    )


def calibration_error(share: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of the likeliest language: |confidence - accuracy| over equally full bins."""
    best = share.argmax(axis=1)
    confidence, right = share.max(axis=1), best == truth
    parts = np.array_split(np.argsort(confidence), bins)
    return float(sum(abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts) / len(truth))


def describe(samples: list[Sample], parameters: LanguageParameters) -> dict[str, float]:
    texts = score_texts(samples)
    share, truth = shares(texts, parameters), np.array([number for number, _ in texts])
    own = share[np.arange(len(truth)), truth]
    rank = (share > own[:, None]).sum(axis=1)
    return {
        "texts": len(samples),
        "top1": round(float((rank == 0).mean()), 4),
        "top3": round(float((rank < 3).mean()), 4),
        "log_loss": round(float(-np.log(own).mean()), 4),
        "calibration_error": round(calibration_error(share, truth), 4),
    }


def main() -> None:
    fitting, held_out = read_halves()
    kinds = {kind: score_texts(samples) for kind, samples in samples_of(fitting).items()}
    names = list(START)

    def parameters_of(x: np.ndarray) -> LanguageParameters:
        values = dict(zip(names, np.exp(x).tolist(), strict=True))
        return LanguageParameters(**CHOSEN, **{k: -v if k in NEGATIVE else v for k, v in values.items()})

    def loss(x: np.ndarray) -> float:
        parameters = parameters_of(x)
        losses = []
        for texts in kinds.values():
            share = shares(texts, parameters)
            losses.append(-np.log([share[row, number] for row, (number, _) in enumerate(texts)]).mean())
        return float(np.mean(losses)) + 0.002 * float(((x - start) ** 2).sum())  # what the lines leave open stays put

    start = np.log(np.abs(list(START.values())))
    found = minimize(loss, start, method="Powell", options={"maxiter": 12, "xtol": 0.02, "ftol": 1e-4})
    parameters = parameters_of(found.x)
    parameters = replace(parameters, **{name: float(f"{value:.4g}") for name, value in asdict(parameters).items()})
    print("loss", loss(start), "->", found.fun, parameters)
    report = {kind: describe(samples, parameters) for kind, samples in samples_of(held_out, seed=1).items()}
    for kind, figures in report.items():
        print(kind, figures)
    document = {
        "provenance": {
            "made_by": "scripts/fit_languages.py",
            "date": datetime.date.today().isoformat(),
            "lines": LINES.relative_to(ROOT).as_posix(),
            "fitted_on": "every other line of each language, from the first",
            "fitted_lines": len(fitting),
        },
        "parameters": asdict(parameters),
        "held_out": report,
    }
    output_files.write_text(OUT, tomli_w.dumps(document))


if __name__ == "__main__":
    main()
