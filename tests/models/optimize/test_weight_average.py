"""The moving average of weights, against its definition."""

from __future__ import annotations

import torch

from whereshot.models.optimize.weight_average import Average


def moved(module: torch.nn.Linear, to: float) -> None:
    with torch.no_grad():
        module.weight.fill_(to)


def test_the_average_is_its_definition() -> None:
    module = torch.nn.Linear(2, 1)
    moved(module, 0.0)
    average, expected = Average(module, 0.5), 0.0
    for step, value in enumerate([1.0, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], start=1):
        moved(module, value)
        average.update(module)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        torch.testing.assert_close(average.weights["weight"], torch.full((1, 2), expected))
    assert module.weight[0, 0].item() == 9.0  # what is trained goes on as it was


def test_it_is_lent_and_taken_back() -> None:
    module = torch.nn.Linear(2, 1)
    average, began = Average(module, 0.9), module.weight.clone()
    moved(module, 5.0)
    with average.applied(module):
        assert torch.equal(module.weight, began)
    assert module.weight[0, 0].item() == 5.0
    average.restart(module)
    assert float(average.weights["weight"][0, 0]) == 5.0 and average.updates == 0


def test_what_is_frozen_and_what_is_no_weight_is_the_modules_own() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    module[0].requires_grad_(False)
    assert set(Average(module, 0.9).weights) == {"1.weight", "1.bias"}
