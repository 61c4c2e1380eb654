"""Write sections as one self-contained HTML page without script and network, for light and dark, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from importlib import resources

from whereshot.report.scorecard.base import Figure, PhotoGroup, ScoreTable, Section

_INTERVAL = re.compile(r"^(\S+) (\[.*?\])( \*)?$")
"""A score with its interval, which stands below it, and the mark of a clear difference."""

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
"""


def document(title: str, facts: Sequence[tuple[str, str, str]], sections: Sequence[Section]) -> str:
    """Return the page: title, key figures (name, value, interval), and the sections."""
    style = (resources.files("whereshot") / "report" / "static" / "scorecard.css").read_text("utf-8")
    parts = [_HEAD.format(title=escape(title), style=style), f"<header><h1>{escape(title)}</h1>"]
    cards = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_valued(value)}<small>{escape(interval)}</small></dd></div>"
        for name, value, interval in facts
    )
    parts.append(f'<dl class="facts">{cards}</dl>')
    links = "".join(f'<a href="#s{at}">{escape(section.title)}</a>' for at, section in enumerate(sections))
    parts.append(f'<nav aria-label="Sections">{links}</nav></header>\n<main>')
    parts += [_section(at, section) for at, section in enumerate(sections)]
    return "".join(parts) + "</main>\n</body>\n</html>\n"


def _valued(text: str) -> str:
    """Return a key figure with its unit in small letters."""
    number, _, unit = text.partition(" ")
    return escape(number) + (f' <span class="unit">{escape(unit)}</span>' if unit else "")


def _section(at: int, section: Section) -> str:
    body = [
        f'\n<section id="s{at}"><h2>{escape(section.title)}</h2>',
        *(f"<p>{escape(words)}</p>" for words in section.words),
    ]
    grid = False
    for part in section.parts:
        narrow = isinstance(part, Figure) and not part.wide
        if narrow != grid:
            body.append('<div class="grid">' if narrow else "</div>")
            grid = narrow
        body.append(_figure(part) if isinstance(part, Figure) else _table_or_photos(part))
    return "".join(body) + ("</div>" if grid else "") + "</section>"


def _figure(figure: Figure) -> str:
    legend = "".join(
        f'<li><svg viewBox="0 0 14 14" aria-hidden="true">{_sign(c)}</svg>{escape(w)}</li>' for c, w in figure.legend
    )
    wide = ' class="wide"' if figure.wide else ""
    title, description = escape(figure.title), escape(figure.description)
    return (
        f'<figure{wide} id="{figure.name}"><figcaption><h3>{title}</h3><p>{description}</p></figcaption>'
        f'<div class="drawing" tabindex="0" role="group" aria-label="{title}">{figure.svg}</div>'
        f'<ul class="legend">{legend}</ul>{_table(figure.table, True)}</figure>'
    )


def _sign(name: str) -> str:
    if name == "mark":
        return '<line class="mark" x1="0" x2="14" y1="7" y2="7"/>'
    return f'<rect class="{name}" width="14" height="14" rx="2"/>'


def _table_or_photos(part: ScoreTable | PhotoGroup) -> str:
    if isinstance(part, ScoreTable):
        return _table(part, part.folded)
    shown = [photo for photo in part.photos if photo.thumbnail]
    if not shown:
        return _table(part.table, False)
    cards = "".join(
        f'<li><img src="{photo.thumbnail}" alt="Photo {escape(photo.title)}">'
        f"<strong>{escape(photo.title)}</strong>{''.join(f'<span>{escape(line)}</span>' for line in photo.lines)}</li>"
        for photo in shown
    )
    return f'<h3>{escape(part.table.caption)}</h3><ul class="photos">{cards}</ul>{_table(part.table, True)}'


def _table(table: ScoreTable, folded: bool) -> str:
    def cells(row: list[str], tag: str) -> str:
        names = ["" if at < table.left else ' class="n"' for at in range(len(row))]
        scope = ' scope="col"' if tag == "th" else ""
        texts = [
            escape(cell) if at < table.left else _INTERVAL.sub(r"\1\3<small>\2</small>", escape(cell))
            for at, cell in enumerate(row)
        ]
        return "".join(f"<{tag}{scope}{name}>{text}</{tag}>" for name, text in zip(names, texts, strict=True))

    head = f"<thead><tr>{cells(table.heads, 'th')}</tr></thead>" if any(table.heads) else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    label = escape(table.caption or "Table")
    inside = f"<table>{head}<tbody>{body}</tbody></table>"
    html = f'<div class="scroll" tabindex="0" role="group" aria-label="{label}">{inside}</div>'
    if folded:
        return f"<details><summary>Table: {label}</summary>{html}</details>"
    return f"<h3>{label}</h3>{html}" if table.caption else html
