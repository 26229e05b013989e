"""Reservations: nobody gets past their allowance, and what is not used goes back where it came from."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from storage.errors import (
    AccountTooYoung,
    CapScope,
    DailyCapReached,
    MemberBanned,
    QuotaExceeded,
    SourceReused,
    SpendingCapReached,
    UnknownMember,
)
from storage.records.requests import CancelledBy, Source
from tests.storage.house import CAPPED, HandClock, ask, deliver, draw, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store


async def test_500_at_once_against_100_left_are_100(store: Store, member: str) -> None:
    answers = await asyncio.gather(
        *(store.requests.accept(ask(member)) for _ in range(500)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(refused) == 400
    assert all(isinstance(answer, QuotaExceeded) and answer.left == 0 for answer in refused)
    quota = await store.members.quota(member)
    assert (quota.used, quota.reserved, quota.left) == (0, 100, 0)


async def test_two_stores_on_one_file_share_the_allowance(
    store: Store, member: str, tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock, serving=False) as other:
        asked = [side.requests.accept(ask(member)) for side in (store, other) for _ in range(80)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == 60


async def test_a_picture_may_count_as_several_images_and_come_from_both_allowance_and_top_up(
    store: Store, member: str
) -> None:
    await store.members.grant(member, 2, by="owner")
    await store.requests.accept(ask(member, 33, counts_as=3))
    across = (await store.requests.accept(ask(member, counts_as=3))).request
    quota = await store.members.quota(member)
    assert (quota.reserved, quota.topup, quota.left) == (100, 0, 0)
    with pytest.raises(QuotaExceeded):
        await store.requests.accept(ask(member))
    await store.jobs.failed(across.jobs[0].job_id, "no GPU")
    quota = await store.members.quota(member)
    assert (quota.reserved, quota.topup, quota.left) == (99, 2, 3)
    (row,) = await store.ledger.rows()
    assert (row.counts_as, row.from_topup, row.charged) == (3, 2, False)


async def test_a_request_for_several_is_reserved_whole_or_not_at_all(store: Store, member: str) -> None:
    await store.requests.accept(ask(member, 99))
    with pytest.raises(QuotaExceeded) as refusal:
        await store.requests.accept(ask(member, 2))
    assert (refusal.value.wanted, refusal.value.left) == (2, 1)
    assert refusal.value.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert (await store.members.quota(member)).reserved == 99


async def test_settled_in_part(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member, 4))).request
    first, second, third, fourth = (job.job_id for job in request.jobs)
    await draw(store, request)
    await store.jobs.acknowledge([first, second], "message")
    await store.jobs.undeliverable([third], "the channel is gone", members_doing=False)
    await store.jobs.cancelled(fourth, by=CancelledBy.MEMBER)
    quota = await store.members.quota(member)
    assert (quota.used, quota.reserved, quota.left) == (2, 0, 98)


async def test_the_same_source_again_changes_nothing(store: Store, member: str) -> None:
    request = ask(member, 2)
    first = await store.requests.accept(request)
    again = await store.requests.accept(ask(member, 3, source=request.source))
    assert again.replayed
    assert not first.replayed
    assert again.request == first.request
    assert (await store.members.quota(member)).reserved == 2


async def test_redelivered_after_the_end_it_is_answered_at_the_new_address(store: Store, member: str) -> None:
    request = ask(member)
    await store.requests.accept(request)
    again = await store.requests.accept(ask(member, source=request.source, address='{"channel": 2}'))
    assert again.request.address == request.address
    await store.jobs.failed(request.jobs[0].job_id, "no GPU")
    again = await store.requests.accept(ask(member, source=request.source, address='{"channel": 2}'))
    assert (again.replayed, again.request.address) == (True, '{"channel": 2}')


async def test_redelivered_at_once_is_reserved_once(store: Store, member: str) -> None:
    source = ask(member).source
    answers = await asyncio.gather(*(store.requests.accept(ask(member, source=source)) for _ in range(20)))
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.request.request_id for answer in answers}) == 1
    assert (await store.members.quota(member)).reserved == 1


async def test_a_replay_is_answered_even_after_the_quota_is_gone_or_the_member_banned(
    store: Store, member: str
) -> None:
    request = ask(member, 100)
    await store.requests.accept(request)
    await store.members.ban(member, by="admin")
    assert (await store.requests.accept(request)).replayed


async def test_a_callers_own_key_is_good_for_one_request_only(store: Store, member: str) -> None:
    source = Source("api", "mine", "what was asked")
    first = await store.requests.accept(ask(member, source=source))
    assert (await store.requests.accept(ask(member, source=source))).request == first.request
    with pytest.raises(SourceReused):
        await store.requests.accept(ask(member, source=replace(source, digest="something else")))
    await store.jobs.failed(first.request.jobs[0].job_id, "no GPU")
    with pytest.raises(SourceReused):
        await store.requests.accept(ask(member, source=replace(source, digest="something else")))
    assert (await store.members.quota(member)).reserved == 0


async def test_top_ups_are_used_after_the_month_and_last_beyond_it(
    store: Store, member: str, clock: HandClock
) -> None:
    await store.members.grant(member, 5, by="admin", why="a prize")
    await deliver(store, member, 100)
    assert (await store.members.quota(member)).left == 5
    await deliver(store, member, 2)
    clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    quota = await store.members.quota(member)
    assert (quota.used, quota.topup, quota.left) == (0, 3, 103)


async def test_a_refund_returns_to_its_source(store: Store, member: str) -> None:
    await store.members.grant(member, 5, by="admin")
    request = (await store.requests.accept(ask(member, 102))).request
    quota = await store.members.quota(member)
    assert (quota.reserved, quota.topup, quota.left) == (100, 3, 3)
    await store.jobs.failed(request.jobs[0].job_id, "out of memory")
    await store.jobs.failed(request.jobs[101].job_id, "out of memory")
    quota = await store.members.quota(member)
    assert (quota.reserved, quota.topup, quota.left) == (99, 4, 5)


async def test_a_job_belongs_to_the_month_of_its_reservation(
    store: Store, member: str, clock: HandClock
) -> None:
    clock.set(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    charged = (await store.requests.accept(ask(member, 60))).request
    refunded = (await store.requests.accept(ask(member, 40))).request
    clock.set(datetime(2026, 12, 1, 0, 1, tzinfo=UTC))
    assert (await store.members.quota(member)).left == 100
    await draw(store, charged)
    await store.jobs.acknowledge(charged.request_id)
    for job in refunded.jobs:
        await store.jobs.failed(job.job_id, "no GPU")
    assert (await store.members.quota(member)).left == 100
    assert {row.month for row in await store.ledger.rows()} == {202611}
    clock.set(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert (await store.members.quota(member)).left == 40


async def test_november_a_year_later_is_another_month(store: Store, member: str, clock: HandClock) -> None:
    await store.requests.accept(ask(member, 100))
    clock.set(datetime(2027, 11, 23, tzinfo=UTC))
    assert (await store.members.quota(member)).left == 100


async def test_a_lower_tier_in_the_middle_of_the_month_leaves_nothing_but_owes_nothing(
    store: Store, member: str
) -> None:
    await store.members.set_tier(member, "member", by="admin")
    await deliver(store, member, 150)
    await store.members.set_tier(member, "free", by="admin")
    quota = await store.members.quota(member)
    assert (quota.tier, quota.used, quota.left) == ("free", 150, 0)
    await store.members.grant(member, 1, by="admin")
    await deliver(store, member)
    with pytest.raises(QuotaExceeded):
        await store.requests.accept(ask(member))


async def test_a_tier_ends_when_it_expires(store: Store, member: str, clock: HandClock) -> None:
    await store.members.set_tier(member, "member", datetime(2026, 11, 24, tzinfo=UTC), by="admin")
    assert (await store.members.quota(member)).allowance == 500
    assert (await store.members.get(member)).tier_until == datetime(2026, 11, 24, tzinfo=UTC)
    clock.set(datetime(2026, 11, 24, tzinfo=UTC))
    assert (await store.members.quota(member)).allowance == 100
    assert (await store.members.get(member)).tier == "free"


async def test_no_allowance_is_no_cap(store: Store, member: str) -> None:
    await store.members.set_tier(member, "enterprise", by="admin")
    await store.requests.accept(ask(member, 1000))
    quota = await store.members.quota(member)
    assert (quota.allowance, quota.left, quota.reserved) == (None, None, 1000)


async def test_a_role_lifts_the_tier_of_one_request(store: Store, member: str) -> None:
    accepted = await store.requests.accept(ask(member, 200, tier="member"))
    assert accepted.request.tier == "member"
    assert (await store.members.quota(member)).left == 0
    assert (await store.members.quota(member, tier="member")).left == 300


async def test_a_role_below_the_own_tier_changes_nothing(store: Store, member: str) -> None:
    await store.members.set_tier(member, "member", by="admin")
    assert (await store.requests.accept(ask(member, tier="free"))).request.tier == "member"
    assert (await store.requests.accept(ask(member, tier="unheard of"))).request.tier == "member"


async def test_the_banned_are_refused_with_the_reason(store: Store, member: str) -> None:
    await store.members.ban(member, by="admin", why="spam")
    with pytest.raises(MemberBanned, match="spam"):
        await store.requests.accept(ask(member))
    await store.members.unban(member, by="admin")
    await store.requests.accept(ask(member))


async def test_nobody_is_refused(store: Store) -> None:
    with pytest.raises(UnknownMember):
        await store.requests.accept(ask("nobody"))
    with pytest.raises(UnknownMember):
        await store.members.quota("nobody")


async def test_a_minimum_account_age_where_the_platform_tells_it(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers=CAPPED) as store:
        member = (await store.members.of("discord", "1")).key
        with pytest.raises(AccountTooYoung):
            await store.requests.accept(ask(member, account_age_s=86_399))
        await store.requests.accept(ask(member, account_age_s=86_400))
        await store.requests.accept(ask(member, account_age_s=None))
        assert await store.check() == []


async def test_daily_caps_in_a_server_and_in_all(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers=CAPPED) as store:
        members = [(await store.members.of("discord", str(number))).key for number in range(9)]
        here = [
            (await store.requests.accept(ask(one, platform_server="here"))).request for one in members[:5]
        ]
        with pytest.raises(DailyCapReached) as refusal:
            await store.requests.accept(ask(members[5], platform_server="here"))
        assert (refusal.value.scope, refusal.value.left) == (CapScope.SERVER, 0)
        assert refusal.value.resets_at == datetime(2026, 11, 24, tzinfo=UTC)
        await store.requests.accept(ask(members[5], 3, platform_server="elsewhere"))
        with pytest.raises(DailyCapReached) as refusal:
            await store.requests.accept(ask(members[6]))
        assert refusal.value.scope is CapScope.TOTAL
        await store.jobs.failed(here[0].jobs[0].job_id, "no GPU")
        await store.requests.accept(ask(members[6], platform_server="here"))
        await store.members.set_tier(members[7], "member", by="admin")
        await store.requests.accept(ask(members[7], platform_server="here"))
        clock.set(datetime(2026, 11, 24, tzinfo=UTC))
        await store.requests.accept(ask(members[6], 5, platform_server="here"))
        assert await store.check() == []


async def test_daily_caps_hold_at_once(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers=CAPPED) as store:
        members = [(await store.members.of("discord", str(number))).key for number in range(30)]
        asked = [store.requests.accept(ask(one, platform_server="here")) for one in members]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(not isinstance(answer, BaseException) for answer in answers) == 5
        assert await store.check() == []


async def test_a_monthly_spending_cap_of_a_key(store: Store, clock: HandClock) -> None:
    _, key = await store.keys.create(
        "shop", scopes=frozenset({"images"}), tier="enterprise", by="owner", spend_cap_micro=100_000
    )
    await deliver(store, key.member, 3)
    held = (await store.requests.accept(ask(key.member))).request
    with pytest.raises(SpendingCapReached) as refusal:
        await store.requests.accept(ask(key.member, 2))
    assert (refusal.value.wanted_micro, refusal.value.left_micro) == (40_000, 20_000)
    await store.jobs.failed(held.jobs[0].job_id, "no GPU")
    await store.requests.accept(ask(key.member, 2))
    clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    await store.requests.accept(ask(key.member, 5))


async def test_a_spending_cap_holds_at_once_and_between_two_processes(
    tmp_path: Path, clock: HandClock
) -> None:
    async with (
        await open_store(tmp_path, clock) as one,
        await open_store(tmp_path, clock, serving=False) as other,
    ):
        _, key = await one.keys.create(
            "shop", scopes=frozenset(), tier="enterprise", by="owner", spend_cap_micro=200_000
        )
        asked = [store.requests.accept(ask(key.member)) for _ in range(20) for store in (one, other)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, SpendingCapReached) for answer in answers) == 30
        assert await one.check() == []


async def test_reservations_nobody_uses_expire(store: Store, member: str, clock: HandClock) -> None:
    forgotten = (await store.requests.accept(ask(member, 2))).request
    parked = (await store.requests.accept(ask(member))).request
    await draw(store, parked)
    await store.jobs.park(parked.request_id)
    clock.advance(hours=2)
    fresh = (await store.requests.accept(ask(member))).request
    expired = await store.jobs.expire(unfinished_s=3600, undelivered_s=86_400)
    assert [job.job_id for job in expired] == [job.job_id for job in forgotten.jobs]
    clock.advance(days=1)
    expired = await store.jobs.expire(unfinished_s=7 * 86_400, undelivered_s=86_400)
    assert [job.request_id for job in expired] == [parked.request_id]
    assert (await store.members.quota(member)).reserved == len(fresh.jobs)


async def test_at_most_8_statements_a_pair(store: Store, member: str) -> None:
    """Counted by SQLite's own trace, without what frames them: BEGIN, COMMIT and the savepoints.

    A statement whose triggers ran is traced once more for each of their steps, right after itself.
    """
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request)
    statements: list[str] = []
    await store.core.writer.outside(lambda db: db.set_trace_callback(statements.append))
    await store.requests.accept(ask(member))
    await store.jobs.acknowledge([request.jobs[0].job_id])
    await store.core.writer.outside(lambda db: db.set_trace_callback(None))
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    work = [text for text, _ in itertools.groupby(statements) if not text.strip().startswith(frame)]
    assert len(work) <= 8, work
