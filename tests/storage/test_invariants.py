"""Each invariant finds its own violation: a check that cannot fail proves nothing."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from storage import invariants
from storage.goods import Goods
from tests.storage.house import CAPPED, HandClock, ask, deliver, draw, open_store
from tests.storage.test_meter import slice_of
from tests.storage.trade import buy, pay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.store import Store

UNLOCK = "DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete;"
UNLOCK_SALES = "DROP TRIGGER period_keeps_its_length;" + "".join(
    f"DROP TRIGGER {table}_no_{change};"
    for table in ("orders", "payment", "period", "refund")
    for change in ("update", "delete")
)

BREAKAGES = {
    "every open job holds the images it counts as, and its price, of its member's month": [
        "UPDATE account SET reserved = reserved + 1",
        "UPDATE account SET reserved = reserved - 1 WHERE reserved > 0",
        "UPDATE account SET held_micro = held_micro + 1",
        "UPDATE job SET state = 'failed' WHERE state = 'queued'",
        "UPDATE request SET month = 202610",
    ],
    "the allowance used is what was charged to it": [
        "UPDATE account SET used = used + 1",
        "UPDATE account SET used = 0",
        UNLOCK + "UPDATE ledger SET charged = 0, price_micro = 0",
    ],
    "a top-up is what was granted, less what was taken, used and is reserved of it": [
        "UPDATE member SET topup = topup + 1",
        "UPDATE member SET topup = 0",
        "DELETE FROM credit",
        "DELETE FROM debit",
    ],
    "a payment brought one thing, or was paid back": [
        "DELETE FROM credit",
        UNLOCK_SALES + "DELETE FROM period",
        UNLOCK_SALES + "DELETE FROM refund_due; DELETE FROM refund",
    ],
    "what was bought has one payment, and is what its order says": [
        "UPDATE credit SET payment = NULL",
        "UPDATE credit SET images = images + 1",
        UNLOCK_SALES + "UPDATE period SET end_us = end_us + 1",
        UNLOCK_SALES + "UPDATE orders SET tier = 'free' WHERE tier IS NOT NULL",
        UNLOCK_SALES + "UPDATE payment SET for_order = NULL",
    ],
    "an order that is no subscription is filled once": [
        UNLOCK_SALES + "UPDATE orders SET renews = 0",
    ],
    "what a refund took back left the top-up": [
        UNLOCK_SALES + "UPDATE refund SET images = images + 1",
        UNLOCK_SALES + "DELETE FROM refund_due; DELETE FROM refund",
    ],
    "what a member gave another received": [
        "DELETE FROM credit WHERE key LIKE 'given:%'",
        "DELETE FROM debit WHERE key LIKE 'given:%'",
    ],
    "a voucher brings what it says, once it is redeemed": [
        "DELETE FROM redemption",
        "DELETE FROM credit WHERE key LIKE 'voucher:%'",
    ],
    "a closed job has one ledger row that tells the same, an open one has none": [
        "UPDATE job SET state = 'queued' WHERE state = 'delivered'",
        "UPDATE job SET state = 'delivered' WHERE state = 'queued'",
        "UPDATE job SET state = 'delivered' WHERE state = 'failed'",
        UNLOCK + "DELETE FROM ledger WHERE entry = 1",
    ],
    "a ledger row without its job belongs to somebody forgotten, or is past the term of requests": [
        "DELETE FROM job WHERE state = 'delivered'",
    ],
    "what is charged was delivered, or lost or cancelled by the member's own doing": [
        UNLOCK + "UPDATE ledger SET charged = 0 WHERE outcome = 'delivered'",
        UNLOCK + "UPDATE ledger SET charged = 1 WHERE outcome = 'failed'",
        UNLOCK + "UPDATE ledger SET price_micro = 1 WHERE NOT charged",
    ],
    "a request has jobs": ["DELETE FROM job WHERE state = 'queued'"],
    "a drawn job has its picture and its usage": [
        "DELETE FROM drawing",
        "UPDATE job SET image = NULL WHERE state = 'drawn'",
    ],
    "a request has its address while one of its jobs is open": [
        "DELETE FROM address",
        "INSERT INTO address SELECT id, '{}' FROM request WHERE id = 1",
    ],
    "the daily counts are what the day's jobs count as that were not refunded": [
        "UPDATE daily SET images = images + 1",
        "UPDATE daily SET images = images - 1 WHERE scope <> ''",
        "DELETE FROM daily",
    ],
    "the rollups are the sums of the ledger": [
        "UPDATE rollup SET images = images + 1",
        "UPDATE rollup SET cost_micro = cost_micro - 1",
        "DELETE FROM rollup WHERE span_us = 900000000",
        UNLOCK + "UPDATE ledger SET gpu_us = gpu_us + 1",
    ],
    "the sums of edits are the sums of the ledger": [
        "UPDATE edits SET gpu_us = gpu_us + 1",
        "DELETE FROM edits WHERE span_us = 86400000000",
        UNLOCK + "UPDATE ledger SET kind = 'text' WHERE kind = 'vary'",
    ],
    "the histograms count every drawing of the ledger": [
        "UPDATE histogram SET jobs = jobs + 1 WHERE kind = 'wait'",
        "DELETE FROM histogram WHERE kind = 'draw'",
    ],
    "a member's month is the sum of their ledger rows": [
        "UPDATE account SET gpu_us = gpu_us + 1 WHERE images > 0",
        "UPDATE account SET failed = failed + 1 WHERE images > 0",
    ],
    "no quarter of an hour of a device has more time than it has": [
        "UPDATE meter SET idle_us = idle_us + 900000000",
    ],
    "a member that became part of another, or was forgotten, keeps nothing": [
        "UPDATE member SET merged_into = 2 WHERE id = 1",
        "UPDATE member SET forgotten_us = 1",
    ],
    "the file is whole": ["PRAGMA foreign_keys = OFF; DELETE FROM member"],
    "a picture yet to be delivered is on disk": [
        "UPDATE job SET image = '00000000000000000000000000000000.png' WHERE state = 'drawn'"
    ],
}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store in which a little of everything has happened."""
    folder = tmp_path_factory.mktemp("past")
    asyncio.run(live(folder))
    return folder


@pytest.fixture
async def lived_in(tmp_path: Path, clock: HandClock, past: Path) -> AsyncIterator[Store]:
    shutil.copytree(past, tmp_path, dirs_exist_ok=True)
    async with await open_store(tmp_path, clock, tiers=CAPPED) as store:
        yield store


async def live(folder: Path) -> None:
    async with await open_store(folder, HandClock(), tiers=CAPPED) as store:
        member = (await store.members.of("discord", "1")).key
        other = (await store.members.of("discord", "2")).key
        await store.members.set_tier(other, "member", by="admin")
        await store.members.grant(member, 3, by="admin")
        await deliver(store, member, platform_server="here")
        await deliver(store, other, 2, kind="vary")
        await store.jobs.failed((await store.requests.accept(ask(member))).request.jobs[0].job_id, "no GPU")
        await draw(store, (await store.requests.accept(ask(member, platform_server="here"))).request)
        await store.requests.accept(ask(other))
        await store.meter.book(slice_of(0, 100))
        await trade(store, member, other)


async def trade(store: Store, member: str, other: str) -> None:
    """Everything that can be bought, paid back, given and redeemed."""
    await buy(store, member, Goods(images=10), "images")
    subscription = await buy(store, member, Goods(tier="member", days=30), "first", renews=True)
    await pay(store, subscription, "second")
    back = await buy(store, member, Goods(images=5), "returned")
    await store.refunds.order(back.order_id, by="admin")
    await pay(store, back, "paid again")
    await store.vouchers.give(member, other, 2, key="1")
    (code,) = await store.vouchers.create("boost", Goods(images=3), 1, by="admin")
    await store.vouchers.redeem(other, code)
    await store.vouchers.create("boost", Goods(images=3), 1, by="admin")


def test_every_invariant_is_broken_below() -> None:
    names = {invariant.name for invariant in invariants.INVARIANTS}
    assert names <= set(BREAKAGES)


@pytest.mark.parametrize(
    ("name", "breakage"),
    [(name, breakage) for name, breakages in BREAKAGES.items() for breakage in breakages],
)
async def test_a_violation_is_found(lived_in: Store, name: str, breakage: str) -> None:
    assert await lived_in.check() == []
    await lived_in.core.writer.outside(lambda db: db.executescript(breakage))
    findings = await lived_in.check()
    assert name in {finding.invariant for finding in findings}
    assert all("{" not in finding.sentence for finding in findings)
