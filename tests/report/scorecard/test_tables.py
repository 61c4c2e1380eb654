"""The tables of scores: the own methods, and published ones below."""

from __future__ import annotations

from whereshot.evaluate import DISTANCES_KM, Report, Row, Value
from whereshot.photos.test_sets import Benchmark, Published
from whereshot.report import scorecard
from whereshot.report.scorecard import tables


def test_the_summary_is_a_table_and_the_protocol() -> None:
    names = [*(f"accuracy_{km}" for km in DISTANCES_KM), "geoscore", "mean_km", "median_km", "nll"]
    full = {name: Value(0.5, 0.25, 0.75) for name in [*names, *(f"coverage_{level}" for level in (50, 80, 90))]}
    few = {name: Value(0.0, 0.0, 1234.5678) for name in names[:-1]}
    protocol = {"photos": 3, "threshold": "<=", "nearest_training_photo_within_1_km": None}
    text = scorecard.summary(Report([Row("one", 3, 0, full), Row("two", 3, 1, few)], protocol))
    lines = text.splitlines()
    heads = ["method", *(f"within {km} km, %" for km in DISTANCES_KM), "GeoScore", "mean error, km", "median error, km"]
    heads += ["NLL, nats/sr", *(f"in {level} % circle, %" for level in (50, 80, 90, 95))]
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


def test_every_score_has_its_unit(report: Report) -> None:
    rows = {name: unit for name, unit, *_ in tables.all_scores(report).rows}
    known = {"accuracy_25": "%", "geoscore": "", "median_km": "km", "area_90_km2": "km²", "kl": "nats", "ece_25": "%"}
    assert known.items() <= rows.items()


def test_paths_in_the_protocol_are_shortened_on_the_page_only() -> None:
    facts = {"source": "/home/somebody/a/very/long/way/photos/records.parquet", "cells": "S2 level 4"}
    table = tables.protocol(facts)
    assert table.rows == [["source", "…/photos/records.parquet"], ["cells", "S2 level 4"]] and table.folded
    assert tables.protocol_line(facts) == f"Protocol: source {facts['source']}; cells S2 level 4"
