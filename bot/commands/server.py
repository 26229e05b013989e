"""The rules of a server or group, which its admins set: channels, roles, preview, language, adult pictures.

Whoever manages the server may change them; what a role stands for is for the bot's owners to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.commands.command import OFF, ON, Argument, Command, Kind
from bot.commands.owners import tiers
from bot.faces.caller import Who
from bot.imagine.moderation import MAX_RULES, checked_pattern
from bot.imagine.server_settings import Nsfw as Nsfw
from bot.imagine.server_settings import ServerSettings as ServerSettings
from bot.imagine.server_settings import read_settings
from bot.messages import LANGUAGES, Names, UserError, say
from bot.render import Card
from storage.settings import Scope, Setting

if TYPE_CHECKING:
    from bot.commands.command import Given
    from bot.faces.caller import Caller
    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Translator


async def server_settings(service: Service, platform: str, server_id: str | None) -> ServerSettings:
    """A server's rules; the defaults in a private chat. Raises StoreUnavailable."""
    return await read_settings(service.store, Scope.server(platform, server_id) if server_id else None)


async def settings_card(service: Service, platform: str, server_id: str, t: Translator) -> Card:
    """`/settings`: a server's rules as they stand."""
    rules = await server_settings(service, platform, server_id)
    roles = ", ".join(f"{role} → {name}" for role, name in rules.roles.items())
    facts = (
        (t("settings-channels"), t.listed(rules.channels) or t("settings-everywhere")),
        (t("settings-roles"), roles or t("stats-none")),
        (t("settings-preview"), t("settings-on" if rules.preview else "settings-off")),
        (t("settings-language"), rules.language or t("settings-auto")),
        (t("settings-pictures"), t("settings-on" if rules.pictures else "settings-off")),
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
    """Let a role stand for a tier here; None takes that back."""
    if tier_name is not None and tier_name not in service.config.tiers:
        allowed = ", ".join(service.config.tiers)
        raise UserError(say("error-choice", option=Names("opt", "tier"), found=tier_name, allowed=allowed))
    rules = await server_settings(service, asker.platform, asker.server_id)
    roles = {role: name for role, name in rules.roles.items() if role != role_id}
    if tier_name is not None:
        roles[role_id] = tier_name
    return await _set(service, asker, "roles", roles, t, why)


async def set_option(
    service: Service, asker: Asker, name: str, value: str, t: Translator, why: str = ""
) -> Card:
    """Set one of a server's rules.

    They are `preview` and `pictures` (on, off), `language` (en, zh-CN, auto), `nsfw` (block, marked, allow).
    """
    word = value.strip().lower()
    switch = {**dict.fromkeys(ON, True), **dict.fromkeys(OFF, False)}
    choices: dict[str, dict[str, Any]] = {
        "preview": switch,
        "pictures": switch,
        "language": {**{known.lower(): known for known in LANGUAGES}, "auto": None},
        "nsfw": {rule.value: rule.value for rule in Nsfw},
    }
    if name not in choices:
        raise UserError(
            say("error-choice", option=Names("opt", "setting"), found=name, allowed=", ".join(choices))
        )
    if word not in choices[name]:
        allowed = "on, off" if choices[name] is switch else ", ".join(choices[name])
        raise UserError(say("error-choice", option=Names("settings", name), found=value, allowed=allowed))
    return await _set(service, asker, name, choices[name][word], t, why)


async def set_rules(
    service: Service,
    asker: Asker,
    t: Translator,
    *,
    word: str | None = None,
    pattern: str | None = None,
    blocked: bool = True,
) -> Card:
    """Block a word or a pattern in a server, or no longer; without either, show what is blocked."""
    if asker.scope is None:
        raise UserError(say("error-server-only"))
    settings = await service.store.settings.of(asker.scope)
    for key, rule in (
        (Setting.BLOCKED_WORDS, word),
        (Setting.BLOCKED_PATTERNS, pattern and checked_pattern(pattern)),
    ):
        if rule:
            kept = [known for known in settings.get(key) or () if known != rule]
            rules = [*kept, rule] if blocked else kept
            if len(rules) > MAX_RULES:
                raise UserError(say("moderation-many-rules", limit=MAX_RULES))
            by = (await service.members.of(asker)).key
            await service.store.settings.set(asker.scope, key, rules or None, by=by)
            settings[key] = rules
    facts = (
        (t("moderation-words"), t.listed(settings.get(Setting.BLOCKED_WORDS) or ()) or t("stats-none")),
        (
            t("moderation-patterns"),
            "\n".join(settings.get(Setting.BLOCKED_PATTERNS) or ()) or t("stats-none"),
        ),
    )
    return Card(t("moderation-title"), facts)


async def _set(service: Service, asker: Asker, key: str, value: object, t: Translator, why: str) -> Card:
    if asker.server_id is None:
        raise UserError(say("error-server-only"))
    by = (await service.members.of(asker)).key
    kept = value if value not in ([], {}) else None
    await service.store.settings.set(Scope.server(asker.platform, asker.server_id), key, kept, by=by, why=why)
    return await settings_card(service, asker.platform, asker.server_id, t)


async def _channel(service: Service, caller: Caller, given: Given) -> Card:
    return await set_channel(
        service, caller.asker, given["channel"], allowed=given.flag("allowed"), t=caller.t
    )


async def _role(service: Service, caller: Caller, given: Given) -> Card:
    return await set_role(service, caller.asker, given["role"], given["role-tier"] or None, caller.t)


async def _block(service: Service, caller: Caller, given: Given) -> Card:
    word, pattern, blocked = given["word"] or None, given["pattern"] or None, given.flag("blocked")
    return await set_rules(service, caller.asker, caller.t, word=word, pattern=pattern, blocked=blocked)


CHANNEL, ROLE = Argument("channel", Kind.CHANNEL, required=True), Argument("role", Kind.ROLE, required=True)
COMMANDS = (
    Command("settings channel", _channel, (CHANNEL, Argument("allowed", Kind.FLAG)), Who.MANAGER),
    Command("settings role", _role, (ROLE, Argument("role-tier", choices=tiers)), Who.OWNER),
    Command(
        "settings block",
        _block,
        (Argument("word"), Argument("pattern"), Argument("blocked", Kind.FLAG)),
        Who.MANAGER,
    ),
)
