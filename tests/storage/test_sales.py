"""Buying: every payment brings what was ordered once, or is paid back."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.clock import from_us
from storage.errors import NothingToRefund, QuotaExceeded, UnknownOrder
from storage.goods import Goods
from storage.records.sales import Paid, Refused
from tests.storage.house import TIERS, HandClock, ask, deliver, forget, open_store
from tests.storage.test_links import link
from tests.storage.trade import PROVIDER, SHELLS, buy, order, pay, terms

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

IMAGES, MONTH = Goods(images=10), Goods(tier="member", days=30)


async def topup(store: Store, member: str) -> int:
    return (await store.members.quota(member)).topup


async def test_a_payment_brings_what_was_ordered(store: Store, member: str) -> None:
    receipt = await pay(store, await order(store, member, IMAGES), "1")
    assert receipt.brought is not None
    assert (receipt.new, receipt.brought.goods, receipt.brought.topup) == (True, IMAGES, 10)
    assert await topup(store, member) == 10


async def test_the_same_payment_counts_once(store: Store, member: str) -> None:
    placed = await order(store, member, IMAGES)
    receipts = await asyncio.gather(*(pay(store, placed, "1") for _ in range(5)))
    assert sum(receipt.new for receipt in receipts) == 1
    assert await topup(store, member) == 10
    assert await store.refunds.due(PROVIDER) == []


async def test_a_second_payment_of_an_order_is_paid_back(store: Store, member: str) -> None:
    placed = await order(store, member, IMAGES)
    assert (await store.sales.get(placed.order_id)).refused is None
    await pay(store, placed, "1")
    assert (await store.sales.get(placed.order_id)).refused == Refused.PAID
    assert (await pay(store, placed, "2")).refused == Refused.PAID
    assert await topup(store, member) == 10
    (due,) = await store.refunds.due(PROVIDER)
    assert (due.charge, due.user_id, due.amount, due.currency) == ("2", "77", 150, SHELLS)
    await store.refunds.made(due.payment)
    assert await store.refunds.due(PROVIDER) == []


async def test_a_subscription_that_is_begun_twice_is_paid_back_and_ended_the_second_time(
    store: Store, member: str
) -> None:
    placed = await buy(store, member, MONTH, "1", renews=True)
    assert placed.refused == Refused.PAID  # renewals are not asked about before
    again = Paid(PROVIDER, "2", placed.order_id, "77", 150, SHELLS, begins=True)
    assert (await store.sales.pay(again)).refused == Refused.PAID
    (due,) = await store.refunds.due(PROVIDER)
    assert (due.charge, due.first_charge) == ("2", "2")
    assert (await pay(store, placed, "3")).brought is not None


@pytest.mark.parametrize(("amount", "currency"), [(1, SHELLS), (150, "USD")])
async def test_a_payment_of_another_price_is_paid_back(
    store: Store, member: str, amount: int, currency: str
) -> None:
    placed = await order(store, member, IMAGES)
    forged = Paid(PROVIDER, "1", placed.order_id, "77", amount, currency)
    assert (await store.sales.pay(forged)).refused == Refused.PRICE
    assert await topup(store, member) == 0
    assert len(await store.refunds.due(PROVIDER)) == 1


async def test_a_payment_of_nobody_knows_what_is_paid_back(store: Store) -> None:
    receipt = await pay(store, "0123456789abcdef", "1")
    assert (receipt.order, receipt.brought) == (None, None)
    (due,) = await store.refunds.due(PROVIDER)
    assert (due.user_id, due.order) == ("77", None)


async def test_an_order_that_expired_is_honoured_when_it_is_paid(
    store: Store, member: str, clock: HandClock
) -> None:
    placed = await order(store, member, IMAGES)
    clock.advance(days=3)
    assert (await pay(store, placed, "1")).brought is not None


async def test_who_is_banned_gets_the_money_back(store: Store, member: str) -> None:
    placed = await order(store, member, IMAGES)
    await store.members.ban(member, by="admin")
    assert (await pay(store, placed, "1")).refused == Refused.BANNED
    assert len(await store.refunds.due(PROVIDER)) == 1


async def test_who_is_forgotten_gets_the_money_of_a_renewal_back(store: Store, member: str) -> None:
    placed = await buy(store, member, MONTH, "1", renews=True)
    await forget(store, "discord", "1001")
    assert (await pay(store, placed, "2")).refused == Refused.FORGOTTEN
    (due,) = await store.refunds.due(PROVIDER)
    assert (due.charge, due.first_charge, due.user_id) == ("2", "1", "77")
    with pytest.raises(NothingToRefund):
        await store.refunds.order(placed.order_id, by="admin")


async def test_nothing_tells_who_paid_once_they_are_forgotten(
    store: Store, member: str, tmp_path: Path
) -> None:
    await buy(store, member, IMAGES, "1")
    await forget(store, "discord", "1001")
    assert await store.core.report(lambda db: db.execute("SELECT * FROM payer").fetchall()) == []


async def test_a_tier_is_held_for_its_days(store: Store, member: str, clock: HandClock) -> None:
    receipt = await pay(store, await order(store, member, MONTH), "1")
    assert receipt.brought is not None
    known = await store.members.get(member)
    assert (known.tier, known.tier_until) == ("member", receipt.brought.until)
    assert (await store.members.quota(member)).allowance == TIERS["member"].allowance
    clock.advance(days=30)
    assert (await store.members.get(member)).tier == "free"
    assert (await store.members.quota(member)).tier == "free"


async def test_each_payment_of_a_subscription_adds_a_period(
    store: Store, member: str, clock: HandClock
) -> None:
    placed = await buy(store, member, MONTH, "1", renews=True)
    first = (await store.members.get(member)).tier_until
    clock.advance(days=29)
    receipt = await pay(store, placed, "2")
    assert first is not None
    assert receipt.brought is not None
    assert receipt.brought.until == first + timedelta(days=30)
    clock.advance(days=2)
    assert (await store.members.get(member)).tier == "member"


async def test_a_subscription_lives_as_long_as_it_is_paid(
    store: Store, member: str, clock: HandClock
) -> None:
    placed = await buy(store, member, MONTH, "1", renews=True)
    await buy(store, member, MONTH, "once")
    await pay(store, placed, "2")
    (live,) = await store.sales.subscriptions(member)
    assert (live.provider, live.tier, live.charge, live.user_id) == (PROVIDER, "member", "1", "77")
    clock.advance(days=100)
    assert await store.sales.subscriptions(member) == []


async def test_a_higher_tier_of_the_owners_stays(store: Store, member: str) -> None:
    await store.members.set_tier(member, "enterprise", by="admin")
    await buy(store, member, MONTH, "1")
    assert (await store.members.get(member)).tier == "enterprise"


async def test_a_bought_tier_draws_from_its_allowance(store: Store, member: str) -> None:
    await deliver(store, member, 100)
    with pytest.raises(QuotaExceeded):
        await store.requests.accept(ask(member))
    await buy(store, member, MONTH, "1")
    request = await deliver(store, member)
    assert request.tier == "member"


async def test_a_refund_takes_back_what_is_unused(store: Store, member: str) -> None:
    placed = await buy(store, member, IMAGES, "1")
    await deliver(store, member, 103)
    back = await store.refunds.order(placed.order_id, by="admin", why="asked for it")
    assert (back.images_back, back.images_kept, back.amount) == (7, 3, 150)
    assert await topup(store, member) == 0
    with pytest.raises(NothingToRefund):
        await store.refunds.order(placed.order_id, by="admin")
    assert [one.payment for one in await store.refunds.due(PROVIDER)] == [back.payment]


async def until(store: Store, member: str) -> timedelta:
    """How long the member still holds the tier that was bought."""
    found = (await store.members.get(member)).tier_until
    return timedelta() if found is None else found - from_us(store.sales.now_us)


async def test_days_bought_by_two_accounts_follow_each_other_once_they_are_linked(
    store: Store, member: str, clock: HandClock
) -> None:
    other = (await store.members.of("telegram", "99")).key
    await buy(store, member, MONTH, "1")
    clock.advance(days=10)
    await buy(store, other, MONTH, "2")
    clock.advance(days=5)
    await link(store, member, other)  # 15 days of the one are left, and 25 of the other
    assert await until(store, member) == timedelta(days=40)
    await buy(store, member, MONTH, "3")
    assert await until(store, member) == timedelta(days=70)


async def test_a_refund_moves_the_later_periods_up(store: Store, member: str, clock: HandClock) -> None:
    first = await buy(store, member, MONTH, "1")
    await buy(store, member, MONTH, "2")
    clock.advance(days=5)
    await store.refunds.order(first.order_id, by="admin")
    assert (await store.members.quota(member)).tier == "member"
    assert await until(store, member) == timedelta(days=30)


async def test_a_subscription_is_renewed_by_what_it_began_with(store: Store, member: str) -> None:
    begun = Paid(PROVIDER, "1", "", "77", 150, SHELLS)
    await store.sales.bought(member, terms(MONTH, renews=True), begun)
    for _ in range(2):
        await store.sales.renewed("1", replace(begun, charge="1@2"))
    assert await until(store, member) == timedelta(days=60)
    assert await store.sales.renewed("unknown", replace(begun, charge="3")) is None
    await store.refunds.by_provider(PROVIDER, "1", last=True)
    assert await until(store, member) == timedelta(days=30)
    await store.sales.ended(PROVIDER, "1")  # its last payment is paid back, and the one before it runs on
    assert await until(store, member) == timedelta(days=30)


async def test_a_subscription_that_its_provider_ends_brings_nothing_more(store: Store, member: str) -> None:
    await store.sales.bought(member, terms(MONTH, renews=True), Paid(PROVIDER, "1", "", "77", 150, SHELLS))
    for _ in range(2):
        await store.sales.ended(PROVIDER, "1")
    assert (await store.members.quota(member)).tier == "free"


async def test_a_refund_ends_the_period(store: Store, member: str, clock: HandClock) -> None:
    placed = await buy(store, member, MONTH, "1")
    clock.advance(days=3)
    await store.refunds.order(placed.order_id, by="admin")
    assert (await store.members.get(member)).tier == "free"


async def test_a_refund_by_the_provider_is_taken_over_once(store: Store, member: str) -> None:
    await buy(store, member, IMAGES, "1")
    back = await store.refunds.by_provider(PROVIDER, "1")
    assert back is not None
    assert back.images_back == 10
    assert await store.refunds.by_provider(PROVIDER, "1") is None
    assert await store.refunds.by_provider(PROVIDER, "unknown") is None
    assert await topup(store, member) == 0
    assert await store.refunds.due(PROVIDER) == []


async def test_the_providers_word_of_our_own_refund_settles_it(store: Store, member: str) -> None:
    placed = await buy(store, member, IMAGES, "1")
    await store.refunds.order(placed.order_id, by="admin")
    assert await store.refunds.by_provider(PROVIDER, "1") is None
    assert await store.refunds.due(PROVIDER) == []


async def test_an_unknown_order_is_refused(store: Store) -> None:
    with pytest.raises(UnknownOrder):
        await store.sales.get("0123456789abcdef")


async def test_what_was_bought_goes_along_when_two_become_one(store: Store, member: str) -> None:
    other = (await store.members.of("telegram", "7")).key
    placed = await buy(store, other, IMAGES, "1")
    await buy(store, other, MONTH, "2")
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(member, offer.offer_id)
    await store.links.confirm(other, offer.offer_id)
    quota = await store.members.quota(member)
    assert (quota.tier, quota.topup) == ("member", 10)
    assert (await store.refunds.order(placed.order_id, by="admin")).images_back == 10


async def test_income_is_told_by_offer_and_provider(store: Store, member: str, clock: HandClock) -> None:
    placed = await buy(store, member, IMAGES, "1")
    await buy(store, member, IMAGES, "2")
    await store.refunds.order(placed.order_id, by="admin")
    (income,) = await store.sales.income(store.calendar.today(clock()))
    assert (income.offer, income.provider, income.currency) == ("boost", PROVIDER, SHELLS)
    assert (income.payments, income.amount, income.refunds) == (2, 300, 1)
    assert (income.worth_micro, income.fee_micro, income.net_micro) == (30_000_000, 10_000_000, 10_000_000)
    assert await store.sales.income() == [income]


async def test_the_members_data_holds_what_they_bought(store: Store, member: str) -> None:
    placed = await buy(store, member, MONTH, "1")
    data = (await store.members.export(member)).data
    assert [payment["order_id"] for payment in data["payments"]] == [placed.order_id]
    assert [period["tier"] for period in data["periods"]] == ["member"]


async def test_orders_of_a_tier_that_is_gone_are_paid_back(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        placed = await order(store, member, MONTH)
    fewer = {name: terms for name, terms in TIERS.items() if name != "member"}
    async with await open_store(tmp_path, clock, tiers=fewer) as store:
        assert (await pay(store, placed, "1")).refused == Refused.NO_TIER
        assert await store.check() == []


@pytest.mark.parametrize("table", ["orders", "payment", "period", "refund"])
async def test_the_book_is_append_only(store: Store, member: str, table: str) -> None:
    placed = await buy(store, member, MONTH, "1")
    await store.refunds.order(placed.order_id, by="admin")
    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET {('id', 'at_us')[table == 'refund']} = 9"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await store.core.writer.write(lambda db, change=change: db.execute(change))  # type: ignore[misc]
