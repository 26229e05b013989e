"""NVML, the NVIDIA driver's own report, behind types: the only module that imports pynvml."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Throttle(enum.IntFlag, boundary=enum.KEEP):
    """Why the clocks are below their highest: the bits of nvmlClocksEventReasons in nvml.h."""

    IDLE = 0x1
    USER_CLOCKS = 0x2
    POWER_CAP = 0x4
    HARDWARE_SLOWDOWN = 0x8
    SYNC_BOOST = 0x10
    SOFTWARE_THERMAL = 0x20
    HARDWARE_THERMAL = 0x40
    POWER_BRAKE = 0x80
    DISPLAY_CLOCKS = 0x100
    BOARD_LIMIT = 0x200
    RELIABILITY = 0x400

    THERMAL = SOFTWARE_THERMAL | HARDWARE_THERMAL
    POWER = POWER_CAP | POWER_BRAKE


class GpuProcess(NamedTuple):
    """A process that computes on the device, and what it holds there."""

    pid: int
    memory_bytes: int | None


class GpuGone(Exception):
    """No driver, or no device behind it any more."""


class NvmlGpu:
    """One device. Every call blocks on the driver."""

    def __init__(self, device: int | str) -> None:
        self._device = device
