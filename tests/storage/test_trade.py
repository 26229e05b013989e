"""Whatever members and their platform do at once, everybody has what was paid for and no more."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from storage.errors import Refusal
from storage.goods import Goods
from storage.records.sales import Paid
from tests.storage.house import TIERS, HandClock, ask, deliver, open_store
from tests.storage.trade import PROVIDER, SHELLS, terms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.records.sales import Order
    from storage.store import Store

IMAGES, MONTH = Goods(images=10), Goods(tier="member", days=30)
USERS = [str(1001 + n) for n in range(4)]
AT_ONCE, ROUNDS = 8, 25
UNKNOWN = "0123456789abcdef"
NOTHING_FREE = {**TIERS, "free": replace(TIERS["free"], allowance=0)}


@dataclass
class Market:
    """What happens is drawn by chance, and the charges that were told are kept."""

    store: Store
    chance: random.Random
    orders: list[Order] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    told: dict[str, Paid] = field(default_factory=dict)
    charges: Iterator[int] = field(default_factory=itertools.count)

    async def key(self) -> str:
        return (await self.store.members.of("discord", self.chance.choice(USERS))).key

    async def order(self) -> None:
        goods = self.chance.choice([IMAGES, MONTH])
        wanted = terms(goods, renews=goods is MONTH and self.chance.random() < 0.5)
        self.orders.append(await self.store.sales.order(await self.key(), wanted, valid_us=1))

    async def pay(self) -> None:
        """A payment, sometimes forged, of an unknown order, or once more; told up to five times."""
        of = self.chance.choice(self.orders)
        order_id = of.order_id if self.chance.random() < 0.9 else UNKNOWN
        amount = 150 if self.chance.random() < 0.9 else 1
        charge, begins = f"charge {next(self.charges)}", self.chance.random() < 0.5
        paid = Paid(PROVIDER, charge, order_id, "77", amount, SHELLS, begins=begins)
        receipts = await asyncio.gather(*(self.store.sales.pay(paid) for _ in range(5)))
        assert sum(receipt.new for receipt in receipts) == 1
        self.told[charge] = paid  # from now on it is told again

    async def tell_again(self) -> None:
        assert not (await self.store.sales.pay(self.chance.choice([*self.told.values()]))).new

    async def refund(self) -> None:
        await self.store.refunds.order(self.chance.choice(self.orders).order_id, by="admin")

    async def take_back(self) -> None:
        last = self.chance.random() < 0.2
        await self.store.refunds.by_provider(PROVIDER, self.chance.choice([*self.told]), last=last)

    async def pay_back(self) -> None:
        for due in await self.store.refunds.due(PROVIDER):
            await self.store.refunds.made(due.payment)

    async def give(self) -> None:
        giver, receiver = await self.key(), await self.key()
        images, key = self.chance.randint(1, 9), str(self.chance.randint(0, 50))
        await self.store.vouchers.give(giver, receiver, images, key=key)

    async def redeem(self) -> None:
        code = self.chance.choice(self.codes)
        await asyncio.gather(*[self.store.vouchers.redeem(await self.key(), code) for _ in range(2)])

    async def draw(self) -> None:
        await deliver(self.store, await self.key(), self.chance.randint(1, 3))

    async def cancel(self) -> None:
        request = (await self.store.requests.accept(ask(await self.key(), 2))).request
        await self.store.jobs.failed(request.jobs[0].job_id, "no GPU")

    async def ban(self) -> None:
        member = await self.key()
        await self.store.members.ban(member, by="admin")
        await self.store.members.unban(member, by="admin")

    async def leave(self) -> None:
        await self.store.members.forget(await self.key())

    async def link(self) -> None:
        one, other = await self.key(), await self.key()
        offer = await self.store.links.redeem(other, await self.store.links.code(one))
        await self.store.links.confirm(one, offer.offer_id)
        await self.store.links.confirm(other, offer.offer_id)

    async def happen(self) -> None:
        do = [self.order, self.pay, self.pay, self.tell_again, self.refund, self.take_back, self.pay_back]
        do += [self.give, self.give, self.redeem, self.draw, self.cancel, self.ban]
        do += [self.leave, self.link] if self.chance.random() < 0.2 else []
        with contextlib.suppress(Refusal):
            await self.chance.choice(do)()


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_has_more_than_was_paid_for(tmp_path: Path, clock: HandClock, seed: int) -> None:
    async with await open_store(tmp_path, clock, tiers=NOTHING_FREE) as store:
        market = Market(store, random.Random(seed))
        market.codes = await store.vouchers.create("boost", IMAGES, 5, by="admin")
        market.codes += await store.vouchers.create("month", MONTH, 2, by="admin")
        for _ in range(4):
            await market.order()
            await market.pay()
        for _ in range(ROUNDS):
            await asyncio.gather(*(market.happen() for _ in range(AT_ONCE)))
            clock.advance(days=1)
        assert await store.check() == []
        fates = await store.core.report(lambda db: {row[0]: row[1:] for row in db.execute(_FATES)})
    assert set(fates) == set(market.told)
    one_off = {order.order_id for order in market.orders if not order.terms.renews}
    filled = [market.told[charge].order_id for charge, (brought, _) in fates.items() if brought]
    for charge, (brought, back) in fates.items():
        paid = market.told[charge]
        assert brought + back >= 1
        assert not brought or (paid.amount == 150 and paid.order_id != UNKNOWN)
    assert all(filled.count(order_id) <= 1 for order_id in one_off)
    assert {brought for brought, _ in fates.values()} == {0, 1}  # some of both happened


_FATES = """
SELECT charge, (SELECT count(*) FROM credit WHERE credit.payment = payment.id)
             + (SELECT count(*) FROM period WHERE period.payment = payment.id),
       EXISTS (SELECT 1 FROM refund WHERE refund.payment = payment.id)
FROM payment
"""
