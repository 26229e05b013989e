"""Muon for the matrices inside attention and feed-forward blocks, AdamW for all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

MUON_LR = 2e-3
ADAM_LR = 1.5e-3
_INNER = ("attention.", "feed_forward.", "self_attn.", ".mlp.gate", ".mlp.up", ".mlp.down")


def optimisers(networks: nn.Module) -> list[torch.optim.Optimizer]:
    """Return the two optimisers of some networks."""
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in networks.named_parameters():
        inner = parameter.ndim == 2 and any(part in name for part in _INNER)
        (hidden if inner else rest).append(parameter)
    return [
        torch.optim.Muon(hidden, lr=MUON_LR, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=ADAM_LR, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def set_rates(steppers: Sequence[torch.optim.Optimizer], share: float) -> None:
    """Set both learning rates to a share of their full height."""
    for stepper, full in zip(steppers, (MUON_LR, ADAM_LR), strict=True):
        for group in stepper.param_groups:
            group["lr"] = full * share
