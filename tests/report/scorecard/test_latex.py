"""Tables in LaTeX, escaped and complete."""

from __future__ import annotations

import re

from whereshot.evaluate import Report
from whereshot.report import scorecard
from whereshot.report.scorecard import (
    latex,
)
from whereshot.report.scorecard.base import Section


def test_latex_is_escaped_and_whole(report: Report, found: list[Section]) -> None:
    text = scorecard.to_latex(report, found)
    assert latex.escaped("50 % & a_b\\ <") == r"50 \% \& a\_b\textbackslash{} \textless{}"
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\toprule") > 8
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    for line in body:
        assert not re.search(r"(?<!\\)[%$#_]", line)
    tabular = re.search(r"\\begin\{tabular\}\{(\w+)\}\n\\toprule\n(.*)\\\\", text)
    assert len(tabular[1]) == len(re.findall(r"(?<!\\)&", tabular[2])) + 1 == 14
    assert re.search(r"^% Protocol: distance great circle", text, flags=re.MULTILINE)
