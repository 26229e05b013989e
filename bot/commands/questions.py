"""Buttons that answer a question or turn a page, and what a press of one does.

What a button means stands in its id (`button_ids.py`), so it means the same days later and after a restart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.commands import allowance, linking, members, server
from bot.commands.button_ids import Action, Reply, button_id, reply_id
from bot.commands.command import Argument, Command
from bot.commands.history import history as read_history
from bot.faces.caller import Who
from bot.imagine.server_settings import Nsfw
from bot.messages import LANGUAGES
from bot.render import Button, Card
from bot.sales import commands as sales

if TYPE_CHECKING:
    from bot.commands.button_ids import Replied
    from bot.commands.command import Given
    from bot.commands.history import Entry, Page
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service


HERE = "here"
"""The setting that keeps the bot to the channel in which its button is pressed."""


async def answer(service: Service, caller: Caller, pressed: Replied) -> Card:
    """What is to be shown in the place of the question. Raises `UserError`."""
    asker, t, target = caller.asker, caller.t, pressed.target
    match pressed.reply:
        case Reply.LINK | Reply.LINK_NOT:
            yes = pressed.reply is Reply.LINK
            return await linking.answer_link(service, asker, target, yes=yes, t=t)
        case Reply.UNLINK:
            return await linking.unlink(service, asker, t)
        case Reply.UNLINK_NOT:
            return Card(t("unlink-title"), text=t("unlink-kept"))
        case Reply.FORGET:
            return await members.forget(service, await service.members.of(asker), t)
        case Reply.FORGET_NOT:
            return Card(t("forget-title"), text=t("forget-kept"))
        case Reply.OLDER:
            return await history(service, caller, target)
        case Reply.LANGUAGE:
            return await members.set_language(service, asker, target)
        case Reply.PLANS:
            return await sales.plans(service, caller)
        case Reply.BUY:
            return await sales.buy(service, caller, target)
        case Reply.SLOW:
            return await allowance.go_slowly(service, caller, target)
        case Reply.SETTING:
            await caller.require(Who.MANAGER)
            name, _, value = target.partition("=")
            return await set_setting(service, caller, name, value)


async def link(service: Service, caller: Caller, code: str) -> Card:
    """A step of `/link`, with yes and no where it asks."""
    t = caller.t
    step = await linking.link(service, caller.asker, code, t)
    if step.offer_id is None:
        return step.card
    yes = Button(t("link-yes"), reply_id(Reply.LINK, step.offer_id))
    no = Button(t("link-no"), reply_id(Reply.LINK_NOT, step.offer_id))
    return Card(step.card.title, text=step.card.text, buttons=(yes, no))


def forget(caller: Caller) -> Card:
    """Whether everything shall be erased."""
    t = caller.t
    question = members.forget_question(t)
    yes = Button(t("forget-yes"), reply_id(Reply.FORGET), danger=True)
    return Card(
        question.title, text=question.text, buttons=(yes, Button(t("forget-no"), reply_id(Reply.FORGET_NOT)))
    )


async def unlink(service: Service, caller: Caller) -> Card:
    """Whether the caller's account shall be on its own again."""
    t = caller.t
    question = await linking.unlink_question(service, caller.asker, t)
    yes = Button(t("unlink-yes"), reply_id(Reply.UNLINK), danger=True)
    no = Button(t("unlink-no"), reply_id(Reply.UNLINK_NOT))
    return Card(question.title, text=question.text, buttons=(yes, no))


async def language(service: Service, caller: Caller, choice: str) -> Card:
    """Speak the chosen language with the caller, or ask which."""
    if choice:
        return await members.set_language(service, caller.asker, choice)
    t = caller.t
    names = {**members.LANGUAGE_NAMES, members.AUTO: t("language-auto")}
    question = members.language_question(t)
    buttons = tuple(Button(name, reply_id(Reply.LANGUAGE, choice)) for choice, name in names.items())
    return Card(question.title, text=question.text, buttons=buttons)


async def history(service: Service, caller: Caller, before: str | None = None) -> Card:
    """A page of the caller's requests; where others read along, only those that are not private."""
    page = await read_history(service, caller.asker, before, caller.t, with_private=caller.origin.alone)
    return _page(page, caller)


async def settings(service: Service, caller: Caller) -> Card:
    """A server's rules, with buttons that each say what pressing it sets."""
    assert caller.asker.server_id is not None
    card = await server.settings_card(service, caller.asker.platform, caller.asker.server_id, caller.t)
    rules = await server.server_settings(service, caller.asker.platform, caller.asker.server_id)
    t, here = caller.t, caller.origin.channel_id
    flip = "off" if rules.preview else "on"
    members_bring = "off" if rules.pictures else "on"
    nsfw = Nsfw.BLOCK if rules.nsfw is Nsfw.ALLOW else Nsfw.ALLOW
    languages = [*members.LANGUAGE_NAMES, members.AUTO]
    following = languages[(languages.index(rules.language or members.AUTO) + 1) % len(languages)]
    spoken = members.LANGUAGE_NAMES.get(following, t("settings-auto"))
    changes = [
        ("preview", flip, t(f"settings-{flip}")),
        ("language", following, spoken),
        ("pictures", members_bring, t(f"settings-{members_bring}")),
        ("nsfw", nsfw, t(f"settings-nsfw-{nsfw}")),
    ]
    buttons = [
        Button(f"{t(f'settings-{name}')} → {shown}", reply_id(Reply.SETTING, f"{name}={value}"))
        for name, value, shown in changes
    ]
    if here is not None:
        listed = here in rules.channels
        label = t("settings-here-off" if listed else "settings-here-on")
        buttons.append(Button(label, reply_id(Reply.SETTING, f"{HERE}={'off' if listed else 'on'}")))
    return Card(card.title, card.facts, card.text, buttons=tuple(buttons))


async def set_setting(service: Service, caller: Caller, name: str, value: str) -> Card:
    """Change one rule of the server asked in, and show them all."""
    if name == HERE and caller.origin.channel_id is not None:
        here, allowed = caller.origin.channel_id, value == "on"
        await server.set_channel(service, caller.asker, here, allowed=allowed, t=caller.t)
    else:
        await server.set_option(service, caller.asker, name, value, caller.t)
    return await settings(service, caller)


def _page(page: Page, caller: Caller) -> Card:
    parts = tuple(
        replace(entry.card, title=f"{n}. {entry.card.title}", buttons=_of_entry(entry, n, caller))
        for n, entry in enumerate(page.entries, 1)
    )
    more = (Button(f"{caller.t('history-more')} ›", reply_id(Reply.OLDER, page.after)),) if page.after else ()
    return Card(page.title, parts=parts, buttons=more)


def _of_entry(entry: Entry, number: int, caller: Caller) -> tuple[Button, ...]:
    """What was never handed over is fetched as a whole; the rest is there file by file."""
    if entry.waiting:
        return (Button(f"{number} · {caller.t('button-fetch')}", button_id(Action.FETCH, entry.request_id)),)
    one = len(entry.job_ids) == 1
    return tuple(
        Button(f"{number}" if one else f"{number}.{n}", button_id(Action.SINGLE, job_id))
        for n, job_id in enumerate(entry.job_ids, 1)
    )


def _languages(_: Config) -> tuple[str, ...]:
    return (*LANGUAGES, members.AUTO)


def _values(config: Config) -> tuple[str, ...]:
    return ("on", "off", *_languages(config), *(rule for rule in Nsfw))


async def _forget(service: Service, caller: Caller, _: Given) -> Card:
    return forget(caller)


SETTING = Argument("setting", required=True, choices=lambda _: ("preview", "language", "pictures", "nsfw"))
COMMANDS = (
    Command("history", lambda service, caller, _: history(service, caller)),
    Command(
        "link",
        lambda service, caller, given: link(service, caller, given["code"]),
        (Argument("code"),),
        alone=True,
    ),
    Command("unlink", lambda service, caller, _: unlink(service, caller), alone=True),
    Command(
        "language",
        lambda service, caller, given: language(service, caller, given["language"]),
        (Argument("language", choices=_languages),),
    ),
    Command("forget", _forget, alone=True),
)
SETTINGS = (
    Command("settings show", lambda service, caller, _: settings(service, caller), who=Who.MANAGER),
    Command(
        "settings set",
        lambda service, caller, given: set_setting(service, caller, given["setting"], given["value"]),
        (SETTING, Argument("value", required=True, choices=_values)),
        Who.MANAGER,
    ),
)
