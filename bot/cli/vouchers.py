"""`easel voucher create`: one-time codes for what bot.toml offers, also while the bot runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.running import ConfigOption, console, read_settings, user_name, with_store
from bot.messages import UserError, say
from storage.goods import Goods

if TYPE_CHECKING:
    from rich.console import Console

    from bot.config.schema import Config
    from storage.store import Store

app = typer.Typer(no_args_is_help=True, help="Vouchers for what is sold. Works while the bot runs.")

MAX_COUNT = 10_000


@app.command("create")
def create_vouchers(
    offer: Annotated[str, typer.Option(help="What each code brings: a name under [offers] in bot.toml.")],
    count: Annotated[int, typer.Option(help="How many codes.")] = 1,
    config: ConfigOption = None,
) -> None:
    """Print one-time codes, this once."""
    with_store(read_settings(config), lambda settings, store: create(console, settings, store, offer, count))


async def create(console: Console, config: Config, store: Store, offer: str, count: int) -> None:
    """Print new codes, one a line; they are not kept. Raises UserError."""
    found = config.offers.get(offer)
    if found is None:
        allowed = ", ".join(config.offers) or "-"
        raise UserError(say("error-choice", option="offer", found=offer, allowed=allowed))
    if not 1 <= count <= MAX_COUNT:
        raise UserError(say("error-range", option="count", found=str(count), low="1", high=str(MAX_COUNT)))
    goods = Goods(found.images, found.tier, found.days)
    by = f"console:{user_name()}"
    for code in await store.vouchers.create(offer, goods, count, by=by):
        console.print(code, markup=False, highlight=False)
