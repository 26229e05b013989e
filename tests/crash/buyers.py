"""People who buy on the wall: its bank notes each charge and each refund in the journal, and tells the bot
of a charge until the bot has taken note.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from bot.imagine.asker import Asker
from bot.messages import translator
from bot.sales.provider import Provider
from storage.errors import GiftRefused, NothingToRefund
from storage.records.sales import Paid

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from bot.config.money import Offer
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.sales import Order, Refund
    from storage.store import Store
    from tests.crash.journal import Journal
    from tests.crash.reckoning import Report

BANK = "wall"
SALES: dict[str, Any] = {
    "sales": {"enabled": True},
    "offers": {
        "boost": {"images": 10, "stars": 5},
        "member": {"tier": "member", "days": 30, "stars": 9, "renews": True},
    },
}
FATES = ("paid",) * 4 + ("paid twice", "renewed", "refunded", "given away")
FAILPOINTS = ("ordered", "charged", "credited", "refunded", "paid-back", "given")
AT_ONCE = 3


class Bank(Provider):
    """The wall's own money: an order is charged as soon as it is shown."""

    name = BANK
    currency = "SHL"

    def __init__(self, journal: Journal, at: Callable[[str], None]) -> None:
        self._journal = journal
        self._at = at

    def price(self, offer: Offer) -> int | None:
        return offer.stars

    def shown(self, amount: int, t: Translator) -> str:
        return str(amount)

    def worth_micro(self, amount: int) -> tuple[int, int]:
        return amount * 10, amount

    async def invoice(self, order: Order, user_id: str, title: str, about: str) -> str:
        self._at("ordered")
        return order.order_id

    async def tell(self, user_id: str, text: str) -> None:
        pass

    async def pay_back(self, refund: Refund) -> None:
        self._journal.note("paid back", charge=refund.charge)
        self._at("paid-back")


class Buyers:
    """Buys and pays, a few times a life, and repeats what the bot may not have heard."""

    def __init__(
        self, service: Service, journal: Journal, at: Callable[[str], None], chance: random.Random
    ) -> None:
        self._service = service
        self._journal = journal
        self._at = at
        self._chance = chance

    async def serve(self, seed: int, purchases: int, people: int) -> None:
        """The refunds that are due, the charges of earlier lives, and new purchases."""
        self._service.shop.open(Bank(self._journal, self._at))
        known = self._journal.lines("charged")
        credited = {line["charge"] for line in self._journal.lines("credited")}
        again = self._chance.sample(known, min(AT_ONCE, len(known)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._service.shop.pay_back())
            for line in [line for line in known if line["charge"] not in credited] + again:
                tasks.create_task(self._tell(line))
            for number in range(purchases):
                who = f"buyer-{self._chance.randrange(people)}"
                tasks.create_task(self._buy(f"{seed}-{number}", who, self._chance.choice(FATES)))

    async def _buy(self, key: str, who: str, fate: str) -> None:
        shop, store = self._service.shop, self._service.store
        member = await self._service.members.of(Asker(BANK, who))
        order = await store.sales.of(member.key)
        subscribed = any(one.terms.renews for one in order)
        name = "member" if fate == "renewed" and not subscribed else "boost"
        order_id = await shop.order(member, BANK, who, name, translator("en"))
        for nth in range(2 if fate in ("paid twice", "renewed") else 1):
            line = {"charge": f"{key}-{nth}", "order": order_id, "who": who}
            self._journal.note("charged", **line)
            self._at("charged")
            await self._tell(line)
        if fate == "refunded":
            try:
                await store.refunds.order(order_id, by="owner")
            except NothingToRefund:
                return  # a redelivery of its charge in the last life has yet to be written
            self._at("refunded")
            await shop.pay_back()
        elif fate == "given away":
            to = await self._service.members.of(Asker(BANK, "buyer-0"))
            try:
                await store.vouchers.give(member.key, to.key, 3, key=key)
            except GiftRefused:
                return
            self._at("given")

    async def _tell(self, line: dict[str, Any]) -> None:
        paid = Paid(BANK, line["charge"], line["order"], line["who"], 5, "SHL", 50, 5)
        receipt = await self._service.shop.paid(paid)
        self._at("credited")
        self._journal.note("credited", charge=line["charge"])
        if receipt.refused is not None:
            await self._service.shop.pay_back()


async def reckon_sales(store: Store, journal: Journal, report: Report) -> None:
    """Each charge brought one thing or was paid back; nothing is due, and nothing was paid back unasked."""
    charges = {line["charge"] for line in journal.lines("charged")}
    paid_back = {line["charge"] for line in journal.lines("paid back")}
    rows = await store.core.report(lambda db: db.execute(_FATES).fetchall())
    written = Counter(row["charge"] for row in rows)
    report.must(set(written) == charges, f"charged and never written: {charges - set(written)}")
    report.must(all(count == 1 for count in written.values()), "a charge was written twice")
    credited = {row["charge"] for row in rows if row["credits"]}
    refunded = {row["charge"] for row in rows if row["refunded"]}
    report.must(all(row["credits"] <= 1 for row in rows), "a charge was credited twice")
    report.must(credited | refunded == charges, f"a charge brought nothing: {charges - credited - refunded}")
    report.must(refunded == paid_back, f"paid back on one side alone: {refunded ^ paid_back}")
    report.must(not await store.refunds.due(BANK), "a refund is still due")
    report.figures["charges"] = len(charges)
    report.figures["paid back"] = len(paid_back)


_FATES = """
SELECT charge,
       (SELECT count(*) FROM credit WHERE credit.payment = payment.id)
       + (SELECT count(*) FROM period WHERE period.payment = payment.id) AS credits,
       EXISTS (SELECT 1 FROM refund WHERE refund.payment = payment.id) AS refunded
FROM payment
"""
