"""Score files of predictions and of distributions, made by any method, against a file of the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whereshot.evaluate import recalibrate, tables
from whereshot.evaluate.base import Answers, Protocol, Truth
from whereshot.evaluate.results import Report
from whereshot.evaluate.scoring import make_report, score
from whereshot.evaluate.tables import Problems
from whereshot.foundation.errors import InputError


@dataclass(frozen=True)
class PredictionFiles:
    """What the files hold: the truth, the answers of each method, and the problems found in single rows."""

    truth: Truth
    answers: list[Answers]
    problems: Problems


def name_files(texts: Sequence[str]) -> dict[str, Path]:
    """Return files by name from texts NAME=FILE or FILE; FILE alone is named by its stem.

    Raises InputError where two files have the same name.

    >>> name_files(["ours=a/b.csv", "theirs.parquet"])
    {'ours': PosixPath('a/b.csv'), 'theirs': PosixPath('theirs.parquet')}
    """
    files: dict[str, Path] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        path = Path(file) if sign and not Path(text).exists() else Path(text)
        name = name if sign and path != Path(text) else path.stem
        if name in files:
            raise InputError(f"two files are called {name!r}; give them names as NAME=FILE")
        files[name] = path
    return files


def read_prediction_files(
    predictions: Sequence[str],
    posteriors: Sequence[str],
    truth: Path,
    columns: Mapping[str, str] | None = None,
    truth_columns: Mapping[str, str] | None = None,
    cluster: str | None = None,
) -> PredictionFiles:
    """Read predictions and distributions, each given as NAME=FILE or FILE, and the file of the truth.

    A method is a name; its predictions and its distributions belong together. A single file of either kind belongs to
    the single file of the other kind, whatever its name. ``columns`` and ``truth_columns`` name columns of the tables.
    ``cluster`` is the column of the truth whose photos the bootstrap draws together. Raises InputError.
    """
    problems = Problems()
    known = tables.read_truth(truth, truth_columns or {}, cluster, problems)
    point_files, posterior_files = name_files(predictions), name_files(posteriors)
    if len(point_files) == len(posterior_files) == 1:
        posterior_files = dict(zip(point_files, posterior_files.values(), strict=True))
    answers: list[Answers] = []
    for name in {**point_files, **posterior_files}:
        found: Answers | None = None
        if name in point_files:
            found = tables.read_answers(point_files[name], known, columns or {}, name, problems)
        if name in posterior_files:
            found = tables.read_posterior(posterior_files[name], known, found, name, problems)
        if found is not None:
            answers.append(found)
    return PredictionFiles(known, answers, problems)


def score_files(files: PredictionFiles, protocol: Protocol, calibration: Path | None = None) -> Report:
    """Return the report of all methods; the first is compared with the others.

    ``calibration`` is a JSON file of ``whereshot calibrate``, which corrects the circles. Raises InputError where it
    cannot be read.
    """
    answers = files.answers
    if calibration is not None:
        try:
            document = json.loads(calibration.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{calibration}: cannot be read as JSON ({error})") from error
        answers = [recalibrate.apply(document, given, files.truth) for given in answers]
    rows = [score(given, files.truth, protocol) for given in answers]
    stated = {"photos": len(files.truth), "failed": rows[0].failed, "bootstrap_by": files.truth.cluster_by}
    audit = {"audit": "none: what it was trained on is not known"}
    corrected = {} if calibration is None else {"calibration": calibration.name}
    return replace(make_report(rows, **stated, **audit, **corrected), notes=files.problems.notes())
