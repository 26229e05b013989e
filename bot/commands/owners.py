"""What owners do: tiers, grants, bans, pause, a link to their page.

Each change carries who made it and why into the store's audit log. A face finds out who is meant (a mention,
a reply, an id) and shows the card; owners are checked here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from bot.imagine import refusals
from bot.messages import UserError, say
from bot.render import Card
from storage.records import CancelledBy
from storage.sessions import LINK_LIFE_US

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.imagine.service import Asker, Service
    from bot.messages import Translator
    from storage.records import Identity, Member
    from storage.store import Store

MAX_GRANT = 1_000_000
LINK_MINUTES = LINK_LIFE_US // 60_000_000


# who may


def is_owner(config: Config, asker: Asker) -> bool:
    """Whether bot.toml names this account; whoever sits at the terminal owns the machine anyway."""
    owners: tuple[int, ...] = getattr(config.owners, asker.platform, ())
    return asker.platform == "console" or asker.user_id in {str(owner) for owner in owners}


def require_owner(service: Service, asker: Asker) -> None:
    """Raises `UserError` for everybody else."""
    if not is_owner(service.config, asker):
        raise UserError(say("error-owner"))


# members


async def tier(
    service: Service, asker: Asker, who: Identity, name: str, t: Translator, *, until: str = "", why: str = ""
) -> Card:
    """Give a member another tier, for good or `until` a date (2026-12-31)."""
    member, by = await _change(service, asker, who)
    names = {known.lower(): known for known in service.config.tiers}
    if name.lower() not in names:
        raise UserError(say("error-choice", option="tier", found=name, allowed=", ".join(names)))
    end = _date(service, until)
    await service.store.members.set_tier(member.key, names[name.lower()], end, by=by, why=why)
    if end is None:
        return Card(t("admin-tier", member=_label(who), tier=names[name.lower()]))
    day = refusals.day(end, t.language)
    return Card(t("admin-tier-until", member=_label(who), tier=names[name.lower()], until=day))


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
    if not images.isascii() or not images.isdigit() or not 1 <= int(images[:8]) <= MAX_GRANT:
        raise UserError(say("error-range", option="images", found=images, low="1", high=str(MAX_GRANT)))
    await service.store.members.grant(member.key, int(images), by=by, why=why, key=key)
    quota = await service.store.members.quota(member.key)
    return Card(t("admin-granted", member=_label(who), images=int(images), topup=quota.topup))


async def ban(service: Service, asker: Asker, who: Identity, t: Translator, *, why: str = "") -> Card:
    """Nothing more is drawn for this member; what they have waiting is cancelled."""
    member, by = await _change(service, asker, who)
    await service.store.members.ban(member.key, by=by, why=why)
    for live in service.waiting(member.key):
        await service.cancel(live.request_id, None, by=CancelledBy.MODERATOR)
    return Card(t("admin-banned", member=_label(who)))


async def unban(service: Service, asker: Asker, who: Identity, t: Translator, *, why: str = "") -> Card:
    """The member may draw again."""
    member, by = await _change(service, asker, who)
    await service.store.members.unban(member.key, by=by, why=why)
    return Card(t("admin-unbanned", member=_label(who)))


# the machine


async def pause(service: Service, asker: Asker, t: Translator) -> Card:
    """Start nothing new; what is being drawn goes on, what is asked for waits."""
    require_owner(service, asker)
    for model in service.models:
        model.backend.pause_admission()
    return Card(t("admin-paused"))


async def resume(service: Service, asker: Asker, t: Translator) -> Card:
    """Draw again."""
    require_owner(service, asker)
    for model in service.models:
        model.backend.resume_admission()
    return Card(t("admin-resumed"))


async def cancel(service: Service, asker: Asker, request_id: str, t: Translator) -> Card:
    """Somebody's request is drawn no further; they are told, and charged nothing."""
    require_owner(service, asker)
    if not await service.cancel(request_id, None, by=CancelledBy.MODERATOR):
        raise UserError(say("page-too-late"))
    return Card(t("cancel-asked"))


async def page_link(store: Store, config: Config, asker: Asker, t: Translator) -> Card:
    """A link that opens the owner's page once. The face sees to it that nobody else reads the answer."""
    if not is_owner(config, asker):
        raise UserError(say("error-owner"))
    if not config.http.enabled:
        raise UserError(say("page-off"))
    member = await store.members.of(asker.platform, asker.user_id)
    url = f"{config.http.url}/admin/enter?link={await store.sessions.link(member.key)}"
    return Card(t("page-link-title"), text=t("page-link-about", minutes=LINK_MINUTES), link=url)


async def _change(service: Service, asker: Asker, who: Identity) -> tuple[Member, str]:
    """The member who is meant, and who is doing it."""
    require_owner(service, asker)
    by = (await service.member(asker)).key
    return await service.store.members.of(who.platform, who.user_id), by


def _date(service: Service, text: str) -> dt.datetime | None:
    """The end of that day where the bot's months begin."""
    if not text.strip():
        return None
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError:
        raise UserError(say("error-date", found=text)) from None
    return dt.datetime.combine(day, dt.time.max, service.config.zone)


def _label(who: Identity) -> str:
    return f"{who.platform} {who.user_id}"
