"""A small house to test the store in: its tiers, a clock moved by hand, and requests by the dozen."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from storage.clock import SECOND_US, to_us
from storage.months import Calendar
from storage.policy import Policy
from storage.records.figures import Rate
from storage.records.members import Forgotten, TierTerms
from storage.records.requests import DrawUsage, NewJob, NewRequest, RequestRecord, Source
from storage.store import Store
from tests.database import lay_out

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

TIERS = {
    "free": TierTerms("free", allowance=100, price_micro=0),
    "member": TierTerms("member", allowance=500, price_micro=50_000),
    "enterprise": TierTerms("enterprise", allowance=None, price_micro=20_000),
}
CAPPED = {
    **TIERS,
    "free": TierTerms("free", 100, 0, daily_cap_server=5, daily_cap_total=8, min_account_age_s=86_400),
}
RATES = (
    Rate(datetime(2026, 1, 1, tzinfo=UTC), rent_micro_per_hour=3_600_000, operations_micro_per_hour=800_000),
    Rate(datetime(2026, 12, 1, tzinfo=UTC), rent_micro_per_hour=7_200_000, operations_micro_per_hour=800_000),
)
POLICY = Policy(TIERS, "free", RATES, "CNY", Calendar("UTC"))
USAGE = DrawUsage(
    queue_us=2_000_000,
    encode_us=100_000,
    denoise_us=1_600_000,
    decode_us=300_000,
    gpu_us=1_800_000,
    energy_mj=540_000,
    model="embedded",
    width=128,
    height=128,
    steps=8,
)


class HandClock:
    """Microseconds that pass when told to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now_us = to_us(now)

    def __call__(self) -> int:
        return self.now_us

    def advance(self, **duration: float) -> None:
        self.now_us += int(timedelta(**duration).total_seconds() * SECOND_US)

    def set(self, moment: datetime) -> None:
        self.now_us = to_us(moment)


async def open_store(folder: Path, clock: HandClock, time_zone: str = "UTC", **changes: Any) -> Store:
    """With these changes to the policy, or to how the store is opened."""
    database = folder / "easel.db"
    lay_out(database)
    owners = {field.name: changes.pop(field.name) for field in fields(Policy) if field.name in changes}
    policy = replace(POLICY, calendar=Calendar(time_zone), **owners)
    return await Store.open(
        database, policy, clock=clock, **({"secret": b"for tests", "durable": False} | changes)
    )


_numbers = itertools.count(1)


def ask(member: str, images: int = 1, **changes: Any) -> NewRequest:
    """A request nobody made before."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "request_id": f"r{number}",
        "source": Source("discord", f"k{number}"),
        "member": member,
        "platform_server": None,
        "payload": '{"prompt": "an orange cat"}',
        "address": '{"channel": 1}',
        "jobs": tuple(NewJob(f"r{number}-{index}", 7 + index) for index in range(images)),
    }
    return NewRequest(**(values | changes))


async def draw(
    store: Store, request: RequestRecord, content: bytes = b"a picture", usage: DrawUsage = USAGE
) -> None:
    """Take every job of a request from queued to drawn."""
    ref = await store.pictures.put(content, ".png")
    await asyncio.gather(*(store.jobs.running(job.job_id) for job in request.jobs))
    await asyncio.gather(*(store.jobs.drawn(job.job_id, ref, usage) for job in request.jobs))


async def forget(store: Store, platform: str, user_id: str) -> Forgotten:
    """Erase the member behind an identity."""
    member = await store.members.find(platform, user_id)
    assert member is not None
    return await store.members.forget(member.key)


async def deliver(store: Store, member: str, images: int = 1, **changes: Any) -> RequestRecord:
    """A request's whole life."""
    request = (await store.requests.accept(ask(member, images, **changes))).request
    await draw(store, request)
    await store.jobs.acknowledge(request.request_id, "a message")
    return await store.requests.get(request.request_id)
