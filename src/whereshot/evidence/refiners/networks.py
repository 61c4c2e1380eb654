"""The networks of refiners and their training.

A network takes the likeliest cells of the base model and a few numbers, and returns scores of all cells. This module
needs torch; it is imported where a network is trained or used.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from whereshot.evidence.refiners.base import NetworkSettings
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track
from whereshot.models.optimize.loop import StepPart, optimize
from whereshot.models.optimize.optimizers import OptimizerSettings
from whereshot.posterior.base import Posterior

_PLAIN = {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.0}


@dataclass(frozen=True)
class Inputs:
    """The inputs of a network for n photos.

    They are the numbers (n, t) of the likeliest cells, their shares (n, t), which sum to 1, and more numbers (n, m).
    The first of these is the sum of the shares before they were normalised.
    """

    cell: torch.Tensor
    share: torch.Tensor
    more: torch.Tensor

    @classmethod
    def of(cls, posterior: Posterior, top: int, *more: NDArray[np.floating]) -> Inputs:
        """Take the ``top`` heaviest cells of each row, normalised, their former sum, and more columns."""
        top = min(top, posterior.log_mass.shape[1])
        mass = posterior.mass
        best = np.argpartition(-mass, top - 1, axis=1)[:, :top]
        share = np.take_along_axis(mass, best, axis=1)
        total = share.sum(axis=1, keepdims=True)
        columns = np.concatenate([total, *more], axis=1).astype(np.float32)
        return cls(
            torch.from_numpy(best.astype(np.int64)),
            torch.from_numpy((share / total).astype(np.float32)),
            torch.from_numpy(columns),
        )

    def take(self, rows: torch.Tensor) -> Inputs:
        """Return the inputs of some rows; the array of rows can have any shape."""
        return Inputs(self.cell[rows], self.share[rows], self.more[rows])

    def dense(self, cells: int) -> torch.Tensor:
        """Return one array (..., cells + m): the shares in the columns of their cells, and the other numbers."""
        shares = torch.zeros(*self.share.shape[:-1], cells).scatter_(-1, self.cell, self.share)
        return torch.cat([shares, self.more], dim=-1)


class PostingNetwork(nn.Module):
    """The network of Johns, Rounds and Henry 2017, with He initialisation.

    Layers: dense n to n with ReLU; three dense layers of ``width`` with sigmoid, ReLU and sigmoid; each with batch
    normalisation and dropout; then the scores of the cells.
    """

    def __init__(self, cells: int, more: int, width: int, dropout: float) -> None:
        super().__init__()
        self.cells = cells
        inputs = cells + more
        layers: list[nn.Module] = [nn.Linear(inputs, inputs), nn.ReLU()]
        before = inputs
        for activation in (nn.Sigmoid(), nn.ReLU(), nn.Sigmoid()):
            layers += [nn.Linear(before, width), activation, nn.BatchNorm1d(width), nn.Dropout(dropout)]
            before = width
        self.layers = nn.Sequential(*layers, nn.Linear(before, cells))
        _initialize(self.layers)

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Return log probabilities (n, cells)."""
        result: torch.Tensor = self.layers(inputs.dense(self.cells)).log_softmax(dim=-1)
        return result


class AlbumNetwork(nn.Module):
    """A bidirectional LSTM over a user's photos in time order, and a dense layer to the cells of each photo."""

    def __init__(self, cells: int, more: int, width: int, dropout: float) -> None:
        super().__init__()
        self.cells = cells
        self.lstm = nn.LSTM(cells + more, width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * width, cells)
        _initialize(self.linear)

    def forward(self, inputs: Inputs, length: torch.Tensor) -> torch.Tensor:
        """Return log probabilities (albums, photos, cells) of padded albums, whose first ``length`` photos count."""
        packed = nn.utils.rnn.pack_padded_sequence(
            inputs.dense(self.cells), length, batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=inputs.cell.shape[1]
        )
        result: torch.Tensor = self.linear(self.dropout(states)).log_softmax(dim=-1)
        return result


def _initialize(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)


def train(
    module: nn.Module,
    losses: Callable[[int | None], Iterator[torch.Tensor]],
    batches_per_epoch: int,
    settings: NetworkSettings,
    *,
    seed: int,
    state: Path | None,
    track: Track,
) -> None:
    """Train ``module`` in place, phase by phase, each until the validation loss no longer improves.

    ``losses(epoch)`` yields the mean loss of each training batch, ``losses(None)`` the mean loss of each validation
    batch. ``state`` is a folder from which an interrupted training continues.
    """
    first, *then = [
        {"kind": phase.optimizer, "learning_rate": phase.learning_rate, "epochs": phase.epochs} | _PLAIN
        for phase in settings.phases
    ]
    optimizer = OptimizerSettings(**first, then=then, patience=settings.patience, precision="float32")

    def validate() -> float:
        return float(torch.stack(list(losses(None))).mean())

    with tempfile.TemporaryDirectory() as fresh:
        optimize(
            module,
            lambda epoch: map(StepPart, losses(epoch)),
            validate,
            lambda epoch: batches_per_epoch,
            optimizer,
            seed=seed,
            state=state or Path(fresh),
            track=track,
            what="refining",
        )


def load(module: nn.Module, tensors: dict[str, NDArray[Any]]) -> nn.Module:
    """Load weights into the module and return it in evaluation mode. Raises InputError where they do not fit."""
    try:
        module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in tensors.items()})
    except RuntimeError as error:
        raise InputError(
            f"the refiner's weights do not fit its settings ({str(error).splitlines()[-1].strip()})"
        ) from error
    return module.eval()


def weights(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Return all tensors of a module by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}
