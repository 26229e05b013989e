"""The commands of all faces besides /imagine. A face loops over `COMMANDS`; none knows a command by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.commands import general, members, owners, questions, server, stats
from bot.commands.command import Argument, Command, Kind
from bot.config.schema import AccessMode
from bot.faces.caller import Who
from bot.faces.platforms import PLATFORMS
from bot.imagine.server_settings import Nsfw
from bot.messages import LANGUAGES, UserError, say
from bot.render import Card

if TYPE_CHECKING:
    from bot.commands.command import Given
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service


async def _quota(service: Service, caller: Caller, given: Given) -> Card:
    return await general.quota(service, caller.asker, caller.t)


async def _queue(service: Service, caller: Caller, given: Given) -> Card:
    return await members.queue(service, caller.asker, caller.t)


async def _cancel(service: Service, caller: Caller, given: Given) -> Card:
    return await general.cancel(service, caller.asker, caller.t)


async def _history(service: Service, caller: Caller, given: Given) -> Card:
    return await questions.history(service, caller)


async def _link(service: Service, caller: Caller, given: Given) -> Card:
    return await questions.link(service, caller, given["code"])


async def _join(service: Service, caller: Caller, given: Given) -> Card:
    return await members.join(service, caller, given["invitation"])


def _by_invitation(config: Config) -> bool:
    return config.access.mode is AccessMode.CODE


async def _forget(service: Service, caller: Caller, given: Given) -> Card:
    return questions.forget(caller)


async def _language(service: Service, caller: Caller, given: Given) -> Card:
    return await questions.language(service, caller, given["language"])


async def _help(service: Service, caller: Caller, given: Given) -> Card:
    """How to ask on this platform, and the commands the caller may use."""
    t, names = caller.t, caller.names
    platform = PLATFORMS.get(caller.origin.platform)
    shown = [c for c in offered(service.config) if c.who is Who.MEMBER or caller.owner]
    lines = [
        f"/{names(c.message_id) if names and ' ' not in c.name else c.name} · {t(f'{c.message_id}-about')}"
        for c in shown
    ]
    how = t(platform.help if platform else "help-typed", imagine=names("cmd-imagine") if names else "imagine")
    text = "\n".join([how, "", *lines])
    if platform is not None and platform.fields:
        return Card("Easel", text=text)
    return general.help_text(service, t, text)


async def _stats_cost(service: Service, caller: Caller, given: Given) -> Card:
    period, t = given["period"], caller.t
    card = await general.stats(service.store, period, t, service.config)
    chart = await general.stats_chart(service.store, period, t, service.config)
    return Card(card.title, card.facts, card.text, picture=chart)


async def _stats_queue(service: Service, caller: Caller, given: Given) -> Card:
    return await stats.stats_queue(service, caller.asker, caller.t)


async def _stats_gpu(service: Service, caller: Caller, given: Given) -> Card:
    return await stats.stats_gpu(service, caller.asker, caller.t)


async def _stats_page(service: Service, caller: Caller, given: Given) -> Card:
    return await owners.page_link(service.store, service.config, caller.asker, caller.t)


async def _tier(service: Service, caller: Caller, given: Given) -> Card:
    who, name = given.somebody, given["tier"]
    until, why = given["until"], given["why"]
    return await owners.tier(service, caller.asker, who, name, caller.t, until=until, why=why)


async def _grant(service: Service, caller: Caller, given: Given) -> Card:
    """A redelivered event credits once."""
    key = f"{caller.origin.platform}:{caller.key}"
    who, count, why = given.somebody, given["count"], given["why"]
    return await owners.grant(service, caller.asker, who, count, caller.t, why=why, key=key)


async def _ban(service: Service, caller: Caller, given: Given) -> Card:
    return await owners.ban(service, caller.asker, given.somebody, caller.t, why=given["why"])


async def _unban(service: Service, caller: Caller, given: Given) -> Card:
    return await owners.unban(service, caller.asker, given.somebody, caller.t, why=given["why"])


async def _pause(service: Service, caller: Caller, given: Given) -> Card:
    return await owners.pause(service, caller.asker, caller.t)


async def _resume(service: Service, caller: Caller, given: Given) -> Card:
    return await owners.resume(service, caller.asker, caller.t)


async def _settings(service: Service, caller: Caller, given: Given) -> Card:
    return await questions.settings(service, caller)


async def _settings_set(service: Service, caller: Caller, given: Given) -> Card:
    return await questions.set_setting(service, caller, given["setting"], given["value"])


async def _settings_channel(service: Service, caller: Caller, given: Given) -> Card:
    channel, allowed = given["channel"], given.flag("allowed")
    return await server.set_channel(service, caller.asker, channel, allowed=allowed, t=caller.t)


async def _settings_role(service: Service, caller: Caller, given: Given) -> Card:
    return await server.set_role(service, caller.asker, given["role"], given["role-tier"] or None, caller.t)


async def _settings_block(service: Service, caller: Caller, given: Given) -> Card:
    word, pattern, blocked = given["word"] or None, given["pattern"] or None, given.flag("blocked")
    return await server.set_rules(
        service, caller.asker, caller.t, word=word, pattern=pattern, blocked=blocked
    )


def _tiers(config: Config) -> tuple[str, ...]:
    return tuple(config.tiers)


def _languages(_: Config) -> tuple[str, ...]:
    return (*LANGUAGES, members.AUTO)


MEMBER, WHY = Argument("member", Kind.MEMBER, required=True), Argument("why", Kind.TEXT)
SETTING = Argument("setting", required=True, choices=lambda _: ("preview", "language", "nsfw"))
VALUE = Argument(
    "value",
    required=True,
    choices=lambda config: ("on", "off", *_languages(config), *(rule for rule in Nsfw)),
)

COMMANDS: tuple[Command, ...] = (
    Command("quota", _quota),
    Command("queue", _queue),
    Command("history", _history),
    Command("cancel", _cancel),
    Command("language", _language, (Argument("language", choices=_languages),)),
    Command("link", _link, (Argument("code"),), alone=True),
    Command(
        "join", _join, (Argument("invitation", Kind.TEXT, required=True),), alone=True, when=_by_invitation
    ),
    Command("forget", _forget, alone=True),
    Command("help", _help),
    Command("stats cost", _stats_cost, (Argument("period"),), Who.OWNER),
    Command("stats queue", _stats_queue, who=Who.OWNER),
    Command("stats gpu", _stats_gpu, who=Who.OWNER),
    Command("stats page", _stats_page, who=Who.OWNER, alone=True),
    Command(
        "tier set",
        _tier,
        (MEMBER, Argument("tier", required=True, choices=_tiers), Argument("until", Kind.DATE), WHY),
        Who.OWNER,
    ),
    Command("grant", _grant, (MEMBER, Argument("count", Kind.NUMBER, required=True), WHY), Who.OWNER),
    Command("ban", _ban, (MEMBER, WHY), Who.OWNER),
    Command("unban", _unban, (MEMBER, WHY), Who.OWNER),
    Command("pause", _pause, who=Who.OWNER),
    Command("resume", _resume, who=Who.OWNER),
    Command("settings show", _settings, who=Who.MANAGER),
    Command("settings set", _settings_set, (SETTING, VALUE), Who.MANAGER),
    Command(
        "settings channel",
        _settings_channel,
        (Argument("channel", Kind.CHANNEL, required=True), Argument("allowed", Kind.FLAG)),
        Who.MANAGER,
    ),
    Command(
        "settings role",
        _settings_role,
        (Argument("role", Kind.ROLE, required=True), Argument("role-tier", choices=_tiers)),
        Who.OWNER,
    ),
    Command(
        "settings block",
        _settings_block,
        (Argument("word"), Argument("pattern"), Argument("blocked", Kind.FLAG)),
        Who.MANAGER,
    ),
)


def offered(config: Config) -> tuple[Command, ...]:
    """The commands that a bot with these settings has."""
    return tuple(command for command in COMMANDS if command.when(config))


def named(name: str, words: str = "") -> tuple[Command, str]:
    """The command of a typed name, and the words that are left for its arguments.

    Of a group (`stats`) the next word chooses; where it does not, the first command that can take the words.
    Raises `UserError` where there is no such command.
    """
    group = [command for command in COMMANDS if command.group == name.lower()]
    word, _, rest = words.strip().partition(" ")
    for command in group:
        if command.name == name.lower() or command.name == f"{name} {word}".lower():
            return command, words.strip() if command.name == name.lower() else rest.strip()
    for command in group:
        takes = bool(command.arguments) if word else not any(a.required for a in command.arguments)
        if takes:
            return command, words.strip()
    raise UserError(say("error-command", command=f"/{name}"))


def names(config: Config, upto: Who = Who.MEMBER, *, alone: bool = True) -> tuple[str, ...]:
    """The first words of what callers up to `upto` may ask this bot, each once, in the table's order.

    `alone` False leaves out what is answered only where nobody else reads it.
    """
    asked = (c for c in offered(config) if c.who <= upto and (alone or not c.alone))
    return tuple(dict.fromkeys(c.group for c in asked))
