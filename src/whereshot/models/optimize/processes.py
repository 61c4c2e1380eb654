"""Several processes that train one network, started by torchrun.

The gradient of a step is the sum over the processes, so several processes take the same steps as one process. The
backend is gloo on the CPU and nccl on GPUs, with one GPU for each process. Only the first process writes files.
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
"""Time limit for waiting. The other processes wait while the first one checks pictures and calibrates."""


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a training. This process has the number ``rank`` of ``count``, from 0."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """Whether this is the first process, which prints and writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.count > 1:
            self.sum([0.0])

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return the sums of values over the processes, in float64."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.tolist()

    def shared(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients that are averaged over the processes after each backward pass."""
        if self.count == 1:
            return module
        return nn.parallel.DistributedDataParallel(module)

    @contextlib.contextmanager
    def holding(self, module: nn.Module, held: bool) -> Iterator[None]:
        """Do not average the gradients of passes in this context, if ``held``: more parts of the step follow."""
        if held and isinstance(module, nn.parallel.DistributedDataParallel):
            with module.no_sync():
                yield
        else:
            yield


ALONE = ProcessGroup()


def is_launched() -> bool:
    """Return whether torchrun started this process."""
    return distributed.is_available() and distributed.is_torchelastic_launched()


def rank() -> int:
    """Return the number of this process among the processes of torchrun; 0 without torchrun."""
    return int(os.environ["RANK"]) if is_launched() else 0


def local_rank() -> int:
    """Return the number of this process on its machine, which is also the number of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_count() -> int:
    """Return how many processes torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextlib.contextmanager
def join_group(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started. Without torchrun, this process is alone."""
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
