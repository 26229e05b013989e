"""Telegram Stars: invoices, the question before a payment, payments, renewals and refunds.

An update about a payment is confirmed only once the payment is written, and a charge counts once, so that
neither a kill nor a redelivery loses or doubles one. What came while the bot was down is read from Telegram's
list, at the start and every hour.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import structlog
from telegram import LabeledPrice, TransactionPartnerUser
from telegram.error import BadRequest, TelegramError

from bot.config.section import MICRO
from bot.messages import UserError, translator
from bot.sales.provider import Later, Provider
from bot.telegram import html
from bot.telegram.caller import PLATFORM
from storage.errors import StoreUnavailable
from storage.records.sales import Paid

if TYPE_CHECKING:
    from telegram import PreCheckoutQuery, StarTransaction, Update
    from telegram.ext import CallbackContext

    from bot.config.money import Offer
    from bot.messages import Translator
    from bot.telegram.face import Face
    from storage.records.sales import Order, Refund, Subscription

    Context = CallbackContext[Any, Any, Any, Any]

log = structlog.get_logger(__name__)

CURRENCY = "XTR"
PERIOD_S = 30 * 86_400
MARK = "easel:"
"""Before the order's number in an invoice: what another program sold with this token is not ours."""
PAGE = 100
"""The most transactions that Telegram lists at once."""
MAX_TITLE, MAX_ABOUT = 32, 255
CLOCKS_DIFFER = dt.timedelta(hours=1)
"""Ours and Telegram's, at most."""


class Stars(Provider):
    """Payments in Telegram Stars."""

    name = PLATFORM
    currency = CURRENCY

    def __init__(self, face: Face, answer_s: float) -> None:
        self._face = face
        self._answer_s = answer_s
        self._service = face.service
        self._bot = face.bot

    # what the shop asks for

    def price(self, offer: Offer) -> int | None:
        return offer.stars

    def shown(self, amount: int, t: Translator) -> str:
        return t("price-stars", stars=amount)

    def worth_micro(self, amount: int) -> tuple[int, int]:
        section = self._service.config.sales
        worth = amount * int(section.star * MICRO)
        return worth, int(worth * section.star_fee)

    async def invoice(self, order: Order, user_id: str, title: str, about: str) -> str:
        """A subscription is a link, anything else a message with a button to pay."""
        goods: dict[str, Any] = {
            "title": title[:MAX_TITLE],
            "description": about[:MAX_ABOUT],
            "payload": f"{MARK}{order.order_id}",
            "currency": CURRENCY,
            "prices": [LabeledPrice(title[:MAX_TITLE], order.terms.amount)],
        }
        try:
            if order.terms.renews:
                return await self._bot.create_invoice_link(**goods, subscription_period=PERIOD_S)
            # with a start parameter a forwarded invoice has no button to pay, so nobody pays another's
            await self._bot.send_invoice(int(user_id), **goods, start_parameter="plans")
        except TelegramError as error:
            raise Later(error.message) from error
        return ""

    async def pay_back(self, refund: Refund) -> None:
        if refund.user_id is None:
            raise Later("nobody knows who paid")
        user = int(refund.user_id)
        try:
            if refund.first_charge is not None:
                await self._end(user, refund.first_charge)
            await self._bot.refund_star_payment(user, refund.charge)
        except BadRequest as error:
            if "CHARGE_ALREADY_REFUNDED" not in error.message.upper():
                raise Later(error.message) from error
        except TelegramError as error:
            raise Later(type(error).__name__) from error

    async def end(self, subscription: Subscription) -> None:
        try:
            await self._end(int(subscription.user_id), subscription.charge)
        except TelegramError as error:
            raise Later(type(error).__name__) from error

    async def _end(self, user: int, charge: str) -> None:
        """One that has ended already cannot be ended, and need not."""
        try:
            await self._bot.edit_user_star_subscription(user, charge, is_canceled=True)
        except BadRequest as error:
            log.info("telegram.subscription_not_ended", why=error.message)

    async def tell(self, user_id: str, text: str) -> None:
        self._face.tasks.start(
            self._face.send(int(user_id), lambda chat: self._bot.send_message(chat, html.escape(text)))
        )

    # what comes in

    async def asked(self, update: Update, _: Context) -> None:
        """Whether a payment may go on: Telegram waits ten seconds for that, so it is answered by a task."""
        query = update.pre_checkout_query
        assert query is not None
        self._face.tasks.start(self._answer(query))

    async def paid(self, update: Update, _: Context) -> None:
        """A payment or a renewal. The update is confirmed once it is written."""
        message = update.message
        assert message is not None
        payment, payer = message.successful_payment, message.from_user
        assert payment is not None
        assert payer is not None
        order_id = _order_id(payment.invoice_payload)
        if order_id is None:
            log.warning("telegram.payment_not_ours", payload=payment.invoice_payload)
            return
        paid = self._paid(
            payment.telegram_payment_charge_id,
            order_id,
            payer.id,
            payment.total_amount,
            begins=bool(payment.is_first_recurring),
        )
        receipt = await self._service.shop.paid(paid)
        self._face.tasks.start(self._service.shop.answer(paid, receipt))

    async def refunded(self, update: Update, _: Context) -> None:
        """Telegram has paid a payment back, at our wish or by itself."""
        message = update.message
        assert message is not None
        assert message.refunded_payment is not None
        await self._service.shop.refunded(PLATFORM, message.refunded_payment.telegram_payment_charge_id)

    async def reconcile(self) -> None:
        """What is older than the book's first order belongs to a book that was lost: it stays as it is."""
        since = await self._service.store.sales.since(PLATFORM)
        if since is None:
            return
        try:
            listed = [one for one in await self._transactions() if one.date >= since - CLOCKS_DIFFER]
        except TelegramError as error:
            raise Later(type(error).__name__) from error
        for transaction in listed:
            payer = transaction.source
            if isinstance(payer, TransactionPartnerUser) and (order_id := _order_id(payer.invoice_payload)):
                paid = self._paid(transaction.id, order_id, payer.user.id, transaction.amount)
                await self._service.shop.answer(paid, await self._service.shop.paid(paid))
        for transaction in listed:
            if isinstance(transaction.receiver, TransactionPartnerUser):
                await self._service.shop.refunded(PLATFORM, transaction.id)
        log.info("telegram.payments_reconciled", transactions=len(listed))

    async def _transactions(self) -> list[StarTransaction]:
        listed: list[StarTransaction] = []
        while True:
            page = await self._bot.get_star_transactions(offset=len(listed), limit=PAGE)
            listed += page.transactions
            if len(page.transactions) < PAGE:
                return listed

    async def _answer(self, query: PreCheckoutQuery) -> None:
        """Yes, or why not; where the store does not answer in time, that."""
        try:
            async with asyncio.timeout(self._answer_s):
                problem = await self._problem(query)
        except (StoreUnavailable, TimeoutError):
            problem = self._translator(None, query.from_user.language_code)("error-storage")
        try:
            await query.answer(problem is None, error_message=problem)
        except TelegramError as error:
            log.warning("telegram.checkout_unanswered", why=type(error).__name__)

    async def _problem(self, query: PreCheckoutQuery) -> str | None:
        """Why a payment must not go on."""
        order_id = _order_id(query.invoice_payload) or ""
        member = await self._service.store.members.of(PLATFORM, str(query.from_user.id))
        try:
            await self._service.shop.check(order_id, query.total_amount, query.currency, member.key)
        except UserError as error:
            return self._translator(member.language, query.from_user.language_code)(error.message)
        return None

    def _paid(self, charge: str, order_id: str, user_id: int, amount: int, *, begins: bool = False) -> Paid:
        worth_micro, fee_micro = self.worth_micro(amount)
        return Paid(
            PLATFORM, charge, order_id, str(user_id), amount, CURRENCY, worth_micro, fee_micro, begins
        )

    def _translator(self, own: str | None, locale: str | None) -> Translator:
        """The member's own language, else the app's, else the configured one."""
        return translator(own or locale or self._service.config.language)


def _order_id(payload: str | None) -> str | None:
    """The order of an invoice, where it is one of ours."""
    return payload.removeprefix(MARK) if payload and payload.startswith(MARK) else None
