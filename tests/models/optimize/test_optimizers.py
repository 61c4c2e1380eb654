"""Learning rates from step to step, against their formulas; settings out of range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from whereshot.models.optimize.optimizers import (
    OptimizerSettings,
    PhaseSettings,
    learning_rate,
    make_optimizer,
    set_learning_rate,
)


def rates(steps_of: list[int], **settings: Any) -> list[float]:
    """The rate of every step of epochs with so many steps."""
    phase, total = PhaseSettings(learning_rate=0.5, **settings), sum(steps_of)
    found = []
    for epoch, steps in enumerate(steps_of):
        found += [learning_rate(phase, len(found) + step, total, epoch) for step in range(steps)]
    return found


def test_polynomial_is_that_of_the_published_runs() -> None:
    """As Keras' PolynomialDecay to 0: lr (1 - t / T) ** power."""
    share = 1 - np.arange(12) / 12
    np.testing.assert_allclose(rates([3] * 4, schedule="polynomial", warmup=0.0), 0.5 * share)
    np.testing.assert_allclose(rates([3] * 4, schedule="polynomial", warmup=0.0, power=2.0), 0.5 * share**2)


def test_exponential_falls_by_a_share_an_epoch() -> None:
    found = rates([2, 3, 1], schedule="exponential", warmup=0.0)  # 4 % by default
    np.testing.assert_allclose(found, [0.5] * 2 + [0.5 * 0.96] * 3 + [0.5 * 0.96**2])


def test_constant_stays_after_the_warmup() -> None:
    np.testing.assert_allclose(rates([5, 5], schedule="constant", warmup=0.2), [0.25] + [0.5] * 9)


def test_cosine_ends_near_zero() -> None:
    found = rates([10], warmup=0.1)
    expected = [0.5] + [0.25 * (1 + math.cos(math.pi * step / 9)) for step in range(9)]
    np.testing.assert_allclose(found, expected)


def test_a_group_has_its_scale_on_the_rate() -> None:
    weights = [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]
    optimizer = make_optimizer(PhaseSettings(), [{"params": [weights[0]]}, {"params": [weights[1]], "scale": 0.25}])
    set_learning_rate(optimizer, 0.8)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("adagrad", torch.optim.Adagrad),
        ("sgd", torch.optim.SGD),
    ],
)
def test_every_optimizer_by_name(kind: str, made: type[torch.optim.Optimizer]) -> None:
    optimizer = make_optimizer(PhaseSettings(kind=kind, weight_decay=0.3), [torch.nn.Parameter(torch.zeros(2))])  # type: ignore[arg-type]
    assert type(optimizer) is made and optimizer.param_groups[0]["weight_decay"] == 0.3


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"learning_rate": 0},
        {"warmup": 1},
        {"precision": "float16"},
        {"patience": 0},
        {"kind": "lion"},
        {"schedule": "step"},
        {"decay": 1},
        {"accumulate": 0},
        {"layer_decay": 0},
        {"ema": 1},
        {"then": [{"batch_size": 3}]},
    ],
)
def test_settings_out_of_range(wrong: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        OptimizerSettings.model_validate(wrong)
