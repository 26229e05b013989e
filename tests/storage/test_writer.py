"""One writer for everybody: commits in groups, answers after the commit, keeps what must not be lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from storage.errors import Reason, StoreUnavailable
from tests.patience import PATIENCE_S
from tests.storage.house import HandClock, ask, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.store import Store


class Steps:
    """Notes each step, and can hold the writer at one."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.arrived = threading.Event()

    def __call__(self, step: str) -> None:
        self.reached.append(step)
        if step in self.gates:
            self.arrived.set()
            self.gates[step].wait(PATIENCE_S)


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
async def watched(tmp_path: Path, clock: HandClock, steps: Steps) -> AsyncIterator[Store]:
    async with await open_store(tmp_path, clock, on_step=steps) as store:
        yield store
        assert await store.check() == []


async def test_concurrent_writes_are_committed_in_groups(watched: Store, steps: Steps) -> None:
    members = [(await watched.members.of("discord", str(number))).key for number in range(64)]
    before = steps.reached.count("after-commit")
    await asyncio.gather(*(watched.requests.accept(ask(member)) for member in members))
    assert steps.reached.count("after-commit") - before <= 2


async def test_nobody_is_answered_before_the_commit(watched: Store, steps: Steps) -> None:
    member = (await watched.members.of("discord", "1")).key
    gate = steps.gates["before-commit"] = threading.Event()
    accepting = asyncio.create_task(watched.requests.accept(ask(member)))
    await asyncio.to_thread(steps.arrived.wait, PATIENCE_S)
    assert not accepting.done()
    assert (await watched.members.quota(member)).reserved == 0
    gate.set()
    await accepting
    assert (await watched.members.quota(member)).reserved == 1


async def test_look_ups_do_not_wait_for_the_writer(watched: Store, steps: Steps) -> None:
    member = (await watched.members.of("discord", "1")).key
    gate = steps.gates["before-commit"] = threading.Event()
    accepting = asyncio.create_task(watched.requests.accept(ask(member)))
    await asyncio.to_thread(steps.arrived.wait, PATIENCE_S)
    assert (await watched.members.quota(member)).left == 100
    gate.set()
    await accepting


async def test_who_gave_up_while_waiting_is_not_written(watched: Store, steps: Steps) -> None:
    member = (await watched.members.of("discord", "1")).key
    gate = steps.gates["before-commit"] = threading.Event()
    first = asyncio.create_task(watched.requests.accept(ask(member)))
    await asyncio.to_thread(steps.arrived.wait, PATIENCE_S)
    second = asyncio.create_task(watched.requests.accept(ask(member)))
    third = asyncio.create_task(watched.requests.accept(ask(member)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    del steps.gates["before-commit"]
    gate.set()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert (await watched.members.quota(member)).reserved == 2


async def test_who_gave_up_too_late_finds_it_by_its_source(watched: Store, steps: Steps) -> None:
    member = (await watched.members.of("discord", "1")).key
    request = ask(member)
    gate = steps.gates["before-commit"] = threading.Event()
    accepting = asyncio.create_task(watched.requests.accept(request))
    await asyncio.to_thread(steps.arrived.wait, PATIENCE_S)
    accepting.cancel()
    gate.set()
    await asyncio.gather(accepting, return_exceptions=True)
    assert (await watched.requests.accept(request)).replayed
    assert (await watched.members.quota(member)).reserved == 1


async def test_a_mistake_in_one_operation_is_its_callers_alone(watched: Store) -> None:
    member = (await watched.members.of("discord", "1")).key

    def half(db: sqlite3.Connection) -> None:
        db.execute("UPDATE account SET used = 50")
        db.execute("NOT SQL")

    answers = await asyncio.gather(
        watched.requests.accept(ask(member)),
        watched.core.writer.write(half),
        watched.requests.accept(ask(member)),
        return_exceptions=True,
    )
    assert isinstance(answers[1], sqlite3.OperationalError)
    quota = await watched.members.quota(member)
    assert (quota.used, quota.reserved) == (0, 2)


async def test_closing_writes_what_waits(tmp_path: Path, clock: HandClock) -> None:
    store = await open_store(tmp_path, clock)
    member = (await store.members.of("discord", "1")).key
    accepting = [asyncio.create_task(store.requests.accept(ask(member))) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*accepting)
    async with await open_store(tmp_path, clock) as store:
        assert (await store.members.quota(member)).reserved == 20


async def test_after_closing_it_says_so(tmp_path: Path, clock: HandClock) -> None:
    store = await open_store(tmp_path, clock)
    await store.close()
    for verb in (
        store.members.of("discord", "1"),
        store.members.grant("x", 1, by=""),
        store.jobs.failed("x", ""),
    ):
        with pytest.raises(StoreUnavailable) as trouble:
            await verb
        assert trouble.value.reason is Reason.CLOSED


async def test_durable_and_strict_settings(tmp_path: Path, clock: HandClock) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "secure_delete": 1,
    }
    async with await open_store(tmp_path, clock, durable=True) as store:
        found = await store.core.writer.outside(
            lambda db: {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
        )
    assert found == wanted


async def test_work_that_was_done_outlasts_any_error_of_a_transaction(
    tmp_path: Path, clock: HandClock
) -> None:
    """Also one that is in no table of troubles: its cause is not the operation's."""
    failing = False

    def refuse(step: str) -> None:
        nonlocal failing
        if failing and step == "before-commit":
            failing = False
            raise sqlite3.OperationalError("interrupted")

    async with await open_store(tmp_path, clock, on_step=refuse, retry_s=0.01) as store:
        member = (await store.members.of("discord", "1")).key
        request = (await store.requests.accept(ask(member))).request
        failing = True
        await store.jobs.failed(request.jobs[0].job_id, "no GPU")
        assert (await store.members.quota(member)).reserved == 0
        failing = True
        with pytest.raises(StoreUnavailable):
            await store.members.grant(member, 1, by="owner")
