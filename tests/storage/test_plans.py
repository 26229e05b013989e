"""What is asked often, or while everybody waits, is found by an index: SQLite says so itself."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from storage.goods import Goods
from storage.records.requests import CancelledBy
from storage.settings import Scope
from tests.storage.house import USAGE, HandClock, ask, deliver, draw, forget, open_store
from tests.storage.trade import buy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from storage.store import Store

GROWING = {"member", "identity", "account", "request", "job", "ledger", "credit", "audit", "rollup", "meter"}
GROWING |= {"orders", "payment", "payer", "period", "refund", "debit", "voucher", "redemption"}
"""Tables that grow with members and images, so that reading one as a whole takes longer every month."""

Verb = "Callable[[Store, str, str], Awaitable[object]]"
HOT: dict[str, Verb] = {
    "member": lambda store, member, request: store.members.of("discord", "1001"),
    "member by key": lambda store, member, request: store.members.get(member),
    "identities": lambda store, member, request: store.members.identities(member),
    "quota": lambda store, member, request: store.members.quota(member),
    "accept": lambda store, member, request: store.requests.accept(ask(member, platform_server="7")),
    "running": lambda store, member, request: run(store, member),
    "fail": lambda store, member, request: store.jobs.failed(request + "-1", "no GPU", USAGE),
    "cancel": lambda store, member, request: store.jobs.cancelled(
        request + "-1", USAGE, by=CancelledBy.MEMBER, refunds_a_day=3
    ),
    "park": lambda store, member, request: store.jobs.park([request + "-2"]),
    "acknowledge": lambda store, member, request: store.jobs.acknowledge([request + "-2"], "receipt"),
    "expire": lambda store, member, request: store.jobs.expire(unfinished_s=0, undelivered_s=0),
    "unfinished": lambda store, member, request: store.requests.unfinished(),
    "undelivered": lambda store, member, request: store.requests.undelivered("discord"),
    "request": lambda store, member, request: store.requests.get(request),
    "job": lambda store, member, request: store.jobs.get(request + "-0"),
    "history": lambda store, member, request: store.requests.history(member, 10),
    "older history": lambda store, member, request: store.requests.history(member, 10, request),
    "ledger": lambda store, member, request: store.ledger.rows(after=1),
    "a member's ledger": lambda store, member, request: store.ledger.rows(member=member),
    "use by day": lambda store, member, request: store.ledger.use_by_day(member, store.calendar.today(0)),
    "delete a picture": lambda store, member, request: store.pictures.delete(request + "-3"),
    "stats": lambda store, member, request: store.stats.of(store.calendar.today(0)),
    "a member": lambda store, member, request: store.members.list("1001"),
    "failures": lambda store, member, request: store.requests.failed(),
    "find a key": lambda store, member, request: store.keys.find("easel_0123456789_x"),
    "session": lambda store, member, request: store.sessions.member("x"),
    "offers": lambda store, member, request: store.links.offers(member),
    "settings": lambda store, member, request: store.settings.of(Scope.server("discord", "7")),
    "names": lambda store, member, request: store.members.names([member]),
    "found by number": lambda store, member, request: store.members.list("#1"),
    "days": lambda store, member, request: store.stats.days(store.calendar.days(0, 3)),
    "pictures of a day": lambda store, member, request: store.requests.pictured(store.calendar.today(0)),
    "pictures of a member": lambda store, member, request: store.requests.pictured(
        store.calendar.today(0), member=member
    ),
    "audit of a member": lambda store, member, request: store.audit.rows(subject=member),
    "buy": lambda store, member, request: buy(store, member, Goods(tier="member", days=30), "1"),
    "bought": lambda store, member, request: store.sales.of(member),
    "subscriptions": lambda store, member, request: store.sales.subscriptions(member),
    "pay back": lambda store, member, request: pay_back(store, member),
    "provider's refund": lambda store, member, request: store.refunds.by_provider("toy", "1"),
    "income": lambda store, member, request: store.sales.income(store.calendar.today(0)),
    "redeem": lambda store, member, request: redeem(store, member),
    "give": lambda store, member, request: give(store, member),
    "link": lambda store, member, request: link(store, member),
    "forget": lambda store, member, request: forget(store, "discord", "1001"),
}


async def run(store: Store, member: str) -> None:
    await store.jobs.running((await store.requests.accept(ask(member))).request.jobs[0].job_id)


async def pay_back(store: Store, member: str) -> None:
    placed = await buy(store, member, Goods(images=3), "1")
    await store.refunds.order(placed.order_id, by="admin")
    await store.refunds.made((await store.refunds.due("toy"))[0].payment)


async def redeem(store: Store, member: str) -> None:
    (code,) = await store.vouchers.create("boost", Goods(images=3), 1, by="admin")
    await store.vouchers.redeem(member, code)


async def give(store: Store, member: str) -> None:
    await store.members.grant(member, 2, by="admin")
    await store.vouchers.give(member, (await store.members.of("discord", "7")).key, 1, key="1")


async def link(store: Store, member: str) -> None:
    other = (await store.members.of("telegram", "7")).key
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(member, offer.offer_id)
    await store.links.confirm(other, offer.offer_id)


@pytest.fixture
def statements() -> list[str]:
    return []


@pytest.fixture
async def traced(tmp_path: Path, clock: HandClock, statements: list[str]) -> AsyncIterator[Store]:
    async with await open_store(tmp_path, clock, on_statement=statements.append) as store:
        yield store


@pytest.mark.parametrize("verb", HOT.values(), ids=HOT)
async def test_no_growing_table_is_read_as_a_whole(
    traced: Store, statements: list[str], tmp_path: Path, verb: Callable[[Store, str, str], Awaitable[object]]
) -> None:
    member = (await traced.members.of("discord", "1001")).key
    await deliver(traced, member)
    request = (await traced.requests.accept(ask(member, 4))).request
    await draw(traced, request)
    await traced.jobs.acknowledge([request.jobs[3].job_id])
    statements.clear()
    await verb(traced, member, request.request_id)
    scans = [
        (step, text)
        for text in statements
        for step in plan(tmp_path / "easel.db", text)
        if step.startswith("SCAN") and step.split()[1] in GROWING
    ]
    assert scans == []


def plan(database: Path, statement: str) -> list[str]:
    if statement.lstrip().startswith(("--", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")):
        return []
    with contextlib.closing(sqlite3.connect(database)) as db:
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
