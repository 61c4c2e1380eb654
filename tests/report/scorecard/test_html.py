"""The page of a scorecard: whole in itself, with every figure in words and as a table."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from scored_cities import CITIES, EVIL, QUICK, figures
from whereshot.evaluate import Answers, make_report, score
from whereshot.report import scorecard
from whereshot.report.scorecard.base import FIRST_NUMBERS, Figure, ScoreTable, Section


def test_the_page_is_whole_and_asks_for_nothing(page: str) -> None:
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)|https?://|@import|url\(|<script", page)
    assert "default-src 'none'" in page and "prefers-color-scheme: dark" in page
    assert EVIL not in page and "<b>" not in page
    for tag in ("section", "figure", "div", "details", "table", "ul", "svg", "p"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_figures_come_first_and_the_protocol_last_and_folded(page: str) -> None:
    head = page[: page.index("<main>")]
    assert "bootstrap" not in head and head.index('<dl class="facts">') < head.index("<nav")
    names = re.findall(r"<dt>(.*?)</dt>", head)
    assert names == ["photos", *(label for label, *_ in FIRST_NUMBERS.values())]
    value = r'<dd>[\d.,]+ <span class="unit">km</span><small>[\d.,]+ to [\d.,]+ km</small>'
    assert re.search(f"<dt>median error</dt>{value}", head)
    last = page[page.rindex("<section") :]
    assert "<h2>Protocol</h2><details><summary>Table: Protocol</summary>" in last and "bootstrap" in last


def test_intervals_stand_below_their_scores_so_that_tables_stay_narrow(page: str) -> None:
    assert re.search(r'<td class="n">[\d.]+<small>\[[\d.]+, [\d.]+\]</small></td>', page)
    assert not re.search(r'<td class="n">[^<]*\[', page)


def test_every_figure_is_told_and_has_its_table(found: list[Section], page: str) -> None:
    drawn = figures(found)
    assert {
        "histogram",
        "cumulated",
        "map-photos",
        "map-errors",
        "confusion",
        "hours",
        "coverage",
        "risk",
        "recall",
    } <= {*drawn}
    assert len([name for name in drawn if name.startswith("reliability-")]) == 5
    for name, one in drawn.items():
        root = ElementTree.fromstring(one.svg)  # well-formed
        told = {part.tag: part.text for part in root if part.tag in ("title", "desc")}
        assert told == {"title": one.title, "desc": one.description}
        assert root.get("aria-labelledby") == f"{name}-t {name}-d" and root.get("role") == "img"
        assert one.table.rows and {len(row) for row in one.table.rows} == {len(one.table.heads)}
        used = {part for mark in root.iter() for part in (mark.get("class") or "").split()}
        assert {part for part, _ in one.legend if part != "q0"} <= used | {f"q{at}" for at in range(6)}
        assert page.count(f'id="{name}"') == 1
        assert "nan" not in one.svg


def test_one_photo_and_no_answer_at_all_can_be_reported() -> None:
    for points in (CITIES[:1], np.full((3, 2), np.nan)):
        whole = make_report([score(Answers("x", points), CITIES[: len(points)], QUICK)])
        found = scorecard.sections(whole)
        assert "<h2>Errors</h2>" in scorecard.to_html(whole, found)
        assert all(isinstance(part, ScoreTable | Figure | scorecard.PhotoGroup) for one in found for part in one.parts)
