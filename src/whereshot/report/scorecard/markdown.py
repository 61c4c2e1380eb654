"""Sections -> Markdown: tables to paste; of figures their description and table."""

from __future__ import annotations

from collections.abc import Iterator

from whereshot.report.scorecard.base import Figure, PhotoGroup, ScoreTable, Section


def table(one: ScoreTable) -> str:
    """A table in pipes; a pipe in a cell is escaped."""
    heads = "| " + " | ".join(map(_escaped, one.heads)) + " |"
    rule = "|" + "---|" * one.left + "---:|" * (len(one.heads) - one.left)
    return "\n".join([heads, rule, *("| " + " | ".join(map(_escaped, row)) + " |" for row in one.rows)]) + "\n"


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def section(one: Section) -> str:
    """A heading and all that is under it."""
    return "\n".join([f"## {_escaped(one.title)}\n", *(f"{_escaped(words)}\n" for words in one.words), *_parts(one)])


def _parts(one: Section) -> Iterator[str]:
    for part in one.parts:
        if isinstance(part, Figure):
            yield f"### {_escaped(part.title)}\n\n{_escaped(part.description)}\n"
        found = part if isinstance(part, ScoreTable) else part.table
        if isinstance(part, ScoreTable | PhotoGroup) and found.caption:
            yield f"### {_escaped(found.caption)}\n"
        yield table(found)
