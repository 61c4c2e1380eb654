"""Write the scorecard of an evaluation into a folder: HTML with figures, Markdown, JSON, and LaTeX if wanted."""

from __future__ import annotations

import json
from pathlib import Path

from whereshot.evaluate.evaluation import Evaluation
from whereshot.foundation import output_files
from whereshot.report import scorecard
from whereshot.report.answer_formats import finite


def write_scorecard(
    evaluation: Evaluation, folder: Path, *, latex: bool = False, thumbnails: Path | None = None
) -> list[str]:
    """Write the files of a scorecard and return their names.

    The files are report.md, report.json and report.html; report.tex with ``latex``; missing.csv, the photos without an
    answer, for a benchmark. ``thumbnails`` is the folder from which the paths of pictures start; if it is given, the
    page shows small copies of the worst and the best photos. Raises OutputError.
    """
    report, benchmark = evaluation.report, evaluation.benchmark
    sections = scorecard.sections(
        report, benchmark=benchmark, training=evaluation.training_points, thumbnails=thumbnails
    )
    files = {"report.md": scorecard.to_markdown(report, sections, benchmark)}
    files["report.json"] = json.dumps(finite(evaluation.to_json()), indent=1) + "\n"
    files["report.html"] = scorecard.to_html(report, sections)
    if latex:
        files["report.tex"] = scorecard.to_latex(report, sections)
    if benchmark is not None:
        files["missing.csv"] = evaluation.problems.to_csv(missed_only=True)
    with output_files.new_files(folder) as new_folder:
        for name, text in files.items():
            output_files.write_text(new_folder / name, text)
    return list(files)
