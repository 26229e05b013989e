"""The GPU as the driver sees it: memory, load, heat, power and who else is there, sampled off the event loop.

The engine owns one `Telemetry`: it starts and stops it, reads `last` without any I/O, and asks `joules`
what an interval took. Whatever the driver cannot say is None; it is said once in the log and nothing stops.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.worker.energy import EnergyMeter
from engine.worker.nvml import GpuGone, NvmlGpu

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.worker.nvml import GpuProcess, Throttle

log = logging.getLogger(__name__)

STOP_WAIT_S = 5.0
"""A driver call can hang on a broken GPU; shutting down does not wait for it longer than this."""

HOST_PID_NAMESPACE = 0xEFFFFFFC
"""The inode of the first pid namespace (PROC_PID_INIT_INO in the kernel's proc_ns.h)."""


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

    async def start(self) -> None:
        """Take the first sample and keep sampling."""

    async def stop(self) -> None:
        """Stop sampling and let go of the driver. Safe to call twice."""

    def joules(self, from_s: float, to_s: float) -> float | None:
        """Energy of the whole device between two moments of the monotonic clock; None where unknown."""


class NoTelemetry:
    """Telemetry of a device that has none: the CPU."""

    last: GpuSample | None = None

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def joules(self, from_s: float, to_s: float) -> float | None:
        """Unknown."""
        return None


class NvmlTelemetry:
    """Telemetry of an NVIDIA GPU through NVML, sampled every `every_s` seconds in a thread of its own.

    `device` is an index as CUDA counts them (below CUDA_VISIBLE_DEVICES) or a UUID; the UUID is exact where
    cards differ, since CUDA puts the fastest first. While the driver or the GPU is away, it is looked for
    every `retry_every_s` seconds. The other arguments are for tests.
    """

    def __init__(
        self,
        device: int | str = 0,
        *,
        every_s: float = 1.0,
        retry_every_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stop_wait_s: float = STOP_WAIT_S,
        host_pids: bool | None = None,
    ) -> None:
        self._gpu = NvmlGpu(device)
        self._every_s = every_s
        self._retry_every_s = retry_every_s
        self._clock = clock
        self._pause = pause
        self._stop_wait_s = stop_wait_s
        self._host_pids = sees_host_pids() if host_pids is None else host_pids
        self._energy = EnergyMeter(max_gap_s=max(5.0, 3 * every_s))
        self._thread: ThreadPoolExecutor | None = None
        self._sampling: asyncio.Task[None] | None = None
        self._last: GpuSample | None = None
        self._trouble: str | None = None

    @property
    def last(self) -> GpuSample | None:
        return self._last

    @property
    def trouble(self) -> str | None:
        """Why nothing is known of the device, in one sentence."""
        return self._trouble

    async def start(self) -> None:
        # A thread of its own: a driver that hangs must not hold up the default executor.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nvml")
        await self.refresh()
        self._sampling = asyncio.create_task(self._keep_sampling(), name="gpu-telemetry")

    async def stop(self) -> None:
        thread, self._thread = self._thread, None
        sampling, self._sampling = self._sampling, None
        if thread is None:
            return
        try:
            if sampling is not None:
                sampling.cancel()
                await asyncio.wait([sampling])
            letting_go = asyncio.get_running_loop().run_in_executor(thread, self._gpu.disconnect)
            await asyncio.wait([letting_go], timeout=self._stop_wait_s)
        finally:
            thread.shutdown(wait=False)

    async def refresh(self) -> GpuSample | None:
        """A sample taken now, off the event loop, between `start` and `stop` only (else RuntimeError).

        It takes as long as the driver does, for ever where that hangs: nothing that draws should wait for it.
        """
        if self._thread is None:
            raise RuntimeError("telemetry is not started")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.sample)

    def joules(self, from_s: float, to_s: float) -> float | None:
        return self._energy.joules(from_s, to_s)

    def sample(self) -> GpuSample | None:
        """Look now, in the calling thread, and remember it. Blocks on the driver; never raises."""
        try:
            self._gpu.connect()
            sample = self._read()
        except GpuGone as gone:
            self._lose(str(gone))
        except Exception as error:  # the driver's answers are not ours to trust; drawing goes on without them
            self._lose(f"NVML answered what cannot be read ({error!r}).")
        else:
            if self._trouble is not None:
                log.info("GPU telemetry is back.", extra={"action": "telemetry_back"})
            self._trouble = None
            self._energy.add(sample.at_s, sample.power_w, sample.energy_j)
            self._last = sample
        return self._last

    def _read(self) -> GpuSample:
        gpu = self._gpu
        memory = gpu.memory()
        ours_bytes, others = self._share_out(gpu.processes())
        return GpuSample(
            name=gpu.name(),
            memory_total_bytes=memory.total_bytes if memory else None,
            memory_used_bytes=memory.used_bytes if memory else None,
            memory_free_bytes=memory.free_bytes if memory else None,
            memory_ours_bytes=ours_bytes,
            others=others,
            utilisation_percent=gpu.utilisation_percent(),
            temperature_c=gpu.temperature_c(),
            sm_clock_mhz=gpu.sm_clock_mhz(),
            memory_clock_mhz=gpu.memory_clock_mhz(),
            throttle=gpu.throttle(),
            power_w=gpu.power_w(),
            energy_j=gpu.energy_j(),
            at_s=self._clock(),  # beside power and energy, which are integrated over it
        )

    def _lose(self, trouble: str) -> None:
        if self._trouble is None:
            log.warning(
                "%s Drawing goes on without GPU telemetry.", trouble, extra={"action": "telemetry_lost"}
            )
        self._trouble = trouble
        self._last = None
        self._energy.interrupt()
        self._gpu.disconnect()

    def _share_out(
        self, processes: tuple[GpuProcess, ...] | None
    ) -> tuple[int | None, tuple[GpuProcess, ...] | None]:
        """Bytes held by us, and everybody else; None where the two cannot be told apart."""
        if processes is None:
            return None, None
        ours = [process for process in processes if is_ours(process.pid)]
        if processes and not ours and not self._host_pids:
            self._gpu.say_once(
                "which process is ours",
                "The driver counts processes as the host does, so inside this container ours cannot be told "
                "from others on the GPU; run it with --pid=host to have them watched.",
            )
            return None, None
        held = [process.memory_bytes for process in ours]
        known = [held_bytes for held_bytes in held if held_bytes is not None]
        return (
            sum(known) if len(known) == len(held) else None,
            tuple(process for process in processes if process not in ours),
        )

    async def _keep_sampling(self) -> None:
        while True:
            await self._pause(self._every_s if self._last else self._retry_every_s)
            await self.refresh()


def is_ours(pid: int) -> bool:
    """Whether the driver's pid is this process; some drivers report the thread that made the context."""
    return pid == os.getpid() or Path(f"/proc/self/task/{pid}").exists()


def sees_host_pids() -> bool:
    """Whether pids here are the host's: drivers mostly know no containers (NVIDIA/nvidia-docker#1483)."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == HOST_PID_NAMESPACE
    except OSError:
        return True  # no namespaces here
