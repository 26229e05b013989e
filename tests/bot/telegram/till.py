"""Telegram's side of Stars: invoices, the question before a payment, charges, refunds, the list of all."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lo_bot_api_emulator import ApiRefusal

if TYPE_CHECKING:
    from tests.bot.telegram.standin import StandIn

PATIENCE_S = 120.0
"""Telegram waits ten seconds for an answer before a payment; a busy machine may take longer."""


@dataclass
class Invoice:
    """An invoice that can be paid; with a `period_s` it is a subscription."""

    payload: str
    title: str
    amount: int
    period_s: int | None
    chat: int | None
    url: str = ""


@dataclass
class Charge:
    """A payment that Telegram took. `first` is the one its subscription began with."""

    id: str
    user: int
    invoice: Invoice
    first: str
    refunded: bool = False


@dataclass
class Till:
    """The methods stand under their names; `pay` and `renew` are what people and time do."""

    standin: StandIn
    invoices: list[Invoice] = field(default_factory=list)
    charges: dict[str, Charge] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    transactions: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, asyncio.Future[tuple[bool, str]]] = field(default_factory=dict)

    # what people do

    async def ask(self, user: int, invoice: Invoice, *, amount: int | None = None) -> str | None:
        """Press the button to pay: why not, or None where the bot lets it go on."""
        id_ = f"checkout-{len(self.asked)}"
        answer = self.asked[id_] = asyncio.get_running_loop().create_future()
        query = {
            "id": id_,
            "from": _person(user),
            "currency": "XTR",
            "total_amount": invoice.amount if amount is None else amount,
            "invoice_payload": invoice.payload,
        }
        await self.standin.deliver({"pre_checkout_query": query})
        ok, why = await asyncio.wait_for(answer, PATIENCE_S)
        return None if ok else why

    async def pay(self, user: int, invoice: Invoice) -> dict[str, Any]:
        """Pay an invoice, to the end. Returns the update, for redelivery."""
        assert (why := await self.ask(user, invoice)) is None, why
        return await self.tell(self.charge(user, invoice))

    async def renew(self, charge: Charge) -> dict[str, Any]:
        """Thirty days later Telegram takes the Stars again, unless the subscription was ended."""
        assert charge.first not in self.ended
        return await self.tell(self.charge(charge.user, charge.invoice, first=charge.first))

    def charge(self, user: int, invoice: Invoice, first: str | None = None) -> Charge:
        """Take the Stars; the bot is not told yet."""
        id_ = f"charge-{len(self.transactions)}"
        charge = self.charges[id_] = Charge(id_, user, invoice, first or id_)
        self._list(charge, "source")
        return charge

    async def tell(self, charge: Charge) -> dict[str, Any]:
        """Send the bot the message about a payment."""
        payment = {
            "currency": "XTR",
            "total_amount": charge.invoice.amount,
            "invoice_payload": charge.invoice.payload,
            "telegram_payment_charge_id": charge.id,
            "provider_payment_charge_id": "",
        }
        if charge.invoice.period_s:
            payment |= {"is_recurring": True, "subscription_expiration_date": int(time.time()) + 2_592_000}
            payment |= {"is_first_recurring": True} if charge.first == charge.id else {}
        return await self.standin.say(charge.user, "", successful_payment=payment)

    def take_back(self, charge: Charge) -> None:
        """The Stars go back to whoever paid."""
        charge.refunded = True
        self._list(charge, "receiver")

    async def tell_refund(self, charge: Charge) -> dict[str, Any]:
        """Send the bot the message about a refund."""
        refund = {
            "currency": "XTR",
            "total_amount": charge.invoice.amount,
            "invoice_payload": charge.invoice.payload,
            "telegram_payment_charge_id": charge.id,
        }
        return await self.standin.say(charge.user, "", refunded_payment=refund)

    def _list(self, charge: Charge, side: str) -> None:
        partner = {"type": "user", "transaction_type": "invoice_payment", "user": _person(charge.user)}
        partner["invoice_payload"] = charge.invoice.payload
        self.transactions.append(
            {"id": charge.id, "amount": charge.invoice.amount, "date": int(time.time()), side: partner}
        )

    # the methods

    def sendInvoice(self, fields: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
        invoice = self._invoice(fields, chat=int(fields["chat_id"]))
        message = self.standin.keep(fields, text=f"[{invoice.title} {invoice.amount}]")
        message["invoice"] = {
            "title": invoice.title,
            "description": fields["description"],
            "start_parameter": fields.get("start_parameter", ""),
            "currency": "XTR",
            "total_amount": invoice.amount,
        }
        return message

    def createInvoiceLink(self, fields: dict[str, Any], _: dict[str, Any]) -> str:
        invoice = self._invoice(fields, chat=None)
        invoice.url = f"https://t.me/$invoice{len(self.invoices)}"
        return invoice.url

    def answerPreCheckoutQuery(self, fields: dict[str, Any], _: dict[str, Any]) -> bool:
        ok = fields["ok"] == "true"
        if not ok and not fields.get("error_message"):
            raise ApiRefusal("Bad Request: error_message must be non-empty")
        asked = self.asked[fields["pre_checkout_query_id"]]
        if asked.done():
            raise ApiRefusal("Bad Request: query is too old and response timeout expired")
        asked.set_result((ok, fields.get("error_message", "")))
        return True

    def refundStarPayment(self, fields: dict[str, Any], _: dict[str, Any]) -> bool:
        charge = self._charge(fields)
        if charge.refunded:
            raise ApiRefusal("Bad Request: CHARGE_ALREADY_REFUNDED")
        self.take_back(charge)
        return True

    def editUserStarSubscription(self, fields: dict[str, Any], _: dict[str, Any]) -> bool:
        charge = self._charge(fields)
        if charge.invoice.period_s is None or charge.first != charge.id:
            raise ApiRefusal("Bad Request: SUBSCRIPTION_NOT_FOUND")
        self.ended.add(charge.id)
        return True

    def getStarTransactions(self, fields: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
        offset = int(fields.get("offset", 0))
        return {"transactions": self.transactions[offset : offset + int(fields.get("limit", 100))]}

    def _charge(self, fields: dict[str, Any]) -> Charge:
        charge = self.charges.get(fields["telegram_payment_charge_id"])
        if charge is None or charge.user != int(fields["user_id"]):
            raise ApiRefusal("Bad Request: CHARGE_NOT_FOUND")
        return charge

    def _invoice(self, fields: dict[str, Any], chat: int | None) -> Invoice:
        (price,) = json.loads(fields["prices"])
        if fields["currency"] != "XTR" or fields.get("provider_token"):
            raise ApiRefusal("Bad Request: CURRENCY_INVALID")
        period = fields.get("subscription_period")
        if period is not None and int(period) != 2_592_000:
            raise ApiRefusal("Bad Request: SUBSCRIPTION_PERIOD_INVALID")
        invoice = Invoice(
            fields["payload"], fields["title"], price["amount"], int(period) if period else None, chat
        )
        self.invoices.append(invoice)
        return invoice


def _person(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": "Anna", "language_code": "en"}
