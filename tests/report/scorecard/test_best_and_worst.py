"""The worst and best photos, with small pictures only where they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from scored_cities import CITIES, QUICK
from whereshot.earth import sphere
from whereshot.evaluate import Answers, Truth, make_report, score
from whereshot.report import scorecard
from whereshot.report.scorecard import (
    best_and_worst,
)


def test_thumbnails_only_if_asked(tmp_path: Path) -> None:
    for at in range(4):
        Image.new("RGB", (600, 400), (60 * at, 90, 160)).save(tmp_path / f"{at}.jpg")
    ids = np.array([f"{at}.jpg" for at in range(4)], dtype=object)
    truth = Truth(CITIES[:4], ids=ids, images=ids)
    row = score(Answers("x", sphere.move(CITIES[:4], 0.0, np.array([1.0, 900.0, 30.0, 2.0]))), truth, QUICK)
    worst, best = best_and_worst.galleries(row)
    assert [cells[0] for cells in worst.table.rows] == ["1.jpg", "2.jpg"]
    assert [cells[0] for cells in best.table.rows] == ["0.jpg", "3.jpg"]
    assert {photo.thumbnail for photo in worst.photos + best.photos} == {None}
    shown = scorecard.sections(make_report([row]), thumbnails=tmp_path)
    page = scorecard.to_html(make_report([row]), shown)
    assert page.count('<img src="data:image/jpeg;base64,') == 4
    assert "<img" not in scorecard.to_html(make_report([row]), scorecard.sections(make_report([row])))
