"""The steps of a training, on cached features or on pictures.

A step uses the same photos whether it is computed at once, in parts, or by several processes.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from whereshot.foundation import processes
from whereshot.foundation.progress import Track, silent
from whereshot.models.networks import Auxiliary, Head, Network
from whereshot.models.optimize.loop import StepPart, optimize
from whereshot.models.optimize.processes import ALONE, ProcessGroup, local_count
from whereshot.photos.batches import Batch, Loader, Processes, batches
from whereshot.photos.dali_batches import Dali
from whereshot.photos.preprocess import Preprocess
from whereshot.training.run_file import Run
from whereshot.training.sampling import Repeated, Sampler


@dataclass(frozen=True)
class TrainingPhotos:
    """Positions (n, 2) and weights (n,) of all photos, and the rows to train on and to validate on."""

    points: NDArray[np.float64]
    weight: NDArray[np.float64]
    train_rows: NDArray[np.int64]
    validation_rows: NDArray[np.int64]


@dataclass(frozen=True)
class Fitting:
    """Trains the network of a run. Only the first process prints and writes."""

    run: Run
    device: str
    group: ProcessGroup = ALONE
    track: Track = silent
    say: Callable[[str], None] = lambda text: None

    def head(
        self,
        head: Head,
        scaled: torch.Tensor,
        photos: TrainingPhotos,
        *,
        state: Path,
        log: Path | None = None,
        what: str = "training",
        lengths: Sequence[int] | None = None,
    ) -> list[int]:
        """Train a head on features (n, dim); return the epochs of each phase that led to the best weights."""
        target, inputs = head.target(photos.points).to(self.device), scaled.to(self.device)
        weights = torch.tensor(photos.weight, dtype=torch.float32, device=self.device)
        sampler = self._sampler(head, photos)

        def loss_of(rows: NDArray[np.int64]) -> torch.Tensor:
            chosen = torch.from_numpy(rows)
            return head.loss(inputs[chosen], target[chosen], weights[chosen])

        def steps(epoch: int) -> Iterator[StepPart]:
            for step in self.plan(sampler.draws(epoch) % sampler.photos):
                whole = photos.weight[np.concatenate(step)].sum()
                filled = [rows for rows in step if len(rows)]
                for rows in filled:
                    share = 1.0 if len(filled) == 1 else photos.weight[rows].sum() / whole
                    yield StepPart(loss_of(rows), float(share), rows is filled[-1])

        def validate() -> float | None:
            return float(loss_of(photos.validation_rows)) if len(photos.validation_rows) else None

        return self._optimize(head, steps, validate, sampler, state=state, log=log, what=what, lengths=lengths)

    def network(
        self,
        network: Network,
        sources: Sequence[str | None],
        preprocess: Preprocess,
        photos: TrainingPhotos,
        *,
        workers: int | None,
        state: Path,
        log: Path | None,
        auxiliary: Auxiliary | None = None,
    ) -> list[int]:
        """Train backbone and head on random crops; return the epochs of each phase that led to the best weights.

        ``auxiliary`` losses of the same records are added to the loss of the head, in training and validation.
        """
        sampler = self._sampler(network.head, photos)
        with _loader(self.run.data.loader, workers, self.device) as load:
            work = _EndToEnd(self, network, auxiliary, sources, preprocess, photos, sampler, load)
            groups = parameter_groups(network, self.run.optimizer.layer_decay)
            trained: torch.nn.Module = network
            if auxiliary is not None:
                trained = torch.nn.ModuleList([network, auxiliary])
                groups = groups and [*groups, {"params": list(auxiliary.parameters()), "scale": 1.0}]
            return self._optimize(trained, work.steps, work.validate, sampler, state=state, log=log, parameters=groups)

    def _optimize(
        self,
        module: torch.nn.Module,
        steps: Callable[[int], Iterator[StepPart]],
        validate: Callable[[], float | None],
        sampler: Sampler,
        **options: Any,
    ) -> list[int]:
        size = self.run.optimizer.batch_size
        return optimize(
            module,
            steps,
            validate,
            lambda epoch: math.ceil(sampler.count(epoch) / size),
            self.run.optimizer,
            seed=self.run.seed,
            device=self.device,
            group=self.group,
            track=self.track,
            **options,
        )

    def _sampler(self, head: Head, photos: TrainingPhotos) -> Sampler:
        settings, cells = self.run.sampling, None
        if not settings.plain:
            cells = head.hierarchy.assign(photos.points[photos.train_rows])[:, settings.level]
        return Sampler(settings, photos.train_rows, len(photos.points), self.run.seed, cells)

    @property
    def part_size(self) -> int:
        """The number of photos that one process computes at once."""
        return self.run.optimizer.batch_size // (self.run.optimizer.accumulate * self.group.count)

    def plan(self, draws: NDArray[np.int64]) -> Iterator[list[NDArray[np.int64]]]:
        """Yield the steps of an epoch, each as parts for all processes in turn. Parts of the last step may be empty."""
        size, parts = self.part_size, self.run.optimizer.accumulate * self.group.count
        for start in range(0, len(draws), size * parts):
            step = draws[start : start + size * parts]
            yield [step[part * size : (part + 1) * size] for part in range(parts)]

    def own_parts(self, step: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Return the parts of a step that this process computes."""
        count = self.run.optimizer.accumulate
        return step[self.group.rank * count : (self.group.rank + 1) * count]


class _EndToEnd:
    """The steps and the validation of a network that is trained on pictures."""

    def __init__(
        self,
        fitting: Fitting,
        network: Network,
        auxiliary: Auxiliary | None,
        sources: Sequence[str | None],
        preprocess: Preprocess,
        photos: TrainingPhotos,
        sampler: Sampler,
        load: Loader,
    ) -> None:
        self.fitting, self.photos, self.sampler, self.load = fitting, photos, sampler, load
        self.sources, self.preprocess = sources, preprocess
        self.target = network.head.target(photos.points)
        self.weights = torch.tensor(photos.weight, dtype=torch.float32)
        self.alone = _Loss(network, auxiliary)
        self.forward = fitting.group.shared(self.alone)

    def steps(self, epoch: int) -> Iterator[StepPart]:
        """Yield the losses of this process's parts of each step of an epoch."""
        fitting, weight, count = self.fitting, self.photos.weight, self.sampler.photos
        plan = list(fitting.plan(self.sampler.draws(epoch)))
        loaded = self.load(
            Repeated(self.sources),
            self.preprocess,
            batch_size=fitting.part_size,
            order=np.concatenate([rows for step in plan for rows in fitting.own_parts(step)]),
            random_crops=(fitting.run.seed, epoch),
            augment=fitting.run.augment,
        )
        for step in plan:
            own = fitting.own_parts(step)
            whole = weight[np.concatenate(step) % count].sum()
            for number, rows in enumerate(own):
                batch = self._report(next(loaded)) if len(rows) else None
                if batch is not None and not len(batch.rows):
                    batch = None
                ends = number == len(own) - 1
                if len(step) == 1:
                    if batch is not None:
                        yield StepPart(self._loss(batch, self.forward))
                    continue
                with fitting.group.holding(self.forward, not ends):
                    loss = self._no_loss(int(step[0][0])) if batch is None else self._loss(batch, self.forward)
                share = 0.0 if batch is None else weight[batch.rows % count].sum() / whole
                yield StepPart(loss, float(share), ends)

    def validate(self) -> float:
        """Return the mean loss of the validation photos, over all processes."""
        group = self.fitting.group
        own = self.photos.validation_rows[group.rank :: group.count]
        loaded = self.load(self.sources, self.preprocess, batch_size=self.fitting.part_size, order=own)
        total, count = 0.0, 0.0
        for batch in map(self._report, loaded):
            if len(batch.rows):
                total += float(self._loss(batch, self.alone)) * len(batch.rows)
                count += len(batch.rows)
        total, count = group.sum([total, count])
        return total / max(count, 1)

    def _report(self, batch: Batch) -> Batch:
        """Report the pictures of a batch that could not be read; return the batch."""
        for row, text in batch.errors.items():
            self.fitting.say(f"skipped {self.sources[row % self.sampler.photos]}: {text}")
        return batch

    def _loss(self, batch: Batch, forward: torch.nn.Module) -> torch.Tensor:
        device, rows = self.fitting.device, torch.from_numpy(batch.rows % self.sampler.photos)
        crops, owner = torch.from_numpy(batch.crops).to(device), torch.from_numpy(batch.owner).to(device)
        result: torch.Tensor = forward(crops, owner, self.target[rows].to(device), self.weights[rows].to(device), rows)
        return result

    def _no_loss(self, draw: int) -> torch.Tensor:
        """Return the loss, 0, of a part without a photo. The process must still take part in the sums over all."""
        device, size = self.fitting.device, self.preprocess.size
        crops = torch.zeros(1, 3, size, size, device=device)
        owner = torch.zeros(1, dtype=torch.int64, device=device)
        weight, rows = torch.zeros(1, device=device), torch.tensor([draw % self.sampler.photos])
        result: torch.Tensor = self.forward(crops, owner, self.target[rows].to(device), weight, rows)
        return result


class _Loss(torch.nn.Module):
    """The loss of crops (m, 3, h, w) with their targets, weights and rows, in one forward call.

    Several processes can only share the gradients of one forward call.
    """

    def __init__(self, network: Network, auxiliary: Auxiliary | None) -> None:
        super().__init__()
        self.network, self.auxiliary = network, auxiliary

    def forward(
        self, crops: torch.Tensor, owner: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, rows: torch.Tensor
    ) -> torch.Tensor:
        features = self.network.features(crops, owner, len(target))
        loss = self.network.head.loss(features, target, weight)
        return loss if self.auxiliary is None else loss + self.auxiliary(features, rows, weight)


@contextlib.contextmanager
def _loader(kind: str, workers: int | None, device: str) -> Iterator[Loader]:
    """Yield a loader: DALI, or several processes if ``workers`` or a GPU needs them, else two threads.

    Processes and threads give the same bits.
    """
    count = workers or (max(1, processes.cores() // local_count()) if device != "cpu" else 1)
    if kind == "dali":
        yield Dali("cpu" if device == "cpu" else None, threads=count)
    elif count == 1:
        yield functools.partial(batches, threads=2)
    else:
        with Processes(count) as load:
            yield load


def parameter_groups(network: Network, layer_decay: float) -> list[dict[str, Any]] | None:
    """Return groups of parameters by block of the backbone, with the factor on their learning rate.

    The factor is 1 above the backbone, ``layer_decay`` for its last block, its square for the block below, and so on
    (Clark et al. 2020, ELECTRA; Bao et al. 2021, BEiT). None where all factors are 1.
    """
    if layer_decay == 1:
        return None
    blocks = network.backbone.blocks()
    top = max(blocks.values()) + 1
    by_block: dict[int, list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            block = blocks[name.removeprefix("backbone.network.")] if name.startswith("backbone.network.") else top
            by_block.setdefault(block, []).append(parameter)
    return [{"params": own, "scale": layer_decay ** (top - block)} for block, own in sorted(by_block.items())]
