"""Write tables as LaTeX with booktabs. Each has its own environment, so that it can be pasted."""

from __future__ import annotations

from collections.abc import Iterable

from whereshot.report.scorecard.base import ScoreTable

_SIGNS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "²": r"\textsuperscript{2}",
    "⁴": r"\textsuperscript{4}",
    "°": r"\textdegree{}",
}


def escaped(text: str) -> str:
    """Return text with the special characters of LaTeX escaped."""
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))


def document(tables: Iterable[ScoreTable], protocol: str) -> str:
    """Return all tables one after the other, and the protocol as a comment."""
    lines = [r"% \usepackage{booktabs,graphicx}", f"% {' '.join(protocol.split())}"]
    for table in tables:
        columns = "l" * table.left + "r" * (len(table.heads) - table.left)
        lines += ["", r"\begin{table}", r"\centering", rf"\caption{{{escaped(table.caption)}}}"]
        lines += [r"\resizebox{\linewidth}{!}{%", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _row(table.heads)]
        lines += [r"\midrule", *map(_row, table.rows), r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"
