"""The GPU as the driver sees it: memory, load, heat, power and who else is there, sampled off the event loop.

The engine owns one `Telemetry`: it starts and stops it, reads `last` without any I/O, and asks `joules`
what an interval took. Whatever the driver cannot say is None; it is said once in the log and nothing stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.energy import EnergyMeter
from engine.nvml import GpuGone, NvmlGpu

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.nvml import GpuProcess, Throttle

log = logging.getLogger(__name__)

STOP_WAIT_S = 5.0
"""A driver call can hang on a broken GPU; shutting down does not wait for it longer than this."""


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One look at the device. None is what the driver does not tell."""

    at_s: float
    """On the monotonic clock, as in `joules`."""
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    """By everybody on the device."""
    memory_free_bytes: int | None = None
    memory_ours_bytes: int | None = None
    """By this process, its CUDA context included."""
    utilisation_percent: int | None = None
    """Share of the last sampling period in which any kernel ran."""
    temperature_c: int | None = None
    power_w: float | None = None
    energy_j: float | None = None
    """The driver's own counter, since it was loaded."""
    sm_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    throttle: Throttle | None = None
    others: tuple[GpuProcess, ...] | None = None
    """Other processes that compute on the device."""


class Telemetry(Protocol):
    """What the engine needs to know about its device."""

    @property
    def last(self) -> GpuSample | None:
        """The newest sample, without I/O; None while nothing is known of the device."""

    @property
    def trouble(self) -> str | None:
        """Why nothing is known of the device, in one sentence."""

    async def start(self) -> None:
        """Take the first sample and keep sampling."""

    async def stop(self) -> None:
        """Stop sampling and let go of the driver. Safe to call twice."""

    async def refresh(self) -> GpuSample | None:
        """A sample taken now, off the event loop; between `start` and `stop` only."""

    def joules(self, from_s: float, to_s: float) -> float | None:
        """Energy of the whole device between two moments of the monotonic clock; None where unknown."""


class NoTelemetry:
    """Telemetry of a device that has none: the CPU."""

    last: GpuSample | None = None
    trouble: str | None = None

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def refresh(self) -> GpuSample | None:
        """Nothing to see."""
        return None

    def joules(self, from_s: float, to_s: float) -> float | None:  # noqa: ARG002
        """Unknown."""
        return None


class NvmlTelemetry:
    """Telemetry of an NVIDIA GPU through NVML, sampled every `every_s` seconds in a thread of its own.

    `device` is an index as CUDA counts them (below CUDA_VISIBLE_DEVICES) or a UUID; the UUID is exact where
    cards differ, since CUDA puts the fastest first. While the driver or the GPU is away there is one attempt
    every `retry_every_s` seconds. `clock` and `pause` are handed in by tests.
    """

    def __init__(
        self,
        device: int | str = 0,
        *,
        every_s: float = 1.0,
        retry_every_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gpu = NvmlGpu(device)
        self._every_s = every_s
        self._retry_every_s = retry_every_s
        self._clock = clock
        self._pause = pause
        self._energy = EnergyMeter(max_gap_s=max(5.0, 3 * every_s))
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nvml")
        self._sampling: asyncio.Task[None] | None = None
        self._last: GpuSample | None = None
        self._trouble: str | None = None

    @property
    def last(self) -> GpuSample | None:
        return self._last

    @property
    def trouble(self) -> str | None:
        return self._trouble

    async def start(self) -> None:
        await self.refresh()
        self._sampling = asyncio.create_task(self._keep_sampling(), name="gpu-telemetry")

    async def stop(self) -> None:
        if self._sampling is not None:
            self._sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sampling
            self._sampling = None

    async def refresh(self) -> GpuSample | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.sample)

    def joules(self, from_s: float, to_s: float) -> float | None:
        return self._energy.joules(from_s, to_s)

    def sample(self) -> GpuSample | None:
        """Look now, in the calling thread: blocks on the driver, never raises."""
        raise NotImplementedError

    async def _keep_sampling(self) -> None:
        while True:
            await self._pause(self._every_s if self._last else self._retry_every_s)
            await self.refresh()
