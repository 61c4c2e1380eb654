"""Several processes that train one network, started by torchrun: which of them this is, and how they add up.

A step's gradient is the sum over the processes, so that a training by several takes the steps of one that is alone.
gloo on the CPU, nccl on GPUs, one GPU for each process. Only the first process writes files.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import distributed, nn

_PATIENCE = datetime.timedelta(hours=24)
"""The first process alone looks at pictures and calibrates, while the others wait."""


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a training; this is number ``rank`` of ``count``."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.count > 1:
            self.sum([0.0])

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sums over the processes, in float64."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.tolist()

    def shared(self, module: nn.Module) -> nn.Module:
        """The module with gradients that are averaged over the processes after each backward."""
        if self.count == 1:
            return module
        return nn.parallel.DistributedDataParallel(module)

    @contextlib.contextmanager
    def holding(self, module: nn.Module, held: bool) -> Iterator[None]:
        """Forwards in here whose gradients are not averaged yet, if ``held``: others of the same step follow."""
        if held and isinstance(module, nn.parallel.DistributedDataParallel):
            with module.no_sync():
                yield
        else:
            yield


ALONE = ProcessGroup()


def is_launched() -> bool:
    """Whether torchrun started this process."""
    return distributed.is_available() and distributed.is_torchelastic_launched()


def rank() -> int:
    """The number of this process among those of torchrun; 0 without it."""
    return int(os.environ["RANK"]) if is_launched() else 0


def local_rank() -> int:
    """The number of this process on its machine: whose GPU it takes."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_count() -> int:
    """How many processes torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextlib.contextmanager
def join_group(device: str) -> Iterator[ProcessGroup]:
    """This process among those that torchrun started; alone where it did not."""
    if not is_launched():
        yield ProcessGroup(device=device)
        return
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    try:
        yield ProcessGroup(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()
