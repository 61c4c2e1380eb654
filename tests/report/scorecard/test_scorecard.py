"""Scores as others read and paste them: tables, LaTeX, a page whose figures show what the numbers are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whereshot.earth import sphere
from whereshot.evaluate import DISTANCES_KM, LEVELS, Answers, Protocol, Report, Row, Truth, Value, make_report, score
from whereshot.photos.test_sets import Benchmark, Published
from whereshot.report import scorecard
from whereshot.report.scorecard import (
    best_and_worst,
    calibration,
    confusion,
    errors,
    hours,
    latex,
    svg,
    where_to_collect,
    world,
)
from whereshot.report.scorecard.base import Figure, ScoreTable, Section

EVIL = "<b>|&\\_x"
QUICK = Protocol(draws=20)
CITIES = np.array([[48.86, 2.35], [50.85, 4.35], [35.68, 139.76], [-33.87, 151.2], [40.71, -74.0], [52.52, 13.4]])


def made(rng: np.random.Generator, each: int = 12, name: str = EVIL) -> tuple[Answers, Truth]:
    """Photos of six cities: Paris and Brussels are taken for each other, Sydney for New York; two have no answer."""
    n = each * len(CITIES)
    city = np.repeat(np.arange(len(CITIES)), each)
    truth = sphere.move(CITIES[city], rng.uniform(0, 360, n), rng.uniform(0, 5, n))
    points = sphere.move(truth, rng.uniform(0, 360, n), rng.exponential(10, n))
    half = np.arange(n) % 2 == 0
    points[half & (city == 0)], points[half & (city == 1)] = CITIES[1], CITIES[0]
    points[city == 3] = CITIES[4]
    points[-2:] = np.nan
    answers = Answers(
        name,
        points,
        radius_km={level: np.full(n, 100.0) for level in LEVELS},
        within={km: rng.uniform(size=n) for km in DISTANCES_KM},
        region_level=rng.uniform(size=n),
        region_area_km2={level: np.full(n, 5e4) for level in LEVELS},
        searched_km2=10 ** rng.uniform(0, 8, n),
    )
    posted = np.datetime64("2020-05-01T00:30") + np.timedelta64(1, "h") * (
        np.round(12 - truth[:, 1] / 15).astype(int) % 24
    )
    ids = np.array([f"{EVIL}{at}" for at in range(n)], dtype=object)
    scenes = {scene: np.full(n, share) for scene, share in (("indoor", 0.1), ("natural", 0.2), ("urban", 0.7))}
    scenes["natural"][city == 3] = np.where(np.arange(each) % 3 == 0, 0.9, 0.1)
    return answers, Truth(truth, ids=ids, posted_at=posted, scenes=scenes)


@pytest.fixture(scope="module")
def report() -> Report:
    rng = np.random.default_rng(4)
    answers, truth = made(rng)
    other = Answers("other", sphere.move(truth.points, 0.0, 400.0))
    rows = [score(own, truth, QUICK) for own in (answers, other)]
    return make_report(rows, photos=len(truth), failed=2, audit="none")


@pytest.fixture(scope="module")
def found(report: Report) -> list[Section]:
    return scorecard.sections(report, training=np.repeat(CITIES[:3], 30, axis=0))


@pytest.fixture(scope="module")
def page(report: Report, found: list[Section]) -> str:
    return scorecard.to_html(report, found)


def figures(found: list[Section]) -> dict[str, Figure]:
    return {part.name: part for one in found for part in one.parts if isinstance(part, Figure)}


# --- the table to paste


def test_the_summary_is_a_table_and_the_protocol() -> None:
    names = [*(f"accuracy_{km}" for km in DISTANCES_KM), "geoscore", "mean_km", "median_km", "nll"]
    full = {name: Value(0.5, 0.25, 0.75) for name in [*names, *(f"coverage_{level}" for level in (50, 80, 90))]}
    few = {name: Value(0.0, 0.0, 1234.5678) for name in names[:-1]}
    protocol = {"photos": 3, "threshold": "<=", "nearest_training_photo_within_1_km": None}
    text = scorecard.summary(Report([Row("one", 3, 0, full), Row("two", 3, 1, few)], protocol))
    lines = text.splitlines()
    heads = ["method", "1 km", "25 km", "200 km", "750 km", "2500 km", "GeoScore", "mean km", "median km", "NLL"]
    heads += [f"in {level} % circle" for level in (50, 80, 90, 95)]
    assert lines[0] == "| " + " | ".join(heads) + " |"
    assert lines[1] == "|---|" + 13 * "---:|"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:4]]
    assert [len(row) for row in cells] == [14, 14]
    assert cells[0][:2] == ["one", "50.0 [25.0, 75.0]"]
    assert cells[0][6:11] == ["0 [0, 1]", "0 [0, 1]", "0.5 [0.2, 0.8]", "0.50 [0.25, 0.75]", "50.0 [25.0, 75.0]"]
    assert cells[1][8:] == ["0.0 [0.0, 1234.6]", "", "", "", "", ""]
    assert lines[4:] == ["", "Protocol: photos 3; threshold <="]
    assert text.endswith("\n")


def test_published_rows_are_marked(report: Report) -> None:
    field = (Published("PlaNet", "Weyand", "image", (8.5, 24.8, 34.3, 48.4, 66.0)), Published("P", "x", mean_km=1069))
    lines = scorecard.summary(report, Benchmark("b", "B", 72, "told", ".*", published=field)).splitlines()
    assert lines[4].startswith("| PlaNet (published) | 8.5 | 24.8 | 34.3 | 48.4 | 66.0 |  |")
    assert [cell.strip() for cell in lines[5].split("|")][7:10] == ["", "1069", ""]


# --- writers


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


def test_the_page_is_whole_and_asks_for_nothing(page: str) -> None:
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)|https?://|@import|url\(|<script", page)
    assert "default-src 'none'" in page and "prefers-color-scheme: dark" in page
    assert EVIL not in page and "<b>" not in page
    for tag in ("section", "figure", "div", "details", "table", "ul", "svg", "p"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


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


# --- figures


def test_the_histogram_counts_every_photo(report: Report) -> None:
    one = errors.histogram(report.rows[0])
    counts = [int(row[1]) for row in one.table.rows]
    assert sum(counts) == 72
    assert one.table.rows[-1][:2] == ["no answer", "2"]
    row = score(Answers("exact", CITIES[:4]), CITIES[:4], QUICK)
    assert errors.histogram(row).table.rows[0][1:] == ["4", "100.0"]


def test_lines_end_where_the_values_say() -> None:
    """The share axis runs upward over the drawing's height, a log axis by the logarithm."""
    plot = svg.Plot(svg.Scale(1, 10_000, [], log=True), svg.shares(), "x", "y", 400, 290)
    x, y = plot.at(np.array([1.0, 100.0, 10_000.0]), np.array([0.0, 0.5, 1.0]))
    assert x.tolist() == [58, 58 + (400 - 82) / 2, 400 - 24]
    assert y.tolist() == [290 - 48, (290 - 48 + 10) / 2, 10]


@pytest.mark.parametrize(("most", "top"), [(0.0, 1.0), (0.118, 0.125), (3.0, 3.0), (41.0, 50.0), (1000.0, 1000.0)])
def test_axes_reach_the_largest_value_in_round_steps(most: float, top: float) -> None:
    scale = svg.up_to(most)
    assert scale.high == pytest.approx(top) and 2 <= len(scale.ticks) <= 7


def test_maps_count_every_photo_and_place_it(report: Report) -> None:
    counted, off = world.maps(report.rows[0])
    assert sum(int(row[2]) for row in counted.table.rows) == 72
    near = [row[0] for row in counted.table.rows]
    assert any("Japan" in name for name in near) and any("Australia" in name for name in near)
    assert off.table.rows[0][0].endswith("Australia")  # all of Sydney is put in New York
    assert float(off.table.rows[0][3].replace(",", "")) == pytest.approx(15_990, rel=0.01)
    assert ("e5", "over 2500 km") in off.legend
    frame = world.MapFrame.of(CITIES, 4)
    left, middle, right = (frame.project(np.array([[0.0, at]]))[0, 0] for at in (-180.0, 0.0, 180.0))
    assert (left, middle, right) == pytest.approx((-frame.half[0], 0, frame.half[0]))


def test_photos_of_one_region_get_a_map_of_it(rng: np.random.Generator) -> None:
    truth = np.stack([rng.uniform(55, 57, 50), rng.uniform(9, 12, 50)], axis=1)
    row = score(Answers("x", sphere.move(truth, 90.0, 20.0)), truth, QUICK)
    frame = world.MapFrame.of(truth, 4)
    plane = frame.project(truth)
    assert (np.abs(plane) <= frame.half).all() and np.abs(plane[:, 1]).max() > 0.3 * frame.half[1]
    assert frame.level > 6
    counted, _ = world.maps(row)
    assert sum(int(cells[2]) for cells in counted.table.rows) <= 50 and 'class="land"' in counted.svg
    assert len(counted.svg) < 400_000


def test_median_errors_of_cells_are_medians(rng: np.random.Generator) -> None:
    truth = CITIES[rng.integers(0, len(CITIES), 101)]
    row = score(Answers("x", sphere.move(truth, 10.0, rng.exponential(200, 101))), truth, QUICK)
    cells = world.PhotoCells.of(row.scored, 4)
    own = world.s2.encode(truth, 4)
    for at, cell in enumerate(cells.ids):
        assert cells.median_km[at] == pytest.approx(np.median(row.scored.error_km[own == cell]))
        assert cells.photos[at] == (own == cell).sum()


def test_the_matrix_has_neighbours_side_by_side(report: Report) -> None:
    one = confusion.matrix(report.rows[0])
    told = {row[0]: row for row in one.table.rows}
    assert told["France"][1:] == ["Belgium 6", "12", "50.0"]
    assert told["Australia"] == ["Australia", "United States 12", "12", "0.0"]
    assert told["Germany"][1] == "no answer 2"
    order = list(told)
    assert abs(order.index("France") - order.index("Belgium")) == 1
    assert abs(order.index("Germany") - order.index("Belgium")) <= 2


def test_an_order_of_neighbours_is_that_of_a_line(rng: np.random.Generator) -> None:
    line = np.stack([np.zeros(12), np.linspace(0, 60, 12) + rng.uniform(0, 2, 12)], axis=1)
    mixed = rng.permutation(12)
    order = mixed[confusion.neighbourly(line[mixed])]
    assert order.tolist() in ([*range(12)], [*range(11, -1, -1)])


def test_photos_of_one_country_are_told_apart_by_cells(rng: np.random.Generator) -> None:
    truth = np.stack([rng.uniform(55.5, 57, 60), rng.uniform(9, 10, 60)], axis=1)
    right = confusion.matrix(score(Answers("x", truth), truth, QUICK))
    assert "S2 cell" in right.table.heads[0] and len(right.table.rows) >= 8
    assert {row[3] for row in right.table.rows} == {"100.0"}
    abroad = np.concatenate([truth, CITIES[:3]])  # a few elsewhere change nothing
    assert "S2 cell" in confusion.matrix(score(Answers("x", abroad), abroad, QUICK)).table.heads[0]
    one = np.repeat(CITIES[:1], 5, axis=0)
    assert confusion.matrix(score(Answers("x", one), one, QUICK)) is None


def test_longitudes_by_hour(report: Report, rng: np.random.Generator) -> None:
    """Photos were posted at noon of the sun: 139.76 east is 3 h UTC, 74 west 17 h."""
    one = hours.by_hour(report.rows[0])
    rows = {row[0]: row for row in one.table.rows}
    assert (rows["03"][1], rows["03"][2], rows["17"][2]) == ("12", "140", "-74")
    assert rows["07"][1:] == ["0", "", "", "", ""]
    truth = Truth(CITIES, taken_at=np.full(6, np.datetime64("2020-01-01")))
    assert hours.by_hour(score(Answers("x", CITIES), truth, QUICK)) is None
    assert hours.by_hour(score(Answers("x", CITIES), CITIES, QUICK)) is None


def test_without_statements_there_are_no_plots_of_them() -> None:
    assert calibration.figures(score(Answers("x", CITIES), CITIES, QUICK)) == []


# --- what to collect, single photos


def test_the_weakest_places_and_what_to_collect_there(report: Report) -> None:
    cells, regions, countries = where_to_collect.weakest(report.rows[0].scored)
    assert cells.rows[0][0].endswith("Australia") and regions.rows[0][0] == "New South Wales, Australia"
    sydney = countries.rows[0]
    assert (sydney[0], sydney[2], sydney[5]) == ("Australia", "12", "0")
    assert "what tells it from United States: 12 of 12 misses go there" in sydney[1]
    assert not {"Japan", "United States"} & {row[0] for row in countries.rows}  # better than the mean


def test_nothing_helps_a_photo_without_an_answer() -> None:
    truth = np.repeat(CITIES[:3], 4, axis=0)
    points = truth.copy()
    points[:3], points[4:6] = np.nan, CITIES[4]
    row = score(Answers("x", points), truth, QUICK)
    told = {cells[0]: cells[1] for cells in where_to_collect.weakest(row.scored)[2].rows}
    assert told == {
        "France": "nothing for 3 of 4 photos: they have no answer",
        "Belgium": "what tells it from United States: 2 of 2 misses go there",
    }


def test_what_it_was_trained_on_is_counted(report: Report) -> None:
    *_, countries = where_to_collect.weakest(report.rows[0].scored, np.repeat(CITIES[:3], 30, axis=0))
    assert countries.heads[3] == "trained on"
    told = {row[0]: row for row in countries.rows}
    assert told["Australia"][3] == "0"
    assert told["Australia"][1].startswith("photos of any kind: it was trained on none; ")


def test_the_weakest_of_one_region_are_finer_cells(rng: np.random.Generator) -> None:
    truth = np.stack([rng.uniform(55, 57, 200), rng.uniform(9, 12, 200)], axis=1)
    bad = truth[:, 1] < 9.5
    points = np.where(bad[:, None], CITIES[2], truth)
    cells, *_ = where_to_collect.weakest(score(Answers("x", points), truth, QUICK).scored, truth[bad])
    assert int(cells.caption.split()[-1]) > 4
    assert cells.rows[0][-1] == "0" and all(float(row[-1]) < 100 for row in cells.rows)
    assert cells.rows[0][2] == cells.rows[0][3] and int(cells.rows[0][2]) >= 3  # trained on just these


def test_scenes_say_what_to_collect() -> None:
    truth = np.repeat(CITIES[[0, 2]], 20, axis=0)
    points = truth.copy()
    points[:10] = CITIES[3]
    natural = np.repeat([0.9, 0.1], [10, 30])
    scenes = {"indoor": np.zeros(40), "natural": natural, "urban": 1 - natural}
    row = score(Answers("x", points), Truth(truth, scenes=scenes), QUICK)
    (france,) = where_to_collect.weakest(row.scored)[2].rows
    assert france[1].startswith("natural photos: 0 of 10 within 200 km; what tells it from Australia")


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


def test_one_photo_and_no_answer_at_all_can_be_reported() -> None:
    for points in (CITIES[:1], np.full((3, 2), np.nan)):
        whole = make_report([score(Answers("x", points), CITIES[: len(points)], QUICK)])
        found = scorecard.sections(whole)
        assert "<h2>Errors</h2>" in scorecard.to_html(whole, found)
        assert all(isinstance(part, ScoreTable | Figure | scorecard.PhotoGroup) for one in found for part in one.parts)
