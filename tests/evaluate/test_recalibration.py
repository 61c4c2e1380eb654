"""A calibration as a document and in words."""

from __future__ import annotations

import json
import math

from whereshot.evaluate.conformal import ASSUMPTION, GUARANTEE, Temperature
from whereshot.evaluate.recalibration import ConformalSets, Recalibration

FITTED = Recalibration(
    photos=40,
    failed=2,
    by="scene",
    groups={"all": 38, "urban": 30, "indoor": 8},
    temperatures={"level 1 (12 cells)": Temperature(1.5, 2.0, 1.75)},
    circles={0.9: {"all": 1.25, "indoor": math.inf}},
    cells="level 1 (12 cells)",
    sets={0.9: ConformalSets({"all": -3.0}, 1500.0, 2.5)},
)


def test_the_document_has_null_for_too_few_photos() -> None:
    document = FITTED.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["circles"] == {"90": {"all": 1.25, "indoor": None}}
    assert document["cell_sets"]["90"] == {"threshold": {"all": -3.0}, "mean_area_km2": 1500.0, "mean_cells": 2.5}
    assert document["temperature"]["level 1 (12 cells)"] == {"temperature": 1.5, "before": 2.0, "after": 1.75}
    assert "learned_photos" not in document


def test_words() -> None:
    assert FITTED.in_words() == [
        "40 held-out photos, 2 without an answer left out",
        "temperature of level 1 (12 cells): 1.500 (NLL 2.000 -> 1.750 nats)",
        "90 % circles: radius times all 1.250, indoor unknown (too few photos)",
        "90 % sets of level 1 (12 cells): 2.5 cells, 1,500 km² on average",
        f"Guarantee: {GUARANTEE}.",
        f"Assumption: {ASSUMPTION}.",
    ]
