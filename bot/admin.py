"""What owners and server admins do: tiers, grants, bans, pause, the state of queue and GPU, server settings.

Each change carries who made it and why into the store's audit log. A face finds out who is meant (a mention,
a reply, an id) and shows the card; owners are checked here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot import refusals, render
from bot.commands import Card
from bot.messages import LANGUAGES, UserError, say
from bot.pricing import money
from storage.errors import StoreUnavailable
from storage.sessions import LINK_LIFE_US

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config import Config
    from bot.messages import Translator
    from bot.render import Fact
    from bot.service import Asker, Service
    from engine.snapshot import WorkerSnapshot
    from engine.telemetry import GpuSample
    from storage.records import Identity, Member
    from storage.store import Store

MAX_GRANT = 1_000_000
LINK_MINUTES = LINK_LIFE_US // 60_000_000
ON, OFF = ("on", "yes", "true", "1", "开", "是"), ("off", "no", "false", "0", "关", "否")


class Nsfw(StrEnum):
    """Where a server lets adult pictures be asked for."""

    BLOCK = "block"
    MARKED = "marked"
    """Only in channels that the platform marks as adult."""
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """A server's or group's own rules. Empty `channels` allow all; `roles` map role ids to tiers."""

    channels: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    preview: bool = True
    language: str | None = None
    nsfw: Nsfw = Nsfw.MARKED

    def allows(self, channel_id: str) -> bool:
        return not self.channels or channel_id in self.channels

    def tier_for(self, role_ids: frozenset[str] | set[str], order: tuple[str, ...]) -> str | None:
        """The highest tier that any of a member's roles grants; `order` runs from the lowest."""
        granted = [tier for role, tier in self.roles.items() if role in role_ids and tier in order]
        return max(granted, key=order.index, default=None)


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
    await service.store.set_tier(member.key, names[name.lower()], end, by=by, why=why)
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
    await service.store.grant(member.key, int(images), by=by, why=why, key=key)
    quota = await service.store.quota(member.key)
    return Card(t("admin-granted", member=_label(who), images=int(images), topup=quota.topup))


async def ban(service: Service, asker: Asker, who: Identity, t: Translator, *, why: str = "") -> Card:
    """Nothing more is drawn for this member; what they have waiting is cancelled."""
    member, by = await _change(service, asker, who)
    await service.store.ban(member.key, by=by, why=why)
    for live in service.waiting(member.key):
        await service.cancel(live.request_id, by=None)
    return Card(t("admin-banned", member=_label(who)))


async def unban(service: Service, asker: Asker, who: Identity, t: Translator, *, why: str = "") -> Card:
    """The member may draw again."""
    member, by = await _change(service, asker, who)
    await service.store.unban(member.key, by=by, why=why)
    return Card(t("admin-unbanned", member=_label(who)))


# the machine


async def pause(service: Service, asker: Asker, t: Translator) -> Card:
    """Start nothing new; what is being drawn goes on, what is asked for waits."""
    require_owner(service, asker)
    service.engine.pause_admission()
    return Card(t("admin-paused"))


async def resume(service: Service, asker: Asker, t: Translator) -> Card:
    """Draw again."""
    require_owner(service, asker)
    service.engine.resume_admission()
    return Card(t("admin-resumed"))


async def cancel(service: Service, asker: Asker, request_id: str, t: Translator) -> Card:
    """Somebody's request is drawn no further; they are told, and it counts as a cancel of their own."""
    require_owner(service, asker)
    if not await service.cancel(request_id, by=None):
        raise UserError(say("page-too-late"))
    return Card(t("cancel-asked"))


async def page_link(store: Store, config: Config, asker: Asker, t: Translator) -> Card:
    """A link that opens the owner's page once. The face sees to it that nobody else reads the answer."""
    if not is_owner(config, asker):
        raise UserError(say("error-owner"))
    if not config.http.enabled:
        raise UserError(say("page-off"))
    member = await store.member(asker.platform, asker.user_id)
    url = f"{config.http.url}/admin/enter?link={await store.session_link(member.key)}"
    return Card(t("page-link-title"), text=t("page-link-about", minutes=LINK_MINUTES), link=url)


async def stats_queue(service: Service, asker: Asker, t: Translator) -> Card:
    """Who waits, how long, and what is being drawn."""
    require_owner(service, asker)
    state = service.engine.snapshot()
    lanes = ", ".join(f"{lane} {count}" for lane, count in state.waiting.items() if count)
    facts: list[Fact] = [
        (t("queue-waiting"), str(sum(state.waiting.values()))),
        (t("stats-tier"), lanes or t("stats-none")),
        (t("queue-oldest"), render.duration(state.oldest_wait_s) if state.oldest_wait_s else "-"),
        (t("queue-work"), render.duration(state.queued_s) if state.queued_s else "-"),
        (t("queue-active"), f"{state.active} / {state.cap}"),
        (t("queue-ended"), f"{state.done} / {state.failed} / {state.cancelled}"),
    ]
    text = t("admin-paused") if state.admission_paused else ""
    return Card(t("queue-title-owner"), tuple(facts), text)


async def stats_gpu(service: Service, asker: Asker, t: Translator) -> Card:
    """The device: telemetry where there is any, memory, out-of-memory and time-outs since the start."""
    require_owner(service, asker)
    state = service.engine.snapshot()
    facts: list[Fact] = [(t("gpu-model"), state.model)]
    if state.gpu is not None:
        facts += _gpu_facts(state.gpu, t)
    if state.memory_budget_bytes:
        facts.append((t("gpu-budget"), _gigabytes(state.memory_budget_bytes)))
    facts += [
        (t("gpu-resident"), _gigabytes(state.resident_bytes)),
        (t("gpu-oom"), str(state.out_of_memory)),
        (t("gpu-timeouts"), str(state.timeouts)),
    ]
    facts += [_worker_fact(service, worker, t) for worker in state.workers]
    return Card(t("gpu-title"), tuple(facts), "" if state.gpu or state.workers else t("gpu-none"))


def _worker_fact(service: Service, worker: WorkerSnapshot, t: Translator) -> Fact:
    """One worker of a cluster: what it does, and what its hour costs."""
    rate = service.pricing.rate(worker.device)
    micro = rate.rent_micro_per_hour + rate.operations_micro_per_hour
    price = money(micro, service.pricing.currency, t.language)
    told = t(
        "gpu-worker",
        state=worker.state,
        held=worker.held,
        window=worker.window,
        done=worker.done,
        failed=worker.failed,
        price=price,
    )
    return worker.device, told


# servers and groups


def scope_of(platform: str, server_id: str) -> str:
    """The store's name for a server's settings."""
    return f"{platform}:{server_id}"


async def server_settings(service: Service, platform: str, server_id: str | None) -> ServerSettings:
    """A server's rules; the defaults in a private chat, and while the store cannot be read."""
    if server_id is None:
        return ServerSettings()
    try:
        kept = await service.store.settings(scope_of(platform, server_id))
    except StoreUnavailable:
        return ServerSettings()
    return ServerSettings(
        channels=tuple(kept.get("channels", ())),
        roles=dict(kept.get("roles", {})),
        preview=bool(kept.get("preview", True)),
        language=kept.get("language"),
        nsfw=Nsfw(kept.get("nsfw", Nsfw.MARKED)),
    )


async def settings_card(service: Service, platform: str, server_id: str, t: Translator) -> Card:
    """`/settings`: a server's rules as they stand."""
    rules = await server_settings(service, platform, server_id)
    roles = ", ".join(f"{role} → {name}" for role, name in rules.roles.items())
    facts = (
        (t("settings-channels"), ", ".join(rules.channels) or t("settings-everywhere")),
        (t("settings-roles"), roles or t("stats-none")),
        (t("settings-preview"), t("settings-on" if rules.preview else "settings-off")),
        (t("settings-language"), rules.language or t("settings-auto")),
        (t("settings-nsfw"), t(f"settings-nsfw-{rules.nsfw}")),
    )
    return Card(t("settings-title"), facts)


async def set_channel(
    service: Service, asker: Asker, channel_id: str, *, allowed: bool, t: Translator, why: str = ""
) -> Card:
    """Add a channel to the allowed ones, or take it off; none left means everywhere."""
    rules = await server_settings(service, asker.platform, asker.server_id)
    kept = [channel for channel in rules.channels if channel != channel_id]
    return await _set(service, asker, "channels", [*kept, channel_id] if allowed else kept, t, why)


async def set_role(
    service: Service, asker: Asker, role_id: str, tier_name: str | None, t: Translator, why: str = ""
) -> Card:
    """Let a role stand for a tier here; None takes that back. For owners: tiers are theirs to give."""
    require_owner(service, asker)
    if tier_name is not None and tier_name not in service.config.tiers:
        allowed = ", ".join(service.config.tiers)
        raise UserError(say("error-choice", option="tier", found=tier_name, allowed=allowed))
    rules = await server_settings(service, asker.platform, asker.server_id)
    roles = {role: name for role, name in rules.roles.items() if role != role_id}
    if tier_name is not None:
        roles[role_id] = tier_name
    return await _set(service, asker, "roles", roles, t, why)


async def set_option(
    service: Service, asker: Asker, name: str, value: str, t: Translator, why: str = ""
) -> Card:
    """Set `preview` (on, off), `language` (en, zh-CN, auto) or `nsfw` (block, marked, allow) of a server."""
    word = value.strip().lower()
    choices: dict[str, dict[str, Any]] = {
        "preview": {**dict.fromkeys(ON, True), **dict.fromkeys(OFF, False)},
        "language": {**{known.lower(): known for known in LANGUAGES}, "auto": None},
        "nsfw": {rule.value: rule.value for rule in Nsfw},
    }
    if name not in choices:
        raise UserError(say("error-choice", option="setting", found=name, allowed=", ".join(choices)))
    if word not in choices[name]:
        allowed = "on, off" if name == "preview" else ", ".join(choices[name])
        raise UserError(say("error-choice", option=name, found=value, allowed=allowed))
    return await _set(service, asker, name, choices[name][word], t, why)


async def _set(service: Service, asker: Asker, key: str, value: object, t: Translator, why: str) -> Card:
    if asker.server_id is None:
        raise UserError(say("error-server-only"))
    by = (await service.member(asker)).key
    kept = value if value not in ([], {}) else None
    await service.store.set_setting(scope_of(asker.platform, asker.server_id), key, kept, by=by, why=why)
    return await settings_card(service, asker.platform, asker.server_id, t)


async def _change(service: Service, asker: Asker, who: Identity) -> tuple[Member, str]:
    """The member who is meant, and who is doing it."""
    require_owner(service, asker)
    by = (await service.member(asker)).key
    return await service.store.member(who.platform, who.user_id), by


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


def _gpu_facts(gpu: GpuSample, t: Translator) -> list[Fact]:
    """What the driver tells; what it does not tell is left out."""
    told: list[tuple[str, object, str]] = [
        ("gpu-device", gpu.name, ""),
        ("gpu-load", gpu.utilisation_percent, " %"),
        ("gpu-temperature", gpu.temperature_c, " °C"),
        ("gpu-power", gpu.power_w and round(gpu.power_w), " W"),
        ("gpu-clock", gpu.sm_clock_mhz, " MHz"),
        ("gpu-others", gpu.others and len(gpu.others), ""),
    ]
    facts = [(t(label), f"{value}{unit}") for label, value, unit in told if value is not None]
    if gpu.memory_used_bytes is not None and gpu.memory_total_bytes is not None:
        memory = f"{_gigabytes(gpu.memory_used_bytes)} / {_gigabytes(gpu.memory_total_bytes)}"
        facts.append((t("gpu-memory"), memory))
    return facts


def _gigabytes(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB"
