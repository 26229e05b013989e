"""Codes and gifts: each brings what it says once, and nothing is made of nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from storage.errors import GiftRefused, MemberBanned, VoucherProblem, VoucherRefused
from storage.goods import Goods

if TYPE_CHECKING:
    from storage.store import Store
    from tests.storage.house import HandClock

IMAGES = Goods(images=3)


async def refused(store: Store, member: str, code: str) -> VoucherProblem:
    with pytest.raises(VoucherRefused) as error:
        await store.vouchers.redeem(member, code)
    return error.value.why


async def test_a_code_brings_its_goods_once(store: Store, member: str) -> None:
    first, second = await store.vouchers.create("boost", IMAGES, 2, by="admin")
    assert re.fullmatch(r"([A-Z2-7]{4}-){2}[A-Z2-7]{4}", first)
    assert (await store.vouchers.redeem(member, first.lower().replace("-", " "))).topup == 3
    assert await refused(store, member, first) is VoucherProblem.USED
    assert (await store.vouchers.redeem(member, second)).topup == 6


async def test_two_who_redeem_one_code_at_once_get_it_once(store: Store, member: str) -> None:
    other = (await store.members.of("discord", "7")).key
    (code,) = await store.vouchers.create("boost", IMAGES, 1, by="admin")
    results = await asyncio.gather(
        *(store.vouchers.redeem(one, code) for one in (member, other, member)), return_exceptions=True
    )
    assert sum(isinstance(result, VoucherRefused) for result in results) == 2


async def test_a_code_may_be_for_a_tier(store: Store, member: str) -> None:
    (code,) = await store.vouchers.create("month", Goods(tier="member", days=30), 1, by="admin")
    await store.vouchers.redeem(member, code)
    assert (await store.members.get(member)).tier == "member"


async def test_a_code_that_would_bring_nothing_stays_good(store: Store, member: str) -> None:
    (code,) = await store.vouchers.create("month", Goods(tier="member", days=30), 1, by="admin")
    for tier in ("enterprise", "member"):
        await store.members.set_tier(member, tier, by="admin")
        assert await refused(store, member, code) is VoucherProblem.HELD
    other = (await store.members.of("discord", "7")).key
    assert (await store.vouchers.redeem(other, code)).until is not None


@pytest.mark.parametrize("hours_back", [0, 1])
async def test_codes_cannot_be_guessed_at_leisure(
    store: Store, member: str, clock: HandClock, hours_back: int
) -> None:
    (code,) = await store.vouchers.create("boost", IMAGES, 1, by="admin")
    for _ in range(5):
        assert await refused(store, member, "AAAA-BBBB-CCCC") is VoucherProblem.UNKNOWN
    assert await refused(store, member, code) is VoucherProblem.TOO_MANY_TRIES
    clock.advance(hours=-hours_back, minutes=0 if hours_back else 10)
    assert (await store.vouchers.redeem(member, code)).topup == 3


async def test_the_code_is_not_in_the_database(store: Store) -> None:
    (code,) = await store.vouchers.create("boost", IMAGES, 1, by="admin")
    kept = await store.core.report(lambda db: "".join(db.iterdump()))
    assert code not in kept
    assert code.replace("-", "") not in kept


async def test_a_gift_moves_images_once(store: Store, member: str) -> None:
    other = (await store.members.of("discord", "7")).key
    await store.members.grant(member, 5, by="admin")
    assert await store.vouchers.give(member, other, 2, key="event")
    assert not await store.vouchers.give(member, other, 2, key="event")
    assert (await store.members.quota(member)).topup == 3
    assert (await store.members.quota(other)).topup == 2


async def test_nobody_gives_what_they_have_not(store: Store, member: str) -> None:
    other = (await store.members.of("discord", "7")).key
    await store.members.grant(member, 5, by="admin")
    with pytest.raises(GiftRefused) as refused_gift:
        await store.vouchers.give(member, other, 6, key="event")
    assert refused_gift.value.left == 5
    with pytest.raises(GiftRefused):
        await store.vouchers.give(member, member, 1, key="event")
    await store.members.ban(member, by="admin")
    with pytest.raises(MemberBanned):  # to another account of theirs, perhaps
        await store.vouchers.give(member, other, 1, key="event")
    assert (await store.members.quota(member)).topup == 5
