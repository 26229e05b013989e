"""Telegram in a process that no kill reaches: the stand-in with its till, and people who press buttons, pay,
pay twice, have it paid back, draw and give away. Of a payment the bot is told once, five times or never.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.bot.telegram.conftest import OWNER
from tests.bot.telegram.standin import StandIn

if TYPE_CHECKING:
    import mmap
    from collections.abc import Awaitable
    from pathlib import Path

    from tests.bot.telegram.till import Charge, Invoice

CLOSING, QUIET, OVER, TRUTH = "closing", "quiet", "over", "telegram.json"
"""Files by which the processes talk: buy nothing more; all is answered; the last life ended; the charges."""
OFFERS: dict[str, Any] = {
    "boost": {"images": 10, "stars": 150, "discord_sku": 5001, "discord_cents": 299},
    "week": {"tier": "member", "days": 7, "stars": 120},
    "month": {"tier": "member", "days": 30, "stars": 400, "renews": True},
    "gold": {"tier": "premium", "days": 30, "discord_sku": 5002, "discord_cents": 499},
}
FATES = (
    "told",
    "told",
    "told five times",
    "never told",
    "paid twice",
    "refunded",
    "taken back",
    "given",
    "drawn",
)
PATIENCE_S, END_S = 4.0, 300.0
"""How long somebody waits for an answer, which a kill may have taken; and all of them for the last one."""


class Counted(StandIn):
    """Tells another process how often it was asked something."""

    def __init__(self, count: mmap.mmap) -> None:
        super().__init__()
        self._count = count

    def note(self, method: str, fields: dict[str, Any], status: int) -> None:
        super().note(method, fields, status)
        self._count[:] = len(self.calls).to_bytes(len(self._count), "little")


def be_telegram(folder: Path, seed: int, people: int, port: int, count: mmap.mmap) -> None:
    """The whole process; the port it listens on is written to the pipe `port`."""
    asyncio.run(_serve(folder, seed, people, port, count))


async def _serve(folder: Path, seed: int, people: int, port: int, count: mmap.mmap) -> None:
    logging.disable()  # connections that end with a killed bot
    telegram = Counted(count)
    runner = web.AppRunner(telegram.app(), access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    os.write(port, str(runner.addresses[0][1]).encode())
    os.close(port)
    buyers = [Buyer(telegram, folder, n, random.Random(seed * 1000 + n)) for n in range(1, people + 1)]
    await asyncio.gather(*(buyer.live() for buyer in buyers))
    await telegram.until(lambda: not telegram.unconfirmed, END_S)
    (folder / QUIET).touch()
    await telegram.until((folder / OVER).exists, END_S)
    charges = {charge.id: charge.refunded for charge in telegram.till.charges.values()}
    (folder / TRUTH).write_text(json.dumps({"charges": charges, "complaints": telegram.complaints}))


class Buyer:
    """Somebody with a phone. Whatever the bot does not answer is tried anew."""

    def __init__(self, telegram: StandIn, folder: Path, user: int, chance: random.Random) -> None:
        self._telegram, self._till = telegram, telegram.till
        self._folder, self._user, self._chance = folder, user, chance

    async def live(self) -> None:
        """Buy until the shop closes."""
        while not (self._folder / CLOSING).exists():
            if (
                invoice := await self._order(self._chance.choice(["boost", "boost", "week", "month"]))
            ) is None:
                continue
            charge = await self._pay(invoice)
            if charge is not None:
                await self._go_on(charge, self._chance.choice(FATES))
            await asyncio.sleep(self._chance.uniform(0, 0.05))

    async def _order(self, offer: str) -> Invoice | None:
        """Type /plans, and press a button; the invoice, where it comes."""
        known = len(self._till.invoices)
        seen = len(self._telegram.messages(self._user))
        await self._telegram.say(self._user, "/plans")
        shown = await self._until(
            lambda: [m for m in self._telegram.messages(self._user)[seen:] if "buy" in m.buttons]
        )
        if not shown:
            return None
        with contextlib.suppress(StopIteration):
            await self._telegram.press(self._user, shown[-1], f"buy:{offer}")
        found = await self._until(lambda: [i for i in self._till.invoices[known:] if self._is_mine(i)])
        return found[-1] if found else None

    def _is_mine(self, invoice: Invoice) -> bool:
        if invoice.chat is not None:
            return invoice.chat == self._user
        return any(invoice.url in message.text for message in self._telegram.messages(self._user))

    async def _pay(self, invoice: Invoice) -> Charge | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                if await self._till.ask(self._user, invoice) is not None:
                    return None
        except TimeoutError:  # a real one waits ten seconds, and says so
            return None
        return self._till.charge(self._user, invoice)

    async def _go_on(self, charge: Charge, fate: str) -> None:
        """What becomes of a payment."""
        if fate == "never told":  # the list of transactions has it
            return
        update = await self._till.tell(charge)
        match fate:
            case "told five times":
                for _ in range(4):
                    self._telegram.redeliver(update)
            case "paid twice":
                await self._till.tell(self._till.charge(self._user, charge.invoice))
            case "refunded":
                order_id = charge.invoice.payload.removeprefix("easel:")
                await self._telegram.say(OWNER, f"/refund {order_id} asked for it")
            case "taken back":
                self._till.take_back(charge)
                if self._chance.random() < 0.5:
                    await self._till.tell_refund(charge)
            case "given":
                await self._telegram.say(self._user, f"/gift {self._chance.randint(1, 9)} 3")
            case "drawn":
                await self._telegram.say(self._user, "/imagine a cat --images 2")
            case _:
                if charge.invoice.period_s and charge.first not in self._till.ended:
                    await self._till.renew(charge)

    async def _until(self, true: Any) -> Any:
        wait: Awaitable[Any] = self._telegram.until(true, PATIENCE_S)
        try:
            return await wait
        except TimeoutError:
            return None
