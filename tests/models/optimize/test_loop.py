"""The loop: repeatable, resumed without a trace of the kill, and left with the best weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from whereshot.foundation.errors import ConfigError, InputError
from whereshot.models.optimize.loop import StepPart, optimize
from whereshot.models.optimize.optimizers import OptimizerSettings, PhaseSettings

SETTINGS = OptimizerSettings(epochs=6, learning_rate=0.05, precision="float32")
BATCHES = 3


class Line(torch.nn.Module):
    """Two numbers in, one out, with dropout: what is drawn in training is part of what must be repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(2, 1)
        self.dropout = torch.nn.Dropout(0.1)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([[1.0, -1.0]]))
            self.linear.bias.zero_()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.linear(self.dropout(inputs))


class Loop:
    """One training of a Line; ``stop_in`` raises in the midst of that epoch, as Ctrl-C would."""

    def __init__(self, folder: Path, *, settings: OptimizerSettings = SETTINGS, stop_in: int | None = None) -> None:
        self.folder, self.settings, self.stop_in = folder, settings, stop_in
        self.module = Line()
        self.rates: list[float] = []
        self.weights: list[dict[str, torch.Tensor]] = []

    def steps(self, epoch: int) -> Iterator[StepPart]:
        rng = np.random.default_rng([1, epoch])
        for number in range(BATCHES):
            if epoch == self.stop_in and number == 1:
                raise KeyboardInterrupt
            inputs = torch.tensor(rng.normal(size=(8, 2)), dtype=torch.float32)
            yield StepPart(self.loss(inputs))

    def loss(self, inputs: torch.Tensor) -> torch.Tensor:
        return (self.module(inputs)[:, 0] - inputs.sum(dim=1)).square().mean()

    def run(self, validate: Callable[[], float | None] = lambda: None, **options: Any) -> list[int]:
        def validated() -> float | None:
            assert not self.module.training
            self.weights.append({name: tensor.clone() for name, tensor in self.module.state_dict().items()})
            return validate()

        shared = {"seed": 7, "state": self.folder / "state", "log": self.folder / "train.jsonl"}
        return optimize(self.module, self.steps, validated, lambda epoch: BATCHES, self.settings, **(shared | options))

    def log(self) -> list[dict[str, float]]:
        return [json.loads(line) for line in (self.folder / "train.jsonl").read_text().splitlines()]

    def losses(self) -> list[tuple]:
        return [tuple(row[key] for key in ("epoch", "train_loss", "validation_loss")) for row in self.log()]


def same(a: torch.nn.Module | dict, b: torch.nn.Module | dict) -> bool:
    left, right = (part if isinstance(part, dict) else part.state_dict() for part in (a, b))
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture
def undisturbed(tmp_path: Path) -> Loop:
    (tmp_path / "undisturbed").mkdir()
    loop = Loop(tmp_path / "undisturbed")
    assert loop.run() == [6]
    return loop


def test_learns_and_writes_down_how(undisturbed: Loop) -> None:
    rows = undisturbed.log()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1]["train_loss"] < rows[0]["train_loss"] / 2
    assert all(row.keys() == {"epoch", "train_loss", "validation_loss", "learning_rate", "seconds"} for row in rows)
    assert not undisturbed.module.training


def test_twice_is_the_same(undisturbed: Loop, tmp_path: Path) -> None:
    torch.rand(5)  # what was drawn before must not matter
    again = Loop(tmp_path)
    again.run()
    assert same(again.module, undisturbed.module)
    assert again.losses() == undisturbed.losses()
    other = Loop(tmp_path)
    other.run(seed=8, state=tmp_path / "other")
    assert not same(other.module, undisturbed.module)


@pytest.mark.parametrize("epoch", [0, 1, 4])
def test_resumed_is_the_same_as_undisturbed(undisturbed: Loop, tmp_path: Path, epoch: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        Loop(tmp_path, stop_in=epoch).run()
    resumed = Loop(tmp_path)
    assert resumed.run() == [6]
    assert len(resumed.weights) == 6 - epoch  # only the epochs that were missing
    assert same(resumed.module, undisturbed.module)
    assert resumed.losses() == undisturbed.losses()


def test_log_lines_of_an_epoch_that_was_not_finished_are_dropped(undisturbed: Loop, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Loop(tmp_path, stop_in=3).run()
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"epoch": 4, "train_loss": 1.0}\n{"epoch": 5, "tr')  # killed after the line, before the state
    resumed = Loop(tmp_path)
    resumed.run()
    assert resumed.losses() == undisturbed.losses()


def test_a_state_that_was_not_finished_is_ignored(undisturbed: Loop, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Loop(tmp_path, stop_in=3).run()
    (tmp_path / "state" / "epoch-00004.safetensors").write_bytes(b"half a file")
    (tmp_path / "state" / ".state.json").write_text('{"epoch": 4')
    resumed = Loop(tmp_path)
    resumed.run()
    assert same(resumed.module, undisturbed.module)


def test_the_state_folder_holds_the_last_epoch_only(undisturbed: Loop) -> None:
    names = sorted(path.name for path in (undisturbed.folder / "state").iterdir())
    assert names == ["epoch-00006.safetensors", "state.json"]


def test_a_finished_run_is_not_run_again(undisturbed: Loop) -> None:
    again = Loop(undisturbed.folder)
    assert again.run() == [6]
    assert again.weights == []
    assert same(again.module, undisturbed.module)


def test_early_stopping_keeps_the_best_weights(tmp_path: Path) -> None:
    losses = iter([5.0, 3.0, 4.0, 3.0, 3.5, 1.0])
    loop = Loop(tmp_path, settings=SETTINGS.model_copy(update={"patience": 3}))
    assert loop.run(lambda: next(losses)) == [2]
    assert len(loop.weights) == 5  # three epochs without a better one
    assert same(loop.module, loop.weights[1])
    assert not same(loop.module, loop.weights[-1])
    assert [row["validation_loss"] for row in loop.log()] == [5.0, 3.0, 4.0, 3.0, 3.5]


def test_early_stopping_survives_a_kill(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"patience": 3})
    losses = [5.0, 3.0, 4.0, 3.0, 3.5, 1.0]
    first = iter(losses)
    with pytest.raises(KeyboardInterrupt):
        Loop(tmp_path, settings=settings, stop_in=3).run(lambda: next(first))
    (tmp_path / "alone").mkdir()
    alone, resumed = Loop(tmp_path / "alone", settings=settings), Loop(tmp_path, settings=settings)
    rest, whole = iter(losses[3:]), iter(losses)
    assert resumed.run(lambda: next(rest)) == alone.run(lambda: next(whole)) == [2]
    assert same(resumed.module, alone.module)
    assert resumed.losses() == alone.losses()


def test_a_number_of_epochs_may_be_given(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    assert loop.run(lengths=[2]) == [2]
    assert loop.log()[-1]["learning_rate"] < 0.3 * SETTINGS.learning_rate  # the cosine ends with them


def test_learning_rate_rises_and_falls(tmp_path: Path) -> None:
    settings = OptimizerSettings(epochs=10, learning_rate=0.5, warmup=0.3, precision="float32")
    loop = Loop(tmp_path, settings=settings)
    loop.run()
    last_steps = np.arange(BATCHES - 1, 10 * BATCHES, BATCHES)  # the log tells the rate of each epoch's last step
    warm = 0.5 * (last_steps + 1) / 9
    cosine = 0.25 * (1 + np.cos(np.pi * (last_steps - 9) / 21))
    rates = [row["learning_rate"] for row in loop.log()]
    np.testing.assert_allclose(rates, np.where(last_steps < 9, warm, cosine), rtol=1e-12)


def test_a_loss_that_is_no_number(tmp_path: Path) -> None:
    loop = Loop(tmp_path)

    def steps(epoch: int) -> Iterator[StepPart]:
        for part in Loop.steps(loop, epoch):
            yield StepPart(part.loss * float("nan")) if epoch == 1 else part

    said = "^the loss became nan in epoch 2; lower optimizer.learning_rate$"
    with pytest.raises(InputError, match=said):
        optimize(loop.module, steps, lambda: None, lambda epoch: BATCHES, SETTINGS, seed=7, state=tmp_path / "state")
    assert json.loads((tmp_path / "state" / "state.json").read_text())["epoch"] == 1


def test_an_epoch_without_a_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no picture could be read in epoch 1$"):
        optimize(
            Line(), lambda epoch: iter(()), lambda: None, lambda epoch: 1, SETTINGS, seed=7, state=tmp_path / "state"
        )


# --- procedures

ADAGRAD_THEN_SGD = {
    "kind": "adagrad",
    "epochs": 2,
    "then": [{"kind": "sgd", "epochs": 3, "learning_rate": 0.02, "momentum": 0.5, "schedule": "exponential"}],
}
PROCEDURES = {
    "average": {"ema": 0.9},
    "phases": ADAGRAD_THEN_SGD,
    "phases and average": ADAGRAD_THEN_SGD | {"ema": 0.9},
    "adam": {"kind": "adam", "schedule": "polynomial", "power": 2.0},
    "plain sgd": {"kind": "sgd", "schedule": "constant"},
}


def settings_of(changes: dict[str, Any]) -> OptimizerSettings:
    return OptimizerSettings.model_validate({"epochs": 5, "learning_rate": 0.05, "precision": "float32"} | changes)


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("name", PROCEDURES)
def test_every_procedure_resumes_as_if_nothing_had_been(name: str, epoch: int, tmp_path: Path) -> None:
    settings = settings_of(PROCEDURES[name])
    (tmp_path / "whole").mkdir()
    whole, resumed = Loop(tmp_path / "whole", settings=settings), Loop(tmp_path, settings=settings)
    kept = whole.run()
    with pytest.raises(KeyboardInterrupt):
        Loop(tmp_path, settings=settings, stop_in=epoch).run()
    assert resumed.run() == kept and sum(kept) == 5
    assert same(resumed.module, whole.module)
    assert [{**row, "seconds": 0} for row in resumed.log()] == [{**row, "seconds": 0} for row in whole.log()]


def test_phases_are_what_torch_does_by_hand(tmp_path: Path) -> None:
    settings = settings_of(ADAGRAD_THEN_SGD | {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.01})
    settings = settings.model_copy(update={"then": [settings.then[0].model_copy(update={"warmup": 0.0})]})
    loop, hand = Loop(tmp_path, settings=settings), Loop(tmp_path)
    for module in (loop.module, hand.module):
        module.dropout.p = 0.0
    loop.run()
    optimizer: torch.optim.Optimizer = torch.optim.Adagrad(hand.module.parameters(), lr=0.05, weight_decay=0.01)
    for epoch in range(5):
        if epoch == 2:
            optimizer = torch.optim.SGD(hand.module.parameters(), lr=0.02, momentum=0.5, weight_decay=0.05)
        for group in optimizer.param_groups:
            group["lr"] = 0.05 if epoch < 2 else 0.02 * 0.96 ** (epoch - 2)
        for part in hand.steps(epoch):
            optimizer.zero_grad()
            part.loss.backward()
            optimizer.step()
    assert same(loop.module, hand.module)


def test_a_step_in_parts_is_the_step(undisturbed: Loop, tmp_path: Path) -> None:
    whole, parts = Loop(tmp_path / "whole"), Loop(tmp_path / "parts")
    for loop in (whole, parts):
        loop.folder.mkdir()
        loop.module.dropout.p = 0.0

    def steps(epoch: int) -> Iterator[StepPart]:
        rng = np.random.default_rng([1, epoch])
        for _ in range(BATCHES):
            inputs = torch.tensor(rng.normal(size=(8, 2)), dtype=torch.float32)
            yield StepPart(parts.loss(inputs[:3]), 3 / 8, False)
            yield StepPart(parts.loss(inputs[3:]), 5 / 8)

    whole.run()
    parts.steps = steps  # type: ignore[method-assign]
    parts.run()
    for one, other in zip(whole.log(), parts.log(), strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
    for name, tensor in whole.module.state_dict().items():
        torch.testing.assert_close(parts.module.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


def test_the_average_is_what_is_validated_and_kept(tmp_path: Path) -> None:
    settings = settings_of({"ema": 0.9})
    loop = Loop(tmp_path, settings=settings)
    loop.run()
    assert same(loop.module, loop.weights[-1])
    tensors = load_file(tmp_path / "state" / "epoch-00005.safetensors")
    assert not torch.equal(tensors["module.linear.weight"], loop.module.linear.weight)
    assert torch.equal(tensors["average.linear.weight"], loop.module.linear.weight)


def test_a_phase_that_no_longer_helps_gives_way_to_the_next(tmp_path: Path) -> None:
    """Two epochs without a better loss end the first phase; the second begins with the best weights before it."""
    then = [PhaseSettings(kind="sgd", epochs=3, learning_rate=1e-9, weight_decay=0.0)]
    settings = SETTINGS.model_copy(update={"epochs": 9, "patience": 2, "then": then})
    losses = iter([5.0, 3.0, 4.0, 4.0, 2.0, 2.5, 2.2])
    loop = Loop(tmp_path, settings=settings)
    assert loop.run(lambda: next(losses)) == [2, 1]
    assert len(loop.log()) == 7
    for name, tensor in loop.weights[1].items():  # nearly nothing was learned from there on
        torch.testing.assert_close(loop.weights[4][name], tensor, rtol=1e-4, atol=1e-6)
    again = Loop(tmp_path, settings=settings)
    assert again.run(state=tmp_path / "again", lengths=[2, 1]) == [2, 1]  # as folds repeat it
    assert len(again.weights) == 3


def test_a_phase_that_never_helps_leaves_no_trace(tmp_path: Path) -> None:
    then = [PhaseSettings(epochs=2), PhaseSettings(epochs=2)]
    losses = iter([3.0, 2.0, 9.0, 9.0, 1.0, 0.5])
    loop = Loop(tmp_path, settings=SETTINGS.model_copy(update={"epochs": 2, "then": then}))
    assert loop.run(lambda: next(losses)) == [2, 0, 2]


def test_a_state_of_another_optimizer_is_refused(undisturbed: Loop) -> None:
    other = Loop(undisturbed.folder, settings=SETTINGS.model_copy(update={"kind": "sgd"}))
    with pytest.raises(ConfigError, match=r"was started with another optimizer; start again without --resume$"):
        other.run()


def test_groups_have_rates_of_their_own(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    before = loop.module.linear.bias.clone()
    parameters = [{"params": [loop.module.linear.weight]}, {"params": [loop.module.linear.bias], "scale": 0.0}]
    loop.run(parameters=parameters)
    assert torch.equal(loop.module.linear.bias, before)
    assert loop.log()[-1]["train_loss"] < loop.log()[0]["train_loss"]
