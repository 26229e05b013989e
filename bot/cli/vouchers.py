"""`easel voucher create`: one-time codes for what bot.toml offers, made beside a running bot."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from bot.messages import UserError, say
from storage.goods import Goods

if TYPE_CHECKING:
    from rich.console import Console

    from bot.config.schema import Config
    from storage.store import Store

MAX_COUNT = 10_000


async def create(console: Console, config: Config, store: Store, offer: str, count: int) -> None:
    """Print new codes, one a line; they are not kept. Raises UserError."""
    found = config.offers.get(offer)
    if found is None:
        allowed = ", ".join(config.offers) or "-"
        raise UserError(say("error-choice", option="offer", found=offer, allowed=allowed))
    if not 1 <= count <= MAX_COUNT:
        raise UserError(say("error-range", option="count", found=str(count), low="1", high=str(MAX_COUNT)))
    goods = Goods(found.images, found.tier, found.days)
    by = f"console:{getpass.getuser()}"
    for code in await store.vouchers.create(offer, goods, count, by=by):
        console.print(code, markup=False, highlight=False)
