"""One person on two platforms: what was used adds up, and no linking or unlinking gives any of it back."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from storage.errors import LinkProblem, LinkRefused, QuotaExceeded, UnknownMember
from storage.links import new_code
from storage.records.members import Identity
from tests.storage.house import HandClock, ask, deliver, draw

if TYPE_CHECKING:
    from storage.store import Store


@pytest.fixture
async def other(store: Store) -> str:
    return (await store.members.of("telegram", "2002")).key


async def link(store: Store, issuer: str, redeemer: str) -> None:
    offer = await store.links.redeem(redeemer, await store.links.code(issuer))
    assert not (await store.links.confirm(issuer, offer.offer_id)).linked
    assert (await store.links.confirm(redeemer, offer.offer_id)).linked


async def refusal(store: Store, member: str, code: str) -> LinkProblem:
    with pytest.raises(LinkRefused) as refused:
        await store.links.redeem(member, code)
    return refused.value.why


async def test_linking_adds_up_what_was_used(store: Store, member: str, other: str) -> None:
    await deliver(store, member, 30)
    await deliver(store, other, 40)
    await store.requests.accept(ask(member, 5))
    await store.requests.accept(ask(other, 6))
    await store.members.grant(member, 1, by="admin")
    await store.members.grant(other, 2, by="admin")
    await link(store, member, other)
    assert (
        (await store.members.of("telegram", "2002")).key
        == (await store.members.of("discord", "1001")).key
        == member
    )
    quota = await store.members.quota(member)
    assert (quota.used, quota.reserved, quota.topup, quota.left) == (70, 11, 3, 22)
    assert await store.members.identities(member) == (
        Identity("discord", "1001"),
        Identity("telegram", "2002"),
    )
    assert len(await store.ledger.rows(member=member)) == 70
    assert (await store.members.get(other)).key == member
    with pytest.raises(QuotaExceeded):
        await store.requests.accept(ask(other, 23))
    assert (await store.requests.accept(ask(other, 22))).request.member == member


async def test_jobs_on_their_way_are_settled_with_the_common_member(
    store: Store, member: str, other: str
) -> None:
    request = (await store.requests.accept(ask(other, 2))).request
    await draw(store, request)
    await link(store, member, other)
    await store.jobs.acknowledge([request.jobs[0].job_id])
    await store.jobs.failed(request.jobs[1].job_id, "no GPU")
    quota = await store.members.quota(member)
    assert (quota.used, quota.reserved) == (1, 0)
    assert [one.request_id for one in await store.requests.history(member, 5)] == [request.request_id]


async def test_more_together_than_the_allowance_is_nothing_left(
    store: Store, member: str, other: str
) -> None:
    await deliver(store, member, 80)
    await deliver(store, other, 80)
    await link(store, member, other)
    quota = await store.members.quota(member)
    assert (quota.used, quota.left) == (160, 0)


async def test_unlinking_restores_nothing(store: Store, member: str, other: str) -> None:
    await deliver(store, member, 60)
    await deliver(store, other, 30)
    await store.requests.accept(ask(member, 4))
    await link(store, member, other)
    split = await store.links.unlink("telegram", "2002")
    assert split.key not in (member, other)
    assert (await store.members.quota(split.key)).left == 6
    assert (await store.members.quota(member)).left == 6


async def test_linking_again_does_not_count_twice(store: Store, member: str, other: str) -> None:
    await deliver(store, member, 60)
    await link(store, member, other)
    split = (await store.links.unlink("telegram", "2002")).key
    await deliver(store, split, 5)
    await deliver(store, member, 10)
    await link(store, split, member)
    assert (await store.members.quota(split)).used == 75
    with pytest.raises(QuotaExceeded):
        await store.requests.accept(ask(split, 26))


async def test_any_number_of_links_and_unlinks_gives_no_image_more(
    store: Store, member: str, other: str
) -> None:
    drawn = 0
    for _ in range(4):
        for platform, user in (("discord", "1001"), ("telegram", "2002")):
            key = (await store.members.of(platform, user)).key
            try:
                await deliver(store, key, 40)
            except QuotaExceeded:
                continue
            drawn += 40
        keys = [(await store.members.of(*who)).key for who in (("discord", "1001"), ("telegram", "2002"))]
        if keys[0] != keys[1]:
            await link(store, *keys)
        await store.links.unlink("telegram", "2002")
    assert drawn <= 160


async def test_the_higher_tier_stays(store: Store, member: str, other: str) -> None:
    await store.members.set_tier(other, "member", by="admin")
    await link(store, member, other)
    assert (await store.members.of("discord", "1001")).tier == "member"
    await store.links.unlink("telegram", "2002")
    assert (await store.members.of("discord", "1001")).tier == "member"
    assert (await store.members.of("telegram", "2002")).tier == "free"


async def test_both_sides_must_confirm(store: Store, member: str, other: str) -> None:
    offer = await store.links.redeem(other, await store.links.code(member))
    assert offer.issuer_identities == (Identity("discord", "1001"),)
    assert offer.redeemer_identities == (Identity("telegram", "2002"),)
    assert [one.offer_id for one in await store.links.offers(member)] == [offer.offer_id]
    for _ in range(2):
        assert not (await store.links.confirm(other, offer.offer_id)).linked
    assert (await store.members.of("telegram", "2002")).key == other
    stranger = (await store.members.of("discord", "666")).key
    with pytest.raises(LinkRefused) as refused:
        await store.links.confirm(stranger, offer.offer_id)
    assert refused.value.why is LinkProblem.NOT_YOURS
    assert (await store.links.confirm(member, offer.offer_id)).linked


async def test_either_side_may_decline(store: Store, member: str, other: str) -> None:
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.decline(member, offer.offer_id)
    with pytest.raises(LinkRefused):
        await store.links.confirm(other, offer.offer_id)


async def test_a_code_is_good_for_ten_minutes(
    store: Store, member: str, other: str, clock: HandClock
) -> None:
    code = await store.links.code(member)
    clock.advance(seconds=600)
    assert await refusal(store, other, code) is LinkProblem.UNKNOWN


async def test_an_offer_is_good_for_ten_minutes(
    store: Store, member: str, other: str, clock: HandClock
) -> None:
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(member, offer.offer_id)
    clock.advance(seconds=600)
    with pytest.raises(LinkRefused):
        await store.links.confirm(other, offer.offer_id)
    assert await store.links.offers(other) == []


async def test_a_code_is_good_once_and_only_the_last_one(store: Store, member: str, other: str) -> None:
    old = await store.links.code(member)
    new = await store.links.code(member)
    assert await refusal(store, other, old) is LinkProblem.UNKNOWN
    await store.links.redeem(other, new.lower().replace("-", " "))
    assert await refusal(store, other, new) is LinkProblem.UNKNOWN


async def test_typed_in_twice_at_once_it_is_good_once(store: Store, member: str) -> None:
    others = [(await store.members.of("telegram", str(number))).key for number in range(5)]
    code = await store.links.code(member)
    answers = await asyncio.gather(*(store.links.redeem(one, code) for one in others), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


@pytest.mark.parametrize("seconds", [600, -3600])
async def test_five_tries(store: Store, member: str, other: str, clock: HandClock, seconds: int) -> None:
    code = await store.links.code(member)
    for _ in range(5):
        assert await refusal(store, other, "WRONG") is LinkProblem.UNKNOWN
    assert await refusal(store, other, code) is LinkProblem.TOO_MANY_TRIES
    clock.advance(seconds=seconds)
    await store.links.redeem(other, await store.links.code(member))


async def test_ones_own_code_and_the_banned(store: Store, member: str, other: str) -> None:
    code = await store.links.code(member)
    assert await refusal(store, member, code) is LinkProblem.OWN_CODE
    await store.members.ban(other, by="admin")
    assert await refusal(store, other, code) is LinkProblem.BANNED


async def test_a_ban_between_offer_and_confirmation_holds(store: Store, member: str, other: str) -> None:
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(other, offer.offer_id)
    await store.members.ban(other, by="admin")
    with pytest.raises(LinkRefused):
        await store.links.confirm(member, offer.offer_id)


async def test_unlinking_a_banned_one_frees_neither(store: Store, member: str, other: str) -> None:
    await link(store, member, other)
    await store.members.ban(member, by="admin", why="spam")
    split = await store.links.unlink("telegram", "2002")
    assert (split.banned, split.ban_reason) == (True, "spam")
    assert (await store.members.of("discord", "1001")).banned


async def test_the_only_identity_cannot_be_unlinked(store: Store, member: str) -> None:
    with pytest.raises(LinkRefused):
        await store.links.unlink("discord", "1001")
    with pytest.raises(UnknownMember):
        await store.links.unlink("discord", "unheard of")


async def test_the_database_does_not_hold_the_code(store: Store, member: str) -> None:
    code = await store.links.code(member)
    rows = await store.core.read(lambda db: [tuple(row) for row in db.execute("SELECT * FROM link_code")])
    assert code.replace("-", "") not in str(rows)


def test_codes_have_65_bits() -> None:
    codes = {new_code() for _ in range(1000)}
    letters = set("".join(codes)) - {"-"}
    length = len(new_code().replace("-", ""))
    assert len(codes) == 1000
    assert length * math.log2(len(letters)) >= 60
