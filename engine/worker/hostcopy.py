"""A component whose weights stay in main memory, and are copied to the device for as long as it works."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

MEMINFO = Path("/proc/meminfo")


class HostCopy:
    """Nothing is copied back: what drawing does to weights is nothing.

    On a GPU the weights are pinned where twice their size is free, which lets them travel at the full speed
    of the bus.
    """

    def __init__(self, module: torch.nn.Module, device: torch.device) -> None:
        self._tensors = [*module.parameters(), *module.buffers()]
        self._device = device
        nbytes = sum(tensor.nbytes for tensor in self._tensors)
        pinned = device.type == "cuda" and (_free_bytes() or 0) > 2 * nbytes
        here = [tensor.data.to("cpu") for tensor in self._tensors]
        self._home = [_pinned(tensor) for tensor in here] if pinned else here
        self._go_home()

    @contextlib.contextmanager
    def on_device(self) -> Iterator[None]:
        """The weights are on the device inside this, also where it ends in an error."""
        try:
            for tensor, home in zip(self._tensors, self._home, strict=True):
                tensor.data = home.to(self._device, non_blocking=True)
            yield
        finally:
            self._go_home()

    def _go_home(self) -> None:
        for tensor, home in zip(self._tensors, self._home, strict=True):
            tensor.data = home


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    with contextlib.suppress(RuntimeError):  # the kernel sets a limit to it
        return tensor.pin_memory()
    return tensor


def _free_bytes() -> int | None:
    with contextlib.suppress(OSError):
        if found := re.search(r"^MemAvailable:\s+(\d+) kB$", MEMINFO.read_text(), re.MULTILINE):
            return int(found[1]) * 1024
    return None
