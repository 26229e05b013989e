"""A component whose weights stay in main memory, and are copied to the device for as long as it works."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from engine.worker.hostmemory import free_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


class HostCopy:
    """Nothing is copied back: what drawing does to weights is nothing.

    `pins`: on a GPU the weights are pinned where twice their size is free, which lets them travel at the full
    speed of the bus.
    """

    def __init__(self, module: torch.nn.Module, device: torch.device, *, pins: bool) -> None:
        self._module = module
        self._device = device
        pinned = pins and (free_bytes() or 0) > 2 * nbytes_of(module)
        self._pin = _pinned if pinned else lambda tensor: tensor
        self._homes: dict[torch.Tensor, torch.Tensor] = {}
        self.leave()

    @contextlib.contextmanager
    def on_device(self) -> Iterator[None]:
        """The weights are on the device inside this, also where it ends in an error."""
        try:
            self.come()
            yield
        finally:
            self.leave()

    def come(self) -> None:
        """Have the weights on the device."""
        for tensor in _tensors(self._module):
            tensor.data = tensor.data.to(self._device, non_blocking=True)

    def leave(self) -> None:
        """Have them here; those that are new since the last time, such as a LoRA's, get a home now."""
        tensors = list(_tensors(self._module))
        homes = {
            tensor: self._homes[tensor] if tensor in self._homes else self._pin(tensor.data.to("cpu"))
            for tensor in tensors
        }
        for tensor, home in homes.items():
            tensor.data = home
        self._homes = homes


def _tensors(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def nbytes_of(module: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in _tensors(module))


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    with contextlib.suppress(RuntimeError):  # the kernel sets a limit to it
        return tensor.pin_memory()
    return tensor
