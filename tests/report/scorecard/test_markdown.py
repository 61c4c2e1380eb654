"""Tables in Markdown, which no name can break."""

from __future__ import annotations

import re

from scored_cities import EVIL
from whereshot.evaluate import Report
from whereshot.report import scorecard
from whereshot.report.scorecard.base import Section


def test_no_name_breaks_a_table(report: Report, found: list[Section]) -> None:
    text = scorecard.to_markdown(report, found)
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert any("&lt;b>" in line for line in tables) and EVIL not in text
    rule = r"\|(-+:?\|)+"
    blocks = re.findall(rf"((?:^\|.*\n)(?:^{rule}\n)(?:^\|.*\n)*)", text, flags=re.MULTILINE)
    assert len(blocks) > 15
    for block, _ in blocks:
        widths = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
