"""What is asked often, or while everybody waits, is found by an index: SQLite says so itself."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.storage.house import USAGE, HandClock, ask, deliver, draw, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from storage.store import Store

GROWING = {"member", "identity", "account", "request", "job", "ledger", "credit", "audit", "rollup", "meter"}
"""Tables that grow with members and images, so that reading one as a whole takes longer every month."""

Verb = "Callable[[Store, str, str], Awaitable[object]]"
HOT: dict[str, Verb] = {
    "member": lambda store, member, request: store.member("discord", "1001"),
    "member by key": lambda store, member, request: store.member_by_key(member),
    "identities": lambda store, member, request: store.identities(member),
    "quota": lambda store, member, request: store.quota(member),
    "accept": lambda store, member, request: store.accept(ask(member, platform_server="7")),
    "running": lambda store, member, request: run(store, member),
    "fail": lambda store, member, request: store.failed(request + "-1", "no GPU", USAGE),
    "cancel": lambda store, member, request: store.cancelled(request + "-1", USAGE, by=member),
    "park": lambda store, member, request: store.park([request + "-2"]),
    "acknowledge": lambda store, member, request: store.acknowledge([request + "-2"], "receipt"),
    "expire": lambda store, member, request: store.expire(unfinished_s=0, undelivered_s=0),
    "unfinished": lambda store, member, request: store.unfinished(),
    "undelivered": lambda store, member, request: store.undelivered("discord"),
    "request": lambda store, member, request: store.request(request),
    "job": lambda store, member, request: store.job(request + "-0"),
    "history": lambda store, member, request: store.history(member, 10),
    "older history": lambda store, member, request: store.history(member, 10, request),
    "refunds": lambda store, member, request: store.refunds_today(member),
    "ledger": lambda store, member, request: store.ledger(after=1),
    "a member's ledger": lambda store, member, request: store.ledger(member=member),
    "use by day": lambda store, member, request: store.use_by_day(member, store.calendar.today(0)),
    "delete a picture": lambda store, member, request: store.delete_image(request + "-3"),
    "stats": lambda store, member, request: store.stats(store.calendar.today(0)),
    "a member": lambda store, member, request: store.members("1001"),
    "failures": lambda store, member, request: store.failures(),
    "find a key": lambda store, member, request: store.find_key("easel_0123456789_x"),
    "session": lambda store, member, request: store.session("x"),
    "offers": lambda store, member, request: store.link_offers(member),
    "settings": lambda store, member, request: store.settings("discord:7"),
    "audit of a member": lambda store, member, request: store.audit(subject=member),
    "link": lambda store, member, request: link(store, member),
    "forget": lambda store, member, request: store.forget("discord", "1001"),
}


async def run(store: Store, member: str) -> None:
    await store.running((await store.accept(ask(member))).request.jobs[0].job_id)


async def link(store: Store, member: str) -> None:
    other = (await store.member("telegram", "7")).key
    offer = await store.redeem(other, await store.link_code(member))
    await store.confirm(member, offer.offer_id)
    await store.confirm(other, offer.offer_id)


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
    member = (await traced.member("discord", "1001")).key
    await deliver(traced, member)
    request = (await traced.accept(ask(member, 4))).request
    await draw(traced, request)
    await traced.acknowledge([request.jobs[3].job_id])
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
