"""Buying with Telegram Stars: every payment brings what was ordered once, whatever is killed or repeated."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.imagine.asker import Asker
from bot.messages import translator
from storage.goods import Goods
from tests.bot.telegram.conftest import ANNA, BOB, FAST, GROUP, OWNER, config_for
from tests.bot.telegram.standin import BROKEN, Fault
from tests.bot.telegram.test_commands import said

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config
    from storage.records.members import Quota
    from tests.bot.telegram.conftest import Bot, Stage
    from tests.bot.telegram.standin import StandIn
    from tests.bot.telegram.till import Charge, Invoice

pytestmark = pytest.mark.e2e

OFFERS: dict[str, Any] = {
    "boost": {"images": 100, "stars": 150, "label": {"en": "100 images", "zh-CN": "100 张图片"}},
    "month": {"tier": "member", "days": 30, "stars": 400, "renews": True},
    "week": {"tier": "member", "days": 7, "stars": 120},
    "discord_only": {"images": 5},
}


def selling(config: Config, **changes: Any) -> Config:
    """The same bot, with something to sell."""
    sales = {"enabled": True, "star": "0.1", "star_fee": "0.35", "support": "@anna"}
    kept = config.model_dump(exclude_unset=True) | {"sales": sales, "offers": OFFERS}
    return type(config).model_validate(kept | changes)


@pytest.fixture
def config(tmp_path: Path, telegram: StandIn) -> Config:
    return selling(config_for(tmp_path, telegram.url))


async def order(bot: Bot, offer: str, user: int = ANNA) -> Invoice:
    """Type /plans, press a button, and look at the invoice."""
    await said(bot, user, "/plans")
    shown = bot.telegram.messages(user)[-1]
    await bot.telegram.press(user, shown, f"buy:{offer}")
    await bot.settled()
    return bot.telegram.till.invoices[-1]


async def bought(bot: Bot, offer: str, user: int = ANNA) -> Charge:
    """Order and pay."""
    await bot.telegram.till.pay(user, await order(bot, offer, user))
    await bot.settled()
    return list(bot.telegram.till.charges.values())[-1]


async def quota(bot: Bot, user: int = ANNA) -> Quota:
    return await bot.service.members.quota(Asker("telegram", str(user)))


async def whole(bot: Bot) -> None:
    assert await bot.service.store.check() == []


def last(bot: Bot, user: int = ANNA) -> str:
    return bot.telegram.messages(user)[-1].plain


async def test_plans_shows_tiers_and_offers(bot: Bot) -> None:
    text = await said(bot, ANNA, "/plans")
    assert "free (yours): 100 images a month · up to 768 × 768" in text
    assert "100 images: 150 ⭐" in text
    assert "5 extra images: not sold at the moment" in text
    assert bot.telegram.messages(ANNA)[-1].buttons == ["buy"] * 3
    assert "套餐" in await said(bot, ANNA, "/plans", language="zh-hans")


async def test_images_are_bought_with_an_invoice(bot: Bot) -> None:
    charge = await bought(bot, "boost")
    assert (charge.invoice.amount, charge.invoice.title) == (150, "100 images")  # Stars, not hundredths
    assert (await quota(bot)).topup == 100
    assert "100 extra images are yours" in last(bot)
    await whole(bot)


async def test_the_same_update_five_times_credits_once(bot: Bot) -> None:
    update = await bot.telegram.till.pay(ANNA, await order(bot, "boost"))
    await bot.settled()
    for _ in range(4):
        bot.telegram.redeliver(update)
    await bot.telegram.say(ANNA, "/quota")
    await bot.settled()
    assert (await quota(bot)).topup == 100
    assert sum("Thank you" in shown.plain for shown in bot.telegram.messages(ANNA)) == 1
    await whole(bot)


async def test_a_subscription_is_renewed_by_each_payment(bot: Bot) -> None:
    first = await bought(bot, "month")
    assert first.invoice.period_s == 30 * 86_400
    assert first.invoice.url
    assert (await quota(bot)).tier == "member"
    until = await tier_until(bot)
    await bot.telegram.till.renew(first)
    await bot.settled()
    assert (await tier_until(bot) - until).days == 30
    await whole(bot)


async def tier_until(bot: Bot) -> Any:
    member = await bot.service.store.members.find("telegram", str(ANNA))
    assert member is not None
    assert member.tier_until is not None
    return member.tier_until


async def test_nobody_subscribes_twice_or_buys_less_than_they_have(bot: Bot) -> None:
    await bought(bot, "month")
    await said(bot, ANNA, "/plans")
    for offer in ("month", "week"):
        await bot.telegram.press(ANNA, bot.telegram.messages(ANNA)[-1], f"buy:{offer}")
        await bot.settled()
    assert len(bot.telegram.till.invoices) == 2  # the week adds to the month; the month is not bought twice


async def refusal(bot: Bot, invoice: Invoice, user: int = ANNA, **changes: Any) -> str:
    why = await bot.telegram.till.ask(user, invoice, **changes)
    assert why is not None
    return why


async def test_what_must_not_be_paid_is_refused_before(bot: Bot) -> None:
    invoice = await order(bot, "boost")
    assert "somebody else's" in await refusal(bot, invoice, BOB)
    assert "changed" in await refusal(bot, invoice, amount=1)
    invoice.payload, kept = "easel:0123456789abcdef", invoice.payload
    assert "do not know" in await refusal(bot, invoice)
    invoice.payload = kept
    await bot.telegram.till.pay(ANNA, invoice)
    await bot.settled()
    assert "already been paid" in await refusal(bot, invoice)
    banned = await order(bot, "boost", BOB)
    await said(bot, OWNER, f"/ban {BOB} spam")
    assert "cannot" in await refusal(bot, banned, BOB)


async def test_a_price_that_changed_is_not_paid(stage: Stage, config: Config) -> None:
    async with stage.bot() as bot:
        invoice = await order(bot, "boost")
    stage.config = selling(config, offers=OFFERS | {"boost": {"images": 100, "stars": 200}})
    async with stage.bot() as bot:
        assert "changed" in await refusal(bot, invoice)


async def test_a_subscription_is_not_paid_for_twice(bot: Bot) -> None:
    first = await bought(bot, "month")
    assert "already been paid" in await refusal(bot, first.invoice)
    until = await tier_until(bot)
    again = bot.telegram.till.charge(ANNA, first.invoice)  # on a second device, at the same moment
    await bot.telegram.till.tell(again)
    await bot.settled()
    assert (again.refunded, first.refunded) == (True, False)
    assert bot.telegram.till.ended == {again.id}
    assert await tier_until(bot) == until
    await whole(bot)


async def test_telegram_is_answered_although_the_store_is_late(stage: Stage) -> None:
    async with stage.bot(replace(FAST, checkout_s=0.0)) as bot:
        invoice = await order(bot, "boost")
        assert "nothing was charged" in await refusal(bot, invoice)


async def test_it_is_answered_while_everything_waits_to_be_drawn(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    invoice = await order(bot, "boost")
    for _ in range(4):
        await bot.telegram.say(ANNA, "/imagine a cat")
    assert await bot.telegram.till.ask(ANNA, invoice) is None


async def test_a_second_payment_of_an_invoice_is_paid_back(bot: Bot) -> None:
    charge = await bought(bot, "boost")
    again = bot.telegram.till.charge(ANNA, charge.invoice)
    await bot.telegram.till.tell(again)
    await bot.settled()
    assert (again.refunded, charge.refunded) == (True, False)
    assert (await quota(bot)).topup == 100
    assert "being refunded" in last(bot)
    await whole(bot)


async def test_a_refund_takes_back_what_is_unused(bot: Bot) -> None:
    charge = await bought(bot, "boost")
    order_id = charge.invoice.payload.removeprefix("easel:")
    await said(bot, ANNA, f"/gift {BOB} 30")
    text = await said(bot, OWNER, f"/refund {order_id} asked for it")
    assert "150 XTR" in text
    assert "Images taken back: 70" in text
    assert "Images already used or given away: 30" in text
    assert charge.refunded
    assert (await quota(bot)).topup == 0
    assert "no payment" in await said(bot, OWNER, f"/refund {order_id}")
    assert "owner" in await said(bot, ANNA, f"/refund {order_id}")
    await whole(bot)


async def test_a_refunded_subscription_ends(bot: Bot) -> None:
    charge = await bought(bot, "month")
    await said(bot, OWNER, f"/refund {charge.invoice.payload.removeprefix('easel:')}")
    assert charge.refunded
    assert charge.id in bot.telegram.till.ended
    assert (await quota(bot)).tier == "free"


async def test_a_refund_that_telegram_cannot_make_now_is_made_later(stage: Stage) -> None:
    async with stage.bot() as bot:
        charge = await bought(bot, "boost")
        bot.telegram.fail("refundStarPayment", BROKEN)
        await said(bot, OWNER, f"/refund {charge.invoice.payload.removeprefix('easel:')}")
        assert "asked again" in last(bot, OWNER)
        assert not charge.refunded
        assert (await quota(bot)).topup == 0
    async with stage.bot() as bot:
        await bot.settled()
        assert charge.refunded
        assert await bot.service.store.refunds.due("telegram") == []


async def test_a_refund_whose_answer_was_lost_is_made_once(stage: Stage) -> None:
    async with stage.bot() as bot:
        charge = await bought(bot, "boost")
        bot.telegram.fail("refundStarPayment", Fault(502, "Bad Gateway", acts=True))
        await said(bot, OWNER, f"/refund {charge.invoice.payload.removeprefix('easel:')}")
        await bot.service.shop.pay_back()
        assert charge.refunded
        assert await bot.service.store.refunds.due("telegram") == []


async def test_telegrams_own_refund_is_taken_over(bot: Bot) -> None:
    charge = await bought(bot, "boost")
    bot.telegram.till.take_back(charge)
    await bot.telegram.till.tell_refund(charge)
    await bot.settled()
    assert (await quota(bot)).topup == 0
    await whole(bot)


async def test_what_was_paid_while_the_bot_was_down_is_credited_at_the_start(stage: Stage) -> None:
    async with stage.bot() as bot:
        invoice = await order(bot, "boost")
        known = await bought(bot, "boost")
    paid = bot.telegram.till.charge(ANNA, invoice)
    bot.telegram.till.take_back(known)
    for _ in range(120):  # more than a page of what another program sold
        bot.telegram.till.transactions.insert(0, foreign(len(bot.telegram.till.transactions)))
    async with stage.bot() as bot:
        await bot.settled()
        assert (await quota(bot)).topup == 100
        await bot.telegram.till.tell(paid)
        await bot.settled()
        assert (await quota(bot)).topup == 100
        assert bot.telegram.count("refundStarPayment") == 0
        await whole(bot)


async def test_payments_of_a_lost_database_are_left_alone(stage: Stage) -> None:
    async with stage.bot() as bot:
        till, invoice = bot.telegram.till, await order(bot, "boost")
        old = till.charge(ANNA, replace(invoice, payload="easel:0123456789abcdef"))
        till.transactions[-1]["date"] -= 86_400
        await bot.service.shop.reconcile(bot.service.shop.providers[0])
        assert not old.refunded


def foreign(number: int) -> dict[str, Any]:
    user = {"id": BOB, "is_bot": False, "first_name": "Bob"}
    partner = {"type": "user", "transaction_type": "invoice_payment", "user": user, "invoice_payload": "x"}
    return {"id": f"foreign-{number}", "amount": 9, "date": 1, "source": partner}


async def forget(bot: Bot) -> None:
    await said(bot, ANNA, "/forget")
    await bot.telegram.press(ANNA, bot.telegram.messages(ANNA)[-1], "forget:")
    await bot.settled()


async def test_whoever_leaves_pays_no_further(bot: Bot) -> None:
    first = await bought(bot, "month")
    await forget(bot)
    assert first.id in bot.telegram.till.ended


async def test_a_renewal_of_somebody_who_was_forgotten_is_paid_back_and_ends(bot: Bot) -> None:
    first = await bought(bot, "month")
    bot.telegram.fail("editUserStarSubscription", BROKEN)
    await forget(bot)
    assert first.id not in bot.telegram.till.ended
    await bot.telegram.till.renew(first)
    await bot.settled()
    assert [charge.refunded for charge in bot.telegram.till.charges.values()] == [False, True]
    assert first.id in bot.telegram.till.ended
    await whole(bot)


async def test_200_members_buy_at_once_and_are_told_of_five_times(stage: Stage) -> None:
    users, t = range(1000, 1200), translator("en")
    async with stage.bot(replace(FAST, connections=4)) as bot:
        telegram, shop, members = bot.telegram, bot.service.shop, bot.service.store.members

        async def buy(user: int) -> None:
            await shop.order(await members.of("telegram", str(user)), "telegram", str(user), "boost", t)
            (invoice,) = (one for one in telegram.till.invoices if one.chat == user)
            update = await telegram.till.pay(user, invoice)
            for _ in range(4):
                telegram.redeliver(update)

        await asyncio.gather(*map(buy, users))
        await bot.settled()
        assert {(await quota(bot, user)).topup for user in users} == {100}
        assert len(telegram.till.charges) == len(users)
        assert not any(charge.refunded for charge in telegram.till.charges.values())
        await whole(bot)


async def test_paysupport_and_terms(bot: Bot) -> None:
    charge = await bought(bot, "boost")
    text = await said(bot, ANNA, "/paysupport")
    assert "@anna" in text
    assert charge.invoice.payload.removeprefix("easel:") in text
    assert "cancelled at any time" in await said(bot, ANNA, "/terms")


async def test_in_a_group_nobody_is_shown_a_button_to_buy(bot: Bot) -> None:
    assert "in private" in await said(bot, ANNA, "/plans", chat=GROUP)
    assert bot.telegram.messages(GROUP)[-1].buttons == []


async def test_quota_offers_plans_when_little_is_left(stage: Stage, config: Config) -> None:
    stage.config = selling(config, tiers={"free": {"images_a_month": 4}, "member": {}})
    async with stage.bot() as bot:
        await said(bot, ANNA, "/quota")
        assert bot.telegram.messages(ANNA)[-1].buttons == []
        await said(bot, ANNA, "/imagine a cat --images 4 --size 64x64 --steps 1")
        await said(bot, ANNA, "/quota")
        await bot.telegram.press(ANNA, bot.telegram.messages(ANNA)[-1], "plans:")
        await bot.settled()
        assert "100 images: 150 ⭐" in last(bot)


async def test_a_voucher_is_redeemed_once(bot: Bot) -> None:
    (code,) = await bot.service.store.vouchers.create("boost", Goods(images=100), 1, by="admin")
    assert "100 extra images" in await said(bot, ANNA, f"/redeem {code}")
    assert "already been used" in await said(bot, BOB, f"/redeem {code}")
    assert "no such voucher" in await said(bot, BOB, "/redeem AAAA")


async def test_nobody_gives_more_than_they_have(bot: Bot) -> None:
    assert "You have no extra images" in await said(bot, ANNA, f"/gift {BOB} 1")


async def test_a_refusal_has_buttons_to_go_on_wait_or_buy(stage: Stage, config: Config) -> None:
    tiers = {"free": {"images_a_month": 1, "slow_images_a_month": 5, "billing": "none"}}
    offers = {"boost": {"images": 100, "stars": 150}}
    stage.config = selling(config, tiers=tiers, offers=offers)
    async with stage.bot() as bot:
        await said(bot, ANNA, "/imagine a cat")
        picture = bot.telegram.messages(ANNA)[-1]
        assert "can be drawn slowly" in await said(bot, ANNA, "/imagine a cat")
        assert bot.telegram.messages(ANNA)[-1].buttons == ["slow", "slow", "plans"]
        await bot.telegram.press(ANNA, picture, "again")  # an alert would have no buttons
        await bot.settled()
        refusal = bot.telegram.messages(ANNA)[-1]
        assert refusal.buttons == ["slow", "slow", "plans"]
        await bot.telegram.press(ANNA, refusal, "slow:on")
        await bot.settled()
        assert "slowly, when nobody else waits; 5 left" in last(bot)
        await said(bot, ANNA, "/imagine a cat")
        assert (await quota(bot)).used == 2


async def test_in_a_group_each_chooses_for_themselves(stage: Stage, config: Config) -> None:
    tiers = {"free": {"images_a_month": 0, "slow_images_a_month": 5, "billing": "none"}}
    stage.config = selling(config, tiers=tiers, offers={})
    async with stage.bot() as bot:
        await said(bot, ANNA, "/imagine a cat", chat=GROUP)
        refusal = bot.telegram.messages(GROUP)[-1]
        await bot.telegram.press(BOB, refusal, "slow:on")
        await bot.settled()
        assert not (await quota(bot, BOB)).slow
        assert "can be drawn slowly" in bot.telegram.messages(GROUP)[-1].plain
