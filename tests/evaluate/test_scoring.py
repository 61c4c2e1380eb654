"""What score and make_report refuse, and what they state about failures and the bootstrap."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scored_answers import HALF_KM
from whereshot import evaluate
from whereshot.evaluate import (
    Answers,
    Protocol,
    make_report,
    score,
)
from whereshot.foundation.errors import InputError
from whereshot.report.answer_formats import finite


@pytest.mark.parametrize(
    ("points", "truth", "message"),
    [
        (np.zeros((2, 2)), np.zeros((3, 2)), "2 answers for 3 photos"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "there is no photo to score"),
        (
            np.zeros((1, 2)),
            [[math.nan, 0]],
            "the position (nan, 0) is impossible: not a finite number",
        ),
    ],
)
def test_scoring_refuses(points: NDArray, truth: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        score(Answers("a", points), truth)
    assert str(caught.value) == message


def test_a_model_that_answers_nothing_has_numbers_too() -> None:
    nothing = Answers("none", np.full((4, 2), math.nan), np.full(4, math.nan), {0.9: np.full(4, math.nan)})
    document = finite(make_report([score(nothing, np.zeros((4, 2)), Protocol(draws=20))]).to_json())
    assert json.dumps(document, allow_nan=False)
    assert document["failed"] == 4 and document["accuracy"] == dict.fromkeys(["1", "25", "200", "750", "2500"], 0)
    assert document["nll"] == pytest.approx(2.531, abs=5e-4)
    assert document["mean_km"] == pytest.approx(HALF_KM) and document["geoscore"] == 0
    assert document["coverage"] == {"90": 0}


def test_the_protocol_says_when_clusters_are_put_together(rng: np.random.Generator) -> None:
    points = np.stack([rng.uniform(-60, 60, 9000), rng.uniform(-170, 170, 9000)], axis=1)
    few = {"accuracy_200": evaluate.METRICS["accuracy_200"], "kl": evaluate.METRICS["kl"]}
    row = evaluate.score(evaluate.Answers("x", points), points, evaluate.Protocol(draws=2), metrics=few)
    told = evaluate.make_report([row]).protocol
    assert told["drawn"] == "each photo whole, 9,000 of them, put together at random into 8,192 groups"
    assert told["recentred"].endswith("centre on the score: kl")
    users = evaluate.Truth(points, cluster=np.arange(9000) // 2, cluster_by="user")
    row = evaluate.score(evaluate.Answers("x", points), users, evaluate.Protocol(draws=2), metrics=few)
    assert evaluate.make_report([row]).protocol["drawn"] == "each user whole, 4,500 of them"
