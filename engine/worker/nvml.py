"""NVML, the NVIDIA driver's own report, behind types: the only module that imports pynvml.

A quantity the driver does not tell (not supported, no permission, a symbol that its age lacks) is None and
is said once in the log; a driver or device that is away raises `GpuGone`.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pynvml

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

T = TypeVar("T")

GONE = frozenset(
    {
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_GPU_IS_LOST,
        pynvml.NVML_ERROR_RESET_REQUIRED,
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
    }
)
"""Errors after which no other question is worth asking before a new start."""


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


class Memory(NamedTuple):
    """Memory of the whole device, in bytes."""

    total_bytes: int
    used_bytes: int
    free_bytes: int


class GpuProcess(NamedTuple):
    """A process that computes on the device, and what it holds there."""

    pid: int
    """As the driver counts: a host's pid even inside a container, with most drivers."""
    memory_bytes: int | None


class GpuGone(Exception):
    """No driver, or no device behind it any more; the message is one sentence."""


class NvmlGpu:
    """One device. Every call blocks on the driver, and raises `GpuGone` when driver or device is away.

    `device` is an index as CUDA counts them, below CUDA_VISIBLE_DEVICES, or a UUID (an unambiguous beginning
    is enough, and "GPU-" may be left out, as torch does).
    """

    def __init__(self, device: int | str) -> None:
        self._device = device
        self._handle: Any = None
        self._said: set[str] = set()

    @property
    def connected(self) -> bool:
        """Whether there is a device to ask."""
        return self._handle is not None

    def connect(self) -> None:
        """Find the driver and the device. Does nothing when connected."""
        if self.connected:
            return
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise GpuGone(f"No NVIDIA driver answers ({error}).") from error
        try:
            self._handle = _find(self._device)
        except pynvml.NVMLError as error:
            raise GpuGone(f"The driver has no GPU {self._device} for us ({error}).") from error
        finally:
            if not self.connected:
                _shut_down()

    def disconnect(self) -> None:
        """Let go of the driver; never raises."""
        if self.connected:
            self._handle = None
            _shut_down()

    def name(self) -> str | None:
        """Product name."""
        return self._ask("name", lambda gpu: str(pynvml.nvmlDeviceGetName(gpu)))

    def driver_version(self) -> str | None:
        """Of the driver, such as 550.54.14."""
        return self._ask("driver version", lambda _: str(pynvml.nvmlSystemGetDriverVersion()))

    def memory(self) -> Memory | None:
        """Memory of the device, whoever holds it. Drivers before 510 know only the first version."""

        def of(info: Any) -> Memory:
            return Memory(info.total, info.used, info.free)

        return self._ask(
            "memory",
            lambda gpu: of(pynvml.nvmlDeviceGetMemoryInfo(gpu, version=pynvml.nvmlMemory_v2)),
            lambda gpu: of(pynvml.nvmlDeviceGetMemoryInfo(gpu)),
        )

    def utilisation_percent(self) -> int | None:
        """Share of the driver's last sampling period in which a kernel ran."""
        return self._ask("utilisation", lambda gpu: int(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu))

    def temperature_c(self) -> int | None:
        """Degrees Celsius of the chip."""
        sensor = pynvml.NVML_TEMPERATURE_GPU
        return self._ask(
            "temperature",
            lambda gpu: int(pynvml.nvmlDeviceGetTemperatureV(gpu, sensor)),
            lambda gpu: int(pynvml.nvmlDeviceGetTemperature(gpu, sensor)),
        )

    def power_w(self) -> float | None:
        """Watts of the whole board; an average over a second from Ampere on."""
        return self._ask("power", lambda gpu: pynvml.nvmlDeviceGetPowerUsage(gpu) / 1_000)

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded; from Volta on."""
        return self._ask(
            "energy counter", lambda gpu: pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1_000
        )

    def sm_clock_mhz(self) -> int | None:
        """Clock of the multiprocessors."""
        return self._ask("clock", lambda gpu: int(pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM)))

    def memory_clock_mhz(self) -> int | None:
        """Clock of the memory."""
        return self._ask(
            "memory clock", lambda gpu: int(pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_MEM))
        )

    def throttle(self) -> Throttle | None:
        """What holds the clocks down. Drivers before 535 know the question by its old name only."""
        return self._ask(
            "throttle reasons",
            lambda gpu: Throttle(pynvml.nvmlDeviceGetCurrentClocksEventReasons(gpu)),
            lambda gpu: Throttle(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu)),
        )

    def processes(self) -> tuple[GpuProcess, ...] | None:
        """Processes with a compute context on the device."""
        return self._ask(
            "processes",
            lambda gpu: tuple(
                GpuProcess(process.pid, process.usedGpuMemory)
                for process in pynvml.nvmlDeviceGetComputeRunningProcesses_v3(gpu)
            ),
        )

    def say_once(self, what: str, sentence: str) -> None:
        """Warn in the log, once per `what` in the life of this object."""
        if what not in self._said:
            self._said.add(what)
            log.warning(sentence, extra={"action": "telemetry_incomplete"})

    def _ask(self, what: str, *ways: Callable[[Any], T]) -> T | None:
        """The first answer among several ways to ask for the same; None, said once, where there is none."""
        reason = ""
        for way in ways:
            try:
                return way(self._handle)
            except pynvml.NVMLError as error:
                if error.value in GONE:
                    raise GpuGone(f"The GPU no longer answers ({error}).") from error
                reason = str(error)
            except ValueError as error:  # a name that is no UTF-8, for one
                reason = str(error)
        self.say_once(
            what, f"The NVIDIA driver does not tell the GPU's {what} ({reason}); going on without it."
        )
        return None


def _find(device: int | str) -> Any:
    """The handle of a device. Raises NVMLError, or GpuGone where CUDA itself would not see it."""
    if isinstance(device, int):
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible is None:
            return pynvml.nvmlDeviceGetHandleByIndex(device)
        names = [name.strip() for name in visible.split(",")]
        if device >= len(names) or names[device] in ("", "-1"):
            raise GpuGone(f"CUDA_VISIBLE_DEVICES={visible!r} hides GPU {device}.")
        if names[device].isdecimal():
            return pynvml.nvmlDeviceGetHandleByIndex(int(names[device]))
        device = names[device]
    if not device.startswith(("GPU-", "MIG-")):
        device = f"GPU-{device}"
    try:
        return pynvml.nvmlDeviceGetHandleByUUID(device)
    except (pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            if pynvml.nvmlDeviceGetUUID(handle).startswith(device):
                return handle
        raise


def _shut_down() -> None:
    with contextlib.suppress(pynvml.NVMLError):
        pynvml.nvmlShutdown()
