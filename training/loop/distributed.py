"""The processes of one run: one, or as many as `torchrun` started (DistributedDataParallel, Li et al. 2020)."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")
# The others wait while the leader reads all pictures once, and after each epoch while it measures. torch would give up after ten
# minutes on GPUs; that a process died is torchrun's to notice.
_PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Team:
    """This process among `size`; `rank` 0 measures, writes and talks. Each has a `device` of its own."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that measures, writes and talks."""
        return self.rank == 0

    def wrapped(self, detector: nn.Module) -> nn.Module:
        """What is called in a training step: averages gradients over the processes."""
        if self.size == 1:
            return detector
        return DistributedDataParallel(detector, device_ids=[self.device] if self.device.type == "cuda" else None)

    def share(self, module: nn.Module) -> None:
        """Give every process the leader's weights and statistics: those of batch normalisation are of each one's own pictures."""
        for tensor in module.state_dict().values() if self.size > 1 else ():
            told = tensor.contiguous()
            distributed.broadcast(told, 0)
            tensor.copy_(told)

    def agree(self, value: T) -> T:
        """The leader's `value`, in every process. Waits until all have come here."""
        if self.size == 1:
            return value
        told = [value]
        distributed.broadcast_object_list(told, 0, device=self.device)
        return told[0]


@contextmanager
def joined(device: str, environment: Mapping[str, str] = os.environ) -> Iterator[Team]:
    """The team of this process. Under `torchrun` it joins the others (NCCL on GPUs, else Gloo) and leaves them at the end."""
    size = int(environment.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(torch.device(device))
        return
    rank, local = int(environment["RANK"]), int(environment.get("LOCAL_RANK", "0"))
    own = torch.device("cuda", local) if device.startswith("cuda") else torch.device(device)
    distributed.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Team(own, rank, size)
    finally:
        distributed.destroy_process_group()
