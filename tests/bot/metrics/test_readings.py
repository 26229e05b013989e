"""What is read from the engine and the driver, and how late the loop is; without a server."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import generate_latest

from bot.metrics import readings
from bot.metrics.counting import Counting
from bot.metrics.lag import EVERY_S, LoopLag
from engine.snapshot import WorkerSnapshot
from engine.worker.telemetry import GpuSample
from storage.records.sales import Income
from tests.engine.studio import Studio
from tests.patience import PATIENCE_S


def test_the_driver_is_told_in_base_units() -> None:
    sample = GpuSample(
        0.0, "A10G", 24 << 30, 20 << 30, memory_ours_bytes=19 << 30, utilisation_percent=87,
        temperature_c=71, power_w=143.5, others=(),
    )  # fmt: skip
    told = {
        family.name: [(s.labels, s.value) for s in family.samples]
        for family in readings.gpus({"A10G": sample})
    }
    assert told == {
        "easel_gpu_memory_total_bytes": [({"gpu": "A10G"}, 24 << 30)],
        "easel_gpu_memory_used_bytes": [({"gpu": "A10G"}, 20 << 30)],
        "easel_gpu_memory_own_bytes": [({"gpu": "A10G"}, 19 << 30)],
        "easel_gpu_utilisation_ratio": [({"gpu": "A10G"}, 0.87)],
        "easel_gpu_temperature_celsius": [({"gpu": "A10G"}, 71)],
        "easel_gpu_power_watts": [({"gpu": "A10G"}, 143.5)],
        "easel_gpu_other_processes": [({"gpu": "A10G"}, 0)],
    }


def test_what_the_driver_does_not_tell_is_left_out() -> None:
    assert [family.name for family in readings.gpus({"": GpuSample(0.0, temperature_c=50)})] == [
        "easel_gpu_temperature_celsius"
    ]


async def test_each_worker_of_a_cluster_has_its_own_device() -> None:
    async with Studio() as studio:
        alone = studio.engine.snapshot()
    (worker,) = alone.workers
    assert worker.device is not None
    cards = [replace(worker.device, gpu=GpuSample(0.0, "L4", temperature_c=heat)) for heat in (60, 90)]
    workers = tuple(
        WorkerSnapshot(name, "L4", "idle", 1, 0, 0.0, 0, 0, card)
        for name, card in zip("ab", cards, strict=True)
    )
    (heat,) = readings.gpus(readings.devices(replace(alone, workers=workers, clustered=True)))
    assert {sample.labels["gpu"]: sample.value for sample in heat.samples} == {"L4 (a)": 60, "L4 (b)": 90}
    assert readings.devices(alone) == {}
    assert list(readings.devices(replace(alone, workers=workers[:1]))) == ["L4"]


def test_sales_are_told_in_the_currency_and_after_the_fee() -> None:
    line = Income("boost", "telegram", "XTR", 3, 300, 30_000_000, 9_000_000, 1, 7_000_000)
    told = {family.name: family.samples[0] for family in readings.sales([line], "CNY")}
    assert {name: sample.value for name, sample in told.items()} == {
        "easel_payments": 3,
        "easel_payments_refunded": 1,
        "easel_payments_worth": 21,
        "easel_refunds_worth": 7,
    }
    assert told["easel_payments_worth"].labels == {
        "offer": "boost",
        "provider": "telegram",
        "currency": "CNY",
    }


def test_two_bots_in_one_process_count_apart() -> None:
    one, other = Counting(), Counting()
    one.on_request("GET", "/x", 200, 0.1)
    assert b'route="/x"' in generate_latest(one.registry)
    assert b'route="/x"' not in generate_latest(other.registry)


async def test_what_a_timer_oversleeps_is_the_lag() -> None:
    counting, now_s, late_s = Counting(), 100.0, [0.0, 0.3, 2.0]
    over = asyncio.Event()

    async def pause(seconds: float) -> None:
        nonlocal now_s
        if not late_s:
            over.set()
            await asyncio.Event().wait()
        now_s += seconds + late_s.pop(0)

    lag = LoopLag(counting.loop_lag, clock=lambda: now_s, pause=pause)
    lag.start()
    async with asyncio.timeout(PATIENCE_S):
        await over.wait()
    await lag.stop()
    value = counting.registry.get_sample_value
    assert value("easel_event_loop_lag_seconds_count") == 3
    assert value("easel_event_loop_lag_seconds_sum") == pytest.approx(2.3)
    assert value("easel_event_loop_lag_seconds_bucket", {"le": "0.25"}) == 1
    assert EVERY_S < 1
