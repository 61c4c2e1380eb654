"""Write sections as Markdown. A figure becomes its description and its table."""

from __future__ import annotations

from collections.abc import Iterator

from whereshot.report.scorecard.base import Figure, PhotoGroup, ScoreTable, Section


def table(part: ScoreTable) -> str:
    """Return a Markdown table; pipes in cells are escaped."""
    heads = "| " + " | ".join(map(_escaped, part.heads)) + " |"
    rule = "|" + "---|" * part.left + "---:|" * (len(part.heads) - part.left)
    return "\n".join([heads, rule, *("| " + " | ".join(map(_escaped, row)) + " |" for row in part.rows)]) + "\n"


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def section(content: Section) -> str:
    """Return a section with its heading."""
    return "\n".join(
        [f"## {_escaped(content.title)}\n", *(f"{_escaped(words)}\n" for words in content.words), *_parts(content)]
    )


def _parts(content: Section) -> Iterator[str]:
    for part in content.parts:
        if isinstance(part, Figure):
            yield f"### {_escaped(part.title)}\n\n{_escaped(part.description)}\n"
        found = part if isinstance(part, ScoreTable) else part.table
        if isinstance(part, ScoreTable | PhotoGroup) and found.caption:
            yield f"### {_escaped(found.caption)}\n"
        yield table(found)
