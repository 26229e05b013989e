"""Replicas of the networks that train side by side, a process each, and agree now and then.

On few cores two processes with a thread each take more steps than one process with two threads, whose small
matrices do not keep both busy. `torchrun` starts them; without it there is one replica, and nothing to do.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn

PERIOD = 8  # steps that replicas take on their own


class Replicas:
    """The replicas that `torchrun` started, or the only one."""

    def __init__(self) -> None:
        """Join the others."""
        self._many = dist.is_torchelastic_launched()
        if self._many:
            dist.init_process_group("gloo")

    @property
    def number(self) -> int:
        """Which of the replicas this one is; the first saves."""
        return dist.get_rank() if self._many else 0

    @torch.no_grad()
    def agree(self, networks: nn.Module, spent_s: float) -> float:
        """Average the weights of all replicas, and return the seconds that the first has trained."""
        if not self._many:
            return spent_s
        weights: list[Tensor] = list(networks.parameters())
        together = nn.utils.parameters_to_vector(weights)
        dist.all_reduce(together)
        pieces = torch.split(together / dist.get_world_size(), [w.numel() for w in weights])
        torch._foreach_copy_(weights, [p.view_as(w) for p, w in zip(pieces, weights, strict=True)])
        clock = torch.tensor(spent_s, dtype=torch.float64)
        dist.broadcast(clock, 0)
        return clock.item()
