"""What owners do: tiers, grants, bans, pause, the audit log, a link to their page.

Each change carries who made it and why into the store's audit log. A face finds out who is meant (a mention,
a reply, an id) and shows the card. Nobody is checked here: a `Command` says who may use it, and the owner's
page lets only owners in.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from babel.dates import format_datetime

from bot.commands.command import Argument, Command, Kind
from bot.faces.caller import Who
from bot.imagine import refusals
from bot.messages import Names, UserError, say
from bot.render import Card
from storage.clock import utc_us
from storage.errors import UnknownJob, UnknownMember, WrongState
from storage.records.requests import CancelledBy
from storage.sessions import LINK_LIFE_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.commands.command import Given
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.members import AuditRow, Identity, Member
    from storage.store import Store

MAX_GRANT = 1_000_000
AUDITED = 15
"""Entries of the audit log that are shown: a Discord embed takes 25."""
LINK_MINUTES = LINK_LIFE_US // 60_000_000


# members


async def tier(
    service: Service, asker: Asker, who: Identity, name: str, t: Translator, *, until: str = "", why: str = ""
) -> Card:
    """Give a member another tier, for good or `until` a date (2026-12-31)."""
    member, by = await _change(service, asker, who)
    tier, end = checked_tier(service.config, name, until.strip() or None)
    await service.store.members.set_tier(member.key, tier, end, by=by, why=why)
    return Card(told_of_tier(_label(who), tier, end, t))


async def grant(
    service: Service,
    asker: Asker,
    who: Identity,
    images: str,
    t: Translator,
    *,
    why: str = "",
    key: str | None = None,
) -> Card:
    """Add images that last until used. `key` (the platform's event id) makes a redelivery credit once."""
    member, by = await _change(service, asker, who)
    count = checked_images(images)
    await service.store.members.grant(member.key, count, by=by, why=why, key=key)
    quota = await service.store.members.quota(member.key)
    return Card(t("admin-granted", member=_label(who), images=count, topup=quota.topup))


async def ban(service: Service, asker: Asker, who: Identity, t: Translator, *, why: str = "") -> Card:
    """Nothing more is drawn for this member; what they have waiting is cancelled."""
    member, by = await _change(service, asker, who)
    await service.store.members.ban(member.key, by=by, why=why)
    for live in service.requests.unfinished(member.key):
        service.requests.cancel(live.request_id, None, by=CancelledBy.MODERATOR)
    return Card(t("admin-banned", member=_label(who)))


async def unban(service: Service, asker: Asker, who: Identity, t: Translator, *, why: str = "") -> Card:
    """The member may draw again."""
    member, by = await _change(service, asker, who)
    await service.store.members.unban(member.key, by=by, why=why)
    return Card(t("admin-unbanned", member=_label(who)))


async def remove(service: Service, asker: Asker, job_id: str, t: Translator, *, why: str = "") -> Card:
    """A picture is taken away for good, here and from /history; messages that show it stay."""
    by = (await service.members.of(asker)).key
    try:
        await service.store.pictures.delete(job_id, by=by, why=why)
    except (UnknownJob, WrongState):
        raise UserError(say("page-too-early")) from None
    return Card(t("page-removed"))


async def remove_source(service: Service, asker: Asker, digest: str, t: Translator, *, why: str = "") -> Card:
    """A picture that came with requests is taken away for good; what was drawn from it stays."""
    by = (await service.members.of(asker)).key
    await service.inputs.delete(digest, by=by, why=why)
    return Card(t("page-removed"))


# what an owner typed


def checked_tier(config: Config, name: str, until: str | None) -> tuple[str, dt.datetime | None]:
    """The tier as bot.toml writes it, and the end of its last day. Raises UserError."""
    names = {known.lower(): known for known in config.tiers}
    if name.lower() not in names:
        raise UserError(
            say("error-choice", option=Names("opt", "tier"), found=name, allowed=", ".join(names))
        )
    return names[name.lower()], end_of_day(config, until) if until is not None else None


def checked_images(text: str) -> int:
    """How many images to grant. Raises UserError."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:8]) <= MAX_GRANT:
        raise UserError(
            say("error-range", option=Names("opt", "images"), found=text, low="1", high=str(MAX_GRANT))
        )
    return int(text)


def told_of_tier(member: str, tier: str, end: dt.datetime | None, t: Translator) -> str:
    """`discord 1 is on premium now.`"""
    if end is None:
        return t("admin-tier", member=member, tier=tier)
    return t("admin-tier-until", member=member, tier=tier, until=refusals.day(end, t.language))


# the machine


async def pause(service: Service, asker: Asker, t: Translator) -> Card:
    """Start nothing new; what is being drawn goes on, what is asked for waits."""
    await service.pausing.pause((await service.members.of(asker)).key)
    return Card(t("admin-paused"))


async def resume(service: Service, asker: Asker, t: Translator) -> Card:
    """Draw again."""
    await service.pausing.resume((await service.members.of(asker)).key)
    return Card(t("admin-resumed"))


async def cancel(service: Service, request_id: str, t: Translator) -> Card:
    """Somebody's request is drawn no further; they are told, and charged nothing."""
    if not service.requests.cancel(request_id, None, by=CancelledBy.MODERATOR):
        raise UserError(say("page-too-late"))
    return Card(t("cancel-asked"))


async def audit(service: Service, who: Identity | None, t: Translator) -> Card:
    """The newest entries of the audit log: all, or those about one member."""
    subject = None
    if who is not None:
        member = await service.store.members.find(who.platform, who.user_id)
        subject = member.key if member else str(who)
    rows = await service.store.audit.rows(subject=subject, limit=AUDITED)
    facts = tuple([(_moment(service, row.at, t), await _entry(service, row)) for row in rows])
    return Card(t("audit-title"), facts, "" if rows else t("stats-none"))


def require_page(config: Config) -> None:
    """Raises UserError where the owner's page is turned off."""
    if not config.http.enabled:
        raise UserError(say("page-off"))


async def page_link(store: Store, config: Config, asker: Asker, t: Translator) -> Card:
    """A link that opens the owner's page once. The face sees to it that nobody else reads the answer."""
    require_page(config)
    member = await store.members.of(asker.platform, asker.user_id)
    url = f"{config.http.url}/admin/enter?link={await store.sessions.link(member.key)}"
    return Card(t("page-link-title"), text=t("page-link-about", minutes=LINK_MINUTES), link=url)


async def _change(service: Service, asker: Asker, who: Identity) -> tuple[Member, str]:
    """The member who is meant, and who is doing it."""
    by = (await service.members.of(asker)).key
    return await service.store.members.of(who.platform, who.user_id), by


def end_of_day(config: Config, text: str) -> dt.datetime:
    """The end of a day that is not over, where the bot's months begin. Raises UserError."""
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError:
        raise UserError(say("error-date", found=text)) from None
    if day < dt.datetime.fromtimestamp(utc_us() / 1e6, config.zone).date():
        raise UserError(say("error-date-past", found=text))
    return dt.datetime.combine(day, dt.time.max, config.zone)


async def _entry(service: Service, row: AuditRow) -> str:
    """Who did what to whom, with what, and why."""
    by, subject = [await _named(service, name) for name in (row.by, row.subject)]
    detail = "" if row.detail == "{}" else f" {row.detail}"
    return f"{by}: {row.action} {subject}{detail}" + (f" · {row.why}" if row.why else "")


async def _named(service: Service, name: str) -> str:
    """The accounts behind a member's key; anything else as it is."""
    try:
        accounts = await service.store.members.identities(name)
    except UnknownMember:
        return name
    return account_names(accounts) or name


def _moment(service: Service, at: dt.datetime, t: Translator) -> str:
    return format_datetime(at.astimezone(service.config.zone), "short", locale=t.language.replace("-", "_"))


def account_names(accounts: Sequence[Identity]) -> str:
    """All accounts of one person."""
    return " = ".join(map(_label, accounts))


def _label(who: Identity) -> str:
    return f"{who.platform} {who.user_id}"


def tiers(config: Config) -> tuple[str, ...]:
    """The tiers that may be given."""
    return tuple(config.tiers)


async def _tier(service: Service, caller: Caller, given: Given) -> Card:
    until, why = given["until"], given["why"]
    return await tier(service, caller.asker, given.somebody, given["tier"], caller.t, until=until, why=why)


async def _grant(service: Service, caller: Caller, given: Given) -> Card:
    """A redelivered event credits once."""
    key = f"{caller.origin.platform}:{caller.key}"
    count, why = given["count"], given["why"]
    return await grant(service, caller.asker, given.somebody, count, caller.t, why=why, key=key)


async def _ban(service: Service, caller: Caller, given: Given) -> Card:
    return await ban(service, caller.asker, given.somebody, caller.t, why=given["why"])


async def _unban(service: Service, caller: Caller, given: Given) -> Card:
    return await unban(service, caller.asker, given.somebody, caller.t, why=given["why"])


async def _page(service: Service, caller: Caller, _: Given) -> Card:
    return await page_link(service.store, service.config, caller.asker, caller.t)


MEMBER, WHY = Argument("member", Kind.MEMBER, required=True), Argument("why", Kind.TEXT)
TIER, UNTIL = Argument("tier", required=True, choices=tiers), Argument("until", Kind.DATE)
COMMANDS = (
    Command("stats page", _page, who=Who.OWNER, alone=True),
    Command("tier set", _tier, (MEMBER, TIER, UNTIL, WHY), Who.OWNER),
    Command("grant", _grant, (MEMBER, Argument("count", Kind.NUMBER, required=True), WHY), Who.OWNER),
    Command("ban", _ban, (MEMBER, WHY), Who.OWNER),
    Command("unban", _unban, (MEMBER, WHY), Who.OWNER),
    Command("pause", lambda service, caller, _: pause(service, caller.asker, caller.t), who=Who.OWNER),
    Command("resume", lambda service, caller, _: resume(service, caller.asker, caller.t), who=Who.OWNER),
    Command(
        "audit",
        lambda service, caller, given: audit(service, given.member, caller.t),
        (Argument("member", Kind.MEMBER),),
        Who.OWNER,
        alone=True,
    ),
)
