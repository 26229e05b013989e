"""A simulated month: real scheduler, quotas and ledger on an imagined A10G and a virtual clock.

`python -m benchmarks.month [--days 31] [--members 500] [--images 60000]` ends with the cost report,
compares every total with a recount from the raw ledger, and writes docs/month.png. A difference is a failure.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks.month_card import Card
from benchmarks.month_crowd import Ask, asks, people
from benchmarks.month_recount import recount
from bot.app import tier_terms
from bot.background.metering import MeterWriter
from bot.cli.terminal import show_facts
from bot.config.money import Billing
from bot.config.schema import Config
from bot.cost.chart import chart_png
from bot.cost.report import CostReport, cost_report
from bot.cost.report_text import facts, title
from bot.imagine.pricing import policy
from bot.messages import translator
from engine.request import DrawRequest, QueueFull
from storage.clock import DAY_US, HOUR_US, to_us
from storage.errors import QuotaExceeded
from storage.records.requests import CancelledBy, DrawUsage, NewJob, NewRequest, Source
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from engine.worker.accounting import Spent, Totals

START = datetime(2026, 10, 1, tzinfo=UTC)
GUIDANCE = 7.5
"""Two captions a step, as in the article's table."""


class Timeline:
    """The store's clock. Operations written together each get the moment they were meant for."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self._script: deque[int] = deque()

    def __call__(self) -> int:
        return self._script.popleft() if self._script else self.now_us

    async def play(self, operations: Sequence[tuple[int, Awaitable[Any]]]) -> list[Any]:
        """Await all, written in this order, each at its own moment: every verb reads the clock once."""
        self._script.extend(at_us for at_us, _ in operations)
        answers = await asyncio.gather(*(work for _, work in operations), return_exceptions=True)
        assert not self._script, "a verb did not read the clock once"
        return answers


@dataclass
class Desk:
    """What the service does with a request, without a face: reserve, have drawn, deliver."""

    store: Store
    clock: Timeline
    config: Config
    image: str
    keys: dict[str, str]
    start_us: int
    writes: list[tuple[int, Awaitable[Any]]] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)
    asked: dict[str, Ask] = field(default_factory=dict)
    refused: int = 0
    full: int = 0
    card: Card = field(init=False)

    def __post_init__(self) -> None:
        self.card = Card(tier_terms(self.config), started=self._started, drawn=self._drawn)

    async def hour(self, waiting: list[tuple[str, Ask]], until_s: float) -> None:
        """Accept an hour's requests, let the card work, and write down what came of it."""
        accepts = [
            (self._us(ask.at_s), self.store.requests.accept(self._request(name, ask)))
            for name, ask in waiting
        ]
        answers = await self.clock.play(accepts)
        for (name, ask), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, QuotaExceeded):
                self.refused += 1
                continue
            if isinstance(answer, BaseException):
                raise answer
            self.card.run_until(ask.at_s)
            self._submit(name, ask)
        self.card.run_until(until_s)
        await self.flush()

    async def flush(self) -> None:
        """Write what has happened on the card."""
        writes, self.writes = self.writes, []
        for answer in await self.clock.play(writes):
            if isinstance(answer, BaseException):
                raise answer

    def _submit(self, name: str, ask: Ask) -> None:
        self.asked[name] = ask
        self.open[name] = ask.images
        for n in range(ask.images):
            job_id = f"{name}-{n}"
            request = DrawRequest(
                job_id=job_id, prompt="a cat", width=ask.edge, height=ask.edge, steps=ask.steps, seed=n,
                guidance=GUIDANCE, tier=ask.person.tier, flow=ask.person.name,
            )  # fmt: skip
            try:
                self.card.submit(request)
            except QueueFull:
                self.full += 1
                self._write(ask.at_s, self.store.jobs.cancelled(job_id, by=CancelledBy.SYSTEM))
                self._closed(name)
                continue
            if ask.fate == "cancelled" and (spent := self.card.cancel(job_id)) is not None:
                usage = self._usage(ask, 0.0, spent)
                self._write(ask.at_s, self.store.jobs.cancelled(job_id, usage, by=CancelledBy.MEMBER))
                self._closed(name)

    def _started(self, job_id: str, at_s: float) -> None:
        self._write(at_s, self.store.jobs.running(job_id))

    def _drawn(self, job_id: str, at_s: float, waited_s: float, spent: Spent) -> None:
        name = job_id.rpartition("-")[0]
        ask = self.asked[name]
        usage = self._usage(ask, waited_s, spent)
        if ask.fate == "failed":
            self._write(at_s, self.store.jobs.failed(job_id, "DrawFailed", usage))
        else:
            self._write(at_s, self.store.jobs.drawn(job_id, self.image, usage))
            if ask.fate == "blocked":
                self._write(at_s, self.store.jobs.undeliverable([job_id], "blocked", members_doing=True))
        self._closed(name, at_s)

    def _closed(self, name: str, at_s: float | None = None) -> None:
        """One image less; after the last one the platform has acknowledged them all."""
        self.open[name] -= 1
        if not self.open[name]:
            del self.open[name]
            ask = self.asked.pop(name)
            if ask.fate in ("drawn", "cancelled") and at_s is not None:
                self._write(at_s, self.store.jobs.acknowledge(name, "a message"))

    def _write(self, at_s: float, work: Awaitable[Any]) -> None:
        self.writes.append((self._us(at_s), work))

    def _request(self, name: str, ask: Ask) -> NewRequest:
        person = ask.person
        return NewRequest(
            request_id=name,
            source=Source(person.platform, name),
            member=self.keys[person.name],
            platform_server=None,
            payload="{}",
            address="{}",
            jobs=tuple(NewJob(f"{name}-{n}", n) for n in range(ask.images)),
        )

    def _usage(self, ask: Ask, waited_s: float, spent: Spent) -> DrawUsage:
        return DrawUsage(
            queue_us=round(waited_s * 1e6),
            encode_us=round(spent.encode_s * 1e6),
            denoise_us=round(spent.denoise_s * 1e6),
            decode_us=round(spent.decode_s * 1e6),
            gpu_us=round(spent.gpu_s * 1e6),
            energy_mj=None,
            model="seed-a10g",
            width=ask.edge,
            height=ask.edge,
            steps=ask.steps,
        )

    def _us(self, at_s: float) -> int:
        return self.start_us + round(at_s * 1e6)


@dataclass(frozen=True)
class _Snapshot:
    totals: Totals
    clustered: bool = False


class _Metered:
    """What the meter's writer reads of an engine."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def snapshot(self) -> _Snapshot:
        return _Snapshot(self._card.totals())


@dataclass(frozen=True)
class Simulated:
    """A month that is over."""

    report: CostReport
    config: Config
    recounted: dict[str, Any]
    asked: int
    refused: int
    full: int


async def simulate(folder: Path, *, days: int, members: int, images: int, seed: int = 7) -> Simulated:
    """Live through the month in a store in `folder`, and count it twice."""
    config, chance = Config(), random.Random(seed)
    start_us = to_us(START)
    clock = Timeline(start_us)
    store = await Store.open(folder / "easel.db", policy(config), clock=clock, durable=False)
    async with store:
        crowd = people(members, chance)
        keys = {}
        for person in crowd:
            keys[person.name] = (await store.members.of(person.platform, person.name)).key
            if person.tier != config.default_tier:
                await store.members.set_tier(keys[person.name], person.tier, by="simulation")
        image = await store.pictures.put(b"one picture for all", ".png")
        desk = Desk(store, clock, config, image, keys, start_us)
        meter = MeterWriter(_Metered(desk.card), store, clock)  # type: ignore[arg-type]
        coming = deque((f"r{n}", ask) for n, ask in enumerate(asks(crowd, days, images, chance)))
        asked = sum(ask.images for _, ask in coming)
        for hour in range(1, days * 24 + 1):
            until_s = hour * 3600.0
            due = []
            while coming and coming[0][1].at_s < until_s:
                due.append(coming.popleft())
            await desk.hour(due, until_s)
            clock.now_us = start_us + hour * HOUR_US
            await meter.book()
        desk.card.drain()  # what is drawn after midnight belongs to the next month
        await desk.flush()
        end_us = start_us + days * DAY_US
        clock.now_us = max(end_us, start_us + round(desk.card.now_s * 1e6))
        faults = await store.check()
        assert not faults, faults
        report = await cost_report(store, config, f"{START:%Y-%m}", now_us=clock.now_us)
        recounted = recount(
            folder / "easel.db",
            start_us=start_us,
            end_us=store.calendar.month_of(store.calendar.month(start_us)).end_us,
            now_us=clock.now_us,
            hour_micro=(4_200_000, 800_000),
            fees_micro={n: t.fee_micro for n, t in config.tiers.items() if t.billing is Billing.SUBSCRIPTION},
            free=frozenset(n for n, t in config.tiers.items() if t.billing is Billing.NONE),
        )
    return Simulated(report, config, recounted, asked, desk.refused, desk.full)


def differences(simulated: Simulated) -> list[str]:
    """Each total of the report that is not that of the recount, to the micro-unit; empty when all agree."""
    report, counted = simulated.report, simulated.recounted
    pairs: list[tuple[str, object, object]] = [
        ("rent", report.rent.rent_micro, counted["rent_micro"]),
        ("operations", report.rent.operations_micro, counted["operations_micro"]),
        ("revenue", report.revenue_micro, counted["revenue_micro"]),
        ("free share", report.free_share, counted["free_share"]),
        ("busy", report.busy_us, counted["times"]["busy_us"]),
        ("overhead", report.overhead_us, counted["times"]["overhead_us"]),
        ("idle", report.idle_us, counted["times"]["idle_us"]),
        ("lost", report.lost_us, counted["times"]["lost_us"]),
    ]
    tallies = {("total", ""): report.total}
    tallies |= {("tiers", line.name): line.tally for line in report.tiers}
    tallies |= {("platforms", name): tally for name, tally in report.platforms.items()}
    tallies |= {("sizes", name): tally for name, tally in report.sizes.items()}
    tallies |= {("members", top.member): top.tally for top in report.top}
    for (group, name), tally in tallies.items():
        pairs += [
            (f"{group} {name} {column}", value, counted[group][name][column])
            for column, value in asdict(tally).items()
        ]
    for group in ("tiers", "platforms", "sizes"):
        shown = {name for kind, name in tallies if kind == group}
        pairs.append((f"{group} without a line", set(counted[group]) - shown, set()))
    for name, times, exact in (
        ("wait", report.wait, counted["waits_us"]),
        ("draw", report.draw, counted["draws_us"]),
    ):
        pairs.append((f"{name} count", times.count, len(exact)))
        for percent, found in ((50, times.p50_us), (95, times.p95_us)):
            true_us = max(1000, exact[-(-len(exact) * percent // 100) - 1]) if exact else None
            near = found is None if true_us is None else found is not None and abs(found / true_us - 1) < 0.1
            pairs.append((f"{name} p{percent} near {true_us}: {found}", near, True))
    return [
        f"{name}: {found} in the report, {exact} in the recount"
        for name, found, exact in pairs
        if found != exact
    ]


async def _month(days: int, members: int, images: int) -> Simulated:
    with tempfile.TemporaryDirectory() as folder:
        return await simulate(Path(folder), days=days, members=members, images=images)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--days", type=int, default=31)
    options.add_argument("--members", type=int, default=500)
    options.add_argument("--images", type=int, default=60_000, help="at most")
    options.add_argument("--out", type=Path, default=Path("docs/month.png"))
    chosen = options.parse_args()
    began = time.perf_counter()
    simulated = asyncio.run(_month(chosen.days, chosen.members, chosen.images))
    console, t = Console(width=100), translator("en")
    console.print(title(simulated.report, t), style="bold")
    show_facts(console, facts(simulated.report, t))
    console.print(
        f"{simulated.asked} images asked for; {simulated.refused} requests beyond a member's allowance, "
        f"{simulated.full} images beyond a member's places in the queue."
    )
    apart = differences(simulated)
    for line in apart:
        console.print(line, markup=False)
    chosen.out.write_bytes(chart_png(simulated.report, simulated.config, t))
    console.print(
        f"{'DIFFERS from' if apart else 'Equal to'} the recount. {time.perf_counter() - began:.0f} s."
    )
    return bool(apart)


if __name__ == "__main__":
    sys.exit(main())
