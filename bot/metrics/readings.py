"""What is read when somebody asks: the engine's state, the ledger's totals, readiness, the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge

from engine.worker.watchdog import SLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from bot.metrics.health import Readiness
    from engine.snapshot import EngineSnapshot, WorkerSnapshot
    from engine.worker.telemetry import GpuSample
    from storage.records.figures import Rate, Tally
    from storage.records.sales import Income

M = TypeVar("M", Gauge, Counter)


def engine(state: EngineSnapshot, tiers: Iterable[str]) -> Iterator[Metric]:
    """The queue by tier, what is active, where the device's time went, what went wrong."""
    yield _by("queue_depth", "Jobs that wait.", "tier", {tier: state.waiting.get(tier, 0) for tier in tiers})
    oldest = {tier: state.oldest_wait_by_tier_s.get(tier, 0.0) for tier in tiers}
    yield _by("queue_oldest_wait_seconds", "How long the oldest waiting job has waited.", "tier", oldest)
    yield _gauge("queue_predicted_seconds", "Predicted device seconds of all that waits.", state.queued_s)
    yield _gauge("active_jobs", "Jobs that workers hold.", state.active)
    yield _gauge("decoding_jobs", "Jobs that wait for the decoder, or are in it.", state.decoding)
    yield _gauge("places", "Jobs that workers may hold now.", state.cap)
    yield _gauge("admission_paused", "1 while an owner has paused drawing.", state.admission_paused)
    time = {
        "busy": state.totals.busy_s,
        "overhead": state.totals.overhead_s,
        "idle": state.totals.idle_s,
    }
    yield _counts("device_seconds", "The device's time since the start, by what became of it.", "use", time)
    yield _count("out_of_memory", "Out-of-memory errors, survived or not.", state.out_of_memory)
    yield _count("step_timeouts", "Calls of the model that never came back.", state.timeouts)
    yield _by(
        "slow_steps",
        "1 while steps take much longer than predicted, by what is to blame.",
        "cause",
        {cause.value: int(cause is state.slow) for cause in SLOW},
    )
    hits = {"embedding": state.embedding_hits, "result": state.result_hits}
    yield _counts("cache_hits", "Prompts not encoded, pictures not drawn again.", "cache", hits)
    yield _gauge("model_resident_bytes", "Weights on the device.", state.resident_bytes)
    switches = sum(device.switches for device in state.devices)
    yield _count("model_switches", "Changes of the model on a device.", switches)
    switch_s = sum(device.switch_s for device in state.devices)
    yield _count("model_switch_seconds", "What they took, part of the overhead.", switch_s)
    if state.device is not None and (budget_bytes := state.device.memory_budget_bytes) is not None:
        yield _gauge("memory_budget_bytes", "What may be used of the device.", budget_bytes)
    yield from gpus(devices(state))
    if state.clustered:
        yield from workers(state.workers)


def workers(states: Sequence[WorkerSnapshot]) -> Iterator[Metric]:
    """A cluster's workers, each by its name and card."""

    def by_worker(family: M, read: Callable[[WorkerSnapshot], float | None]) -> M:
        for worker in states:
            if (value := read(worker)) is not None:
                family.add_metric((worker.name, worker.gpu), value)
        return family

    def gauge(name: str, what: str, read: Callable[[WorkerSnapshot], float]) -> Gauge:
        return by_worker(Gauge(f"easel_worker_{name}", what, labels=labels), read)

    def count(name: str, what: str, read: Callable[[WorkerSnapshot], float | None]) -> Counter:
        return by_worker(Counter(f"easel_worker_{name}", what, labels=labels), read)

    labels = ("worker", "gpu")
    yield gauge("up", "1 while the worker is there.", lambda _: 1)
    yield gauge("jobs", "Jobs in its hands.", lambda worker: worker.held)
    yield gauge("places", "Jobs it may hold now; 0 while it leaves or is set aside.", lambda w: w.window)
    yield gauge("load_seconds", "Predicted seconds of what it holds.", lambda worker: worker.load_s)
    yield count("jobs_done", "Jobs it drew since it came.", lambda worker: worker.done)
    yield count("jobs_failed", "Jobs that came back from it undrawn.", lambda worker: worker.failed)
    yield count(
        "busy_seconds",
        "Seconds its device drew since it started.",
        lambda worker: worker.totals.busy_s if worker.totals else None,
    )


def gpus(samples: Mapping[str, GpuSample]) -> Iterator[Metric]:
    """What the drivers tell, by device; what they do not tell is left out."""
    told: tuple[tuple[str, str, Callable[[GpuSample], float | None]], ...] = (
        ("gpu_memory_total_bytes", "Memory of the device.", lambda gpu: gpu.memory_total_bytes),
        ("gpu_memory_used_bytes", "Memory in use, by everybody.", lambda gpu: gpu.memory_used_bytes),
        ("gpu_memory_own_bytes", "Memory in use by Easel.", lambda gpu: gpu.memory_ours_bytes),
        (
            "gpu_utilisation_ratio",
            "Part of the time in which any kernel ran.",
            lambda gpu: None if gpu.utilisation_percent is None else gpu.utilisation_percent / 100,
        ),
        ("gpu_temperature_celsius", "Temperature.", lambda gpu: gpu.temperature_c),
        ("gpu_power_watts", "Power.", lambda gpu: gpu.power_w),
        (
            "gpu_other_processes",
            "Others that compute on it.",
            lambda gpu: None if gpu.others is None else len(gpu.others),
        ),
    )
    for name, what, read in told:
        values = {device: value for device, gpu in samples.items() if (value := read(gpu)) is not None}
        if values:
            yield _by(name, what, "gpu", values)


def devices(state: EngineSnapshot) -> dict[str, GpuSample]:
    """The newest telemetry of this machine's device, or of each worker's, by a name that is one device's."""
    there = {w.device_name: w.device.gpu for w in state.workers if w.device is not None}
    found = {device: gpu for device, gpu in there.items() if gpu is not None}
    return found if state.clustered else {gpu.name or "gpu": gpu for gpu in found.values()}


def ledger(totals: Mapping[tuple[str, str, str], Tally], currency: str) -> Iterator[Metric]:
    """Sums over all closed jobs, exactly as the ledger has them; they survive a restart."""
    labels = ("tier", "platform", "model")
    counts: tuple[tuple[str, str, str, float], ...] = (
        ("images", "Images delivered and counted.", "images", 1),
        ("jobs_failed", "Jobs that failed.", "failed", 1),
        ("jobs_cancelled", "Jobs that were cancelled.", "cancelled", 1),
        ("delivery_failures", "Pictures that could not be delivered, for good.", "undeliverable", 1),
        ("refunds", "Jobs whose reservation was given back.", "refunded", 1),
        ("gpu_seconds", "Billed seconds of the device.", "gpu_us", 1e6),
        ("energy_joules", "Energy, where the driver tells.", "energy_mj", 1e3),
    )
    for name, what, field, unit in counts:
        family = Counter(f"easel_{name}", what, labels=labels)
        for key, tally in totals.items():
            family.add_metric(key, getattr(tally, field) / unit)
        yield family
    for name, what, field in (
        ("cost", "What that device time cost, in the currency.", "cost_micro"),
        ("revenue", "What members were charged, in the currency.", "revenue_micro"),
    ):
        family = Counter(f"easel_{name}", what, labels=(*labels, "currency"))
        for key, tally in totals.items():
            family.add_metric((*key, currency), getattr(tally, field) / 1e6)
        yield family


def kinds(totals: Mapping[str, Tally]) -> Iterator[Metric]:
    """The same images and seconds by what was asked for: words alone, or a kind of edit."""
    images = {kind: tally.images for kind, tally in totals.items()}
    yield _counts("images_by_kind", "Images delivered and counted.", "kind", images)
    seconds = {kind: tally.gpu_us / 1e6 for kind, tally in totals.items()}
    yield _counts("gpu_seconds_by_kind", "Billed seconds of the device.", "kind", seconds)


def sales(income: Sequence[Income], currency: str) -> Iterator[Metric]:
    """What was ever paid and paid back, by offer and provider, after the provider's fee."""
    labels = ("offer", "provider")

    def count(name: str, what: str, read: Callable[[Income], float], *more: str) -> Counter:
        family = Counter(f"easel_{name}", what, labels=(*labels, *(["currency"] if more else [])))
        for line in income:
            family.add_metric((line.offer, line.provider, *more), read(line))
        return family

    yield count("payments", "Payments.", lambda line: line.payments)
    yield count("payments_refunded", "Payments paid back.", lambda line: line.refunds)
    yield count(
        "payments_worth",
        "What they are worth after the provider's fee, in the currency.",
        lambda line: (line.worth_micro - line.fee_micro) / 1e6,
        currency,
    )
    yield count(
        "refunds_worth", "Of that, what was paid back.", lambda line: line.refunded_micro / 1e6, currency
    )


def rent(rate: Rate, currency: str) -> Iterator[Metric]:
    """What an hour of the machine costs now, used or not."""
    family = Gauge("easel_machine_cost_per_hour", "In the currency.", labels=("part", "currency"))
    family.add_metric(("rent", currency), rate.rent_micro_per_hour / 1e6)
    family.add_metric(("operations", currency), rate.operations_micro_per_hour / 1e6)
    yield family


def readiness(state: Readiness) -> Iterator[Metric]:
    """Each of the checks of /readyz."""
    checks = {check.value: int(reason is None) for check, reason in state.checks.items()}
    yield _by("ready", "1 where this check of /readyz passes.", "check", checks)


def disk(free_bytes: int, total_bytes: int) -> Iterator[Metric]:
    """The disk that holds database and pictures."""
    yield _gauge("disk_free_bytes", "Free on the disk of the data folder.", free_bytes)
    yield _gauge("disk_total_bytes", "Size of the disk of the data folder.", total_bytes)


def _gauge(name: str, what: str, value: float) -> Gauge:
    return Gauge(f"easel_{name}", what, value=value)


def _count(name: str, what: str, value: float) -> Counter:
    return Counter(f"easel_{name}", what, value=value)


def _by(name: str, what: str, label: str, values: Mapping[str, float]) -> Gauge:
    family = Gauge(f"easel_{name}", what, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _counts(name: str, what: str, label: str, values: Mapping[str, float]) -> Counter:
    family = Counter(f"easel_{name}", what, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
