"""`/stats`: what a period cost, the queue and the GPU, for owners."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot import render
from bot.commands.command import Argument, Command
from bot.cost.chart import chart_png
from bot.cost.report import cost_report
from bot.cost.report_text import facts, title
from bot.faces.caller import Who
from bot.imagine.pricing import money
from bot.render import Card
from bot.sales.income import income_facts

if TYPE_CHECKING:
    from bot.commands.command import Given
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Fact
    from engine.snapshot import DeviceSnapshot, WorkerSnapshot
    from engine.worker.telemetry import GpuSample
    from storage.store import Store


async def cost(store: Store, period: str, t: Translator, config: Config) -> Card:
    """Cost and speed of a period: `today`, `7d`, `month` or `2026-11`."""
    report = await cost_report(store, config, period)
    sold = await income_facts(store, config, report, t)
    return Card(title(report, t), (*facts(report, t), *sold))


async def cost_chart(store: Store, period: str, t: Translator, config: Config) -> bytes:
    """The cost report as a PNG that a phone can show."""
    report = await cost_report(store, config, period)
    return await asyncio.to_thread(chart_png, report, config, t)


async def queue(service: Service, t: Translator) -> Card:
    """Who waits, how long, and what is being drawn."""
    state = service.models.default.backend.snapshot()
    by_tier = ", ".join(f"{tier} {count}" for tier, count in state.waiting.items() if count)
    told: list[Fact] = [
        (t("queue-waiting"), str(sum(state.waiting.values()))),
        (t("stats-tier"), by_tier or t("stats-none")),
        (t("queue-oldest"), render.duration(state.oldest_wait_s, t) if state.oldest_wait_s else "-"),
        (t("queue-work"), render.duration(state.queued_s, t) if state.queued_s else "-"),
        (t("queue-active"), f"{state.active} / {state.cap}"),
        (t("queue-ended"), f"{state.done} / {state.failed} / {state.cancelled}"),
    ]
    text = t("admin-paused") if state.admission_paused else ""
    return Card(t("queue-title-owner"), tuple(told), text)


async def gpu(service: Service, t: Translator) -> Card:
    """The device: telemetry where there is any, memory, out-of-memory and time-outs since the start."""
    state = service.models.default.backend.snapshot()
    told: list[Fact] = [(t("gpu-model"), state.model)]
    device = state.device
    if device is not None and device.gpu is not None:
        told += _gpu_facts(device.gpu, t)
    if device is not None and device.memory_budget_bytes:
        told.append((t("gpu-budget"), _gigabytes(device.memory_budget_bytes)))
    if device is not None and len(device.models) > 1:
        told += _models(device, t)
    told += [
        (t("gpu-resident"), _gigabytes(state.resident_bytes)),
        (t("gpu-oom"), str(state.out_of_memory)),
        (t("gpu-timeouts"), str(state.timeouts)),
    ]
    if state.clustered:
        told += [_worker_fact(service, worker, t) for worker in state.workers]
        return Card(t("gpu-title"), tuple(told), "" if state.workers else t("gpu-none"))
    return Card(t("gpu-title"), tuple(told), "" if device and device.gpu else t("gpu-none"))


def _models(device: DeviceSnapshot, t: Translator) -> list[Fact]:
    """Where each model is, and what it took to bring them to the device in turn."""
    places = [f"{one.name}: {t(f'gpu-place-{one.place}')}" for one in device.models]
    switches = t("gpu-switches-took", switches=device.switches, seconds=f"{device.switch_s:.0f}")
    return [(t("gpu-models"), "\n".join(places)), (t("gpu-switches"), switches)]


def _worker_fact(service: Service, worker: WorkerSnapshot, t: Translator) -> Fact:
    """One worker of a cluster: what it does, and what its hour costs."""
    rate = service.pricing.rate(worker.device_name)
    micro = rate.rent_micro_per_hour + rate.operations_micro_per_hour
    price = money(micro, service.pricing.currency, t.language)
    told = t(
        "gpu-worker",
        state=worker.state,
        held=worker.held,
        window=worker.window,
        done=worker.done,
        failed=worker.failed,
        price=price,
    )
    return worker.device_name, told


def _gpu_facts(gpu: GpuSample, t: Translator) -> list[Fact]:
    """What the driver tells; what it does not tell is left out."""
    told: list[tuple[str, object, str]] = [
        ("gpu-device", gpu.name, ""),
        ("gpu-load", gpu.utilisation_percent, " %"),
        ("gpu-temperature", gpu.temperature_c, " °C"),
        ("gpu-power", gpu.power_w and round(gpu.power_w), " W"),
        ("gpu-clock", gpu.sm_clock_mhz, " MHz"),
        ("gpu-others", gpu.others and len(gpu.others), ""),
    ]
    shown = [(t(label), f"{value}{unit}") for label, value, unit in told if value is not None]
    if gpu.memory_used_bytes is not None and gpu.memory_total_bytes is not None:
        memory = f"{_gigabytes(gpu.memory_used_bytes)} / {_gigabytes(gpu.memory_total_bytes)}"
        shown.append((t("gpu-memory"), memory))
    return shown


def _gigabytes(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB" if size >= 100 << 20 else f"{size / (1 << 20):.0f} MB"


async def _cost(service: Service, caller: Caller, given: Given) -> Card:
    period, t = given["period"], caller.t
    card = await cost(service.store, period, t, service.config)
    chart = await cost_chart(service.store, period, t, service.config)
    return Card(card.title, card.facts, card.text, picture=chart)


COMMANDS = (
    Command("stats cost", _cost, (Argument("period"),), Who.OWNER),
    Command("stats queue", lambda service, caller, _: queue(service, caller.t), who=Who.OWNER),
    Command("stats gpu", lambda service, caller, _: gpu(service, caller.t), who=Who.OWNER),
)
