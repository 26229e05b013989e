"""Selling on a platform of a few lines: /plans, an order, a payment, a refund."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bot.alerts import Alerts
from bot.background.reconciler import Reconciler
from bot.cost.report import cost_report
from bot.messages import UserError, translator
from bot.sales.income import income_facts
from bot.sales.shop import Shop, told
from storage.records.sales import Paid
from tests.bot.faces.toy import Chat, ToyFace
from tests.bot.sales.toy import ToyProvider
from tests.easel import config_in, easel
from tests.patience import PATIENCE_S
from tests.storage.house import HandClock, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.imagine.service import Service

OFFERS: dict[str, Any] = {
    "boost": {"images": 100, "prices": {"toy": 300}},
    "month": {"tier": "member", "days": 30, "stars": 400, "prices": {"toy": 800}},
    "gold": {"tier": "premium", "days": 30},
}
ANNA = "anna"


@dataclass
class Market:
    """A bot that sells, and Anna."""

    service: Service
    toy: ToyFace
    provider: ToyProvider
    alerts: Alerts

    @property
    def said(self) -> str:
        return self.toy.chat.words[-1]

    async def buy(self, offer: str, charge: str) -> None:
        await self.toy.press(ANNA, f"buy:{offer}")
        order = self.provider.orders[-1]
        worth, fee = self.provider.worth_micro(order.terms.amount)
        await self.service.shop.paid(
            Paid("toy", charge, order.order_id, ANNA, order.terms.amount, "SHL", worth, fee)
        )


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    config = config_in(tmp_path, sales={"enabled": True}, offers=OFFERS)
    alerts = Alerts()
    async with easel(config, alerts=alerts) as service:
        market = Market(service, ToyFace(service, Chat()), ToyProvider(), alerts)
        service.shop.open(market.provider)
        yield market
        assert await service.store.check() == []
        await market.toy.delivery.close()


async def topup(market: Market) -> int:
    member = await market.service.store.members.of("toy", ANNA)
    return (await market.service.store.members.quota(member.key)).topup


async def test_a_new_platform_shows_its_prices_and_takes_its_money(market: Market) -> None:
    await market.toy.type(ANNA, "/plans")
    assert "100 extra images: 300 🐚" in market.said
    assert "premium, 30 days: not sold" in market.said
    assert market.toy.chat.buttons == ["buy:boost", "buy:month"]
    await market.buy("boost", "1")
    assert market.provider.orders[0].terms.amount == 300
    assert f"https://provider.example/{market.provider.orders[0].order_id}" in market.said
    assert await topup(market) == 100


async def test_whoever_is_given_images_is_told(market: Market) -> None:
    await market.buy("boost", "1")
    for _ in range(2):
        await market.toy.type(ANNA, "/gift 77 30", event="one event")
    assert market.provider.told == [("77", "Somebody gave you 30 extra images; you have 30 now.")]
    assert await topup(market) == 70


async def test_the_owner_is_told_of_what_is_paid_back_by_itself(market: Market) -> None:
    told: list[str] = []
    market.alerts.subscribe(lambda message: told.append(translator("en")(message)))
    await market.buy("boost", "1")
    order_id = market.provider.orders[-1].order_id
    again = Paid("toy", "2", order_id, ANNA, 300, "SHL")
    await market.service.shop.answer(again, await market.service.shop.paid(again))
    assert f"300 SHL for order {order_id} could bring nothing" in told[0]
    assert "had been paid before" in told[0]
    assert market.provider.paid_back == ["2"]
    assert "could not fill this order" in market.provider.told[-1][1]
    await market.service.shop.refunded("toy", "2")  # the platform tells of what it paid back for us
    await market.service.shop.refunded("toy", "1")
    assert len(told) == 2
    assert f"toy has paid order {order_id} back by itself" in told[1]
    assert "took back 100 unused images; 0 had been used" in told[1]


async def test_the_platforms_are_asked_again_and_again(market: Market) -> None:
    reconciler = Reconciler(market.service.shop, every_s=0.01)
    reconciler.start()
    for _ in range(2):
        market.provider.reconciled.clear()
        await asyncio.wait_for(market.provider.reconciled.wait(), PATIENCE_S)
    await reconciler.stop()


async def test_a_tier_that_was_bought_is_told_with_its_end(market: Market) -> None:
    await market.buy("month", "1")
    await market.toy.type(ANNA, "/plans")
    assert "member (yours)" in market.said
    assert "You have member until" in market.said


async def test_who_cannot_be_asked_now_is_asked_later(market: Market) -> None:
    market.provider.closed = True
    await market.toy.press(ANNA, "buy:boost")
    assert "try again" in market.said
    market.provider.closed = False
    await market.buy("boost", "1")
    market.provider.closed = True
    await market.service.shop.refund(market.provider.orders[-1].order_id, by="admin", why="")
    assert market.provider.paid_back == []
    market.provider.closed = False
    await market.service.shop.pay_back()
    await market.service.shop.pay_back()
    assert market.provider.paid_back == ["1"]


async def test_what_cannot_be_paid_back_is_not_taken_back(market: Market) -> None:
    await market.buy("boost", "1")
    market.service.shop.close(market.provider)
    with pytest.raises(UserError, match="error-refund-away"):
        await market.service.shop.refund(market.provider.orders[-1].order_id, by="admin", why="")
    assert await topup(market) == 100


async def test_200_members_buy_at_once(market: Market) -> None:
    store, shop, t = market.service.store, market.service.shop, translator("en")

    async def buy(user: str) -> int:
        member = await store.members.of("toy", user)
        url = await shop.order(member, "toy", user, "boost", t)
        order_id = url.rpartition("/")[2]
        await shop.check(order_id, 300, "SHL", member.key)
        paid = Paid("toy", f"charge of {user}", order_id, user, 300, "SHL")
        receipts = await asyncio.gather(*(shop.paid(paid) for _ in range(5)))
        assert sum(receipt.new for receipt in receipts) == 1
        return (await store.members.quota(member.key)).topup

    assert set(await asyncio.gather(*(buy(f"user {n}") for n in range(200)))) == {100}


async def test_an_order_is_for_an_hour_and_honoured_if_it_was_paid(tmp_path: Path) -> None:
    clock, provider = HandClock(), ToyProvider()
    config = config_in(tmp_path, sales={"enabled": True}, offers=OFFERS)
    async with await open_store(tmp_path, clock) as store:
        shop = Shop(config, store, Alerts())
        shop.open(provider)
        member = await store.members.of("toy", ANNA)
        await shop.order(member, "toy", ANNA, "boost", translator("en"))
        order_id = provider.orders[0].order_id
        await shop.check(order_id, 300, "SHL", member.key)
        clock.advance(hours=1)
        with pytest.raises(UserError, match="error-order-expired"):
            await shop.check(order_id, 300, "SHL", member.key)
        receipt = await shop.paid(Paid("toy", "1", order_id, ANNA, 300, "SHL"))
        assert receipt.brought is not None


async def test_nobody_buys_who_would_not_be_drawn_for(tmp_path: Path) -> None:
    access = {"mode": "listed"}
    async with easel(config_in(tmp_path, sales={"enabled": True}, offers=OFFERS, access=access)) as service:
        toy, provider = ToyFace(service, Chat()), ToyProvider()
        service.shop.open(provider)
        await toy.type(ANNA, "/plans")
        assert "only for people its owner has let in" in toy.chat.words[-1]
        await toy.press(ANNA, "buy:boost")
        assert (toy.chat.buttons, provider.orders) == ([], [])
        await toy.delivery.close()


async def test_receipts_are_in_the_members_language(market: Market) -> None:
    await market.toy.press(ANNA, "buy:boost")
    order_id = market.provider.orders[-1].order_id
    receipt = await market.service.shop.paid(Paid("toy", "1", order_id, ANNA, 300, "SHL"))
    assert "100 extra images are yours" in told(receipt, translator("en"))
    assert "已加入 100 张额外图片" in told(receipt, translator("zh-CN"))
    again = await market.service.shop.paid(Paid("toy", "2", order_id, ANNA, 300, "SHL"))
    assert "款项会退还给您" in told(again, translator("zh-CN"))


async def test_where_nobody_sells_there_is_nothing_to_press(market: Market) -> None:
    market.service.shop.close(market.provider)
    await market.toy.type(ANNA, "/plans")
    assert market.toy.chat.buttons == []
    await market.toy.press(ANNA, "buy:boost")
    assert "not for sale here" in market.said


async def test_sales_are_told_with_fees_refunds_and_margin(market: Market) -> None:
    await market.buy("boost", "1")
    await market.buy("boost", "2")
    await market.service.shop.refund(market.provider.orders[-1].order_id, by="admin", why="")
    config, t = market.service.config, translator("en")
    report = await cost_report(market.service.store, config, "today")
    (_, sales), (_, margin) = await income_facts(market.service.store, config, report, t)
    total, line = sales.splitlines()
    assert total == "CN¥0.2700"  # 300 shells, less their tenth; the other order was paid back
    assert line == "boost, toy: 2 paid, 600 SHL; fees CN¥0.0600, refunds 1; left CN¥0.2700"
    assert margin == "CN¥0.2700"


async def test_without_sales_there_are_no_such_commands(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path, offers=OFFERS)) as service:
        toy = ToyFace(service, Chat())
        await toy.type(ANNA, "/help")
        assert "/plans" not in toy.chat.words[-1]
        await toy.press(ANNA, "buy:boost")
        assert "not for sale here" in toy.chat.words[-1]
        for line in ("/plans", "/gift 77 3", "/redeem easel-code", "/terms"):
            await toy.type(ANNA, line)
            assert "There is no command" in toy.chat.words[-1]
        await toy.delivery.close()
