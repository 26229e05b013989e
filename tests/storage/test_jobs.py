"""The life of a job, as often as it is told and wherever it is interrupted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from storage.errors import UnknownJob, UnknownRequest, WrongState
from storage.records.figures import Outcome
from storage.records.requests import CancelledBy, JobState, Source
from tests.storage.house import USAGE, HandClock, ask, deliver, draw, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.records.requests import DrawUsage
    from storage.store import Store


async def test_a_job_from_queued_to_delivered(store: Store, member: str, clock: HandClock) -> None:
    request = (await store.requests.accept(ask(member))).request
    job_id = request.jobs[0].job_id
    assert request.jobs[0].state is JobState.QUEUED
    clock.advance(seconds=3)
    await store.jobs.running(job_id)
    clock.advance(seconds=10)
    job = await store.jobs.get(job_id)
    assert (job.state, job.waited_us) == (JobState.RUNNING, 3_000_000)
    ref = await store.pictures.put(b"a cat", ".png")
    await store.jobs.drawn(job_id, ref, USAGE)
    job = await store.jobs.get(job_id)
    assert (job.state, job.image, job.usage) == (JobState.DRAWN, ref, USAGE)
    assert (await store.requests.get(request.request_id)).address == request.address
    await store.jobs.acknowledge(request.request_id, "message 5")
    assert (await store.requests.get(request.request_id)).address == "{}"
    job = await store.jobs.get(job_id)
    assert (job.state, job.image) == (JobState.DELIVERED, ref)
    assert job.usage is not None
    assert job.usage.draw_us == USAGE.draw_us
    assert job.usage.gpu_us == USAGE.gpu_us


async def test_a_restart_queues_in_the_old_order_with_the_old_waiting_time(
    tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        first = (await store.requests.accept(ask(member, 2))).request
        clock.advance(seconds=5)
        second = (await store.requests.accept(ask(member))).request
        await deliver(store, member)
        await store.jobs.running(first.jobs[0].job_id)
        await store.jobs.cancelled(first.jobs[1].job_id, by=CancelledBy.MEMBER)
    clock.advance(seconds=60)
    async with await open_store(tmp_path, clock) as store:
        unfinished = await store.requests.unfinished()
        assert [[job.job_id for job in request.jobs] for request in unfinished] == [
            [first.jobs[0].job_id],
            [second.jobs[0].job_id],
        ]
        assert unfinished[1].jobs[0].waited_us == 60_000_000
        assert unfinished[0].payload == first.payload
        assert unfinished[0].created_at == first.created_at


async def test_a_job_that_runs_again_keeps_the_start_of_its_wait(
    store: Store, member: str, clock: HandClock
) -> None:
    request = (await store.requests.accept(ask(member))).request
    job_id = request.jobs[0].job_id
    clock.advance(seconds=2)
    await store.jobs.running(job_id)
    clock.advance(seconds=50)
    await store.jobs.running(job_id)
    assert (await store.jobs.get(job_id)).waited_us == 2_000_000


async def test_what_was_drawn_is_delivered_after_a_restart(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        request = (await store.requests.accept(ask(member))).request
        elsewhere = (await store.requests.accept(ask(member, source=Source("telegram", "1")))).request
        parked = (await store.requests.accept(ask(member))).request
        for one in (request, elsewhere, parked):
            await draw(store, one)
        await store.jobs.park(parked.request_id)
        await store.requests.set_address(request.request_id, '{"message": 9}')
    async with await open_store(tmp_path, clock) as store:
        [found] = await store.requests.undelivered("discord")
        assert (found.request_id, found.address) == (request.request_id, '{"message": 9}')
        assert found.jobs[0].image is not None
        assert await store.pictures.get(found.jobs[0].image) == b"a picture"
        assert [one.request_id for one in await store.requests.undelivered("telegram")] == [
            elsewhere.request_id
        ]
        assert await store.requests.unfinished() == []
        assert await store.check() == []


async def test_acknowledged_twice_is_charged_once(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member, 2))).request
    await draw(store, request)
    for _ in range(3):
        await store.jobs.acknowledge(request.request_id, "message")
        await store.jobs.acknowledge([job.job_id for job in request.jobs], "message")
    assert (await store.members.quota(member)).used == 2
    assert len(await store.ledger.rows()) == 2


async def test_whatever_comes_after_the_end_changes_nothing(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member, 2))).request
    first, second = (job.job_id for job in request.jobs)
    await draw(store, request)
    await store.jobs.acknowledge([first])
    await store.jobs.failed(first, "too late")
    await store.jobs.cancelled(first, by=CancelledBy.MEMBER)
    await store.jobs.undeliverable([first], "too late", members_doing=False)
    await store.jobs.park([first])
    await store.jobs.failed(second, "no GPU")
    await store.jobs.acknowledge([second], "too late")
    assert (await store.members.quota(member)).used == 1
    assert [(row.outcome, row.charged) for row in await store.ledger.rows()] == [
        (Outcome.DELIVERED, True),
        (Outcome.FAILED, False),
    ]


async def test_acknowledging_a_request_closes_what_is_drawn_of_it(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member, 2))).request
    ref = await store.pictures.put(b"one", ".png")
    await store.jobs.drawn(request.jobs[0].job_id, ref, USAGE)
    await store.jobs.acknowledge(request.request_id)
    states = [job.state for job in (await store.requests.get(request.request_id)).jobs]
    assert states == [JobState.DELIVERED, JobState.QUEUED]


async def test_only_what_is_drawn_can_be_acknowledged(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member, 2))).request
    await store.jobs.drawn(request.jobs[0].job_id, await store.pictures.put(b"one", ".png"), USAGE)
    with pytest.raises(WrongState):
        await store.jobs.acknowledge([job.job_id for job in request.jobs])
    assert (await store.jobs.get(request.jobs[0].job_id)).state is JobState.DRAWN


@pytest.mark.parametrize(("members_doing", "used"), [(True, 1), (False, 0)])
async def test_undeliverable_is_charged_for_the_members_own_doing_only(
    store: Store, member: str, members_doing: bool, used: int
) -> None:
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request)
    await store.jobs.undeliverable(request.request_id, "blocked", members_doing=members_doing)
    quota = await store.members.quota(member)
    assert (quota.used, quota.reserved) == (used, 0)
    [row] = await store.ledger.rows()
    assert (row.outcome, row.charged) == (Outcome.UNDELIVERABLE, members_doing)
    assert row.gpu_us == USAGE.gpu_us


async def test_a_parked_picture_is_uncharged_until_fetched(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request)
    await store.jobs.park(request.request_id)
    quota = await store.members.quota(member)
    assert (quota.used, quota.reserved) == (0, 1)
    assert (await store.requests.history(member, 1))[0].jobs[0].parked
    await store.jobs.acknowledge(request.request_id)
    assert (await store.members.quota(member)).used == 1


async def test_drawn_again_the_first_drawing_counts(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request, b"first")
    await draw_again(store, request.jobs[0].job_id)
    image = (await store.jobs.get(request.jobs[0].job_id)).image
    assert image is not None
    assert await store.pictures.get(image) == b"first"


async def draw_again(store: Store, job_id: str) -> None:
    await store.jobs.drawn(job_id, await store.pictures.put(b"second", ".png"), USAGE)


async def test_steps_that_are_not_possible(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member))).request
    job_id = request.jobs[0].job_id
    await store.jobs.cancelled(job_id, by=CancelledBy.MEMBER)
    for step in (store.jobs.running(job_id), store.jobs.drawn(job_id, "0" * 32 + ".png", USAGE)):
        with pytest.raises(WrongState):
            await step
    for unknown in (
        store.jobs.get("x"),
        store.jobs.running("x"),
        store.jobs.failed("x", ""),
        store.jobs.acknowledge(["x"]),
    ):
        with pytest.raises(UnknownJob):
            await unknown
    for missing in (
        store.requests.get("x"),
        store.jobs.acknowledge("x"),
        store.requests.set_address("x", ""),
    ):
        with pytest.raises(UnknownRequest):
            await missing


async def test_a_refused_operation_leaves_the_others_of_its_batch_alone(store: Store, member: str) -> None:
    good, bad = ask(member), ask(member, 101)
    answers = await asyncio.gather(
        store.requests.accept(good),
        store.requests.accept(bad),
        store.requests.accept(ask(member)),
        return_exceptions=True,
    )
    assert [isinstance(answer, BaseException) for answer in answers] == [False, True, False]
    assert (await store.members.quota(member)).reserved == 2


async def test_history_newest_first_in_pages(store: Store, member: str) -> None:
    stranger = (await store.members.of("discord", "2")).key
    mine = []
    for _ in range(5):
        mine.append((await deliver(store, member)).request_id)
        await deliver(store, stranger)
    first = await store.requests.history(member, 3)
    rest = await store.requests.history(member, 3, before=first[-1].request_id)
    assert [one.request_id for one in first + rest] == mine[::-1]


async def test_cancels_after_the_first_step_are_refunded_so_often_a_day(
    store: Store, member: str, clock: HandClock
) -> None:
    """Those before it, and those that others cancelled, do not count."""

    async def charged(usage: DrawUsage | None = USAGE, by: CancelledBy = CancelledBy.MEMBER) -> bool:
        request = (await store.requests.accept(ask(member))).request
        return await store.jobs.cancelled(request.jobs[0].job_id, usage, by=by, refunds_a_day=2)

    assert not await charged(usage=None)
    assert not await charged(by=CancelledBy.MODERATOR)
    assert [await charged() for _ in range(3)] == [False, False, True]
    assert (await store.members.quota(member)).used == 1
    clock.advance(days=1)
    assert not await charged()
