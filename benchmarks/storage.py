"""The store's figures: `python -m benchmarks.storage [--json FILE] [--rows N]`, about two minutes.

- pairs: reserve + settle with 64 callers at once, the whole way of accept, drawn, acknowledge, on disk;
- stats: `/stats` of a month over a million ledger rows of 50,000 members;
- quota: one member's look-up over that same database: alone; while 64 callers write a hundred images a second
  together and reports are read (twenty GPUs' worth); and while they write as fast as they can;
- size: bytes of database an image, the prompt's text apart, as the faces fill it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from storage.clock import DAY_US, to_us
from storage.invariants import _SPANS, _TALLY
from storage.months import Calendar
from storage.policy import Policy
from storage.records.figures import Rate
from storage.records.members import TierTerms
from storage.records.requests import NewJob, NewRequest, Source
from storage.store import Store
from tests.storage.house import USAGE, HandClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALLERS = 64
MEMBERS = 50_000
TIERS = {
    "free": TierTerms("free", 10**9, 0),
    "member": TierTerms("member", 10**9, 50_000),
    "premium": TierTerms("premium", 10**9, 30_000),
    "enterprise": TierTerms("enterprise", None, 20_000),
}
START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 30, 23, tzinfo=UTC)
POLICY = Policy(TIERS, "free", (Rate(START, 3_600_000, 800_000),), "CNY", Calendar("Asia/Shanghai"))
# As the Discord face fills them, but for the prompt.
PAYLOAD = {
    "prompt": "",
    "width": 1024,
    "height": 1024,
    "steps": 8,
    "seed": 1234567890,
    "images": 1,
    "guidance": 0.0,
    "negative_prompt": "",
    "quality": "standard",
    "style": None,
    "private": False,
}
ADDRESS = {
    "application_id": 1181230912301923012,
    "token": "x" * 220,
    "message_id": 1181230912301923013,
    "channel_id": 1181230912301923014,
    "guild_id": 1181230912301923015,
    "user_id": 1181230912301923016,
    "private": False,
    "asked_at": "2026-11-23T12:00:00.000000+00:00",
    "language": "zh-CN",
    "limit_bytes": 10_485_760,
    "preview": True,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the database is made (the disk to measure)")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.rows, arguments.folder))
    for name, value in figures.items():
        print(f"{name:32} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


async def measure(rows: int, base: Path | None) -> dict[str, object]:
    figures: dict[str, object] = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "rows": rows,
    }
    with tempfile.TemporaryDirectory(dir=base) as name:
        async with await opened(Path(name)) as store:
            figures["pairs_per_s"] = round(await pairs_per_s(store, 200))
            figures["pairs_per_s_again"] = round(await pairs_per_s(store, 200))
    with tempfile.TemporaryDirectory(dir=base) as name:
        figures["database_bytes_per_image"] = round(await bytes_per_image(Path(name), 20_000))
    with tempfile.TemporaryDirectory(dir=base) as name:
        async with await opened(Path(name)):
            pass
        began = time.perf_counter()
        load(Path(name) / "easel.db", rows)
        figures["load_s"] = round(time.perf_counter() - began, 1)
        async with await opened(Path(name)) as store:
            figures.update(await reading(store))
            figures.update(await reading_under_load(store, each_per_s=1.5))
            figures.update(await reading_under_load(store, each_per_s=None))
    return figures


async def opened(folder: Path, durable: bool = True) -> Store:
    return await Store.open(
        folder / "easel.db",
        POLICY,
        clock=HandClock(END),
        secret=b"benchmark",
        durable=durable,
    )


_chance = random.Random(1)


async def whole_way(store: Store, member: str, image: str) -> None:
    """Reserve, draw, settle: three transactions, each on disk before the next begins."""
    request_id = f"{_chance.getrandbits(64):016x}"
    job_id = f"{request_id}-0"
    request = NewRequest(
        request_id,
        Source("discord", str(_chance.getrandbits(62))),
        member,
        None,
        json.dumps(PAYLOAD, separators=(",", ":")),
        json.dumps(ADDRESS),
        (NewJob(job_id, _chance.getrandbits(32)),),
    )
    await store.requests.accept(request)
    await store.jobs.drawn(job_id, image, USAGE)
    await store.jobs.acknowledge([job_id], str(_chance.getrandbits(62)))


async def pairs_per_s(store: Store, each: int) -> float:
    members = [(await store.members.of("discord", str(number))).key for number in range(CALLERS)]
    image = "0" * 32 + ".png"

    async def caller(member: str) -> None:
        for _ in range(each):
            await whole_way(store, member, image)

    began = time.perf_counter()
    await asyncio.gather(*(caller(member) for member in members))
    return CALLERS * each / (time.perf_counter() - began)


async def bytes_per_image(folder: Path, images: int) -> float:
    """Spread over a month, 20 images a member, sizes and tiers mixed; the empty database apart."""
    async with await opened(folder, durable=False):
        pass
    empty = (folder / "easel.db").stat().st_size
    async with await opened(folder, durable=False) as store:
        clock = store.core.clock
        assert isinstance(clock, HandClock)
        keys = []
        for number in range(images // 20):
            keys.append((await store.members.of("discord", str(10**18 + number))).key)
            await store.members.set_tier(keys[-1], _chance.choice(list(TIERS)), by="benchmark")
        for number in range(0, images, CALLERS):
            clock.now_us = to_us(START) + 28 * DAY_US * number // images
            refs = [f"{_chance.getrandbits(128):032x}.png" for _ in range(CALLERS)]
            await asyncio.gather(*(whole_way(store, _chance.choice(keys), ref) for ref in refs))
    return ((folder / "easel.db").stat().st_size - empty) / images


async def reading(store: Store) -> dict[str, object]:
    month = store.calendar.month_of(202611)
    stats = [await timed(lambda: store.stats.of(month)) for _ in range(60)]
    quota = await look_ups(store, 500)
    return {
        "stats_month_p50_ms": quantile(stats, 50),
        "stats_month_p95_ms": quantile(stats, 95),
        "quota_alone_p95_ms": quantile(quota, 95),
    }


async def reading_under_load(store: Store, each_per_s: float | None) -> dict[str, object]:
    """Look-ups while 64 callers write, each at its pace or (None) as fast as it can, and reports are read."""
    done = asyncio.Event()
    written = 0

    async def write(member: str) -> None:
        nonlocal written
        while not done.is_set():
            if each_per_s is not None:
                await asyncio.sleep(_chance.expovariate(each_per_s))
            await whole_way(store, member, "0" * 32 + ".png")
            written += 1

    async def report() -> None:
        while not done.is_set():
            await store.stats.of(store.calendar.month_of(202611))
            await asyncio.sleep(0.2)

    keys = [(await store.members.of("discord", str(number))).key for number in range(CALLERS)]
    tasks = [asyncio.create_task(write(key)) for key in keys] + [asyncio.create_task(report())]
    began = time.perf_counter()
    quota = await look_ups(store, 1000)
    seconds = time.perf_counter() - began
    done.set()
    await asyncio.gather(*tasks)
    name = "full" if each_per_s is None else "paced"
    return {
        f"quota_p50_ms_load_{name}": quantile(quota, 50),
        f"quota_p95_ms_load_{name}": quantile(quota, 95),
        f"pairs_per_s_load_{name}": round(written / seconds),
    }


async def look_ups(store: Store, count: int) -> list[float]:
    """One after the other with a breath between, as members ask; each for another member."""
    taken = []
    for number in range(count):
        key = f"{number * 47 % MEMBERS:016x}"
        taken.append(await timed(lambda key=key: store.members.quota(key)))  # type: ignore[misc]
        await asyncio.sleep(0.002)
    return taken


async def timed(verb: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await verb()
    return time.perf_counter() - began


def quantile(seconds: list[float], percent: int) -> float:
    return round(1000 * sorted(seconds)[len(seconds) * percent // 100], 2)


def load(path: Path, rows: int) -> None:
    """A month of closed jobs in bulk: the triggers are lifted, and what they keep is summed up at the end."""
    db = sqlite3.connect(path, isolation_level=None)
    triggers = [row[0] for row in db.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")]
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
    db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")
    for name in names:
        db.execute(f"DROP TRIGGER {name}")
    db.executescript(_LOAD.format(rows=rows, members=MEMBERS, start=to_us(START), length=29 * DAY_US))
    db.executescript(_SUM_UP)
    for trigger in triggers:
        db.execute(trigger)
    db.close()


_LOAD = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {members})
INSERT INTO member (key, tier, created_us)
SELECT format('%016x', i), CASE i % 10 WHEN 0 THEN 'member' WHEN 1 THEN 'premium' END, {start} FROM n;

WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows})
INSERT INTO request (request_id, platform, source_key, member, tier, month, payload, created_us)
SELECT format('%016x', i), CASE i % 3 WHEN 0 THEN 'telegram' ELSE 'discord' END, i, 1 + i * 7919 % {members},
       CASE i % 10 WHEN 0 THEN 'member' WHEN 1 THEN 'premium' WHEN 2 THEN 'enterprise' ELSE 'free' END,
       202611,
       '{{}}', {start} + i * ({length} / {rows})
FROM n;

INSERT INTO job (job_id, request, seed, state, from_topup, price_micro, started_us)
SELECT request_id || '-0', id, id, CASE WHEN id % 50 THEN 'delivered' ELSE 'failed' END, 0, 0, created_us
FROM request;

INSERT INTO ledger
SELECT NULL, job.id, created_us + 5000000, member, 202611,
       CASE WHEN job.id % 50 THEN 'delivered' ELSE 'failed' END, job.id % 50 > 0, 0, tier, platform, 0,
       1000000 + job.id * 7 % 4000000, NULL, 1200, 1000000 + job.id * 31 % 9000000,
       1500000 + job.id * 17 % 7000000, 80 + job.id % 13, 82 + job.id % 11, 'Tongyi-MAI/Z-Image-Turbo',
       512 + 256 * (job.id % 3), 512 + 256 * (job.id % 2), 8, '', 0, 1
FROM job JOIN request ON request.id = job.request;
"""

_SUM_UP = f"""
INSERT INTO rollup
SELECT span, at_us - at_us % span, tier, platform, model, width, height, {_TALLY} FROM ledger, {_SPANS}
GROUP BY 1, 2, 3, 4, 5, 6, 7;

INSERT INTO histogram
SELECT span, at_us - at_us % span, 'wait', tier, wait_bucket, count(*) FROM ledger, {_SPANS}
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO histogram
SELECT span, at_us - at_us % span, 'draw', tier, draw_bucket, count(*) FROM ledger, {_SPANS}
GROUP BY 1, 2, 3, 4, 5;

INSERT INTO account (month, member, used, images, failed, cancelled, undeliverable, refunded, gpu_us,
                     energy_mj, cost_micro, revenue_micro)
SELECT month, member, sum(charged), {_TALLY} FROM ledger GROUP BY 1, 2;
"""

if __name__ == "__main__":
    main()
