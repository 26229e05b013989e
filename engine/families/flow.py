"""What models of flow matching have in common: their schedule of noise, and inpainting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LEAST_STEP = 1e-3
"""A level of noise that is nearer than this to the one begun at is no step of its own."""


def levels(steps: int, shift: float) -> list[float]:
    """The noise at which each step begins, 1 first, and 0 at the end: the schedule of FlowMatchEuler."""
    times = [1 - n / steps for n in range(steps + 1)]
    return [shift * time / (1 + (shift - 1) * time) for time in times]


def steps_from(strength: float, steps: int, shift: float) -> int:
    """How many steps of a schedule are run from this level of noise: those that end below it."""
    return sum(level < strength - LEAST_STEP for level in levels(steps, shift)) or 1


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What inpainting leaves as it is: everywhere but where the mask (1, height, width) is 1."""

    source: torch.Tensor
    noise: torch.Tensor
    mask: torch.Tensor

    def put_back(self, latents: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        noisy = sigma * self.noise + (1 - sigma) * self.source
        return self.mask * latents + (1 - self.mask) * noisy
