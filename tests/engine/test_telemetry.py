"""Telemetry through the real pynvml, on a stand-in for the driver's library whose GPU the tests change."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pynvml
import pytest

from engine.worker.energy import EnergyMeter
from engine.worker.nvml import GpuProcess, Throttle
from engine.worker.telemetry import NoTelemetry, NvmlTelemetry, Telemetry
from tests.engine.nvml_stub import GIB, StandIn
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GPU_IS_LOST = pynvml.NVML_ERROR_GPU_IS_LOST


class Clock:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Pace:
    """A pause that lasts until the test lets it go on, and says how long it was meant to be."""

    def __init__(self) -> None:
        self.asked_s: asyncio.Queue[float] = asyncio.Queue()
        self._go = asyncio.Semaphore(0)

    async def __call__(self, pause_s: float) -> None:
        self.asked_s.put_nowait(pause_s)
        await self._go.acquire()

    async def round(self) -> float:
        """One more sample; the length of the pause after it."""
        self._go.release()
        return await self.asked_s.get()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("engine.")]


# What a sample says


def test_a_sample_says_what_the_driver_says(gpu: StandIn, clock: Clock) -> None:
    gpu.set(processes=f"{os.getpid()}:{5 * GIB},4711:{GIB}", throttle=0x44)

    sample = NvmlTelemetry(clock=clock).sample()

    assert sample is not None
    assert sample.at_s == 100.0
    assert sample.name == "Stand-in A10G"
    assert (sample.memory_total_bytes, sample.memory_used_bytes) == (24 * GIB, 6 * GIB)
    assert sample.memory_free_bytes == 24 * GIB - 6 * GIB - GIB // 2
    assert sample.memory_ours_bytes == 5 * GIB
    assert sample.others == (GpuProcess(4711, GIB),)
    assert (sample.utilisation_percent, sample.temperature_c) == (97, 61)
    assert (sample.power_w, sample.energy_j) == (150.5, 7_000.25)
    assert (sample.sm_clock_mhz, sample.memory_clock_mhz) == (1_695, 6_251)
    assert sample.throttle == Throttle.POWER_CAP | Throttle.HARDWARE_THERMAL


def test_throttle_bits_of_tomorrow_are_kept(gpu: StandIn) -> None:
    gpu.set(throttle=0x1_0004)

    sample = NvmlTelemetry().sample()

    assert sample is not None
    assert sample.throttle is not None
    assert Throttle.POWER_CAP in sample.throttle
    assert sample.throttle.value == 0x1_0004


def test_the_thread_that_made_the_context_is_us(gpu: StandIn) -> None:
    met, done = threading.Barrier(2), threading.Event()
    thread = threading.Thread(target=lambda: (met.wait(), done.wait()))
    thread.start()
    met.wait()
    try:
        gpu.set(processes=f"{thread.native_id}:{GIB}")
        sample = NvmlTelemetry().sample()
    finally:
        done.set()
        thread.join()

    assert sample is not None
    assert (sample.memory_ours_bytes, sample.others) == (GIB, ())


@pytest.mark.parametrize(
    ("host_pids", "listed", "ours_bytes", "others"),
    [
        (True, "4711:1024", 0, (GpuProcess(4711, 1024),)),
        (False, "4711:1024", None, None),
        (False, "4711:1024,{us}:2048", 2048, (GpuProcess(4711, 1024),)),
        (False, "", 0, ()),
        (True, "{us}:18446744073709551615", None, ()),
    ],
    ids=["host", "container", "container whose driver translates", "nobody", "memory not told"],
)
def test_others_are_told_from_us_only_where_pids_compare(
    gpu: StandIn,
    host_pids: bool,
    listed: str,
    ours_bytes: int | None,
    others: tuple[GpuProcess, ...] | None,
) -> None:
    gpu.set(processes=listed.format(us=os.getpid()))

    sample = NvmlTelemetry(host_pids=host_pids).sample()

    assert sample is not None
    assert (sample.memory_ours_bytes, sample.others) == (ours_bytes, others)


@pytest.mark.parametrize(
    ("visible", "device", "name"),
    [
        (None, 0, "Stand-in A10G"),
        (None, 1, "Stand-in L4"),
        ("1,0", 0, "Stand-in L4"),
        ("GPU-bbbb", 0, "Stand-in L4"),
        (None, "GPU-bbbb-2", "Stand-in L4"),
        ("0", "bbbb-2", "Stand-in L4"),
        ("1", 1, None),
        ("", 0, None),
        (None, 7, None),
        (None, "GPU-cccc", None),
    ],
)
def test_the_device_is_the_one_cuda_means(
    gpu: StandIn, monkeypatch: pytest.MonkeyPatch, visible: str | None, device: int | str, name: str | None
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    telemetry = NvmlTelemetry(device)

    sample = telemetry.sample()

    assert (sample.name if sample else None) == name
    if name is None:
        assert telemetry.trouble is not None
        with pytest.raises(pynvml.NVMLError_Uninitialized):  # a driver of no use is let go of
            pynvml.nvmlDeviceGetCount()


# What the driver cannot say


def test_what_is_not_supported_is_none_and_said_once(gpu: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    gpu.set(power_mw=None, utilisation__error=pynvml.NVML_ERROR_NO_PERMISSION, processes=None)
    telemetry = NvmlTelemetry()

    samples = [telemetry.sample() for _ in range(3)]

    assert all(sample is not None and sample.power_w is None for sample in samples)
    assert all(sample is not None and sample.utilisation_percent is None for sample in samples)
    assert all(
        sample is not None and (sample.others, sample.memory_ours_bytes) == (None, None) for sample in samples
    )
    assert all(sample is not None and sample.temperature_c == 61 for sample in samples)
    assert warnings(caplog) == [
        f"The NVIDIA driver does not tell the GPU's {what} ({reason}); going on without it."
        for what, reason in [
            ("processes", "Not Supported"),
            ("utilisation", "Insufficient Permissions"),
            ("power", "Not Supported"),
        ]
    ]


def test_an_old_driver_is_asked_in_its_own_words(
    old_gpu: StandIn, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    old_gpu.set(throttle=0x20)
    telemetry = NvmlTelemetry(clock=clock)

    sample = telemetry.sample()
    clock.now_s += 2
    telemetry.sample()

    assert sample is not None
    assert sample.memory_used_bytes == 6 * GIB + GIB // 2
    assert sample.temperature_c == 61
    assert sample.throttle == Throttle.SOFTWARE_THERMAL
    assert sample.energy_j is None
    assert telemetry.joules(100, 102) == pytest.approx(301.0)
    assert warnings(caplog) == [
        "The NVIDIA driver does not tell the GPU's energy counter (Function Not Found); going on without it."
    ]


def test_a_lost_gpu_is_said_once_and_welcomed_back(
    gpu: StandIn, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "engine.worker.telemetry")
    telemetry = NvmlTelemetry(clock=clock)

    def look_after(seconds: float) -> bool:
        clock.now_s += seconds
        return telemetry.sample() is not None

    assert [look_after(1), look_after(1)] == [True, True]
    gpu.set(error=GPU_IS_LOST)
    assert [look_after(1), look_after(1), look_after(1)] == [False, False, False]
    assert telemetry.last is None
    assert telemetry.trouble is not None
    assert "GPU is lost" in telemetry.trouble
    gpu.set(error=None)
    assert [look_after(1), look_after(1)] == [True, True]

    assert telemetry.trouble is None
    assert warnings(caplog) == [
        "The GPU no longer answers (GPU is lost). Drawing goes on without GPU telemetry.",
        "GPU telemetry is back.",
    ]
    assert telemetry.joules(101, 102) is not None
    assert telemetry.joules(106, 107) is not None
    assert telemetry.joules(102, 106) is None, "nobody saw what a lost GPU took"


def test_a_gpu_lost_between_two_questions_leaves_no_half_sample(gpu: StandIn) -> None:
    telemetry = NvmlTelemetry()
    telemetry.sample()
    gpu.set(power_mw__error=GPU_IS_LOST)

    assert telemetry.sample() is None


@pytest.mark.parametrize(
    "error", [pynvml.NVML_ERROR_DRIVER_NOT_LOADED, pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, 999]
)
def test_a_driver_that_does_not_start_is_tried_again(gpu: StandIn, error: int) -> None:
    gpu.set(init__error=error)
    telemetry = NvmlTelemetry()

    assert telemetry.sample() is None
    gpu.set(init__error=None)
    assert telemetry.sample() is not None


def test_a_name_that_is_no_text_costs_the_name_only(gpu: StandIn) -> None:
    gpu.set(names="Stand-in \udcff")

    sample = NvmlTelemetry().sample()

    assert sample is not None
    assert (sample.name, sample.temperature_c) == (None, 61)


def test_answers_that_make_no_sense_stop_nothing(
    gpu: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = NvmlTelemetry()
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda _: None)

    assert [telemetry.sample(), telemetry.sample()] == [None, None]
    assert len(warnings(caplog)) == 1


# The life of the telemetry


async def test_no_driver_then_one_appears(
    no_driver: StandIn, libraries: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "engine.worker.telemetry")
    pace = Pace()
    telemetry = NvmlTelemetry(every_s=1, retry_every_s=15, pause=pace)

    await telemetry.start()
    try:
        assert await pace.asked_s.get() == 15
        assert telemetry.last is None
        assert await pace.round() == 15
        no_driver.install(libraries["new"])
        assert await pace.round() == 1
        assert telemetry.last is not None
    finally:
        await telemetry.stop()
    assert warnings(caplog) == [
        "No NVIDIA driver answers (NVML Shared Library Not Found). Drawing goes on without GPU telemetry.",
        "GPU telemetry is back.",
    ]


async def test_it_keeps_sampling_while_the_gpu_changes(gpu: StandIn) -> None:
    pace = Pace()
    telemetry = NvmlTelemetry(every_s=0.5, pause=pace)

    await telemetry.start()
    try:
        assert telemetry.last is not None
        assert telemetry.last.temperature_c == 61
        assert await pace.asked_s.get() == 0.5
        gpu.set(temperature=92, memory_used=9 * GIB, utilisation=100, processes=f"4711:{GIB}")
        await pace.round()
        assert telemetry.last.temperature_c == 92
        assert telemetry.last.memory_used_bytes == 9 * GIB
        assert telemetry.last.utilisation_percent == 100
        gpu.set(temperature=60)
        sample = await telemetry.refresh()
        assert sample is telemetry.last
        assert sample.temperature_c == 60
    finally:
        await telemetry.stop()


async def test_stop_ends_the_task_and_lets_go_of_the_driver(gpu: StandIn) -> None:
    telemetry = NvmlTelemetry(pause=Pace())
    await telemetry.start()
    pynvml.nvmlDeviceGetCount()

    await telemetry.stop()
    await telemetry.stop()

    with pytest.raises(pynvml.NVMLError_Uninitialized):
        pynvml.nvmlDeviceGetCount()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "gpu-telemetry"] == []
    with pytest.raises(RuntimeError):
        await telemetry.refresh()


async def test_a_driver_that_hangs_blocks_neither_the_loop_nor_stop(gpu: StandIn) -> None:
    telemetry = NvmlTelemetry(pause=Pace(), stop_wait_s=0.01)
    await telemetry.start()
    before = telemetry.last
    fifo = gpu.folder / "hang"
    os.mkfifo(fifo)

    gpu.set(hang=str(fifo))
    writers: list[int] = []

    def let_go() -> None:
        gpu.set(hang=None)
        os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))
        fifo.unlink()
        for writer in writers:
            os.close(writer)

    rescue = threading.Timer(5, let_go)  # so that a loop that is blocked fails the test, not the run
    rescue.start()
    sampling = asyncio.create_task(telemetry.refresh())
    # Opening for writing waits until the driver's call has opened the other end: from then on it hangs.
    await asyncio.to_thread(lambda: writers.append(os.open(fifo, os.O_WRONLY)))
    assert not sampling.done()
    await telemetry.stop()
    assert not sampling.done()
    assert telemetry.last is before
    rescue.cancel()
    let_go()
    await sampling


async def test_a_cancelled_refresh_leaves_the_telemetry_alive(gpu: StandIn) -> None:
    telemetry = NvmlTelemetry(pause=Pace())
    await telemetry.start()
    try:
        sampling = asyncio.create_task(telemetry.refresh())
        await asyncio.sleep(0)
        sampling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sampling
        assert await telemetry.refresh() is not None
    finally:
        await telemetry.stop()


async def test_the_cpu_has_no_telemetry() -> None:
    telemetry: Telemetry = NoTelemetry()
    await telemetry.start()
    assert (telemetry.last, telemetry.joules(0, 1)) == (None, None)
    await telemetry.stop()


def test_through_the_dynamic_loader(gpu: StandIn) -> None:
    """A process of its own, LD_LIBRARY_PATH alone: nothing of pynvml is touched."""
    script = """
import asyncio, json, sys
from engine.worker.telemetry import NvmlTelemetry
async def main():
    telemetry = NvmlTelemetry()
    await telemetry.start()
    for _ in sys.stdin:
        sample = await telemetry.refresh()
        print(json.dumps(sample and [sample.name, sample.power_w, telemetry.trouble]), flush=True)
    await telemetry.stop()
asyncio.run(main())
"""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(gpu.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def look(**changes: int | None) -> object:
            gpu.set(**changes)
            print("look", file=child.stdin, flush=True)
            return json.loads(child.stdout.readline())

        assert look() == ["Stand-in A10G", 150.5, None]
        assert look(power_mw=80_000) == ["Stand-in A10G", 80.0, None]
        assert look(error=GPU_IS_LOST) is None
        assert look(error=None) == ["Stand-in A10G", 80.0, None]
        child.stdin.close()
        assert child.wait(timeout=PATIENCE_S) == 0


# Energy


def metered(
    *readings: tuple[float, float | None, float | None], max_gap_s: float = 5, kept: int = 100
) -> EnergyMeter:
    meter = EnergyMeter(max_gap_s=max_gap_s, kept=kept)
    for at_s, power_w, counter_j in readings:
        meter.add(at_s, power_w, counter_j)
    return meter


def test_power_is_integrated_by_trapezoids() -> None:
    meter = metered((0, 100, None), (1, 200, None), (3, 200, None))

    assert meter.joules(0, 1) == pytest.approx(150)
    assert meter.joules(0, 0.5) == pytest.approx(62.5)
    assert meter.joules(0.5, 2) == pytest.approx(87.5 + 200)
    assert meter.joules(0, 3) == pytest.approx(550)
    assert meter.joules(2, 2) == 0


def test_the_drivers_counter_is_preferred_to_power() -> None:
    meter = metered((0, 100, 1_000), (1, 100, 1_300), (2, 100, 1_400))

    assert meter.joules(0, 2) == pytest.approx(400)
    assert meter.joules(0.5, 1) == pytest.approx(150)


def test_the_parts_of_an_interval_add_up() -> None:
    meter = metered((0, 100, None), (1.5, 260, None), (2, 90, None), (4, 130, None))
    cuts = [0, 0.3, 1.5, 1.7, 3.9, 4]
    parts = [meter.joules(begin, end) for begin, end in itertools.pairwise(cuts)]

    assert sum(part for part in parts if part is not None) == pytest.approx(meter.joules(0, 4))


def test_the_newest_stretch_is_estimated_for_a_while() -> None:
    meter = metered((0, 100, None), (1, 200, None), max_gap_s=5)

    assert meter.joules(1, 3) == pytest.approx(400)
    assert meter.joules(1, 6.1) is None
    assert metered((0, 100, None)).joules(0, 0.5) == pytest.approx(50)


@pytest.mark.parametrize(
    "meter",
    [
        lambda: metered(),
        lambda: metered((1.5, 100, None), (3, 100, None)),
        lambda: metered((0, None, None), (1, None, None), (2, None, None), (3, None, None)),
        lambda: metered((0, 100, None), (1, None, None), (2, None, None), (3, 100, None)),
        lambda: metered((0, 100, None), (10, 100, None)),
        lambda: metered((0, None, 1_000), (1.5, None, 3), (3, None, 10)),
    ],
    ids=["nothing", "begins later", "no power", "power pauses", "a gap", "the counter began anew"],
)
def test_an_interval_not_wholly_seen_is_unknown(meter: Callable[[], EnergyMeter]) -> None:
    assert meter().joules(1, 2.5) is None


def test_the_counter_sees_through_a_gap() -> None:
    assert metered((0, 100, 0), (60, 100, 9_000)).joules(0, 60) == pytest.approx(9_000)


def test_an_interruption_breaks_even_the_counter() -> None:
    meter = metered((0, 100, 0), (1, 100, 100))
    meter.interrupt()
    assert meter.joules(0.5, 1.5) is None, "nothing is estimated once the device is away"
    meter.add(2, 100, 200)
    meter.add(3, 100, 300)

    assert meter.joules(0, 1) == pytest.approx(100)
    assert meter.joules(2, 3) == pytest.approx(100)
    assert meter.joules(0, 3) is None


def test_old_readings_are_forgotten_and_the_rest_still_adds_up() -> None:
    meter = metered(*((float(at_s), 100.0, None) for at_s in range(100)), kept=10)

    assert meter.joules(0, 50) is None
    assert meter.joules(95, 99) == pytest.approx(400)


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before"):
        metered((0, 100, None)).joules(2, 1)
