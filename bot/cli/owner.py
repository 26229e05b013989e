"""`easel tier|grant|ban|unban|pause|resume`: an owner's day without a chat. Works while the bot runs.

The commands write into the store, where the running bot looks for them (bot.background.owner_changes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.database import find_member
from bot.cli.running import (
    ConfigOption,
    MemberArgument,
    console,
    read_settings,
    translator_for,
    user_name,
    with_store,
)
from bot.commands.owners import account_names, checked_images, checked_tier, told_of_tier
from storage.settings import BOT, Setting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.config.schema import Config
    from storage.store import Store

app = typer.Typer()

Why = Annotated[str, typer.Option(help="For the audit log.")]


@dataclass(frozen=True, slots=True)
class Meant:
    """The member that a command is about, and who gives it: whoever sits here owns the machine."""

    key: str
    name: str
    by: str


@app.command()
def tier(
    member: MemberArgument,
    tier: Annotated[str, typer.Argument(help="One of bot.toml's tiers.")],
    until: Annotated[
        str | None, typer.Option(help="Its last day, such as 2026-12-31; otherwise for good.")
    ] = None,
    why: Why = "",
    config: ConfigOption = None,
) -> None:
    """Give a member another tier."""

    async def give(settings: Config, store: Store, of: Meant) -> str:
        name, end = checked_tier(settings, tier, until)
        await store.members.set_tier(of.key, name, end, by=of.by, why=why)
        return told_of_tier(of.name, name, end, translator_for(settings))

    _change(config, member, give)


@app.command()
def grant(
    member: MemberArgument,
    images: Annotated[str, typer.Argument(help="How many; they last until used.")],
    why: Why = "",
    config: ConfigOption = None,
) -> None:
    """Give a member extra images."""

    async def give(settings: Config, store: Store, of: Meant) -> str:
        count = checked_images(images)
        await store.members.grant(of.key, count, by=of.by, why=why)
        topup = (await store.members.quota(of.key)).topup
        return translator_for(settings)("admin-granted", member=of.name, images=count, topup=topup)

    _change(config, member, give)


@app.command()
def ban(member: MemberArgument, why: Why = "", config: ConfigOption = None) -> None:
    """Draw nothing more for a member; what they have waiting is cancelled."""

    async def shut_out(settings: Config, store: Store, of: Meant) -> str:
        await store.members.ban(of.key, by=of.by, why=why)
        return translator_for(settings)("admin-banned", member=of.name)

    _change(config, member, shut_out)


@app.command()
def unban(member: MemberArgument, why: Why = "", config: ConfigOption = None) -> None:
    """Let a member draw again."""

    async def let_in(settings: Config, store: Store, of: Meant) -> str:
        await store.members.unban(of.key, by=of.by, why=why)
        return translator_for(settings)("admin-unbanned", member=of.name)

    _change(config, member, let_in)


@app.command()
def pause(config: ConfigOption = None) -> None:
    """Start no new pictures until `easel resume`; what is being drawn goes on, what is asked for waits."""
    _hold(config, paused=True)


@app.command()
def resume(config: ConfigOption = None) -> None:
    """Draw again."""
    _hold(config, paused=False)


def _hold(config: ConfigOption, *, paused: bool) -> None:
    settings = read_settings(config)

    async def write(store: Store) -> None:
        by = (await store.members.of("console", user_name())).key
        await store.settings.set(BOT, Setting.PAUSED, paused or None, by=by)

    with_store(settings, lambda _, store: write(store))
    _say(translator_for(settings)("admin-paused-here" if paused else "admin-resumed"))


def _change(
    config: ConfigOption, text: str, change: Callable[[Config, Store, Meant], Awaitable[str]]
) -> None:
    """Find the member, change something of theirs, and say what was done."""

    async def work(settings: Config, store: Store) -> str:
        found = await find_member(store, text)
        by = (await store.members.of("console", user_name())).key
        name = account_names(await store.members.identities(found.key))
        return await change(settings, store, Meant(found.key, name, by))

    _say(with_store(read_settings(config), work))


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
