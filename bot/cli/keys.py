"""`easel key create|list|revoke`: API keys. Works while the bot runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.cli.running import (
    ConfigOption,
    console,
    errors,
    read_settings,
    translator_for,
    user_name,
    with_store,
)
from bot.commands.owners import end_of_day
from bot.config.section import MICRO
from bot.imagine.pricing import money
from bot.messages import UserError, say
from storage.clock import utc_us
from storage.keys import PLATFORM
from storage.records.members import KeyScope

if TYPE_CHECKING:
    from rich.console import Console

    from bot.config.schema import Config
    from storage.records.members import ApiKey
    from storage.store import Store

app = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API. Works while the bot runs.")

LONGEST_LABEL = 64
MOST_CAP = 1_000_000_000


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What the owner asked for, word for word."""

    label: str
    tier: str = "enterprise"
    scopes: tuple[str, ...] = tuple(KeyScope)
    expires: str | None = None
    cap: str | None = None


@app.command("create")
def create_key(
    label: Annotated[str, typer.Argument(help="A name for it.")],
    tier: Annotated[str, typer.Option(help="The tier its images are drawn and billed by.")] = "enterprise",
    scope: Annotated[list[str] | None, typer.Option(help="images or usage; both by default.")] = None,
    expires: Annotated[str | None, typer.Option(help="Its last valid day, such as 2026-12-31.")] = None,
    cap: Annotated[str | None, typer.Option(help="The most its images may cost per month.")] = None,
    config: ConfigOption = None,
) -> None:
    """Create a key and print it, this once."""
    terms = KeyTerms(label, tier, tuple(scope or KeyScope), expires, cap)
    with_store(
        read_settings(config),
        lambda settings, store: create(console, errors, settings, store, terms),
        create=True,
    )


@app.command("list")
def list_keys(config: ConfigOption = None) -> None:
    """List all keys, without their secrets."""
    with_store(read_settings(config), lambda settings, store: show(console, settings, store))


@app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="The first part of the key, as `easel key list` shows it.")],
    why: Annotated[str, typer.Option(help="The reason, for the records.")] = "",
    forget: Annotated[bool, typer.Option("--forget", help="Erase its prompts and pictures, too.")] = False,
    config: ConfigOption = None,
) -> None:
    """Revoke a key for good."""
    with_store(
        read_settings(config),
        lambda settings, store: revoke(console, settings, store, prefix, why, forget=forget),
    )


async def create(console: Console, errors: Console, config: Config, store: Store, terms: KeyTerms) -> None:
    """Make a key and print it, this once: the key alone on `console`, what there is to say on `errors`.

    Raises UserError, and UnknownTier from the store.
    """
    t = translator_for(config)
    label = terms.label.strip()
    if not label.isprintable() or not 0 < len(label) <= LONGEST_LABEL:
        raise UserError(say("key-label-form", limit=LONGEST_LABEL))
    for scope in terms.scopes:
        if scope not in tuple(KeyScope):
            raise UserError(say("error-choice", option="scope", found=scope, allowed=", ".join(KeyScope)))
    text, key = await store.keys.create(
        label,
        scopes=frozenset(map(KeyScope, terms.scopes)),
        tier=terms.tier,
        by=_by(),
        expires_at=None if terms.expires is None else end_of_day(config, terms.expires),
        spend_cap_micro=_micro(terms.cap),
    )
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    errors.print(t("key-created", prefix=key.prefix), markup=False)


async def show(console: Console, config: Config, store: Store) -> None:
    """All keys, newest first; of each what may be seen."""
    t = translator_for(config)
    keys = await store.keys.all()
    if not keys:
        console.print(t("key-none"), markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for column in (
        "key-prefix",
        "key-label",
        "key-tier",
        "key-scopes",
        "key-expires",
        "key-cap",
        "key-state",
    ):
        table.add_column(t(column), overflow="fold")
    for key in keys:
        member = await store.members.get(key.member)
        cap = key.spend_cap_micro
        table.add_row(
            key.prefix,
            key.label,
            member.tier,
            ", ".join(sorted(key.scopes)),
            "" if key.expires_at is None else f"{key.expires_at.astimezone(config.zone):%Y-%m-%d}",
            "" if cap is None else money(cap, config.currency, t.language),
            t(_state(key)),
        )
    console.print(table, markup=False)


async def revoke(
    console: Console, config: Config, store: Store, prefix: str, why: str, *, forget: bool = False
) -> None:
    """Take a key back for good; with `forget`, also one that is revoked, with all that was drawn for it.

    Raises UserError where no such key begins so.
    """
    prefix, t = prefix.removeprefix("easel_").split("_")[0], translator_for(config)
    revoked = await store.keys.revoke(prefix, by=_by(), why=why)
    member = await store.members.find(PLATFORM, prefix) if forget else None
    if not revoked and member is None:
        raise UserError(say("key-unknown", prefix=prefix))
    console.print(t("key-revoked", prefix=prefix), markup=False)
    if member is not None:
        gone = await store.members.forget(member.key)
        text = t("forget-done", requests=gone.requests, images=gone.images, days=gone.backups_keep_days)
        console.print(text, markup=False)


def _by() -> str:
    return f"console:{user_name()}"


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "key-state-revoked"
    if key.expires_at is not None and key.expires_at <= dt.datetime.fromtimestamp(utc_us() / 1e6, dt.UTC):
        return "key-state-expired"
    return "key-state-live"


def _micro(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise UserError(say("key-cap-form", found=text)) from None
    if not amount.is_finite() or not 1 <= amount * MICRO <= MOST_CAP * MICRO:
        raise UserError(say("key-cap-form", found=text))
    return int(amount * MICRO)
