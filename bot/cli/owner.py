"""`easel tier|grant|ban|unban|pause|resume`: an owner's day without a chat. Works while the bot runs.

The commands write into the store; the running bot looks there for what concerns it (bot.background.orders).
"""

from __future__ import annotations

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
    from storage.records.members import Member
    from storage.store import Store

app = typer.Typer()

Why = Annotated[str, typer.Option(help="For the audit log.")]


@app.command()
def tier(
    member: MemberArgument,
    tier: Annotated[str, typer.Argument(help="One of bot.toml's tiers.")],
    until: Annotated[str, typer.Option(help="Its last day, such as 2026-12-31; otherwise for good.")] = "",
    why: Why = "",
    config: ConfigOption = None,
) -> None:
    """Give a member another tier."""
    settings = read_settings(config)
    t = translator_for(settings)

    async def give(store: Store) -> str:
        found, by = await _both(store, member)
        name, end = checked_tier(settings, tier, until)
        await store.members.set_tier(found.key, name, end, by=by, why=why)
        return told_of_tier(await _name(store, found), name, end, t)

    _say(with_store(settings, lambda _, store: give(store)))


@app.command()
def grant(
    member: MemberArgument,
    images: Annotated[str, typer.Argument(help="How many; they last until used.")],
    why: Why = "",
    config: ConfigOption = None,
) -> None:
    """Give a member extra images."""
    settings = read_settings(config)
    t = translator_for(settings)

    async def give(store: Store) -> str:
        found, by = await _both(store, member)
        count = checked_images(images)
        await store.members.grant(found.key, count, by=by, why=why)
        quota = await store.members.quota(found.key)
        return t("admin-granted", member=await _name(store, found), images=count, topup=quota.topup)

    _say(with_store(settings, lambda _, store: give(store)))


@app.command()
def ban(member: MemberArgument, why: Why = "", config: ConfigOption = None) -> None:
    """Draw nothing more for a member; what they have waiting is cancelled."""
    settings = read_settings(config)
    t = translator_for(settings)

    async def shut_out(store: Store) -> str:
        found, by = await _both(store, member)
        await store.members.ban(found.key, by=by, why=why)
        return t("admin-banned", member=await _name(store, found))

    _say(with_store(settings, lambda _, store: shut_out(store)))


@app.command()
def unban(member: MemberArgument, why: Why = "", config: ConfigOption = None) -> None:
    """Let a member draw again."""
    settings = read_settings(config)
    t = translator_for(settings)

    async def let_in(store: Store) -> str:
        found, by = await _both(store, member)
        await store.members.unban(found.key, by=by, why=why)
        return t("admin-unbanned", member=await _name(store, found))

    _say(with_store(settings, lambda _, store: let_in(store)))


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


async def _both(store: Store, text: str) -> tuple[Member, str]:
    """The member who is meant, and who is doing it: whoever sits here owns the machine."""
    return await find_member(store, text), (await store.members.of("console", user_name())).key


async def _name(store: Store, member: Member) -> str:
    return account_names(await store.members.identities(member.key))


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
